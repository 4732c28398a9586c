"""Rate, intervals, axis and signal quality of an ECG: what the page, the panel and the CLI show.

QTc: Fridericia (Acta Med Scand 1920; 53: 469-486) QT / RR^(1/3), Bazett (Heart 1920; 7: 353-370)
QT / RR^(1/2), RR in seconds. Usual ranges: rate 60 to 100, PR 120 to 200, QRS below 120, axis -30
to 90 degrees, QTc below 460 ms in women and below 450 ms in men (Rautaharju et al., AHA/ACC/HRS
2009); the lower of the two where the sex is not known.

Axis: net areas A of the QRS complex over the level at its onset in I and aVF,
atan2(2 aVF / sqrt(3), I): a Goldberger lead sees sqrt(3)/2 of what a bipolar lead would see in
its direction (Burger triangle left aside).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medbench.domain.ecg_marks import EcgValue, Fiducials
from medbench.domain.objects import Waveform
from medbench.imaging.ecg_beats import (
    Beats,
    beats_between,
    ecg_channels,
    joined,
    pieces,
    usable,
)
from medbench.imaging.ecg_median import MedianBeat, median_beat
from medbench.imaging.ecg_points import beat_points

RATE_RANGE, PR_RANGE, QRS_BELOW, AXIS_RANGE = (60.0, 100.0), (120.0, 200.0), 120.0, (-30.0, 90.0)
QTC_BELOW = {"F": 460.0, "M": 450.0}
IRREGULAR = 0.10
"""Median step from RR to RR, as a share of the median RR, above which a rhythm is irregular."""
NOISY_SHARE, NOISY_MV = 0.20, 0.08
_SURE_BEATS = 5
_AXIS_SHARE = 0.10
"""Net areas smaller than this share of the whole areas point nowhere."""


@dataclass(frozen=True)
class LeadState:
    """Whether a lead can be read."""

    name: str
    state: str
    """'ok', 'flat' (1st and 99th percentile within 20 microvolt, or mostly not recorded) or
    'noisy' (what single beats leave around the median beat is above 80 microvolt, or above 20 %
    of its QRS complex and 30 microvolt)."""


@dataclass(frozen=True, eq=False)
class EcgAnalysis:
    """What was found in one multiplex group."""

    channels: tuple[int, ...]
    """Channels that were used."""
    names: tuple[str, ...]
    beats: Beats
    median: MedianBeat | None
    points: Fiducials
    reasons: dict[str, str]
    """Why points are missing, see `beat_points`."""
    leads: tuple[LeadState, ...]
    irregular: bool
    sex: str

    @property
    def quality(self) -> str:
        """'ok', 'lead' (some lead is flat or noisy), 'no_beats' or 'no_lead'.

        'no_beats': fewer than two, or many that do not resemble each other, which is noise.
        """
        if not any(lead.state != "flat" for lead in self.leads):
            return "no_lead"
        found = len(self.beats.samples)
        if found < 2 or (self.median is None and found >= _SURE_BEATS):
            return "no_beats"
        return "ok" if all(lead.state == "ok" for lead in self.leads) else "lead"


def leads_of(waveform: Waveform) -> tuple[int, ...]:
    """Channels of a group that are used, see `ecg_channels`."""
    return ecg_channels([c.name for c in waveform.channels], [c.unit for c in waveform.channels])


def analyse(waveform: Waveform, cancelled: Callable[[], bool] = lambda: False) -> EcgAnalysis:
    """Beats, median beat and its points, on the signal as recorded (see `ecg_median`)."""
    leads, rate, samples = leads_of(waveform), waveform.sampling_hz, waveform.samples
    parts = [
        beats_between(samples, leads, rate, first, last, cancelled)
        for first, last in pieces(len(leads), samples.shape[1], rate)
    ]
    return finish(waveform, parts, cancelled)


def finish(
    waveform: Waveform, parts: Sequence[NDArray[np.int64]],
    cancelled: Callable[[], bool] = lambda: False,
) -> EcgAnalysis:  # fmt: skip
    """The analysis from the beats of every piece (`beats_between`)."""
    channels = leads_of(waveform)
    samples = waveform.samples[list(channels)]
    beats = joined(parts, waveform.sampling_hz)
    median = None if cancelled() else median_beat(samples, beats, cancelled)
    found = beat_points(median) if median is not None else None
    names = tuple(waveform.channels[index].name for index in channels)
    return EcgAnalysis(
        channels, names, beats, median, found.points if found is not None else Fiducials(),
        found.reasons if found is not None else {}, _states(samples, names, median),
        _irregular(beats), waveform.annotations.get("patient_sex", "")[:1].upper(),
    )  # fmt: skip


def _irregular(beats: Beats) -> bool:
    rr = beats.rr_s
    return len(rr) > 3 and float(np.median(np.abs(np.diff(rr)))) > IRREGULAR * float(np.median(rr))


def _states(
    samples: NDArray[np.floating], names: tuple[str, ...], median: MedianBeat | None
) -> tuple[LeadState, ...]:
    found = []
    for index, (name, good) in enumerate(zip(names, usable(samples), strict=True)):
        state = "ok" if good else "flat"
        if good and median is not None:
            noise = float(median.lead_noise_mv[index])
            tall = float(np.ptp(median.values[index]))
            if noise > NOISY_MV or noise > max(0.03, NOISY_SHARE * tall):
                state = "noisy"
        found.append(LeadState(name, state))
    return tuple(found)


def values_of(found: EcgAnalysis, points: Fiducials | None = None) -> tuple[EcgValue, ...]:
    """The numbers: rate, PR, QRS, QT, QTc twice, axis; ``points`` as a reader moved them."""
    at = found.points if points is None else points
    rr = found.median.rr_s if found.median is not None else None
    if rr is None and found.quality != "no_beats" and len(found.beats.samples) > 1:
        rr = float(np.median(found.beats.rr_s))
    why = dict(found.reasons)
    if why.get("p_on_s") == "no_p" and found.irregular:
        why["p_on_s"] = "no_p_irregular"
    missing = {"no_lead": "no_lead", "no_beats": "no_beats"}.get(found.quality, "no_median")

    def between(first: str, last: str) -> tuple[float | None, str]:
        begin, end = getattr(at, first), getattr(at, last)
        if found.median is None:
            return None, missing
        if begin is None or end is None or end <= begin:
            return None, why.get(first if begin is None else last, "order")
        return 1000.0 * (end - begin), ""

    pr, no_pr = between("p_on_s", "qrs_on_s")
    qrs, no_qrs = between("qrs_on_s", "j_s")
    qt, no_qt = between("qrs_on_s", "t_end_s")
    below = QTC_BELOW.get(found.sex, QTC_BELOW["M"])
    turn, no_turn = (None, missing) if found.median is None else axis_of(found, at)
    fridericia = qt / rr ** (1 / 3) if qt is not None and rr else None
    bazett = qt / rr**0.5 if qt is not None and rr else None
    return (
        EcgValue("rate", 60.0 / rr if rr else None, "/min", *RATE_RANGE, "" if rr else missing),
        EcgValue("pr", pr, "ms", *PR_RANGE, no_pr),
        EcgValue("qrs", qrs, "ms", None, QRS_BELOW, no_qrs),
        EcgValue("qt", qt, "ms", None, None, no_qt),
        EcgValue("qtc_fridericia", fridericia, "ms", None, below, no_qt),
        EcgValue("qtc_bazett", bazett, "ms", None, below, no_qt),
        EcgValue("axis", turn, "°", *AXIS_RANGE, no_turn),
    )


def axis_of(found: EcgAnalysis, points: Fiducials) -> tuple[float | None, str]:
    """Frontal QRS axis in degrees (-180, 180], or why there is none."""
    median = found.median
    if median is None or points.qrs_on_s is None or points.j_s is None:
        return None, found.reasons.get("qrs_on_s", "no_qrs")
    rate = median.sampling_hz
    first = max(0, median.r_index + round(points.qrs_on_s * rate))
    last = median.r_index + round(points.j_s * rate) + 1
    part = median.values[:, first:last]
    level = np.median(median.values[:, max(0, first - round(0.016 * rate)) : first + 1], axis=1)
    areas = (part - level[:, None]).sum(axis=1)
    whole = np.abs(part - level[:, None]).sum(axis=1)
    by = {name: (float(a), float(w)) for name, a, w in zip(found.names, areas, whole, strict=True)
          if np.isfinite(a)}  # fmt: skip
    if "I" not in by or not ({"aVF", "II", "III"} & set(by)):
        return None, "no_limb_leads"
    one = by["I"]
    if "aVF" in by:
        down = by["aVF"]
    elif "II" in by:
        down = by["II"][0] - one[0] / 2, by["II"][1]
    else:
        down = by["III"][0] + one[0] / 2, by["III"][1]
    height = 2.0 / np.sqrt(3.0) * down[0]
    if np.hypot(one[0], height) < _AXIS_SHARE * np.hypot(one[1], down[1]):
        return None, "no_direction"
    return float(np.degrees(np.arctan2(height, one[0]))), ""


REASONS = {
    "no_lead": "no ECG lead carries a signal",
    "no_beats": "no beats that resemble each other were found",
    "no_median": "fewer than two beats look alike",
    "no_qrs": "no QRS complex stands out of the median beat",
    "noisy": "the median beat is too noisy to see where QRS begins and ends",
    "no_p": "no P wave goes with the beats",
    "no_p_irregular": "no P wave goes with the beats, and they are irregular",
    "p_hidden": "P begins in the T wave before it",
    "no_t": "no T wave stands out",
    "t_hidden": "T does not end before the next beat",
    "t_unclear": "the leads do not agree where T ends",
    "order": "the points are not in order",
    "no_limb_leads": "lead I and one of II, III, aVF are needed",
    "no_direction": "the QRS complex has no main direction in the limb leads",
}
"""Plain words of the reasons."""
