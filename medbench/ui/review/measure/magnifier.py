"""A lens that follows the pointer while the button is held."""

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPainterPath, QPen, QTransform

from medbench.imaging.presentation import decorate
from medbench.imaging.reslice import PlaneKind
from medbench.imaging.window import display_frame
from medbench.ui.review.painting import grey_image
from medbench.ui.review.pointer import PointerTool
from medbench.ui.theme.tokens import TOKENS

if TYPE_CHECKING:
    from medbench.ui.review.viewport import Viewport

RADIUS_PX = 110.0
TIMES = 3.0


class MagnifierTool(PointerTool):
    """Shows the picture's own pixels, three times as large as on the screen."""

    tool_id = "magnifier"
    cursor = Qt.CursorShape.BlankCursor

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._view: Viewport | None = None
        self._at = QPointF()

    def press(self, view: "Viewport", event: QMouseEvent) -> bool:
        if event.button() is not Qt.MouseButton.LeftButton or view.values() is None:
            return False
        self._view, self._at = view, event.position()
        view.update()
        return True

    def move(self, view: "Viewport", event: QMouseEvent) -> bool:
        if self._view is not view:
            return False
        self._at = event.position()
        view.update()
        return True

    def release(self, view: "Viewport", event: QMouseEvent) -> bool:
        self.put_down()
        return True

    def put_down(self) -> None:
        view, self._view = self._view, None
        if view is not None:
            view.update()

    @property
    def held(self) -> bool:
        """Whether the lens is over a picture."""
        return self._view is not None

    def paint(self, painter: QPainter, view: "Viewport") -> None:
        if self._view is not view:
            return
        place = view.placement()
        lens = QTransform()
        lens.translate(self._at.x(), self._at.y())
        lens.scale(TIMES, TIMES)
        lens.translate(-self._at.x(), -self._at.y())
        onto = place.transform() * lens
        box = QRectF(
            self._at.x() - RADIUS_PX, self._at.y() - RADIUS_PX, 2 * RADIUS_PX, 2 * RADIUS_PX
        )
        found = self._part(view, onto, box)
        circle = QPainterPath()
        circle.addEllipse(box)
        painter.save()
        painter.setClipPath(circle)
        painter.fillPath(circle, QColor("#000000"))
        if found is not None:
            image, target = found
            wide = onto.mapRect(QRectF(0, 0, 1, 1)).width()
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, wide < 8)
            painter.setTransform(onto, True)
            painter.drawImage(target, image)
        painter.restore()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, width in ((QColor(0, 0, 0, 170), 4.0),
                              (QColor(TOKENS["dark"].accent), 1.8)):  # fmt: skip
            painter.setPen(QPen(colour, width))
            painter.drawPath(circle)

    def _part(
        self, view: "Viewport", onto: QTransform, box: QRectF
    ) -> tuple[QImage, QRectF] | None:
        """Grey pixels below the lens, and where they lie in the picture."""
        values = view.values()
        if values is None:
            return None
        inverse, _ = onto.inverted()
        wanted = inverse.mapRect(box)
        rows, columns = values.shape[:2]
        left, right = (
            int(np.clip(v, 0, columns))
            for v in (np.floor(wanted.left()), np.ceil(wanted.right()) + 1)
        )
        top, bottom = (
            int(np.clip(v, 0, rows)) for v in (np.floor(wanted.top()), np.ceil(wanted.bottom()) + 1)
        )
        if right <= left or bottom <= top:
            return None
        part = np.ascontiguousarray(values[top:bottom, left:right])
        info, model = view.frame(), view.model
        grey = display_frame(part, info, model.voi, inverted=info.inverted != model.invert)
        if view.kind is PlaneKind.ACQUIRED and (info.overlays or info.shutter is not None):
            grey = decorate(
                grey, info, overlays=model.planes_shown, shutter=model.shutter_shown,
                rows=np.arange(top, bottom), columns=np.arange(left, right),
            )  # fmt: skip
        return grey_image(grey), QRectF(left, top, right - left, bottom - top)
