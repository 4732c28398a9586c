"""The command registry: menus, buttons, keys and the palette all show these actions."""

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from medbench.ui.actions.spec import ActionSpec
from medbench.ui.theme.icons import icon


class ActionRegistry(QObject):
    """Holds one QAction per command; the shortcut works wherever the main window has the focus.

    Signals
    -------
    registered : str
        A command was added.
    """

    registered = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._specs: dict[str, ActionSpec] = {}
        self._actions: dict[str, QAction] = {}
        self._host: QWidget | None = None

    def attach(self, host: QWidget) -> None:
        """Make shortcuts live in a window."""
        self._host = host
        for action in self._actions.values():
            host.addAction(action)

    def register(self, spec: ActionSpec) -> QAction:
        """Add a command; ids and shortcuts are unique (ValueError)."""
        if spec.action_id in self._specs:
            raise ValueError(f"the command {spec.action_id} is registered twice")
        if spec.shortcut and any(
            s.shortcut == spec.shortcut and (not s.workspace or s.workspace == spec.workspace)
            for s in self._specs.values()
        ):
            raise ValueError(f"the key {spec.shortcut} of {spec.action_id} is taken")
        action = QAction(spec.title, self)
        action.setObjectName(spec.action_id)
        action.setCheckable(spec.checkable)
        tip = spec.tooltip or spec.title
        if spec.shortcut:
            action.setShortcut(QKeySequence(spec.shortcut))
            key = QKeySequence(spec.shortcut).toString(QKeySequence.SequenceFormat.NativeText)
            tip = f"{tip} ({key})"
        action.setToolTip(tip)
        if spec.icon:
            action.setIcon(icon(spec.icon))
        action.triggered.connect(spec.callback)
        self._specs[spec.action_id] = spec
        self._actions[spec.action_id] = action
        if self._host is not None:
            self._host.addAction(action)
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

    def enable_for(self, workspace: str) -> None:
        """Keys of a workspace's commands work only while it is shown."""
        for spec in self._specs.values():
            if spec.workspace:
                shown = spec.workspace == workspace
                self._actions[spec.action_id].setShortcut(
                    QKeySequence(spec.shortcut if shown else "")
                )

    def refresh_icons(self) -> None:
        """Recolour after a change of theme."""
        for spec in self._specs.values():
            if spec.icon:
                self._actions[spec.action_id].setIcon(icon(spec.icon))
