"""Boxes of a label map, and what an edit changed in it: small, packed, its own inverse."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[np.uint8]
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

    def moved(self, by: tuple[int, int, int]) -> "Box":
        """The same box elsewhere."""
        return Box(_each(_sum, by, self.low), _each(_sum, by, self.high))

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


def erase_delta(labels: Labels, boxes: Mapping[int, Box]) -> LabelDelta | None:
    """What it would change to empty labels, each known to lie inside its box; None = nothing.

    Slice by slice from the labels themselves: some tens of milliseconds for large segments.
    """
    found = []
    whole: Box | None = None
    for number, box in boxes.items():
        (z0, y, x), (z1, _, _) = box.low, box.high
        for z in range(z0, z1):
            inside = labels[z, box.slices[1], box.slices[2]] == number
            rows = np.asarray(inside.any(axis=1))
            if not rows.any():
                continue
            y0, y1 = _ends(rows)
            x0, x1 = _ends(np.asarray(inside[y0:y1].any(axis=0)))
            body = np.packbits(inside[y0:y1, x0:x1]).tobytes()
            size = y1 - y0, x1 - x0
            found.append(_Change(z, y + y0, x + x0, *size, number, body, packed=False))
        whole = box if whole is None else whole.union(box)
    return LabelDelta(tuple(found), whole) if found and whole is not None else None
