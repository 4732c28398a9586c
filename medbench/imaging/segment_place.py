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
from medbench.imaging.segment_brush import LabelGrid
from medbench.imaging.segment_delta import Box, Labels

_PARALLEL = 1e-3
_SIDE_MM = 1e-3
_STILL = 1e-9
Rect = tuple[int, int, int, int]
"""Rows from, to; columns from, to."""


class LabelSampler:
    """Which voxel of a label map lies at each pixel of a picture: the nearest."""

    def __init__(self, geometry: Geometry) -> None:
        self._grid = LabelGrid(geometry)
        self._depths = self._grid.origins @ self._grid.normal
        gaps = np.abs(np.diff(self._depths))
        before = np.append(gaps[:1] if len(gaps) else self._grid.slice_mm, gaps)
        after = np.append(gaps, gaps[-1:] if len(gaps) else self._grid.slice_mm)
        self._low, self._high = before / 2 + _SIDE_MM, after / 2 + _SIDE_MM
        even = geometry.uniform or len(geometry.positions_mm) != geometry.shape[0]
        self._inverse = np.linalg.inv(geometry.matrix) if even else None

    def picture(
        self, labels: Labels, at: PlaneGrid, rows: tuple[int, int] | None = None,
        columns: tuple[int, int] | None = None,
    ) -> Labels:  # fmt: skip
        """Labels of a picture in the patient, or of some rows and columns; 0 outside the map."""
        r0, r1 = rows or (0, at.rows)
        c0, c1 = columns or (0, at.columns)
        i, j = np.arange(r0, r1)[:, None], np.arange(c0, c1)[None, :]
        if self._inverse is not None:
            return self._even(labels, at, i, j)
        return self._uneven(labels, at, i, j)

    def _even(
        self, labels: Labels, at: PlaneGrid, i: npt.NDArray[np.intp], j: npt.NDArray[np.intp]
    ) -> Labels:
        """Indices are affine in row and column: formed once per row and column, and added."""
        assert self._inverse is not None
        linear = self._inverse[:3, :3]
        start = linear @ np.asarray(at.origin_mm, float) + self._inverse[:3, 3] + 0.5
        down = linear @ (np.asarray(at.column_direction) * at.row_mm)
        right = linear @ (np.asarray(at.row_direction) * at.column_mm)
        found, inside = [], np.ones((1, 1), bool)
        for axis, size in enumerate(self._grid.shape[::-1]):
            by_row = (start[axis] + i * down[axis]).astype(np.float32)
            by_column = (j * right[axis]).astype(np.float32)
            if abs(down[axis]) < _STILL:
                by_row = by_row[:1]
            if abs(right[axis]) < _STILL:
                by_column = by_column[:, :1]
            place = np.floor(by_row + by_column).astype(np.int32)
            inside = inside & (place >= 0) & (place < size)
            found.append(np.clip(place, 0, size - 1))
        x, y, z = found
        return np.where(inside, labels[z, y, x], np.uint8(0))

    def _uneven(
        self, labels: Labels, at: PlaneGrid, i: npt.NDArray[np.intp], j: npt.NDArray[np.intp]
    ) -> Labels:
        grid = self._grid
        start = np.asarray(at.origin_mm, float)
        down = np.asarray(at.column_direction) * at.row_mm
        right = np.asarray(at.row_direction) * at.column_mm
        depth = start @ grid.normal + i * (down @ grid.normal) + j * (right @ grid.normal)
        if np.ptp(depth) < _PARALLEL:
            depth = np.asarray(depth[:1, :1])
        z = self._nearest(depth)
        inside = z >= 0
        z = np.maximum(z, 0)
        origins = grid.origins[z]  # (1, 1, 3) or (rows, columns, 3)
        steps = (grid.down / grid.row_mm, grid.along / grid.column_mm)
        row, column = (start @ s + i * (down @ s) + j * (right @ s) - origins @ s for s in steps)
        r, c = np.floor(row + 0.5).astype(np.intp), np.floor(column + 0.5).astype(np.intp)
        inside = inside & (r >= 0) & (r < grid.shape[1]) & (c >= 0) & (c < grid.shape[2])
        np.clip(r, 0, grid.shape[1] - 1, out=r)
        np.clip(c, 0, grid.shape[2] - 1, out=c)
        return np.where(inside, labels[z, r, c], np.uint8(0))

    def rect_of(self, box: Box, at: PlaneGrid) -> Rect | None:
        """Rows and columns of a picture that voxels of a box can show at; None where at none."""
        grid = self._grid
        corners = []
        for z in (box.low[0], box.high[0] - 1):
            for y in (box.low[1] - 1, box.high[1]):
                for x in (box.low[2] - 1, box.high[2]):
                    offset = grid.down * (y * grid.row_mm) + grid.along * (x * grid.column_mm)
                    corners.append(grid.origins[z] + offset)
        # half way to the next slice, wherever that is
        reach = float(max(self._low.max(), self._high.max()))
        points = np.asarray(corners) - np.asarray(at.origin_mm, float)
        points = np.concatenate([points + reach * grid.normal, points - reach * grid.normal])
        height = points @ np.cross(at.row_direction, at.column_direction)
        if height.min() > 0 or height.max() < 0:
            return None
        row = points @ np.asarray(at.column_direction) / at.row_mm
        column = points @ np.asarray(at.row_direction) / at.column_mm
        r0, r1 = max(0, int(np.floor(row.min()))), min(at.rows, int(np.ceil(row.max())) + 1)
        c0 = max(0, int(np.floor(column.min())))
        c1 = min(at.columns, int(np.ceil(column.max())) + 1)
        return (r0, r1, c0, c1) if r0 < r1 and c0 < c1 else None

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
