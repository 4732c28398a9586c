"""What a workspace is to the frame; a new one is one file and one line in `ui.shell.workspaces`."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from medbench.session.session import Session
from medbench.ui.actions.registry import ActionRegistry


class Workspace(QWidget):
    """One activity: the widget itself is the centre, side panels are offered to the frame.

    Subclasses set ``workspace_id`` and ``icon``, register their commands in the constructor, and
    implement what they need.

    Signals
    -------
    context_changed : str, str
        Bold title and plain subtitle for the top bar.
    """

    workspace_id = ""
    icon = ""
    left_width = 256
    right_width = 320

    context_changed = Signal(str, str)

    def __init__(
        self, session: Session, actions: ActionRegistry, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.session = session
        self.actions_registry = actions

    def title(self) -> str:
        """Translated name under the rail icon."""
        raise NotImplementedError

    def left_panel(self) -> QWidget | None:
        """Panel left of the centre, created once, or None."""
        return None

    def right_panel(self) -> QWidget | None:
        """Panel right of the centre, created once, or None."""
        return None

    def activated(self) -> None:
        """Called each time the workspace is shown; same state on first and later entry."""

    def show_object(self, payload: object) -> None:
        """Show what another workspace asked for."""

    def restyle(self) -> None:
        """The theme changed: repaint what is not styled by the sheet."""
