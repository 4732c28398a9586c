"""Which instances of a series belong on one screen, in which order, and why they were split."""

import struct
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from medbench.dicom import tags
from medbench.dicom.geometry import near_groups, place_groups, stack_slices, valid_orientation
from medbench.dicom.guard import Header
from medbench.dicom.multiframe import (
    base_of,
    concatenated,
    joined,
    multi_frame,
    shape_of,
)
from medbench.dicom.values import sop_class_name
from medbench.domain.image import DisplayKind, DisplaySet, FrameRef

_SAME_DIRECTION = 1e-3
_SAME_SPACING_MM = 1e-4
_MAX_UNPROVEN_FRAMES = 4096
_VIDEO = "1.2.840.10008.1.2.4.10"
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
    enhanced: list[Header] = []
    plain: list[Header] = []
    for header in members:
        if header.pixel_offset < 0 or not shape_of(header)[0]:
            displays.append(_without_pixels(header))
        elif lie := _false_frames(header):
            displays.append(replace(_without_pixels(header), reason=lie))
        elif (header.number(tags.NUMBER_OF_FRAMES) or 1) > 1 or (
            tags.PER_FRAME_FUNCTIONAL_GROUPS in header.sequences
        ):
            enhanced.append(header)
        else:
            plain.append(header)
    for header, key in zip(plain, _split_keys(plain), strict=True):
        singles[key].append(header)
    for parts, warnings in concatenated(enhanced):
        displays.extend(multi_frame(parts, warnings))
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
    rows, columns = shape_of(header)
    room = header.pixel_length_bytes * 8 / max(1, bits * rows * columns)
    if header.transfer_syntax_uid.startswith(_VIDEO):  # all frames in one stream
        room = 1e6
    elif header.compressed:  # a frame has a fragment at least
        room = len(header.fragments)
    if frames <= room:
        return ""
    return f"incomplete: {frames:.0f} frames are promised, there is room for {room:.0f}"


_KEY_NAMES = (
    "size", "orientation", "pixel spacing", "image type", "photometric", "echo", "b-value",
    "kernel", "frame of reference",
)  # fmt: skip
_VALUED = frozenset({"photometric", "echo", "b-value", "kernel"})
"""Whose values are short words that tell a reader which part is which."""


_COMPLEX_PARTS = frozenset({"M", "P", "R", "I", "PHASE MAP", "VELOCITY", "ADC", "FA"})


def _split_keys(headers: list[Header]) -> list[tuple[Any, ...]]:
    """What the images of one display have in common."""
    turns = near_groups([h.numbers(tags.IMAGE_ORIENTATION) for h in headers], _SAME_DIRECTION)
    sizes = near_groups([h.numbers(tags.PIXEL_SPACING) for h in headers], _SAME_SPACING_MM)
    return [
        _split_key(header, turn, size)
        for header, turn, size in zip(headers, turns, sizes, strict=True)
    ]


def _split_key(header: Header, turn: int, size: int) -> tuple[Any, ...]:
    image_type = header.text(tags.IMAGE_TYPE).upper().split("\\")
    modality = header.text(tags.MODALITY)
    return (
        shape_of(header),
        turn,
        size,
        (
            "LOCALIZER" in image_type,
            tuple(v for v in image_type if v in _COMPLEX_PARTS) if modality == "MR" else (),
        ),
        "colour" if base_of(header)["colour"] else header.text(tags.PHOTOMETRIC),
        header.text(tags.ECHO_NUMBERS),
        _b_value(header),
        header.text(tags.CONVOLUTION_KERNEL),
        header.text(tags.FRAME_OF_REFERENCE_UID),
    )


def _b_value(header: Header) -> str:
    raw = header.values.get(tags.B_VALUE, b"")
    if len(raw) != 8:
        return ""
    (value,) = struct.unpack("<d" if header.little_endian else ">d", raw)
    return f"{value:g}"


def _split_reasons(keys: list[tuple[Any, ...]]) -> dict[tuple[Any, ...], str]:
    """For each key in what it differs from the others of its series."""
    differing = [i for i in range(len(_KEY_NAMES)) if len({key[i] for key in keys}) > 1]
    reasons = {}
    for key in keys:
        words = [
            f"{_KEY_NAMES[i]} {key[i] or '(none)'}" if _KEY_NAMES[i] in _VALUED else _KEY_NAMES[i]
            for i in differing
        ]
        reasons[key] = f"Split by {', '.join(words)}" if words else ""
    return reasons


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
        yield _stack(group, joined(reason, why if mosaic or len(group) > 1 else ""))
        return
    by_position: dict[int, list[Header]] = defaultdict(list)
    places = place_groups([h.numbers(tags.IMAGE_POSITION) for h in group], orientation)
    for header, place in zip(group, places, strict=True):
        by_position[place].append(header)
    repeats = max(len(found) for found in by_position.values())
    if repeats == 1:
        yield _volume(group, reason)
        return
    if len(by_position) == 1:
        yield _stack(group, joined(reason, f"{len(group)} images at one position"))
        return
    phases = _by_temporal_position(group) or _by_order(by_position, repeats)
    for time, phase in enumerate(phases):
        display = _volume(phase, joined(reason, f"Time point {time + 1} of {len(phases)}"))
        yield replace(display, time_index=time, time_count=len(phases))


def _by_temporal_position(group: list[Header]) -> list[list[Header]]:
    """Instances by Temporal Position Identifier, where each meets a position once at most."""
    times: dict[float, list[Header]] = defaultdict(list)
    for header in group:
        number = header.number(tags.TEMPORAL_POSITION)
        if number is None:
            return []
        times[number].append(header)
    for members in times.values():
        places = {h.numbers(tags.IMAGE_POSITION) for h in members}
        if len(places) < len(members):
            return []
    return [times[number] for number in sorted(times)] if len(times) > 1 else []


def _by_order(by_position: dict[int, list[Header]], repeats: int) -> list[list[Header]]:
    """The n-th instance at a position, by time and number, belongs to the n-th time point."""
    found = [sorted(members, key=_instance_order) for members in by_position.values()]
    return [[m[time] for m in found if len(m) > time] for time in range(repeats)]


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


def _stack(group: list[Header], reason: str) -> DisplaySet:
    ordered = sorted(group, key=lambda h: _instance_order(h)[1:])
    return DisplaySet(
        kind=DisplayKind.STACK,
        frames=tuple(_frame_ref(h) for h in ordered),
        reason=reason,
        warnings=tuple(group[0].warnings),
        **base_of(group[0]),
    )


def _volume(group: list[Header], reason: str) -> DisplaySet:
    first = group[0]
    base = base_of(first)
    spacing = base["pixel_spacing_mm"]
    if spacing is None:
        return _stack(group, joined(reason, "No pixel spacing"))
    stacked = stack_slices(
        [h.numbers(tags.IMAGE_POSITION) for h in group],
        first.numbers(tags.IMAGE_ORIENTATION),
        spacing,
        base["rows"],
        base["columns"],
        first.text(tags.FRAME_OF_REFERENCE_UID),
    )
    if not stacked.geometry.uniform:
        reason = joined(reason, *stacked.warnings)
    return DisplaySet(
        kind=DisplayKind.VOLUME if len(group) > 1 else DisplayKind.STACK,
        frames=tuple(_frame_ref(group[i]) for i in stacked.order),
        geometry=stacked.geometry,
        reason=reason,
        warnings=(*first.warnings, *stacked.warnings),
        **base,
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
        **{**base_of(header), "pixel_spacing_mm": None},
    )
