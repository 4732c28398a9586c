"""RT Structure Sets: contours in patient coordinates (PS3.3 A.19, C.8.8.6)."""

from pathlib import Path
from typing import Any

import numpy as np

from medbench.base.errors import BadInputError, DecodeError
from medbench.dicom.colours import palette_colour
from medbench.dicom.dataset import damage_named, read_dataset
from medbench.domain.objects import Contour, Segment, Structure, StructureSet


@damage_named("the structure set")
def read_structures(path: Path) -> StructureSet:
    """Read a structure set; contours that cannot be read are left out with a warning.

    Raises
    ------
    BadInputError, DecodeError
        It is none, or damaged.
    """
    dataset = read_dataset(path)
    if str(dataset.get("Modality", "")) != "RTSTRUCT":
        raise BadInputError(f"{path.name} is no structure set.")
    try:
        return _read(dataset)
    except (AttributeError, TypeError, ValueError, KeyError, IndexError) as error:
        words = f"{path.name} is a damaged structure set ({type(error).__name__})."
        raise DecodeError(words) from error


def _read(dataset: Any) -> StructureSet:
    rois = {int(item.ROINumber): item for item in dataset.get("StructureSetROISequence") or ()}
    contours: dict[int, Any] = {
        int(item.ReferencedROINumber): item for item in dataset.get("ROIContourSequence") or ()
    }
    default = str(dataset.get("FrameOfReferenceUID", "") or "")
    structures, warnings = [], []
    for number, roi in rois.items():
        found, bad = _contours(contours.get(number))
        name = str(roi.get("ROIName", "") or f"ROI {number}")
        if bad:
            warnings.append(f"{name}: {bad} contours cannot be read")
        structures.append(
            Structure(
                Segment(number, name, _colour(contours.get(number), number),
                        str(roi.get("ROIGenerationAlgorithm", "") or "")),
                tuple(found),
                str(roi.get("ReferencedFrameOfReferenceUID", "") or default),
            )
        )  # fmt: skip
    label = str(dataset.get("StructureSetLabel", "") or dataset.get("SeriesDescription", "") or "")
    uid = str(dataset.get("SOPInstanceUID", ""))
    return StructureSet(uid, label, tuple(structures), tuple(warnings))


def _contours(item: Any) -> tuple[list[Contour], int]:
    found, bad = [], 0
    for contour in (item.get("ContourSequence") or ()) if item is not None else ():
        if "ContourData" not in contour:
            continue
        data = contour.get_item("ContourData")
        data = data.value if isinstance(data.value, bytes) else contour.get("ContourData")
        if data is None:
            continue
        values = _numbers(data)
        if len(values) % 3 or not np.isfinite(values).all():
            bad += 1
            continue
        kind = str(contour.get("ContourGeometricType", "CLOSED_PLANAR"))
        found.append(Contour(values.reshape(-1, 3), kind.startswith("CLOSED")))
    return found, bad


def _numbers(data: Any) -> np.ndarray:
    """Contour Data; from the stored text, since an object for each number costs 200 bytes."""
    parts = data.split(b"\\") if isinstance(data, bytes) else data
    return np.fromiter((float(part) for part in parts), np.float64)


def _colour(item: Any, number: int) -> tuple[int, int, int]:
    stored = item.get("ROIDisplayColor") if item is not None else None
    if stored is None or len(stored) != 3:
        return palette_colour(number)
    red, green, blue = (min(max(int(v), 0), 255) for v in stored)
    return red, green, blue
