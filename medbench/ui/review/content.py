"""What a view of an object without pixels is; each has a line in `object_views`."""

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from medbench.domain.image import DisplaySet
from medbench.session.session import Session


class ObjectView(QWidget):
    """Fills the middle of Review while an object without pixels is chosen.

    Signals
    -------
    link_requested : str, int
        SOP Instance UID and frame (0-based) the reader wants to see.
    """

    link_requested = Signal(str, int)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session

    @classmethod
    def accepts(cls, payload: Any) -> bool:
        """Whether this view shows what `medbench.formats.objects.read_object` gave."""
        raise NotImplementedError

    def show_object(self, display: DisplaySet, payload: Any) -> None:
        """Show it."""
        raise NotImplementedError
