"""The command registry: menus, buttons, keys and the palette all show these actions."""

from collections.abc import Mapping

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from medbench.ui.actions.spec import ActionSpec, meet
from medbench.ui.theme.icons import icon

VIEWPORT = "viewport"
"""Context of keys that belong to the viewport with the focus: arrows, Home, Tab ..."""


def native(key: str) -> str:
    """A key as this system writes it."""
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)


class ActionRegistry(QObject):
    """Holds one QAction per command; the shortcut works wherever the main window has the focus.

    Signals
    -------
    registered : str
        A command was added.
    keys_changed
        Commands have other keys.
    """

    registered = Signal(str)
    keys_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._specs: dict[str, ActionSpec] = {}
        self._actions: dict[str, QAction] = {}
        self._host: QWidget | None = None
        self._keys: dict[str, str] = {}
        self._workspace: str | None = None
        self._context = ""

    def attach(self, host: QWidget) -> None:
        """Make shortcuts live in a window."""
        self._host = host
        for action in self._actions.values():
            host.addAction(action)

    def register(self, spec: ActionSpec) -> QAction:
        """Add a command; ids and default keys are unique where they meet (ValueError)."""
        if spec.action_id in self._specs:
            raise ValueError(f"the command {spec.action_id} is registered twice")
        if spec.shortcut and any(
            s.shortcut == spec.shortcut and meet(s, spec) for s in self._specs.values()
        ):
            raise ValueError(f"the key {spec.shortcut} of {spec.action_id} is taken")
        action = QAction(spec.title, self)
        action.setObjectName(spec.action_id)
        action.setCheckable(spec.checkable)
        if spec.icon:
            action.setIcon(icon(spec.icon))
        action.triggered.connect(spec.callback)
        self._specs[spec.action_id] = spec
        self._actions[spec.action_id] = action
        if self._host is not None:
            self._host.addAction(action)
        self._show_key(spec, self._stolen())
        self.registered.emit(spec.action_id)
        return action

    def action(self, action_id: str) -> QAction:
        """The action of a command."""
        return self._actions[action_id]

    def spec(self, action_id: str) -> ActionSpec:
        """The declaration of a command."""
        return self._specs[action_id]

    def specs(self) -> tuple[ActionSpec, ...]:
        """All commands, in order of registration."""
        return tuple(self._specs.values())

    # keys

    def key_of(self, action_id: str) -> str:
        """The key a command has now, portable text; '' for none."""
        return self._keys.get(action_id, self._specs[action_id].shortcut)

    def set_keys(self, keys: Mapping[str, str]) -> None:
        """Keys that differ from the commands' own, by command; '' takes a key away."""
        self._keys = dict(keys)
        self._show_keys()
        self.keys_changed.emit()

    def conflicts(self, action_id: str, key: str) -> tuple[ActionSpec, ...]:
        """Other commands that have this key where the command would be asked for."""
        if not key:
            return ()
        mine = self._specs[action_id]
        return tuple(
            spec
            for spec in self._specs.values()
            if spec.action_id != action_id and self.key_of(spec.action_id) == key
            and meet(spec, mine)
        )  # fmt: skip

    def command_for(self, key: str, context: str) -> QAction | None:
        """The enabled command of a context that a key means, in the workspace that is shown."""
        for spec in self._specs.values():
            if spec.context == context and self.key_of(spec.action_id) == key:
                action = self._actions[spec.action_id]
                if self._reaches(spec) and action.isEnabled():
                    return action
        return None

    def enable_for(self, workspace: str) -> None:
        """Keys of a workspace's commands work only while it is shown."""
        self._workspace = workspace
        self._show_keys()

    def enter(self, context: str) -> None:
        """Keys of a part of the workspace work now, before the workspace's; '' leaves it."""
        if context != self._context:
            self._context = context
            self._show_keys()

    @property
    def context(self) -> str:
        """The part that was entered."""
        return self._context

    def _reaches(self, spec: ActionSpec) -> bool:
        return not spec.workspace or self._workspace in (None, spec.workspace)

    def _live(self, spec: ActionSpec) -> bool:
        """Whether its key belongs to the window now."""
        return self._reaches(spec) and spec.context in ("", self._context)

    def _stolen(self) -> set[str]:
        """Keys that the entered part takes from the rest."""
        if not self._context:
            return set()
        return {
            self.key_of(spec.action_id) for spec in self._specs.values()
            if spec.context == self._context and self._reaches(spec)
        }  # fmt: skip

    def _show_keys(self) -> None:
        stolen = self._stolen()
        for spec in self._specs.values():
            self._show_key(spec, stolen)

    def _show_key(self, spec: ActionSpec, stolen: set[str]) -> None:
        action, key = self._actions[spec.action_id], self.key_of(spec.action_id)
        works = self._live(spec) and (bool(spec.context) or key not in stolen)
        action.setShortcut(QKeySequence(key if works else ""))
        tip = spec.tooltip or spec.title
        action.setToolTip(f"{tip} ({native(key)})" if key else tip)

    def refresh_icons(self) -> None:
        """Recolour after a change of theme."""
        for spec in self._specs.values():
            if spec.icon:
                self._actions[spec.action_id].setIcon(icon(spec.icon))
