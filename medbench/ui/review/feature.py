"""A part of Review that brings tools, commands and a tab; a new one is a line in `features`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QTabWidget, QWidget

if TYPE_CHECKING:
    from medbench.ui.review.workspace import ReviewWorkspace


@dataclass(frozen=True)
class ToolButtonSpec:
    """A button of the tool bar."""

    command: str
    """``medbench.review.<command>``, registered by the feature."""
    icon: str
    variants: tuple[str, ...] = ()
    """Commands under its arrow."""
    rank: int = 0
    """The higher, the earlier it goes under "More" where the bar is narrow."""


class Feature(QObject):
    """Built once with the page; works through its public members.

    ``page.session``, ``page.toolbox``, ``page.actions_registry``; ``page.model`` and
    ``page.active`` are those of the active viewport (``page.model_changed`` tells of another),
    ``page.views()`` the viewports on the screen. Commands are registered with
    `medbench.ui.review.commands.register_rows`.
    """

    order = 100
    """Place of its tab and buttons."""
    tab_id = ""
    """Name of its tab for `ReviewWorkspace.show_tab`."""

    def __init__(self, page: "ReviewWorkspace") -> None:
        super().__init__(page)
        self.page = page
        self.session = page.session

    def tab(self) -> tuple[str, QWidget] | None:
        """Translated title and panel of the right side; called once."""
        return None

    def tabs_ready(self, tabs: QTabWidget) -> None:
        """The right side is built: a feature may hide its tab where it has nothing to say."""

    def buttons(self) -> tuple[ToolButtonSpec, ...]:
        """Buttons of the tool bar, in order."""
        return ()

    def bar(self) -> QWidget | None:
        """Words above the viewports, in one row with other features (it shows and hides them)."""
        return None

    def strip(self) -> QWidget | None:
        """A bar below the viewports (the feature shows and hides it)."""
        return None
