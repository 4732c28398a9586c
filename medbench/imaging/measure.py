"""Numbers of a region of interest, in modality units (T37)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class RoiStatistics:
    """Statistics of the pixels whose centres lie inside; None where the region is empty."""

    n: int
    left_out: int
    """Pixels inside that are padding or not finite."""
    mean: float | None
    minimum: float | None
    maximum: float | None
    sd_population: float | None
    sd_sample: float | None
    area_mm2: float
    """Pixels times pixel size."""


def ellipse_mask(
    shape: tuple[int, int], centre: tuple[float, float], radii_mm: tuple[float, float],
    pixel_mm: tuple[float, float] = (1.0, 1.0),
) -> npt.NDArray[np.bool_]:  # fmt: skip
    """Pixels whose centre lies in an ellipse; centre (row, column), radii in mm."""
    row, column = np.ogrid[: shape[0], : shape[1]]
    r = (row - centre[0]) * pixel_mm[0] / radii_mm[0]
    c = (column - centre[1]) * pixel_mm[1] / radii_mm[1]
    return np.asarray(r * r + c * c <= 1.0)


def ellipse_area_mm2(radii_mm: tuple[float, float]) -> float:
    """Area of the outline itself, not of the pixels."""
    return float(np.pi * radii_mm[0] * radii_mm[1])


def roi_statistics(
    values: npt.NDArray[Any], mask: npt.NDArray[np.bool_],
    padding: tuple[float, float] | None = None, pixel_mm: tuple[float, float] = (1.0, 1.0),
) -> RoiStatistics:  # fmt: skip
    """Statistics of modality values under a mask; padding and non-finite values left out.

    Values beyond 1e38 are what uninitialised floats look like, and count as not finite.
    """
    inside = np.asarray(values[mask], np.float64)
    good = np.isfinite(inside) & (np.abs(inside) < 1e38)
    if padding is not None:
        good &= (inside < padding[0]) | (inside > padding[1])
    used = inside[good]
    area = float(len(used) * pixel_mm[0] * pixel_mm[1])
    left_out = int(len(inside) - len(used))
    if not len(used):
        return RoiStatistics(0, left_out, None, None, None, None, None, 0.0)
    return RoiStatistics(
        len(used),
        left_out,
        float(used.mean()),
        float(used.min()),
        float(used.max()),
        float(used.std()),
        float(used.std(ddof=1)) if len(used) > 1 else None,
        area,
    )
