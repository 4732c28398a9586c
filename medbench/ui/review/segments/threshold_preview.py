"""What a range of values would take from the shown picture, before it is taken."""

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter

from medbench.ui.review.painting import premultiplied_image

if TYPE_CHECKING:
    from medbench.ui.review.viewport import Viewport

_OPACITY = 0.45
_MOST_PIXELS = 4_000_000


class ThresholdPreview:
    """Keeps the last preview of each viewport."""

    def __init__(self) -> None:
        self._kept: WeakKeyDictionary[Viewport, tuple[Any, QImage]] = WeakKeyDictionary()

    def paint(
        self, painter: QPainter, view: "Viewport", keep: tuple[float, float], colour: QColor
    ) -> None:
        """Pixels in range, half covered by the colour of the segment they would join."""
        values = view.values()
        if values is None or values.ndim != 2 or values.size > _MOST_PIXELS:
            return
        stamp = (view.model.key, view.index, id(view.plane), keep, colour.rgb())
        found = self._kept.get(view)
        if found is None or found[0] != stamp:
            found = self._kept[view] = (stamp, _image(values, keep, colour))
        place = view.placement()
        painter.save()
        painter.setTransform(place.transform(), True)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        painter.drawImage(QRectF(0, 0, place.columns, place.rows), found[1])
        painter.restore()


def _image(values: Any, keep: tuple[float, float], colour: QColor) -> QImage:
    inside = (values >= keep[0]) & (values <= keep[1])
    out = np.zeros((*inside.shape, 4), np.uint8)
    rgb = (colour.red(), colour.green(), colour.blue())
    out[inside] = [*(round(v * _OPACITY) for v in rgb), round(255 * _OPACITY)]
    return premultiplied_image(out)
