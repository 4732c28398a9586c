"""Label maps on any picture, and foreign segmentations on the grid of a label map (T31)."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from medbench.base.errors import BadInputError, CancelledError
from medbench.domain.geometry import Geometry
from medbench.domain.objects import PlaneGrid, Segmentation, StructureSet
from medbench.domain.segment_edit import MAX_SEGMENTS
from medbench.imaging.contours import structure_mask
from medbench.imaging.placing import PlacedSegmentation, grid_of_slice
from medbench.imaging.segment_edit import LabelGrid, Labels

_PARALLEL = 1e-3
_SIDE_MM = 1e-3


class LabelSampler:
    """Which voxel of a label map lies at each pixel of a picture: the nearest."""

    def __init__(self, geometry: Geometry) -> None:
        self._grid = LabelGrid(geometry)
        self._depths = self._grid.origins @ self._grid.normal
        gaps = np.abs(np.diff(self._depths))
        before = np.append(gaps[:1] if len(gaps) else self._grid.slice_mm, gaps)
        after = np.append(gaps, gaps[-1:] if len(gaps) else self._grid.slice_mm)
        self._low, self._high = before / 2 + _SIDE_MM, after / 2 + _SIDE_MM

    def picture(self, labels: Labels, at: PlaneGrid) -> Labels:
        """Labels (rows, columns) of a picture in the patient; 0 outside the label map."""
        grid = self._grid
        start = np.asarray(at.origin_mm, float)
        down = np.asarray(at.column_direction) * at.row_mm
        right = np.asarray(at.row_direction) * at.column_mm
        i, j = np.arange(at.rows)[:, None], np.arange(at.columns)[None, :]
        depth = start @ grid.normal + i * (down @ grid.normal) + j * (right @ grid.normal)
        if np.ptp(depth) < _PARALLEL:
            z = self._nearest(np.asarray(depth[:1, :1]))
        else:
            z = self._nearest(depth)
        inside = z >= 0
        z = np.maximum(z, 0)
        origins = grid.origins[z]  # (1, 1, 3) or (rows, columns, 3)
        steps = (grid.down / grid.row_mm, grid.along / grid.column_mm)
        row, column = (
            start @ s + i * (down @ s) + j * (right @ s) - origins @ s for s in steps
        )  # fmt: skip
        r, c = np.floor(row + 0.5).astype(np.intp), np.floor(column + 0.5).astype(np.intp)
        inside = inside & (r >= 0) & (r < grid.shape[1]) & (c >= 0) & (c < grid.shape[2])
        np.clip(r, 0, grid.shape[1] - 1, out=r)
        np.clip(c, 0, grid.shape[2] - 1, out=c)
        found = labels[z, r, c]
        return np.where(inside, found, np.uint8(0))

    def _nearest(self, depth: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
        """Slice at each depth, -1 outside the stack."""
        order = np.argsort(self._depths, kind="stable")
        sorted_depths = self._depths[order]
        right = np.clip(np.searchsorted(sorted_depths, depth), 1, max(1, len(order) - 1))
        right = np.minimum(right, len(order) - 1)
        left = np.maximum(right - 1, 0)
        closer = np.abs(depth - sorted_depths[left]) <= np.abs(sorted_depths[right] - depth)
        found = np.where(closer, order[left], order[right])
        away = np.abs(depth - self._depths[found])
        reach = np.maximum(self._low[found], self._high[found])
        return np.where(away <= reach, found, -1)


Progress = Callable[[float], None]


def labels_of_object(
    payload: Segmentation | StructureSet,
    geometry: Geometry,
    instances: tuple[tuple[str, int], ...],
    *,
    placed: bool = True,
    cancelled: Callable[[], bool] | None = None,
    progress: Progress | None = None,
) -> tuple[Labels, tuple[int, ...], int]:
    """A segmentation or structure set on a grid: labels (z, y, x), label of each segment, overlaps.

    Segments keep their numbers where those fit into a label map, else they are counted from 1.
    ``overlaps`` counts voxels that lie in several: a label map gives them to the last.
    ``instances`` (SOP Instance UID, frame) of the grid's slices are for segmentations without a
    place.

    Raises
    ------
    BadInputError
        Another frame of reference, or more than 255 segments.
    """
    reference = geometry.frame_of_reference_uid
    if isinstance(payload, Segmentation):
        numbers = tuple(s.number for s in payload.segments)
        artist: Any = PlacedSegmentation(payload, reference)
    else:
        numbers = tuple(s.segment.number for s in payload.structures)
        artist = None
        if any(_foreign(s.frame_of_reference_uid, reference) for s in payload.structures):
            raise BadInputError(
                "The structures have another frame of reference than the images: not copied."
            )
    if len(numbers) > MAX_SEGMENTS:
        raise BadInputError(
            f"A label map holds {MAX_SEGMENTS} segments; this object has {len(numbers)}."
        )
    fits = all(1 <= n <= MAX_SEGMENTS for n in numbers) and len(set(numbers)) == len(numbers)
    given = numbers if fits else tuple(range(1, len(numbers) + 1))
    out, overlaps = np.zeros(geometry.shape, np.uint8), 0
    for z in range(geometry.shape[0]):
        if cancelled is not None and cancelled():
            raise CancelledError("stopped")
        if progress is not None:
            progress(z / geometry.shape[0])
        grid = grid_of_slice(geometry, z) if placed else None
        for at, number in enumerate(numbers):
            mask = _mask(payload, artist, at, number, grid, instances, z, geometry)
            if mask is not None and mask.any():
                overlaps += int(np.count_nonzero(out[z][mask]))
                out[z][mask] = given[at]
    return out, given, overlaps


def _foreign(one: str, other: str) -> bool:
    return bool(one) and bool(other) and one != other


def _mask(
    payload: Segmentation | StructureSet, artist: Any, at: int, number: int,
    grid: PlaneGrid | None, instances: tuple[tuple[str, int], ...], z: int, geometry: Geometry,
) -> Any:  # fmt: skip
    if isinstance(payload, StructureSet):
        if grid is None:
            return None
        return structure_mask(payload.structures[at], grid, geometry.spacing_mm[0])
    if grid is not None and artist.placed:
        return artist.mask(number, grid)
    mask = artist.of_instance(number, *instances[z]) if z < len(instances) else None
    return mask if mask is not None and mask.shape == geometry.shape[1:] else None
