"""P onset, QRS onset, J point and T end on a median beat, by stated rules.

* **QRS onset, J point**: in each lead, outward from the QRS complex, the first sample where the
  slope stays below a share of its steepest slope for 12 ms: 5 % before, 10 % after (the shares of
  Martinez et al., IEEE Trans Biomed Eng 2004; 51: 570-581, rounded). Slopes are Savitzky-Golay
  lines of 7 ms, or of the shortest of 11, 17, 25 ms with which half of the leads are quiet enough:
  three times the RMS slope of their quietest 60 ms stays below 10 % of the steepest. Leads that are
  not are left out; if too few remain, there is no number. A longer line sees the complex earlier
  and later by 0.3 of what it is longer; that is taken off. The leads agree by the rule of Laguna
  et al. (Comput Biomed Res 1994; 27: 45-60), also used by Martinez: the earliest onset (latest
  end) that three other leads confirm within 6 ms (10 ms) counts, so that neither an isoelectric
  part of one lead shortens the complex nor the noise of one lead lengthens it. With fewer than
  seven leads half of the others confirm.
* **T end**: in each lead with a T wave of 50 microvolt or more, from the steepest slope after its
  peak a chord to the point 160 ms later; T ends where the trace lies farthest from the chord (the
  corner; a drift of the base line moves both alike). The median of the leads counts, if half of
  them lie within 40 ms of it. Tangents end T about 10 ms earlier (Vink et al., Circulation
  2018; 138: 2345-2358).
* **P onset**: the same corner before the peak of P, chord from 140 ms before it; the earliest
  that three other leads confirm within 6 ms. There is a P wave only if it stands 30 microvolt and
  four times the noise of the median above the line beside it, and if it goes with the beats
  (correlation of the single beats with the median before the QRS complex at least 0.3).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medbench.domain.ecg_marks import Fiducials
from medbench.imaging.ecg_median import MedianBeat

ON_SHARE, END_SHARE = 0.05, 0.10
SLOPE_S = (0.007, 0.011, 0.017, 0.025)
QUIET_S = 0.012
ON_AGREE_S, END_AGREE_S = 0.006, 0.010
T_CHORD_S, P_CHORD_S = 0.160, 0.140
T_AGREE_S = 0.040
P_LEAST_MV, T_LEAST_MV = 0.03, 0.05
P_AGREEMENT = 0.3
_LEAST_QRS_MV = 0.1


@dataclass(frozen=True)
class BeatPoints:
    """The points, and why some are missing (by field name of `Fiducials`)."""

    points: Fiducials
    reasons: dict[str, str]
    """Codes: 'no_qrs', 'noisy', 'no_p', 'p_hidden', 'no_t', 't_hidden', 't_unclear'."""


def beat_points(beat: MedianBeat) -> BeatPoints:
    """Find the four points; seconds after the R peak."""
    from scipy import ndimage

    leads = beat.values[np.isfinite(beat.values).all(axis=1)]
    found, why = _qrs(leads, beat)
    if found is None:
        names = ("p_on_s", "qrs_on_s", "j_s", "t_end_s")
        return BeatPoints(Fiducials(), dict.fromkeys(names, why))
    onset, end = found
    rate = beat.sampling_hz
    quiet = leads[:, max(0, onset - round(0.016 * rate)) : onset + 1]
    level = np.median(quiet, axis=1)
    smooth = ndimage.uniform_filter1d(leads, max(1, round(0.015 * rate)), axis=1)
    reasons: dict[str, str] = {}
    p_on, why = _p_onset(smooth, onset, beat)
    if p_on is None:
        reasons["p_on_s"] = why
    next_wave = beat.rr_s - ((onset - p_on) / rate if p_on is not None else 0.06)
    t_end, why = _t_end(smooth - level[:, None], onset, end, next_wave, beat)
    if t_end is None:
        reasons["t_end_s"] = why

    def second(index: float | None) -> float | None:
        return None if index is None else float((index - beat.r_index) / rate)

    points = Fiducials(second(p_on), second(onset), second(end), second(t_end))
    return BeatPoints(points, reasons)


def _slope(leads: NDArray[np.float64], rate: float, window_s: float) -> NDArray[np.float64]:
    """Slope of each lead in mV/s."""
    from scipy import signal

    width = max(3, round(window_s * rate) | 1)
    return np.asarray(
        signal.savgol_filter(leads, width, 1, deriv=1, delta=1.0 / rate, axis=1, mode="nearest")
    )


def agreed(places: Sequence[float], within: float, *, earliest: bool) -> float | None:
    """The earliest (latest) place that three others (fewer, of few leads) confirm."""
    if not places:
        return None
    ordered = sorted(places, reverse=not earliest)
    needed = min(3, (len(ordered) - 1) // 2)
    for place in ordered:
        if sum(abs(other - place) <= within for other in ordered) - 1 >= needed:
            return place
    return float(np.median(ordered))


def _quiet_from(
    size: NDArray[np.float64], start: int, step: int, limit: float, run: int
) -> int | None:
    """First index from ``start`` where ``run`` samples in a row lie below the limit."""
    part = size[start::step] if step > 0 else size[start::-1]
    below = np.convolve(part < limit, np.ones(run), "valid") >= run
    hit = np.flatnonzero(below)
    return start + step * int(hit[0]) if len(hit) else None


def _quietest(size: NDArray[np.float64], run: int) -> float:
    """RMS of the quietest ``run`` samples."""
    power = np.convolve(size**2, np.full(run, 1.0 / run), "valid")
    return float(np.sqrt(max(0.0, power.min()))) if len(power) else float("inf")


def _qrs(leads: NDArray[np.float64], beat: MedianBeat) -> tuple[tuple[int, int] | None, str]:
    """QRS onset and J point, samples; or why there are none."""
    rate, middle = beat.sampling_hz, beat.r_index
    reach = round(0.13 * rate)
    low, high = max(0, middle - reach), min(leads.shape[1], middle + reach)
    tall = leads[np.ptp(leads[:, low:high], axis=1) >= _LEAST_QRS_MV]
    if not len(tall):
        return None, "no_qrs"
    for window_s in SLOPE_S:
        size = np.abs(_slope(tall, rate, window_s))
        steepest = size[:, low:high].max(axis=1)
        noise = np.asarray([3.0 * _quietest(row, round(0.06 * rate)) for row in size])
        clear = noise <= END_SHARE * steepest
        if clear.sum() >= 0.5 * len(tall):
            early = 0.3 * (window_s - SLOPE_S[0]) * rate
            found = _outward(size[clear], steepest[clear], noise[clear], (low, high), rate)
            return (None, "no_qrs") if found is None else (
                (round(found[0] + early), round(found[1] - early)), ""
            )  # fmt: skip
    return None, "noisy"


def _outward(
    size: NDArray[np.float64], steepest: NDArray[np.float64], noise: NDArray[np.float64],
    around: tuple[int, int], rate: float,
) -> tuple[float, float] | None:  # fmt: skip
    """First quiet samples on both sides, agreed between the leads."""
    run = max(2, round(QUIET_S * rate))
    low, high = around
    onsets, ends = [], []
    for rise, most, least in zip(size, steepest, noise, strict=True):
        strong = np.flatnonzero(rise[low:high] > 0.25 * most) + low
        onset = _quiet_from(rise, int(strong[0]), -1, max(ON_SHARE * most, least), run)
        end = _quiet_from(rise, int(strong[-1]), 1, max(END_SHARE * most, least), run)
        if onset is not None:
            onsets.append(float(onset))
        if end is not None:
            ends.append(float(end))
    first = agreed(onsets, ON_AGREE_S * rate, earliest=True)
    last = agreed(ends, END_AGREE_S * rate, earliest=False)
    return None if first is None or last is None else (first, last)


def _corner(values: NDArray[np.float64], first: int, last: int, side: float) -> int:
    """Where a trace lies farthest from the chord between two samples; ``side`` +1 below it."""
    steps = np.arange(last - first + 1)
    chord = values[first] + (values[last] - values[first]) * steps / max(1, last - first)
    return first + int(np.argmax(side * (chord - values[first : last + 1])))


def _p_onset(leads: NDArray[np.float64], onset: int, beat: MedianBeat) -> tuple[float | None, str]:
    """``leads`` are smoothed."""
    rate = beat.sampling_hz
    low = max(0, onset - round(0.32 * rate))
    noise = beat.noise_mv / np.sqrt(beat.beats)
    if beat.atrial_agreement < P_AGREEMENT or onset - low < 0.1 * rate:
        return None, "no_p"
    part = leads[:, low:onset]
    line = np.linspace(0.0, 1.0, part.shape[1])
    bump = part - (part[:, :1] * (1 - line) + part[:, -1:] * line)
    peak = int(np.argmax((bump**2).sum(axis=0)))
    near = np.s_[max(0, peak - round(0.04 * rate)) : peak + round(0.04 * rate)]
    places = []
    tall = False
    for values, lead_bump in zip(leads, bump, strict=True):
        own = near.start + int(np.argmax(np.abs(lead_bump[near])))
        if abs(lead_bump[own]) < max(P_LEAST_MV, 4.0 * noise):
            continue
        tall = True
        first = low + own - round(P_CHORD_S * rate)
        if first >= 0:
            found = _corner(values, first, low + own, float(np.sign(lead_bump[own])))
            if found > first + 2:
                places.append(float(found))
    if not tall or peak + low > onset - round(0.02 * rate):
        return None, "no_p"
    place = agreed(places, ON_AGREE_S * rate, earliest=True)
    return place, "" if place is not None else "p_hidden"


def _t_end(
    leads: NDArray[np.float64], onset: int, end: int, next_s: float, beat: MedianBeat
) -> tuple[float | None, str]:
    """``leads`` are smoothed and above the level before the QRS complex."""
    rate = beat.sampling_hz
    low = end + round(0.05 * rate)
    high = min(leads.shape[1] - 1, onset + round(next_s * rate))
    if high - low < 0.1 * rate:
        return None, "t_hidden"
    noise = beat.noise_mv / np.sqrt(beat.beats)
    places = []
    hidden = False
    for values, rise in zip(leads, _slope(leads, rate, 0.031), strict=True):
        peak = low + int(np.argmax(np.abs(values[low:high])))
        height = float(values[peak])
        if abs(height) < max(T_LEAST_MV, 4.0 * noise) or peak <= low + 2:
            continue
        side = float(np.sign(height))
        stop = min(high, peak + round(0.16 * rate))
        if stop - peak < 3:
            hidden = True
            continue
        steepest = peak + int(np.argmax(-side * rise[peak:stop]))
        last = min(high, steepest + round(T_CHORD_S * rate))
        if last - steepest < 0.5 * T_CHORD_S * rate:
            hidden = True
            continue
        places.append(float(_corner(values, steepest, last, side)))
    if not places:
        return None, "t_hidden" if hidden else "no_t"
    middle = float(np.median(places))
    near = sum(abs(place - middle) <= T_AGREE_S * rate for place in places)
    return (middle, "") if near >= 0.5 * len(places) else (None, "t_unclear")
