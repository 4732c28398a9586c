"""Key images as a Key Object Selection (PS3.3 A.35.4, PS3.16 TID 2010)."""

from collections.abc import Sequence
from pathlib import Path

from pydicom.uid import UID

from medbench.base.errors import BadInputError
from medbench.dicom.writing import items
from medbench.dicom.writing.heading import (
    RESEARCH_NOTE,
    SeriesNames,
    SourceStudy,
    evidence,
    new_object,
    save_object,
)

KEY_OBJECTS = UID("1.2.840.10008.5.1.4.1.1.88.59")
SERIES_NUMBER = 9004
_OF_INTEREST: items.Code = ("113000", "DCM", "Of Interest")
_DESCRIPTION: items.Code = ("113012", "DCM", "Key Object Description")


def write_key_objects(
    path: Path, images: Sequence[tuple[str, int]], study: SourceStudy, *, reader: str = "",
    text: str = "",
) -> int:  # fmt: skip
    """Write key images, (SOP Instance UID, frame from 0); returns how many.

    Raises
    ------
    BadInputError
        None of them is a DICOM image of the study.
    """
    known = [(study.images[uid], frame) for uid, frame in images if uid in study.images]
    if not known:
        raise BadInputError("None of the key images is a DICOM image of this study.")
    ds = new_object(study, KEY_OBJECTS, SeriesNames("Key images", SERIES_NUMBER, "KO"))
    ds.ReferencedPerformedProcedureStepSequence = []
    ds.CurrentRequestedProcedureEvidenceSequence = evidence(study, [image for image, _ in known])
    children = []
    if reader.strip():
        children.append(items.coded(items.CONTEXT, items.OBSERVER_TYPE, items.PERSON))
        children.append(items.person(items.CONTEXT, items.OBSERVER_NAME, reader))
    words = f"{text.strip()}\n{RESEARCH_NOTE}".strip()
    children.append(items.text(items.CONTAINS, _DESCRIPTION, words))
    children += [items.image(items.CONTAINS, image, frame) for image, frame in known]
    ds.update(items.container("", _OF_INTEREST, children, "2010"))
    save_object(ds, path)
    return len(known)
