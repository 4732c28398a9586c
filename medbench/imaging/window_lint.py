"""Whether a window preset shows the tissue that its name promises (T38).

Published lists contain errors (a liver window of level -500, a lung window of level -200): on CT a
window is plausible for a tissue when its level lies within a quarter of its width of the tissue.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from medbench.imaging.window import WindowPreset

TISSUE_HU = {"lung": -800.0, "brain": 35.0, "liver": 60.0, "bone": 400.0}
KEYS = tuple("123456789")


@dataclass(frozen=True)
class PresetFault:
    """What is wrong with a preset."""

    preset_id: str
    code: str
    """'width' (not positive, or below 1 on CT), 'tissue', 'name' (none), 'key' (no digit) or
    'double_key' (another preset of the modality has it)."""
    blocking: bool
    """Whether the list cannot be kept with it."""
    tissue: str = ""
    other: str = ""
    """Name of the preset that has the key."""


def tissue_of(name: str) -> str:
    """The tissue that a name speaks of; '' for none."""
    return next((tissue for tissue in TISSUE_HU if tissue in name.lower()), "")


def faults(presets: Sequence[WindowPreset]) -> tuple[PresetFault, ...]:
    """Faults of a list, in its order."""
    found: list[PresetFault] = []
    keys: dict[tuple[str, str], str] = {}
    for preset in presets:
        window, tissue = preset.window, tissue_of(preset.name)
        if not preset.name.strip():
            found.append(PresetFault(preset.preset_id, "name", True))
        if window.width <= 0 or (preset.modality == "CT" and window.width < 1):
            found.append(PresetFault(preset.preset_id, "width", True))
        elif (
            preset.modality == "CT" and tissue
            and abs(window.center - TISSUE_HU[tissue]) > window.width / 4
        ):  # fmt: skip
            found.append(PresetFault(preset.preset_id, "tissue", False, tissue))
        if preset.key and preset.key not in KEYS:
            found.append(PresetFault(preset.preset_id, "key", True))
        taken = keys.setdefault((preset.modality, preset.key), preset.name) if preset.key else ""
        if preset.key and taken != preset.name:
            found.append(PresetFault(preset.preset_id, "double_key", True, other=taken))
    return tuple(found)
