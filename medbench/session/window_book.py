"""Window presets as user data: the bundled list until the user keeps one of their own."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from medbench.base.atomic import atomic_write_json
from medbench.base.errors import BadInputError
from medbench.base.paths import config_folder
from medbench.imaging.window import WindowPreset, read_presets
from medbench.session.messages import Messages

PRESETS_VERSION = 2


def presets_file() -> Path:
    """Where the user's list lies; it is absent until something was changed."""
    return config_folder() / "window_presets.json"


class WindowBook(QObject):
    """The list, in the user's order.

    Signals
    -------
    changed
        Another list.
    """

    changed = Signal()

    def __init__(self, messages: Messages, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._presets = read_presets()
        path = presets_file()
        if path.exists():
            try:
                self._presets = read_presets(path)
            except BadInputError as error:
                messages.warning(
                    self.tr("Your window presets could not be read; the bundled ones are used"),
                    str(error),
                )

    @property
    def presets(self) -> tuple[WindowPreset, ...]:
        """Every preset."""
        return self._presets

    def of(self, modality: str) -> tuple[WindowPreset, ...]:
        """Presets of a modality, and those of every one."""
        return tuple(p for p in self._presets if p.modality in (modality, "*"))

    def with_key(self, modality: str, key: str) -> WindowPreset | None:
        """The preset that a digit applies on pictures of a modality."""
        found = [p for p in self.of(modality) if p.key == key]
        return min(found, key=lambda p: p.modality == "*", default=None)

    def keep(self, presets: Sequence[WindowPreset]) -> None:
        """Another list, stored at once."""
        self._presets = tuple(presets)
        path = presets_file()
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = [
            {"id": p.preset_id, "modality": p.modality, "name": p.name,
             "center": p.window.center, "width": p.window.width, "key": p.key}
            for p in self._presets
        ]  # fmt: skip
        atomic_write_json(path, {"version": PRESETS_VERSION, "presets": rows})
        self.changed.emit()

    def restore(self) -> None:
        """The bundled list again."""
        presets_file().unlink(missing_ok=True)
        self._presets = read_presets()
        self.changed.emit()
