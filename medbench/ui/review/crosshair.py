"""Where the lines of the crosshair run on a viewport: the cuts of the other planes, by place."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF

from medbench.imaging.reslice import MprPlane, PlaneKind, acquired_kind
from medbench.imaging.turned import slice_direction_of
from medbench.ui.review.plane_state import CUTS

if TYPE_CHECKING:
    from medbench.ui.review.viewport import Viewport

GAP_PX = 14.0
_PARALLEL = 0.02
"""Sine of the angle below which two planes have no line in common worth drawing."""
_HANDLE_SHARE = 0.25
_HANDLE_EDGE_PX = 12.0


@dataclass(frozen=True)
class CrossLine:
    """One line on one viewport, in widget coordinates."""

    kind: PlaneKind
    """The plane it stands for."""
    at: QPointF
    """The crosshair's point."""
    along: QPointF
    """Unit vector."""
    before_px: float
    """From the point to the edge of the view, against ``along``."""
    after_px: float
    half_slab_px: float = 0.0
    """How far the other plane's slab reaches to both sides of the line, across it."""

    def handles(self, size: float) -> list[QPointF]:
        """Places of the two rotate handles; ``size`` is the smaller side of the view."""
        found = []
        for sign, room in ((-1, self.before_px), (1, self.after_px)):
            distance = min(size * _HANDLE_SHARE, room - _HANDLE_EDGE_PX)
            if distance > GAP_PX:
                found.append(self.at + self.along * (sign * distance))
        return found

    def distance_px(self, place: QPointF) -> float:
        """How far a place lies from the line, infinite in the gap."""
        offset = place - self.at
        along = offset.x() * self.along.x() + offset.y() * self.along.y()
        if abs(along) < GAP_PX:
            return float("inf")
        return abs(offset.x() * self.along.y() - offset.y() * self.along.x())


def cross_lines(view: "Viewport") -> list[CrossLine]:
    """The lines of the other planes of the display, through the crosshair's point."""
    model, plane = view.model, view.plane
    point, display = model.point_mm, model.display
    if plane is None or point is None or display is None or not display.reformattable:
        return []
    planes = tuple(model.plane(kind) for kind in CUTS)
    slabs = tuple(model.plane_state.slab(kind) for kind in CUTS)
    stamp = (plane, *planes, *slabs, *point.tolist(), view.placement())
    if view.lines_kept is None or view.lines_kept[0] != stamp:
        view.lines_kept = (stamp, _found_lines(view, plane, point))
    found: list[CrossLine] = view.lines_kept[1]
    return found


def _found_lines(view: "Viewport", plane: MprPlane, point: NDArray[np.float64]) -> list[CrossLine]:
    model = view.model
    _, row, column = plane.place_of(point)
    at = view.widget_position(row, column)
    own = view_kind(view)
    found = []
    for kind in CUTS:
        other = model.plane(kind)
        if other is None or (kind is own and view.kind is not PlaneKind.ACQUIRED):
            continue
        along = _direction(view, plane, other, row, column)
        if along is not None:
            before, after = _room(view, at, along)
            slab = model.plane_state.slab(kind)
            half = 0.0 if slab is None else slab.thickness_mm / 2 / _sine(plane, other)
            half *= view.placement().scale
            found.append(CrossLine(kind, at, along, before, after, half))
    return found


def view_kind(view: "Viewport") -> PlaneKind:
    """The anatomical plane of a view; of a stack the one it was acquired in."""
    display = view.model.display
    if view.kind is PlaneKind.ACQUIRED and display is not None and display.geometry is not None:
        return acquired_kind(display.geometry)
    return view.kind


def point_below(view: "Viewport", place: QPointF) -> NDArray[np.float64] | None:
    """Patient point (mm) of a widget place on the shown picture."""
    plane = view.plane
    return None if plane is None else plane.point_of(view.index, *view.picture_position(place))


def picture_normal(view: "Viewport") -> NDArray[np.float64]:
    """Unit vector (LPS) from slice to slice."""
    plane = view.plane
    assert plane is not None
    return slice_direction_of(plane)


def _sine(plane: MprPlane, other: MprPlane) -> float:
    """Of the angle between two planes."""
    return float(np.linalg.norm(np.cross(slice_direction_of(plane), slice_direction_of(other))))


def _direction(
    view: "Viewport", plane: MprPlane, other: MprPlane, row: float, column: float
) -> QPointF | None:
    """Unit vector on the widget along the cut of two planes; None where they are parallel."""
    cut: Any = np.cross(slice_direction_of(plane), slice_direction_of(other))
    if float(np.linalg.norm(cut)) < _PARALLEL:
        return None
    down = float(cut @ np.asarray(plane.column_direction, float)) / plane.spacing_mm[1]
    right = float(cut @ np.asarray(plane.row_direction, float)) / plane.spacing_mm[2]
    step = view.widget_position(row + down, column + right) - view.widget_position(row, column)
    length = float(np.hypot(step.x(), step.y()))
    return step / length if length > 0 else None


def _room(view: "Viewport", at: QPointF, along: QPointF) -> tuple[float, float]:
    """Pixels to the view's edges on both sides; 0 where the point lies outside."""
    before, after = float("inf"), float("inf")
    for place, step, size in (
        (at.x(), along.x(), view.width()),
        (at.y(), along.y(), view.height()),
    ):
        if abs(step) > 1e-9:
            ends = sorted((-place / step, (size - place) / step))
            before, after = min(before, -ends[0]), min(after, ends[1])
    return max(0.0, before), max(0.0, after)
