"""Whole edits of segments: growing from a place, between slices, holes, islands, smoothing.

All work on boolean masks (z, y, x) with spacing z, y, x in millimetres, and are meant for a
worker: on 300 x 512 x 512 they take up to some seconds.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from medbench.base.errors import BadInputError, CancelledError
from medbench.domain.geometry import Vector
from medbench.imaging.segment_brush import Mask
from medbench.imaging.segment_delta import Box, box_of

Seed = tuple[int, int, int]
Cancelled = Callable[[], bool]
_FIRST_REACH = 24


def in_range(values: npt.NDArray[Any], keep: tuple[float, float]) -> Mask:
    """Voxels with values in an inclusive range."""
    return np.asarray((values >= keep[0]) & (values <= keep[1]))


def seed_range(values: npt.NDArray[Any], seed: Seed, tolerance: float) -> tuple[float, float]:
    """Mean of the 3 x 3 neighbours around a place in its slice, plus and minus a tolerance."""
    z, y, x = seed
    around = values[z, max(0, y - 1) : y + 2, max(0, x - 1) : x + 2]
    middle = float(np.asarray(around, np.float64).mean())
    return middle - tolerance, middle + tolerance


def grow(
    values: npt.NDArray[Any], seed: Seed, keep: tuple[float, float], *, spacing_mm: Vector,
    radius_mm: float | None = None, axis: int | None = None, cancelled: Cancelled | None = None,
) -> tuple[Box, Mask]:  # fmt: skip
    """Voxels connected with ``seed`` by faces whose values lie in a range (inclusive).

    ``axis`` keeps it in the slice across that array axis; ``radius_mm`` in a sphere around the
    seed. Only a box around the seed is looked at, doubled while the region touches its sides.

    Raises
    ------
    BadInputError
        The value at the seed lies outside the range: nothing can grow from there.
    """
    from scipy.ndimage import label

    shape = _shape(values)
    if not bool(in_range(values[seed], keep)):
        raise BadInputError(
            f"The value at the place you clicked, {float(values[seed]):g}, lies outside the range "
            f"{keep[0]:g} to {keep[1]:g}: widen the range or click elsewhere."
        )
    limit = _limit(seed, shape, spacing_mm, radius_mm, axis)
    reach = _FIRST_REACH
    while True:
        _stop(cancelled)
        box = _around(seed, reach, limit)
        mask = in_range(values[box.slices], keep)
        if radius_mm is not None:
            mask &= _ball(box, seed, spacing_mm, radius_mm)
        named, _ = label(mask)
        at = tuple(s - low for s, low in zip(seed, box.low, strict=True))
        found = np.asarray(named == named[at])
        if box == limit or not _touches(found, box, limit):
            return box, found
        reach *= 2


def _shape(values: npt.NDArray[Any]) -> tuple[int, int, int]:
    z, y, x = values.shape
    return z, y, x


def _stop(cancelled: Cancelled | None) -> None:
    if cancelled is not None and cancelled():
        raise CancelledError("stopped")


def _limit(
    seed: Seed, shape: tuple[int, int, int], spacing: Vector, radius: float | None, axis: int | None
) -> Box:
    low, high = [0, 0, 0], list(shape)
    for i in range(3):
        if axis == i:
            low[i], high[i] = seed[i], seed[i] + 1
        elif radius is not None:
            reach = int(radius / spacing[i]) + 1
            low[i], high[i] = max(0, seed[i] - reach), min(shape[i], seed[i] + reach + 1)
    return Box((low[0], low[1], low[2]), (high[0], high[1], high[2]))


def _around(seed: Seed, reach: int, limit: Box) -> Box:
    low = [max(s - reach, a) for s, a in zip(seed, limit.low, strict=True)]
    high = [min(s + reach + 1, b) for s, b in zip(seed, limit.high, strict=True)]
    return Box((low[0], low[1], low[2]), (high[0], high[1], high[2]))


def _ball(box: Box, seed: Seed, spacing: Vector, radius: float) -> Mask:
    z, y, x = (
        ((np.arange(a, b) - s) * mm) ** 2
        for a, b, s, mm in zip(box.low, box.high, seed, spacing, strict=True)
    )
    return np.asarray(z[:, None, None] + y[None, :, None] + x[None, None, :] <= radius * radius)


def _touches(found: Mask, box: Box, limit: Box) -> bool:
    """Whether a region reaches a side of its box behind which there is more."""
    for axis in range(3):
        if box.low[axis] > limit.low[axis] and found.take(0, axis=axis).any():
            return True
        if box.high[axis] < limit.high[axis] and found.take(-1, axis=axis).any():
            return True
    return False


def signed_distance(mask: npt.NDArray[np.bool_], spacing_mm: tuple[float, float]) -> Any:
    """Distance in mm to the outline of a 2-D mask, positive inside."""
    from scipy.ndimage import distance_transform_edt

    half = min(spacing_mm) / 2  # centres of the pixels at the outline lie half a pixel from it
    inside = distance_transform_edt(mask, sampling=spacing_mm) - half
    outside = distance_transform_edt(~mask, sampling=spacing_mm) - half
    return np.where(mask, inside, -outside)


def fill_between(
    mask: Mask, positions_mm: npt.NDArray[np.float64], pixel_mm: tuple[float, float],
    axis: int = 0, cancelled: Cancelled | None = None,
) -> Mask:  # fmt: skip
    """Shape-based interpolation between drawn slices (Raya and Udupa 1990).

    Signed distances to the two outlines are mixed linearly by position along ``axis``
    (``positions_mm``, one per slice); what is positive lies inside. Outlines that do not overlap
    are moved onto their common way first (object centred, Herman et al. 1992), since their mixed
    distances would vanish half way. Drawn slices stay as they are; nothing is added outwards.

    Raises
    ------
    BadInputError
        Fewer than two slices are drawn, or there is none between them.
    """
    stack = np.moveaxis(mask, axis, 0)
    drawn = np.flatnonzero(stack.any(axis=(1, 2)))
    if len(drawn) < 2 or not (np.diff(drawn) > 1).any():
        raise BadInputError(
            "There is nothing to interpolate: draw the segment on two slices with empty ones "
            "between them."
        )
    out = stack.copy()
    for first, last in zip(drawn[:-1].tolist(), drawn[1:].tolist(), strict=True):
        if last - first < 2:
            continue
        _stop(cancelled)
        parts = (positions_mm[first + 1 : last] - positions_mm[first]) / (
            positions_mm[last] - positions_mm[first]
        )
        between = _mixed(stack[first], stack[last], np.asarray(parts, float), pixel_mm)
        for z, found in zip(range(first + 1, last), between, strict=True):
            out[z] = found
    return np.asarray(np.moveaxis(out, 0, axis))


def _mixed(
    one: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_], parts: npt.NDArray[np.float64],
    pixel_mm: tuple[float, float],
) -> list[npt.NDArray[np.bool_]]:  # fmt: skip
    from scipy.ndimage import shift

    margin = 2
    rows = np.flatnonzero((one | other).any(axis=1))
    columns = np.flatnonzero((one | other).any(axis=0))
    area = (slice(max(0, rows[0] - margin), rows[-1] + margin + 1),
            slice(max(0, columns[0] - margin), columns[-1] + margin + 1))  # fmt: skip
    a, b = (signed_distance(m[area], pixel_mm) for m in (one, other))
    apart = not (one & other).any()
    start, end = (np.argwhere(m[area]).mean(axis=0) for m in (one, other))
    found = []
    for part in parts.tolist():
        near, far = a, b
        if apart:  # both outlines are taken to the place between their centres
            place = start + (end - start) * part
            near = shift(a, place - start, order=1, mode="nearest")
            far = shift(b, place - end, order=1, mode="nearest")
        whole = np.zeros_like(one)
        whole[area] = near * (1 - part) + far * part > 0
        found.append(whole)
    return found


def fill_holes(mask: Mask, axis: int | None = None) -> Mask:
    """Background that the mask encloses: in each slice across ``axis``, or (None) in space."""
    from scipy.ndimage import binary_fill_holes

    if axis is None:
        return np.asarray(binary_fill_holes(mask))
    stack = np.moveaxis(mask, axis, 0)
    out = np.zeros_like(stack)
    for z in np.flatnonzero(stack.any(axis=(1, 2))).tolist():
        out[z] = binary_fill_holes(stack[z])
    return np.asarray(np.moveaxis(out, 0, axis))


def keep_islands(mask: Mask, *, smallest_voxels: int | None = None) -> Mask:
    """The largest connected part (26 neighbours), or (given a size) all parts of at least it."""
    from scipy.ndimage import label

    named, count = label(mask, structure=np.ones((3, 3, 3)))
    if count < 2 and smallest_voxels is None:
        return mask
    sizes = np.bincount(named.ravel())
    sizes[0] = 0
    if smallest_voxels is None:
        return np.asarray(named == int(np.argmax(sizes)))
    return np.asarray((sizes >= smallest_voxels)[named])


def smooth(mask: Mask, spacing_mm: Vector, sigma_mm: float) -> Mask:
    """Gaussian of the mask, cut at one half: straight borders stay where they are."""
    from scipy.ndimage import gaussian_filter

    sigma = [sigma_mm / mm if size > 1 else 0.0
             for mm, size in zip(spacing_mm, mask.shape, strict=True)]  # fmt: skip
    soft = gaussian_filter(mask.astype(np.float32), sigma, mode="nearest")
    return np.asarray(soft >= 0.5)


def cropped(
    mask: Mask, margin: tuple[int, int, int], work: Callable[[Mask], Mask]
) -> tuple[Box, Mask] | None:
    """Do work on the box around a mask, with a margin; box and answer, None for an empty mask."""
    own = box_of(mask)
    if own is None:
        return None
    low = [max(0, a - m) for a, m in zip(own.low, margin, strict=True)]
    high = [min(n, b + m) for b, m, n in zip(own.high, margin, mask.shape, strict=True)]
    box = Box((low[0], low[1], low[2]), (high[0], high[1], high[2]))
    return box, work(mask[box.slices])


def otsu_threshold(values: npt.NDArray[Any]) -> float:
    """Value that parts a histogram best into two classes (Otsu 1979); 1024 bins, 99.5 % range."""
    found = np.asarray(values, np.float64)
    found = found[np.isfinite(found)]
    if not found.size:
        return 0.0
    low, high = np.percentile(found, (0.25, 99.75))
    if low == high:
        return float(low)
    counts, edges = np.histogram(np.clip(found, low, high), 1024, (low, high))
    middles = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    sums = np.cumsum(counts * middles)
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = sums / below - (sums[-1] - sums) / above
    spread = np.nan_to_num(below * above * apart * apart)
    return float(edges[int(np.argmax(spread)) + 1])


def body_mask(values: npt.NDArray[Any], cancelled: Cancelled | None = None) -> Mask:
    """The patient: the largest part brighter than Otsu's threshold, filled in each slice."""
    step = [max(1, n // 96) for n in values.shape]
    thin = values[:: step[0], :: step[1], :: step[2]]
    bright = values > otsu_threshold(thin)
    _stop(cancelled)
    found = keep_islands(bright)
    _stop(cancelled)
    return fill_holes(found, 0)
