"""The one colour map for numbers over images: inferno, even steps in lightness."""

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
