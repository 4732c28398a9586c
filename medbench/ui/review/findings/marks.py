"""Marks on the picture: suggestions dashed, the reader's findings solid with their tags."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Slot
from PySide6.QtGui import QColor, QFont, QKeyEvent, QMouseEvent, QPainter, QPen, QPolygonF

from medbench.domain.finding import Finding, Suggestion
from medbench.domain.measurement import Place, Site
from medbench.imaging.outline import redrawn, simplified
from medbench.ui.review.findings.places import outline_on
from medbench.ui.review.pointer import PointerTool
from medbench.ui.theme.tokens import TOKENS

if TYPE_CHECKING:
    from medbench.ui.review.findings.desk import FindingDesk
    from medbench.ui.review.viewport import Viewport

GRAB_PX = 8.0
MARK, EDITED = TOKENS["dark"].accent, TOKENS["dark"].orientation
"""Pictures are black in both themes."""
HANDLE_TOLERANCE = 2.5
_TAG_PX = 20.0
_STROKE_TOLERANCE_PX = 1.2


@dataclass
class Editing:
    """An outline in the reader's hand; nothing is kept until it is confirmed."""

    site: Site
    subject: Finding | Suggestion
    points: list[Place]
    original: tuple[Place, ...] = ()
    """As it was; kept as it is while nothing was changed."""
    changed: bool = False
    stroke: list[Place] = field(default_factory=list)
    handle: int = -1
    """Handle being dragged; -1 = none."""


class FindingMarks(PointerTool):
    """Layer of all marks; corrects the outline that is being edited."""

    def __init__(self, desk: "FindingDesk") -> None:
        super().__init__(desk)
        self._desk = desk
        self.contour = True
        self.editing: Editing | None = None
        self._tags: dict[int, list[tuple[QRectF, str]]] = {}
        """Boxes of tags on each viewport, by its id."""

    @Slot(bool)
    def switch_contour(self, shown: bool) -> None:
        """Show or hide outlines of suggestions."""
        self.contour = shown
        self._desk.update_views()

    # editing

    def edit(self, site: Site, outline: Sequence[Place], subject: Finding | Suggestion) -> None:
        """Take an outline into the hand; an empty one is drawn with the first stroke."""
        view = self._desk.page.active
        points = list(outline)
        if len(points) > 3:  # few enough handles that there is room to draw between them
            tolerance = HANDLE_TOLERANCE * screen_tolerance(view)
            points = as_places(simplified(np.asarray(outline), tolerance))
        self.editing = Editing(site, subject, points, tuple(outline))
        view.setFocus()
        self._desk.session.messages.info(
            self.tr("Drag a handle, or draw over the outline; Enter keeps it, Escape does not")
        )
        self._desk.update_views()

    def finish(self) -> None:
        """Keep the edited outline."""
        editing, self.editing = self.editing, None
        if editing is not None and len(editing.points) >= 3:
            outline = tuple(editing.points) if editing.changed else editing.original
            self._desk.outline_done(editing.subject, outline)
        self._desk.update_views()

    def stop_editing(self) -> None:
        """Drop what was changed."""
        if self.editing is not None:
            self.editing = None
            self._desk.update_views()

    def press(self, view: "Viewport", event: QMouseEvent) -> bool:
        editing = self.editing
        place = event.position()
        if editing is None or outline_on(view, editing.site, ((0.0, 0.0),)) is None:
            return self._choose(view, place)
        near = self._handle_at(view, editing.points, place)
        if near >= 0 and event.modifiers() & Qt.KeyboardModifier.AltModifier:
            if len(editing.points) > 3:
                editing.points.pop(near)
                editing.changed = True
        elif near >= 0:
            editing.handle = near
        else:
            editing.stroke = [view.picture_position(place)]
        view.update()
        return True

    def move(self, view: "Viewport", event: QMouseEvent) -> bool:
        editing = self.editing
        if editing is None or not (editing.handle >= 0 or editing.stroke):
            return False
        place = _inside(view, view.picture_position(event.position()))
        if editing.handle >= 0:
            editing.points[editing.handle] = place
            editing.changed = True
        else:
            editing.stroke.append(place)
        view.update()
        return True

    def release(self, view: "Viewport", event: QMouseEvent) -> bool:
        editing = self.editing
        if editing is None:
            return False
        stroke, editing.stroke, editing.handle = editing.stroke, [], -1
        if len(stroke) > 2:
            drawn = np.asarray(stroke)
            if len(editing.points) >= 3:
                drawn = redrawn(np.asarray(editing.points), drawn)
            editing.points = as_places(simplified(drawn, screen_tolerance(view)))
            editing.changed = True
        view.update()
        return True

    def key(self, view: "Viewport", event: QKeyEvent) -> bool:
        if self.editing is None:
            return False
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.finish()
        elif event.key() == Qt.Key.Key_Escape:
            self.stop_editing()
        else:
            return False
        return True

    def _handle_at(self, view: "Viewport", points: Sequence[Place], place: QPointF) -> int:
        if not points:
            return -1
        away = [(view.widget_position(*p) - place).manhattanLength() for p in points]
        near = int(np.argmin(away))
        return near if away[near] <= GRAB_PX else -1

    def _choose(self, view: "Viewport", place: QPointF) -> bool:
        tool = view.model.toolbox.tool
        if tool is not None and tool.over_marks:
            return False
        for box, finding_id in self._tags.get(id(view), []):
            if box.contains(place):
                self._desk.choose(finding_id)
                return True
        return False

    # painting

    def paint(self, painter: QPainter, view: "Viewport") -> None:
        display = view.model.display
        if display is None:
            return
        tags: list[tuple[QRectF, str]] = []
        study = display.study_instance_uid
        edited = self.editing.subject if self.editing is not None else None
        if self.contour and view.model.overlay_shown:
            self._paint_suggestions(painter, view)
        for finding in self._desk.book.findings(study):
            if finding == edited or not finding.outline:
                continue
            shown = outline_on(view, finding.site, finding.outline)
            if shown is not None:
                chosen = finding.finding_id == self._desk.chosen
                polygon = _polygon(view, shown)
                _line(painter, polygon, MARK, 2.6 if chosen else 1.8)
                tags.append((_tag(painter, view, polygon, finding.tag), finding.finding_id))
        self._tags[id(view)] = tags
        if self.editing is not None:
            self._paint_editing(painter, view, self.editing)

    def _paint_suggestions(self, painter: QPainter, view: "Viewport") -> None:
        current_ = self._desk.suggestion
        if current_ is None:
            return
        for suggestion in current_.result.suggestions():
            region = suggestion.region
            if region is None:
                continue
            shown = outline_on(view, suggestion.result.site, region.outline)
            if shown is None:
                continue
            same = suggestion.suggestion_id == current_.suggestion_id
            polygon = _polygon(view, shown)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor("#000000"), 3.2 if same else 2.4))
            painter.drawPolygon(polygon)
            pen = QPen(QColor("#ffffff"), 1.8 if same else 1.2)
            pen.setDashPattern([4, 3])
            painter.setPen(pen)
            painter.drawPolygon(polygon)

    def _paint_editing(self, painter: QPainter, view: "Viewport", editing: Editing) -> None:
        shown = outline_on(view, editing.site, tuple(editing.points) or ((0.0, 0.0),))
        if shown is None:
            return
        colour = EDITED
        if editing.points:
            polygon = _polygon(view, editing.points)
            _line(painter, polygon, colour, 1.8)
            painter.setPen(QPen(QColor("#000000"), 1))
            painter.setBrush(QColor(colour))
            for row, column in editing.points:
                point = view.widget_position(row, column)
                painter.drawRect(QRectF(point.x() - 3, point.y() - 3, 6, 6))
        if len(editing.stroke) > 1:
            painter.setPen(QPen(QColor("#ffffff"), 1.8))
            painter.drawPolyline(_polygon(view, editing.stroke))


def screen_tolerance(view: "Viewport") -> float:
    """How far a simplified stroke may lie off, in pixels of the picture."""
    a, b = view.picture_position(QPointF(0, 0)), view.picture_position(QPointF(100, 0))
    return _STROKE_TOLERANCE_PX * float(np.hypot(a[0] - b[0], a[1] - b[1])) / 100


def as_places(outline: np.ndarray) -> list[Place]:
    """Rows of an array as places."""
    return [(float(row), float(column)) for row, column in outline]


def _inside(view: "Viewport", place: Place) -> Place:
    display = view.model.display
    values = view.values()
    if display is None or values is None:
        return place
    rows, columns = values.shape[:2]
    return min(max(place[0], -0.5), rows - 0.5), min(max(place[1], -0.5), columns - 0.5)


def _polygon(view: "Viewport", outline: Sequence[Place]) -> QPolygonF:
    return QPolygonF([view.widget_position(row, column) for row, column in outline])


def _line(painter: QPainter, polygon: QPolygonF, colour: str, width: float) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(0, 0, 0, 190), width + 1.6))
    painter.drawPolygon(polygon)
    painter.setPen(QPen(QColor(colour), width))
    painter.drawPolygon(polygon)


def _tag(painter: QPainter, view: "Viewport", polygon: QPolygonF, text: str) -> QRectF:
    """The tag beside an outline, on the side that has room."""
    font = QFont(painter.font())
    font.setPixelSize(12)
    font.setWeight(QFont.Weight.DemiBold)
    painter.setFont(font)
    width = painter.fontMetrics().horizontalAdvance(text) + 10.0
    box = polygon.boundingRect()
    middle = view.width() / 2
    x = box.left() - width - 6 if box.center().x() < middle else box.right() + 6
    x = min(max(2.0, x), view.width() - width - 2)
    y = min(max(2.0, box.center().y() - _TAG_PX / 2), view.height() - _TAG_PX - 2)
    place = QRectF(x, y, width, _TAG_PX)
    painter.setPen(QPen(QColor(MARK), 1))
    painter.setBrush(QColor(0, 0, 0, 220))
    painter.drawRoundedRect(place, 3, 3)
    painter.setPen(QColor("#ffffff"))
    painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)
    return place
