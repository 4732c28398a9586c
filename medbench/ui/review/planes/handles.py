"""The crosshair in the hand: lines that move a plane, handles that rotate the others."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPen

from medbench.imaging.reslice import PlaneKind
from medbench.imaging.turned import slice_direction_of
from medbench.ui.review.crosshair import (
    CrossLine,
    cross_lines,
    picture_normal,
    point_below,
    view_kind,
)
from medbench.ui.review.plane_state import CUTS, Turn
from medbench.ui.review.pointer import PointerTool
from medbench.ui.review.view_model import Tool
from medbench.ui.theme.tokens import PLANES

if TYPE_CHECKING:
    from medbench.ui.review.viewport import Viewport

_RADIUS_PX = 4.5
_HANDLE_PX = 10.0
_LINE_PX = 5.0
_SNAP_RAD = np.pi / 36
"""5 degrees, with Shift."""
_PARALLEL = 1e-3
Point = NDArray[np.float64]


@dataclass(frozen=True)
class _Grip:
    """What a drag holds."""

    kind: PlaneKind
    """Plane of the line."""
    rotates: bool
    centre_mm: Point
    from_mm: Point
    """Patient point where the drag began."""
    turns: dict[PlaneKind, Turn]


class CrosshairHandles(PointerTool):
    """Always on the viewports; takes the mouse only while the crosshair is the tool."""

    def __init__(self, parent: "object | None" = None) -> None:
        super().__init__(parent)  # type: ignore[arg-type]
        self._grip: _Grip | None = None
        self._hover: tuple[Viewport, PlaneKind, bool] | None = None

    def _below(self, view: "Viewport", place: QPointF) -> tuple[CrossLine, bool] | None:
        """The line below the pointer, and whether it is one of its handles."""
        if view.model.tool is not Tool.CROSSHAIR or not view.model.linked:
            return None
        lines, size = cross_lines(view), min(view.width(), view.height())
        for line in lines:
            for handle in line.handles(size):
                offset = handle - place
                if np.hypot(offset.x(), offset.y()) <= _HANDLE_PX:
                    return line, True
        near = min(lines, key=lambda line: line.distance_px(place), default=None)
        if near is not None and near.distance_px(place) <= _LINE_PX:
            return near, False
        return None

    def press(self, view: "Viewport", event: QMouseEvent) -> bool:
        if event.button() is not Qt.MouseButton.LeftButton:
            return False
        found = self._below(view, event.position())
        start, centre = point_below(view, event.position()), view.model.point_mm
        if found is None or start is None or centre is None:
            return False
        line, rotates = found
        turns = view.model.plane_state.turns
        self._grip = _Grip(line.kind, rotates, np.array(centre), start, turns)
        view.setCursor(Qt.CursorShape.ClosedHandCursor)
        return True

    def move(self, view: "Viewport", event: QMouseEvent) -> bool:
        if self._grip is None:
            self._point(view, event.position())
            return False
        now = point_below(view, event.position())
        if now is None:
            return True
        if self._grip.rotates:
            alone = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
            snap = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self._rotate(view, self._grip, now, alone=alone, snap=snap)
        else:
            self._shift(view, self._grip, now)
        return True

    def release(self, view: "Viewport", event: QMouseEvent) -> bool:
        self._grip = None
        self._hover = None
        self._point(view, event.position())
        return True

    def leave(self, view: "Viewport") -> None:
        if self._hover is not None and self._grip is None:
            self._hover = None
            view.unsetCursor()
            view.update()

    def put_down(self) -> None:
        self._grip, self._hover = None, None

    def _point(self, view: "Viewport", place: QPointF) -> None:
        """Show what a press would take."""
        found = self._below(view, place)
        hover = None if found is None else (view, found[0].kind, found[1])
        if hover == self._hover:
            return
        self._hover = hover
        if hover is None:
            view.unsetCursor()
        else:
            view.setCursor(
                Qt.CursorShape.OpenHandCursor if hover[2] else Qt.CursorShape.SizeAllCursor
            )
        view.update()

    def _rotate(
        self, view: "Viewport", grip: _Grip, now: Point, *, alone: bool, snap: bool
    ) -> None:
        """About the normal of this picture, by the angle the pointer has gone round."""
        normal = picture_normal(view)
        before, after = (
            arm - (arm @ normal) * normal for arm in (grip.from_mm - grip.centre_mm,
                                                      now - grip.centre_mm)
        )  # fmt: skip
        if min(np.linalg.norm(before), np.linalg.norm(after)) == 0:
            return
        angle = float(np.arctan2(normal @ np.cross(before, after), before @ after))
        if snap:
            angle = round(angle / _SNAP_RAD) * _SNAP_RAD
        kinds = (grip.kind,) if alone else self._partners(view, normal)
        view.model.plane_state.turn(kinds, normal, angle, grip.centre_mm, grip.turns)

    def _partners(self, view: "Viewport", normal: Point) -> tuple[PlaneKind, ...]:
        """The two other planes; all three where this stack lies across its own plane."""
        own = view_kind(view)
        plane = view.model.plane(own)
        if plane is None:
            return CUTS
        lies_in_it = abs(float(slice_direction_of(plane) @ normal)) > 1 - _PARALLEL
        return tuple(kind for kind in CUTS if kind is not own) if lies_in_it else CUTS

    def _shift(self, view: "Viewport", grip: _Grip, now: Point) -> None:
        """Move the plane of the line below the pointer, within this picture."""
        plane = view.model.plane(grip.kind)
        if plane is None:
            return
        other, normal = slice_direction_of(plane), picture_normal(view)
        along = other - (other @ normal) * normal
        length = float(np.linalg.norm(along))
        if length < _PARALLEL:
            return
        along = along / length
        distance = float((now - grip.centre_mm) @ other) / float(along @ other)
        view.model.set_point(self._inside(view, grip.centre_mm + along * distance))

    def _inside(self, view: "Viewport", point: Point) -> Point:
        """The point, or the nearest one in the volume's box."""
        plane = view.plane
        assert plane is not None
        voxel = plane.geometry.index_from_world(point)
        last = np.asarray(plane.geometry.shape[::-1]) - 1
        return plane.geometry.world_from_index(*np.clip(voxel, 0, last))

    def paint(self, painter: QPainter, view: "Viewport") -> None:
        if view.model.tool is not Tool.CROSSHAIR or not view.model.linked:
            return
        size = min(view.width(), view.height())
        for line in cross_lines(view):
            colour = QColor(PLANES[line.kind.value])
            held = self._hover == (view, line.kind, True)
            painter.setPen(QPen(colour, 1.6))
            painter.setBrush(colour if held else QColor(0, 0, 0))
            for handle in line.handles(size):
                painter.drawEllipse(handle, _RADIUS_PX, _RADIUS_PX)
        painter.setBrush(Qt.BrushStyle.NoBrush)
