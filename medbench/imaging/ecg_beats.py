"""Where the heart beats in an ECG: QRS detection over all leads together.

The steps are those of Pan & Tompkins (IEEE Trans Biomed Eng 1985; 32: 230-236): band-pass 5 to
15 Hz, derivative, square, moving integral over 150 ms, two running levels (signal and noise),
refractory time of 200 ms, half slope for what follows within 360 ms (a T wave), search back at
half the threshold after 1.66 RR. Two changes for stored records with several leads: filters run
forwards and backwards (nothing is delayed), and the squared slopes of all leads are added, each
divided by its own typical size and weighted by how far its peaks stand out of the rest, so that
neither a lead that falls off nor one that is all noise costs a beat.
"""

import itertools
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BAND_HZ = (5.0, 15.0)
INTEGRAL_S = 0.150
REFRACTORY_S = 0.200
T_WAVE_S = 0.360
SEARCH_BACK_RR = 1.66
PIECE_VALUES = 4_000_000
MARGIN_S = 5.0
_FLAT_MV = 0.02
"""A lead whose 1st and 99th percentile are closer than this carries no ECG."""
_STANDARD = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
_TWELVE_LEAD = 8
"""I, II and V1 to V6; the other four follow from I and II."""
_LEAST_HZ = 60.0
_NOISE_PEAKS = 3.45
"""98th over 50th percentile of the size of Gaussian noise."""
_LEAST_WEIGHT, _MOST_WEIGHT = 0.05, 10.0


@dataclass(frozen=True)
class Beats:
    """R peaks of a record."""

    samples: NDArray[np.int64]
    """Sample numbers, ascending."""
    sampling_hz: float

    @property
    def seconds(self) -> NDArray[np.float64]:
        """When, from the start of the record."""
        return self.samples / self.sampling_hz

    @property
    def rr_s(self) -> NDArray[np.float64]:
        """Distances of neighbouring beats."""
        return np.diff(self.seconds)


def ecg_channels(names: Sequence[str], units: Sequence[str]) -> tuple[int, ...]:
    """Channels that are ECG leads: of a 12-lead record its standard leads, else all in mV."""
    electrical = [i for i, unit in enumerate(units) if unit == "mV"]
    first: dict[str, int] = {}
    for index in electrical:
        first.setdefault(names[index], index)
    standard = [first[name] for name in _STANDARD if name in first]
    return tuple(standard if len(standard) >= _TWELVE_LEAD else electrical)


def usable(samples: NDArray[np.floating]) -> NDArray[np.bool_]:
    """(leads,): False for leads that are flat or were not recorded; ``samples`` in mV."""
    found = np.zeros(len(samples), bool)
    for index, row in enumerate(samples):
        picked = row[:: max(1, len(row) // 100_000)]
        picked = picked[np.isfinite(picked)]
        if len(picked) > 0.5 * len(row[:: max(1, len(row) // 100_000)]):
            low, high = np.percentile(picked, [1, 99])
            found[index] = high - low >= _FLAT_MV
    return found


def bridged(row: NDArray[np.floating]) -> NDArray[np.float64]:
    """A lead as float64 with straight lines over its gaps."""
    values = np.asarray(row, np.float64).copy()
    gap = ~np.isfinite(values)
    if gap.all():
        values[:] = 0.0
    elif gap.any():
        at = np.flatnonzero(~gap)
        values[gap] = np.interp(np.flatnonzero(gap), at, values[at])
    return values


def find_beats(
    samples: NDArray[np.floating],
    sampling_hz: float,
    cancelled: Callable[[], bool] = lambda: False,
) -> Beats:
    """R peaks; ``samples`` (leads, n) in mV, NaN where nothing was recorded.

    Empty for flat records, for less than a second, and below 60 samples per second (the band of
    the detector ends at 15 Hz; its slopes need twice that with room).
    """
    from scipy import signal

    none = Beats(np.empty(0, np.int64), sampling_hz)
    total = samples.shape[1]
    if sampling_hz < _LEAST_HZ or total < sampling_hz:
        return none
    sections = signal.butter(1, BAND_HZ, "bandpass", fs=sampling_hz, output="sos")
    energy, height = np.zeros(total), np.zeros(total)
    for row in samples[usable(samples)]:
        if cancelled():
            return none
        values = signal.sosfiltfilt(sections, bridged(row))
        usual, size = np.percentile(np.abs(values[:: max(1, total // 200_000)]), [50, 98])
        if usual > 0:
            weight = min(_MOST_WEIGHT, max(_LEAST_WEIGHT, size / usual - _NOISE_PEAKS))
            values /= size
            energy += weight * np.gradient(values) ** 2
            height += weight * values**2
    if not energy.any():
        return none
    width = max(1, round(INTEGRAL_S * sampling_hz))
    summed = np.cumsum(np.concatenate([np.zeros(width), energy]))
    integral = np.roll((summed[width:] - summed[:-width]) / width, -(width // 2))
    integral[-(width // 2) or total :] = 0.0
    peaks, _ = signal.find_peaks(integral, distance=max(1, round(REFRACTORY_S * sampling_hz)))
    chosen = _decide(peaks, integral[peaks], _slopes(peaks, energy, sampling_hz), sampling_hz)
    return Beats(_tops(chosen, height, sampling_hz), sampling_hz)


def pieces(leads: int, total: int, sampling_hz: float) -> tuple[tuple[int, int], ...]:
    """(first, last) of parts that are searched one after the other, about 4 million values each.

    A record of a day is no single piece of work that nobody can stop.
    """
    size = max(round(60 * sampling_hz), PIECE_VALUES // max(1, leads))
    count = max(1, -(-total // size))
    edges = np.linspace(0, total, count + 1).astype(int)
    return tuple((int(a), int(b)) for a, b in itertools.pairwise(edges))


def beats_between(
    samples: NDArray[np.floating], leads: Sequence[int], sampling_hz: float, first: int,
    last: int, cancelled: Callable[[], bool] = lambda: False,
) -> NDArray[np.int64]:  # fmt: skip
    """R peaks (sample numbers of the record) of one piece; 5 s beside it are looked at too.

    ``leads`` are the rows of ``samples`` that are used.
    """
    margin = round(MARGIN_S * sampling_hz)
    low, high = max(0, first - margin), min(samples.shape[1], last + margin)
    part = samples[:, low:high][list(leads)]
    found = find_beats(part, sampling_hz, cancelled).samples + low
    return found[(found >= first) & (found < last)]


def joined(parts: Sequence[NDArray[np.int64]], sampling_hz: float) -> Beats:
    """Beats of all pieces; one that two neighbours both found at their border counts once."""
    found = np.concatenate([*parts, np.empty(0, np.int64)]).astype(np.int64)
    kept = np.ones(len(found), bool)
    kept[1:] = np.diff(found) >= REFRACTORY_S * sampling_hz
    return Beats(found[kept], sampling_hz)


def _slopes(
    peaks: NDArray[np.intp], energy: NDArray[np.float64], sampling_hz: float
) -> NDArray[np.float64]:
    """Steepest slope around each candidate."""
    from scipy import ndimage

    width = max(1, round(INTEGRAL_S * sampling_hz))
    return np.asarray(np.sqrt(ndimage.maximum_filter1d(energy, width)[peaks]))


def _decide(
    peaks: NDArray[np.intp], sizes: NDArray[np.float64], slopes: NDArray[np.float64],
    sampling_hz: float,
) -> list[int]:  # fmt: skip
    """Beats among the candidates, by two running levels."""
    if not len(peaks):
        return []
    learn = peaks < 2 * sampling_hz  # the paper's learning phase
    begin = sizes[learn] if learn.any() else sizes[:1]
    signal_level, noise_level = 0.5 * float(begin.max()), 0.5 * float(begin.mean())
    signal_level = min(signal_level, 2.0 * float(np.percentile(sizes, 90)))
    beats: list[int] = []
    recent: deque[int] = deque(maxlen=8)
    for index, peak in enumerate(peaks):
        threshold = noise_level + 0.25 * (signal_level - noise_level)
        if beats:
            mean_rr = sum(recent) / len(recent) if recent else sampling_hz
            if peak - peaks[beats[-1]] > SEARCH_BACK_RR * mean_rr:
                missed = _missed(peaks, sizes, beats[-1], index, threshold / 2, sampling_hz)
                if missed is not None:
                    signal_level = 0.25 * float(sizes[missed]) + 0.75 * signal_level
                    recent.append(int(peaks[missed] - peaks[beats[-1]]))
                    beats.append(missed)
                    threshold = noise_level + 0.25 * (signal_level - noise_level)
        is_t_wave = (
            bool(beats)
            and peak - peaks[beats[-1]] < T_WAVE_S * sampling_hz
            and slopes[index] < 0.5 * slopes[beats[-1]]
        )
        if sizes[index] > threshold and not is_t_wave:
            if beats:
                recent.append(int(peak - peaks[beats[-1]]))
            beats.append(index)
            signal_level = 0.125 * float(sizes[index]) + 0.875 * signal_level
        else:
            noise_level = 0.125 * float(sizes[index]) + 0.875 * noise_level
    return [int(peaks[index]) for index in beats]


def _missed(
    peaks: NDArray[np.intp], sizes: NDArray[np.float64], last: int, index: int, threshold: float,
    sampling_hz: float,
) -> int | None:  # fmt: skip
    """The largest candidate between two beats that are too far apart."""
    between = [
        i for i in range(last + 1, index)
        if sizes[i] > threshold and peaks[i] - peaks[last] > T_WAVE_S * sampling_hz
    ]  # fmt: skip
    return max(between, key=lambda i: float(sizes[i])) if between else None


def _tops(
    chosen: Sequence[int], height: NDArray[np.float64], sampling_hz: float
) -> NDArray[np.int64]:
    """The largest deflection of all leads together near each beat, once each."""
    reach = max(1, round(0.5 * INTEGRAL_S * sampling_hz))
    found: list[int] = []
    for place in chosen:
        low = max(0, place - reach)
        top = low + int(np.argmax(height[low : place + reach + 1]))
        if not found or top - found[-1] >= REFRACTORY_S * sampling_hz:
            found.append(top)
    return np.asarray(found, np.int64)
