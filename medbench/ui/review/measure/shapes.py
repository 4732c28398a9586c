"""Lines and handles of measurements, and what dragging a handle does to the points; no Qt."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from medbench.domain.measurement import MeasurementKind, Place
from medbench.imaging.roi import axis_ends, half_axes, outline

Size = tuple[float, float]
"""Height and width of a pixel, in mm or relative."""
Places = tuple[Place, ...]
POINTS = {
    MeasurementKind.PROBE: 1, MeasurementKind.TEXT: 1, MeasurementKind.LENGTH: 2,
    MeasurementKind.ARROW: 2, MeasurementKind.RECTANGLE: 2, MeasurementKind.ELLIPSE: 2,
    MeasurementKind.ANGLE: 3, MeasurementKind.COBB: 4, MeasurementKind.BIDIRECTIONAL: 4,
}  # fmt: skip
"""Places that are set while drawing; outlines have any number from 3."""
_FREEHAND_HANDLES = 8


@dataclass(frozen=True)
class Line:
    """Places that are joined; ``helper`` lines only explain (the short arm of a Cobb angle)."""

    places: Places
    closed: bool = False
    helper: bool = False


def lines_of(kind: MeasurementKind, points: Sequence[Place]) -> tuple[Line, ...]:
    """What is drawn of a measurement; also of one with some points still missing."""
    places = tuple(points)
    if kind in (MeasurementKind.COBB, MeasurementKind.BIDIRECTIONAL):
        pairs = [Line(places[i : i + 2]) for i in range(0, len(places) - 1, 2)]
        if kind is MeasurementKind.COBB and len(places) == 4:
            pairs.append(Line((_middle(places[:2]), _middle(places[2:])), helper=True))
        return tuple(pairs)
    if len(places) < 2:
        return ()
    if kind is MeasurementKind.ELLIPSE and len(places) != 4:
        return ()
    if kind in (MeasurementKind.RECTANGLE, MeasurementKind.ELLIPSE):
        around = tuple((float(r), float(c)) for r, c in outline(kind, places))
        return (Line(around, closed=True),)
    return (Line(places, closed=kind.is_roi and len(places) > 2),)


def _middle(places: Sequence[Place]) -> Place:
    return (
        sum(p[0] for p in places) / len(places),
        sum(p[1] for p in places) / len(places),
    )


def handles_of(kind: MeasurementKind, points: Sequence[Place]) -> Places:
    """Where a measurement can be taken hold of."""
    if kind is MeasurementKind.RECTANGLE and len(points) == 2:
        return tuple((float(r), float(c)) for r, c in outline(kind, points))
    if kind is MeasurementKind.FREEHAND:
        step = max(1, len(points) // _FREEHAND_HANDLES)
        return tuple(points[::step][:_FREEHAND_HANDLES])
    return tuple(points)


def moved_handle(
    kind: MeasurementKind, points: Sequence[Place], handle: int, place: Place, size: Size
) -> Places:
    """Points after a handle was dragged to a place."""
    if kind is MeasurementKind.RECTANGLE:
        opposite = handles_of(kind, points)[(handle + 2) % 4]
        return (opposite, place)
    if kind is MeasurementKind.ELLIPSE:
        return _moved_axis(points, handle, place, size)
    if kind is MeasurementKind.FREEHAND:
        return _pulled(points, handle, place)
    found = list(points)
    found[handle] = place
    return tuple(found)


def _moved_axis(points: Sequence[Place], handle: int, place: Place, size: Size) -> Places:
    """The dragged axis follows; the other turns with it and keeps its length (in mm)."""
    centre, first, second = half_axes(points)
    scale = np.asarray(size)
    other = first if handle >= 2 else second
    arm = (np.asarray(place) - centre) * scale
    if not arm.any():
        return tuple(points)
    arm = -arm if handle in (0, 2) else arm
    length = float(np.linalg.norm(other * scale))
    across = np.array([-arm[1], arm[0]]) / np.linalg.norm(arm) * length
    if across @ (other * scale) < 0:
        across = -across
    axes = (across, arm) if handle >= 2 else (arm, across)
    return axis_ends(centre, axes[0] / scale, axes[1] / scale)


def _pulled(points: Sequence[Place], handle: int, place: Place) -> Places:
    """The outline near a handle follows it, less the farther away."""
    count = len(points)
    step = max(1, count // _FREEHAND_HANDLES)
    corners = np.asarray(points, float)
    at = min(handle * step, count - 1)
    away = np.abs(np.arange(count) - at)
    away = np.minimum(away, count - away) / step
    weight = np.where(away < 1, (1 + np.cos(np.pi * np.minimum(away, 1))) / 2, 0.0)
    found = corners + weight[:, None] * (np.asarray(place) - corners[at])
    return tuple((float(r), float(c)) for r, c in found)


def shifted(points: Sequence[Place], rows: float, columns: float) -> Places:
    """The whole measurement moved."""
    return tuple((row + rows, column + columns) for row, column in points)


def squared(corner: Place, opposite: Place, size: Size) -> Place:
    """The opposite corner of a box that is as high as wide (in mm)."""
    high, wide = (opposite[0] - corner[0]) * size[0], (opposite[1] - corner[1]) * size[1]
    side = max(abs(high), abs(wide))
    return (
        corner[0] + math.copysign(side, high) / size[0],
        corner[1] + math.copysign(side, wide) / size[1],
    )


def across(start: Place, end: Place, place: Place, free: Place, size: Size) -> Place:
    """``free`` on the line through ``place`` that stands perpendicular (in mm) on an axis."""
    scale = np.asarray(size)
    axis = np.subtract(end, start) * scale
    if not axis.any():
        return free
    normal = np.array([-axis[1], axis[0]]) / np.linalg.norm(axis)
    reach = float(np.subtract(free, place) * scale @ normal)
    found = np.asarray(place) + normal * reach / scale
    return float(found[0]), float(found[1])


def straightened(start: Place, end: Place, size: Size) -> Place:
    """The end of a line that runs in a multiple of 45 degrees (in mm)."""
    high, wide = (end[0] - start[0]) * size[0], (end[1] - start[1]) * size[1]
    length = math.hypot(high, wide)
    turn = round(math.atan2(high, wide) / (math.pi / 4)) * math.pi / 4
    return (
        start[0] + length * math.sin(turn) / size[0],
        start[1] + length * math.cos(turn) / size[1],
    )


def thinned(points: Sequence[Place], nearest: float) -> Places:
    """A stroke without points closer than ``nearest`` pixels to the one before."""
    found: list[Place] = []
    for point in points:
        if not found or math.dist(found[-1], point) >= nearest:
            found.append(point)
    return tuple(found)
