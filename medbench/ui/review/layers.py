"""Layers on viewports: asked for when a picture needs them, drawn only on the picture they fit."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QLineF, QObject, QPointF, QRectF, Qt, Slot
from PySide6.QtGui import QColor, QImage, QPainter, QPen
from shiboken6 import isValid

from medbench.domain.objects import PaintedLayer, Report
from medbench.imaging.reslice import PlaneKind
from medbench.session.layer_shelf import LayerShelf
from medbench.ui.review.painting import outlined_text, premultiplied_image

if TYPE_CHECKING:
    from medbench.ui.review.viewport import Viewport


@dataclass(frozen=True)
class LayerImage:
    """Painted layers of one picture, ready to draw."""

    stamp: Any
    images: tuple[tuple[QImage, bool], ...]
    """With whether it is a field, which may be smoothed; masks may not."""
    outlines: tuple[tuple[QColor, float, list[QLineF]], ...]


class LayerPainter(QObject):
    """Keeps the viewports' layer pictures fitting to what they show."""

    def __init__(
        self, shelf: LayerShelf, views: "Callable[[], Iterable[Viewport]]",
        parent: QObject | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._shelf = shelf
        self._views = views
        self._asked: dict[str, Any] = {}
        shelf.changed.connect(self._changed)

    def watch(self, view: "Viewport") -> None:
        """Paint for this view too."""
        view.model.layer_revision = self._shelf.revision
        view.layers_wanted.connect(self.refresh)

    @Slot()
    def _changed(self) -> None:
        for view in self._views():
            view.model.layer_revision = self._shelf.revision
            if view.isVisible():
                view.update()

    @Slot(object)
    def refresh(self, view: "Viewport") -> None:
        """Ask for the layers of the picture a view shows now, unless they are on their way."""
        stamp, name = view.layer_stamp(), f"layers {id(view)}"
        if self._asked.get(name) == stamp:
            return
        self._asked[name] = stamp
        display = view.model.display
        if display is None or not self._shelf.layers:
            view.layer_picture = LayerImage(stamp, (), ())
            return
        geometry = display.geometry
        plane = view.plane

        def done(painted: tuple[PaintedLayer, ...]) -> None:
            self._painted(view, stamp, painted)

        self._shelf.paint(
            name, view.grid(), view.instance(),
            geometry.frame_of_reference_uid if geometry is not None else "",
            plane.spacing_mm[0] if plane is not None else 0.0, done,
        )  # fmt: skip

    def _painted(self, view: "Viewport", stamp: Any, painted: tuple[PaintedLayer, ...]) -> None:
        if not isValid(view) or stamp != view.layer_stamp():
            return
        widths = {layer.key: layer.look.outline_px for layer in self._shelf.layers}
        images = tuple(
            (premultiplied_image(p.rgba), not p.outlines) for p in painted if p.rgba is not None
        )
        outlines = tuple(
            (QColor(*colour), widths.get(p.key, 1.5), [QLineF(*line) for line in lines.tolist()])
            for p in painted for colour, lines in p.outlines
        )  # fmt: skip
        view.layer_picture = LayerImage(stamp, images, outlines)
        view.update()


def paint_layers(painter: QPainter, view: "Viewport") -> None:
    """Draw the layers of the shown picture; a picture of another slice is never drawn."""
    found, stamp = view.layer_picture, view.layer_stamp()
    if found is None or found.stamp != stamp:
        view.layers_wanted.emit(view)
        found = view.layer_picture
        if found is None or found.stamp != stamp:
            return
    if not found.images and not found.outlines:
        return
    place = view.placement()
    painter.save()
    painter.setTransform(place.transform(), True)
    for image, field in found.images:
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, field)
        painter.drawImage(QRectF(0, 0, place.columns, place.rows), image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    for colour, width, lines in found.outlines:
        if width > 0:
            pen = QPen(colour, width)
            pen.setCosmetic(True)
            painter.setPen(pen)
            painter.drawLines(lines)
    painter.restore()


def paint_graphics(painter: QPainter, view: "Viewport", report: Report | None) -> None:
    """Drawings of a presentation state or a report (PS3.3 C.10.5), in screen line widths."""
    if view.kind is not PlaneKind.ACQUIRED:
        return
    graphics = view.frame().graphics
    if report is not None:
        graphics = (*graphics, *report.graphics_on(*view.instance()))
    for graphic in graphics:
        points = [view.widget_position(row, column) for row, column in graphic.points]
        if not points:
            continue
        for pen in (QPen(QColor(0, 0, 0, 180), 3.5), QPen(QColor("#ffd640"), 1.6)):
            painter.setPen(pen)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            _draw_graphic(painter, graphic.kind, points)
        if graphic.text:
            outlined_text(
                painter, points[0].x() + 4, points[0].y() - 4, graphic.text, colour="#ffd640"
            )


def _draw_graphic(painter: QPainter, kind: str, points: list[QPointF]) -> None:
    if kind == "POINT":
        for point in points:
            painter.drawEllipse(point, 3, 3)
    elif kind == "CIRCLE" and len(points) >= 2:
        delta = points[1] - points[0]
        radius = (delta.x() ** 2 + delta.y() ** 2) ** 0.5
        painter.drawEllipse(points[0], radius, radius)
    elif kind == "ELLIPSE" and len(points) >= 4:
        _draw_ellipse(painter, points)
    elif kind in ("POLYLINE", "INTERPOLATED", "MULTIPOINT"):
        painter.drawPolyline(points)


def _draw_ellipse(painter: QPainter, points: list[QPointF]) -> None:
    """Ends of the major axis, then of the minor axis (C.10.5.1.2)."""
    a, b, c, d = points[:4]
    centre = (a + b) / 2
    major, minor = QLineF(a, b), QLineF(c, d)
    painter.save()
    painter.translate(centre)
    painter.rotate(-major.angle())
    painter.drawEllipse(QPointF(0, 0), major.length() / 2, minor.length() / 2)
    painter.restore()
