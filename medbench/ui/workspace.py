"""What a workspace is to the frame; a new one is one file and one line in `ui.shell.workspaces`."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from medbench.ui.actions.spec import ActionSpec


class Workspace(QWidget):
    """One activity: the widget itself is the centre, side panels are offered to the frame.

    Subclasses set ``workspace_id``, ``icon`` and implement what they need.

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

    def title(self) -> str:
        """Translated name under the rail icon."""
        raise NotImplementedError

    def left_panel(self) -> QWidget | None:
        """Panel left of the centre, created once, or None."""
        return None

    def right_panel(self) -> QWidget | None:
        """Panel right of the centre, created once, or None."""
        return None

    def actions_offered(self) -> list[ActionSpec]:
        """Commands of this workspace."""
        return []

    def activated(self) -> None:
        """Called each time the workspace is shown; same state on first and later entry."""
