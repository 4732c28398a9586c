"""The theme that is on, and the signal of a change; set by `medbench.ui.theme.apply` only."""

from PySide6.QtCore import QObject, Signal

from medbench.ui.theme.tokens import TOKENS, Tokens


class ThemeNotifier(QObject):
    """Tells custom-painted widgets to paint again.

    Signals
    -------
    changed
        Another theme is on.
    """

    changed = Signal()


_state = {"tokens": TOKENS["dark"]}


def current() -> Tokens:
    """Tokens of the theme that is on."""
    return _state["tokens"]


def set_current(tokens: Tokens) -> None:
    """Used by `medbench.ui.theme.apply`."""
    _state["tokens"] = tokens
