"""Marks on the pictures: drawn wherever their plane is shown, taken hold of and dragged."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QTransform

from medbench.domain.measurement import Measurement, Place
from medbench.session.measuring import pixel_size
from medbench.ui.review.measure.painting import (
    Drawn,
    MarkStyle,
    ToWidget,
    drawn,
)
from medbench.ui.review.measure.placing import Ground, Shown, ground_of
from medbench.ui.review.measure.shapes import moved_handle, shifted
from medbench.ui.review.measure.still import Look, StillMarks, paint_looks
from medbench.ui.review.pointer import PointerTool

if TYPE_CHECKING:
    from medbench.ui.review.measure.desk import MeasureDesk
    from medbench.ui.review.viewport import Viewport

HANDLE_PX = 8.0
LINE_PX = 5.0
_DRAG_PX = 3.0


def to_widget_of(view: "Viewport") -> ToWidget:
    """Places of the picture to the widget, with one transform for all of them."""
    found = view.placement().transform()

    def at(row: float, column: float) -> QPointF:
        return found.map(QPointF(column + 0.5, row + 0.5))

    return at


@dataclass
class _Grip:
    """What is being dragged; the stored measurement stays as it is until the hand lets go."""

    measurement: Measurement
    handle: int
    """-1 = the whole."""
    start: QPointF
    begin: Place
    ground: Ground
    places: tuple[Place, ...]
    """On the shown picture."""
    moved: tuple[Place, ...] | None = None


@dataclass(frozen=True, eq=False)
class _Seen:
    """A measurement on one viewport; nothing is drawn of it where its plane is not shown."""

    measurement: Measurement
    places: tuple[Place, ...]
    shape: Drawn | None

    @property
    def drawn(self) -> Drawn:
        """Its shape, where it is seen."""
        assert self.shape is not None
        return self.shape


@dataclass(frozen=True, eq=False)
class _Kept:
    """What was made for the last painting of a viewport."""

    shown: Shown
    transform: QTransform
    seen: dict[int, _Seen]
    """By identity of the measurement, which it keeps alive."""


class MarksLayer(PointerTool):
    """Every measurement on every picture that shows its plane.

    ``style_of`` decides how a mark looks; another feature may put its own there.
    """

    def __init__(self, desk: "MeasureDesk") -> None:
        super().__init__(desk)
        self._desk = desk
        self.style_of: Callable[[Measurement], MarkStyle] = plain_style
        self._grip: _Grip | None = None
        self._hover = ""
        self._kept: dict[int, _Kept] = {}
        self._labels: dict[int, dict[str, QRectF]] = {}
        """Boxes by viewport and measurement: they are clicked too."""
        self._still = StillMarks()

    # what lies where

    def _visible(self, view: "Viewport") -> list[_Seen]:
        """Marks of the shown picture; their lines are made anew only when something moved."""
        marks = self._desk.marks()
        shown = Shown.of(view) if marks else None
        if shown is None:
            self._kept.pop(id(view), None)
            return []
        transform = view.placement().transform()
        kept = self._kept.get(id(view))
        known: dict[int, _Seen] = {}
        if kept is not None and (kept.shown, kept.transform) == (shown, transform):
            known = kept.seen
        to_widget = to_widget_of(view)
        seen = {}
        for one in marks:
            found = known.get(id(one))
            if found is None:
                places = shown.places(one.site, one.points)
                shape = None if places is None else drawn(to_widget, one.kind, places)
                found = _Seen(one, places or (), shape)
            seen[id(one)] = found
        self._kept[id(view)] = _Kept(shown, transform, seen)
        return [one for one in seen.values() if one.shape is not None]

    def hit(self, view: "Viewport", at: QPointF) -> tuple[Measurement, int] | None:
        """The mark below a place of the widget, and its handle (-1 = its line or its label)."""
        tool = view.model.toolbox.tool
        if tool is not None and tool.over_marks:
            return None
        reach = HANDLE_PX + 1
        near = QRectF(at.x() - reach, at.y() - reach, 2 * reach, 2 * reach)
        visible = list(reversed(self._visible(view)))
        close = [s for s in visible if s.drawn.rect.adjusted(-1, -1, 1, 1).intersects(near)]
        for seen in close:
            for i, place in enumerate(seen.drawn.handles or seen.drawn.points[:1]):
                if _away(place, at) <= HANDLE_PX:
                    return seen.measurement, i
        for seen in close:
            if _on_line(seen.drawn, at):
                return seen.measurement, -1
        if tool is not None:
            return None  # labels must not keep a drawing tool from the pixels below them
        for seen in visible:
            name = seen.measurement.measurement_id
            box = self._labels.get(id(view), {}).get(name)
            if box is not None and box.contains(at):
                return seen.measurement, -1
        return None

    # the hand

    def press(self, view: "Viewport", event: QMouseEvent) -> bool:
        if self._desk.drawing or event.button() is not Qt.MouseButton.LeftButton:
            return False
        found = self.hit(view, event.position())
        if found is None:
            self._desk.select("")
            return False
        one, handle = found
        self._desk.select(one.measurement_id)
        ground = ground_of(view)
        shown = Shown.of(view)
        own = ground is not None and ground.site.display_key == one.site.display_key
        if shown is not None and own and not one.locked and not self._desk.is_pending(one):
            places = shown.places(one.site, one.points)
            if ground is not None and places is not None:
                begin = view.picture_position(event.position())
                self._grip = _Grip(one, handle, event.position(), begin, ground, places)
        return True

    def move(self, view: "Viewport", event: QMouseEvent) -> bool:
        grip = self._grip
        if grip is None:
            return not self._desk.drawing and self._hover_over(view, event)
        if grip.moved is None and _away(grip.start, event.position()) < _DRAG_PX:
            return True
        place = view.picture_position(event.position())
        if grip.handle < 0:
            grip.moved = shifted(grip.places, place[0] - grip.begin[0], place[1] - grip.begin[1])
        else:
            size = pixel_size(grip.ground.picture, *grip.places)
            grip.moved = moved_handle(grip.measurement.kind, grip.places, grip.handle, place, size)
        self._desk.show_moving(grip.measurement, grip.moved, grip.ground)
        return True

    def release(self, view: "Viewport", event: QMouseEvent) -> bool:
        grip, self._grip = self._grip, None
        if grip is not None and grip.moved is not None:
            self._desk.finish_moving(grip.measurement, grip.moved, grip.ground)
        return True

    def double_click(self, view: "Viewport", event: QMouseEvent) -> bool:
        if self._desk.drawing or (found := self.hit(view, event.position())) is None:
            return False
        self._desk.edit_text(found[0], view)
        return True

    def key(self, view: "Viewport", event: QKeyEvent) -> bool:
        if event.key() == Qt.Key.Key_Escape and self._grip is not None:
            self.put_down()
            return True
        return False

    def put_down(self) -> None:
        self._grip = None
        self._desk.stop_moving()

    def _hover_over(self, view: "Viewport", event: QMouseEvent) -> bool:
        found = None if event.buttons() else self.hit(view, event.position())
        name = "" if found is None else found[0].measurement_id
        if name != self._hover:
            if name:
                view.setCursor(Qt.CursorShape.PointingHandCursor)
            else:
                view.unsetCursor()
            self._hover = name
            view.update()
        return found is not None

    def leave(self, view: "Viewport") -> None:
        if self._hover:
            self._hover = ""
            view.unsetCursor()
            view.update()

    # painting

    def paint(self, painter: QPainter, view: "Viewport") -> None:
        if not self._desk.shown:
            return
        visible = self._visible(view)
        if not visible:
            self._labels[id(view)] = {}
            return
        grip = self._grip
        moving = grip.measurement.measurement_id if grip is not None and grip.moved else ""
        looks = [self._look(seen, view) for seen in visible]
        still = [look for look in looks if look.name != moving]
        boxes = self._still.paint(painter, view, still)
        if len(still) < len(looks):
            taken = [*(look.drawn.rect for look in still), *boxes.values()]
            in_hand = [look for look in looks if look.name == moving]
            boxes.update(paint_looks(painter, QRectF(view.rect()), in_hand, taken))
        self._labels[id(view)] = boxes

    def _look(self, seen: _Seen, view: "Viewport") -> Look:
        one = seen.measurement
        lines = tuple(self._desk.label_of(one))
        return Look(one.measurement_id, seen.drawn, self._style(one, view), lines)

    def _style(self, one: Measurement, view: "Viewport") -> MarkStyle:
        style = self.style_of(one)
        return MarkStyle(
            style.colour, style.dashed,
            selected=one.measurement_id == self._desk.selected,
            hovered=one.measurement_id == self._hover,
            handles=style.handles and not one.locked,
            faint=one.site.display_key != view.model.key,
        )  # fmt: skip

    def forget(self) -> None:
        """Viewports went: their labels with them."""
        self._labels.clear()
        self._kept.clear()
        self._still.forget()


def plain_style(_measurement: Measurement) -> MarkStyle:
    """The look of a reader's mark."""
    return MarkStyle()


def _away(one: QPointF, two: QPointF) -> float:
    return float(((one.x() - two.x()) ** 2 + (one.y() - two.y()) ** 2) ** 0.5)


def _on_line(mark: Drawn, at: QPointF) -> bool:
    for shape, line in mark.lines:
        if line.helper:
            continue
        ends = shape.toList()
        after = [*ends[1:], ends[0]] if line.closed else ends[1:]
        if any(_to_segment(a, b, at) <= LINE_PX for a, b in zip(ends, after, strict=False)):
            return True
    return False


def _to_segment(start: QPointF, end: QPointF, at: QPointF) -> float:
    along, to = end - start, at - start
    length = along.x() ** 2 + along.y() ** 2
    part = 0.0 if length == 0 else (to.x() * along.x() + to.y() * along.y()) / length
    return _away(start + along * min(1.0, max(0.0, part)), at)
