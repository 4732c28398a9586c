"""Right panel of the ECG page: intervals, median beat, marks."""

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from medbench.domain.ecg_marks import EcgMarkKind, EcgValue
from medbench.ui.review.ecg.desk import EcgDesk
from medbench.ui.review.ecg.mark_words import (
    kind_word,
    mark_text,
    range_text,
    reason_text,
    value_text,
    value_title,
)
from medbench.ui.review.ecg.median_plot import MedianPlot
from medbench.ui.theme.icons import set_icon
from medbench.ui.widgets import Button, IconButton, SectionTitle, hbox, icon_label, label

BOXES = ("rate", "pr", "qrs", "qt", "qtc_fridericia", "axis")


class _Box(QFrame):
    """One number: name, value and unit, usual range, an arrow where it lies outside."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName("card")
        self.name = name
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 6, 8, 6)
        column.setSpacing(0)
        head = hbox(spacing=2)
        head.addWidget(label(value_title(name), "secondary"))
        head.addStretch(1)
        self.arrow = icon_label("arrow-up", "warning", 14)
        head.addWidget(self.arrow)
        column.addLayout(head)
        row = hbox(spacing=4)
        self.value = label("–", "section")
        self.unit = label("", "secondary")
        row.addWidget(self.value)
        row.addWidget(self.unit)
        row.addStretch(1)
        column.addLayout(row)
        self.range = label("", "caption")
        column.addWidget(self.range)
        self.arrow.hide()

    def show_value(self, value: EcgValue | None) -> None:
        """Fill in; None: not measured yet."""
        self.value.setText("–" if value is None else value_text(value))
        known = value is not None and value.value is not None
        self.unit.setText(value.unit if value is not None and known else "")
        self.range.setText(range_text(value) if value is not None else "")
        side = value.side if value is not None else 0
        self.arrow.setVisible(side != 0)
        if side:
            set_icon(self.arrow, "arrow-up" if side > 0 else "arrow-down", "warning", 14)
        reason = reason_text(value.reason) if value is not None else ""
        self.setToolTip(reason)
        outside = {1: self.tr("above the usual range"), -1: self.tr("below the usual range")}
        words = [self.value.text(), self.unit.text(), outside.get(side, ""), reason]
        self.setAccessibleName(value_title(self.name))
        self.setAccessibleDescription(" ".join(word for word in words if word))


class EcgPanel(QWidget):
    """Follows the desk of the waveform that is shown.

    Signals
    -------
    mark_chosen : str
        A mark of the list shall be shown.
    """

    mark_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.desk: EcgDesk | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(8)
        head = hbox()
        head.addWidget(SectionTitle(self.tr("Intervals")))
        head.addStretch(1)
        self.of = label("", "secondary")
        head.addWidget(self.of)
        self.copy = IconButton("copy", self.tr("Copy the numbers"))
        self.copy.clicked.connect(self._copy)
        head.addWidget(self.copy)
        column.addLayout(head)
        grid = QGridLayout()
        grid.setSpacing(6)
        self.boxes = {name: _Box(name) for name in BOXES}
        for index, box in enumerate(self.boxes.values()):
            grid.addWidget(box, index // 3, index % 3)
            grid.setColumnStretch(index % 3, 1)
        column.addLayout(grid)
        self.bazett = label("", "secondary")
        column.addWidget(self.bazett)
        self.plot = MedianPlot()
        column.addWidget(self.plot)
        self.moved = label(self.tr("Points moved by the reader"), "secondary")
        self.back = Button(self.tr("Measured points"), "normal", "rotate-ccw")
        self.back.clicked.connect(self._reset)
        row = hbox()
        row.addWidget(self.moved)
        row.addStretch(1)
        row.addWidget(self.back)
        column.addLayout(row)
        self.reasons = label("", "secondary", wrap=True)
        column.addWidget(self.reasons)
        self._method = label(self.tr(
            "Measured on the signal as recorded (0.5 to 150 Hz, zero phase). T ends at the corner "
            "behind its steepest slope, median of the leads; onsets and J in the leads together; "
            "axis from net areas in I and aVF. Not verified."
        ), "caption", wrap=True)  # fmt: skip
        column.addWidget(self._method)
        column.addWidget(SectionTitle(self.tr("Marks")))
        self.list = QListWidget()
        self.list.setAccessibleName(self.tr("Marks on the trace"))
        self.list.setMinimumHeight(96)
        self.list.itemActivated.connect(self._chosen)
        self.list.itemClicked.connect(self._chosen)
        column.addWidget(self.list, 1)
        self.refresh()

    def follow(self, desk: EcgDesk) -> None:
        """Speak of another page."""
        if desk is not self.desk:
            self.desk = self.plot.desk = desk
            desk.measured.connect(self.refresh)
            desk.marks_changed.connect(self.refresh)
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Numbers, plot and list again."""
        desk = self.desk
        values = {value.name: value for value in desk.values} if desk is not None else {}
        for name, box in self.boxes.items():
            box.show_value(values.get(name))
        bazett = values.get("qtc_bazett")
        if bazett is not None and bazett.value is not None:
            self.bazett.setText(self.tr("QTc Bazett {0} ms").format(value_text(bazett)))
        self.bazett.setVisible(bazett is not None and bazett.value is not None)
        median = self.plot.beat
        if desk is not None and desk.busy:
            measuring = self.tr("Measuring ... {0} %").format(round(100 * desk.share))
            self.of.setText(measuring if desk.share else self.tr("Measuring ..."))
        elif median is not None:
            self.of.setText(self.tr("median of {0} beats").format(median.beats))
        else:
            self.of.setText(self.tr("no median beat"))
        reasons = dict.fromkeys(
            self.tr("{0}: {1}").format(value_title(v.name), reason_text(v.reason))
            for v in values.values() if v.value is None and v.name != "qtc_bazett"
        )  # fmt: skip
        self.reasons.setText("\n".join(reasons))
        self.reasons.setVisible(bool(reasons))
        own = bool(desk is not None and desk.points_moved)
        self.moved.setVisible(own)
        self.back.setVisible(own)
        self.copy.setEnabled(bool(values))
        self.plot.update()
        self._fill_list()

    def _fill_list(self) -> None:
        marks = self.desk.marks if self.desk is not None else ()
        chosen = self.list.currentItem()
        kept = chosen.data(Qt.ItemDataRole.UserRole) if chosen is not None else ""
        self.list.clear()
        for mark in marks:
            kind = "" if mark.kind is EcgMarkKind.MARCH else kind_word(mark.kind)
            told = ", ".join(part for part in (mark.lead, kind, mark_text(mark)) if part)
            item = QListWidgetItem(told)
            item.setData(Qt.ItemDataRole.UserRole, mark.mark_id)
            self.list.addItem(item)
            if mark.mark_id == kept:
                self.list.setCurrentItem(item)

    @Slot(QListWidgetItem)
    def _chosen(self, item: QListWidgetItem) -> None:
        self.mark_chosen.emit(str(item.data(Qt.ItemDataRole.UserRole)))

    @Slot()
    def _reset(self) -> None:
        if self.desk is not None:
            self.desk.reset_points()

    def summary(self) -> str:
        """The numbers in one line of plain text."""
        if self.desk is None:
            return ""
        return ", ".join(
            f"{value_title(v.name)} {value_text(v)} {v.unit}".strip()
            for v in self.desk.values if v.value is not None
        )  # fmt: skip

    @Slot()
    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.summary())
