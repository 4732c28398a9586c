"""Content items of structured reports (PS3.3 C.17.3, C.18), and the codes medbench writes."""

from collections.abc import Iterable, Sequence

import numpy as np
from pydicom.dataset import Dataset
from pydicom.valuerep import format_number_as_ds

from medbench.dicom.writing.heading import (
    SourceImage,
    long_text,
    person_name,
    referenced,
    short_text,
)

Code = tuple[str, str, str]
"""Value, coding scheme, meaning (PS3.3 8)."""
OWN_SCHEME = "99MEDBENCH"

CONTAINS, CONTEXT, MODIFIER = "CONTAINS", "HAS OBS CONTEXT", "HAS CONCEPT MOD"
INFERRED, SELECTED = "INFERRED FROM", "SELECTED FROM"

REPORT: Code = ("126000", "DCM", "Imaging Measurement Report")
MEASUREMENTS: Code = ("126010", "DCM", "Imaging Measurements")
GROUP: Code = ("125007", "DCM", "Measurement Group")
LANGUAGE: Code = ("121049", "DCM", "Language of Content Item and Descendants")
OBSERVER_TYPE: Code = ("121005", "DCM", "Observer Type")
PERSON: Code = ("121006", "DCM", "Person")
DEVICE: Code = ("121007", "DCM", "Device")
OBSERVER_NAME: Code = ("121008", "DCM", "Person Observer Name")
DEVICE_UID: Code = ("121012", "DCM", "Device Observer UID")
DEVICE_NAME: Code = ("121013", "DCM", "Device Observer Name")
PROCEDURE: Code = ("121058", "DCM", "Procedure reported")
IMAGING: Code = ("363679005", "SCT", "Imaging procedure")
TRACKING: Code = ("112039", "DCM", "Tracking Identifier")
TRACKING_UID: Code = ("112040", "DCM", "Tracking Unique Identifier")
LABEL: Code = ("125309", "DCM", "Short label")
REGION: Code = ("111030", "DCM", "Image Region")
PATH: Code = ("121055", "DCM", "Path")
SOURCE: Code = ("121324", "DCM", "Source Image")
DERIVATION: Code = ("121401", "DCM", "Derivation")
COMMENT: Code = ("121106", "DCM", "Comment")
FAILED: Code = ("114006", "DCM", "Measurement failure")

TOOL: Code = ("TOOL", OWN_SCHEME, "Kind of measurement")
RECORD: Code = ("RECORD", OWN_SCHEME, "Record of the reader")
LESION: Code = ("LESION", OWN_SCHEME, "Lesion")
PLANE: Code = ("PLANE", OWN_SCHEME, "Plane of the picture")
BADGE: Code = ("BADGE", OWN_SCHEME, "Source of the number")

_SHAPE_DIMENSIONS = {2: "SCOORD", 3: "SCOORD3D"}


def code_item(code: Code) -> Dataset:
    """One item of a code sequence."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator = code[0], code[1]
    item.CodeMeaning = short_text(code[2])
    return item


def _item(relation: str, kind: str, concept: Code | None) -> Dataset:
    item = Dataset()
    if relation:
        item.RelationshipType = relation
    item.ValueType = kind
    if concept is not None:
        item.ConceptNameCodeSequence = [code_item(concept)]
    return item


def container(
    relation: str, concept: Code, children: Iterable[Dataset], template: str = ""
) -> Dataset:
    """A heading and what stands below it."""
    item = _item(relation, "CONTAINER", concept)
    item.ContinuityOfContent = "SEPARATE"
    if template:
        used = Dataset()
        used.MappingResource, used.TemplateIdentifier = "DCMR", template
        item.ContentTemplateSequence = [used]
    item.ContentSequence = list(children)
    return item


def text(relation: str, concept: Code, value: str) -> Dataset:
    """A text."""
    item = _item(relation, "TEXT", concept)
    item.TextValue = long_text(value)
    return item


def coded(
    relation: str, concept: Code, value: Code, children: Sequence[Dataset] = ()
) -> Dataset:  # fmt: skip
    """A coded value."""
    item = _item(relation, "CODE", concept)
    item.ConceptCodeSequence = [code_item(value)]
    if children:
        item.ContentSequence = list(children)
    return item


def uid(relation: str, concept: Code, value: str) -> Dataset:
    """A UID."""
    item = _item(relation, "UIDREF", concept)
    item.UID = value
    return item


def person(relation: str, concept: Code, name: str) -> Dataset:
    """A person's name."""
    item = _item(relation, "PNAME", concept)
    item.PersonName = person_name(name)
    return item


def number(
    relation: str, concept: Code, value: float | None, unit: Code, children: Sequence[Dataset] = ()
) -> Dataset:
    """A number with its unit; None says that there is none (PS3.3 C.18.1)."""
    item = _item(relation, "NUM", concept)
    item.MeasuredValueSequence = []
    if value is None:
        item.NumericValueQualifierCodeSequence = [code_item(FAILED)]
    else:
        measured = Dataset()
        measured.NumericValue = format_number_as_ds(float(value))
        measured.FloatingPointValue = float(value)
        measured.MeasurementUnitsCodeSequence = [code_item(unit)]
        item.MeasuredValueSequence = [measured]
    if children:
        item.ContentSequence = list(children)
    return item


def image(relation: str, source: SourceImage, frame: int, concept: Code | None = None) -> Dataset:
    """A frame (from 0) of an image."""
    item = _item(relation, "IMAGE", concept)
    item.ReferencedSOPSequence = [referenced(source, (frame,))]
    return item


def coordinates(
    relation: str, concept: Code, graphic: str, points: np.ndarray, *,
    source: Dataset | None = None, frame_of_reference_uid: str = "",
) -> Dataset:  # fmt: skip
    """Spatial coordinates, ``points`` (n, 2) column, row or (n, 3) LPS mm (PS3.3 C.18.6, C.18.9).

    ``source`` is the image they were selected from; three-dimensional ones name their frame of
    reference instead.
    """
    item = _item(relation, _SHAPE_DIMENSIONS[points.shape[1]], concept)
    item.GraphicType = graphic
    item.GraphicData = [float(v) for v in np.asarray(points, np.float32).ravel()]
    if frame_of_reference_uid:
        item.ReferencedFrameOfReferenceUID = frame_of_reference_uid
    if source is not None:
        item.ContentSequence = [source]
    return item
