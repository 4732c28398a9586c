"""Painting into label maps: boxes, brush shapes, strokes, and what they changed.

A brush is a capsule: all points within a radius of the way the pointer went, in millimetres. In
2-D it is cut to the slab of the plane that is painted on, so one rule serves stacks, orthogonal
and oblique planes, and stacks whose slices stand unevenly.
"""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from medbench.domain.geometry import Geometry, Vector

Labels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
_PARALLEL = 0.999
_EDGE_MM = 1e-6
_COMPRESS_FROM_BYTES = 1 << 18


@dataclass(frozen=True)
class Box:
    """Voxels from ``low`` up to, without, ``high``; both z, y, x."""

    low: tuple[int, int, int]
    high: tuple[int, int, int]

    @classmethod
    def whole(cls, shape: tuple[int, int, int]) -> "Box":
        """All voxels."""
        return cls((0, 0, 0), shape)

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """For indexing."""
        z, y, x = (slice(a, b) for a, b in zip(self.low, self.high, strict=True))
        return z, y, x

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along z, y, x."""
        z, y, x = (b - a for a, b in zip(self.low, self.high, strict=True))
        return z, y, x

    def union(self, other: "Box") -> "Box":
        """Smallest box around both."""
        return Box(_each(min, self.low, other.low), _each(max, self.high, other.high))

    def within(self, outer: "Box") -> tuple[slice, slice, slice]:
        """Where it lies inside another one."""
        z, y, x = (
            slice(a - o, b - o) for a, b, o in zip(self.low, self.high, outer.low, strict=True)
        )
        return z, y, x

    def grown(self, by: int, shape: tuple[int, int, int]) -> "Box":
        """Larger by voxels on every side, inside a volume."""
        low = _each(max, (0, 0, 0), _shift(self.low, -by))
        return Box(low, _each(min, shape, _shift(self.high, by)))


def _each(join: Any, one: tuple[int, int, int], other: tuple[int, int, int]) -> Any:
    return tuple(join(a, b) for a, b in zip(one, other, strict=True))


def _sum(a: int, b: int) -> int:
    return a + b


def _shift(at: tuple[int, int, int], by: int) -> tuple[int, int, int]:
    return at[0] + by, at[1] + by, at[2] + by


def box_of(mask: npt.NDArray[Any]) -> Box | None:
    """Smallest box around the voxels that are not zero; None where all are."""
    along_z = np.asarray(mask.any(axis=(1, 2)))
    if not along_z.any():
        return None
    z0, z1 = _ends(along_z)
    plane = np.asarray(mask[z0:z1].any(axis=0))
    y0, y1 = _ends(np.asarray(plane.any(axis=1)))
    x0, x1 = _ends(np.asarray(plane.any(axis=0)))
    return Box((z0, y0, x0), (z1, y1, x1))


def _ends(line: npt.NDArray[Any]) -> tuple[int, int]:
    at = np.flatnonzero(line)
    return int(at[0]), int(at[-1]) + 1


@dataclass(frozen=True)
class _Change:
    """What differs in one slice: exclusive-or of before and after inside a rectangle."""

    z: int
    y: int
    x: int
    rows: int
    columns: int
    value: int
    """One exclusive-or for every changed voxel, stored as bits; 0 = a byte a voxel."""
    body: bytes
    packed: bool

    def apply(self, labels: Labels) -> None:
        raw = zlib.decompress(self.body) if self.packed else self.body
        data = np.frombuffer(raw, np.uint8)
        size = self.rows * self.columns
        if self.value:
            data = np.unpackbits(data, count=size)
            np.multiply(data, np.uint8(self.value), out=data)
        part = labels[self.z, self.y : self.y + self.rows, self.x : self.x + self.columns]
        np.bitwise_xor(part, data.reshape(self.rows, self.columns), out=part)


@dataclass(frozen=True)
class LabelDelta:
    """What an edit changed; applying it a second time takes it back.

    Exclusive-or of before and after, slice by slice in tight rectangles, a bit a voxel where one
    label became one other; packed with zlib where it is large.
    """

    changes: tuple[_Change, ...]
    box: Box

    @classmethod
    def of(cls, before: Labels, after: Labels, low: tuple[int, int, int]) -> "LabelDelta | None":
        """Difference of two arrays of one shape whose first voxel is ``low``; None = equal."""
        found = []
        box: Box | None = None
        for z in range(before.shape[0]):
            different = np.bitwise_xor(before[z], after[z])
            rows = different.any(axis=1)
            if not rows.any():
                continue
            y0, y1 = _ends(rows)
            x0, x1 = _ends(different[y0:y1].any(axis=0))
            change = _change(low[0] + z, low[1] + y0, low[2] + x0, different[y0:y1, x0:x1])
            found.append(change)
            high = (change.z + 1, change.y + change.rows, change.x + change.columns)
            own = Box((change.z, change.y, change.x), high)
            box = own if box is None else box.union(own)
        if box is None:
            return None
        if sum(len(c.body) for c in found) > _COMPRESS_FROM_BYTES:
            found = [_smaller(change) for change in found]
        return cls(tuple(found), box)

    @property
    def bytes_held(self) -> int:
        """Memory of the changes."""
        return sum(len(change.body) + 120 for change in self.changes)

    @property
    def slices(self) -> frozenset[int]:
        """Slices that change."""
        return frozenset(change.z for change in self.changes)

    def apply(self, labels: Labels) -> None:
        """Do it, or take it back, in place."""
        for change in self.changes:
            change.apply(labels)


def _change(z: int, y: int, x: int, different: Labels) -> _Change:
    top = int(different.max())
    single = np.count_nonzero(different) == np.count_nonzero(different == top)
    body = np.packbits(different.astype(bool)) if single else np.ascontiguousarray(different)
    rows, columns = different.shape
    return _Change(z, y, x, rows, columns, top if single else 0, body.tobytes(), packed=False)


def _smaller(change: _Change) -> _Change:
    body = zlib.compress(change.body, 1)
    if len(body) >= len(change.body):
        return change
    fields = (change.z, change.y, change.x, change.rows, change.columns, change.value)
    return _Change(*fields, body, packed=True)


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
    d = depth[z0:z1, None, None].astype(np.float32)
    a = (down[z0:z1, None] + np.arange(y0, y1) * grid.row_mm)[:, :, None].astype(np.float32)
    b = (along[z0:z1, None] + np.arange(x0, x1) * grid.column_mm)[:, None].astype(np.float32)
    mask = _near(d, a, b, step, brush.radius_mm, _parts(flat, frame), grid, flat)
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


def _near(
    d: Any, a: Any, b: Any, step: list[float], radius: float, flat_parts: list[float],
    grid: LabelGrid, flat: npt.NDArray[np.float64] | None,
) -> Mask:  # fmt: skip
    length = sum(v * v for v in step)
    limit = np.float32(radius * radius + _EDGE_MM)
    if length > 0:
        along = d * np.float32(step[0] / length) + a * np.float32(step[1] / length)
        along = along + b * np.float32(step[2] / length)
        np.clip(along, 0, 1, out=along)
        square = (d - along * np.float32(step[0])) ** 2
        square = square + (a - along * np.float32(step[1])) ** 2
        square += (b - along * np.float32(step[2])) ** 2
    else:
        square = d * d + a * a + b * b
    if flat is None:
        return np.asarray(square <= limit)
    height = d * np.float32(flat_parts[0]) + a * np.float32(flat_parts[1])
    height = height + b * np.float32(flat_parts[2])
    half = np.float32(grid.half_mm(flat) - _EDGE_MM)
    return np.asarray((square - height * height <= limit) & (np.abs(height) <= half))


@dataclass(frozen=True, eq=False)
class EditRules:
    """What an edit may change."""

    number: int
    """Label that voxels get; 0 erases."""
    writable: Mask
    """bool (256,): labels that may be changed."""
    values: npt.NDArray[Any] | None = None
    """Modality values on the grid, for ``keep``."""
    keep: tuple[float, float] | None = None
    """Only voxels with values in this inclusive range."""
    only: tuple[Labels, int] | None = None
    """Only voxels that carry a label of a label map on the same grid."""

    def allowed(self, labels: Labels, box: Box, mask: Mask) -> Mask:
        """Voxels of a box that the edit changes."""
        here = labels[box.slices]
        found = np.asarray(mask & self.writable[here])
        found &= here != self.number
        if self.keep is not None and self.values is not None:
            values = self.values[box.slices]
            found &= values >= self.keep[0]
            found &= values <= self.keep[1]
        if self.only is not None:
            found &= self.only[0][box.slices] == self.only[1]
        return found


def writable_labels(locked: Iterable[int], *, number: int, erase: bool, over: bool) -> Mask:
    """Labels an edit may change: erasing takes the segment's own, painting what is not locked.

    ``over`` False: painting leaves every other segment as it is.
    """
    found = np.zeros(256, bool)
    if erase:
        found[number] = True
    else:
        found[:] = over
        found[0] = True
    for n in locked:
        found[n] = False
    return found


class Stroke:
    """One stroke of the brush, painted dab by dab into the labels."""

    def __init__(self, labels: Labels, grid: LabelGrid) -> None:
        self._labels = labels
        self._grid = grid
        self._patches: list[tuple[Box, Labels]] = []

    def dab(self, brush: Brush, rules: EditRules) -> Box | None:
        """Paint; the box that changed, or None."""
        found = brush_mask(self._grid, brush)
        if found is None:
            return None
        box, mask = found
        change = rules.allowed(self._labels, box, mask)
        own = box_of(change)
        if own is None:
            return None
        inner = own.slices
        moved = Box(_each(_sum, box.low, own.low), _each(_sum, box.low, own.high))
        here = self._labels[moved.slices]
        self._patches.append((moved, here.copy()))
        np.copyto(here, np.uint8(rules.number), where=change[inner])
        return moved

    @property
    def box(self) -> Box | None:
        """What was touched so far."""
        found: Box | None = None
        for box, _ in self._patches:
            found = box if found is None else found.union(box)
        return found

    def finish(self) -> LabelDelta | None:
        """What the stroke changed; None where it changed nothing."""
        box = self.box
        if box is None:
            return None
        after = self._labels[box.slices]
        before = after.copy()
        for own, patch in reversed(self._patches):
            before[own.within(box)] = patch
        return LabelDelta.of(before, after, box.low)

    def drop(self) -> Box | None:
        """Take the whole stroke back."""
        box = self.box
        for own, patch in reversed(self._patches):
            self._labels[own.slices] = patch
        self._patches.clear()
        return box


def edit_delta(labels: Labels, box: Box, mask: Mask, rules: EditRules) -> LabelDelta | None:
    """What it would change to give a box's voxels a label; the labels stay as they are."""
    before = labels[box.slices]
    change = rules.allowed(labels, box, mask)
    after = np.where(change, np.uint8(rules.number), before)
    return LabelDelta.of(before, after, box.low)


def replace_delta(labels: Labels, box: Box, mask: Mask, rules: EditRules) -> LabelDelta | None:
    """What it would change if the segment were ``mask`` inside a box: it loses what is outside."""
    before = labels[box.slices]
    after = np.where((before == rules.number) & ~mask, np.uint8(0), before)
    after[rules.allowed(labels, box, mask)] = rules.number
    return LabelDelta.of(before, after, box.low)
