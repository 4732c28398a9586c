"""When the time points of one place were taken, as far as their files say."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from medbench.dicom.dataset import DAMAGE, read_dataset
from medbench.dicom.frame_info import functional_group
from medbench.dicom.guard import read_header
from medbench.domain.image import DisplaySet

Clock = Callable[[Any, int], float | None]
_FORMS = ("%Y%m%d%H%M%S.%f", "%Y%m%d%H%M%S")


def dicom_times_s(
    displays: Sequence[DisplaySet], index: int, cancelled: Callable[[], bool] = lambda: False
) -> tuple[float, ...]:
    """Seconds of slice ``index`` since its first time point; () where the files don't say.

    The first of these clocks that moves on at every time point: Frame Acquisition DateTime or
    Frame Reference DateTime (PS3.3 C.7.6.16.2.2), Acquisition DateTime or Date and Time (C.7.6.1),
    Frame Reference Time (C.8.9.4.1), Trigger Time (C.8.3.1), Temporal Resolution (C.8.3.1).
    """
    found: list[tuple[Any, int]] = []
    kept: dict[Any, Any] = {}
    for display in displays:
        if cancelled() or not display.slices:
            return ()
        ref = display.frames[min(index, display.slices - 1)]
        if ref.path not in kept:
            kept.clear()  # data sets of multi-frame objects are long
            read_header(ref.path)  # the guard
            kept[ref.path] = read_dataset(ref.path)
        found.append((kept[ref.path], ref.frame))
    for clock in (_frame_clock, _acquisition_clock, _reference_clock, _trigger_clock):
        seconds = [_asked(clock, dataset, frame) for dataset, frame in found]
        known = [s for s in seconds if s is not None]
        moves_on = all(b > a for a, b in pairwise(known))
        if len(known) == len(found) > 1 and moves_on:
            return tuple(s - known[0] for s in known)
    step = _asked(_resolution, *found[0]) if found else None
    return tuple(step * n for n in range(len(found))) if step else ()


def _asked(clock: Clock, dataset: Any, frame: int) -> float | None:
    try:
        return clock(dataset, frame)
    except DAMAGE:
        return None  # a damaged time is no time


def _frame_clock(dataset: Any, frame: int) -> float | None:
    content = functional_group(dataset, frame, "FrameContentSequence")
    if content is None:
        return None
    for name in ("FrameAcquisitionDateTime", "FrameReferenceDateTime"):
        if value := str(content.get(name) or ""):
            return _seconds(value)
    return None


def _acquisition_clock(dataset: Any, _frame: int) -> float | None:
    if value := str(dataset.get("AcquisitionDateTime") or ""):
        return _seconds(value)
    date = str(dataset.get("AcquisitionDate") or dataset.get("StudyDate") or "19000101")
    time = str(dataset.get("AcquisitionTime") or "")
    return _seconds(date + time) if time else None


def _seconds(text: str) -> float | None:
    """Seconds of a DT value; an offset from UTC is the same for a whole series and left out."""
    plain = text.split("+")[0].split("-")[0].strip()
    for form in _FORMS:
        try:
            return datetime.strptime(plain, form).replace(tzinfo=UTC).timestamp()
        except ValueError:
            continue
    return None


def _reference_clock(dataset: Any, _frame: int) -> float | None:
    return _ms(dataset, "FrameReferenceTime")


def _trigger_clock(dataset: Any, _frame: int) -> float | None:
    return _ms(dataset, "TriggerTime")


def _resolution(dataset: Any, _frame: int) -> float | None:
    return _ms(dataset, "TemporalResolution")


def _ms(dataset: Any, keyword: str) -> float | None:
    value = dataset.get(keyword)
    return None if value in (None, "") else float(value) / 1000
