"""The median beat of a record: beats of the usual form, aligned, the median at each sample.

Signals pass a zero-phase high-pass of 0.5 Hz and a low-pass of 150 Hz (Kligfield et al., AHA/
ACC/HRS 2007: zero-phase filters may cut at 0.67 Hz without moving the ST segment; 150 Hz for
adults), and a notch at 50 or 60 Hz where the record holds mains hum (above 3 microvolt and three
times what lies 2 to 5 Hz beside it), and nothing else, whatever the reader shows. A beat is used
when it looks like the others (correlation of the QRS complexes of all leads at least 0.9) and does
not come early (RR before it at least 80 % of the median), and when its window lies inside the
record.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from medbench.imaging.ecg_beats import Beats, bridged, usable
from medbench.imaging.signals import SignalFilter, filtered

MEDIAN_FILTER = SignalFilter(low_hz=0.5, high_hz=150.0)
FINE_HZ = 1000.0
"""The median beat is interpolated to at least this rate, so that one sample is 1 ms or less."""
MOST_BEATS = 300
"""Of longer records, so many evenly spread beats are used."""
ALIKE = 0.9
EARLY = 0.8
_QRS_S = (0.09, 0.12)
_ALIGN_S = 0.02
_LEAST_BEATS = 2
_HUM_MV = 0.003
_WHOLE = 1_000_000
"""Samples up to which a lead is filtered as a whole."""


@dataclass(frozen=True, eq=False)
class MedianBeat:
    """One beat in all leads."""

    values: NDArray[np.float64]
    """(leads, n) in mV; leads that are not usable are NaN."""
    sampling_hz: float
    r_index: int
    """Sample of the R peak."""
    beats: int
    """How many beats it is the median of."""
    found: int
    """How many beats the record has."""
    rr_s: float
    """Median RR."""
    atrial_agreement: float
    """Median correlation of the single beats with the median before the QRS complex; near 0
    where no P wave goes with the beats."""
    lead_noise_mv: NDArray[np.float64]
    """(leads,) what the single beats leave around the median (robust SD); NaN if not usable."""

    @property
    def noise_mv(self) -> float:
        """The median of the usable leads' noise."""
        return float(np.nanmedian(self.lead_noise_mv))

    @property
    def seconds(self) -> NDArray[np.float64]:
        """Time of each sample after the R peak."""
        return (np.arange(self.values.shape[1]) - self.r_index) / self.sampling_hz


def median_beat(
    samples: NDArray[np.floating], beats: Beats, cancelled: Callable[[], bool] = lambda: False
) -> MedianBeat | None:
    """The median beat; ``samples`` (leads, n) in mV. None with fewer than two alike beats."""
    rr = beats.rr_s
    if len(rr) < 1:
        return None
    rate, usual = beats.sampling_hz, float(np.median(rr))
    before = round(min(0.42, 0.5 * usual) * rate)
    after = round(min(0.80, 0.85 * usual) * rate)
    inside = (beats.samples >= before + round(_ALIGN_S * rate) + 1) & (
        beats.samples + after + round(_ALIGN_S * rate) + 1 < samples.shape[1]
    )
    early = np.concatenate([[False], rr < EARLY * usual])
    calm = ~early & ~np.concatenate([early[1:], [False]])
    picked = np.flatnonzero(inside & calm)
    if len(picked) < max(_LEAST_BEATS, 0.3 * inside.sum()):
        picked = np.flatnonzero(inside)  # an irregular rhythm: none is early
    if len(picked) < _LEAST_BEATS:
        return None
    picked = picked[np.unique(np.linspace(0, len(picked) - 1, MOST_BEATS).astype(int))]
    good = usable(samples)
    around = round(_ALIGN_S * rate)
    cut = _cut(samples, good, beats.samples[picked], before + around, after + around, rate,
               cancelled)  # fmt: skip
    if cut is None:
        return None
    place = before + around
    aligned, alike = _aligned(cut, place, around, rate)
    if alike.sum() < max(_LEAST_BEATS, 0.3 * len(alike)):
        return None
    return _finished(aligned[alike], good, before, rate, usual, len(beats.samples))


def mains_hz(samples: NDArray[np.floating], sampling_hz: float) -> float | None:
    """50 or 60 where mains hum is in the record; from its first 20 s, median of the leads."""
    total = min(samples.shape[1], round(20 * sampling_hz))
    time_s = np.arange(total) / sampling_hz
    window = np.hanning(total)
    part = np.stack([bridged(row[:total]) for row in samples])
    part = (part - part.mean(axis=1, keepdims=True)) * window

    def amplitude(hertz: float) -> float:
        wave = np.exp(-2j * np.pi * hertz * time_s)
        return float(np.median(np.abs(part @ wave)) * 2 / max(1e-9, window.sum()))

    for hertz in (50.0, 60.0):
        if hertz < 0.45 * sampling_hz and total > sampling_hz:
            beside = [amplitude(hertz + step) for step in (-5, -4, -3, -2, 2, 3, 4, 5)]
            if amplitude(hertz) > max(_HUM_MV, 3.0 * float(np.median(beside))):
                return hertz
    return None


def _cut(
    samples: NDArray[np.floating], good: NDArray[np.bool_], places: NDArray[np.int64],
    before: int, after: int, rate: float, cancelled: Callable[[], bool],
) -> NDArray[np.float64] | None:  # fmt: skip
    """(beats, usable leads, n): windows of the filtered leads, one lead in memory at a time."""
    rows = places[:, None] + np.arange(-before, after)[None]
    chosen = replace(MEDIAN_FILTER, notch_hz=mains_hz(samples[good][:, : round(20 * rate)], rate))
    parts = []
    for row in samples[good]:
        if cancelled():
            return None
        parts.append(_windows(row, rows, rate, chosen))
    return np.stack(parts, axis=1).astype(np.float64) if parts else None


def _windows(
    row: NDArray[np.floating], rows: NDArray[np.int64], rate: float, chosen: SignalFilter
) -> NDArray[np.float32]:
    """(beats, n) of one filtered lead; of long records only what lies around the beats."""
    if len(row) <= _WHOLE:
        return filtered(bridged(row), rate, chosen)[rows]
    margin = round(chosen.margin_s() * rate)
    found = np.empty(rows.shape, np.float32)
    for index, wanted in enumerate(rows):
        low, high = max(0, int(wanted[0]) - margin), min(len(row), int(wanted[-1]) + margin + 1)
        found[index] = filtered(bridged(row[low:high]), rate, chosen)[wanted - low]
    return found


def _aligned(
    cut: NDArray[np.float64], place: int, around: int, rate: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Beats shifted onto their median by correlation of the QRS complexes; which are alike."""
    low, high = place - round(_QRS_S[0] * rate), place + round(_QRS_S[1] * rate)
    low, high = max(around, low), min(cut.shape[2] - around, high)
    shifts = np.zeros(len(cut), int)
    alike = np.ones(len(cut), bool)
    inner = cut.shape[2] - 2 * around
    for _ in range(3):
        moved = np.stack([cut[i, :, low + s : high + s] for i, s in enumerate(shifts)])
        template = _unit(np.median(moved[alike], axis=0))
        best = np.full(len(cut), -2.0)
        for step in range(-around, around + 1):
            score = _correlations(cut[:, :, low + step : high + step], template)
            better = score > best
            best[better], shifts[better] = score[better], step
        alike = best >= ALIKE
        if alike.sum() < max(_LEAST_BEATS, 0.3 * len(cut)):  # no usual form: the nearest third
            alike = best >= max(0.6, float(np.quantile(best, 2 / 3)))
            if alike.sum() < _LEAST_BEATS:
                break
    moved = np.stack([cut[i, :, around + s : around + s + inner] for i, s in enumerate(shifts)])
    return moved, alike


def _unit(beat: NDArray[np.float64]) -> NDArray[np.float64]:
    centred = beat - beat.mean(axis=-1, keepdims=True)
    return np.asarray(centred / max(1e-12, float(np.sqrt((centred**2).sum()))))


def _correlations(parts: NDArray[np.float64], template: NDArray[np.float64]) -> NDArray[np.float64]:
    """Correlation of each beat's leads, laid end to end, with a template of unit length."""
    centred = parts - parts.mean(axis=-1, keepdims=True)
    size = np.sqrt((centred**2).sum(axis=(1, 2)))
    return np.asarray((centred * template).sum(axis=(1, 2)) / np.maximum(size, 1e-12))


def _finished(
    beats: NDArray[np.float64], good: NDArray[np.bool_], r_index: int, rate: float, rr_s: float,
    found: int,
) -> MedianBeat:  # fmt: skip
    from scipy import interpolate

    middle = np.median(beats, axis=0)
    noise = np.full(len(good), np.nan)
    noise[good] = 1.4826 * np.median(np.abs(beats - middle), axis=(0, 2))
    window = np.s_[max(0, r_index - round(0.30 * rate)) : max(2, r_index - round(0.06 * rate))]
    atrial = float(np.median(_correlations(_flat(beats[..., window], rate),
                                           _unit(_flat(middle[:, window], rate)))))  # fmt: skip
    factor = max(1, round(FINE_HZ / rate))
    old = np.arange(middle.shape[1])
    new = np.arange((len(old) - 1) * factor + 1) / factor
    fine = interpolate.CubicSpline(old, middle, axis=1)(new) if factor > 1 else middle
    values = np.full((len(good), fine.shape[1]), np.nan)
    values[good] = fine
    return MedianBeat(values, rate * factor, r_index * factor, len(beats), found, rr_s, atrial,
                      noise)  # fmt: skip


def _flat(parts: NDArray[np.float64], rate: float) -> NDArray[np.float64]:
    """Without the straight line through each lead's window, smoothed over 20 ms."""
    from scipy import ndimage, signal

    smooth = ndimage.uniform_filter1d(parts, max(1, round(0.02 * rate)), axis=-1)
    return np.asarray(signal.detrend(smooth, axis=-1))
