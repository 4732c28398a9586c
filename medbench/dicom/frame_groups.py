"""Frames of enhanced objects: where each lies and what tells it from others (PS3.3 C.7.6.16)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from medbench.dicom import tags
from medbench.dicom.dataset import DAMAGE, read_dataset
from medbench.dicom.geometry import slice_normal, valid_orientation
from medbench.dicom.guard import Header

FRAME_KEYS = (
    "orientation", "size", "stack", "echo time", "b-value", "frame type", "segment",
)  # fmt: skip
"""What frames of one volume share; names for the reason of a split."""

_GROUPS = (
    "PlanePositionSequence", "PlaneOrientationSequence", "PixelMeasuresSequence",
    "PixelValueTransformationSequence", "FrameVOILUTSequence",
)  # fmt: skip


@dataclass(frozen=True)
class FramePlane:
    """Plane of one frame, and what else frames of one volume share."""

    position_mm: tuple[float, float, float]
    orientation: tuple[float, ...]
    spacing_mm: tuple[float, float]
    key: tuple[Any, ...]


@dataclass(frozen=True)
class FrameMoment:
    """When a frame was taken, as far as its groups say, and its place in the file's own order."""

    temporal: int | None = None
    """Temporal Position Index (C.7.6.16.2.2)."""
    phase_percent: float | None = None
    """Nominal Percentage of Cardiac Phase (C.7.6.16.2.7)."""
    dimensions: tuple[int, ...] = ()
    """Dimension Index Values (C.7.6.17)."""
    in_stack: int | None = None
    """In-Stack Position Number."""


@dataclass(frozen=True)
class FramePlanes:
    """All frames of an object, in file order; a frame without a place has no plane."""

    planes: list[FramePlane | None]
    moments: list[FrameMoment]
    warnings: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every frame has a place."""
        return bool(self.planes) and all(plane is not None for plane in self.planes)


def planes_json(planes: FramePlanes) -> list[Any]:
    """JSON value of planes, for the index of known files."""
    placed = [
        None if p is None else [p.position_mm, p.orientation, p.spacing_mm, p.key]
        for p in planes.planes
    ]
    moments = [[m.temporal, m.phase_percent, m.dimensions, m.in_stack] for m in planes.moments]
    return [placed, moments, planes.warnings]


def planes_from_json(value: Any) -> FramePlanes:
    """Planes again; raises `ValueError` or `TypeError` where the value is none of `planes_json`."""
    placed, moments, warnings = value
    return FramePlanes(
        [None if p is None else FramePlane(*_tuples(p)) for p in placed],
        [FrameMoment(*_tuples(m)) for m in moments],
        tuple(str(w) for w in warnings),
    )


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value


def frame_planes(path: Path, frames: int) -> FramePlanes | None:
    """Position, orientation, spacing and time of each frame; None when there are no groups.

    A group belongs to the shared or to the per-frame sequence; where a file has it in both, the
    per-frame one is used and a warning says so (T27).
    """
    try:
        dataset = read_dataset(path)
        shared = _item(dataset, "SharedFunctionalGroupsSequence")
        per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or []
        if len(per_frame) < frames:
            return None
        per_frame = per_frame[:frames]
        planes = [_plane(group, shared) for group in per_frame]
        moments = [_moment(group, shared) for group in per_frame]
        twice = [n for n in _GROUPS if shared is not None and n in shared and n in per_frame[0]]
    except DAMAGE:
        return None  # hostile functional groups: frames are shown without positions
    words = f"{', '.join(twice)} shared and per frame: the per-frame values are used"
    return FramePlanes(planes, moments, (words,) if twice else ())


def dose_planes(header: Header, frames: int) -> FramePlanes | None:
    """Planes of an RT Dose grid (PS3.3 C.8.8.3.2); None for anything else.

    Offsets start at 0 (along the normal, from Image Position), or are the patient's z coordinates
    of transaxial planes.
    """
    offsets = header.numbers(tags.DOSE_GRID_OFFSETS)
    position, cosines = header.numbers(tags.IMAGE_POSITION), header.numbers(tags.IMAGE_ORIENTATION)
    spacing = header.numbers(tags.PIXEL_SPACING)
    if (
        len(offsets) != frames or len(position) != 3 or len(spacing) != 2
        or not valid_orientation(cosines)
    ):  # fmt: skip
        return None
    normal = slice_normal(cosines)
    start = np.asarray(position)
    along = np.asarray(offsets)
    if offsets[0] != 0:
        along = (along - offsets[0]) * (-1.0 if normal[2] < 0 else 1.0)
    pixel = spacing[0], spacing[1]
    planes: list[FramePlane | None] = []
    for offset in along:
        x, y, z = (float(v) for v in start + offset * normal)
        planes.append(FramePlane((x, y, z), cosines, pixel, ()))
    return FramePlanes(planes, [FrameMoment()] * frames)


def file_order(moments: list[FrameMoment]) -> tuple[list[int], str]:
    """Order of frames without positions, and its name: dimension indices, stack, or as stored."""
    if all(m.dimensions for m in moments) and len({len(m.dimensions) for m in moments}) == 1:
        return sorted(range(len(moments)), key=lambda i: moments[i].dimensions), "dimension indices"
    if all(m.in_stack is not None for m in moments):
        return (
            sorted(range(len(moments)), key=lambda i: (moments[i].temporal or 0,
                                                       moments[i].in_stack or 0)),
            "positions in the stack",
        )  # fmt: skip
    return list(range(len(moments))), ""


def _plane(group: Any, shared: Any) -> FramePlane | None:
    position = functional(group, shared, "PlanePositionSequence", "ImagePositionPatient")
    orientation = functional(group, shared, "PlaneOrientationSequence", "ImageOrientationPatient")
    spacing = functional(group, shared, "PixelMeasuresSequence", "PixelSpacing")
    if position is None or orientation is None or spacing is None:
        return None
    cosines = tuple(float(v) for v in orientation)
    pixel = float(spacing[0]), float(spacing[1])
    if len(position) != 3 or not valid_orientation(cosines) or min(pixel) <= 0:
        return None
    kind = functional(group, shared, "MRImageFrameTypeSequence", "FrameType") or functional(
        group, shared, "CTImageFrameTypeSequence", "FrameType"
    )
    key = (
        _text(functional(group, shared, "FrameContentSequence", "StackID")),
        _text(functional(group, shared, "MREchoSequence", "EffectiveEchoTime")),
        _text(functional(group, shared, "MRDiffusionSequence", "DiffusionBValue")),
        _text("\\".join(str(v) for v in list(kind)[:4]) if kind else ""),
        _text(
            functional(group, shared, "SegmentIdentificationSequence", "ReferencedSegmentNumber")
        ),
    )
    point = float(position[0]), float(position[1]), float(position[2])
    return FramePlane(point, cosines, pixel, key)


def _moment(group: Any, shared: Any) -> FrameMoment:
    content = _item(group, "FrameContentSequence")
    indices = content.get("DimensionIndexValues") if content is not None else None
    if indices is not None and not hasattr(indices, "__iter__"):
        indices = [indices]
    temporal = functional(group, shared, "FrameContentSequence", "TemporalPositionIndex")
    phase = functional(
        group, shared, "CardiacSynchronizationSequence", "NominalPercentageOfCardiacPhase"
    )
    in_stack = functional(group, shared, "FrameContentSequence", "InStackPositionNumber")
    return FrameMoment(
        None if temporal is None else int(temporal),
        None if phase is None else float(phase),
        tuple(int(v) for v in indices) if indices is not None else (),
        None if in_stack is None else int(in_stack),
    )


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _item(dataset: Any, keyword: str) -> Any:
    sequence = dataset.get(keyword) if dataset is not None else None
    return sequence[0] if sequence else None


def functional(group: Any, shared: Any, sequence: str, keyword: str) -> Any:
    """Value from the per-frame group, else from the shared one."""
    for source in (group, shared):
        if source is not None and (item := _item(source, sequence)) is not None:
            value = item.get(keyword)
            if value is not None:
                return value
    return None
