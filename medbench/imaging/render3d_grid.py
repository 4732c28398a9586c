"""Voxels for the 3-D view: reduced copies while the hand moves, finer slices when it rests."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from medbench.base.errors import CancelledError
from medbench.domain.geometry import Geometry

Floats = npt.NDArray[np.float32]
Cancelled = Callable[[], bool]
MOVING_EDGE = 160
"""Most voxels along an edge of the copy that is shown while the hand moves."""
SHADED_EDGE = 128
"""The same for shaded pictures, whose voxels cost four times as much."""
_CHUNK = 16
_KEPT_VOXELS = MOVING_EDGE**3
_MOST_FACTOR = 16


@dataclass(frozen=True, eq=False)
class Grid:
    """Voxels (z, y, x) and where they lie: ``matrix`` (4, 4) leads from (z, y, x, 1) to LPS mm."""

    values: npt.NDArray[Any]
    matrix: npt.NDArray[np.float64]
    _kept: dict[int, npt.NDArray[Any]] = field(default_factory=dict, repr=False)

    def along(self, axis: int) -> npt.NDArray[Any]:
        """Values with ``axis`` in front; of small grids a copy that lies in memory so is kept."""
        turned = np.moveaxis(self.values, axis, 0)
        if axis == 0 or turned.size > _KEPT_VOXELS:
            return turned
        if axis not in self._kept:
            self._kept[axis] = np.ascontiguousarray(turned)
        return self._kept[axis]

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Along z, y, x."""
        z, y, x = (float(v) for v in np.linalg.norm(self.matrix[:3, :3], axis=0))
        return z, y, x

    def cropped(self, box: "Box") -> "Grid":
        """The part inside a box; at least two voxels along each axis that has them."""
        if box == FULL_BOX:
            return self
        starts, slices = np.zeros(4), []
        for axis, ((low, high), size) in enumerate(zip(box, self.values.shape, strict=True)):
            first = min(math.floor(low * size + 1e-9), max(0, size - 2))
            last = max(math.ceil(high * size - 1e-9), min(size, first + 2))
            slices.append(slice(first, last))
            starts[axis] = first
        matrix = self.matrix.copy()
        starts[3] = 1
        matrix[:, 3] = matrix @ starts
        return Grid(self.values[tuple(slices)], matrix)


Box = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]
"""From and to along z, y, x, as fractions 0 to 1 of the volume's edges."""
FULL_BOX: Box = ((0.0, 1.0), (0.0, 1.0), (0.0, 1.0))


def grid_of(voxels: npt.NDArray[Any], geometry: Geometry) -> Grid:
    """Grid of a regular grey volume."""
    matrix = geometry.matrix[:, [2, 1, 0, 3]]
    for axis in range(3):
        if voxels.shape[axis] == 1:  # rays need two samples to interpolate between
            voxels = np.repeat(voxels, 2, axis=axis)
            matrix[:, axis] /= 2
    return Grid(voxels, matrix)


def reduced(grid: Grid, how: str, edge: int, cancelled: Cancelled | None = None) -> Grid:
    """A copy of at most ``edge`` voxels along each axis, float32.

    ``how`` is ``maximum``, ``minimum`` or ``mean`` of each block: what a projection shows keeps
    its brightness then, and no thin vessel is lost. Voxels of incomplete blocks at the far end
    are joined to the last one.
    """
    join: dict[str, Any] = {"maximum": np.maximum, "minimum": np.minimum, "mean": np.add}
    factors = [max(1, math.ceil(size / edge)) for size in grid.values.shape]
    counts = [size // f for size, f in zip(grid.values.shape, factors, strict=True)]
    out = np.empty(counts, np.float32)
    ufunc, number = join[how], 1 if how != "mean" else math.prod(factors)
    for z in range(counts[0]):
        if cancelled is not None and cancelled():
            raise CancelledError("The 3-D picture is not wanted any more.")
        slab = grid.values[z * factors[0] : (z + 1) * factors[0]]
        plane: Any = slab[0] if how != "mean" else slab[0].astype(np.float32)
        for other in slab[1:]:
            plane = ufunc(plane, other)
        for axis in (0, 1):
            plane = _blocks(plane, axis, factors[axis + 1], counts[axis + 1], ufunc)
        np.divide(plane, number, out=out[z], casting="unsafe")
    matrix = grid.matrix.copy()
    shift = [(f - 1) / 2 for f in factors]
    matrix[:, 3] = matrix @ [*shift, 1.0]
    matrix[:, :3] = matrix[:, :3] * factors
    return Grid(out, matrix)


def _blocks(plane: Any, axis: int, factor: int, count: int, ufunc: Any) -> Any:
    if factor == 1:
        return plane
    cut = plane[: count * factor] if axis == 0 else plane[:, : count * factor]
    parts = [cut[i::factor] if axis == 0 else cut[:, i::factor] for i in range(factor)]
    out = parts[0]
    for part in parts[1:]:
        out = ufunc(out, part)
    return out


class Slices:
    """Slices of a grid across one array axis, float32, refined by whole factors.

    Linear interpolation on a grid whose knots are among its points is exact between them, so rays
    through the refined grid find the same trilinear values as rays through the original.
    """

    def __init__(self, grid: Grid, axis: int, factors: tuple[int, int, int]) -> None:
        self._axis = axis
        others = [i for i in range(3) if i != axis]
        self._factor = factors[axis]
        self._rows_factor, self._columns_factor = factors[others[0]], factors[others[1]]
        sizes = grid.values.shape
        self.count = (sizes[axis] - 1) * factors[axis] + 1
        self.rows = (sizes[others[0]] - 1) * self._rows_factor + 1
        self.columns = (sizes[others[1]] - 1) * self._columns_factor + 1
        self.matrix = grid.matrix.copy()
        self.matrix[:, :3] = self.matrix[:, :3] / np.asarray(factors)
        self._turned = grid.along(axis)
        self._plain = self._turned.dtype == np.float32 and self._turned.flags.c_contiguous
        self._chunk: tuple[int, int, int, Floats] | None = None

    def view(self) -> "Slices":
        """The same slices for another thread: what is kept between two calls is its own."""
        other = Slices.__new__(Slices)
        other.__dict__.update(self.__dict__)
        other._chunk = None
        return other

    def get(self, index: int, low: int, high: int) -> Floats:
        """Rows ``low`` to ``high`` of one slice: (high - low, columns); read it, never write."""
        whole, part = divmod(index, self._factor)
        first = low // self._rows_factor
        last = -((1 - high) // self._rows_factor) + 1  # the knot at or behind the last row
        plane = self._stored(whole, first, last)
        if part:
            weight = np.float32(part / self._factor)
            plane = plane * (1 - weight) + self._stored(whole + 1, first, last) * weight
        plane = _refined(plane, self._rows_factor, 0)
        begin = low - first * self._rows_factor
        plane = plane[begin : begin + high - low]
        return _refined(plane, self._columns_factor, 1)

    def _stored(self, index: int, first: int, last: int) -> Floats:
        if self._plain:
            return np.asarray(self._turned[index, first:last])
        if self._axis != 2 or self._turned.flags.c_contiguous:
            return np.ascontiguousarray(self._turned[index, first:last], np.float32)
        # across x every voxel lies in another cache line: several slices are read at once
        kept = self._chunk
        at = index // _CHUNK * _CHUNK
        if kept is None or kept[0] != at or kept[1] > first or kept[2] < last:
            low, high = max(0, first - _CHUNK), min(self._turned.shape[1], last + _CHUNK)
            block = np.ascontiguousarray(self._turned[at : at + _CHUNK, low:high], np.float32)
            kept = self._chunk = (at, low, high, block)
        return kept[3][index - at, first - kept[1] : last - kept[1]]


def _refined(plane: Floats, factor: int, axis: int) -> Floats:
    if factor == 1 or plane.shape[axis] < 2:
        return plane
    shape = list(plane.shape)
    shape[axis] = (shape[axis] - 1) * factor + 1
    out = np.empty(shape, np.float32)
    low, high = (plane[:-1], plane[1:]) if axis == 0 else (plane[:, :-1], plane[:, 1:])
    for part in range(factor):
        weight = np.float32(part / factor)
        target = out[part : shape[0] - 1 : factor] if axis == 0 else (
            out[:, part : shape[1] - 1 : factor])  # fmt: skip
        np.multiply(high, weight, out=target)
        target += low * (1 - weight)
    if axis == 0:
        out[-1] = plane[-1]
    else:
        out[:, -1] = plane[:, -1]
    return out


def refinement(grid: Grid, wanted_mm: float, most_voxels: int) -> tuple[int, int, int]:
    """Factors along z, y, x that bring voxels near to ``wanted_mm``, as far as the room allows."""
    spacing = grid.spacing_mm
    while True:
        factors = [int(np.clip(round(mm / wanted_mm), 1, _MOST_FACTOR)) for mm in spacing]
        size = math.prod((n - 1) * f + 1 for n, f in zip(grid.values.shape, factors, strict=True))
        if size <= most_voxels or max(factors) == 1:
            return factors[0], factors[1], factors[2]
        wanted_mm *= 1.15
