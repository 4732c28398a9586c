"""The whole record in one strip, and the part of it that is on the page."""

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from medbench.imaging.ecg_intervals import EcgAnalysis
from medbench.imaging.signals import round_step
from medbench.ui.review.ecg import words
from medbench.ui.review.ecg.painting import draw_trace, font, write
from medbench.ui.review.ecg.source import TraceSource
from medbench.ui.theme.current import current
from medbench.ui.theme.icons import icon_pixmap

_CAPTION_PX, _RIGHT_PX, _TOP_PX, _AXIS_PX = 104.0, 12.0, 10.0, 22.0
_LEAST_WINDOW_PX = 8.0


class RecordStrip(QWidget):
    """Drag the window, or click where it shall be.

    Signals
    -------
    start_wanted : float
        The page shall begin at this second.
    """

    start_wanted = Signal(float)

    def __init__(self, source: TraceSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._source = source
        self._start_s, self._page_s = 0.0, 10.0
        self._grip: float | None = None
        self.analysis: EcgAnalysis | None = None
        self.busy = False
        self.setFixedHeight(82)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(self.tr("Record overview"))
        source.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(900, 82)

    def set_window(self, start_s: float, page_s: float) -> None:
        """What the page shows."""
        self._start_s, self._page_s = start_s, page_s
        self.update()

    def show_analysis(self, analysis: EcgAnalysis | None, *, busy: bool) -> None:
        """How many beats were found, and whether the signal can be read."""
        self.analysis, self.busy = analysis, busy
        beats = words.beats_word(analysis, busy=busy)
        told = words.lead_states(analysis) or words.signal_word(analysis, busy=busy)[0]
        self.setAccessibleDescription(", ".join(text for text in (beats, told) if text))
        self.setToolTip(told)
        self.update()

    @property
    def _duration_s(self) -> float:
        waveform = self._source.waveform
        return waveform.duration_s if waveform is not None else 1.0

    def trace_rect(self) -> QRectF:
        """Where the record lies."""
        return QRectF(_CAPTION_PX, _TOP_PX, max(20.0, self.width() - _CAPTION_PX - _RIGHT_PX),
                      self.height() - _TOP_PX - _AXIS_PX)  # fmt: skip

    def window_rect(self) -> QRectF:
        """Where the page lies in the record."""
        area, duration = self.trace_rect(), self._duration_s
        left = area.left() + self._start_s / duration * area.width()
        width = min(self._page_s / duration, 1.0) * area.width()
        if width < _LEAST_WINDOW_PX:
            left -= (_LEAST_WINDOW_PX - width) / 2
            width = _LEAST_WINDOW_PX
        left = min(max(left, area.left()), area.right() - width)
        return QRectF(left, area.top(), width, area.height())

    def _second(self, x: float) -> float:
        area = self.trace_rect()
        return (x - area.left()) / area.width() * self._duration_s

    # hand

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        x = event.position().x()
        if not self.window_rect().contains(QPointF(x, self.window_rect().center().y())):
            self.start_wanted.emit(self._second(x) - self._page_s / 2)
        self._grip = self._second(x) - self._start_s

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._grip is not None:
            self.start_wanted.emit(self._second(event.position().x()) - self._grip)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._grip = None

    def wheelEvent(self, event: QWheelEvent) -> None:
        turn = (event.angleDelta().y() or event.angleDelta().x()) / 120
        self.start_wanted.emit(self._start_s - turn * self._page_s)
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        moves = {
            Qt.Key.Key_Left: self._start_s - self._page_s / 10,
            Qt.Key.Key_Right: self._start_s + self._page_s / 10,
            Qt.Key.Key_PageUp: self._start_s - self._page_s,
            Qt.Key.Key_PageDown: self._start_s + self._page_s,
            Qt.Key.Key_Home: 0.0, Qt.Key.Key_End: self._duration_s,
        }  # fmt: skip
        if Qt.Key(event.key()) in moves:
            self.start_wanted.emit(moves[Qt.Key(event.key())])
        else:
            super().keyPressEvent(event)

    # painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        tokens = current()
        painter.fillRect(self.rect(), QColor(tokens.panel))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        waveform = self._source.waveform
        if waveform is None:
            return
        write(painter, 12, 24, self.tr("Record"), tokens.strong, 12, bold=True)
        beats, (told, role) = (
            words.beats_word(self.analysis, busy=self.busy),
            words.signal_word(self.analysis, busy=self.busy),
        )
        write(painter, 12, 43, beats or words.clock(waveform.duration_s), tokens.text2, 12)
        if told:
            glyph = {"success": "circle-check", "warning": "triangle-alert"}[role]
            colour = getattr(tokens, role)
            painter.drawPixmap(QPointF(12, 50), icon_pixmap(glyph, colour, 13,
                                                            self.devicePixelRatioF()))  # fmt: skip
            room = int(_CAPTION_PX) - 34
            told = self.fontMetrics().elidedText(told, Qt.TextElideMode.ElideRight, room)
            write(painter, 29, 61, told, colour, 12)
        area, window = self.trace_rect(), self.window_rect()
        painter.fillRect(area, QColor(tokens.field))
        painter.fillRect(window, QColor(tokens.selection))
        self._paint_envelope(painter, area)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(tokens.divider), 1))
        painter.drawRect(area)
        painter.setPen(QPen(QColor(tokens.accent), 1.6))
        painter.drawRect(window)
        painter.setBrush(QColor(tokens.accent))
        painter.setPen(Qt.PenStyle.NoPen)
        for x in (window.left(), window.right()):
            painter.drawRoundedRect(QRectF(x - 3, window.center().y() - 8, 6, 16), 2, 2)
        self._paint_axis(painter, area)
        if self.hasFocus():
            painter.setPen(QPen(QColor(tokens.accent), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self.rect().adjusted(1, 1, -1, -1))

    def _paint_envelope(self, painter: QPainter, area: QRectF) -> None:
        found = self._source.overview
        if found is None or not np.isfinite(found).any():
            return
        low, high = np.nanpercentile(found[0], 1), np.nanpercentile(found[1], 99)
        tall = float(max(high - low, 1e-9))
        bins = found.shape[1]
        x = area.left() + (np.repeat(np.arange(bins), 2) + 0.5) / bins * area.width()
        y = (found.T.reshape(-1).astype(np.float64) - low) / tall
        y = area.bottom() - 5 - np.clip(y, -0.05, 1.05) * (area.height() - 10)
        painter.save()
        painter.setClipRect(area)
        draw_trace(painter, x, y, current().text, 1.0)
        painter.restore()

    def _paint_axis(self, painter: QPainter, area: QRectF) -> None:
        duration, tokens = self._duration_s, current()
        step = self._axis_step(duration / max(1.0, area.width() / 110))
        painter.setFont(font(11))
        for i in range(int(duration / step) + 1):
            x = area.left() + i * step / duration * area.width()
            painter.setPen(QPen(QColor(tokens.outline), 1))
            painter.drawLine(QPointF(x, area.bottom()), QPointF(x, area.bottom() + 4))
            if x < area.right() - 40 or i == 0:
                write(painter, x, area.bottom() + 17, self._axis_word(i * step), tokens.text2, 11)

    @staticmethod
    def _axis_step(least: float) -> float:
        if least < 60:
            return round_step(least) if least < 20 else (30.0 if least <= 30 else 60.0)
        for step in (120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0, 7200.0, 10800.0, 21600.0):
            if least <= step:
                return step
        return 86400.0

    def _axis_word(self, second: float) -> str:
        if self._duration_s < 120:
            return self.tr("{0} s").format(f"{second:g}")
        whole = round(second)
        if self._duration_s < 7200:
            return f"{whole // 60}:{whole % 60:02d}"
        return f"{whole // 3600}:{whole // 60 % 60:02d} h"
