"""Seconds of each frame and the order of playing, as a file asks for it (PS3.3 C.7.6.5).

Which attribute counts, first to last: the Frame Time Vector, since it tells frames apart; the
Recommended Display Frame Rate, since it speaks of displaying; Frame Time; the times of frames in
enhanced objects (C.7.6.16.2.2); Cine Rate; Actual Frame Duration, also of phases and of gated data
in nuclear medicine (C.8.4.6, C.8.4.11).
"""

import datetime
import math
from itertools import pairwise
from typing import Any

from medbench.dicom.dataset import DAMAGE, read_dataset
from medbench.domain.cine import CineOrder, CineSource, CineTiming
from medbench.domain.image import DisplaySet

_LONGEST_S = 3600.0


def read_cine(display: DisplaySet) -> CineTiming:
    """Timing of a display's frames; nothing is known of files that cannot be read."""
    if display.source != "dicom" or not display.frames:
        return CineTiming()
    try:
        dataset = read_dataset(display.frames[0].path)
        return cine_timing(dataset, [ref.frame for ref in display.frames])
    except DAMAGE:
        return CineTiming()


def cine_timing(dataset: Any, frames: list[int]) -> CineTiming:
    """Timing of ``frames`` (0-based numbers inside the file, in the order they are shown)."""
    total = max(1, int(_number(dataset, "NumberOfFrames") or 1))
    seconds, source = _durations(dataset, total)
    if seconds and max(frames) < len(seconds):
        durations = tuple(seconds[frame] for frame in frames)
    elif seconds:  # single-frame files: one number for all of them
        durations = (seconds[0],) * len(frames)
    else:
        durations = ()
    order = CineOrder.BOUNCE if _number(dataset, "PreferredPlaybackSequencing") == 1 else (
        CineOrder.LOOP)  # fmt: skip
    first, last = _trim(dataset, len(frames)) if len(frames) == total else (0, None)
    return CineTiming(durations, source, order, first, last)


def _durations(dataset: Any, total: int) -> tuple[list[float], CineSource]:
    # each value is the time since the frame before: the first says nothing (0018,1065)
    vector = _values(dataset, "FrameTimeVector")
    steps = [_milliseconds(value) for value in vector[1:]]
    known = [step for step in steps if step is not None]
    if len(vector) == total and total > 1 and len(known) == len(steps):
        return [*known, known[-1]], CineSource.VECTOR
    if (rate := _positive(dataset, "RecommendedDisplayFrameRate")) is not None:
        return [1 / rate] * total, CineSource.RECOMMENDED
    if (time := _milliseconds(_number(dataset, "FrameTime"))) is not None:
        return [time] * total, CineSource.FRAME_TIME
    if moments := _moments(dataset, total):
        return moments, CineSource.MOMENTS
    if (rate := _positive(dataset, "CineRate")) is not None:
        return [1 / rate] * total, CineSource.CINE_RATE
    if seconds := _phases(dataset, total):
        return seconds, CineSource.DURATION
    if (time := _milliseconds(_number(dataset, "ActualFrameDuration"))) is not None:
        return [time] * total, CineSource.DURATION
    if (time := _gated(dataset)) is not None:
        return [time] * total, CineSource.FRAME_TIME
    return [], CineSource.NONE


def _trim(dataset: Any, count: int) -> tuple[int, int | None]:
    """Start and Stop Trim (0008,2142), (0008,2143): numbers from 1."""
    first, last = _number(dataset, "StartTrim"), _number(dataset, "StopTrim")
    begin = int(first) - 1 if first is not None and 1 <= first <= count else 0
    end = int(last) - 1 if last is not None and begin < last <= count else None
    return begin, end


def _moments(dataset: Any, total: int) -> list[float]:
    """Differences of the frames' own times, where they rise from frame to frame."""
    groups = dataset.get("PerFrameFunctionalGroupsSequence") or []
    if total < 2 or len(groups) < total:
        return []
    times = []
    for group in groups[:total]:
        content = (group.get("FrameContentSequence") or [{}])[0]
        text = content.get("FrameReferenceDateTime") or content.get("FrameAcquisitionDateTime")
        moment = _moment(str(text or ""))
        if moment is None:
            return []
        times.append(moment)
    steps = [(b - a).total_seconds() for a, b in pairwise(times)]
    if min(steps) <= 0 or max(steps) > _LONGEST_S:
        return []
    return [*steps, steps[-1]]


def _moment(text: str) -> datetime.datetime | None:
    """A DT value (PS3.5 6.2) down to the second; its zone does not matter for differences."""
    digits, _, fraction = text.strip().split("+")[0].split("-")[0].partition(".")
    if len(digits) < 14 or not digits.isdigit():
        return None
    try:
        moment = datetime.datetime.strptime(digits[:14], "%Y%m%d%H%M%S").replace(
            tzinfo=datetime.UTC
        )
    except ValueError:
        return None
    micro = int(fraction[:6].ljust(6, "0")) if fraction[:6].isdigit() else 0
    return moment.replace(microsecond=micro)


def _phases(dataset: Any, total: int) -> list[float]:
    """Dynamic nuclear medicine: each phase has frames of a duration of its own (C.8.4.8)."""
    found: list[float] = []
    for item in dataset.get("PhaseInformationSequence") or []:
        time = _milliseconds(_number(item, "ActualFrameDuration"))
        count = _number(item, "NumberOfFramesInPhase")
        if time is None or count is None or not 0 < count <= total:
            return []
        found += [time] * int(count)
    if not found or total % len(found):
        return []
    return found * (total // len(found))  # the same phases for every detector


def _gated(dataset: Any) -> float | None:
    for gate in dataset.get("GatedInformationSequence") or []:
        for item in gate.get("DataInformationSequence") or []:
            return _milliseconds(_number(item, "FrameTime"))
    return None


def _values(dataset: Any, keyword: str) -> list[float | None]:
    value = dataset.get(keyword)
    if value in (None, ""):
        return []
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        value = [value]
    return [_as_number(v) for v in value]


def _number(dataset: Any, keyword: str) -> float | None:
    values = _values(dataset, keyword)
    return values[0] if values else None


def _as_number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _positive(dataset: Any, keyword: str) -> float | None:
    value = _number(dataset, keyword)
    return value if value is not None and 1 / _LONGEST_S <= value <= 10_000 else None


def _milliseconds(value: float | None) -> float | None:
    """Seconds of a value in milliseconds; None for what is no duration."""
    return value / 1000 if value is not None and 0 < value / 1000 <= _LONGEST_S else None
