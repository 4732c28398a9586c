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
from medbench.ui.theme.current import current

if TYPE_CHECKING:
    from medbench.ui.review.viewport import Viewport
    from medbench.ui.review.workspace import ReviewWorkspace

Segment = NDArray[np.float64]


def reference_of(view: "Viewport") -> str:
    """Frame of Reference UID of what a view shows; '' without one."""
    display = view.model.display
    if display is None or display.geometry is None:
        return ""
    return display.geometry.frame_of_reference_uid


def cut_of(source: "Viewport", index: int, view: "Viewport") -> tuple[QPointF, QPointF] | None:
    """Ends (on ``view``) of the line where picture ``index`` of ``source`` cuts its picture."""
    grid = view.grid()
    plane, target = source.plane, view.plane
    if plane is None or target is None or grid is None:
        return None
    rows, columns = plane.shape[1] - 0.5, plane.shape[2] - 0.5
    around = (-0.5, -0.5), (-0.5, columns), (rows, columns), (rows, -0.5)
    found = picture_cut(np.asarray([plane.point_of(index, *place) for place in around]), grid)
    if found is None:
        return None
    first, second = (target.place_of(point)[1:] for point in found)
    return view.widget_position(*first), view.widget_position(*second)


class ReferenceLines(PointerTool):
    """Drawn on every other view of the same frame of reference (PS3.3 C.7.4.1, T43)."""

    def __init__(self, page: "ReviewWorkspace") -> None:
        super().__init__(page)
        self._page = page
        self.shown = True

    def sources(self, view: "Viewport") -> "Viewport | None":
        """The active view, where it is drawn on ``view``."""
        active = self._page.active
        if not self.shown or active is view or active.model is view.model:
            return None
        reference = reference_of(view)
        if not reference or reference != reference_of(active) or not active.isVisible():
            return None
        return active

    def paint(self, painter: QPainter, view: "Viewport") -> None:
        source = self.sources(view)
        if source is None:
            return
        colour = QColor(current().accent)
        ends = [0, source.count - 1] if source.kind is PlaneKind.ACQUIRED else []
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for index in ends:
            if index != source.index and (line := cut_of(source, index, view)) is not None:
                faint = QColor(colour)
                faint.setAlpha(130)
                painter.setPen(QPen(faint, 1, Qt.PenStyle.DashLine))
                painter.drawLine(*line)
                _number(painter, view, line, index, faint)
        line = cut_of(source, source.index, view)
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
