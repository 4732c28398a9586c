"""The tool that draws the outline of a finding in one stroke."""

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPen, QPolygonF

from medbench.base.errors import BadInputError
from medbench.domain.image import Orientation
from medbench.domain.measurement import Place
from medbench.domain.reading_report import place_of
from medbench.imaging.outline import area_of, simplified
from medbench.ui.review.findings.marks import MARK, as_places, screen_tolerance
from medbench.ui.review.findings.places import outline_on, shown_site
from medbench.ui.review.pointer import PointerTool

if TYPE_CHECKING:
    from medbench.ui.review.findings.desk import FindingDesk
    from medbench.ui.review.viewport import Viewport

_LEAST_PX2 = 12.0
"""Smaller strokes, in screen pixels, are slips of the hand."""


class OutlineTool(PointerTool):
    """Draws an outline: of the selected finding if it has none yet, else of a new one."""

    tool_id = "finding"

    def __init__(self, desk: "FindingDesk") -> None:
        super().__init__(desk)
        self._desk = desk
        self._stroke: list[Place] = []
        self._view: Viewport | None = None

    def tool_finding(self) -> None:
        """Take the tool into the hand."""
        self._desk.page.toolbox.choose(self.tool_id)

    def press(self, view: "Viewport", event: QMouseEvent) -> bool:
        if shown_site(view) is None:
            return False
        self._view, self._stroke = view, [view.picture_position(event.position())]
        return True

    def move(self, view: "Viewport", event: QMouseEvent) -> bool:
        if not self._stroke or self._view is not view:
            return False
        self._stroke.append(view.picture_position(event.position()))
        view.update()
        return True

    def release(self, view: "Viewport", event: QMouseEvent) -> bool:
        stroke = self._stroke
        self.put_down()
        view.update()
        site = shown_site(view)
        if site is None or len(stroke) < 3:
            return True
        tolerance = screen_tolerance(view)
        outline = simplified(np.asarray(stroke), tolerance)
        if abs(area_of(outline)) < _LEAST_PX2 * (tolerance / 1.2) ** 2 * 4:
            return True
        points = tuple(as_places(outline))
        chosen = self._desk.finding(self._desk.chosen)
        if chosen is not None and not chosen.outline and outline_on(view, chosen.site, points):
            self._desk.book.change(
                chosen, outline=points, place=chosen.place or self._place(view, points)
            )
        else:
            self._desk.add_outlined(site, points, self._place(view, points))
        return True

    def put_down(self) -> None:
        self._stroke, self._view = [], None

    def _place(self, view: "Viewport", points: tuple[Place, ...]) -> str:
        values = view.values()
        if values is None:
            return ""
        plane = view.plane
        orientation = view.frame().orientation
        if plane is not None:
            _, right, _, bottom = plane.letters()
            orientation = Orientation(right, bottom)
        try:
            templates = self._desk.book.templates()
        except BadInputError as error:
            self._desk.session.messages.error(str(error))
            return ""
        return place_of(points, (values.shape[0], values.shape[1]), orientation, templates)

    def paint(self, painter: QPainter, view: "Viewport") -> None:
        if self._view is view and len(self._stroke) > 1:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(MARK), 1.8))
            painter.drawPolyline(
                QPolygonF([view.widget_position(row, column) for row, column in self._stroke])
            )
