"""Which instances of a series belong on one screen, in which order, and why they were split."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from medbench.dicom import tags
from medbench.dicom.frame_groups import FramePlane, dose_planes, frame_planes
from medbench.dicom.geometry import stack_slices, valid_orientation
from medbench.dicom.guard import Header
from medbench.dicom.values import sop_class_name
from medbench.domain.image import DisplayKind, DisplaySet, FrameRef

_POSITION_DECIMALS = 2
_MAX_UNPROVEN_FRAMES = 4096
_VIDEO = "1.2.840.10008.1.2.4.10"
_FRAME_KEYS = ("orientation", "size", "stack", "echo time", "b-value", "frame type", "segment")
_WAVEFORM = "1.2.840.10008.5.1.4.1.1.9."
_DOCUMENTS = (
    "1.2.840.10008.5.1.4.1.1.88.",
    "1.2.840.10008.5.1.4.1.1.104.",
    "1.2.840.10008.5.1.4.1.1.11.",
)


def build_displays(members: Sequence[Header]) -> list[DisplaySet]:
    """Displays of one series; every instance is in exactly one."""
    singles: dict[tuple[Any, ...], list[Header]] = defaultdict(list)
    displays: list[DisplaySet] = []
    for header in members:
        if header.pixel_offset < 0 or not _shape(header)[0]:
            displays.append(_without_pixels(header))
        elif lie := _false_frames(header):
            displays.append(replace(_without_pixels(header), reason=lie))
        elif (header.number(tags.NUMBER_OF_FRAMES) or 1) > 1 or (
            tags.PER_FRAME_FUNCTIONAL_GROUPS in header.sequences
        ):
            displays.extend(_multi_frame(header))
        else:
            singles[_split_key(header)].append(header)
    reasons = _split_reasons(list(singles))
    for key, group in singles.items():
        displays.extend(_single_frames(group, reasons[key]))
    return sorted(_grouped(displays), key=lambda d: (-d.slices, d.time_group, d.time_index))


def _grouped(displays: list[DisplaySet]) -> Iterator[DisplaySet]:
    """Number the groups of time points, so that a slider finds the others of a display."""
    group = 0
    for display in displays:
        if display.time_count > 1 and display.time_index == 0:
            group += 1
        yield replace(display, time_group=group) if display.time_count > 1 else display


def _false_frames(header: Header) -> str:
    """Why Number of Frames cannot be believed, '' when it can; nothing is allocated from a lie."""
    frames = header.number(tags.NUMBER_OF_FRAMES) or 1
    if frames <= _MAX_UNPROVEN_FRAMES:
        return ""  # a short file of few frames is opened, and each missing frame says so
    bits = (header.short(tags.BITS_ALLOCATED) or 1) * (header.short(tags.SAMPLES_PER_PIXEL) or 1)
    rows, columns = _shape(header)
    room = header.pixel_length_bytes * 8 / max(1, bits * rows * columns)
    if header.transfer_syntax_uid.startswith(_VIDEO):  # all frames in one stream
        room = 1e6
    elif header.compressed:  # a frame has a fragment at least
        room = len(header.fragments)
    if frames <= room:
        return ""
    return f"incomplete: {frames:.0f} frames are promised, there is room for {room:.0f}"


def _shape(header: Header) -> tuple[int, int]:
    return header.short(tags.ROWS) or 0, header.short(tags.COLUMNS) or 0


def _colour(header: Header) -> bool:
    photometric = header.text(tags.PHOTOMETRIC)
    return (header.short(tags.SAMPLES_PER_PIXEL) or 1) > 1 or photometric == "PALETTE COLOR"


_KEY_NAMES = (
    "size", "orientation", "pixel spacing", "image type", "photometric", "echo", "b-value",
    "temporal position", "kernel",
)  # fmt: skip


_COMPLEX_PARTS = frozenset({"M", "P", "R", "I", "PHASE MAP", "VELOCITY", "ADC", "FA"})


def _split_key(header: Header) -> tuple[Any, ...]:
    orientation = header.numbers(tags.IMAGE_ORIENTATION)
    image_type = header.text(tags.IMAGE_TYPE).upper().split("\\")
    modality = header.text(tags.MODALITY)
    return (
        _shape(header),
        tuple(round(v, 3) + 0.0 for v in orientation),
        tuple(round(v, 4) for v in header.numbers(tags.PIXEL_SPACING)),
        (
            "LOCALIZER" in image_type,
            tuple(v for v in image_type if v in _COMPLEX_PARTS) if modality == "MR" else (),
        ),
        header.text(tags.PHOTOMETRIC),
        header.text(tags.ECHO_NUMBERS),
        header.values.get(tags.B_VALUE, b""),
        header.text(tags.TEMPORAL_POSITION),
        header.text(tags.CONVOLUTION_KERNEL),
    )


def _split_reasons(keys: list[tuple[Any, ...]]) -> dict[tuple[Any, ...], str]:
    """For each key in what it differs from the others of its series."""
    differing = [name for i, name in enumerate(_KEY_NAMES) if len({key[i] for key in keys}) > 1]
    reason = f"Split by {', '.join(differing)}" if differing else ""
    return dict.fromkeys(keys, reason)


def _instance_order(header: Header) -> tuple[float, float, str]:
    number = header.number(tags.INSTANCE_NUMBER)
    time = header.number(tags.ACQUISITION_TIME)
    return (time or 0.0, number if number is not None else 0.0, str(header.path))


def _single_frames(group: list[Header], reason: str) -> Iterator[DisplaySet]:
    """One display, or one per time point where positions repeat."""
    located = [h for h in group if len(h.numbers(tags.IMAGE_POSITION)) == 3]
    orientation = group[0].numbers(tags.IMAGE_ORIENTATION)
    mosaic = "MOSAIC" in group[0].text(tags.IMAGE_TYPE).upper()
    if mosaic or len(located) < len(group) or not valid_orientation(orientation):
        why = "Mosaic: tiles of several slices in one picture" if mosaic else "No slice positions"
        yield _stack(group, _joined(reason, why if mosaic or len(group) > 1 else ""))
        return
    by_position: dict[tuple[float, ...], list[Header]] = defaultdict(list)
    for header in group:
        point = header.numbers(tags.IMAGE_POSITION)
        by_position[tuple(np.round(point, _POSITION_DECIMALS) + 0.0)].append(header)
    repeats = max(len(found) for found in by_position.values())
    if repeats == 1:
        yield _volume(group, reason)
        return
    if len(by_position) == 1:
        yield _stack(group, _joined(reason, f"{len(group)} images at one position"))
        return
    for found in by_position.values():
        found.sort(key=_instance_order)
    for time in range(repeats):
        phase = [found[time] for found in by_position.values() if len(found) > time]
        display = _volume(phase, _joined(reason, f"Time point {time + 1} of {repeats}"))
        yield replace(display, time_index=time, time_count=repeats)


def _joined(*parts: str) -> str:
    return "; ".join(part for part in parts if part)


def _frame_ref(header: Header) -> FrameRef:
    point = header.numbers(tags.IMAGE_POSITION)
    number = header.number(tags.INSTANCE_NUMBER)
    return FrameRef(
        header.path,
        0,
        header.text(tags.SOP_INSTANCE_UID),
        None if number is None else int(number),
        (point[0], point[1], point[2]) if len(point) == 3 else None,
    )


def _base(header: Header) -> dict[str, Any]:
    rows, columns = _shape(header)
    spacing = header.numbers(tags.PIXEL_SPACING) or header.numbers(tags.IMAGER_PIXEL_SPACING)
    valid = len(spacing) == 2 and min(spacing) > 0
    return {
        "display_id": "",
        "modality": "",
        "description": "",
        "rows": rows,
        "columns": columns,
        "colour": _colour(header),
        "photometric": header.text(tags.PHOTOMETRIC),
        "sop_class_uid": header.text(tags.SOP_CLASS_UID),
        "pixel_spacing_mm": (spacing[0], spacing[1]) if valid else None,
    }


def _stack(group: list[Header], reason: str) -> DisplaySet:
    ordered = sorted(group, key=lambda h: _instance_order(h)[1:])
    return DisplaySet(
        kind=DisplayKind.STACK,
        frames=tuple(_frame_ref(h) for h in ordered),
        reason=reason,
        warnings=tuple(group[0].warnings),
        **_base(group[0]),
    )


def _volume(group: list[Header], reason: str) -> DisplaySet:
    first = group[0]
    base = _base(first)
    spacing = base["pixel_spacing_mm"]
    if spacing is None:
        return _stack(group, _joined(reason, "No pixel spacing"))
    stacked = stack_slices(
        [h.numbers(tags.IMAGE_POSITION) for h in group],
        first.numbers(tags.IMAGE_ORIENTATION),
        spacing,
        base["rows"],
        base["columns"],
        first.text(tags.FRAME_OF_REFERENCE_UID),
    )
    if not stacked.geometry.uniform:
        reason = _joined(reason, *stacked.warnings)
    return DisplaySet(
        kind=DisplayKind.VOLUME if len(group) > 1 else DisplayKind.STACK,
        frames=tuple(_frame_ref(group[i]) for i in stacked.order),
        geometry=stacked.geometry,
        reason=reason,
        warnings=(*first.warnings, *stacked.warnings),
        **base,
    )


def _multi_frame(header: Header) -> Iterator[DisplaySet]:
    """Frames of one instance: a volume where functional groups give positions (C.7.6.16)."""
    frames = max(1, int(header.number(tags.NUMBER_OF_FRAMES) or 1))
    uid = header.text(tags.SOP_INSTANCE_UID)
    base = _base(header)
    planes = frame_planes(header.path, frames) if header.sequences else None
    if planes is None and frames > 1:
        planes = dose_planes(header, frames)
    if planes is None:
        yield DisplaySet(
            kind=DisplayKind.MULTIFRAME if frames > 1 else DisplayKind.STACK,
            frames=tuple(FrameRef(header.path, i, uid) for i in range(frames)),
            reason="Frames without positions" if frames > 1 else "",
            warnings=tuple(header.warnings),
            times_s=_frame_times(header, frames),
            **base,
        )
        return
    groups: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for i, plane in enumerate(planes.planes):
        groups[plane.key].append(i)
    header.warnings.extend(planes.warnings)
    differing = _FRAME_KEYS[: len(next(iter(groups)))]
    names = [n for i, n in enumerate(differing) if len({key[i] for key in groups}) > 1]
    for members in groups.values():
        reason = f"Split by {', '.join(names)}" if names else ""
        yield from _frame_volumes(header, members, planes.planes, base, reason)


def _frame_times(header: Header, frames: int) -> tuple[float, ...]:
    """Seconds each frame is shown: Frame Time Vector, else Frame Time (PS3.3 C.7.6.5)."""
    vector = header.numbers(tags.FRAME_TIME_VECTOR)
    if len(vector) == frames:
        steps = [*vector[1:], vector[-1] if frames > 1 else vector[0]]
        return tuple(max(0.0, v) / 1000 for v in steps)
    time = header.number(tags.FRAME_TIME)
    return (time / 1000,) * frames if time and time > 0 else ()


def _frame_volumes(
    header: Header, members: list[int], planes: list[FramePlane], base: dict[str, Any], reason: str
) -> Iterator[DisplaySet]:
    by_position: dict[tuple[float, ...], list[int]] = defaultdict(list)
    for i in members:
        by_position[tuple(np.round(planes[i].position_mm, _POSITION_DECIMALS) + 0.0)].append(i)
    repeats = max(len(found) for found in by_position.values())
    uid = header.text(tags.SOP_INSTANCE_UID)
    if len(by_position) == 1 and repeats > 1:
        yield DisplaySet(
            kind=DisplayKind.MULTIFRAME,
            frames=tuple(
                FrameRef(header.path, i, uid, None, planes[i].position_mm) for i in members
            ),
            reason=_joined(reason, f"{repeats} frames at one position"),
            warnings=tuple(header.warnings),
            times_s=_frame_times(header, len(members)),
            **{**base, "pixel_spacing_mm": planes[members[0]].spacing_mm},
        )
        return
    for time in range(repeats):
        phase = [found[time] for found in by_position.values() if len(found) > time]
        spacing = planes[phase[0]].spacing_mm
        stacked = stack_slices(
            [planes[i].position_mm for i in phase],
            planes[phase[0]].orientation,
            spacing,
            base["rows"],
            base["columns"],
            header.text(tags.FRAME_OF_REFERENCE_UID),
        )
        why = _joined(reason, f"Group {time + 1} of {repeats}" if repeats > 1 else "")
        yield DisplaySet(
            kind=DisplayKind.VOLUME if len(phase) > 1 else DisplayKind.STACK,
            frames=tuple(
                FrameRef(header.path, phase[i], uid, None, planes[phase[i]].position_mm)
                for i in stacked.order
            ),
            geometry=stacked.geometry,
            reason=_joined(why, *(() if stacked.geometry.uniform else stacked.warnings)),
            warnings=(*header.warnings, *stacked.warnings),
            time_index=time,
            time_count=repeats,
            **{**base, "pixel_spacing_mm": spacing},
        )


def _without_pixels(header: Header) -> DisplaySet:
    uid = header.text(tags.SOP_CLASS_UID)
    name = sop_class_name(uid)
    if uid.startswith(_WAVEFORM) or tags.WAVEFORM_SEQUENCE in header.sequences:
        kind = DisplayKind.WAVEFORM
    elif uid.startswith(_DOCUMENTS):
        kind = DisplayKind.DOCUMENT
    else:
        kind = DisplayKind.OTHER
    reason = f"{name}: not shown as an image"
    if "Image Storage" in name and tags.PIXEL_DATA_PROVIDER_URL not in header.values:
        reason = f"incomplete: {name} without pixel data, the file may have been cut"
    if header.pixel_offset >= 0:
        reason = f"{name}: Rows or Columns is missing or 0, no picture can be made"
    return DisplaySet(
        kind=kind,
        frames=(_frame_ref(header),),
        reason=reason,
        warnings=tuple(header.warnings),
        **{**_base(header), "pixel_spacing_mm": None},
    )
