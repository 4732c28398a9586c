"""Any plane through a volume: trilinear values at the points of a grid in patient millimetres.

Voxel indices along a picture are affine in row and column, so they are formed once per row and
once per column, in fixed point, and added; a pixel then costs a few integer operations and eight
look-ups. One thread works in bands that stay in the processor's cache; several threads in larger
ones, since with short operations they would wait for the interpreter. Values equal those of ITK's
linear interpolator: inside means within half a voxel of the outermost voxel centres, where the
edge value goes on.
"""

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from medbench.domain.geometry import Geometry

_BAND_PIXELS = 1 << 14
_SHARED_BAND_PIXELS = 1 << 16
_THREADS_FROM_PIXELS = 1 << 15
_MAX_THREADS = 4
_FIXED_BITS = 30
Floats = npt.NDArray[np.float32]
Vector = tuple[float, float, float]


class SlabMode(StrEnum):
    """What a thick slab shows of the planes inside it."""

    MEAN = "mean"
    MAXIMUM = "maximum"
    MINIMUM = "minimum"


@dataclass(frozen=True)
class ObliquePlane:
    """A grid of points in the patient (LPS, mm)."""

    origin_mm: Vector
    """Centre of the first pixel."""
    row_direction: Vector
    """Unit vector along a row, to the right."""
    column_direction: Vector
    """Unit vector down a column."""
    spacing_mm: tuple[float, float]
    """Between rows, between columns."""
    shape: tuple[int, int]
    """Rows, columns."""

    @property
    def normal(self) -> npt.NDArray[np.float64]:
        """Unit vector out of the plane: row direction x column direction."""
        return np.cross(self.row_direction, self.column_direction)

    def moved(self, distance_mm: float) -> "ObliquePlane":
        """The parallel plane at a distance along the normal."""
        origin = np.asarray(self.origin_mm) + distance_mm * self.normal
        return replace(self, origin_mm=(float(origin[0]), float(origin[1]), float(origin[2])))


def cut_plane(
    voxels: npt.NDArray[Any],
    geometry: Geometry,
    plane: ObliquePlane,
    *,
    background: float = 0.0,
    threads: int | None = None,
) -> Floats:
    """Values (rows, columns) float32 of a (z, y, x) volume; ``background`` outside of it.

    ``geometry`` must be regular: tilted or uneven stacks are resampled before.

    Raises
    ------
    ValueError
        The volume has more than 2**31 - 1 voxels, or is no grey (z, y, x) volume.
    """
    if voxels.ndim != 3 or voxels.size >= 1 << 31:
        raise ValueError("an oblique plane needs a grey volume of at most 2**31 - 1 voxels")
    rows, columns = plane.shape
    out = np.full((rows, columns), background, np.float32)
    grid = _Grid(voxels, geometry, plane)
    workers = threads or min(os.cpu_count() or 1, _MAX_THREADS)
    if rows * columns < _THREADS_FROM_PIXELS:
        workers = 1
    band = _BAND_PIXELS if workers == 1 else _SHARED_BAND_PIXELS
    edges = np.linspace(0, rows, workers + 1).astype(int)
    running = [
        threading.Thread(target=grid.fill, args=(out, int(a), int(b), band), name="oblique")
        for a, b in pairwise(edges[1:])
    ]
    for thread in running:
        thread.start()
    grid.fill(out, 0, int(edges[1]), band)
    for thread in running:
        thread.join()
    return out


def slab_offsets(geometry: Geometry, thickness_mm: float, most: int = 0) -> list[float]:
    """Distances in mm of a slab's planes: half the smallest voxel edge apart or closer.

    ``most`` thins them out (0 = never).
    """
    if thickness_mm <= 0:
        return [0.0]
    count = max(1, int(np.ceil(thickness_mm / (min(geometry.spacing_mm) / 2))) + 1)
    if most:
        count = min(count, max(1, most))
    if count == 1:
        return [0.0]
    found: list[float] = np.linspace(-thickness_mm / 2, thickness_mm / 2, count).tolist()
    return found


def cut_slab(
    voxels: npt.NDArray[Any],
    geometry: Geometry,
    plane: ObliquePlane,
    thickness_mm: float,
    mode: SlabMode,
    *,
    background: float = 0.0,
    most: int = 0,
    padding: tuple[float, float] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Floats:
    """A slab of parallel planes around ``plane`` (`slab_offsets`).

    A ``background`` of NaN, and values inside ``padding``, take no part where another plane has a
    real value. ``cancelled`` ends early with what there is.
    """
    offsets = slab_offsets(geometry, thickness_mm, most)
    if len(offsets) == 1:
        return cut_plane(voxels, geometry, plane.moved(offsets[0]), background=background)
    join = {SlabMode.MEAN: np.add, SlabMode.MAXIMUM: np.fmax, SlabMode.MINIMUM: np.fmin}[mode]
    total = np.full(plane.shape, 0.0 if mode is SlabMode.MEAN else np.nan, np.float32)
    count = np.zeros(plane.shape, np.int32)
    empty = np.full(plane.shape, np.nan, np.float32)
    for offset in offsets:
        if cancelled is not None and cancelled():
            break
        found = cut_plane(voxels, geometry, plane.moved(offset), background=background)
        real = ~np.isnan(found)
        if padding is not None:
            padded = (found >= padding[0]) & (found <= padding[1])
            np.copyto(empty, found, where=padded)
            real &= ~padded
        join(total, found, out=total, where=real)
        count += real
    if mode is SlabMode.MEAN:
        np.divide(total, count, out=total, where=count > 0)
    return np.where(count > 0, total, empty)


class _Grid:
    """Voxel indices of the picture's pixels, and the look-ups at them."""

    def __init__(self, voxels: npt.NDArray[Any], geometry: Geometry, plane: ObliquePlane) -> None:
        cells = np.ascontiguousarray(voxels)
        self.flat = cells.reshape(-1)
        self.sizes = cells.shape[::-1]  # x, y, z
        strides = np.array([1, cells.shape[2], cells.shape[2] * cells.shape[1]])
        self.steps = [int(s) if n > 1 else 0 for s, n in zip(strides, self.sizes, strict=True)]
        rows, columns = plane.shape
        start = geometry.index_from_world(plane.origin_mm)
        right, down = (
            geometry.index_from_world(np.asarray(plane.origin_mm) + np.asarray(d) * mm) - start
            for d, mm in ((plane.row_direction, plane.spacing_mm[1]),
                          (plane.column_direction, plane.spacing_mm[0]))
        )  # fmt: skip
        self.along = np.asarray(right)[:, None] * np.arange(columns)  # (3, columns)
        self.down = np.asarray(start)[:, None] + np.asarray(down)[:, None] * np.arange(rows)
        reach = float(np.abs(self.along).max() + np.abs(self.down).max())
        largest = max(reach, *self.sizes) + 2
        self.bits = max(0, _FIXED_BITS - int(np.ceil(np.log2(largest))))
        scale = float(1 << self.bits)
        self.fixed_along = np.rint(self.along * scale).astype(np.int32)
        self.fixed_down = np.rint(self.down * scale).astype(np.int32)
        self.begin, self.end = self._insides()

    def _insides(self) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """First column inside and first behind, per row: the inside of a box is convex."""
        columns, rows = self.along.shape[1], self.down.shape[1]
        low, high = np.zeros(rows), np.full(rows, float(columns))
        for axis, size in enumerate(self.sizes):
            step = self.along[axis, 1] if columns > 1 else 0.0
            first = self.down[axis]
            if abs(step) < 1e-12:
                outside = (first < -0.5) | (first >= size - 0.5)
                high = np.where(outside, 0.0, high)
                continue
            a, b = (-0.5 - first) / step, (size - 0.5 - first) / step
            if step > 0:  # -0.5 belongs to the inside, size - 0.5 does not
                low, high = np.maximum(low, np.ceil(a - 1e-9)), np.minimum(high, np.ceil(b - 1e-9))
            else:
                low = np.maximum(low, np.floor(b + 1e-9) + 1)
                high = np.minimum(high, np.floor(a + 1e-9) + 1)
        begin = np.clip(low, 0, columns).astype(np.intp)
        return begin, np.maximum(begin, np.clip(high, 0, columns).astype(np.intp))

    def fill(self, out: Floats, first: int, last: int, band_pixels: int) -> None:
        """Rows ``first`` to ``last`` in bands of about that many pixels."""
        width = max(1, int((self.end - self.begin).max(initial=1)))
        step = max(1, band_pixels // width)
        desk = _Desk(self.flat.dtype)
        for row in range(first, last, step):
            below = min(row + step, last)
            begin, end = self.begin[row:below], self.end[row:below]
            if not (end > begin).any():
                continue
            left, right = int(begin[end > begin].min()), int(end.max())
            values = self._values(slice(row, below), slice(left, right), desk)
            if (begin == left).all() and (end == right).all():
                out[row:below, left:right] = values
                continue
            at = np.arange(left, right)
            inside = (at >= begin[:, None]) & (at < end[:, None])
            np.copyto(out[row:below, left:right], values, where=inside)

    def _values(self, rows: slice, columns: slice, desk: "_Desk") -> Floats:
        """Trilinear values of a band; they lie on the desk until the next one."""
        desk.clear((rows.stop - rows.start, columns.stop - columns.start))
        parts = [self._part(axis, rows, columns, desk) for axis in range(3)]
        np.copyto(desk.base, desk.sum)
        step_x, step_y, step_z = self.steps

        def line(offset: int) -> Floats:
            low, high = self._take(offset, desk), self._take(offset + step_x, desk)
            return _between(low, high, parts[0], desk)

        def sheet(offset: int) -> Floats:
            return _between(line(offset), line(offset + step_y), parts[1], desk)

        return _between(sheet(0), sheet(step_z), parts[2], desk)

    def _part(self, axis: int, rows: slice, columns: slice, desk: "_Desk") -> Floats:
        """Fractions along an axis; the whole parts go into the sum of offsets."""
        size, bits = self.sizes[axis], self.bits
        at, whole, part = desk.at, desk.whole, desk.floats()
        down, along = self.fixed_down[axis, rows], self.fixed_along[axis, columns]
        np.add(down[:, None], along, out=at)
        ends = (int(down[0]), int(down[-1])), (int(along[0]), int(along[-1]))
        low, high = sum(map(min, ends)), sum(map(max, ends))
        if low < 0 or high >= (size - 1) << bits:
            np.maximum(at, 0, out=at)
            np.minimum(at, (size - 1) << bits, out=at)
            np.right_shift(at, bits, out=whole)
            np.minimum(whole, max(0, size - 2), out=whole)
            np.left_shift(whole, bits, out=desk.spare)
            np.subtract(at, desk.spare, out=at)
        else:
            np.right_shift(at, bits, out=whole)
            np.bitwise_and(at, (1 << bits) - 1, out=at)
        np.copyto(part, at, casting="unsafe")
        np.multiply(part, np.float32(2.0**-bits), out=part)
        if axis == 0:
            np.copyto(desk.sum, whole)
        elif self.steps[axis]:
            np.multiply(whole, self.steps[axis], out=whole)
            np.add(desk.sum, whole, out=desk.sum)
        return part

    def _take(self, offset: int, desk: "_Desk") -> Floats:
        found = desk.floats()
        if desk.cells.dtype == np.float32:
            self.flat[offset:].take(desk.base, mode="wrap", out=found)
        else:
            self.flat[offset:].take(desk.base, mode="wrap", out=desk.cells)
            np.copyto(found, desk.cells, casting="same_kind")
        return found


def _between(low: Floats, high: Floats, part: Floats, desk: "_Desk") -> Floats:
    """``low + (high - low) * part``, in the memory of ``low``."""
    np.subtract(high, low, out=high)
    np.multiply(high, part, out=high)
    np.add(low, high, out=low)
    desk.free(high)
    return low


class _Desk:
    """Memory for one band, used again for the next: fresh pages would cost more than the sums."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self._dtype = dtype
        self._shape = (0, 0)
        self._free: list[Floats] = []

    def clear(self, shape: tuple[int, int]) -> None:
        """Begin a band of that many rows and columns."""
        if shape != self._shape:
            self._shape = shape
            self.at = np.empty(shape, np.int32)
            self.whole = np.empty(shape, np.int32)
            self.sum = np.empty(shape, np.int32)
            self.spare = np.empty(shape, np.int32)
            self.base = np.empty(shape, np.intp)
            self.cells = np.empty(shape, self._dtype)
            self._all = [np.empty(shape, np.float32) for _ in range(8)]
        self._free = list(self._all)

    def floats(self) -> Floats:
        """An array to write into."""
        return self._free.pop()

    def free(self, array: Floats) -> None:
        """Give it back."""
        self._free.append(array)
