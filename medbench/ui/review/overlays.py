"""What a viewport paints over its picture: crosshair lines, corner blocks, letters, bars."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from medbench.imaging.reslice import PlaneKind
from medbench.ui.review.annotations import corner_lines
from medbench.ui.review.crosshair import GAP_PX, CrossLine, cross_lines
from medbench.ui.review.painting import outlined_text, scale_bar, slice_bar, text_block
from medbench.ui.review.view_model import ViewModel
from medbench.ui.theme.current import current
from medbench.ui.theme.tokens import PLANES

if TYPE_CHECKING:
    from medbench.ui.review.viewport import Viewport


_THINNEST_PX = 2.0


def paint_crosshair(painter: QPainter, view: "Viewport", model: ViewModel) -> None:
    """Lines in the colour of the plane they stand for; a gap keeps the target visible."""
    turned = model.plane_state.any_turned
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, turned)
    for line in cross_lines(view):
        painter.setPen(QPen(QColor(PLANES[line.kind.value]), 1.2))
        reach = view.width() + view.height()
        for sign in (-1, 1):
            painter.drawLine(
                line.at + line.along * (sign * GAP_PX), line.at + line.along * (sign * reach)
            )
        if line.half_slab_px > _THINNEST_PX:
            _paint_slab_edges(painter, line, reach)


def _paint_slab_edges(painter: QPainter, line: CrossLine, reach: float) -> None:
    """How far the other plane's slab reaches into this picture."""
    colour = QColor(PLANES[line.kind.value])
    colour.setAlpha(140)
    painter.setPen(QPen(colour, 1, Qt.PenStyle.DashLine))
    aside = QPointF(-line.along.y(), line.along.x()) * line.half_slab_px
    for middle in (line.at - aside, line.at + aside):
        painter.drawLine(middle - line.along * reach, middle + line.along * reach)


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
    sides = ((left, 9.0, False), (right, area.width() - 15, True))
    for text, x, at_right in sides:
        outlined_text(
            painter, x, middle_y, text, colour=current().orientation, bold=True, right=at_right,
            size=13,
        )  # fmt: skip
    for text, y in ((top, 40.0), (bottom, area.height() - 12)):
        outlined_text(
            painter, middle_x, y, text, colour=current().orientation, bold=True, centre=True,
            size=13,
        )  # fmt: skip
