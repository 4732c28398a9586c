"""Every command is one `ActionSpec`: menu entry, button, key and palette line come from it."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class ActionSpec:
    """A command, declared as data."""

    action_id: str
    """``medbench.<area>.<verb>_<noun>``."""
    title: str
    """Translated, sentence case, without mnemonic."""
    callback: Callable[..., None]
    """A bound method; never a lambda."""
    area: str = ""
    """Translated menu title, e.g. 'View'."""
    shortcut: str = ""
    """Portable text, e.g. 'Ctrl+O'."""
    icon: str = ""
    """Icon name, see ui.theme.icons."""
    tooltip: str = ""
    checkable: bool = False
    workspace: str = ""
    """Workspace id in which it is enabled; empty = everywhere."""
    in_menu: bool = True
