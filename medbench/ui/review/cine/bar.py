"""The strip below the viewports: play, range, speed, order, and what is really reached."""

from PySide6.QtCore import QSignalBlocker, Signal, Slot
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFrame,
    QSizePolicy,
    QSpinBox,
    QWidget,
)

from medbench.domain.cine import RATE_LIMITS, CineOrder, CineSource
from medbench.ui.theme.icons import set_icon
from medbench.ui.widgets import IconButton, SegmentedControl, hbox, label

SLICES, TIMES = "slices", "times"


class CineBar(QFrame):
    """Controls only: `CineDesk` plays.

    Signals
    -------
    play_clicked, closed
        Buttons.
    stepped : int
        One frame back or on.
    changed
        Range, speed or order.
    what_changed
        Slices or time points.
    hidden
        It went off the screen.
    """

    play_clicked = Signal()
    closed = Signal()
    stepped = Signal(int)
    changed = Signal()
    what_changed = Signal()
    hidden = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("toolbar")
        self.setFixedHeight(40)
        row = hbox(margins=(8, 0, 6, 0), spacing=6)
        self.setLayout(row)
        self.play_button = IconButton("play", self.tr("Play"))
        self.play_button.clicked.connect(self.play_clicked)
        back = IconButton("step-back", self.tr("One frame back"))
        back.clicked.connect(self._back)
        on = IconButton("step-forward", self.tr("One frame on"))
        on.clicked.connect(self._on)
        for button in (back, self.play_button, on):
            row.addWidget(button)
        self.what = SegmentedControl(
            [(SLICES, self.tr("Slices")), (TIMES, self.tr("Times"))],
            self.tr("What is played"),
        )
        self.what.changed.connect(self._what_changed)
        row.addWidget(self.what)
        self.first = self._number(self.tr("First frame of the range"))
        row.addWidget(self.first)
        row.addWidget(label("–", "secondary"))
        self.last = self._number(self.tr("Last frame of the range"))
        row.addWidget(self.last)
        self.speed = QDoubleSpinBox()
        self.speed.setAccessibleName(self.tr("Frames a second"))
        self.speed.setRange(*RATE_LIMITS)
        self.speed.setDecimals(1)
        self.speed.setSuffix(self.tr(" fps"))
        self.speed.setKeyboardTracking(False)
        self.speed.setFixedWidth(82)
        self.speed.valueChanged.connect(self._changed)
        row.addWidget(self.speed)
        self.order = QComboBox()
        self.order.setAccessibleName(self.tr("After the last frame"))
        for order, words in (
            (CineOrder.LOOP, self.tr("Loop")),
            (CineOrder.BOUNCE, self.tr("Bounce")),
            (CineOrder.ONCE, self.tr("Once")),
        ):
            self.order.addItem(words, order.value)
        self.order.currentIndexChanged.connect(self._changed)
        row.addWidget(self.order)
        self.source = label("", "secondary")
        # what does not fit is cut: the strip must never widen the window
        self.source.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        row.addWidget(self.source, 1)
        self.rate = label("", "secondary")
        self.rate.setAccessibleName(self.tr("Measured speed"))
        self.rate.setMinimumWidth(72)
        row.addWidget(self.rate)
        close = IconButton("x", self.tr("Stop and close"))
        close.clicked.connect(self.closed)
        row.addWidget(close)
        self.hide()

    def _number(self, name: str) -> QSpinBox:
        box = QSpinBox()
        box.setAccessibleName(name)
        box.setKeyboardTracking(False)
        box.setFixedWidth(54)
        box.valueChanged.connect(self._changed)
        return box

    @property
    def chosen_order(self) -> CineOrder:
        """What comes after the last frame."""
        return CineOrder(self.order.currentData())

    def show_range(self, count: int, first: int, last: int) -> None:
        """Another display: frames ``first`` to ``last`` (0-based) of ``count``."""
        for box, value in ((self.first, first), (self.last, last)):
            with QSignalBlocker(box):
                box.setRange(1, max(1, count))
                box.setValue(value + 1)

    def show_speed(self, rate: float, order: CineOrder) -> None:
        """What the file asks for."""
        with QSignalBlocker(self.speed), QSignalBlocker(self.order):
            self.speed.setValue(rate)
            self.order.setCurrentIndex(self.order.findData(order.value))

    def show_source(self, source: CineSource, rate: float) -> None:
        """Where the speed comes from."""
        words = self.tr("no speed in the file")
        if source is not CineSource.NONE:
            words = self.tr("{0}: {1:.1f} fps").format(source.value, rate)
        self.source.setText(words)
        self.source.setToolTip(words)

    def show_playing(self, playing: bool) -> None:
        """Turn the button."""
        name = self.tr("Pause") if playing else self.tr("Play")
        set_icon(self.play_button, "pause" if playing else "play")
        self.play_button.setToolTip(name)
        self.play_button.setAccessibleName(name)

    def show_rate(self, rate: float, dropped: int) -> None:
        """What was reached; nothing while it is not known."""
        words = self.tr("{0:.1f} fps shown") if not dropped else (
            self.tr("{0:.1f} fps shown, {1} dropped"))  # fmt: skip
        shown = words.format(rate, dropped) if rate > 0 else ""
        self.rate.setText(shown)
        self.rate.setToolTip(shown)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.hidden.emit()

    @Slot()
    def _back(self) -> None:
        self.stepped.emit(-1)

    @Slot()
    def _on(self) -> None:
        self.stepped.emit(1)

    @Slot()
    def _changed(self, _value: object = None) -> None:
        if self.first.value() > self.last.value():
            with QSignalBlocker(self.last):
                self.last.setValue(self.first.value())
        self.changed.emit()

    @Slot(str)
    def _what_changed(self, _key: str) -> None:
        self.what_changed.emit()
