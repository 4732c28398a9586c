"""What a viewport paints over its picture: crosshair lines, corner blocks, letters, bars."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QPointF, QRectF
from PySide6.QtGui import QColor, QPainter, QPen

from medbench.imaging.reslice import PlaneKind, acquired_kind
from medbench.ui.review.annotations import corner_lines
from medbench.ui.review.painting import outlined_text, scale_bar, slice_bar, text_block
from medbench.ui.review.view_model import ViewModel
from medbench.ui.theme.current import current
from medbench.ui.theme.tokens import PLANES

if TYPE_CHECKING:
    from medbench.ui.review.viewport import Viewport

_GAP_PX = 14.0
_LINES = {
    PlaneKind.AXIAL: ((PlaneKind.SAGITTAL, True), (PlaneKind.CORONAL, False)),
    PlaneKind.CORONAL: ((PlaneKind.SAGITTAL, True), (PlaneKind.AXIAL, False)),
    PlaneKind.SAGITTAL: ((PlaneKind.CORONAL, True), (PlaneKind.AXIAL, False)),
}


def paint_crosshair(painter: QPainter, view: "Viewport", model: ViewModel) -> None:
    """Lines in the colour of the plane they stand for; a gap keeps the target visible."""
    plane, point, display = view.plane, model.point_mm, model.display
    if plane is None or point is None or display is None or not display.reformattable:
        return
    kind = view.kind
    if kind is PlaneKind.ACQUIRED and display.geometry is not None:
        kind = acquired_kind(display.geometry)
    _, row, column = plane.place_of(point)
    at = view.widget_position(row, column)
    for other, vertical in _LINES.get(kind, ()):
        painter.setPen(QPen(QColor(PLANES[other.value]), 1.2))
        if vertical:
            painter.drawLine(QPointF(at.x(), 0), QPointF(at.x(), at.y() - _GAP_PX))
            painter.drawLine(QPointF(at.x(), at.y() + _GAP_PX), QPointF(at.x(), view.height()))
        else:
            painter.drawLine(QPointF(0, at.y()), QPointF(at.x() - _GAP_PX, at.y()))
            painter.drawLine(QPointF(at.x() + _GAP_PX, at.y()), QPointF(view.width(), at.y()))


def plane_name(kind: PlaneKind) -> str:
    """Translated name of an anatomical plane."""
    return {
        PlaneKind.AXIAL: QCoreApplication.translate("Plane", "Axial"),
        PlaneKind.CORONAL: QCoreApplication.translate("Plane", "Coronal"),
        PlaneKind.SAGITTAL: QCoreApplication.translate("Plane", "Sagittal"),
        PlaneKind.ACQUIRED: QCoreApplication.translate("Plane", "As acquired"),
    }[kind]


def paint_annotations(painter: QPainter, view: "Viewport", model: ViewModel) -> None:
    """Corner blocks, orientation letters, plane name, scale and slice bar."""
    display, volume = model.display, model.volume
    if display is None:
        return
    area = QRectF(view.rect())
    percent = view.zoom * view.fit_percent()
    lines = corner_lines(model, view.kind, view.index, view.count, percent, view.frame())
    text_block(painter, area, lines.top_left, right=False, bottom=False)
    text_block(painter, area, lines.top_right, right=True, bottom=False)
    text_block(painter, area, lines.bottom_left, right=False, bottom=True)
    text_block(painter, area, lines.bottom_right, right=True, bottom=True)
    _paint_letters(painter, area, view)
    if view.kind is not PlaneKind.ACQUIRED:
        outlined_text(
            painter, area.width() / 2, 20, plane_name(view.kind), colour=PLANES[view.kind.value],
            bold=True, centre=True,
        )  # fmt: skip
    if (scale := view.px_per_mm()) > 0:
        bottom = area.height() - 22 - 17 * len(lines.bottom_left)
        scale_bar(painter, area, scale, bottom)
    ready, failed = None, set[int]()
    if view.kind is PlaneKind.ACQUIRED and volume is not None:
        ready, failed = volume.ready, set(volume.failed)
    slice_bar(painter, area, view.index, view.count, ready, failed)


def _paint_letters(painter: QPainter, area: QRectF, view: "Viewport") -> None:
    left, right, top, bottom = view.letters()
    middle_x, middle_y = area.width() / 2, area.height() / 2
    places = (
        (left, 14.0, middle_y),
        (right, area.width() - 20, middle_y),
        (top, middle_x, 40.0),
        (bottom, middle_x, area.height() - 12),
    )
    for text, x, y in places:
        outlined_text(
            painter, x, y, text, colour=current().orientation, bold=True, centre=True, size=13
        )
