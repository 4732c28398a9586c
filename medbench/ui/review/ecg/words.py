"""What is written on the paper's corners and scales."""

from PySide6.QtCore import QCoreApplication

from medbench.domain.objects import Waveform
from medbench.imaging.ecg_intervals import EcgAnalysis
from medbench.imaging.signals import SignalFilter
from medbench.ui.review.ecg.layouts import Strip
from medbench.ui.review.ecg.scale import PaperScale

translate = QCoreApplication.translate


def patient_lines(waveform: Waveform) -> tuple[str, ...]:
    """Name (or id), then id, sex, age, then date and time."""
    texts = waveform.annotations
    name, number = texts.get("patient_name", ""), texts.get("patient_id", "")
    facts = (number if name else "", texts.get("patient_sex", ""), texts.get("patient_age", ""))
    when = " ".join(t for t in (texts.get("study_date", ""), texts.get("study_time", "")) if t)
    lines = (name or number, " · ".join(f for f in facts if f), when)
    simulated = translate("Ecg", "SIMULATED, no patient") if texts.get("simulated") else ""
    return tuple(line for line in (*lines, simulated) if line)


def technical_lines(waveform: Waveform) -> tuple[str, ...]:
    """Where it was recorded, how many leads, how fast, how long, which filters it has already."""
    leads = len(waveform.channels)
    rate, length = f"{waveform.sampling_hz:g}", clock(waveform.duration_s)
    if leads == 1:
        size = translate("Ecg", "1 channel, {0} Hz, {1}").format(rate, length)
    elif all(c.unit == "mV" for c in waveform.channels):
        size = translate("Ecg", "{0} leads, {1} Hz, {2}").format(leads, rate, length)
    else:
        size = translate("Ecg", "{0} channels, {1} Hz, {2}").format(leads, rate, length)
    channel = waveform.channels[0]
    recorded = band(channel.filter_low_hz, channel.filter_high_hz)
    if recorded:
        recorded = translate("Ecg", "recorded with {0}").format(recorded)
    return tuple(t for t in (waveform.annotations.get("institution", ""), size, recorded) if t)


def band(low_hz: float | None, high_hz: float | None) -> str:
    """``0.05 to 40 Hz``, or the side that is there."""
    if low_hz and high_hz:
        return translate("Ecg", "{0} to {1} Hz").format(f"{low_hz:g}", f"{high_hz:g}")
    if low_hz:
        return translate("Ecg", "from {0} Hz").format(f"{low_hz:g}")
    if high_hz:
        return translate("Ecg", "up to {0} Hz").format(f"{high_hz:g}")
    return ""


def filter_line(active: SignalFilter, *, mixed: bool = False) -> str:
    """The filters that are on; ``mixed``: some channels are no ECG and keep their level."""
    parts = [band(active.low_hz, active.high_hz)]
    if active.notch_hz:
        parts.append(translate("Ecg", "{0} Hz notch").format(f"{active.notch_hz:g}"))
    if active.low_hz and mixed:
        parts.append(translate("Ecg", "high-pass on mV only"))
    shown = ", ".join(part for part in parts if part)
    return shown or translate("Ecg", "No filter: as recorded")


def scale_line(
    scale: PaperScale, share: float, *, known: bool, strips: tuple[Strip, ...], together: bool,
    millivolt: bool = True,
) -> str:  # fmt: skip
    """Speed, gain (where there are millivolts), and how large the paper is on this screen."""
    gain = f" {scale.mm_per_mv:g} mm/mV" if millivolt else ""
    parts = [f"{scale.mm_per_s:g} mm/s{gain}"]
    percent = f"{100 * share:.0f}"
    if known:
        parts.append(translate("Ecg", "{0} % of real size").format(percent))
    else:
        parts.append(translate("Ecg", "{0} % at 96 dpi, screen size unknown").format(percent))
    if together and any(s.columns > 1 for s in strips):
        parts.append(translate("Ecg", "all columns begin at the same time"))
    return " · ".join(parts)


def own_scale(per_mm: float, level: float, unit: str) -> str:
    """``2 mmHg/mm, line at 80 mmHg``: gain and zero line of a signal that is not in mV."""
    word = unit_word(unit)
    shown = translate("Ecg", "{0} {1}/mm, line at {2} {1}")
    return shown.format(f"{per_mm:g}", word, f"{level:g}")


def per_ten_mm(value: float, unit: str) -> str:
    """What 10 mm of paper stand for."""
    return f"{value:g} {unit_word(unit)}"


def unit_word(unit: str) -> str:
    """A unit as it is written on the paper."""
    return translate("Ecg", "steps") if unit in ("stored", "") else unit


def clock(seconds: float) -> str:
    """``38.4 s``, ``30:06 min`` or ``23:59:58 h``."""
    if seconds < 120:
        return translate("Ecg", "{0} s").format(f"{seconds:.1f}".rstrip("0").rstrip("."))
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    if minutes < 120:
        return translate("Ecg", "{0} min").format(f"{minutes}:{rest:02d}")
    return translate("Ecg", "{0} h").format(f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}")


def beats_word(found: EcgAnalysis | None, *, busy: bool) -> str:
    """``52 beats``; '' for what is no ECG."""
    if busy:
        return translate("Ecg", "Measuring ...")
    if found is None or not found.channels:
        return ""
    return translate("Ecg", "{0} beats").format(len(found.beats.samples))


def signal_word(found: EcgAnalysis | None, *, busy: bool) -> tuple[str, str]:
    """Whether the signal can be read, and the colour of saying so."""
    if busy or found is None or not found.channels:
        return "", "success"
    poor = [lead for lead in found.leads if lead.state != "ok"]
    if found.quality == "ok":
        return translate("Ecg", "Signal ok"), "success"
    if found.quality == "no_lead":
        return translate("Ecg", "No signal"), "warning"
    if found.quality == "no_beats":
        return translate("Ecg", "No beats"), "warning"
    if len(poor) == 1:
        return lead_states(found), "warning"
    return translate("Ecg", "{0} poor leads").format(len(poor)), "warning"


def lead_states(found: EcgAnalysis | None) -> str:
    """``V3 flat, V5 noisy``; '' where every lead can be read."""
    if found is None:
        return ""
    named = {"flat": translate("Ecg", "{0} flat"), "noisy": translate("Ecg", "{0} noisy")}
    return ", ".join(named[s.state].format(s.name) for s in found.leads if s.state != "ok")
