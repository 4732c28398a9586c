"""Regions of interest on one picture: which pixels lie inside, and the size of the outline itself.

A pixel belongs to a region when its centre lies inside or on the outline. Places are (row, column),
pixel centres at whole numbers, so that the same region covers the same pixels in the stack and in
a plane cut along it, however that plane is turned or flipped.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from medbench.domain.measurement import MeasurementKind, Place
from medbench.imaging.measure import RoiStatistics, roi_statistics

Floats = npt.NDArray[np.float64]
_TOUCH = 1e-9
"""Centres this near to the outline lie on it: a millimetre place is never exact."""
_ELLIPSE_CORNERS = 128
_MOST_BINS = 64


@dataclass(frozen=True, eq=False)
class Region:
    """Pixels of a region, within the smallest box around them."""

    top: int
    left: int
    inside: npt.NDArray[np.bool_]
    """(rows, columns) of the box."""

    @property
    def count(self) -> int:
        """Pixels inside."""
        return int(np.count_nonzero(self.inside))

    def cut(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """That box of a picture."""
        rows, columns = self.inside.shape
        return values[self.top : self.top + rows, self.left : self.left + columns]

    def mask(self, shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
        """As a mask of a whole picture."""
        out = np.zeros(shape, bool)
        self.cut(out)[...] = self.inside
        return out


def region_of(kind: MeasurementKind, points: Sequence[Place], shape: tuple[int, int]) -> Region:
    """Pixels of a picture of ``shape`` whose centres a region encloses.

    Raises
    ------
    ValueError
        ``kind`` encloses nothing.
    """
    if kind is MeasurementKind.RECTANGLE:
        return _rectangle(points, shape)
    if kind is MeasurementKind.ELLIPSE:
        return _ellipse(points, shape)
    if kind.is_roi:
        return _polygon(np.asarray(points, float), shape)
    raise ValueError(f"a measurement of the kind {kind.value} encloses no pixels")


def _box(low: Floats, high: Floats, shape: tuple[int, int]) -> tuple[int, int, int, int]:
    """First and last row and column (exclusive) whose centres may lie between two corners."""
    top, left = (max(0, int(np.ceil(v - _TOUCH))) for v in low)
    bottom, right = (
        min(size, int(np.floor(v + _TOUCH)) + 1) for v, size in zip(high, shape, strict=True)
    )
    return top, max(top, bottom), left, max(left, right)


def _rectangle(points: Sequence[Place], shape: tuple[int, int]) -> Region:
    corners = np.asarray(points, float)
    top, bottom, left, right = _box(corners.min(axis=0), corners.max(axis=0), shape)
    return Region(top, left, np.ones((bottom - top, right - left), bool))


def half_axes(points: Sequence[Place]) -> tuple[Floats, Floats, Floats]:
    """Centre and the two half axes (row, column) of an ellipse given by its four ends."""
    ends = np.asarray(points, float)
    first, second = (ends[1] - ends[0]) / 2, (ends[3] - ends[2]) / 2
    return np.asarray(ends.mean(axis=0)), first, second


def axis_ends(centre: Floats, first: Floats, second: Floats) -> tuple[Place, ...]:
    """The four ends of an ellipse's axes."""
    ends = (centre - first, centre + first, centre - second, centre + second)
    return tuple((float(e[0]), float(e[1])) for e in ends)


def ellipse_ends(
    corner: Place, opposite: Place, pixel: tuple[float, float] = (1.0, 1.0)
) -> tuple[Place, ...]:
    """Ends of the ellipse that fills an upright box, the longer axis (by ``pixel`` size) first."""
    centre = (np.asarray(corner, float) + np.asarray(opposite, float)) / 2
    high = np.array([abs(opposite[0] - corner[0]) / 2, 0.0])
    wide = np.array([0.0, abs(opposite[1] - corner[1]) / 2])
    if high[0] * pixel[0] > wide[1] * pixel[1]:
        return axis_ends(centre, high, wide)
    return axis_ends(centre, wide, high)


def _ellipse(points: Sequence[Place], shape: tuple[int, int]) -> Region:
    centre, first, second = half_axes(points)
    reach = np.hypot(first, second)
    top, bottom, left, right = _box(centre - reach, centre + reach, shape)
    size = first[0] * second[1] - first[1] * second[0]
    if abs(size) < _TOUCH:
        return Region(top, left, np.zeros((bottom - top, right - left), bool))
    row = np.arange(top, bottom)[:, None] - centre[0]
    column = np.arange(left, right)[None, :] - centre[1]
    # perpendicular half axes in millimetres are conjugate ones in pixels: no pixel size is needed
    along = (row * second[1] - column * second[0]) / size
    across = (column * first[0] - row * first[1]) / size
    return Region(top, left, np.asarray(along * along + across * across <= 1 + _TOUCH))


def _polygon(corners: Floats, shape: tuple[int, int]) -> Region:
    top, bottom, left, right = _box(corners.min(axis=0), corners.max(axis=0), shape)
    rows, columns = bottom - top, right - left
    if not rows or not columns:
        return Region(top, left, np.zeros((rows, columns), bool))
    row, start, end = _intervals(corners)
    keep = (row >= top) & (row < bottom)
    row, start, end = row[keep] - top, start[keep], end[keep]
    begin = np.clip(np.ceil(start - _TOUCH).astype(np.int64) - left, 0, columns)
    stop = np.clip(np.floor(end + _TOUCH).astype(np.int64) + 1 - left, 0, columns)
    keep = stop > begin
    steps = np.zeros((rows, columns + 1), np.int32)
    np.add.at(steps, (row[keep], begin[keep]), 1)
    np.add.at(steps, (row[keep], stop[keep]), -1)
    np.cumsum(steps, axis=1, out=steps)
    return Region(top, left, steps[:, :columns] > 0)


def _intervals(corners: Floats) -> tuple[npt.NDArray[np.int64], Floats, Floats]:
    """Row and columns (from, to) of what an even-odd outline encloses on each whole row.

    Corners and edges that lie on a row are intervals of their own: the outline belongs to the
    inside, whichever way the picture is turned.
    """
    r0, c0 = corners[:, 0], corners[:, 1]
    r1, c1 = np.roll(r0, -1), np.roll(c0, -1)
    low, high = np.minimum(r0, r1), np.maximum(r0, r1)
    first = np.ceil(low).astype(np.int64)
    count = np.maximum(0, np.ceil(high).astype(np.int64) - first)  # low <= row < high
    edge = np.repeat(np.arange(len(r0)), count)
    row = first[edge] + np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
    part = (row - r0[edge]) / (r1[edge] - r0[edge])
    at = c0[edge] + part * (c1[edge] - c0[edge])
    order = np.lexsort((at, row))
    row, at = row[order], at[order]
    near = np.rint(r0)
    corner = np.abs(r0 - near) <= _TOUCH
    flat = corner & (np.abs(r1 - near) <= _TOUCH)
    return (
        np.concatenate([row[::2], near[corner].astype(np.int64), near[flat].astype(np.int64)]),
        np.concatenate([at[::2], c0[corner], np.minimum(c0, c1)[flat]]),
        np.concatenate([at[1::2], c0[corner], np.maximum(c0, c1)[flat]]),
    )


def outline(kind: MeasurementKind, points: Sequence[Place]) -> Floats:
    """Corners (n, 2) of a region's closed outline; an ellipse in 128 steps."""
    if kind is MeasurementKind.RECTANGLE:
        (r0, c0), (r1, c1) = points[0], points[1]
        return np.array([(r0, c0), (r0, c1), (r1, c1), (r1, c0)], float)
    if kind is MeasurementKind.ELLIPSE:
        centre, first, second = half_axes(points)
        turn = np.linspace(0, 2 * np.pi, _ELLIPSE_CORNERS, endpoint=False)[:, None]
        return np.asarray(centre + np.cos(turn) * first + np.sin(turn) * second)
    return np.asarray(points, float)


def outline_area_px(kind: MeasurementKind, points: Sequence[Place]) -> float:
    """Area the outline itself encloses, in pixels (shoelace formula for polygons)."""
    if kind is MeasurementKind.ELLIPSE:
        _, first, second = half_axes(points)
        return float(np.pi * abs(first[0] * second[1] - first[1] * second[0]))
    corners = outline(kind, points)
    corners = corners - corners.mean(axis=0)
    row, column = corners[:, 0], corners[:, 1]
    twice = row @ np.roll(column, -1) - column @ np.roll(row, -1)
    return float(abs(twice) / 2)


def outline_length(
    kind: MeasurementKind, points: Sequence[Place], pixel: tuple[float, float] = (1.0, 1.0)
) -> float:
    """Perimeter, in the unit of ``pixel`` (height, width)."""
    if kind is MeasurementKind.ELLIPSE:
        _, first, second = half_axes(points)
        axes = np.stack([first, second]) * np.asarray(pixel)
        major, minor = np.linalg.svd(axes, compute_uv=False)
        return ellipse_perimeter(float(major), float(minor))
    corners = outline(kind, points) * np.asarray(pixel)
    sides = np.roll(corners, -1, axis=0) - corners
    return float(np.hypot(sides[:, 0], sides[:, 1]).sum())


def ellipse_perimeter(first: float, second: float) -> float:
    """Perimeter of an ellipse by its half axes, by the arithmetic-geometric mean (Gauss)."""
    a, b = max(first, second), min(first, second)
    if b <= 0:
        return 4 * a
    total, weight = a * a - (a * a - b * b) / 2, 0.5
    while a - b > 1e-12 * a:
        a, b = (a + b) / 2, float(np.sqrt(a * b))
        weight *= 2
        total -= weight * (a * a - b * b)
    return float(2 * np.pi * total / a)


def region_statistics(
    values: npt.NDArray[Any], region: Region, padding: tuple[float, float] | None = None
) -> RoiStatistics:
    """Statistics of the modality values (rows, columns) in a region (T37).

    Padding and values that are not finite are left out and counted; an empty region has None.
    """
    return roi_statistics(region.cut(values), region.inside, padding)


def region_histogram(
    values: npt.NDArray[Any], region: Region, padding: tuple[float, float] | None = None
) -> tuple[Floats, npt.NDArray[np.int64]] | None:
    """Bin edges in modality units and counts; None where nothing is left to count.

    Whole numbers get bins of a whole width, so that none of them is empty by construction.
    """
    inside = np.asarray(region.cut(values)[region.inside], np.float64)
    inside = inside[np.isfinite(inside) & (np.abs(inside) < 1e38)]
    if padding is not None:
        inside = inside[(inside < padding[0]) | (inside > padding[1])]
    if not len(inside):
        return None
    low, high = float(inside.min()), float(inside.max())
    if values.dtype.kind in "iu":
        width = max(1, int(np.ceil((high - low + 1) / _MOST_BINS)))
        edges = np.arange(low - 0.5, high + width, width)
    else:
        bins = int(np.clip(np.sqrt(len(inside)), 8, _MOST_BINS))
        span = (high - low) or max(abs(low), 1.0) * 1e-3
        edges = np.linspace(low, low + span, bins + 1)
    counts, edges = np.histogram(inside, edges)
    return edges, counts
