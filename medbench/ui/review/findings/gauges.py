"""Painted parts of the findings tab: probability, typicality, certainty, score over time."""

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from medbench.domain.finding import Certainty
from medbench.ui.theme.current import current

_SIDE_PX = 6.0
TYPICAL_BELOW, UNUSUAL_BELOW = 95.0, 99.0
"""Percentiles of known pictures: from 99 on the model refuses (`engine.trust`)."""


class _Painted(QWidget):
    height_px = 20

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(self.height_px)

    def sizeHint(self) -> QSize:
        return QSize(160, self.height_px)

    def _small(self, painter: QPainter, size: int = 11) -> None:
        font = QFont(self.font())
        font.setPixelSize(size)
        font.setFeature(QFont.Tag("tnum"), 1)
        painter.setFont(font)

    def _across(self) -> float:
        return self.width() - 2 * _SIDE_PX


class ProbabilityBar(_Painted):
    """A score from 0 to 1 with its interval, and the operating threshold in words above."""

    height_px = 56

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(name, parent)
        self._score = 0.0
        self._interval: tuple[float, float] | None = None
        self._threshold = 0.5
        self._words = ""
        self._muted = False

    def show_score(
        self, score: float, interval: tuple[float, float] | None, threshold: float, words: str, *,
        muted: bool,
    ) -> None:  # fmt: skip
        """``words`` stand above the threshold's mark; ``muted`` = not to be relied on."""
        self._score, self._interval, self._threshold = score, interval, threshold
        self._words, self._muted = words, muted
        self.setAccessibleDescription(f"{score:.2f}; {words}")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._small(painter)
        left, width, y = _SIDE_PX, self._across(), 29.0
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.track))
        painter.drawRect(QRectF(left, y - 4, width, 8))
        colour = QColor(tokens.disabled if self._muted else tokens.accent)
        if self._interval is not None:
            low, high = (left + width * min(1.0, max(0.0, v)) for v in self._interval)
            band = QColor(colour)
            band.setAlpha(110)
            painter.setBrush(band)
            painter.drawRect(QRectF(low, y - 4, high - low, 8))
            painter.setPen(QPen(colour, 1.6))
            for x in (low, high):
                painter.drawLine(QPointF(x, y - 7), QPointF(x, y + 7))
        at = left + width * min(1.0, max(0.0, self._threshold))
        painter.setPen(QPen(QColor(tokens.strong), 1.6))
        painter.drawLine(QPointF(at, y - 11), QPointF(at, y + 8))
        painter.setPen(QColor(tokens.text))
        words = painter.fontMetrics().horizontalAdvance(self._words) + 4
        box = QRectF(min(max(0.0, at - words / 2), self.width() - words), 0, words, 15)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self._words)
        x = left + width * min(1.0, max(0.0, self._score))
        painter.setPen(QPen(QColor(tokens.panel), 1.5))
        painter.setBrush(colour)
        painter.drawPolygon(
            QPolygonF([QPointF(x, y - 7), QPointF(x + 7, y), QPointF(x, y + 7), QPointF(x - 7, y)])
        )
        painter.setPen(QColor(tokens.text2))
        for part in (0, 25, 50, 75, 100):
            place = left + width * part / 100
            painter.drawLine(QPointF(place, y + 7), QPointF(place, y + 10))
            half = {0: (0, 40), 100: (-40, 40)}.get(part, (-20, 40))
            align = {0: Qt.AlignmentFlag.AlignLeft, 100: Qt.AlignmentFlag.AlignRight}.get(
                part, Qt.AlignmentFlag.AlignHCenter
            )
            painter.drawText(QRectF(place + half[0], y + 11, half[1], 14), align, str(part))


class TypicalityGauge(_Painted):
    """Where a picture lies among the known ones: typical, unusual, outside."""

    height_px = 34

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(name, parent)
        self._percentile: float | None = None
        self._outside = False

    def show_percentile(self, percentile: float | None, *, outside: bool) -> None:
        """Share of known pictures that are more typical, 0 to 100; None hides the mark."""
        self._percentile, self._outside = percentile, outside
        self.setAccessibleDescription("" if percentile is None else f"{percentile:.0f}")
        self.update()

    def place(self) -> float:
        """Where the mark stands, 0..1: the last tenths of the scale are widened to be seen."""
        if self._outside:
            return 0.93
        percentile = min(99.9, self._percentile or 0.0)
        for low, high, start, end in ((0.0, TYPICAL_BELOW, 0.0, 0.64),
                                      (TYPICAL_BELOW, 100.0, 0.64, 0.84)):  # fmt: skip
            if percentile < high:
                return start + (percentile - low) / (high - low) * (end - start)
        return 0.84

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = current()
        painter = QPainter(self)
        self._small(painter)
        left, width = _SIDE_PX, self._across()
        painter.setPen(Qt.PenStyle.NoPen)
        words = (self.tr("Typical"), self.tr("Unusual"), self.tr("Outside"))
        spans = ((0.0, 0.64), (0.64, 0.84), (0.84, 1.0))
        for (start, end), role, text in zip(
            spans, (tokens.success, tokens.warning, tokens.error), words, strict=True
        ):
            colour = QColor(role)
            colour.setAlpha(180)
            box = QRectF(left + width * start, 4, width * (end - start) - 1, 8)
            painter.fillRect(box, colour)
            painter.setPen(QColor(tokens.text2))
            painter.drawText(
                QRectF(box.x() - 20, 17, box.width() + 40, 15),
                Qt.AlignmentFlag.AlignHCenter, text,
            )  # fmt: skip
        if self._percentile is not None or self._outside:
            painter.fillRect(QRectF(left + width * self.place() - 1.5, 0, 3, 16),
                             QColor(tokens.strong))  # fmt: skip


class CertaintyBars(_Painted):
    """One to three bars; a click or the arrow keys change them.

    Signals
    -------
    changed : Certainty
        The reader chose another.
    """

    changed = Signal(object)
    height_px = 18

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(name, parent)
        self._certainty = Certainty.PROBABLE
        self.setFixedWidth(44)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setToolTip(self.tr("Certainty; click for the next"))

    def show_certainty(self, certainty: Certainty) -> None:
        """Show without a signal."""
        self._certainty = certainty
        self.setAccessibleDescription(certainty.value)
        self.update()

    def _step(self, by: int) -> None:
        steps = list(Certainty)
        at = steps.index(self._certainty) + by
        self.changed.emit(steps[at % len(steps)])

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton:
            self._step(1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Right: 1, Qt.Key.Key_Left: -1, Qt.Key.Key_Space: 1}
        if event.key() in steps:
            self._step(steps[Qt.Key(event.key())])
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = current()
        painter = QPainter(self)
        for i in range(3):
            on = i < self._certainty.bars
            painter.fillRect(QRectF(3 + i * 13, 6, 11, 6),
                             QColor(tokens.text if on else tokens.track))  # fmt: skip
        if self.hasFocus():
            painter.setPen(QPen(QColor(tokens.accent), 1))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))


class ScoreLine(_Painted):
    """Scores of one model version over a patient's studies, with the threshold dashed."""

    height_px = 44

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(name, parent)
        self._points: list[tuple[str, float]] = []
        self._threshold = 0.5
        self._current = -1

    def show_scores(
        self, points: Sequence[tuple[str, float]], threshold: float, current_at: int
    ) -> None:
        """(date, score) oldest first; ``current_at`` is drawn as a diamond."""
        self._points, self._threshold, self._current = list(points), threshold, current_at
        words = "; ".join(f"{date} {score:.2f}" for date, score in points)
        self.setAccessibleDescription(words)
        self.setToolTip(words.replace("; ", "\n"))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        left, width, top, height = _SIDE_PX, self._across(), 6.0, self.height() - 14.0
        painter.setPen(QPen(QColor(tokens.outline), 1, Qt.PenStyle.DashLine))
        y = top + height * (1 - self._threshold)
        painter.drawLine(QPointF(left, y), QPointF(left + width, y))
        painter.setPen(QPen(QColor(tokens.divider), 1))
        base = self.height() - 2.0
        painter.drawLine(QPointF(left, base), QPointF(left + width, base))
        last = max(1, len(self._points) - 1)
        places = [
            QPointF(left + width * i / last, top + height * (1 - score))
            for i, (_, score) in enumerate(self._points)
        ]
        painter.setPen(QPen(QColor(tokens.accent), 1.8))
        painter.drawPolyline(QPolygonF(places))
        for i, place in enumerate(places):
            painter.setBrush(QColor(tokens.accent if i == self._current else tokens.panel))
            if i == self._current:
                x, y = place.x(), place.y()
                painter.drawPolygon(QPolygonF([QPointF(x, y - 5), QPointF(x + 5, y),
                                               QPointF(x, y + 5), QPointF(x - 5, y)]))  # fmt: skip
            else:
                painter.drawEllipse(place, 2.6, 2.6)
