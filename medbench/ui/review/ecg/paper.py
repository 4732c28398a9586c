"""Waveforms on calibrated paper: grid, traces, pulses, marks, corner texts."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QWidget

from medbench.domain.objects import Waveform
from medbench.imaging.signals import min_max
from medbench.ui.review.ecg import words
from medbench.ui.review.ecg.layouts import Layout, Strip, times_of
from medbench.ui.review.ecg.mark_hand import MarkHand
from medbench.ui.review.ecg.page import PaperPage
from medbench.ui.review.ecg.painting import (
    advance,
    draw_block,
    draw_measure,
    draw_pulse,
    draw_trace,
    grid_pixmap,
    write,
)
from medbench.ui.review.ecg.scale import real_px_per_mm
from medbench.ui.review.ecg.source import TraceSource
from medbench.ui.theme.current import current
from medbench.ui.theme.tokens import TRACE_PAPERS


class PaperView(PaperPage):
    """One page of a waveform, drawn."""

    def __init__(self, source: TraceSource, parent: QWidget | None = None) -> None:
        super().__init__(source, parent)
        self._grid: tuple[Any, QPixmap] | None = None
        self.pulses: list[QRectF] = []
        """Where the calibration pulses were painted last."""
        self.beats: NDArray[np.float64] = np.empty(0)
        """Seconds of the beats that were found."""
        self.marks_hand: MarkHand | None = None

    # painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        colours, scale = TRACE_PAPERS[self.look], self.scale
        ratio = self.devicePixelRatioF()
        stamp = (self.width(), self.height(), ratio, scale.px_per_mm, self.top_mm, self.look)
        if self._grid is None or self._grid[0] != stamp:
            made = grid_pixmap(self.width(), self.height(), ratio, scale.px_per_mm,
                               self.top_mm * scale.px_per_mm, colours)  # fmt: skip
            self._grid = (stamp, made)
        painter.drawPixmap(0, 0, self._grid[1])
        waveform = self.waveform
        if waveform is None:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.pulses = []
        together, page_s = self.together, self.page_s
        rate, total = waveform.sampling_hz, waveform.samples.shape[1]
        self.source.need(int(self.start_s * rate) - 2, int((self.start_s + page_s) * rate) + 3)
        for strip in self.strips:
            self._paint_strip(painter, strip, times_of(strip, self.start_s, page_s,
                                                       together=together), total)  # fmt: skip
        if self.show_marks:
            self._paint_marks(painter, together)
            self._paint_beats(painter, together)
        if self.marks_hand is not None:
            self.marks_hand.paint(painter)
        self._paint_corners(painter, waveform)
        if self.hasFocus():
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            painter.setPen(QPen(QColor(current().accent), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self.rect().adjusted(1, 1, -1, -1))

    def _paint_strip(
        self, painter: QPainter, strip: Strip, times: tuple[float, float], total: int
    ) -> None:
        waveform, scale, colours = self.waveform, self.scale, TRACE_PAPERS[self.look]
        left, _ = self.strip_px(strip)
        base = self.baseline_px(strip.row)
        if waveform is None or not -200 < base < self.height() + 200:
            return
        millivolt = strip.channel is None or waveform.channels[strip.channel].unit == "mV"
        above_mm = min(13.0, 0.44 * self.row_mm) if millivolt else 0.47 * self.row_mm
        label_y = base - above_mm * scale.px_per_mm
        label_x = left + 1.2 * scale.px_per_mm
        if strip.channel is None:
            write(painter, label_x, label_y, strip.name, colours.text2, 13, bold=True)
            write(painter, label_x, base + 4, self.tr("{0} was not recorded").format(strip.name),
                  colours.warning, 12, paper=colours.paper)  # fmt: skip
        else:
            self._paint_values(painter, strip, times, total, base)
        if strip.column == 0 and millivolt:
            self.pulses.append(draw_pulse(painter, left, base, scale, colours.trace))
        elif strip.column == 0 and strip.channel is not None:
            unit, per_mm = waveform.channels[strip.channel].unit, self.unit_mm(strip.channel)
            draw_measure(
                painter, 3 * scale.px_per_mm, base, scale.px_per_mm,
                words.per_ten_mm(per_mm * 10, unit), colours,
            )  # fmt: skip
        if strip.column > 0:  # where one lead ends and the next begins
            painter.setPen(QPen(QColor(colours.trace), 1.1))
            painter.drawLine(QPointF(left, base - 3 * scale.px_per_mm),
                             QPointF(left, base + 3 * scale.px_per_mm))  # fmt: skip
        if strip.channel is not None:
            width = write(painter, label_x, label_y, strip.name, colours.text, 13, bold=True,
                          paper=colours.paper)  # fmt: skip
            if not millivolt:
                shown = words.own_scale(self.unit_mm(strip.channel), self.level(strip.channel),
                                        waveform.channels[strip.channel].unit)  # fmt: skip
                write(painter, label_x + width + 8, label_y, shown, colours.text2, 11,
                      paper=colours.paper)  # fmt: skip

    def _paint_values(
        self, painter: QPainter, strip: Strip, times: tuple[float, float], total: int, base: float
    ) -> None:
        waveform, scale, channel = self.waveform, self.scale, strip.channel
        if waveform is None or channel is None:
            return
        rate = waveform.sampling_hz
        first = max(0, int(np.ceil(times[0] * rate - 1e-6)))
        last = min(total, int(np.floor(times[1] * rate + 1e-6)) + 1)
        left, right = self.strip_px(strip)
        colours = TRACE_PAPERS[self.look]
        if last <= first:
            return
        values = self.source.piece(channel, first, last)
        if values is None:
            write(painter, left + 40, base + 4, self.tr("Filtering ..."), colours.text2,
                  paper=colours.paper)  # fmt: skip
            return
        step = int(rate / (scale.px_per_s * self.devicePixelRatioF()))
        where, shown = min_max(values, step, first)
        x = left + (where / rate - times[0]) * scale.px_per_s
        px_per_unit = scale.px_per_mm / self.unit_mm(channel)
        y = base - (shown.astype(np.float64) - self.level(channel)) * px_per_unit
        painter.save()
        painter.setClipRect(QRectF(left - 1, 0, right - left + 2, self.height()))
        draw_trace(painter, x, np.clip(y, -4e3, 8e3), colours.trace)
        painter.restore()
        if not np.isfinite(values).any():
            write(painter, left + 40, base + 4, self.tr("No samples here"), colours.warning,
                  paper=colours.paper)  # fmt: skip

    def _mark_strips(self) -> list[Strip]:
        """Strips that carry the ticks: the rhythm strip, else the top row."""
        if self.layout_kind is Layout.THREE_BY_FOUR:
            return [self.strips[-1]]
        return [s for s in self.strips if s.row == 0]

    def _paint_marks(self, painter: QPainter, together: bool) -> None:
        waveform, scale, colours = self.waveform, self.scale, TRACE_PAPERS[self.look]
        if waveform is None or not waveform.marks:
            return
        seconds = [second for second, _ in waveform.marks]
        for strip in self._mark_strips():
            begin, end = times_of(strip, self.start_s, self.page_s, together=together)
            low, high = np.searchsorted(seconds, [begin, end])
            left, right = self.strip_px(strip)
            base = self.baseline_px(strip.row)
            above = min(18.0, 0.46 * self.row_mm) * scale.px_per_mm
            reach = min(11.0, 0.42 * self.row_mm) * scale.px_per_mm
            taken = left + 34.0  # the lead's name stands there
            for second, text in waveform.marks[low:high]:
                x = left + (second - begin) * scale.px_per_s
                painter.setPen(QPen(QColor(colours.mark), 1.6))
                painter.drawLine(QPointF(x, base + reach), QPointF(x, base + reach + 5))
                if x < taken or x + advance(text, 11) > right:
                    continue  # a tick without its text: there is no room for it
                painter.setPen(QPen(QColor(colours.mark), 1, Qt.PenStyle.DotLine))
                painter.drawLine(QPointF(x, base - above + 4), QPointF(x, base + reach))
                taken = x + 10 + write(painter, x, base - above + 1, text, colours.mark, 11)

    def _paint_beats(self, painter: QPainter, together: bool) -> None:
        """Beats that were found: dashed, as everything the program found by itself."""
        waveform, colours = self.waveform, TRACE_PAPERS[self.look]
        if waveform is None or len(self.beats) < 2 or waveform.marks:
            return
        for strip in self._mark_strips():
            begin, end = times_of(strip, self.start_s, self.page_s, together=together)
            low, high = np.searchsorted(self.beats, [begin, end])
            left, base = self.strip_px(strip)[0], self.baseline_px(strip.row)
            above = min(11.0, 0.40 * self.row_mm) * self.scale.px_per_mm
            below = min(9.0, 0.36 * self.row_mm) * self.scale.px_per_mm
            painter.setPen(QPen(QColor(colours.mark), 1, Qt.PenStyle.DotLine))
            for second in self.beats[low:high]:
                x = left + (second - begin) * self.scale.px_per_s
                painter.drawLine(QPointF(x, base - above), QPointF(x, base + below))

    def _paint_corners(self, painter: QPainter, waveform: Waveform) -> None:
        colours, area = TRACE_PAPERS[self.look], QRectF(self.rect())
        patient = words.patient_lines(waveform) if self.show_patient else ()
        draw_block(painter, area, [(line, colours.text, i == 0) for i, line in enumerate(patient)],
                   colours, right=False, bottom=False)  # fmt: skip
        technical = [(line, colours.text2, False) for line in words.technical_lines(waveform)]
        draw_block(painter, area, technical, colours, right=True, bottom=False)
        known = real_px_per_mm(self.screen())[1]
        millivolt = [c.unit == "mV" for c in waveform.channels]
        scale_words = words.scale_line(
            self.scale, self.share, known=known, strips=self.strips, together=self.together,
            millivolt=any(millivolt),
        )  # fmt: skip
        filter_words = words.filter_line(self.source.active, mixed=not all(millivolt))
        for line, right in ((scale_words, False), (filter_words, True)):
            draw_block(painter, area, [(line, colours.text, False)], colours, right=right,
                       bottom=True)  # fmt: skip
