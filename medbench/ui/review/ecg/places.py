"""Where a second and a value lie on the page, and back."""

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF

from medbench.ui.review.ecg.layouts import Strip, times_of
from medbench.ui.review.ecg.page import PaperPage

SNAP_PX = 7.0


@dataclass(frozen=True)
class PaperPlace:
    """A point of a strip."""

    strip: Strip
    second: float
    """Of a sample."""
    value: float
    """In the channel's unit."""


def strip_times(page: PaperPage, strip: Strip) -> tuple[float, float]:
    """First and last second of a strip."""
    return times_of(strip, page.start_s, page.page_s, together=page.together)


def x_of(page: PaperPage, strip: Strip, second: float) -> float:
    """Pixel column of a second."""
    return page.strip_px(strip)[0] + (second - strip_times(page, strip)[0]) * page.scale.px_per_s


def y_of(page: PaperPage, strip: Strip, value: float) -> float:
    """Pixel row of a value."""
    if strip.channel is None:
        return page.baseline_px(strip.row)
    px_per_unit = page.scale.px_per_mm / page.unit_mm(strip.channel)
    return page.baseline_px(strip.row) - (value - page.level(strip.channel)) * px_per_unit


def strip_at(page: PaperPage, place: QPointF) -> Strip | None:
    """The recorded strip below a point: its columns, and the row whose zero line is nearest."""
    inside = [
        s for s in page.strips
        if s.channel is not None and page.strip_px(s)[0] <= place.x() <= page.strip_px(s)[1]
    ]  # fmt: skip
    if not inside:
        return None
    return min(inside, key=lambda s: abs(page.baseline_px(s.row) - place.y()))


def place_at(page: PaperPage, strip: Strip, place: QPointF, *, snap: bool = False) -> PaperPlace:
    """The sample instant nearest to a point, and the value at its height.

    With ``snap`` the instant goes to the nearest extremum of the trace within 7 px (an R peak, the
    top of a wave), and the value is that of the trace.
    """
    waveform, channel = page.waveform, strip.channel
    if waveform is None or channel is None:
        raise ValueError("there is no trace to measure on")
    left, _ = page.strip_px(strip)
    begin, _ = strip_times(page, strip)
    rate, total = waveform.sampling_hz, waveform.samples.shape[1]
    exact = (begin + (place.x() - left) / page.scale.px_per_s) * rate
    sample = min(max(0, round(exact)), total - 1)
    px_per_unit = page.scale.px_per_mm / page.unit_mm(channel)
    value = page.level(channel) + (page.baseline_px(strip.row) - place.y()) / px_per_unit
    if snap:
        reach = max(1, round(SNAP_PX / page.scale.px_per_s * rate))
        first, last = max(0, sample - reach), min(total, sample + reach + 1)
        values = page.source.piece(channel, first, last)
        if values is not None and np.isfinite(values).all() and len(values) > 2:
            sample = first + _extremum(np.asarray(values, np.float64), sample - first)
            value = float(values[sample - first])
    return PaperPlace(strip, sample / rate, float(value))


def _extremum(values: np.ndarray, near: int) -> int:
    """The top or dip nearest to an index; the index itself where there is none."""
    inner = values[1:-1]
    turns = ((inner > values[:-2]) & (inner >= values[2:])) | (
        (inner < values[:-2]) & (inner <= values[2:])
    )
    found = np.flatnonzero(turns) + 1
    tall = found[np.abs(values[found] - values.mean()) > 0.3 * np.ptp(values)]  # no noise
    if not len(tall):
        return near
    return int(tall[np.argmin(np.abs(tall - near))])
