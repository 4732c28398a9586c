"""Grid, traces, pulses and words on the paper."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QPainter,
    QPen,
    QPixmap,
)
from shiboken6 import wrapInstance

from medbench.ui.review.ecg.scale import PULSE_MV, PULSE_S, PaperScale
from medbench.ui.theme.tokens import TracePaper

_FINEST_PX = 2.0
"""Millimetre lines closer than this would be a grey area."""
TRACE_PX = 1.25


def font(size: int = 12, *, bold: bool = False) -> QFont:
    """The program's font with tabular figures."""
    made = QFont("Inter")
    made.setPixelSize(size)
    made.setFeature(QFont.Tag("tnum"), 1)
    made.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    return made


def grid_pixmap(
    width: int, height: int, ratio: float, px_per_mm: float, top_px: float, colours: TracePaper
) -> QPixmap:
    """Paper with lines each 1 mm and 5 mm; ``top_px`` is how far it is scrolled down."""
    picture = QPixmap(max(1, round(width * ratio)), max(1, round(height * ratio)))
    picture.fill(QColor(colours.paper))
    painter = QPainter(picture)
    wide, tall = picture.width(), picture.height()
    step = px_per_mm * ratio
    top = top_px * ratio
    fine: list[QLineF] = []
    coarse: list[QLineF] = []
    for i in range(int(wide / step) + 1):
        x = float(round(i * step))
        (fine if i % 5 else coarse).append(QLineF(x, 0, x, tall))
    first = int(top / step)
    for i in range(first, first + int(tall / step) + 2):
        y = float(round(i * step - top))
        (fine if i % 5 else coarse).append(QLineF(0, y, wide, y))
    if px_per_mm >= _FINEST_PX:
        painter.setPen(QPen(QColor(colours.fine), 1))
        painter.drawLines(fine)
    painter.setPen(QPen(QColor(colours.coarse), 1))
    painter.drawLines(coarse)
    painter.end()
    picture.setDevicePixelRatio(ratio)
    return picture


def draw_trace(
    painter: QPainter, x: NDArray[np.float64], y: NDArray[np.float64], colour: str,
    width: float = TRACE_PX,
) -> None:  # fmt: skip
    """A line through the points; NaN in ``y`` interrupts it, a lone point is a dot.

    Single lines without caps: Qt draws them 15 x faster than one polyline with round joins.
    """
    there = np.isfinite(y)
    both = there[:-1] & there[1:]
    ends = np.stack([x[:-1], y[:-1], x[1:], y[1:]], axis=1)[both]
    painter.setPen(QPen(QColor(colour), width, c=Qt.PenCapStyle.FlatCap))
    if len(ends):
        lines = np.ascontiguousarray(ends)
        first: Any = wrapInstance(lines.ctypes.data, QLineF)  # the array is four doubles a line
        draw: Any = painter.drawLines
        draw(first, len(lines))
    alone = there.copy()
    alone[:-1] &= ~both
    alone[1:] &= ~both
    painter.setPen(QPen(QColor(colour), width, c=Qt.PenCapStyle.RoundCap))
    for at in np.flatnonzero(alone):
        painter.drawPoint(QPointF(x[at], y[at]))


def draw_pulse(
    painter: QPainter, trace_x: float, baseline: float, scale: PaperScale, colour: str
) -> QRectF:
    """1 mV for 200 ms, left of a trace; gives the box of the pulse itself."""
    width = PULSE_S * scale.px_per_s
    height = PULSE_MV * scale.mm_per_mv * scale.px_per_mm
    gap = 2.0 * scale.px_per_mm
    right = trace_x - gap
    left = right - width
    painter.setPen(QPen(QColor(colour), TRACE_PX, j=Qt.PenJoinStyle.MiterJoin))
    painter.drawPolyline(
        [
            QPointF(max(0.0, left - gap), baseline), QPointF(left, baseline),
            QPointF(left, baseline - height), QPointF(right, baseline - height),
            QPointF(right, baseline), QPointF(trace_x, baseline),
        ]
    )  # fmt: skip
    return QRectF(left, baseline - height, width, height)


def draw_measure(
    painter: QPainter, x: float, baseline: float, px_per_mm: float, words: str,
    colours: TracePaper,
) -> None:  # fmt: skip
    """10 mm of a scale that is not millivolts, what they stand for, and where the line is."""
    painter.setPen(QPen(QColor(colours.text2), 1.4))
    top, bottom = baseline - 5 * px_per_mm, baseline + 5 * px_per_mm
    painter.drawLine(QPointF(x, top), QPointF(x, bottom))
    for y in (top, bottom):
        painter.drawLine(QPointF(x - 3, y), QPointF(x + 3, y))
    painter.drawLine(QPointF(x, baseline), QPointF(x + 4, baseline))
    write(painter, x - 3, bottom + 13, words, colours.text2, 11, paper=colours.paper)


def advance(text: str, size: int) -> float:
    """Width of a text in pixels."""
    return float(QFontMetricsF(font(size)).horizontalAdvance(text))


def write(
    painter: QPainter, x: float, y: float, text: str, colour: str, size: int = 12, *,
    bold: bool = False, right: bool = False, paper: str = "",
) -> float:  # fmt: skip
    """A line of text, ``y`` is its base line; ``paper`` puts it on a patch. Gives its width."""
    made = font(size, bold=bold)
    metrics = QFontMetricsF(made)
    width = metrics.horizontalAdvance(text)
    left = x - width if right else x
    if paper and text:
        patch = QColor(paper)
        patch.setAlpha(215)
        box = QRectF(left - 2, y - metrics.ascent(), width + 4, metrics.height())
        painter.fillRect(box, patch)
    painter.setFont(made)
    painter.setPen(QColor(colour))
    painter.drawText(QPointF(left, y), text)
    return float(width)


def draw_block(
    painter: QPainter, area: QRectF, lines: Sequence[tuple[str, str, bool]], colours: TracePaper,
    *, right: bool, bottom: bool,
) -> QRectF:  # fmt: skip
    """Lines (text, colour, bold) in a corner on a patch of paper; gives the patch."""
    shown = [line for line in lines if line[0]]
    if not shown:
        return QRectF()
    step, pad = 16, 6
    width = max(QFontMetricsF(font(12, bold=b)).horizontalAdvance(t) for t, _, b in shown) + 2 * pad
    width = min(width, area.width() - 8)
    height = step * len(shown) + pad
    x = area.right() - width - 8 if right else area.left() + 8
    y = area.bottom() - height - 6 if bottom else area.top() + 6
    box = QRectF(x, y, width, height)
    patch = QColor(colours.paper)
    patch.setAlpha(225)
    painter.fillRect(box, patch)
    for i, (text, colour, bold) in enumerate(shown):
        base = y + pad / 2 + 12 + i * step
        short = QFontMetricsF(font(12, bold=bold)).elidedText(
            text, Qt.TextElideMode.ElideRight, width - 2 * pad + 1
        )
        write(painter, x + width - pad if right else x + pad, base, short, colour, bold=bold,
              right=right)  # fmt: skip
    return box
