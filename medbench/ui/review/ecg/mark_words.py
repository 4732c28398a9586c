"""What stands beside the marks and in the panel."""

from PySide6.QtCore import QCoreApplication

from medbench.domain.ecg_marks import EcgMark, EcgMarkKind, EcgValue

translate = QCoreApplication.translate
_LEAST_RISE = 0.005
_LEAST_CYCLE_S = 0.2
_NO_CYCLE = ("PR", "QRS", "QT", "ST")
NAMES = ("RR", "PP", "PR", "QRS", "QT", "ST")
"""What a caliper may be said to measure."""


def signed(value: float, digits: int) -> str:
    """With a true minus."""
    return f"{value:.{digits}f}".replace("-", "−")


def unit_digits(unit: str) -> int:
    """Decimals of an amplitude."""
    return 2 if unit == "mV" else 1


def milliseconds(second: float) -> str:
    """Whole milliseconds, tenths where the samples lie closer than that."""
    shown = 1000 * second
    return f"{shown:.0f}" if abs(shown - round(shown)) < 0.05 else f"{shown:.1f}"


def mark_text(mark: EcgMark) -> str:
    """``QRS 138 ms``, ``727 ms, 83 /min, 0.42 mV``, ``march 600 ms, 100 /min``, a note's text."""
    if mark.kind is EcgMarkKind.NOTE:
        return mark.text
    time, rate = milliseconds(mark.duration_s), mark.per_minute
    rise = signed(mark.rise, unit_digits(mark.unit))
    parts: list[str] = []
    if mark.kind is EcgMarkKind.SLOPE:
        slope = mark.slope_per_s
        if slope is not None:
            parts.append(translate("Ecg", "{0} {1}/s").format(signed(slope, 1), mark.unit))
        parts.append(translate("Ecg", "{0} {1} in {2} ms").format(rise, mark.unit, time))
        return ", ".join(parts)
    if mark.duration_s > 0:
        parts.append(translate("Ecg", "{0} ms").format(time))
    cycle = mark.duration_s >= _LEAST_CYCLE_S and mark.text not in _NO_CYCLE
    if rate is not None and (cycle or mark.kind is EcgMarkKind.MARCH):
        parts.append(translate("Ecg", "{0} /min").format(f"{rate:.0f}"))
    if mark.kind is EcgMarkKind.CALIPER and abs(mark.rise) >= _LEAST_RISE:
        parts.append(f"{rise} {mark.unit}")
    named = mark.text or (
        translate("Ecg", "March") if mark.kind is EcgMarkKind.MARCH else ""
    )  # fmt: skip
    return f"{named} {', '.join(parts)}".strip()


def kind_word(kind: EcgMarkKind) -> str:
    """A kind of mark, for the undo menu and lists."""
    return {
        EcgMarkKind.CALIPER: translate("Ecg", "Caliper"),
        EcgMarkKind.MARCH: translate("Ecg", "March"),
        EcgMarkKind.SLOPE: translate("Ecg", "Slope"),
        EcgMarkKind.NOTE: translate("Ecg", "Note"),
        EcgMarkKind.BEAT: translate("Ecg", "Median beat"),
    }[kind]


def value_title(name: str) -> str:
    """Short name of a number."""
    return {
        "rate": translate("Ecg", "Rate"), "pr": translate("Ecg", "PR"),
        "qrs": translate("Ecg", "QRS"), "qt": translate("Ecg", "QT"),
        "qtc_fridericia": translate("Ecg", "QTc Frid."),
        "qtc_bazett": translate("Ecg", "QTc Bazett"), "axis": translate("Ecg", "Axis"),
    }[name]  # fmt: skip


def value_text(value: EcgValue) -> str:
    """The number without its unit, or a dash."""
    return "–" if value.value is None else signed(float(round(value.value)) + 0.0, 0)


def range_text(value: EcgValue) -> str:
    """The usual range; '' where there is none."""
    if value.low is not None and value.high is not None:
        low, high = signed(value.low, 0), signed(value.high, 0)
        return translate("Ecg", "{0} to {1}").format(low, high)
    if value.high is not None:
        return translate("Ecg", "under {0}").format(signed(value.high, 0))
    return ""


def reason_text(code: str) -> str:
    """Why a number is a dash."""
    return {
        "": "",
        "no_lead": translate("Ecg", "No ECG lead carries a signal"),
        "no_beats": translate("Ecg", "No beats that resemble each other were found"),
        "no_median": translate("Ecg", "Fewer than two beats look alike"),
        "no_qrs": translate("Ecg", "No QRS complex stands out of the median beat"),
        "noisy": translate("Ecg", "Too noisy to see where QRS begins and ends"),
        "no_p": translate("Ecg", "No P wave goes with the beats"),
        "no_p_irregular": translate("Ecg", "No P wave goes with the beats, and they are irregular"),
        "p_hidden": translate("Ecg", "P begins in the T wave before it"),
        "no_t": translate("Ecg", "No T wave stands out"),
        "t_hidden": translate("Ecg", "T does not end before the next beat"),
        "t_unclear": translate("Ecg", "The leads do not agree where T ends"),
        "order": translate("Ecg", "The points are not in order"),
        "no_limb_leads": translate("Ecg", "Lead I and one of II, III, aVF are needed"),
        "no_direction": translate("Ecg", "QRS has no main direction in the limb leads"),
    }.get(code, code)


def point_name(name: str) -> str:
    """A point of the beat."""
    return {
        "p_on_s": translate("Ecg", "P on"), "qrs_on_s": translate("Ecg", "QRS on"),
        "j_s": translate("Ecg", "J"), "t_end_s": translate("Ecg", "T end"),
    }[name]  # fmt: skip
