"""Displays of multi-frame instances: volumes by functional groups, cine without (C.7.6.16)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from medbench.dicom import tags
from medbench.dicom.frame_groups import (
    FRAME_KEYS,
    FrameMoment,
    FramePlane,
    FramePlanes,
    dose_planes,
    file_order,
    frame_planes,
)
from medbench.dicom.geometry import near_groups, place_groups, stack_slices
from medbench.dicom.guard import Header
from medbench.domain.image import DisplayKind, DisplaySet, FrameRef

_UNITS = {"echo time": " ms", "b-value": " s/mm2"}
_SAME_DIRECTION = 1e-3
_SAME_SPACING_MM = 1e-4
_UNVALUED = ("orientation", "size")


def shape_of(header: Header) -> tuple[int, int]:
    """Rows and columns; 0 where the file does not say."""
    return header.short(tags.ROWS) or 0, header.short(tags.COLUMNS) or 0


def base_of(header: Header) -> dict[str, Any]:
    """Fields of a display that its first header decides."""
    rows, columns = shape_of(header)
    spacing = header.numbers(tags.PIXEL_SPACING) or header.numbers(tags.IMAGER_PIXEL_SPACING)
    valid = len(spacing) == 2 and min(spacing) > 0
    photometric = header.text(tags.PHOTOMETRIC)
    samples = header.short(tags.SAMPLES_PER_PIXEL) or 1
    return {
        "display_id": "",
        "modality": "",
        "description": "",
        "rows": rows,
        "columns": columns,
        "colour": samples > 1 or photometric == "PALETTE COLOR",
        "photometric": photometric,
        "sop_class_uid": header.text(tags.SOP_CLASS_UID),
        "pixel_spacing_mm": (spacing[0], spacing[1]) if valid else None,
        "body_part": header.text(tags.BODY_PART_EXAMINED),
        "laterality": header.text(tags.IMAGE_LATERALITY) or header.text(tags.LATERALITY),
        "view_position": header.text(tags.VIEW_POSITION),
    }


def joined(*parts: str) -> str:
    """Reasons in one line."""
    return "; ".join(part for part in parts if part)


def concatenated(headers: Iterable[Header]) -> Iterator[tuple[list[Header], tuple[str, ...]]]:
    """Instances that are parts of one object, in their order (C.7.6.16.2.2.4); and what lacks."""
    parts: dict[tuple[Any, ...], list[Header]] = defaultdict(list)
    for header in headers:
        uid = header.text(tags.CONCATENATION_UID)
        parts[(uid, shape_of(header)) if uid else (id(header),)].append(header)
    for members in parts.values():
        members.sort(key=lambda h: h.short(tags.IN_CONCATENATION_NUMBER) or 0)
        total = members[0].short(tags.IN_CONCATENATION_TOTAL) or 0
        short = total > len(members) > 0
        words = f"{total - len(members)} of {total} parts of the concatenation are missing"
        yield members, (words,) if short else ()


class _Frame:
    """One frame of one part, its place and its moment."""

    def __init__(
        self, header: Header, index: int, plane: FramePlane | None, moment: FrameMoment
    ) -> None:
        self.header, self.index, self.plane, self.moment = header, index, plane, moment
        self.place = 0

    @property
    def ref(self) -> FrameRef:
        position = self.plane.position_mm if self.plane is not None else None
        uid = self.header.text(tags.SOP_INSTANCE_UID)
        return FrameRef(self.header.path, self.index, uid, None, position)


def multi_frame(parts: list[Header], warnings: tuple[str, ...] = ()) -> Iterator[DisplaySet]:
    """Displays of one multi-frame object, or of the parts of a concatenation."""
    header = parts[0]
    frames: list[_Frame] = []
    notes = [*header.warnings, *warnings]
    complete = True
    for part in parts:
        count = max(1, int(part.number(tags.NUMBER_OF_FRAMES) or 1))
        found = _planes(part, count)
        if found is None:
            found = FramePlanes([None] * count, [FrameMoment()] * count)
        notes.extend(w for w in found.warnings if w not in notes)
        complete = complete and found.complete
        frames += [
            _Frame(part, i, plane, moment)
            for i, (plane, moment) in enumerate(zip(found.planes, found.moments, strict=True))
        ]
    if not complete:
        yield _cine(frames, notes)
        return
    groups: dict[tuple[Any, ...], list[_Frame]] = defaultdict(list)
    planes = [frame.plane for frame in frames if frame.plane is not None]
    turns = near_groups([plane.orientation for plane in planes], _SAME_DIRECTION)
    sizes = near_groups([plane.spacing_mm for plane in planes], _SAME_SPACING_MM)
    for frame, plane, turn, size in zip(frames, planes, turns, sizes, strict=True):
        groups[(turn, size, *plane.key)].append(frame)
    for key, members in groups.items():
        yield from _volumes(members, notes, _why(key, list(groups)))


def _planes(header: Header, frames: int) -> FramePlanes | None:
    if header.planes is None and tags.PER_FRAME_FUNCTIONAL_GROUPS in header.sequences:
        header.planes = frame_planes(header.path, frames) or ()  # kept for the index
    planes = header.planes or None
    return dose_planes(header, frames) if planes is None and frames > 1 else planes


def _why(key: tuple[Any, ...], keys: list[tuple[Any, ...]]) -> str:
    """In what frames of this key differ from the others, with the value where it is one."""
    words = []
    for i, name in enumerate(FRAME_KEYS[: len(key)]):
        if len({other[i] for other in keys}) > 1:
            value = "" if name in _UNVALUED else f" {key[i] or '(none)'}{_UNITS.get(name, '')}"
            words.append(f"{name}{value}")
    return f"Split by {', '.join(words)}" if words else ""


def _cine(frames: list[_Frame], notes: list[str]) -> DisplaySet:
    """Frames one after the other: in the order of the file, or of what its frames say."""
    header = frames[0].header
    order, name = file_order([f.moment for f in frames])
    many = len(frames) > 1
    reason = "Frames without positions" if many else ""
    times = _frame_times(header, len(frames))
    return DisplaySet(
        kind=DisplayKind.MULTIFRAME if many else DisplayKind.STACK,
        frames=tuple(frames[i].ref for i in order),
        reason=f"{reason}, in the order of their {name}" if many and name else reason,
        warnings=tuple(notes),
        times_s=tuple(times[i] for i in order) if times else (),
        **base_of(header),
    )


def _frame_times(header: Header, frames: int) -> tuple[float, ...]:
    """Seconds each frame is shown: Frame Time Vector, else Frame Time (PS3.3 C.7.6.5)."""
    vector = header.numbers(tags.FRAME_TIME_VECTOR)
    if len(vector) == frames:
        steps = [*vector[1:], vector[-1] if frames > 1 else vector[0]]
        return tuple(max(0.0, v) / 1000 for v in steps)
    time = header.number(tags.FRAME_TIME)
    return (time / 1000,) * frames if time and time > 0 else ()


def _volumes(members: list[_Frame], notes: list[str], reason: str) -> Iterator[DisplaySet]:
    """One volume, or one for each time its positions are met."""
    header = members[0].header
    by_position: dict[int, list[_Frame]] = defaultdict(list)
    located = [frame.plane for frame in members if frame.plane is not None]
    places = place_groups([p.position_mm for p in located], located[0].orientation)
    for frame, place in zip(members, places, strict=True):
        frame.place = place
        by_position[place].append(frame)
    repeats = max(len(found) for found in by_position.values())
    base = base_of(header)
    if len(by_position) == 1 and repeats > 1:
        ordered = sorted(members, key=_moment_of)
        plane = ordered[0].plane
        assert plane is not None
        yield DisplaySet(
            kind=DisplayKind.MULTIFRAME,
            frames=tuple(frame.ref for frame in ordered),
            reason=joined(reason, f"{repeats} frames at one position"),
            warnings=tuple(notes),
            times_s=_frame_times(header, len(members)),
            **{**base, "pixel_spacing_mm": plane.spacing_mm},
        )
        return
    phases = _phases(members, by_position, repeats)
    for time, (phase, name) in enumerate(phases):
        planes = [frame.plane for frame in phase if frame.plane is not None]
        stacked = stack_slices(
            [plane.position_mm for plane in planes],
            planes[0].orientation,
            planes[0].spacing_mm,
            base["rows"],
            base["columns"],
            header.text(tags.FRAME_OF_REFERENCE_UID),
        )
        uneven = () if stacked.geometry.uniform else stacked.warnings
        yield DisplaySet(
            kind=DisplayKind.VOLUME if len(phase) > 1 else DisplayKind.STACK,
            frames=tuple(phase[i].ref for i in stacked.order),
            geometry=stacked.geometry,
            reason=joined(reason, name, *uneven),
            warnings=(*notes, *stacked.warnings),
            time_index=time,
            time_count=len(phases),
            **{**base, "pixel_spacing_mm": planes[0].spacing_mm},
        )


def _moment_of(frame: _Frame) -> tuple[Any, ...]:
    """Order in time; frames that say nothing stay in the file's order."""
    moment = frame.moment
    return moment.temporal or 0, moment.phase_percent or 0.0


def _phases(
    members: list[_Frame], by_position: dict[int, list[_Frame]], repeats: int
) -> list[tuple[list[_Frame], str]]:
    """Frames of each time point, and its name.

    By Temporal Position Index or cardiac phase where each of them meets a position once at most;
    else the n-th frame at a position belongs to the n-th time.
    """
    if repeats == 1:
        return [(members, "")]
    for attribute, title, unit in (
        ("temporal", "Time point", ""), ("phase_percent", "Cardiac phase", " %"),
    ):  # fmt: skip
        by_time: dict[Any, list[_Frame]] = defaultdict(list)
        for frame in members:
            by_time[getattr(frame.moment, attribute)].append(frame)
        once = all(len({f.place for f in group}) == len(group) for group in by_time.values())
        if None not in by_time and len(by_time) > 1 and once:
            count = len(by_time)
            return [
                (by_time[value], f"{title} {value:g}{unit} ({n} of {count})")
                for n, value in enumerate(sorted(by_time), 1)
            ]
    found = [sorted(frames, key=_moment_of) for frames in by_position.values()]
    return [
        ([frames[time] for frames in found if len(frames) > time],
         f"Group {time + 1} of {repeats}")
        for time in range(repeats)
    ]  # fmt: skip
