"""How well two readers' segments agree: Dice and the 95th percentile of surface distances.

Dice (1945): 2 |A and B| / (|A| + |B|). HD95: the surface of a segment are its voxels with a face
neighbour outside it (voxels at the edge of the volume count as surface); from every surface voxel
of one the distance in millimetres to the nearest surface voxel of the other, between centres; the
95th percentile (linear interpolation) of the distances from A to B and of those from B to A; the
larger of the two. This is the symmetric robust Hausdorff distance of Taha and Hanbury (2015) as
MONAI computes it, not the percentile of the pooled distances.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from medbench.domain.geometry import Vector
from medbench.imaging.segment_delta import Box, box_of

Mask = npt.NDArray[np.bool_]
_PERCENTILE = 95


@dataclass(frozen=True)
class Agreement:
    """Of one pair of segments; None where a number has no meaning (an empty segment)."""

    dice: float | None
    hd95_mm: float | None
    voxels: tuple[int, int]


def dice_of(one: Mask, other: Mask) -> float | None:
    """2 |A and B| / (|A| + |B|); None where both are empty."""
    both = np.count_nonzero(one) + np.count_nonzero(other)
    return float(2 * np.count_nonzero(one & other) / both) if both else None


def surface_of(mask: Mask) -> Mask:
    """Voxels of a mask with a face neighbour outside; a single slice is taken as 2-D."""
    padded = np.pad(mask, 1)
    inner = mask.copy()
    for axis in range(3):
        if axis == 0 and mask.shape[0] == 1:
            continue
        for shift in (0, 2):
            at: list[Any] = [slice(1, -1)] * 3
            at[axis] = slice(shift, shift + mask.shape[axis])
            inner &= padded[tuple(at)]
    return mask & ~inner


def hausdorff_95_mm(one: Mask, other: Mask, spacing_mm: Vector) -> float | None:
    """HD95 of two masks (z, y, x) on one grid, spacing z, y, x; None where one is empty."""
    from scipy.spatial import cKDTree

    points = [np.argwhere(surface_of(mask)) * np.asarray(spacing_mm) for mask in (one, other)]
    if not all(len(p) for p in points):
        return None
    there = cKDTree(points[1]).query(points[0])[0]
    back = cKDTree(points[0]).query(points[1])[0]
    return float(max(np.percentile(there, _PERCENTILE), np.percentile(back, _PERCENTILE)))


def agreement_of(one: Mask, other: Mask, spacing_mm: Vector, *, mm_known: bool = True) -> Agreement:
    """Both numbers of two masks (z, y, x) on one grid; HD95 only in millimetres."""
    counts = int(np.count_nonzero(one)), int(np.count_nonzero(other))
    boxes = [box for box in (box_of(one), box_of(other)) if box is not None]
    if not boxes:
        return Agreement(None, None, counts)
    box: Box = boxes[0] if len(boxes) == 1 else boxes[0].union(boxes[1])
    z, y, x = one.shape
    outer = box.grown(1, (z, y, x)).slices
    a, b = one[outer], other[outer]
    distance = hausdorff_95_mm(a, b, spacing_mm) if mm_known else None
    return Agreement(dice_of(a, b), distance, counts)
