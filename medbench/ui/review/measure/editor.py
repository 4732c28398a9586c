"""A line to type words into, on the picture where they will stand."""

from PySide6.QtCore import QPointF, Qt, Signal, Slot
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QWidget

_WIDTH_PX = 190


class InlineEditor(QLineEdit):
    """Return or a click elsewhere keeps the words, Escape drops them.

    Signals
    -------
    written : str
        Words to keep; never empty.
    """

    written = Signal(str)

    def __init__(self, view: QWidget, at: QPointF, text: str = "") -> None:
        super().__init__(text, view)
        self._over = False
        name = self.tr("Text on the picture")
        self.setAccessibleName(name)
        self.setPlaceholderText(name)
        self.setFixedWidth(_WIDTH_PX)
        self.adjustSize()
        x = min(max(4, int(at.x()) + 10), max(4, view.width() - _WIDTH_PX - 4))
        y = min(max(4, int(at.y()) - self.height() // 2), max(4, view.height() - self.height() - 4))
        self.move(x, y)
        self.returnPressed.connect(self.keep)
        self.show()
        self.setFocus()
        self.selectAll()

    @Slot()
    def keep(self) -> None:
        """Done: hand the words over."""
        words = self.text().strip()
        self._end()
        if words:
            self.written.emit(words)

    def _end(self) -> None:
        if not self._over:
            self._over = True
            self.hide()
            self.deleteLater()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            view = self.parentWidget()
            self._end()
            if view is not None:
                view.setFocus()
            return
        super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if not self._over:
            self.keep()
