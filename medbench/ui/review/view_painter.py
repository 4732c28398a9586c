"""Paints one viewport: picture, what lies over it, texts, frame."""

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QCoreApplication, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from medbench.imaging.reslice import PlaneKind
from medbench.ui.review.fusion_picture import FusionPicture
from medbench.ui.review.layers import paint_graphics, paint_layers
from medbench.ui.review.overlays import paint_annotations, paint_crosshair
from medbench.ui.review.painting import heat_image
from medbench.ui.review.placement import Placement
from medbench.ui.review.view_model import Tool
from medbench.ui.theme.current import current

if TYPE_CHECKING:
    from medbench.ui.review.viewport import Viewport

_COARSE_PIXELS = 8
translate = QCoreApplication.translate


class ViewPainter:
    """Keeps what is costly to make for one viewport."""

    def __init__(self, view: "Viewport") -> None:
        self._view = view
        self.fusion = FusionPicture(view)
        self._heat: QImage | None = None
        self._heat_stamp: Any = None

    def paint(self, painter: QPainter) -> None:
        """Fill the whole widget."""
        view = self._view
        model, tokens = view.model, current()
        painter.fillRect(view.rect(), QColor(tokens.viewport))
        if model.display is None:
            words = translate("Viewport", "Open a study, or drop a folder here")
            if model.beside:
                words = translate("Viewport", "Drop a series here")
            self._say(painter, words)
        elif model.failure:
            self._say(painter, model.failure, bad=True)
        else:
            self._paint_picture(painter)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if view.active:
            painter.setPen(QPen(QColor(tokens.accent), 2))
            painter.drawRect(view.rect().adjusted(1, 1, -1, -1))
        elif view.hasFocus():
            painter.setPen(QPen(QColor(tokens.accent), 1, Qt.PenStyle.DashLine))
            painter.drawRect(view.rect().adjusted(1, 1, -2, -2))
        painter.end()

    def _paint_picture(self, painter: QPainter) -> None:
        view = self._view
        model, volume, place = view.model, view.model.volume, view.placement()
        image = view.image(place)
        if image is not None:
            self._draw(painter, image, place)
            self.fusion.paint(painter, place)
            self._paint_overlay(painter, place)
            paint_layers(painter, view)
            paint_graphics(painter, view, model.report)
            if model.tool is Tool.CROSSHAIR or (
                model.several and view.kind is not PlaneKind.ACQUIRED
            ):
                paint_crosshair(painter, view, model)
        elif view.kind is not PlaneKind.ACQUIRED and model.waits_for_shape:
            self._say(painter, translate("Viewport", "Resampling to a right grid ..."))
        elif volume is not None and view.index in volume.failed:
            words = translate("Viewport", "Frame {0} could not be decoded: {1}")
            self._say(painter, words.format(view.index + 1, volume.failed[view.index]), bad=True)
        else:
            self._say(painter, translate("Viewport", "Loading ..."))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if image is not None:
            for tool in model.toolbox.painters():
                tool.paint(painter, view)
        paint_annotations(painter, view, model)
        if image is not None:
            self.fusion.paint_bar(painter)

    def _draw(self, painter: QPainter, image: QImage, place: Placement) -> None:
        # far in, single pixels stay visible; while the hand moves, speed counts
        smooth = place.native_size.width() < _COARSE_PIXELS * place.columns
        smooth = smooth and not self._view.hurried
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        if place.plain:
            painter.drawImage(place.rect(), image)
            return
        painter.save()
        painter.setTransform(place.transform(), True)
        painter.drawImage(QRectF(0, 0, place.columns, place.rows), image)
        painter.restore()

    def _paint_overlay(self, painter: QPainter, place: Placement) -> None:
        view = self._view
        model = view.model
        if model.overlay is None or not model.overlay_shown:
            return
        if view.kind is not PlaneKind.ACQUIRED or model.overlay_index != view.index:
            return
        stamp = (id(model.overlay), model.overlay_opacity)
        if stamp != self._heat_stamp:
            self._heat = heat_image(model.overlay, model.overlay_opacity)
            self._heat_stamp = stamp
        if self._heat is not None:
            self._draw(painter, self._heat, place)

    def _say(self, painter: QPainter, text: str, *, bad: bool = False) -> None:
        painter.setPen(QColor(current().error if bad else current().overlay))
        box = QRectF(self._view.rect()).adjusted(24, 24, -24, -24)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, text)
