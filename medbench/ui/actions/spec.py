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
    """Portable text, e.g. 'Ctrl+O': the key of the default map."""
    icon: str = ""
    """Icon name, see ui.theme.icons."""
    tooltip: str = ""
    checkable: bool = False
    workspace: str = ""
    """Workspace id in which it is enabled; empty = everywhere."""
    in_menu: bool = True
    context: str = ""
    """Part of the workspace where its key works ('ecg': while a waveform is shown); there its key
    goes before that of the workspace. 'viewport': only while a viewport has the focus."""


def meet(one: ActionSpec, other: ActionSpec) -> bool:
    """Whether the keys of two commands would be asked for at the same place."""
    if one.context != other.context:
        return False
    return not one.workspace or not other.workspace or one.workspace == other.workspace
