"""Segmentation objects: binary, fractional, label map (PS3.3 A.51, C.8.20)."""

from pathlib import Path
from typing import Any

import numpy as np

from medbench.base.errors import BadInputError, DecodeError
from medbench.dicom.colours import from_cielab, palette_colour
from medbench.dicom.dataset import damage_named, read_dataset
from medbench.dicom.decoding.pool import DecoderPool
from medbench.dicom.frame_groups import functional
from medbench.dicom.pixel_source import PixelSource
from medbench.domain.objects import (
    PlaneGrid,
    Segment,
    Segmentation,
    SegmentationKind,
    SegmentFrame,
)

_LABEL_MAP_CLASS = "1.2.840.10008.5.1.4.1.1.66.7"
_MAX_BYTES = 1 << 30


@damage_named("the segmentation")
def read_segmentation(path: Path, pool: DecoderPool | None = None) -> Segmentation:
    """Read a segmentation with all its frames.

    Raises
    ------
    BadInputError, DecodeError
        It is no segmentation, or its frames cannot be read.
    """
    dataset = read_dataset(path)
    if str(dataset.get("Modality", "")) != "SEG":
        raise BadInputError(f"{path.name} is no segmentation.")
    source = PixelSource(path, pool)
    form = source.form
    if form.rows * form.columns * form.frames > _MAX_BYTES:
        raise BadInputError(f"{path.name} has too many frames to show as an overlay.")
    try:
        return _read(dataset, source)
    except (AttributeError, TypeError, ValueError, KeyError, IndexError) as error:
        words = f"{path.name} is a damaged segmentation ({type(error).__name__}: {error})."
        raise DecodeError(words) from error
    finally:
        source.close()


def _read(dataset: Any, source: PixelSource) -> Segmentation:
    kind = str(dataset.get("SegmentationType", "BINARY")).strip()
    if str(dataset.get("SOPClassUID", "")) == _LABEL_MAP_CLASS:
        kind = SegmentationKind.LABELMAP
    top = float(dataset.get("MaximumFractionalValue") or 255)
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [None])[0]
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or []
    background = dataset.get("PixelPaddingValue")
    frames, counts, thickness = [], dict[int, int](), 0.0
    for index in range(source.form.frames):
        group = per_frame[index] if index < len(per_frame) else None
        if group is None:
            raise ValueError("fewer functional groups than frames")
        values = source.stored(index)
        grid, thick = _grid(group, shared, source.form.rows, source.form.columns)
        thickness = thickness or thick
        uid, number = _referenced(group, shared)
        if kind == SegmentationKind.LABELMAP:
            if background is not None:  # pixels outside everything (C.7.5.1.1.2)
                values = np.where(values == background, 0, values)
            found, times = np.unique(values[values > 0], return_counts=True)
            for label, n in zip(found.tolist(), times.tolist(), strict=True):
                counts[label] = counts.get(label, 0) + n
            frames.append(SegmentFrame(0, grid, values.astype(np.uint16), uid, number))
            continue
        segment = int(
            functional(group, shared, "SegmentIdentificationSequence", "ReferencedSegmentNumber")
        )
        if kind == SegmentationKind.FRACTIONAL:
            part = values.astype(np.float32) / np.float32(top)
            counts[segment] = counts.get(segment, 0) + int((part >= 0.5).sum())
            frames.append(SegmentFrame(segment, grid, part, uid, number))
        else:
            mask = values > 0
            counts[segment] = counts.get(segment, 0) + int(mask.sum())
            frames.append(SegmentFrame(segment, grid, mask, uid, number))
    series = dataset.get("ReferencedSeriesSequence") or ()
    return Segmentation(
        str(dataset.get("SOPInstanceUID", "")),
        str(dataset.get("ContentLabel", "") or dataset.get("SeriesDescription", "") or ""),
        kind,
        tuple(_segments(dataset, counts)),
        tuple(frames),
        str(dataset.get("FrameOfReferenceUID", "") or ""),
        thickness,
        tuple(str(s.get("SeriesInstanceUID", "")) for s in series),
    )


def _segments(dataset: Any, counts: dict[int, int]) -> list[Segment]:
    found = []
    for item in dataset.get("SegmentSequence") or ():
        number = int(item.SegmentNumber)
        if number == 0:  # the background of a label map
            continue
        lab = item.get("RecommendedDisplayCIELabValue")
        colour = from_cielab(lab) if lab is not None and len(lab) == 3 else palette_colour(number)
        found.append(
            Segment(
                number,
                str(item.get("SegmentLabel", "") or f"Segment {number}"),
                colour,
                str(item.get("SegmentAlgorithmType", "") or ""),
                counts.get(number, 0),
            )
        )
    named = {segment.number for segment in found}
    found += [
        Segment(n, f"Segment {n}", palette_colour(n), "", counts[n])
        for n in sorted(counts) if n not in named
    ]  # fmt: skip
    return found


def _grid(group: Any, shared: Any, rows: int, columns: int) -> tuple[PlaneGrid | None, float]:
    position = functional(group, shared, "PlanePositionSequence", "ImagePositionPatient")
    orientation = functional(group, shared, "PlaneOrientationSequence", "ImageOrientationPatient")
    spacing = functional(group, shared, "PixelMeasuresSequence", "PixelSpacing")
    if position is None or orientation is None or spacing is None:
        return None, 0.0
    x, y, z = (float(v) for v in position)
    cosines = [float(v) for v in orientation]
    thick = functional(group, shared, "PixelMeasuresSequence", "SpacingBetweenSlices")
    if thick is None:
        thick = functional(group, shared, "PixelMeasuresSequence", "SliceThickness")
    grid = PlaneGrid(
        (x, y, z), (cosines[0], cosines[1], cosines[2]), (cosines[3], cosines[4], cosines[5]),
        float(spacing[0]), float(spacing[1]), rows, columns,
    )  # fmt: skip
    return grid, abs(float(thick or 0.0))


def _referenced(group: Any, shared: Any) -> tuple[str, int]:
    for source in (group, shared):
        for derivation in (source.get("DerivationImageSequence") or ()) if source else ():
            for image in derivation.get("SourceImageSequence") or ():
                frame = image.get("ReferencedFrameNumber")
                first = int(frame[0] if hasattr(frame, "__len__") else frame) if frame else 1
                return str(image.get("ReferencedSOPInstanceUID", "")), first - 1
    return "", 0
