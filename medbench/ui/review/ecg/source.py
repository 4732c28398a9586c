"""Filtered samples of a record, made away from the window for the part that is shown."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from medbench.domain.objects import Waveform
from medbench.imaging.signals import SignalFilter, envelope, filtered, typical_range
from medbench.session.object_shelf import ObjectShelf
from medbench.session.ports import Handle

_WHOLE_SAMPLES = 2_000_000
"""Records up to this size are filtered at once."""
OVERVIEW_BINS = 2000


def channel_filter(waveform: Waveform, channel: int, chosen: SignalFilter) -> SignalFilter:
    """The filter of one channel: the level of a pressure means something, so no high-pass there."""
    electrical = waveform.channels[channel].unit == "mV"
    return chosen if electrical else replace(chosen, low_hz=None)


class TraceSource(QObject):
    """One waveform and the filter on it.

    Signals
    -------
    changed
        More can be drawn than before.
    failed : str
        Filtering failed, and why.
    """

    changed = Signal()
    failed = Signal(str)

    def __init__(self, shelf: ObjectShelf, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._shelf = shelf
        self.waveform: Waveform | None = None
        self.filter = SignalFilter()
        self.ranges: tuple[tuple[float, float, float], ...] = ()
        """Low, middle, high of each channel; empty until they are known."""
        self.overview: NDArray[np.float32] | None = None
        """(2, bins) of the overview channel."""
        self.overview_channel = 0
        self._chunk: NDArray[np.float32] | None = None
        self._chunk_first = 0
        self._wanted: tuple[int, int] | None = None
        self._stamp = 0

    def show(self, waveform: Waveform, overview_channel: int) -> None:
        """Another waveform."""
        self.waveform = waveform
        self.overview_channel = overview_channel
        self.ranges, self.overview = (), None
        self._forget()

        def work(handle: Handle) -> object:
            ranges = []
            for row in waveform.samples:
                low, high = typical_range(row)
                picked = row[:: max(1, len(row) // 200_000)]
                picked = picked[np.isfinite(picked)]
                ranges.append((low, float(np.median(picked)) if len(picked) else 0.0, high))
                if handle.cancelled():
                    return None
            bins = min(OVERVIEW_BINS, waveform.samples.shape[1])
            return tuple(ranges), envelope(waveform.samples[overview_channel], bins)

        def done(found: object) -> None:
            if isinstance(found, tuple) and self.waveform is waveform:
                self.ranges, self.overview = found
                self.changed.emit()

        self._shelf.compute("overview", work, done, self._tell)

    def warm_up(self) -> None:
        """Load the filters before they are asked for: the first time takes a second."""

        def work(_handle: Handle) -> object:
            return filtered(np.zeros(64, np.float32), 500.0, SignalFilter(high_hz=40.0))

        def done(_found: object) -> None:
            """Nothing to show."""

        self._shelf.compute("warm", work, done, self._tell)

    def set_filter(self, chosen: SignalFilter) -> None:
        """Another filter."""
        if chosen != self.filter:
            self.filter = chosen
            self._forget()
            self.changed.emit()

    def _forget(self) -> None:
        self._chunk, self._wanted = None, None
        self._stamp += 1

    @property
    def active(self) -> SignalFilter:
        """The filter as far as this sampling rate carries it."""
        if self.waveform is None:
            return SignalFilter()
        return self.filter.possible(self.waveform.sampling_hz)

    @property
    def waiting(self) -> bool:
        """Whether a part is being filtered."""
        return self._wanted is not None

    def piece(self, channel: int, first: int, last: int) -> NDArray[np.float32] | None:
        """Samples first to last (exclusive, inside the record) as shown; None while filtering."""
        waveform = self.waveform
        if waveform is None:
            return None
        if not self.active.active:
            return waveform.samples[channel, first:last]
        if self._chunk is not None:
            begin = first - self._chunk_first
            if begin >= 0 and last - self._chunk_first <= self._chunk.shape[1]:
                return self._chunk[channel, begin : begin + last - first]
        return None

    def need(self, first: int, last: int) -> None:
        """Make sure that a range (samples) will be there; answers with `changed`."""
        waveform = self.waveform
        if waveform is None or not self.active.active:
            return
        total = waveform.samples.shape[1]
        first, last = max(0, first), min(total, last)
        if self._chunk is not None:
            end = self._chunk_first + self._chunk.shape[1]
            if self._chunk_first <= first and last <= end:
                return
        if self._wanted is not None and self._wanted[0] <= first and last <= self._wanted[1]:
            return
        if waveform.samples.size <= _WHOLE_SAMPLES:
            begin, end = 0, total
        else:
            reach = last - first
            begin, end = max(0, first - reach), min(total, last + reach)
        self._wanted = (begin, end)
        chosen, stamp = self.active, self._stamp
        margin = round(chosen.margin_s() * waveform.sampling_hz)
        low, high = max(0, begin - margin), min(total, end + margin)

        def work(handle: Handle) -> object:
            out = np.empty((len(waveform.samples), end - begin), np.float32)
            for index, values in enumerate(waveform.samples):
                if handle.cancelled():
                    return None
                own = channel_filter(waveform, index, chosen)
                part = filtered(values[low:high], waveform.sampling_hz, own)
                out[index] = part[begin - low : end - low]
            return out

        def done(found: object) -> None:
            if isinstance(found, np.ndarray) and stamp == self._stamp:
                self._chunk, self._chunk_first, self._wanted = found, begin, None
                self.changed.emit()

        self._shelf.compute("filter", work, done, self._filter_failed)

    def _tell(self, sentence: str) -> None:
        if sentence:  # empty: dropped, since something newer was asked for
            self.failed.emit(sentence)

    def _filter_failed(self, sentence: str) -> None:
        if sentence:  # empty: dropped, since a newer part is asked for
            self._wanted = None
            self.failed.emit(sentence)
