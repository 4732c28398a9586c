"""Presets of the 3-D view: user data in JSON, bundled ones and those of the settings folder."""

import json
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from medbench.base.errors import BadInputError
from medbench.base.paths import config_folder, resource
from medbench.imaging.render3d_shade import TABLE_SIZE, Material, Transfer

PRESETS_FILE = "volume_presets.json"
_UNITS = ("HU", "range")


class VolumeMode(StrEnum):
    """What the 3-D view shows along each ray."""

    MIP = "mip"
    MINIP = "minip"
    SHADED = "shaded"


Point = tuple[float, float, tuple[float, float, float]]
"""Value, opacity a millimetre (0 to 1), colour (0 to 1)."""


@dataclass(frozen=True)
class VolumePreset:
    """How a volume is shown, under a name."""

    preset_id: str
    name: str
    modality: str
    """CT, MR ...; empty: any."""
    mode: VolumeMode
    unit: str = "range"
    """HU, or range (0 = first, 1 = 99.5th percentile of the volume's values)."""
    points: tuple[Point, ...] = ()
    material: Material = field(default_factory=Material)

    @property
    def span(self) -> tuple[float, float]:
        """First and last value of the points."""
        return (self.points[0][0], self.points[-1][0]) if self.points else (0.0, 1.0)

    def serves(self, modality: str, unit: str) -> bool:
        """Whether it fits values of this modality and unit."""
        wanted = not self.modality or self.modality == modality
        # old CT files may say nothing of their unit; other units are none of HU
        return wanted and (self.unit != "HU" or unit in ("HU", ""))


def span_in_values(preset: VolumePreset, value_range: tuple[float, float]) -> tuple[float, float]:
    """Centre and width, in the volume's own values, of the preset's points."""
    low, high = preset.span
    if preset.unit == "range":
        first, last = value_range
        low, high = first + low * (last - first), first + high * (last - first)
    return (low + high) / 2, max(high - low, 1e-6)


def transfer_of(preset: VolumePreset, centre: float, width: float) -> Transfer:
    """The preset's curves, their points stretched over the window centre and width."""
    first, last = preset.span
    at = np.array([(p[0] - first) / max(last - first, 1e-9) for p in preset.points])
    low, high = centre - width / 2, centre + width / 2
    grid = np.linspace(0, 1, TABLE_SIZE)
    opacity = np.interp(grid, at, [p[1] for p in preset.points])
    colour = np.stack([np.interp(grid, at, [p[2][i] for p in preset.points]) for i in range(3)])
    return Transfer(
        low, high, opacity.astype(np.float32), colour.astype(np.float32), preset.material
    )


def read_volume_presets(*, own: bool = True) -> tuple[VolumePreset, ...]:
    """The bundled presets, then what the user's file adds; the user's win where ids are equal.

    Raises
    ------
    BadInputError
        The user's file is no list of presets: the sentence says what is wrong with which.
    """
    found = {p.preset_id: p for p in _read(resource(PRESETS_FILE))}
    mine = config_folder() / PRESETS_FILE
    if own and mine.exists():
        found |= {p.preset_id: p for p in _read(mine)}
    return tuple(found.values())


def presets_for(
    presets: tuple[VolumePreset, ...], modality: str, unit: str
) -> tuple[VolumePreset, ...]:
    """Those that fit, projections first, then the modality's own, then those for anything."""
    fitting = [p for p in presets if p.serves(modality, unit)]
    return tuple(sorted(fitting, key=lambda p: (p.mode is VolumeMode.SHADED, not p.modality)))


def _read(path: Path) -> list[VolumePreset]:
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))["presets"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInputError(f"{path.name} cannot be read as presets of the 3-D view.") from error
    if not isinstance(stored, list):
        raise BadInputError(f"{path.name} cannot be read as presets of the 3-D view.")
    return [_preset(item, path.name) for item in stored]


def _preset(item: Any, where: str) -> VolumePreset:
    name = item.get("id", "") if isinstance(item, dict) else ""
    try:
        points = tuple(
            (float(value), float(opacity), _colour(colour))
            for value, opacity, colour in item.get("points", [])
        )
        plain = Material()
        material = Material(
            float(item.get("ambient", plain.ambient)),
            float(item.get("diffuse", plain.diffuse)),
            float(item.get("specular", plain.specular)),
            int(item.get("shininess", plain.shininess)),
        )
        preset = VolumePreset(
            str(item["id"]), str(item["name"]), str(item.get("modality", "")),
            VolumeMode(item["mode"]), str(item.get("unit", "range")), points, material,
        )  # fmt: skip
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadInputError(f"The preset {name!r} in {where} is damaged ({error}).") from error
    if reason := fault_of(preset):
        raise BadInputError(f"The preset {name!r} in {where} cannot be used: {reason}.")
    return preset


def _colour(text: str) -> tuple[float, float, float]:
    if len(text) != 7 or text[0] != "#":
        raise ValueError(f"{text!r} is no colour like #c8442f")
    red, green, blue = (int(text[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue


def fault_of(preset: VolumePreset) -> str:
    """What is wrong with a preset's numbers; empty when nothing is."""
    if preset.unit not in _UNITS:
        return f"the unit is {preset.unit!r}, it must be HU or range"
    if preset.mode is not VolumeMode.SHADED:
        return ""
    values = [p[0] for p in preset.points]
    if len(values) < 2 or sorted(set(values)) != values:
        return "it needs two points or more, with rising values"
    if any(not 0 <= p[1] <= 1 for p in preset.points):
        return "opacities lie between 0 and 1"
    if not any(p[1] > 0 for p in preset.points):
        return "nothing in it is opaque"
    light = preset.material
    if not all(0 <= v <= 1 for v in (light.ambient, light.diffuse, light.specular)):
        return "ambient, diffuse and specular lie between 0 and 1"
    return ""
