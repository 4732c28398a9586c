"""Standardised uptake value by body weight, or a refusal that names what is missing.

The rules are those of QIBA's vendor-neutral pseudo-code and PS3.3 C.8.9.1.1.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

_DAY = timedelta(days=1)
_PHILIPS_SUV, _PHILIPS_ACTIVITY = 0x70531000, 0x70531009
_GE_SCAN_TIME = 0x0009100D


@dataclass(frozen=True)
class Suv:
    """Factor from modality values to SUVbw in g/ml; None with the reason of the refusal."""

    factor: float | None
    reason: str = ""
    decay: float = 1.0


def read_suv(dataset: Any) -> Suv | None:
    """SUV factor of a PET image; None for any other object."""
    if str(dataset.get("Modality", "")) != "PT":
        return None
    try:
        return _suv(dataset)
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        return Suv(None, f"a value of the PET header cannot be read ({type(error).__name__})")


def _suv(dataset: Any) -> Suv:
    stated = dataset.get("CorrectedImage") or ()
    corrections = {str(v).strip() for v in ((stated,) if isinstance(stated, str) else stated)}
    for needed in ("ATTN", "DECY"):
        if needed not in corrections:
            return Suv(None, f"Corrected Image does not name {needed}")
    units = str(dataset.get("Units", "") or "").strip()
    if units == "GML":
        return Suv(1.0)
    scale = 1.0
    if units == "CNTS":
        philips = _private(dataset, _PHILIPS_SUV)
        if philips:
            return Suv(philips)
        activity = _private(dataset, _PHILIPS_ACTIVITY)
        if not activity:
            return Suv(None, "Units are counts and no Philips factor is stored")
        scale = activity
    elif units != "BQML":
        return Suv(None, f"Units {units or '(none)'} are not Bq/ml, g/ml or counts")
    weight = float(dataset.get("PatientWeight") or 0)
    if weight <= 0:
        return Suv(None, "Patient's Weight is missing")
    items = dataset.get("RadiopharmaceuticalInformationSequence") or ()
    if not items:
        return Suv(None, "Radiopharmaceutical Information is missing")
    dose = float(items[0].get("RadionuclideTotalDose") or 0)
    half_life = float(items[0].get("RadionuclideHalfLife") or 0)
    if dose <= 0:
        return Suv(None, "Radionuclide Total Dose is missing")
    if half_life <= 0:
        return Suv(None, "Radionuclide Half Life is missing")
    decay = 1.0
    correction = str(dataset.get("DecayCorrection", "") or "").strip()
    if correction == "START":
        seconds = _seconds_since_injection(dataset, items[0])
        if isinstance(seconds, str):
            return Suv(None, seconds)
        decay = 2.0 ** (-seconds / half_life)
    elif correction != "ADMIN":
        return Suv(None, f"Decay Correction {correction or '(none)'} is neither START nor ADMIN")
    return Suv(scale * weight * 1000.0 / (dose * decay), "", decay)


def _seconds_since_injection(dataset: Any, item: Any) -> float | str:
    scan = _scan_time(dataset)
    if scan is None:
        return "the time of the scan cannot be told"
    moment = str(item.get("RadiopharmaceuticalStartDateTime") or "")
    clock = str(item.get("RadiopharmaceuticalStartTime") or "")
    if moment:
        # both clocks run in the local time that an offset merely names
        injected = _moment(moment.split("+")[0].split("-")[0])
    elif clock:
        injected = _moment(scan.strftime("%Y%m%d") + clock)
        if injected is not None and injected > scan:
            injected -= _DAY
    else:
        return "the time of the injection is missing"
    if injected is None:
        return "the time of the injection cannot be read"
    seconds = (scan - injected).total_seconds()
    if seconds < 0 or seconds > 2 * _DAY.total_seconds():
        return "the injection is not within two days before the scan"
    return seconds


def _scan_time(dataset: Any) -> datetime | None:
    """Series time, unless the series was stamped after the acquisition (then GE's own)."""
    series = _date_and_time(dataset, "Series")
    acquired = _date_and_time(dataset, "Acquisition")
    if series is None:
        return None
    if acquired is None or series <= acquired:
        return series
    private = dataset.get(_GE_SCAN_TIME)
    value = getattr(private, "value", private)
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    return _moment(str(value).strip(" \0")) if value else None


def _date_and_time(dataset: Any, prefix: str) -> datetime | None:
    date, time = dataset.get(f"{prefix}Date"), dataset.get(f"{prefix}Time")
    if not time:
        return None
    date = date or dataset.get("SeriesDate")
    return _moment(f"{date}{time}") if date else None


def _moment(text: str) -> datetime | None:
    whole, _, fraction = text.strip().replace(":", "").partition(".")
    try:
        found = datetime.strptime(whole[:14].ljust(14, "0"), "%Y%m%d%H%M%S")  # noqa: DTZ007
    except ValueError:
        return None
    digits = "".join(c for c in fraction[:6] if c.isdigit())
    return found + timedelta(seconds=float(f"0.{digits}") if digits else 0.0)


def _private(dataset: Any, tag: int) -> float:
    element = dataset.get(tag)
    value = getattr(element, "value", element)
    if isinstance(value, bytes):
        value = value.decode("latin-1").strip(" \0")
    return float(value) if value not in (None, "") else 0.0
