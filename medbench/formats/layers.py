"""Objects that are drawn over images, and states that say how images are shown."""

from typing import Any

import numpy as np

from medbench.base.errors import BadInputError
from medbench.dicom.dataset import damage_named, read_dataset
from medbench.dicom.decoding.pool import DecoderPool
from medbench.dicom.presentation import read_presentation
from medbench.dicom.segmentation import read_segmentation
from medbench.dicom.structures import read_structures
from medbench.domain.image import DisplaySet
from medbench.domain.objects import ScalarField
from medbench.formats.opening import open_display

SEGMENTATION = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
STRUCTURES = "1.2.840.10008.5.1.4.1.1.481.3"
DOSE = "1.2.840.10008.5.1.4.1.1.481.2"
PARAMETRIC_MAP = "1.2.840.10008.5.1.4.1.1.30"
PRESENTATION = "1.2.840.10008.5.1.4.1.1.11."


def is_layer(display: DisplaySet) -> bool:
    """Whether the display belongs over other images."""
    uid = display.sop_class_uid
    return uid in (*SEGMENTATION, STRUCTURES, DOSE, PARAMETRIC_MAP) or uid.startswith(PRESENTATION)


@damage_named("the object")
def read_layer(display: DisplaySet, pool: DecoderPool | None = None) -> Any:
    """A `Segmentation`, `StructureSet`, `ScalarField` or `PresentationState`.

    Raises
    ------
    BadInputError, DecodeError, IncompleteError
        With the reason in plain words.
    """
    uid, path = display.sop_class_uid, display.frames[0].path
    if uid in SEGMENTATION:
        return read_segmentation(path, pool)
    if uid == STRUCTURES:
        return read_structures(path)
    if uid in (DOSE, PARAMETRIC_MAP):
        return _field(display, pool)
    if uid.startswith(PRESENTATION):
        return read_presentation(path)
    raise BadInputError("This object is not drawn over images.")


def _field(display: DisplaySet, pool: DecoderPool | None) -> ScalarField:
    geometry = display.geometry
    if geometry is None or not geometry.uniform or display.colour:
        words = "The values have no regular place in the patient: not drawn over images."
        raise BadInputError(words)
    with open_display(display, pool) as reader:
        volume = reader.load()
        unit = volume.infos[0].value_unit
    if volume.failed:
        index, reason = min(volume.failed.items())
        raise BadInputError(f"Frame {index + 1} cannot be read: {reason}.")
    finite = volume.voxels[np.isfinite(volume.voxels) & (volume.voxels > 0)]
    span = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    dataset = read_dataset(display.frames[0].path)
    series = dataset.get("ReferencedSeriesSequence") or ()
    label = str(dataset.get("ContentLabel", "") or dataset.get("DoseComment", "") or "")
    return ScalarField(
        display.frames[0].sop_instance_uid,
        label or display.description or display.modality,
        volume.voxels,
        geometry,
        unit,
        span,
        tuple(str(s.get("SeriesInstanceUID", "")) for s in series),
    )
