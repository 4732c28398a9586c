"""Controls above the paper: group, layout, filters, speed, gain, size, look."""

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal, Slot
from PySide6.QtGui import QAction, QActionGroup, QResizeEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QMenu,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from medbench.imaging.signals import SignalFilter
from medbench.ui.actions.registry import ActionRegistry
from medbench.ui.review.ecg.layouts import Layout
from medbench.ui.review.ecg.scale import GAINS_MM_PER_MV, SPEEDS_MM_PER_S
from medbench.ui.theme.icons import set_icon
from medbench.ui.widgets import SegmentedControl, ToolButton

LOW_HZ, HIGH_HZ, NOTCH_HZ = (None, 0.05, 0.5), (None, 40.0, 100.0, 150.0), (None, 50.0, 60.0)
_LEAST_PX, _WITH_LOOK_PX, _WITH_SIZE_PX = 560, 720, 860
_ONE_ROW_PX = 1400
TOOLS = (
    ("tool_select", "mouse-pointer-2"), ("tool_pan", "hand"), ("tool_zoom", "zoom-in"),
    ("tool_caliper", "caliper"), ("tool_march", "move-horizontal"), ("tool_slope", "slash"),
    ("tool_note", "type"), ("toggle_snap", "magnet"), ("delete_mark", "trash-2"),
    ("reset_page", "rotate-ccw"),
)  # fmt: skip
"""Command and icon of each button."""
_GAPS = (3, 7)
SIZES = (0.5, 0.75, 1.0, 1.5, 2.0)


class WaveformBar(QFrame):
    """Emits what the reader chose; keeps nothing but the filter.

    Signals
    -------
    group_chosen : int
    layout_chosen : Layout
    filter_chosen : SignalFilter
    speed_chosen, gain_chosen : float
        mm/s and mm/mV.
    size_chosen : float
        1.0 is real size; 0 fits the width.
    look_chosen : str
    marks_toggled, statements_toggled : bool
    """

    group_chosen = Signal(int)
    layout_chosen = Signal(object)
    filter_chosen = Signal(object)
    speed_chosen = Signal(float)
    gain_chosen = Signal(float)
    size_chosen = Signal(float)
    look_chosen = Signal(str)
    marks_toggled = Signal(bool)
    statements_toggled = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("toolbar")
        self.setFixedHeight(49)
        self._filter = SignalFilter()
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 2, 8, 2)
        column.setSpacing(2)
        self._tool_row, row = QHBoxLayout(), QHBoxLayout()
        for line in (self._tool_row, row):
            line.setContentsMargins(0, 0, 0, 0)
            column.addLayout(line)
        self._tool_row.setSpacing(2)
        row.setSpacing(6)
        self._row = row
        self._tools = QWidget()
        self._tool_line = QHBoxLayout(self._tools)
        self._tool_line.setContentsMargins(0, 0, 0, 0)
        self._tool_line.setSpacing(2)
        row.addWidget(self._tools)
        self._tools.hide()
        self._two_rows = False
        self.group = self._combo(self.tr("Group of channels"))
        self.group.setMaximumWidth(150)
        self.group.setMinimumWidth(72)
        self.layout_box = self._combo(self.tr("Layout"))
        self.layout_box.setMaximumWidth(150)
        self.filter_button = self._button("signal", self.tr("Filter"))
        self.filter_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.filter_button.setMenu(self._filter_menu())
        self.marks = self._button("list-checks", self.tr("Marks"))
        self.marks.setCheckable(True)
        self.marks.setChecked(True)
        self.statements = self._button("text", self.tr("Text"))
        self.statements.setAccessibleName(self.tr("Statements in the file"))
        self.statements.setCheckable(True)
        self.statements.setChecked(True)
        for widget in (self.group, self.layout_box, self.filter_button, self.marks,
                       self.statements):  # fmt: skip
            row.addWidget(widget)
        row.addStretch(1)
        self.speed = self._combo(self.tr("Paper speed"))
        for speed in SPEEDS_MM_PER_S:
            self.speed.addItem(f"{speed:g} mm/s", speed)
        self.speed.setCurrentIndex(SPEEDS_MM_PER_S.index(25.0))
        self.gain = self._combo(self.tr("Gain"))
        for gain in GAINS_MM_PER_MV:
            self.gain.addItem(f"{gain:g} mm/mV", gain)
        self.gain.setCurrentIndex(GAINS_MM_PER_MV.index(10.0))
        self.size_box = self._combo(self.tr("Size of the paper"))
        self.size_box.addItem(self.tr("Fit width"), 0.0)
        for share in SIZES:
            words = self.tr("{0} % size").format(f"{share * 100:g}")
            self.size_box.addItem(self.tr("Real size") if share == 1 else words, share)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.look = SegmentedControl(
            [("paper", self.tr("Paper")), ("dark", self.tr("Dark"))], self.tr("Look")
        )
        self.speed.setMinimumWidth(102)
        self.gain.setMinimumWidth(112)
        for box in (self.speed, self.gain, self.size_box):
            row.addWidget(box)
        row.addWidget(self.look)
        self.group.activated.connect(self.group_chosen)
        self.layout_box.activated.connect(self._layout)
        self.speed.activated.connect(self._speed)
        self.gain.activated.connect(self._gain)
        self.size_box.activated.connect(self._size)
        self.look.changed.connect(self.look_chosen)
        self.marks.toggled.connect(self.marks_toggled)
        self.statements.toggled.connect(self.statements_toggled)

    def minimumSizeHint(self) -> QSize:
        """Narrow places fold what the mouse and keys do as well."""
        return QSize(_LEAST_PX, self.height())

    def add_tools(self, actions: ActionRegistry) -> None:
        """Buttons of the ECG tools, left of the rest or in a row above it."""
        for number, (name, icon) in enumerate(TOOLS):
            if number in _GAPS:
                self._tool_line.addSpacing(10)
            action = actions.action(f"medbench.ecg.{name}")
            self._tool_line.addWidget(ToolButton(action, icon))
        self._tool_line.addStretch(1)
        self._tools.show()
        self._arrange()

    def standard(self) -> None:
        """25 mm/s and 10 mm/mV."""
        for box, value, chosen in (
            (self.speed, 25.0, self.speed_chosen), (self.gain, 10.0, self.gain_chosen),
        ):  # fmt: skip
            box.setCurrentIndex(box.findData(value))
            chosen.emit(value)

    def _arrange(self) -> None:
        """One row where there is room for it."""
        two = not self._tools.isHidden() and self.width() < _ONE_ROW_PX
        if two != self._two_rows:
            self._two_rows = two
            home = self._tool_row if two else self._row
            (self._row if two else self._tool_row).removeWidget(self._tools)
            home.insertWidget(0, self._tools)
            self.setFixedHeight(98 if two else 49)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()
        self.size_box.setVisible(event.size().width() >= _WITH_SIZE_PX)
        self.look.setVisible(event.size().width() >= _WITH_LOOK_PX)

    def _combo(self, name: str) -> QComboBox:
        box = QComboBox()
        box.setAccessibleName(name)
        box.setToolTip(name)
        return box

    def _button(self, icon: str, text: str) -> QToolButton:
        button = QToolButton()
        button.setObjectName("tool")
        button.setText(text)
        button.setAccessibleName(text)
        set_icon(button, icon, "text", 18, "on_accent")
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        return button

    def _filter_menu(self) -> QMenu:
        menu = QMenu(self)
        menu.setAccessibleName(self.tr("Filter"))
        recorded = self.tr("as recorded")
        for side, title, values in (
            ("low_hz", self.tr("Baseline wander (high-pass)"), LOW_HZ),
            ("high_hz", self.tr("Muscle noise (low-pass)"), HIGH_HZ),
            ("notch_hz", self.tr("Mains (notch)"), NOTCH_HZ),
        ):
            menu.addSection(title)
            heading = menu.addAction(title)
            heading.setEnabled(False)
            group = QActionGroup(menu)
            for value in values:
                action = QAction(recorded if value is None else f"{value:g} Hz", menu)
                action.setCheckable(True)
                action.setChecked(value is None)
                action.setData((side, value))
                group.addAction(action)
                menu.addAction(action)
        menu.triggered.connect(self._filter_action)
        return menu

    @Slot(object)
    def _filter_action(self, action: QAction) -> None:
        if action.data() is not None:
            side, value = action.data()
            self.set_filter(replace(self._filter, **{side: value}))

    @property
    def filter(self) -> SignalFilter:
        """What is chosen."""
        return self._filter

    def set_filter(self, chosen: SignalFilter) -> None:
        """Choose filters; tells the view."""
        self._filter = chosen
        for action in self.filter_button.menu().actions():
            if action.data() is not None:
                side, value = action.data()
                action.setChecked(getattr(chosen, side) == value)
        self.filter_chosen.emit(chosen)

    def fill_groups(self, names: Sequence[str]) -> None:
        """Groups of the object; hidden where there is one."""
        with QSignalBlocker(self.group):
            self.group.clear()
            self.group.addItems(list(names))
        self.group.setVisible(len(names) > 1)

    def fill_layouts(self, layouts: Sequence[Layout], chosen: Layout) -> None:
        """Layouts that make sense; hidden where there is one."""
        words = {
            Layout.THREE_BY_FOUR: self.tr("3 × 4 + II"), Layout.SIX_BY_TWO: self.tr("6 × 2"),
            Layout.TWELVE_ROWS: self.tr("12 × 1"), Layout.CHANNELS: self.tr("All channels"),
        }  # fmt: skip
        with QSignalBlocker(self.layout_box):
            self.layout_box.clear()
            for layout in layouts:
                self.layout_box.addItem(words[layout], layout.value)
            self.layout_box.setCurrentIndex(list(layouts).index(chosen))
        self.layout_box.setVisible(len(layouts) > 1)

    def show_size(self, *, fits: bool, share: float) -> None:
        """Mark the size that is on; a size between the choices is written out."""
        known = [float(self.size_box.itemData(i)) for i in range(1 + len(SIZES))]
        while self.size_box.count() > len(known):
            self.size_box.removeItem(self.size_box.count() - 1)
        wanted = 0.0 if fits else share
        index = next((i for i, v in enumerate(known) if abs(v - wanted) < 0.005), -1)
        if index < 0:
            words = self.tr("{0} % size").format(f"{share * 100:.0f}")
            self.size_box.addItem(words, share)
            index = self.size_box.count() - 1
        self.size_box.setCurrentIndex(index)

    @Slot(int)
    def _layout(self, index: int) -> None:
        self.layout_chosen.emit(Layout(self.layout_box.itemData(index)))

    @Slot(int)
    def _speed(self, index: int) -> None:
        self.speed_chosen.emit(float(self.speed.itemData(index)))

    @Slot(int)
    def _gain(self, index: int) -> None:
        self.gain_chosen.emit(float(self.gain.itemData(index)))

    @Slot(int)
    def _size(self, index: int) -> None:
        self.size_chosen.emit(float(self.size_box.itemData(index)))
