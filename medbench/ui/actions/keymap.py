"""The live key map: a preset and what the user changed in it, kept in the settings."""

from PySide6.QtCore import QObject, Signal, Slot

from medbench.base.keymap import KeyPreset, MouseMap, merged, preset_named, read_key_presets
from medbench.session.session import Preferences
from medbench.ui.actions.registry import ActionRegistry
from medbench.ui.actions.spec import ActionSpec


class KeyMap(QObject):
    """Gives the registry its keys.

    Signals
    -------
    changed
        Keys, or the preset, are others.
    """

    changed = Signal()

    def __init__(
        self, settings: Preferences, registry: ActionRegistry, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._settings = settings
        self.registry = registry
        self.presets = read_key_presets()
        self._applied: tuple[str, tuple[tuple[str, str], ...]] | None = None
        settings.changed.connect(self._follow)
        self._follow()

    @Slot()
    def _follow(self, *_: object) -> None:
        value = self._settings.value
        wanted = (value.key_preset, value.own_keys)
        if wanted != self._applied:
            self._applied = wanted
            self.registry.set_keys(merged(self.preset, value.own_keys))
            self.changed.emit()

    @property
    def preset(self) -> KeyPreset:
        """The chosen preset."""
        return preset_named(self._settings.value.key_preset, self.presets)

    @property
    def mouse(self) -> MouseMap:
        """What buttons do."""
        return self.preset.mouse

    def choose(self, preset_id: str) -> None:
        """Another preset; what the user changed stays changed."""
        self._settings.change(key_preset=preset_id)

    def default_of(self, action_id: str) -> str:
        """The key a command has in the preset."""
        return self.preset.keys.get(action_id, self.registry.spec(action_id).shortcut)

    def is_own(self, action_id: str) -> bool:
        """Whether the user changed the key."""
        return any(name == action_id for name, _ in self._settings.value.own_keys)

    def conflicts(self, action_id: str, key: str) -> tuple[ActionSpec, ...]:
        """Commands that would lose this key."""
        return self.registry.conflicts(action_id, key)

    def assign(self, action_id: str, key: str) -> None:
        """Give a command a key ('' = none); commands that had it there lose it.

        The caller has named `conflicts` to the user before.
        """
        own = dict(self._settings.value.own_keys)
        for spec in self.conflicts(action_id, key):
            own[spec.action_id] = ""
        own[action_id] = key
        self._store(own)

    def reset(self, action_id: str) -> None:
        """The preset's key again; commands that took it lose it."""
        own = dict(self._settings.value.own_keys)
        own.pop(action_id, None)
        for spec in self.conflicts(action_id, self.default_of(action_id)):
            own[spec.action_id] = ""
        self._store(own)

    def reset_all(self) -> None:
        """The preset as it is."""
        self._store({})

    def _store(self, own: dict[str, str]) -> None:
        kept = {name: key for name, key in own.items() if not self._same(name, key)}
        self._settings.change(own_keys=tuple(sorted(kept.items())))

    def _same(self, action_id: str, key: str) -> bool:
        known = any(spec.action_id == action_id for spec in self.registry.specs())
        return known and key == self.default_of(action_id)
