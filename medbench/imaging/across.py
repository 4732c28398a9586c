"""Pictures across the slices, quick while the hand scrolls.

In memory the voxels of one row lie together, so a plane that cuts rows across (slice axis = the
fastest array axis, x) takes one voxel from every cache line of the volume. Its neighbours are
fetched with it: lines are copied whole, turned in small blocks that fit into the processor's
cache, and kept as a slab; a picture is then cut from the slab. The slab takes an eighth of a
512-column volume at most, and never more than 64 MiB.
"""

import os
import sys
import threading
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from medbench.imaging.reslice import MprPlane

_LINE_BYTES = (128, 64, 32, 16, 8)
_MAX_SLAB_BYTES = 64 << 20
_WORD_BYTES = 8
_BLOCK_SLICES = 8
_MAX_THREADS = 4
_NEAR = 4


class AcrossSlices:
    """Pictures of one plane of one complete volume, the same as `MprPlane.picture` gives."""

    def __init__(self, plane: MprPlane, voxels: npt.NDArray[Any]) -> None:
        """``voxels`` (z, y, x) must not change any more."""
        self._plane = plane
        self.voxels = voxels
        self._width = _slab_width(plane, voxels)
        self._slab: npt.NDArray[np.uint8] | None = None
        self._start = 0
        self._last = -_NEAR - 1
        self._kept: npt.NDArray[Any] | None = None
        self._given: list[npt.NDArray[Any]] = []

    def serves(self, plane: MprPlane) -> bool:
        """Whether it cuts as that plane does."""
        return (plane.axes, plane.flips) == (self._plane.axes, self._plane.flips)

    def picture(self, index: int) -> npt.NDArray[Any]:
        """Values of slice ``index``: (rows, columns), a view or an array of its own."""
        if not self._width:
            return self._plane.picture(self.voxels, index)
        if index == self._last and self._kept is not None:
            return self._kept
        size = self.voxels.shape[2]
        column = size - 1 - index if self._plane.flips[0] else index
        inside = self._slab is not None and 0 <= column - self._start < self._width
        if not inside and abs(index - self._last) <= _NEAR:  # scrolling, not jumping
            self._fetch(min(column // self._width * self._width, size - self._width))
            inside = True
        self._last = index
        self._kept = self._cut(column) if inside else self._plane.picture(self.voxels, index)
        return self._kept

    def _fetch(self, start: int) -> None:
        """Columns ``start`` and following into the slab, as 8-byte words: (word, z, y)."""
        voxels = self.voxels
        slices, rows, _ = voxels.shape
        line_bytes = self._width * voxels.itemsize
        words = line_bytes // _WORD_BYTES
        if self._slab is None:  # a word more: the last column is read from the middle of words
            self._slab = np.empty(slices * rows * line_bytes + _WORD_BYTES, np.uint8)
        turned = self._slab[:-_WORD_BYTES].view(np.uint64).reshape(words, slices, rows)
        lines: npt.NDArray[Any] = np.ndarray(
            (slices, rows), f"V{line_bytes}", voxels.data, start * voxels.itemsize,
            voxels.strides[:2],
        )  # fmt: skip

        def turn(first: int, last: int) -> None:
            block = np.empty((_BLOCK_SLICES, rows), lines.dtype)
            for z in range(first, last, _BLOCK_SLICES):
                part = block[: min(_BLOCK_SLICES, last - z)]
                np.copyto(part, lines[z : z + len(part)])
                cells = part.view(np.uint64).reshape(len(part), rows, words)
                turned[:, z : z + len(part)] = cells.transpose(2, 0, 1)

        parts = max(1, min(os.cpu_count() or 1, _MAX_THREADS, slices // _BLOCK_SLICES))
        edges = [slices * i // parts for i in range(parts + 1)]
        others = [
            threading.Thread(target=turn, args=ends, name="across") for ends in pairwise(edges[1:])
        ]
        for thread in others:
            thread.start()
        turn(0, edges[1])
        for thread in others:
            thread.join()
        self._start = start

    def _cut(self, column: int) -> npt.NDArray[Any]:
        """One column of the slab as a picture: the low cells of words that begin at it."""
        slab = self._slab
        assert slab is not None
        slices, rows, _ = self.voxels.shape
        item = self.voxels.itemsize
        word, part = divmod((column - self._start) * item, _WORD_BYTES)
        offset = word * slices * rows * _WORD_BYTES + part
        found: npt.NDArray[Any] = np.ndarray((slices, rows), np.uint64, slab.data, offset)
        _, row_axis, column_axis = self._plane.axes
        if row_axis > column_axis:
            found = found.T
        _, row_flip, column_flip = self._plane.flips
        found = found[:: -1 if row_flip else 1, :: -1 if column_flip else 1]
        out = self._unused(found.shape, np.dtype(f"u{item}"))
        np.copyto(out, found, casting="unsafe")  # keeps the low cell
        return out.view(self.voxels.dtype)

    def _unused(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        """Memory of an earlier picture that nobody holds any more, else fresh memory."""
        for at in range(len(self._given)):
            if sys.getrefcount(self._given[at]) <= 2:  # the list's and the one that asks
                return self._given[at]
        self._given = [*self._given[-1:], np.empty(shape, dtype)]
        return self._given[-1]


def _slab_width(plane: MprPlane, voxels: npt.NDArray[Any]) -> int:
    """Columns of a slab; 0 where plain views serve."""
    if (
        plane.axes[0] != 2
        or voxels.ndim != 3
        or not voxels.flags.c_contiguous
        or voxels.dtype.kind not in "iuf"
        or voxels.itemsize > 4
        or sys.byteorder != "little"
    ):
        return 0
    slices, rows, columns = voxels.shape
    for line_bytes in _LINE_BYTES:
        width = line_bytes // voxels.itemsize
        if width <= columns and slices * rows * line_bytes <= _MAX_SLAB_BYTES:
            return width
    return 0
