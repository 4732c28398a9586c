"""What is painted over an image: outlined text, letters, scale, slice bar, attribution map."""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QImage,
    QPainter,
    QPainterPath,
    QPen,
    QPixmap,
)

from medbench.imaging.colormap import colours_of
from medbench.ui.theme.current import current

CLEAR_BELOW = 0.16
_MIDDLE_PX = 44
_CHIP_PX = 84
"""Half of what the first lines leave to the plane chip."""


def grey_image(grey: NDArray[np.uint8]) -> QImage:
    """QImage over the array's own memory; the array is kept alive by the image."""
    data = np.ascontiguousarray(grey)
    rows, columns = data.shape[:2]
    form = QImage.Format.Format_RGB888 if data.ndim == 3 else QImage.Format.Format_Grayscale8
    image = QImage(data.data, columns, rows, data.strides[0], form)
    image.data_kept = data  # type: ignore[attr-defined]
    return image


def heat_image(heat: NDArray[Any], opacity: float) -> QImage:
    """Attribution 0..1 as premultiplied colour: opacity rises with value, clear below 16 %."""
    level = np.clip(np.asarray(heat, np.float32), 0, 1)
    alpha = np.clip((level - CLEAR_BELOW) / (1 - CLEAR_BELOW), 0, 1) ** 0.7 * opacity
    colour = colours_of(level)
    out = np.empty((*level.shape, 4), np.uint8)
    for channel, source in ((0, 2), (1, 1), (2, 0)):  # ARGB32 is B, G, R, A in memory
        out[..., channel] = (colour[..., source] * alpha).astype(np.uint8)
    out[..., 3] = (alpha * 255).astype(np.uint8)
    return _argb_image(out)


def premultiplied_image(rgba: NDArray[np.uint8]) -> QImage:
    """QImage of premultiplied (rows, columns, 4) red, green, blue, alpha."""
    return _argb_image(np.ascontiguousarray(rgba[..., [2, 1, 0, 3]]))


def _argb_image(bgra: NDArray[np.uint8]) -> QImage:
    image = QImage(
        bgra.data, bgra.shape[1], bgra.shape[0], bgra.strides[0],
        QImage.Format.Format_ARGB32_Premultiplied,
    )  # fmt: skip
    image.data_kept = bgra  # type: ignore[attr-defined]
    return image


@lru_cache(maxsize=512)
def _text_pixmap(
    text: str, family: str, colour: str, size: int, ratio: float, *, bold: bool
) -> tuple[QPixmap, float]:
    """Outlined text and its width; kept, since a drag repaints the same words many times."""
    font = QFont(family)
    font.setPixelSize(size)
    font.setFeature(QFont.Tag("tnum"), 1)
    font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    width = QFontMetricsF(font).horizontalAdvance(text)
    pixmap = QPixmap(round((width + 6) * ratio) + 1, round((size + 10) * ratio))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    path = QPainterPath()
    path.addText(QPointF(3, size + 2), font, text)
    painter.setPen(QPen(QColor(0, 0, 0, 210), 2.4, j=Qt.PenJoinStyle.RoundJoin))
    painter.drawPath(path)
    painter.fillPath(path, QColor(colour))
    painter.end()
    return pixmap, width


def outlined_text(
    painter: QPainter, x: float, y: float, text: str, *, colour: str = "", bold: bool = False,
    size: int = 12, right: bool = False, centre: bool = False,
) -> None:  # fmt: skip
    """Text with a dark outline, readable on any grey; ``y`` is the base line."""
    if not text:
        return
    ratio = painter.device().devicePixelRatioF()
    family = painter.font().family()
    # word by word: while a window is dragged only its two numbers are new. Other scripts may run
    # from right to left or join across spaces: they stay whole
    words = text.split(" ") if text.isascii() else [text]
    ink = colour or current().overlay
    made = [_text_pixmap(word, family, ink, size, ratio, bold=bold) for word in words]
    gap = _text_pixmap(" ", family, ink, size, ratio, bold=bold)[1] if len(words) > 1 else 0.0
    width = sum(part for _, part in made) + gap * (len(words) - 1)
    x -= width if right else width / 2 if centre else 0
    for pixmap, part in made:
        painter.drawPixmap(QPointF(x - 3, y - size - 2), pixmap)
        x += part + gap


def text_block(
    painter: QPainter, area: QRectF, lines: list[tuple[str, str]], *, right: bool, bottom: bool
) -> None:
    """Corner block; lines are (text, colour) and the first of a top block is bold."""
    shown = [line for line in lines if line[0]]
    step = 17
    y = area.bottom() - 8 - step * (len(shown) - 1) if bottom else area.top() + 18
    x = area.right() - 14 if right else area.left() + 8
    for i, (text, colour) in enumerate(shown):
        bold = i == 0 and not bottom
        room = area.width() / 2 - (_CHIP_PX if bold else _MIDDLE_PX)
        words = _elided(painter.font().family(), text, round(room), bold=bold)
        outlined_text(painter, x, y + i * step, words, colour=colour, bold=bold, right=right)


@lru_cache(maxsize=1024)
def _elided(family: str, text: str, room: int, *, bold: bool) -> str:
    """Text that leaves the middle to the letters and the name of the plane."""
    font = QFont(family)
    font.setPixelSize(12)
    font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    return QFontMetricsF(font).elidedText(text, Qt.TextElideMode.ElideRight, max(24, room))


def scale_bar(painter: QPainter, area: QRectF, px_per_mm: float, bottom: float) -> None:
    """A bar of a round length with ticks, lower left."""
    limit = min(140.0, area.width() / 3)
    bars = ((100, "10 cm"), (50, "5 cm"), (20, "2 cm"), (10, "1 cm"), (5, "5 mm"))
    fitting = [(length_mm * px_per_mm, name) for length_mm, name in bars]
    fitting = [bar for bar in fitting if 12 <= bar[0] <= limit]
    if not fitting:
        return
    width, name = fitting[0]
    x, y = area.left() + 10, bottom
    for pen in (QPen(QColor(0, 0, 0, 200), 3.5), QPen(QColor(current().overlay), 1.5)):
        painter.setPen(pen)
        painter.drawLine(QPointF(x, y), QPointF(x + width, y))
        for part in range(6):
            at = x + width * part / 5
            painter.drawLine(QPointF(at, y - (5 if part in (0, 5) else 3)), QPointF(at, y))
    outlined_text(painter, x + width / 2, y - 8, name, centre=True, size=11)


def slice_bar(
    painter: QPainter, area: QRectF, index: int, count: int, ready: NDArray[np.bool_] | None,
    failed: set[int],
) -> None:  # fmt: skip
    """Thin bar on the right: what is loaded, what failed, where we are."""
    if count < 2:
        return
    top, height = area.top() + 48, area.height() - 96
    x = area.right() - 7
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(255, 255, 255, 40))
    painter.drawRect(QRectF(x, top, 3, height))
    if ready is not None and not ready.all():
        painter.setBrush(QColor(current().accent))
        edges = np.flatnonzero(np.diff(np.concatenate([[0], ready.astype(np.int8), [0]])))
        for begin, end in zip(edges[::2], edges[1::2], strict=True):
            painter.drawRect(QRectF(x, top + height * begin / count, 3,
                                    max(1.0, height * (end - begin) / count)))  # fmt: skip
    painter.setBrush(QColor(current().error))
    for at in failed:
        painter.drawRect(QRectF(x - 1, top + height * at / count, 5, max(2.0, height / count)))
    painter.setBrush(QColor(current().overlay))
    y = top + height * index / max(1, count - 1)
    painter.drawRoundedRect(QRectF(x - 2, y - 7, 7, 14), 2, 2)
