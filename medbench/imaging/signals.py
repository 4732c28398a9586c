"""Pure functions over sampled signals: zero-phase filters, decimation that keeps every spike.

Filters run forwards and backwards, so nothing is delayed; cut-off frequencies are where the
result of both passes is at 1/sqrt(2) (-3 dB), as AHA/ACC/HRS 2007 states ECG bandwidths.
"""

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_ORDER = 2
"""Of one pass."""
_NOTCH_Q = 30.0
_CORRECTION = (np.sqrt(2.0) - 1.0) ** (1.0 / (2 * _ORDER))
"""Two passes of order n are at -3 dB where one pass is at -1.5 dB."""


@dataclass(frozen=True)
class SignalFilter:
    """What is taken out; None leaves that side as recorded."""

    low_hz: float | None = None
    """High-pass: what is slower goes."""
    high_hz: float | None = None
    """Low-pass: what is faster goes."""
    notch_hz: float | None = None
    """Mains frequency."""

    @property
    def active(self) -> bool:
        """Whether it changes anything."""
        return any(f is not None for f in (self.low_hz, self.high_hz, self.notch_hz))

    def possible(self, sampling_hz: float) -> "SignalFilter":
        """Without the parts that this sampling rate cannot carry (at or above 0.45 of it)."""
        limit = 0.45 * sampling_hz

        def kept(hertz: float | None) -> float | None:
            return hertz if hertz is not None and 0 < hertz < limit else None

        return SignalFilter(kept(self.low_hz), kept(self.high_hz), kept(self.notch_hz))

    def margin_s(self) -> float:
        """Seconds beside a window that must be filtered with it, so that the edges do not show."""
        slowest = min([f for f in (self.low_hz, self.notch_hz and 1.0) if f] or [10.0])
        return 1.5 / slowest


def filter_sections(chosen: SignalFilter, sampling_hz: float) -> NDArray[np.float64]:
    """Second-order sections of ONE pass, (n, 6); empty when nothing is filtered."""
    from scipy import signal

    chosen = chosen.possible(sampling_hz)
    parts = []
    if chosen.low_hz is not None:
        edge = _moved(chosen.low_hz, sampling_hz, _CORRECTION)
        parts.append(signal.butter(_ORDER, edge, "highpass", fs=sampling_hz, output="sos"))
    if chosen.high_hz is not None:
        edge = _moved(chosen.high_hz, sampling_hz, 1.0 / _CORRECTION)
        parts.append(signal.butter(_ORDER, edge, "lowpass", fs=sampling_hz, output="sos"))
    if chosen.notch_hz is not None:
        # a notch is a first-order low-pass moved to its frequency: order 1 in the correction
        quality = _NOTCH_Q / np.sqrt(np.sqrt(2.0) - 1.0)
        up, down = signal.iirnotch(chosen.notch_hz, quality, fs=sampling_hz)
        parts.append(signal.tf2sos(up, down))
    return np.concatenate(parts) if parts else np.empty((0, 6))


def _moved(hertz: float, sampling_hz: float, factor: float) -> float:
    """A cut-off times a factor on the axis of the analogue prototype (bilinear transform)."""
    warped = np.tan(np.pi * hertz / sampling_hz) * factor
    return float(np.arctan(warped) / np.pi * sampling_hz)


def filtered(
    samples: NDArray[np.floating], sampling_hz: float, chosen: SignalFilter
) -> NDArray[np.float32]:
    """Zero-phase filtered copy, same shape; time runs along the last axis.

    NaN stay NaN: a gap is bridged by a straight line while the filter runs, and cut out again.
    """
    from scipy import signal

    sections = filter_sections(chosen, sampling_hz)
    values = np.atleast_2d(np.asarray(samples, np.float64)).copy()
    if not len(sections) or values.shape[-1] < 2:
        return np.asarray(samples, np.float32).copy()
    gaps = ~np.isfinite(values)
    for row, gap in zip(values, gaps, strict=True):
        if gap.all():
            row[:] = 0
        elif gap.any():
            at = np.flatnonzero(~gap)
            row[gap] = np.interp(np.flatnonzero(gap), at, row[at])
    # odd reflection of one slow time constant at the ends of the record
    pad = min(values.shape[-1] - 1, int(sampling_hz * min(10.0, chosen.margin_s())))
    out = signal.sosfiltfilt(sections, values, axis=-1, padlen=pad)
    out[gaps] = np.nan
    return np.asarray(out, np.float32).reshape(np.shape(samples))


def min_max(
    samples: NDArray[np.floating], step: int, first: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """(positions, values): the lowest and the highest sample of each block of ``step``, in order.

    ``samples`` (n,) begin at sample number ``first`` of the record; blocks begin at multiples of
    ``step`` of the record, so that a trace does not shimmer when it is scrolled. Positions are
    sample numbers. A block with nothing but NaN gives NaN. With ``step`` <= 2 all samples stay.
    """
    values = np.asarray(samples, np.float32)
    if step <= 2 or len(values) == 0:
        return first + np.arange(len(values), dtype=np.float64), values
    lead = first % step
    blocks = -(-(lead + len(values)) // step)
    padded = np.full(blocks * step, np.nan, np.float32)
    padded[lead : lead + len(values)] = values
    table = padded.reshape(blocks, step)
    finite = np.isfinite(table)
    low = np.where(finite, table, np.inf).argmin(axis=1)
    high = np.where(finite, table, -np.inf).argmax(axis=1)
    places = np.sort(np.stack([low, high], axis=1), axis=1)
    rows = np.arange(blocks)[:, None]
    out = table[rows, places]
    start = first - lead + rows * step
    return (start + places).reshape(-1).astype(np.float64), out.reshape(-1)


def envelope(samples: NDArray[np.floating], bins: int) -> NDArray[np.float32]:
    """Lowest and highest value of ``bins`` equal parts of a whole record, (2, bins); NaN = gap."""
    values = np.asarray(samples, np.float32)
    out = np.full((2, bins), np.nan, np.float32)
    edges = np.linspace(0, len(values), bins + 1).astype(int)
    for i, (begin, end) in enumerate(itertools.pairwise(edges)):
        part = values[begin : max(end, begin + 1)]
        part = part[np.isfinite(part)]
        if len(part):
            out[:, i] = part.min(), part.max()
    return out


def typical_range(samples: NDArray[np.floating], *, most: int = 200_000) -> tuple[float, float]:
    """0.5th and 99.5th percentile of a signal (evenly picked samples); (0, 0) when all is NaN."""
    values = np.asarray(samples)
    values = values[:: max(1, len(values) // most)]
    values = values[np.isfinite(values)]
    if not len(values):
        return 0.0, 0.0
    low, high = np.percentile(values, [0.5, 99.5])
    return float(low), float(high)


def round_step(value: float) -> float:
    """The smallest of 1, 2, 5 x 10^n that is not below ``value``."""
    if not np.isfinite(value) or value <= 0:
        return 1.0
    size = 10.0 ** np.floor(np.log10(value))
    for factor in (1.0, 2.0, 5.0):
        if value <= factor * size * (1 + 1e-9):
            return float(factor * size)
    return float(10.0 * size)
