"""The fused display on one viewport: resampled on its picture, drawn over it, with a colour bar."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from medbench.domain.objects import PlaneGrid
from medbench.imaging.colormap import colour_table
from medbench.imaging.fusion import Fusion, fusion_limits, fusion_rgba, fusion_values
from medbench.session.ports import Handle
from medbench.ui.review.cut_source import AT_ONCE_S, CutSource
from medbench.ui.review.painting import grey_image, outlined_text, premultiplied_image
from medbench.ui.review.placement import Placement

if TYPE_CHECKING:
    from medbench.ui.review.viewport import Viewport

_MOST_PIXELS = 640 * 640
_FEWEST_PIXELS = 96 * 96
_BAR = 10.0, 0.26
"""Width in px, height as a share of the view."""
_BAR_RIGHT_PX, _BAR_TOP_PX = 64.0, 76.0


class FusionPicture:
    """Keeps the colours of one picture until picture, look or size change."""

    def __init__(self, view: "Viewport") -> None:
        self._view = view
        self._image: QImage | None = None
        self._drawn: tuple[Any, Any] = (None, None)
        self._values: tuple[Any, Any] | None = None
        self._asked: Any = None

    def _place_stamp(self, fusion: Fusion) -> Any:
        """What the resampled values depend on: not on window, colours and opacity."""
        view = self._view
        return fusion.key, fusion.transform, view.model.key, view.plane, view.index

    def paint(self, painter: QPainter, place: Placement) -> None:
        """Draw it over the picture; a picture of another slice is never drawn."""
        view = self._view
        fusion: Fusion | None = view.model.plane_state.fusion
        grid = view.grid()
        if fusion is None:
            self._image, self._drawn, self._values = None, (None, None), None
            return
        if not fusion.shown or grid is None:
            return
        values = self._of_picture(fusion, grid, place)
        if values is None:
            return
        if self._drawn[0] is not fusion or self._drawn[1] is not values:
            self._image = premultiplied_image(fusion_rgba(fusion, values))
            self._drawn = (fusion, values)
        if self._image is not None:
            painter.save()
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, True)
            painter.setTransform(place.transform(), True)
            painter.drawImage(QRectF(0, 0, place.columns, place.rows), self._image)
            painter.restore()

    def _of_picture(self, fusion: Fusion, grid: PlaneGrid, place: Placement) -> Any:
        """Values at the resolution of the screen; fewer while the hand moves."""
        size, ratio = place.native_size, self._view.devicePixelRatioF()
        wanted = (max(2, round(size.height() * ratio)), max(2, round(size.width() * ratio)))
        whole = _within(wanted, _MOST_PIXELS)
        place_stamp = self._place_stamp(fusion)
        stamp = (place_stamp, whole)
        if self._values is not None and self._values[0] == stamp:
            return self._values[1]
        pace = CutSource.pace_ns(turned=True) * 1e-9
        worker = self._view.model.toolbox.worker
        seconds = whole[0] * whole[1] * pace
        if seconds <= AT_ONCE_S or worker is None:
            self._values = (stamp, fusion_values(fusion, grid, whole))
            return self._values[1]
        few = _within(wanted, max(_FEWEST_PIXELS, AT_ONCE_S / 2 / pace))
        if not self._view.hurried and self._asked != stamp:
            self._ask(fusion, grid, whole, stamp)
        near = (place_stamp, few)
        if self._values is None or self._values[0] != near:
            if self._values is not None and self._values[0][0] == place_stamp:
                return self._values[1]  # the right picture in another size: better than fewer
            self._values = (near, fusion_values(fusion, grid, few))
        return self._values[1]

    def _ask(self, fusion: Fusion, grid: PlaneGrid, shape: tuple[int, int], stamp: Any) -> None:
        self._asked = stamp
        worker = self._view.model.toolbox.worker
        assert worker is not None

        def work(_handle: Handle) -> Any:
            return fusion_values(fusion, grid, shape)

        def done(values: Any) -> None:
            self._asked = None
            now = self._view.model.plane_state.fusion
            if now is not None and self._place_stamp(now) == stamp[0]:
                self._values = (stamp, values)
                self._view.update()

        def failed(_sentence: str) -> None:
            if self._asked == stamp:  # dropped for a newer picture: may be asked for again
                self._asked = None

        worker(f"fusion {id(self)}", work, done, failed)

    def paint_bar(self, painter: QPainter) -> None:
        """Colours with the values at their ends, right of the middle."""
        view = self._view
        fusion: Fusion | None = view.model.plane_state.fusion
        if fusion is None or not fusion.shown or view.grid() is None:
            return
        width, share = _BAR
        x, y, height = view.width() - _BAR_RIGHT_PX, _BAR_TOP_PX, view.height() * share
        column = np.rint(colour_table(fusion.colours)[::-1]).astype(np.uint8)[:, None]
        painter.drawImage(QRectF(x, y, width, height), grey_image(column))
        painter.setPen(QPen(QColor(0, 0, 0, 180), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(QRectF(x, y, width, height))
        low, high = fusion_limits(fusion)
        outlined_text(painter, x - 4, y + 9, _number(high), right=True, size=11)
        outlined_text(painter, x - 4, y + height, _number(low), right=True, size=11)
        words = " ".join(part for part in (fusion.title, fusion.unit) if part)
        outlined_text(painter, x + width, y + height + 16, words, right=True, size=11)


def _within(shape: tuple[int, int], most: float) -> tuple[int, int]:
    """The same area in at most so many pixels."""
    shrink = max(1.0, (shape[0] * shape[1] / most) ** 0.5)
    return max(2, int(shape[0] / shrink)), max(2, int(shape[1] / shrink))


def _number(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def fused_words(view: "Viewport", row: int, column: int) -> str:
    """Name and value of the fused display at a pixel; '' without one or outside of it."""
    fusion: Fusion | None = view.model.plane_state.fusion
    grid, plane = view.grid(), view.plane
    if fusion is None or not fusion.shown or grid is None or plane is None:
        return ""
    x, y, z = (float(v) for v in plane.point_of(view.index, row, column))
    value = float(
        fusion_values(fusion, replace(grid, origin_mm=(x, y, z), rows=1, columns=1))[0, 0]
    )
    if np.isnan(value):
        return ""
    return f"{fusion.title} {value:.4g} {fusion.unit}".strip()
