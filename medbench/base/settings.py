"""The user's settings: a frozen object, injected, stored as JSON."""

from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from medbench.base.atomic import atomic_write_json, read_json
from medbench.base.errors import BadInputError
from medbench.base.paths import config_folder

SETTINGS_VERSION = 1


@dataclass(frozen=True)
class Settings:
    """What the user chose; every field has a default that works."""

    theme: str = "dark"
    language: str = "en"
    device: str = "auto"
    reader: str = ""
    text_scale: float = 1.0
    reduce_motion: bool = False
    accepted_notice: bool = False
    show_patient: bool = True
    recent_paths: tuple[str, ...] = ()
    window_presets: tuple[tuple[str, str, float, float], ...] = ()
    """User presets: (modality, name, center, width)."""

    key_preset: str = "medbench"
    """Named map of keys and mouse buttons (`base.keymap`)."""
    own_keys: tuple[tuple[str, str], ...] = ()
    """What the user changed in it: (command, key in portable text; '' for none)."""

    def changed(self, **values: Any) -> "Settings":
        """Copy with ``values`` replaced."""
        return replace(self, **values)


def settings_file() -> Path:
    """Path of the settings file."""
    return config_folder() / "settings.json"


def read_settings(path: Path | None = None) -> Settings:
    """Read settings; unknown keys are ignored, a missing or damaged file gives the defaults."""
    path = path or settings_file()
    if not path.exists():
        return Settings()
    try:
        stored = read_json(path)
    except BadInputError:
        return Settings()
    if not isinstance(stored, dict):
        return Settings()
    defaults = Settings()
    values: dict[str, Any] = {}
    for item in fields(Settings):
        value = stored.get(item.name, getattr(defaults, item.name))
        if isinstance(value, list):
            value = tuple(tuple(v) if isinstance(v, list) else v for v in value)
        if type(value) is not type(getattr(defaults, item.name)):
            value = getattr(defaults, item.name)
        values[item.name] = value
    return Settings(**values)


def write_settings(settings: Settings, path: Path | None = None) -> None:
    """Store settings atomically."""
    path = path or settings_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write_json(path, {"version": SETTINGS_VERSION, **asdict(settings)})
