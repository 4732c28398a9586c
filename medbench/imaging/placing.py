"""Overlays at their place in the patient: sampled by position, never by index (T31)."""

import numpy as np
import numpy.typing as npt

from medbench.base.errors import BadInputError
from medbench.domain.geometry import Geometry
from medbench.domain.objects import PlaneGrid, Segmentation, SegmentationKind, SegmentFrame

_PARALLEL = 1e-3
_SAME_PLANE_MM = 1e-3


def grid_of_slice(geometry: Geometry, index: int) -> PlaneGrid:
    """Plane of one acquired slice."""
    axes = np.asarray(geometry.direction).reshape(3, 3)
    if geometry.positions_mm:
        origin = geometry.positions_mm[index]
    else:
        x, y, z = geometry.world_from_index(0, 0, index)
        origin = (float(x), float(y), float(z))
    return PlaneGrid(
        origin, _triple(axes[:, 0]), _triple(axes[:, 1]), geometry.spacing_mm[1],
        geometry.spacing_mm[2], geometry.shape[1], geometry.shape[2],
    )  # fmt: skip


def _triple(vector: npt.ArrayLike) -> tuple[float, float, float]:
    x, y, z = (float(v) for v in np.asarray(vector))
    return x, y, z


class PlacedSegmentation:
    """Answers which pixels of any plane each segment covers.

    Raises
    ------
    BadInputError
        When the frames of reference differ: nothing is drawn then.
    """

    def __init__(self, segmentation: Segmentation, frame_of_reference_uid: str) -> None:
        own = segmentation.frame_of_reference_uid
        if own and frame_of_reference_uid and own != frame_of_reference_uid:
            raise BadInputError(
                "The segmentation has another frame of reference than the images: not drawn."
            )
        self.segmentation = segmentation
        self._label_map = segmentation.kind == SegmentationKind.LABELMAP
        self._stacks: dict[int, list[_Stack]] = {}
        for number in {frame.segment for frame in segmentation.frames}:
            self._stacks[number] = _stacks(
                [f for f in segmentation.frames if f.segment == number],
                segmentation.thickness_mm,
            )

    def mask(self, segment: int, grid: PlaneGrid) -> npt.NDArray[np.bool_]:
        """Pixels of the plane inside a segment (fractions from one half on)."""
        values = self._values(0 if self._label_map else segment, grid)
        if self._label_map:
            return np.asarray(values == segment)
        return np.asarray(values >= 0.5)

    def fractions(self, segment: int, grid: PlaneGrid) -> npt.NDArray[np.float32]:
        """Fraction (0..1) of a segment at each pixel."""
        return self._values(segment, grid).astype(np.float32)

    def _values(self, key: int, grid: PlaneGrid) -> npt.NDArray[np.float32]:
        out = np.zeros((grid.rows, grid.columns), np.float32)
        for stack in self._stacks.get(key, ()):
            stack.sample(grid, out)
        return out

    def of_instance(self, segment: int, uid: str, frame: int) -> npt.NDArray[np.bool_] | None:
        """Without geometry: pixel to pixel with the referenced image (C.8.20)."""
        for found in self.segmentation.frames:
            same = found.referenced_uid == uid and found.referenced_frame == frame
            if same and (self._label_map or found.segment == segment):
                values = found.values
                return np.asarray(values == segment if self._label_map else values >= 0.5)
        return None

    @property
    def placed(self) -> bool:
        """Whether the frames have positions."""
        return any(self._stacks.values())


class _Stack:
    """Parallel frames of one segment, sorted along their normal."""

    def __init__(self, frames: list[SegmentFrame], thickness_mm: float) -> None:
        first = frames[0].grid
        assert first is not None
        self.normal = first.normal
        depth = np.array([np.dot(f.grid.origin_mm, self.normal) for f in frames if f.grid])
        order = np.argsort(depth, kind="stable")
        self.depth = depth[order]
        self.frames = [frames[i] for i in order]
        gaps = np.diff(self.depth)
        gaps = gaps[gaps > 1e-3]
        nearest = float(gaps.min()) if len(gaps) else 0.0
        # a frame covers its own thickness, and at most half way to its neighbour
        reach = (
            min(v for v in (thickness_mm, nearest, 1e9) if v > 0)
            if (thickness_mm > 0 or nearest > 0)
            else 1.0
        )
        self.half_mm = reach / 2 + 1e-3
        self.row = np.asarray(first.column_direction) / first.row_mm
        self.column = np.asarray(first.row_direction) / first.column_mm

    def sample(self, grid: PlaneGrid, out: npt.NDArray[np.float32]) -> None:
        """Nearest neighbour; larger values win where stacks overlap."""
        rows_step = np.asarray(grid.column_direction) * grid.row_mm
        columns_step = np.asarray(grid.row_direction) * grid.column_mm
        start = np.asarray(grid.origin_mm, float)
        i = np.arange(grid.rows)[:, None]
        j = np.arange(grid.columns)[None, :]
        parallel = (
            abs(rows_step @ self.normal) < _PARALLEL * grid.row_mm
            and abs(columns_step @ self.normal) < _PARALLEL * grid.column_mm
        )
        if parallel:
            away = np.abs(self.depth - float(start @ self.normal))
            nearest = min(self.half_mm, float(away.min(initial=np.inf)) + _SAME_PLANE_MM)
            for k in np.flatnonzero(away <= nearest):  # half way between two planes: not their sum
                frame = self.frames[k]
                row, column = self._in_plane(frame, start, rows_step, columns_step, i, j)
                _gather(frame.values, row, column, np.True_, out)
            return
        depth = (
            start @ self.normal + i * (rows_step @ self.normal) + j * (columns_step @ self.normal)
        )
        for level, frame in zip(self.depth, self.frames, strict=True):
            near = np.abs(depth - level) <= self.half_mm
            if near.any():
                row, column = self._in_plane(frame, start, rows_step, columns_step, i, j)
                _gather(frame.values, row, column, near, out)

    def _in_plane(
        self, frame: SegmentFrame, start: npt.NDArray[np.float64],
        rows_step: npt.NDArray[np.float64], columns_step: npt.NDArray[np.float64],
        i: npt.NDArray[np.int64], j: npt.NDArray[np.int64],
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:  # fmt: skip
        assert frame.grid is not None
        offset = start - np.asarray(frame.grid.origin_mm)
        row = offset @ self.row + i * (rows_step @ self.row) + j * (columns_step @ self.row)
        column = (
            offset @ self.column + i * (rows_step @ self.column) + j * (columns_step @ self.column)
        )
        return row, column


def _gather(
    values: npt.NDArray[np.generic], row: npt.NDArray[np.float64],
    column: npt.NDArray[np.float64], where: npt.NDArray[np.bool_] | np.bool_,
    out: npt.NDArray[np.float32],
) -> None:  # fmt: skip
    r = np.floor(row + 0.5).astype(np.int64)
    c = np.floor(column + 0.5).astype(np.int64)
    inside = (r >= 0) & (r < values.shape[0]) & (c >= 0) & (c < values.shape[1]) & where
    r, c = np.clip(r, 0, values.shape[0] - 1), np.clip(c, 0, values.shape[1] - 1)
    found = np.where(inside, values[r, c], 0).astype(np.float32)
    np.maximum(out, found, out=out)


def _stacks(frames: list[SegmentFrame], thickness_mm: float) -> list[_Stack]:
    """Frames grouped by orientation and pixel size."""
    groups: dict[tuple[float, ...], list[SegmentFrame]] = {}
    for frame in frames:
        if frame.grid is not None:
            grid = frame.grid
            directions = np.round([*grid.row_direction, *grid.column_direction], 3) + 0.0
            key = (*directions.tolist(), round(grid.row_mm, 4), round(grid.column_mm, 4))
            groups.setdefault(key, []).append(frame)
    return [_Stack(group, thickness_mm) for group in groups.values()]
