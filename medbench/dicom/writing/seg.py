"""Label maps as Segmentation objects: BINARY, packed (PS3.3 A.51, C.8.20; PS3.5 8.1.1)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import UID, generate_uid

from medbench.base.errors import BadInputError, CancelledError
from medbench.dicom.colours import to_cielab
from medbench.dicom.writing.heading import (
    RESEARCH_NOTE,
    SeriesNames,
    SourceImage,
    SourceStudy,
    by_series,
    decimal,
    new_object,
    person_name,
    referenced,
    save_object,
    short_text,
)
from medbench.dicom.writing.items import Code, code_item
from medbench.dicom.writing.segment_codes import segment_codes
from medbench.domain.geometry import Geometry
from medbench.domain.image import FrameRef
from medbench.domain.segment_edit import EditedSegment, EditedSegmentation, SegmentMethod

SEGMENTATION = UID("1.2.840.10008.5.1.4.1.1.66.4")
SERIES_NUMBER = 9002
_DERIVED: Code = ("113076", "DCM", "Segmentation")
_PURPOSE: Code = ("121322", "DCM", "Source image for image processing operation")
_BY_HAND = frozenset({
    SegmentMethod.BRUSH, SegmentMethod.LOGICAL, SegmentMethod.COPY,
})  # fmt: skip


@dataclass(frozen=True)
class _Plane:
    """One slice of one segment."""

    segment: int
    """Place in the sequence of segments, from 1."""
    slice: int
    mask: NDArray[np.bool_]


def write_segmentation(
    path: Path, labels: NDArray[np.uint8], segmentation: EditedSegmentation, study: SourceStudy,
    frames: Sequence[FrameRef], *, reader: str = "", algorithm: str = "",
    cancelled: Callable[[], bool] | None = None,
) -> int:  # fmt: skip
    """Write a label map (z, y, x) as a new series of its study; returns the frames written.

    ``frames`` are those of the display it was drawn on: where they are as many as the map's slices
    and the grid was not resampled, each frame of the object points at its source (C.7.6.16.2.6);
    else the frame of reference alone places it. Empty slices are not written.

    ``algorithm``: name and version of the model that drew it, where no reader did.

    Raises
    ------
    CancelledError
        ``cancelled`` said so; nothing is written.
    BadInputError
        Nothing is painted, or the map has no place the object could be given.
    """
    segments = [s for s in segmentation.segments if (labels == s.number).any()]
    if not segments:
        raise BadInputError("Nothing is painted yet: there is no segment to write.")
    geometry = segmentation.geometry
    sources = _sources(segmentation, study, frames)
    if not segmentation.placed and not sources:
        raise BadInputError("The segmentation lies on pictures that are no DICOM images.")
    planes = list(_planes(labels, [s.number for s in segments]))
    ds = new_object(
        study, SEGMENTATION, SeriesNames(segmentation.title or "Segments", SERIES_NUMBER, "SEG")
    )
    _describe(ds, segmentation, reader or segmentation.reader)
    ds.Rows, ds.Columns = labels.shape[1:]
    ds.NumberOfFrames = len(planes)
    ds.SegmentSequence = [
        _segment(s, n, segmentation, algorithm) for n, s in enumerate(segments, 1)
    ]  # fmt: skip
    shared = Dataset()
    if segmentation.placed:
        ds.FrameOfReferenceUID = geometry.frame_of_reference_uid or generate_uid(prefix=None)
        ds.PositionReferenceIndicator = ""
        shared.PlaneOrientationSequence = [_orientation(geometry)]
    if segmentation.placed or segmentation.mm_known:
        shared.PixelMeasuresSequence = [_measures(geometry, labels.shape[0])]
    ds.SharedFunctionalGroupsSequence = [shared]
    _dimensions(ds, placed=segmentation.placed)
    ds.PerFrameFunctionalGroupsSequence = [
        _frame(plane, segmentation, sources) for plane in planes
    ]  # fmt: skip
    used = [sources[p.slice][0] for p in planes if p.slice in sources] or [
        image for image in study.images.values()
        if image.series_instance_uid == segmentation.series_instance_uid
    ]  # fmt: skip
    if used:
        ds.ReferencedSeriesSequence = [
            _series(uid, images) for uid, images in by_series(used).items()
        ]
    if cancelled is not None and cancelled():
        raise CancelledError
    ds.add_new(0x7FE00010, "OB", packed([plane.mask for plane in planes]))
    save_object(ds, path)
    return len(planes)


def packed(masks: Sequence[NDArray[np.bool_]]) -> bytes:
    """Frames as bits, the first pixel lowest, without a gap between frames (PS3.5 8.1.1, T30)."""
    if masks[0].size % 8 == 0:
        data = b"".join(np.packbits(m.ravel(), bitorder="little").tobytes() for m in masks)
    else:
        together = np.concatenate([m.ravel() for m in masks])
        data = np.packbits(together, bitorder="little").tobytes()
    return data + b"\0" * (len(data) % 2)


def _planes(labels: NDArray[np.uint8], numbers: list[int]) -> Iterator[_Plane]:
    for position, number in enumerate(numbers, 1):
        for z in range(labels.shape[0]):
            mask = labels[z] == number
            if mask.any():
                yield _Plane(position, z, mask)


def _sources(
    segmentation: EditedSegmentation, study: SourceStudy, frames: Sequence[FrameRef]
) -> dict[int, tuple[SourceImage, int]]:
    """Source image and frame of each slice, where slices are frames."""
    if len(frames) != segmentation.shape[0] or segmentation.geometry.resampled:
        return {}
    return {
        z: (study.images[ref.sop_instance_uid], ref.frame)
        for z, ref in enumerate(frames)
        if ref.sop_instance_uid in study.images
    }


def _describe(ds: Dataset, segmentation: EditedSegmentation, reader: str) -> None:
    ds.DeviceSerialNumber = "none"  # enhanced general equipment wants one (C.7.5.2)
    ds.ImageType = ["DERIVED", "PRIMARY"]
    ds.ImageComments = RESEARCH_NOTE
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated = ds.BitsStored = 1
    ds.HighBit = ds.PixelRepresentation = 0
    ds.LossyImageCompression = "00"
    ds.SegmentationType, ds.SegmentsOverlap = "BINARY", "NO"
    ds.ContentLabel = "SEGMENTS"
    ds.ContentDescription = short_text(segmentation.title)
    ds.ContentCreatorName = person_name(reader)


def _segment(
    segment: EditedSegment, number: int, segmentation: EditedSegmentation, algorithm: str
) -> Dataset:
    """One item of the Segment Sequence (C.8.20.4)."""
    category, kind = segment_codes(segment.label)
    item = Dataset()
    item.SegmentNumber = number
    item.SegmentLabel = short_text(segment.label) or f"Segment {segment.number}"
    helped = [m.value for m in segment.methods if m not in _BY_HAND]
    item.SegmentAlgorithmType = "SEMIAUTOMATIC" if helped else "MANUAL"
    if helped:
        item.SegmentAlgorithmName = short_text(f"medbench: {', '.join(helped)}")
    if algorithm:
        item.SegmentAlgorithmType = "AUTOMATIC"
        item.SegmentAlgorithmName = short_text(f"medbench: {algorithm}")
    item.SegmentedPropertyCategoryCodeSequence = [code_item(category)]
    item.SegmentedPropertyTypeCodeSequence = [code_item(kind)]
    item.RecommendedDisplayCIELabValue = list(to_cielab(segment.colour))
    if segmentation.source:
        item.SegmentDescription = short_text(f"copied from {segmentation.source}")
    return item


def _orientation(geometry: Geometry) -> Dataset:
    axes = np.asarray(geometry.direction, float).reshape(3, 3)
    item = Dataset()
    item.ImageOrientationPatient = [decimal(v) for v in (*axes[:, 0], *axes[:, 1])]
    return item


def _measures(geometry: Geometry, slices: int) -> Dataset:
    item = Dataset()
    thickness, row_mm, column_mm = geometry.spacing_mm
    item.PixelSpacing = [decimal(row_mm), decimal(column_mm)]
    item.SliceThickness = decimal(thickness)
    if geometry.uniform and slices > 1:
        item.SpacingBetweenSlices = decimal(thickness)
    return item


def _dimensions(ds: Dataset, *, placed: bool) -> None:
    """Frames by segment, then by place (C.7.6.17)."""
    uid = generate_uid(prefix=None)
    organisation = Dataset()
    organisation.DimensionOrganizationUID = uid
    ds.DimensionOrganizationSequence = [organisation]
    pointers = [(0x0062000B, 0x0062000A, "Segment")]
    if placed:
        pointers.append((0x00200032, 0x00209113, "Position"))
    else:
        pointers.append((0x00209057, 0x00209111, "Number in the stack"))
    ds.DimensionIndexSequence = []
    for pointer, group, label in pointers:
        item = Dataset()
        item.DimensionOrganizationUID = uid
        item.DimensionIndexPointer, item.FunctionalGroupPointer = pointer, group
        item.DimensionDescriptionLabel = label
        ds.DimensionIndexSequence.append(item)


def _frame(
    plane: _Plane, segmentation: EditedSegmentation, sources: dict[int, tuple[SourceImage, int]]
) -> Dataset:
    group, content = Dataset(), Dataset()
    content.DimensionIndexValues = [plane.segment, plane.slice + 1]
    content.StackID, content.InStackPositionNumber = "1", plane.slice + 1
    group.FrameContentSequence = [content]
    segment = Dataset()
    segment.ReferencedSegmentNumber = plane.segment
    group.SegmentIdentificationSequence = [segment]
    if segmentation.placed:
        position = Dataset()
        place = slice_position(segmentation.geometry, plane.slice)
        position.ImagePositionPatient = [decimal(v) for v in place]
        group.PlanePositionSequence = [position]
    if plane.slice in sources:
        image, frame = sources[plane.slice]
        source = referenced(image, (frame,))
        source.PurposeOfReferenceCodeSequence = [code_item(_PURPOSE)]
        source.SpatialLocationsPreserved = "YES"
        derivation = Dataset()
        derivation.SourceImageSequence = [source]
        derivation.DerivationCodeSequence = [code_item(_DERIVED)]
        group.DerivationImageSequence = [derivation]
    return group


def slice_position(geometry: Geometry, index: int) -> tuple[float, float, float]:
    """Centre of the first pixel of a slice: the acquired one of uneven stacks."""
    if not geometry.uniform and len(geometry.positions_mm) == geometry.shape[0]:
        return geometry.positions_mm[index]
    x, y, z = (float(v) for v in geometry.world_from_index(0, 0, index))
    return x, y, z


def _series(uid: str, images: list[SourceImage]) -> Dataset:
    item = Dataset()
    item.SeriesInstanceUID = uid
    item.ReferencedInstanceSequence = [referenced(image) for image in images]
    return item
