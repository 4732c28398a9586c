"""The hand that draws measurements: two clicks or one drag, corner after corner, or one stroke."""

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter

from medbench.domain.measurement import Measurement, MeasurementKind, Place
from medbench.imaging.roi import ellipse_ends
from medbench.session.measuring import pixel_size
from medbench.ui.review.measure.marks import to_widget_of
from medbench.ui.review.measure.painting import (
    MarkStyle,
    drawn,
    label_place,
    label_size,
    leader_start,
    paint_label,
    paint_shape,
)
from medbench.ui.review.measure.placing import Ground, ground_of, site_of
from medbench.ui.review.measure.shapes import (
    POINTS,
    Places,
    across,
    squared,
    straightened,
    thinned,
)
from medbench.ui.review.pointer import PointerTool

if TYPE_CHECKING:
    from medbench.ui.review.measure.desk import MeasureDesk
    from medbench.ui.review.viewport import Viewport

DRAG_PX = 5.0
CLOSE_PX = 9.0
_STROKE_PX = 2.0
_STYLE = MarkStyle(selected=True)


@dataclass
class Draft:
    """A measurement that is not finished: nothing of it is stored."""

    view: "Viewport"
    ground: Ground
    fixed: list[Place]
    pressed: QPointF
    free: Place | None = None
    """Where the pointer is."""
    stroke: list[Place] = field(default_factory=list)


class DrawTool(PointerTool):
    """Base of the drawing tools; subclasses know when the points are complete."""

    def __init__(self, desk: "MeasureDesk", kind: MeasurementKind, tool_id: str = "") -> None:
        super().__init__(desk)
        self.tool_id = tool_id or kind.value
        self.kind = kind
        self.desk = desk
        self.draft: Draft | None = None

    # what subclasses say

    def points(self, draft: Draft, *, last: bool) -> Places:
        """Points of the measurement so far; with ``last`` also the place below the pointer."""
        raise NotImplementedError

    def begin(self, view: "Viewport", event: QMouseEvent) -> bool:
        """Start where the button went down; False where nothing can be measured."""
        place = self.inside(view, event.position())
        if place is None:
            return False
        ground = ground_of(view)
        if ground is None:
            self.desk.say_not_there()
            return True
        self.draft = Draft(view, ground, [place], event.position(), place)
        self.desk.drawing = True
        return True

    # common

    def inside(self, view: "Viewport", at: QPointF) -> Place | None:
        """Place on the picture; None beside it."""
        place = view.placement()
        row, column = place.to_picture(at)
        if -0.5 <= row <= place.rows - 0.5 and -0.5 <= column <= place.columns - 0.5:
            return row, column
        return None

    def near(self, view: "Viewport", at: QPointF) -> Place:
        """Place on the picture, or the nearest on its edge."""
        place = view.placement()
        row, column = place.to_picture(at)
        return (
            min(max(row, -0.5), place.rows - 0.5),
            min(max(column, -0.5), place.columns - 0.5),
        )

    def goes_on(self, view: "Viewport") -> Draft | None:
        """The draft, if this viewport still shows the picture it was begun on."""
        draft = self.draft
        if draft is None or draft.view is not view or site_of(view) != draft.ground.site:
            return None
        return draft

    def put_down(self) -> None:
        draft, self.draft = self.draft, None
        self.desk.drawing = False
        if draft is not None:
            self.desk.repaint()

    def key(self, view: "Viewport", event: QKeyEvent) -> bool:
        if event.key() == Qt.Key.Key_Escape and self.draft is not None:
            self.put_down()
            return True
        return False

    def double_click(self, view: "Viewport", event: QMouseEvent) -> bool:
        draft = self.goes_on(view)
        if draft is None:
            return False
        if len(draft.fixed) == 1:  # twice at one place: the viewport is meant
            self.put_down()
            return False
        return self.press(view, event)

    def complete(self, points: Places) -> None:
        """All points are there."""
        draft, self.draft = self.draft, None
        self.desk.drawing = False
        if draft is not None:
            self.desk.finish(self.kind, points, draft.ground, draft.view)

    def paint(self, painter: QPainter, view: "Viewport") -> None:
        draft = self.goes_on(view)
        if draft is None:
            return
        points = self.points(draft, last=True)
        shape = drawn(to_widget_of(view), self.kind, points)
        paint_shape(painter, shape, _STYLE)
        done = len(points) >= _least(self.kind)
        one = Measurement("", self.kind, draft.ground.site, points)
        lines = self.desk.live_label(one, draft.ground.picture) if done else []
        if lines:
            mark, area = shape.rect, QRectF(view.rect())
            box = label_place(mark, label_size(painter, lines), area, [mark])
            paint_label(painter, box, lines, leader_start(shape, box), _STYLE)


def _least(kind: MeasurementKind) -> int:
    return 4 if kind is MeasurementKind.ELLIPSE else POINTS.get(kind, 3)


class PointsTool(DrawTool):
    """Kinds with a known number of points: each is a click, or the end of a drag."""

    def press(self, view: "Viewport", event: QMouseEvent) -> bool:
        if event.button() is not Qt.MouseButton.LeftButton:
            return False
        draft = self.goes_on(view)
        if draft is None:
            self.put_down()
            begun = self.begin(view, event)
            if self.draft is not None and POINTS[self.kind] == 1:
                self.complete(tuple(self.draft.fixed))
            return begun
        self._set(draft, self._held(draft, view, event))
        draft.pressed = event.position()
        return True

    def move(self, view: "Viewport", event: QMouseEvent) -> bool:
        draft = self.goes_on(view)
        if draft is None:
            return False
        draft.free = self._held(draft, view, event)
        view.update()
        return True

    def release(self, view: "Viewport", event: QMouseEvent) -> bool:
        draft = self.goes_on(view)
        if draft is None:
            return False
        step = event.position() - draft.pressed
        if math.hypot(step.x(), step.y()) > DRAG_PX:
            self._set(draft, self._held(draft, view, event))
        return True

    def _set(self, draft: Draft, place: Place) -> None:
        draft.fixed.append(place)
        draft.free = place
        if len(draft.fixed) >= POINTS[self.kind]:
            self.complete(self.points(draft, last=False))
        else:
            draft.view.update()

    def _held(self, draft: Draft, view: "Viewport", event: QMouseEvent) -> Place:
        """Place of the pointer, where the kind or the Shift key holds it."""
        place, fixed = self.near(view, event.position()), draft.fixed
        size = pixel_size(draft.ground.picture, *fixed, place)
        if self.kind is MeasurementKind.BIDIRECTIONAL and len(fixed) == 3:
            return across(fixed[0], fixed[1], fixed[2], place, size)
        if not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            return place
        if self.kind in (MeasurementKind.RECTANGLE, MeasurementKind.ELLIPSE):
            return squared(fixed[0], place, size)
        return straightened(fixed[-1], place, size)

    def points(self, draft: Draft, *, last: bool) -> Places:
        found = list(draft.fixed)
        if last and draft.free is not None and len(found) < POINTS[self.kind]:
            found.append(draft.free)
        if self.kind is MeasurementKind.ELLIPSE and len(found) == 2:
            size = pixel_size(draft.ground.picture, *found)
            return ellipse_ends(found[0], found[1], size)
        return tuple(found)


class FreehandTool(DrawTool):
    """One stroke; letting go closes the outline."""

    def press(self, view: "Viewport", event: QMouseEvent) -> bool:
        if event.button() is not Qt.MouseButton.LeftButton:
            return False
        self.put_down()
        begun = self.begin(view, event)
        if self.draft is not None:
            self.draft.stroke.append(self.draft.fixed[0])
        return begun

    def move(self, view: "Viewport", event: QMouseEvent) -> bool:
        draft = self.goes_on(view)
        if draft is None:
            return False
        draft.stroke.append(self.near(view, event.position()))
        view.update()
        return True

    def release(self, view: "Viewport", event: QMouseEvent) -> bool:
        draft = self.goes_on(view)
        if draft is None:
            return False
        points = self.points(draft, last=False)
        high, wide = (
            max(p[axis] for p in points) - min(p[axis] for p in points) for axis in (0, 1)
        )
        place = view.placement()
        size = max(high * place.row_size, wide * place.column_size) * place.scale
        if len(points) < 3 or size < DRAG_PX:
            self.put_down()  # a click is no outline
        else:
            self.complete(points)
        return True

    def points(self, draft: Draft, *, last: bool) -> Places:
        place = draft.view.placement()
        nearest = _STROKE_PX / max(1e-6, place.scale * max(place.row_size, place.column_size))
        return thinned(draft.stroke, nearest)


class PolylineTool(DrawTool):
    """Corner after corner; a double click, Return or the first corner closes the outline."""

    def press(self, view: "Viewport", event: QMouseEvent) -> bool:
        if event.button() is not Qt.MouseButton.LeftButton:
            return False
        draft = self.goes_on(view)
        if draft is None:
            self.put_down()
            return self.begin(view, event)
        place, at = self.near(view, event.position()), event.position()
        first = view.widget_position(*draft.fixed[0])
        if len(draft.fixed) >= 3 and _apart(first, at) <= CLOSE_PX:
            self.close()
        elif _apart(view.widget_position(*draft.fixed[-1]), at) > 2:
            draft.fixed.append(place)
            view.update()
        return True

    def move(self, view: "Viewport", event: QMouseEvent) -> bool:
        draft = self.goes_on(view)
        if draft is None:
            return False
        draft.free = self.near(view, event.position())
        view.update()
        return True

    def double_click(self, view: "Viewport", event: QMouseEvent) -> bool:
        draft = self.goes_on(view)
        if draft is None:
            return False
        at = event.position()
        if _apart(view.widget_position(*draft.fixed[-1]), at) > 2:
            draft.fixed.append(self.near(view, at))
        if len(draft.fixed) == 1:  # twice at one place: the viewport is meant
            self.put_down()
            return False
        self.close()
        return True

    def key(self, view: "Viewport", event: QKeyEvent) -> bool:
        draft = self.draft
        if draft is None:
            return False
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.close()
            return True
        if event.key() == Qt.Key.Key_Backspace:
            draft.fixed.pop()
            if not draft.fixed:
                self.put_down()
            self.desk.repaint()
            return True
        return super().key(view, event)

    def close(self) -> None:
        """Finish, if there are corners enough."""
        if self.draft is not None and len(self.draft.fixed) >= 3:
            self.complete(tuple(self.draft.fixed))

    def points(self, draft: Draft, *, last: bool) -> Places:
        extra = (draft.free,) if last and draft.free is not None else ()
        return (*draft.fixed, *extra)


class TextTool(PointsTool):
    """A click, then the words are typed there."""

    def complete(self, points: Places) -> None:
        draft, self.draft = self.draft, None
        self.desk.drawing = False
        if draft is not None:
            self.desk.write_text(draft.view, draft.ground, points[0])


def _apart(one: QPointF, two: QPointF) -> float:
    return math.hypot(one.x() - two.x(), one.y() - two.y())
