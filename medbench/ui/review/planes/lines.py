"""Reference lines: where the active picture cuts the pictures of other series."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from medbench.imaging.linking import picture_cut
from medbench.imaging.reslice import PlaneKind
from medbench.ui.review.painting import outlined_text
from medbench.ui.review.pointer import PointerTool
from medbench.ui.review.sync_rules import link_key, normal
from medbench.ui.theme.current import current

if TYPE_CHECKING:
    from medbench.ui.review.viewport import Viewport
    from medbench.ui.review.workspace import ReviewWorkspace

Segment = NDArray[np.float64]


def cut_of(
    source: "Viewport", index: int, view: "Viewport", way: Segment
) -> tuple[QPointF, QPointF] | None:
    """Ends (on ``view``) of the line where picture ``index`` of ``source`` cuts its picture.

    ``way`` (4 x 4) leads from points of ``source`` to those of ``view``, LPS mm.
    """
    grid = view.grid()
    plane, target = source.plane, view.plane
    if plane is None or target is None or grid is None:
        return None
    rows, columns = plane.shape[1] - 0.5, plane.shape[2] - 0.5
    around = (-0.5, -0.5), (-0.5, columns), (rows, columns), (rows, -0.5)
    corners = np.asarray([plane.point_of(index, *place) for place in around])
    found = picture_cut(corners @ way[:3, :3].T + way[:3, 3], grid)
    if found is None:
        return None
    first, second = (target.place_of(point)[1:] for point in found)
    return view.widget_position(*first), view.widget_position(*second)


class ReferenceLines(PointerTool):
    """Drawn on views of other series at a known place (PS3.3 C.7.4.1, T43).

    That is: of the same frame of reference, registered, or linked by the reader.
    """

    def __init__(self, page: "ReviewWorkspace") -> None:
        super().__init__(page)
        self._page = page
        self.shown = True

    def source(self, view: "Viewport") -> "tuple[Viewport, Segment] | None":
        """The active view, where it is drawn on ``view``, and how points get there."""
        active = self._page.active
        if not self.shown or active is view or active.model is view.model:
            return None
        if active.plane is None or view.plane is None or not active.isVisible():
            return None
        one, other = normal(active), normal(view)
        if one == other and link_key(active) == link_key(view):
            return None  # parallel pictures of one frame of reference never cut each other
        way = self._page.sync.way_between(active, view)
        return None if way is None else (active, np.asarray(way, float))

    def paint(self, painter: QPainter, view: "Viewport") -> None:
        found = self.source(view)
        if found is None:
            return
        source, way = found
        colour = QColor(current().accent)
        ends = [0, source.count - 1] if source.kind is PlaneKind.ACQUIRED else []
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for index in ends:
            if index != source.index and (line := cut_of(source, index, view, way)) is not None:
                faint = QColor(colour)
                faint.setAlpha(130)
                painter.setPen(QPen(faint, 1, Qt.PenStyle.DashLine))
                painter.drawLine(*line)
                _number(painter, view, line, index, faint)
        line = cut_of(source, source.index, view, way)
        if line is not None:
            for pen in (QPen(QColor(0, 0, 0, 160), 3.2), QPen(colour, 1.4)):
                painter.setPen(pen)
                painter.drawLine(*line)
            _number(painter, view, line, source.index, colour)


def _number(
    painter: QPainter, view: "Viewport", line: tuple[QPointF, QPointF], index: int, colour: QColor
) -> None:
    """Slice number at the right or lower end."""
    end = max(line, key=lambda point: (point.x(), point.y()))
    x = min(max(end.x() - 4, 30.0), view.width() - 24.0)
    y = min(max(end.y() - 4, 60.0), view.height() - 60.0)
    outlined_text(painter, x, y, str(index + 1), colour=colour.name(), right=True, size=11)
