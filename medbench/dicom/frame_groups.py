"""Frames of enhanced objects: where each lies and what tells it from others (PS3.3 C.7.6.16)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.errors import InvalidDicomError

from medbench.dicom import tags
from medbench.dicom.dataset import read_dataset
from medbench.dicom.geometry import slice_normal, valid_orientation
from medbench.dicom.guard import Header

_GROUPS = (
    "PlanePositionSequence", "PlaneOrientationSequence", "PixelMeasuresSequence",
    "PixelValueTransformationSequence", "FrameVOILUTSequence",
)  # fmt: skip


@dataclass(frozen=True)
class FramePlane:
    """Plane of one frame, and the key frames of one volume share."""

    position_mm: tuple[float, float, float]
    orientation: tuple[float, ...]
    spacing_mm: tuple[float, float]
    key: tuple[Any, ...]


@dataclass(frozen=True)
class FramePlanes:
    """All frames of an object, in file order."""

    planes: list[FramePlane]
    warnings: tuple[str, ...] = ()


def frame_planes(path: Path, frames: int) -> FramePlanes | None:
    """Position, orientation and spacing of each frame; None when any is absent.

    A group belongs to the shared or to the per-frame sequence; where a file has it in both, the
    per-frame one is used and a warning says so (T27).
    """
    try:
        dataset = read_dataset(path)
        shared = _item(dataset, "SharedFunctionalGroupsSequence")
        per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or []
        if len(per_frame) != frames:
            return None
        planes = [_plane(group, shared) for group in per_frame]
        twice = [n for n in _GROUPS if shared is not None and n in shared and n in per_frame[0]]
    except (InvalidDicomError, OSError, ValueError, TypeError, KeyError, RecursionError,
            NotImplementedError, AttributeError, IndexError):  # fmt: skip
        return None  # hostile functional groups: frames are shown without positions
    found = [plane for plane in planes if plane is not None]
    if len(found) < frames:
        return None
    words = f"{', '.join(twice)} shared and per frame: the per-frame values are used"
    return FramePlanes(found, (words,) if twice else ())


def dose_planes(header: Header, frames: int) -> FramePlanes | None:
    """Planes of an RT Dose grid (PS3.3 C.8.8.3.2); None for anything else.

    Offsets start at 0 (relative to Image Position) or are absolute patient coordinates.
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
    along = offsets if offsets[0] == 0 else tuple(v - offsets[0] for v in offsets)
    pixel = spacing[0], spacing[1]
    planes = []
    for offset in along:
        x, y, z = (float(v) for v in start + offset * normal)
        planes.append(FramePlane((x, y, z), cosines, pixel, (cosines, pixel, "", "", "", "", "")))
    return FramePlanes(planes)


def _plane(group: Any, shared: Any) -> FramePlane | None:
    position = functional(group, shared, "PlanePositionSequence", "ImagePositionPatient")
    orientation = functional(group, shared, "PlaneOrientationSequence", "ImageOrientationPatient")
    spacing = functional(group, shared, "PixelMeasuresSequence", "PixelSpacing")
    if position is None or orientation is None or spacing is None:
        return None
    cosines = tuple(float(v) for v in orientation)
    if len(position) != 3 or not valid_orientation(cosines):
        return None
    pixel = float(spacing[0]), float(spacing[1])
    kind = functional(group, shared, "MRImageFrameTypeSequence", "FrameType") or functional(
        group, shared, "CTImageFrameTypeSequence", "FrameType"
    )
    key = (
        tuple(np.round(cosines, 3) + 0.0),
        tuple(round(v, 4) for v in pixel),
        _text(functional(group, shared, "FrameContentSequence", "StackID")),
        _text(functional(group, shared, "MREchoSequence", "EffectiveEchoTime")),
        _text(functional(group, shared, "MRDiffusionSequence", "DiffusionBValue")),
        _text(list(kind)[:4] if kind else ""),
        _text(
            functional(group, shared, "SegmentIdentificationSequence", "ReferencedSegmentNumber")
        ),
    )
    point = float(position[0]), float(position[1]), float(position[2])
    return FramePlane(point, cosines, pixel, key)


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _item(dataset: Any, keyword: str) -> Any:
    sequence = dataset.get(keyword)
    return sequence[0] if sequence else None


def functional(group: Any, shared: Any, sequence: str, keyword: str) -> Any:
    """Value from the per-frame group, else from the shared one."""
    for source in (group, shared):
        if source is not None and (item := _item(source, sequence)) is not None:
            value = item.get(keyword)
            if value is not None:
                return value
    return None
