"""The list of segments: colour, name, volume, eye, lock, menu."""

from collections.abc import Callable

from PySide6.QtCore import QPoint, Qt, Signal, Slot
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QWidget

from medbench.domain.segment_edit import EditedSegment, EditedSegmentation
from medbench.imaging.segment_statistics import SegmentNumbers
from medbench.ui.review.segments.words import made_words, numbers_words, size_words
from medbench.ui.theme.current import current
from medbench.ui.theme.icons import set_icon
from medbench.ui.widgets import IconButton, hbox, label, vbox


class _Swatch(QWidget):
    def __init__(self, colour: tuple[int, int, int], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._colour = colour
        self.setFixedSize(16, 16)

    def show_colour(self, colour: tuple[int, int, int]) -> None:
        """Another colour."""
        self._colour = colour
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(current().outline), 1))
        painter.setBrush(QColor(*self._colour))
        painter.drawRoundedRect(self.rect().adjusted(1, 1, -2, -2), 2, 2)


def _small(icon: str, pressed: Callable[[], None]) -> IconButton:
    made = IconButton(icon, "", size=16)
    made.setFixedSize(24, 24)
    made.clicked.connect(pressed)
    return made


class SegmentRow(QFrame):
    """One segment.

    Signals
    -------
    chosen : int
        Paint with it.
    eye_clicked, lock_clicked : int
        Show or hide, lock or unlock it.
    menu_wanted : int, QPoint
        Everything else, at a place on the screen.
    stepped : int, int
        Arrow key: number, -1 or 1.
    """

    chosen = Signal(int)
    eye_clicked = Signal(int)
    lock_clicked = Signal(int)
    menu_wanted = Signal(int, QPoint)
    stepped = Signal(int, int)

    def __init__(self, segment: EditedSegment, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("row")
        self.number = segment.number
        self._segment = segment
        self._selected = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._context_menu)
        column = vbox(margins=(12, 7, 8, 7), spacing=1)
        self.setLayout(column)
        head = hbox(spacing=8)
        self._swatch = _Swatch(segment.colour)
        head.addWidget(self._swatch)
        self.name = label("")
        self.name.setMinimumWidth(40)
        head.addWidget(self.name, 1)
        self.volume = label("", "strong")
        head.addWidget(self.volume)
        self._eye = _small("eye", self._eye_pressed)
        head.addWidget(self._eye)
        self._last = _small("ellipsis", self._last_pressed)
        head.addWidget(self._last)
        column.addLayout(head)
        below = hbox(margins=(24, 0, 0, 0))
        self.made = label("", "caption")
        below.addWidget(self.made, 1)
        column.addLayout(below)
        self.facts = label("", "caption", wrap=True)
        inner = hbox(margins=(24, 0, 0, 0))
        inner.addWidget(self.facts, 1)
        column.addLayout(inner)
        self._icons = ("", "")

    def show_segment(self, segment: EditedSegment, *, selected: bool) -> None:
        """The segment as it is now."""
        self._segment, self._selected = segment, selected
        self._swatch.show_colour(segment.colour)
        self.name.setText(f"{segment.number} {segment.label}")
        self.made.setText(made_words(segment))
        self.facts.setVisible(selected)
        hides = self.tr("Hide {0}") if segment.shown else self.tr("Show {0}")
        more = self.tr("Unlock {0}") if segment.locked else self.tr("More for {0}")
        icons = ("eye" if segment.shown else "eye-off", "lock" if segment.locked else "ellipsis")
        for button, icon, old, words in zip(
            (self._eye, self._last), icons, self._icons, (hides, more), strict=True
        ):
            if icon != old:
                set_icon(button, icon, "text", 16)
            button.setToolTip(words.format(segment.label))
            button.setAccessibleName(words.format(segment.label))
        self._icons = icons
        self.update()

    def show_numbers(
        self, segmentation: EditedSegmentation, numbers: SegmentNumbers | None, unit: str
    ) -> None:
        """Volume, and for the chosen segment what else is counted."""
        size = size_words(segmentation, numbers)
        self.volume.setText(size)
        facts = numbers_words(numbers, unit)
        self.facts.setText(facts)
        self.setToolTip(facts)
        self.setAccessibleName(f"{self._segment.number} {self._segment.label}, {size}")
        self.setAccessibleDescription(made_words(self._segment))

    @Slot()
    def _eye_pressed(self) -> None:
        self.eye_clicked.emit(self.number)

    @Slot()
    def _last_pressed(self) -> None:
        if self._segment.locked:
            self.lock_clicked.emit(self.number)
            return
        below = self._last.mapToGlobal(QPoint(0, self._last.height()))
        self.menu_wanted.emit(self.number, below)

    @Slot(QPoint)
    def _context_menu(self, place: QPoint) -> None:
        self.menu_wanted.emit(self.number, self.mapToGlobal(place))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton:
            self.chosen.emit(self.number)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Return):
            self.chosen.emit(self.number)
        elif event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.stepped.emit(self.number, -1 if event.key() == Qt.Key.Key_Up else 1)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        if self._selected:
            painter.fillRect(self.rect(), QColor(current().selection))
            painter.fillRect(0, 0, 3, self.height(), QColor(current().accent))
        if self.hasFocus():
            painter.setPen(QPen(QColor(current().accent), 2))
            painter.drawRect(self.rect().adjusted(1, 1, -1, -1))
