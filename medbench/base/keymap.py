"""Named maps of keys and mouse buttons: bundled presets, which settings refine."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medbench.base.atomic import read_json
from medbench.base.errors import BadInputError
from medbench.base.paths import resource

DEFAULT_PRESET = "medbench"
DRAGS = ("window", "pan", "zoom", "scroll")
"""What a button may do."""


@dataclass(frozen=True)
class MouseMap:
    """What the other buttons do on pictures; the left one is the tool in the hand."""

    middle: str = "pan"
    right: str = "window"


@dataclass(frozen=True)
class KeyPreset:
    """A named map; commands that it does not name keep their own keys."""

    preset_id: str
    name: str
    words: str
    mouse: MouseMap = MouseMap()
    keys: Mapping[str, str] = field(default_factory=dict)
    """Command -> key in portable text; '' takes the key away. Bound to ids, never to places."""


def read_key_presets(folder: Path | None = None) -> tuple[KeyPreset, ...]:
    """The bundled presets, the default first.

    Raises
    ------
    BadInputError
        A file of the folder is no key map.
    """
    folder = folder or resource("keymaps")
    found = [_preset(path) for path in sorted(folder.glob("*.json"))]
    return tuple(sorted(found, key=lambda preset: preset.preset_id != DEFAULT_PRESET))


def _preset(path: Path) -> KeyPreset:
    stored: Any = read_json(path)
    try:
        mouse = MouseMap(str(stored["mouse"]["middle"]), str(stored["mouse"]["right"]))
        keys = {str(name): str(key) for name, key in stored["keys"].items()}
        preset = KeyPreset(str(stored["id"]), str(stored["name"]), str(stored["words"]), mouse,
                           keys)  # fmt: skip
    except (KeyError, TypeError, AttributeError) as error:
        raise BadInputError(f"{path.name} is no key map: {error} is missing or wrong.") from error
    if mouse.middle not in DRAGS or mouse.right not in DRAGS:
        raise BadInputError(f"{path.name}: mouse buttons may do {', '.join(DRAGS)}.")
    return preset


def preset_named(preset_id: str, presets: tuple[KeyPreset, ...]) -> KeyPreset:
    """The preset of that id; the default one where it is not known."""
    return next((p for p in presets if p.preset_id == preset_id), presets[0])


def merged(preset: KeyPreset, own: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """Keys that differ from the commands' own: the preset's, then the user's."""
    return {**preset.keys, **dict(own)}
