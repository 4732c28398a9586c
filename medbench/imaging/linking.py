"""Which slice of another series lies at the same place in the patient (C.7.4.1, T43)."""

import numpy as np
import numpy.typing as npt

from medbench.domain.geometry import Geometry, Vector
from medbench.domain.objects import PlaneGrid

_PARALLEL_MM = 1e-3
_PARALLEL_COS = float(np.cos(np.radians(2.0)))


def linked_index(
    source: Geometry, index: int, target: Geometry, offset_mm: Vector | None = None
) -> int | None:
    """Slice of ``target`` nearest to slice ``index`` of ``source``.

    None across frames of reference, until the reader has set an offset (added to the source's
    point), and where the place lies outside the target by more than one slice.
    """
    same = source.frame_of_reference_uid == target.frame_of_reference_uid
    if offset_mm is None and not (same and source.frame_of_reference_uid):
        return None
    if source.positions_mm:
        point = np.asarray(source.positions_mm[index], float)
    else:
        point = source.world_from_index(0, 0, index)
    if offset_mm is not None:
        point = point + np.asarray(offset_mm)
    depth = _depths(target)
    at = float(point @ target.normal)
    nearest = int(np.argmin(np.abs(depth - at)))
    step = target.spacing_mm[0]
    if at < depth.min() - step or at > depth.max() + step:
        return None
    return nearest


def _depths(geometry: Geometry) -> np.ndarray:
    if geometry.positions_mm:
        return np.asarray(np.asarray(geometry.positions_mm, float) @ geometry.normal)
    start = np.asarray(geometry.origin_mm) @ geometry.normal
    return np.asarray(start + np.arange(geometry.shape[0]) * geometry.spacing_mm[0])


def picture_cut(
    corners_mm: npt.NDArray[np.float64], grid: PlaneGrid
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]] | None:
    """Where a rectangle in the patient cuts the plane of a picture: the two ends, LPS mm.

    ``corners_mm`` is (4, 3), in order around it. None where it lies parallel to the plane (within
    2 degrees: an aligned prior never is quite) or wholly on one side of it.
    """
    normal = grid.normal
    height = (corners_mm - np.asarray(grid.origin_mm)) @ normal
    across = np.cross(corners_mm[1] - corners_mm[0], corners_mm[2] - corners_mm[1])
    size = float(np.linalg.norm(across))
    if size > 0 and abs(float(across @ normal)) / size > _PARALLEL_COS:
        return None
    if float(np.ptp(height)) < _PARALLEL_MM or height.min() > 0 or height.max() < 0:
        return None
    found = []
    for here in range(4):
        there = (here + 1) % 4
        a, b = float(height[here]), float(height[there])
        if a != b and min(a, b) <= 0 <= max(a, b):
            found.append(corners_mm[here] + (corners_mm[there] - corners_mm[here]) * (a / (a - b)))
    if len(found) < 2:
        return None
    first = found[0]
    second = max(found[1:], key=lambda point: float(np.linalg.norm(point - first)))
    return first, second
