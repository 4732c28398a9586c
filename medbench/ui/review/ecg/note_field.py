"""The field in which a note on the trace is written."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QWidget


class NoteField(QLineEdit):
    """Enter keeps the text, so does leaving it; Escape drops it.

    Signals
    -------
    finished : str
        What was written; '' when it was dropped.
    """

    finished = Signal(str)

    def __init__(self, text: str, parent: QWidget) -> None:
        super().__init__(text, parent)
        self._open = True
        self.setAccessibleName(self.tr("Note on the trace"))
        self.setPlaceholderText(self.tr("Note"))
        self.setMaxLength(200)
        self.resize(220, 26)
        self.returnPressed.connect(self.keep)

    def keep(self) -> None:
        """Tell what was written, once."""
        if self._open:
            self._open = False
            self.finished.emit(self.text().strip())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.clear()
            self.keep()
            return
        super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.keep()
