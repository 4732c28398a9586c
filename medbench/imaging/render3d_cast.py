"""Rays through a volume by shear-warp: slices are sheared, joined, and the result is warped once.

Lacroute and Levoy, "Fast volume rendering using a shear-warp factorization of the viewing
transformation", SIGGRAPH 1994. Rays meet every slice of the axis they run along most; inside a
slice values are interpolated linearly, so along an axis of the volume a maximum projection is that
of the array. Without perspective the shear is the same for all rays of a slice: a slice costs a
handful of array operations, all in bands that stay in the processor's cache.
"""

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from medbench.base.errors import CancelledError
from medbench.imaging.render3d_camera import Sight
from medbench.imaging.render3d_grid import Cancelled, Floats, Slices
from medbench.imaging.render3d_shade import Light, Shading

_WHOLE = 1e-5
_BAND_PIXELS = 1 << 15
_MOST_THREADS = 4
_ASK_EVERY = 8
OPAQUE_BELOW = 0.02
"""Rays that let less light through than this end."""


@dataclass(frozen=True)
class Shear:
    """How rays of one direction cross the slices of one array axis."""

    axis: int
    shift: tuple[float, float]
    """Rows and columns a ray moves on from one slice to the next."""
    start: tuple[int, int]
    """Row and column of slice 0 below the first pixel of the joined picture."""
    shape: tuple[int, int]
    step_mm: float
    """Way along the ray from slice to slice."""
    forward: bool
    """Whether slice 0 is in front."""
    warp: npt.NDArray[np.float64]
    """(2, 3): screen (row, column, 1) -> (row, column) of the joined picture."""


def main_axis(matrix: npt.NDArray[np.float64], into: npt.NDArray[np.float64]) -> int:
    """Array axis whose slices a ray meets most often."""
    return int(np.argmax(np.abs(np.linalg.solve(matrix[:3, :3], into))))


def shear_of(slices: Slices, axis: int, sight: Sight) -> Shear:
    """The factorisation for one camera."""
    inverse = np.linalg.inv(slices.matrix[:3, :3])
    along = inverse @ sight.camera.rotation[2]
    a, b = (i for i in range(3) if i != axis)
    shift = float(along[a] / along[axis]), float(along[b] / along[axis])
    reach = [s * (slices.count - 1) for s in shift]
    start = [int(np.floor(min(0.0, -r) + _WHOLE)) for r in reach]
    stop = [int(np.ceil(max(0.0, -r) - _WHOLE)) for r in reach]
    shape = slices.rows + stop[0] - start[0], slices.columns + stop[1] - start[1]
    place = np.zeros((4, 3))  # joined (row, column, 1) -> array index of its ray at slice 0
    place[a] = (1, 0, start[0])
    place[b] = (0, 1, start[1])
    place[3, 2] = 1
    to_screen = np.vstack([sight.matrix @ slices.matrix @ place, [0, 0, 1]])
    return Shear(
        axis, shift, (start[0], start[1]), shape, float(1 / abs(along[axis])),
        bool(along[axis] > 0), np.linalg.inv(to_screen)[:2],
    )  # fmt: skip


class _Band:
    """Sheared slices of some rows of the joined picture, with one pixel around them."""

    def __init__(
        self, slices: Slices, shear: Shear, rows: tuple[int, int], columns: tuple[int, int]
    ) -> None:
        self.slices, self.shear, self.rows, self.columns = slices.view(), shear, rows, columns

    def _reach(self, index: int, side: int, size: int) -> tuple[int, int, int, float]:
        """First and last + 1 pixel a slice covers, its offset and the part of a voxel."""
        base = self.shear.start[side] + self.shear.shift[side] * index
        whole = int(np.floor(base + _WHOLE))
        part = base - whole
        part = 0.0 if part < 2 * _WHOLE else part
        low, high = self.rows if side == 0 else self.columns
        last = size - whole - (1 if part else 0)
        return max(low, -whole), min(high, last), whole, part

    def sheared(self, index: int) -> tuple[int, int, int, int, Floats] | None:
        """Rows from, to, columns from, to, and the values there; None where it misses the band."""
        slices = self.slices
        row0, row1, move, part = self._reach(index, 0, slices.rows)
        column0, column1, across, share = self._reach(index, 1, slices.columns)
        if row1 <= row0 or column1 <= column0:
            return None
        more = 1 if part else 0
        plane = slices.get(index, row0 + move, row1 + move + more)
        beside = 1 if share else 0
        plane = plane[:, column0 + across : column1 + across + beside]
        if part:
            weight = np.float32(part)
            mixed = plane[:-1] * (1 - weight)
            mixed += plane[1:] * weight
            plane = mixed
        if share:
            weight = np.float32(share)
            mixed = plane[:, :-1] * (1 - weight)
            mixed += plane[:, 1:] * weight
            plane = mixed
        return row0, row1, column0, column1, plane


def project(
    slices: Slices, shear: Shear, join: Any, fill: float, window: tuple[int, int, int, int],
    cancelled: Cancelled | None = None,
) -> Floats:  # fmt: skip
    """Joined picture (float32) of the largest or smallest values; ``fill`` where no ray hits.

    ``join`` is ``numpy.maximum`` or ``numpy.minimum``; ``window`` (rows from, to, columns from,
    to) is the part that is wanted, the rest stays ``fill``.
    """
    out = np.full(shear.shape, np.nan, np.float32)

    def work(rows: tuple[int, int]) -> None:
        band = _Band(slices, shear, rows, window[2:])
        worst = np.float32(-np.inf if join is np.maximum else np.inf)
        part = out[rows[0] : rows[1]]
        part.fill(worst)
        for index in range(slices.count):
            if index % _ASK_EVERY == 0 and cancelled is not None and cancelled():
                raise CancelledError("The 3-D picture is not wanted any more.")
            found = band.sheared(index)
            if found is not None:
                row0, row1, column0, column1, plane = found
                target = part[row0 - rows[0] : row1 - rows[0], column0:column1]
                join(target, plane, out=target)
        part[part == worst] = fill

    _in_bands(work, window[0], window[1], window[3] - window[2])
    np.nan_to_num(out, copy=False, nan=fill)
    return out


def composite(
    slices: Slices, shear: Shear, light: Light, shading: Shading,
    window: tuple[int, int, int, int], cancelled: Cancelled | None = None,
) -> Floats:  # fmt: skip
    """Joined picture (3, rows, columns) float32, 0 to 1, front to back over black."""
    out = np.zeros((3, *shear.shape), np.float32)
    order = range(slices.count) if shear.forward else range(slices.count - 1, -1, -1)

    def work(rows: tuple[int, int]) -> None:
        columns = window[2], window[3]
        band = _Band(slices, shear, (rows[0] - 1, rows[1] + 1), (columns[0] - 1, columns[1] + 1))
        size = rows[1] - rows[0], columns[1] - columns[0]
        through = np.ones(size, np.float32)
        part = out[:, rows[0] : rows[1], columns[0] : columns[1]]
        near = np.full((size[0] + 2, size[1] + 2), shading.outside, np.float32)
        here, far = near.copy(), near.copy()
        corner = rows[0] - 1, columns[0] - 1
        following = _laid(band, order[0], corner, here)
        known = False
        """Whether the slice before reaches the band."""
        for at, index in enumerate(order):
            if at % _ASK_EVERY == 0:
                if cancelled is not None and cancelled():
                    raise CancelledError("The 3-D picture is not wanted any more.")
                if float(through.max()) < OPAQUE_BELOW:
                    return
            reach, following = following, None
            if at + 1 < slices.count:
                following = _laid(band, index + (1 if shear.forward else -1), corner, far)
            if reach is not None:
                # beside the first and the last slice lies what they show: a cut has no surface
                if not known:
                    near[...] = here
                if following is None:
                    far[...] = here
                shading.add(part, through, near, here, far, reach, light)
            known = reach is not None
            near, here, far = here, far, near

    _in_bands(work, window[0], window[1], window[3] - window[2])
    return out


def _laid(
    band: _Band, index: int, corner: tuple[int, int], onto: Floats
) -> tuple[int, int, int, int] | None:
    """Put a sheared slice into a bordered buffer; its reach without the border.

    Its edge goes on for one pixel, so that faces cut by the volume's end or by the clipping box
    are lit as the tissue inside is, and no wall is seen where nothing was measured.
    """
    found = band.sheared(index)
    if found is None:
        return None
    row0, row1, column0, column1, plane = found
    row0, row1 = row0 - corner[0], row1 - corner[0]
    column0, column1 = column0 - corner[1], column1 - corner[1]
    onto[row0:row1, column0:column1] = plane
    if row0 > 0:
        onto[row0 - 1, column0:column1] = plane[0]
    if row1 < onto.shape[0]:
        onto[row1, column0:column1] = plane[-1]
    first, last = max(row0 - 1, 0), min(row1 + 1, onto.shape[0])
    if column0 > 0:
        onto[first:last, column0 - 1] = onto[first:last, column0]
    if column1 < onto.shape[1]:
        onto[first:last, column1] = onto[first:last, column1 - 1]
    row0, column0 = max(row0, 1), max(column0, 1)
    row1, column1 = min(row1, onto.shape[0] - 1), min(column1, onto.shape[1] - 1)
    return (row0, row1, column0, column1) if row1 > row0 and column1 > column0 else None


def _in_bands(work: Callable[[tuple[int, int]], None], first: int, last: int, width: int) -> None:
    """Do bands of rows on a few threads; the first error of any is raised."""
    height = max(1, last - first)
    threads = min(os.cpu_count() or 1, _MOST_THREADS)
    count = max(1, round(height * max(1, width) / _BAND_PIXELS))
    if count > 1:
        count = -(-count // threads) * threads
    edges = np.linspace(first, last, count + 1).astype(int)
    todo = [(int(a), int(b)) for a, b in pairwise(edges) if b > a]
    if count == 1:
        for rows in todo:
            work(rows)
        return
    errors: list[BaseException] = []
    lock = threading.Lock()

    def serve() -> None:
        while not errors:
            with lock:
                if not todo:
                    return
                rows = todo.pop()
            try:
                work(rows)
            except BaseException as error:  # noqa: BLE001 - raised again by the caller's thread
                errors.append(error)

    running = [threading.Thread(target=serve, name="volume rays") for _ in range(threads - 1)]
    for thread in running:
        thread.start()
    serve()
    for thread in running:
        thread.join()
    if errors:
        raise errors[0]


class Warp:
    """Carries joined pictures of one shear to the screen, linear; look-ups are found once."""

    def __init__(self, shear: Shear, sight: Sight) -> None:
        self._shape = rows, columns = shear.shape
        places, parts = [], []
        for side, size in enumerate((rows, columns)):
            line = shear.warp[side]
            at = (line[0] * np.arange(sight.rows) + line[2] + 1)[:, None].astype(np.float32)
            at = at + (line[1] * np.arange(sight.columns)).astype(np.float32)
            np.clip(at, 0, size + 1, out=at)  # the border is one pixel wide
            whole = np.minimum(at.astype(np.int32), size)
            at -= whole
            places.append(whole)
            parts.append(at)
        places[0] *= columns + 2
        self._place = (places[0] + places[1]).astype(np.intp)
        self._down, self._right = parts

    def __call__(self, joined: Floats, fill: float) -> Floats:
        """(rows, columns) of the screen; ``fill`` outside of the joined picture."""
        rows, columns = self._shape
        bordered = np.full((rows + 2, columns + 2), fill, np.float32)
        bordered[1:-1, 1:-1] = joined
        flat = bordered.reshape(-1)
        above, below = (self._between(flat[offset:]) for offset in (0, columns + 2))
        below -= above
        below *= self._down
        below += above
        return below

    def _between(self, flat: Floats) -> Floats:
        left, right = flat.take(self._place), flat[1:].take(self._place)
        right -= left
        right *= self._right
        right += left
        return np.asarray(right)


def wanted_window(shear: Shear, sight: Sight) -> tuple[int, int, int, int]:
    """Part of the joined picture that can be seen: rows from, to, columns from, to."""
    corners = np.array(
        [[0, sight.rows - 1, 0, sight.rows - 1], [0, 0, sight.columns - 1, sight.columns - 1],
         [1, 1, 1, 1]], float,
    )  # fmt: skip
    seen = shear.warp @ corners
    found: list[int] = []
    for side in range(2):
        low = int(np.clip(np.floor(seen[side].min()) - 1, 0, shear.shape[side]))
        high = int(np.clip(np.ceil(seen[side].max()) + 2, 0, shear.shape[side]))
        found += [low, max(low, high)]
    return found[0], found[1], found[2], found[3]
