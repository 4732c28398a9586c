"""Messages that float over the page: they never block, and errors stay until closed."""

from PySide6.QtCore import QTimer, Slot
from PySide6.QtWidgets import QWidget

from medbench.session.messages import Level, Message, Messages
from medbench.ui.widgets import IconButton, Notice

_SHOWN_MS = {Level.SUCCESS: 4000, Level.INFO: 4000, Level.WARNING: 9000}
_WIDTH, _EDGE = 420, 16


class Toast(QWidget):
    """The newest message in the lower right corner."""

    def __init__(self, messages: Messages, parent: QWidget) -> None:
        super().__init__(parent)
        self._notice: Notice | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.dismiss)
        messages.posted.connect(self._show)
        self.hide()

    @Slot(object)
    def _show(self, message: Message) -> None:
        self.dismiss()
        if message.level in (Level.SUCCESS, Level.INFO):
            return  # the status bar says it; only trouble comes to the front
        close = IconButton("x", self.tr("Close message"), size=14)
        close.clicked.connect(self.dismiss)
        words = "\n".join(part for part in (message.text, message.advice) if part)
        self._notice = Notice(message.level.value, words, close, self)
        self._notice.setAccessibleName(message.text)
        self._notice.setFixedWidth(_WIDTH)
        self._notice.adjustSize()
        self._notice.setAutoFillBackground(True)
        self._notice.show()
        self.setFixedSize(self._notice.size())
        self.place()
        self.show()
        self.raise_()
        if duration := _SHOWN_MS.get(message.level):
            self._timer.start(duration)

    def place(self) -> None:
        """Stay in the corner of the parent."""
        parent = self.parentWidget()
        if parent is not None:
            self.move(
                parent.width() - self.width() - _EDGE, parent.height() - self.height() - 29 - _EDGE
            )

    @Slot()
    def dismiss(self) -> None:
        """Close the message."""
        self._timer.stop()
        if self._notice is not None:
            self._notice.deleteLater()
            self._notice = None
        self.hide()

    def stop(self) -> None:
        """No timer stays behind."""
        self._timer.stop()
