"""Colour maps for numbers over images; inferno is the one for maps of a model.

Inferno has even steps in lightness. Hot iron is the palette of PS3.6 B.1.1.
"""

from enum import StrEnum
from functools import lru_cache

import numpy as np
import numpy.typing as npt

# matplotlib's inferno (CC0), every 32nd entry
_INFERNO = np.array(
    [
        (0, 0, 4), (31, 12, 72), (85, 15, 109), (136, 34, 106), (186, 54, 85),
        (227, 89, 51), (249, 140, 10), (249, 201, 50), (252, 255, 164),
    ],
    float,
)  # fmt: skip


class ColourMap(StrEnum):
    """Colour maps of fused displays."""

    HOT_IRON = "hot iron"
    RAINBOW = "rainbow"
    INFERNO = "inferno"
    GREY = "grey"


@lru_cache(maxsize=8)
def colour_table(name: ColourMap) -> npt.NDArray[np.float64]:
    """(256, 3), 0 to 255, from the lowest to the highest value."""
    at = np.arange(256, dtype=float)
    if name is ColourMap.INFERNO:
        return inferno_table()
    if name is ColourMap.GREY:
        return np.repeat(at[:, None], 3, axis=1)
    if name is ColourMap.HOT_IRON:
        ramps = (2 * at, 2 * (at - 128), 4 * (at - 192))
        return np.stack([np.clip(ramp, 0, 255) for ramp in ramps], axis=1)
    # blue, cyan, green, yellow, red: corners of the hue circle at full strength
    corners = np.array([(0, 0, 255), (0, 255, 255), (0, 255, 0), (255, 255, 0), (255, 0, 0)], float)
    whole = np.linspace(0, 255, len(corners))
    return np.stack([np.interp(at, whole, corners[:, i]) for i in range(3)], axis=1)


@lru_cache(maxsize=1)
def inferno_table() -> npt.NDArray[np.float64]:
    """(256, 3), 0 to 255."""
    at = np.linspace(0, len(_INFERNO) - 1, 256)
    whole = np.arange(len(_INFERNO))
    return np.stack([np.interp(at, whole, _INFERNO[:, i]) for i in range(3)], axis=1)


def colours_of(level: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Colour (..., 3), 0 to 255, of levels 0 to 1 (clipped)."""
    index = (np.clip(np.asarray(level, np.float32), 0, 1) * 255).astype(np.uint8)
    return np.asarray(inferno_table()[index])
