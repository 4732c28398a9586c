"""The one channel for what the user should read; works before any window exists."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from PySide6.QtCore import QObject, Signal


class Level(StrEnum):
    """How much a message matters."""

    INFO = "info"
    SUCCESS = "success"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Message:
    """One message: what happened, what to do, details on request."""

    level: Level
    text: str
    advice: str = ""
    details: str = ""
    when: datetime = field(default_factory=lambda: datetime.now().astimezone())


class Messages(QObject):
    """Keeps every message of the session, newest last.

    Signals
    -------
    posted : Message
        A message was added.
    """

    posted = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._log: list[Message] = []

    @property
    def log(self) -> tuple[Message, ...]:
        """All messages, oldest first."""
        return tuple(self._log)

    def post(self, level: Level, text: str, advice: str = "", details: str = "") -> None:
        """Add a message. Call from the GUI thread."""
        message = Message(level, text, advice, details)
        self._log.append(message)
        self.posted.emit(message)

    def info(self, text: str) -> None:
        """Something happened."""
        self.post(Level.INFO, text)

    def success(self, text: str) -> None:
        """Something the user asked for is done."""
        self.post(Level.SUCCESS, text)

    def warning(self, text: str, advice: str = "", details: str = "") -> None:
        """Something the user should look at."""
        self.post(Level.WARNING, text, advice, details)

    def error(self, text: str, advice: str = "", details: str = "") -> None:
        """Something failed; never vanishes by itself."""
        self.post(Level.ERROR, text, advice, details)
