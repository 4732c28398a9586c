"""Where the voxels of a label map lie, and which of them a brush covers.

A brush is a capsule: all points within a radius of the way the pointer went, in millimetres. In
2-D it is cut to the slab of the plane that is painted on, so one rule serves stacks, orthogonal
and oblique planes, and stacks whose slices stand unevenly.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from medbench.domain.geometry import Geometry, Vector
from medbench.imaging.segment_delta import Box

Mask = npt.NDArray[np.bool_]
_PARALLEL = 0.999
_EDGE_MM = 1e-6


class LabelGrid:
    """Where the voxels of a label map lie; slices may stand unevenly, but are parallel."""

    def __init__(self, geometry: Geometry) -> None:
        axes = np.asarray(geometry.direction, float).reshape(3, 3)
        self.shape = geometry.shape
        self.row_mm, self.column_mm = geometry.spacing_mm[1], geometry.spacing_mm[2]
        self.slice_mm = geometry.spacing_mm[0]
        self.along, self.down = axes[:, 0], axes[:, 1]
        self.normal = geometry.normal
        even = geometry.uniform or len(geometry.positions_mm) != geometry.shape[0]
        if even:
            steps = np.arange(geometry.shape[0])[:, None] * self.slice_mm
            self.origins = np.asarray(geometry.origin_mm, float) + steps * axes[:, 2]
        else:
            self.origins = np.asarray(geometry.positions_mm, float)

    def voxel_at(self, point_mm: npt.ArrayLike) -> tuple[int, int, int] | None:
        """(z, y, x) of the voxel around a patient point; None outside."""
        point = np.asarray(point_mm, float)
        away = (point - self.origins) @ self.normal
        z = int(np.argmin(np.abs(away)))
        offset = point - self.origins[z]
        y = int(np.floor(offset @ self.down / self.row_mm + 0.5))
        x = int(np.floor(offset @ self.along / self.column_mm + 0.5))
        inside = 0 <= y < self.shape[1] and 0 <= x < self.shape[2]
        reach = self._reach(z)
        return (z, y, x) if inside and abs(float(away[z])) <= reach else None

    def _reach(self, z: int) -> float:
        depth = self.origins @ self.normal
        gaps = [abs(float(depth[z] - depth[n])) for n in (z - 1, z + 1) if 0 <= n < len(depth)]
        return max([self.slice_mm, *gaps]) / 2 + _EDGE_MM

    def half_mm(self, normal: npt.NDArray[np.float64]) -> float:
        """Half of a voxel's extent along a direction."""
        parts = (
            abs(float(normal @ self.normal)) * self.slice_mm
            + abs(float(normal @ self.down)) * self.row_mm
            + abs(float(normal @ self.along)) * self.column_mm
        )
        return parts / 2


@dataclass(frozen=True)
class Brush:
    """Points within ``radius_mm`` of the way from ``start_mm`` to ``end_mm`` (LPS, mm)."""

    start_mm: Vector
    end_mm: Vector
    radius_mm: float
    plane_normal: Vector | None = None
    """Painting on a plane through both points: only what lies in its slab; None = a sphere."""


def brush_mask(grid: LabelGrid, brush: Brush) -> tuple[Box, Mask] | None:
    """Box and voxels (z, y, x) whose centres the brush covers; None where it misses the grid."""
    start = np.asarray(brush.start_mm, float)
    way = np.asarray(brush.end_mm, float) - start
    offset = grid.origins - start
    frame = (grid.normal, grid.down, grid.along)
    depth, down, along = (offset @ axis for axis in frame)
    step = [float(way @ axis) for axis in frame]
    flat = None
    if brush.plane_normal is not None:
        flat = np.asarray(brush.plane_normal, float)
    reaches = [_reach(axis, brush.radius_mm, flat, grid) for axis in frame]
    if flat is not None and abs(float(flat @ grid.normal)) > _PARALLEL:
        nearest = int(np.argmin(np.abs(depth)))
        limit = grid._reach(nearest)
        slices = np.array([nearest] if abs(depth[nearest]) <= limit else [], int)
        flat = None  # one slice: the circle on it, wherever exactly the plane crosses it
        depth = np.zeros_like(depth)
        step[0] = 0.0
    else:
        low, high = min(0.0, step[0]) - reaches[0], max(0.0, step[0]) + reaches[0]
        slices = np.flatnonzero((depth >= low - _EDGE_MM) & (depth <= high + _EDGE_MM))
    if not len(slices):
        return None
    z0, z1 = int(slices[0]), int(slices[-1]) + 1
    y0, y1 = _span(down[z0:z1], step[1], reaches[1], grid.row_mm, grid.shape[1])
    x0, x1 = _span(along[z0:z1], step[2], reaches[2], grid.column_mm, grid.shape[2])
    if y0 >= y1 or x0 >= x1:
        return None
    rows = down[z0:z1, None] + np.arange(y0, y1) * grid.row_mm
    columns = along[z0:z1, None] + np.arange(x0, x1) * grid.column_mm
    cutter = None if flat is None else _Slab(_parts(flat, frame), grid.half_mm(flat))
    way_parts = _Way(step, brush.radius_mm)
    mask = np.empty((z1 - z0, y1 - y0, x1 - x0), bool)
    for k in range(z1 - z0):  # a slice stays in the processor's cache
        a, b = rows[k, :, None].astype(np.float32), columns[k, None, :].astype(np.float32)
        way_parts.near(np.float32(depth[z0 + k]), a, b, mask[k], cutter)
    return Box((z0, y0, x0), (z1, y1, x1)), mask


def _parts(
    flat: npt.NDArray[np.float64] | None, frame: tuple[npt.NDArray[np.float64], ...]
) -> list[float]:
    return [] if flat is None else [float(flat @ axis) for axis in frame]


def _reach(
    axis: npt.NDArray[np.float64], radius: float, flat: npt.NDArray[np.float64] | None,
    grid: LabelGrid,
) -> float:  # fmt: skip
    """How far the brush extends along an axis beyond its two ends."""
    if flat is None:
        return radius
    lean = min(1.0, abs(float(axis @ flat)))
    return float(grid.half_mm(flat) * lean + radius * np.sqrt(1 - lean * lean))


def _span(
    first: npt.NDArray[np.float64], step: float, reach: float, mm: float, size: int
) -> tuple[int, int]:
    low = (min(0.0, step) - reach - float(first.max())) / mm
    high = (max(0.0, step) + reach - float(first.min())) / mm
    return max(0, int(np.floor(low + 1e-6))), min(size, int(np.ceil(high - 1e-6)) + 1)


@dataclass(frozen=True)
class _Slab:
    """Painting on a plane: components of its normal in the grid's frame, half its thickness."""

    parts: list[float]
    half_mm: float


class _Way:
    """The way of a brush in the grid's frame (across, down and along slices)."""

    def __init__(self, step: list[float], radius_mm: float) -> None:
        self._step = [np.float32(v) for v in step]
        length = sum(v * v for v in step)
        self._unit = [np.float32(v / length) for v in step] if length > 0 else []
        self._limit = np.float32(radius_mm * radius_mm + _EDGE_MM)

    def near(self, d: np.float32, a: Any, b: Any, out: Mask, slab: _Slab | None) -> None:
        """Which points of one slice lie within the radius (and the slab)."""
        if self._unit:
            part = a * self._unit[1] + d * self._unit[0]
            part = part + b * self._unit[2]
            np.clip(part, 0, 1, out=part)
            square = a - part * self._step[1]
            np.square(square, out=square)
            other = b - part * self._step[2]
            square += np.square(other, out=other)
            np.multiply(part, -self._step[0], out=part)
            part += d
            square += np.square(part, out=part)
        else:
            square = a * a + (b * b + d * d)
        if slab is None:
            np.less_equal(square, self._limit, out=out)
            return
        height = a * np.float32(slab.parts[1]) + (b * np.float32(slab.parts[2])
                                                  + d * np.float32(slab.parts[0]))  # fmt: skip
        inside = np.abs(height) <= np.float32(slab.half_mm - _EDGE_MM)
        np.less_equal(square - height * height, self._limit, out=out)
        out &= inside
