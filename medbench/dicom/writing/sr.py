"""Measurements as a structured report: Comprehensive 3D SR, TID 1500 (PS3.3 A.35.13, PS3.16).

A measurement on an acquired frame points at its image with SCOORD; one on a plane cut from a
volume has no image and is written in the patient, with SCOORD3D (PS3.3 C.18.9).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import UID

from medbench.base.errors import BadInputError
from medbench.dicom.quantity_codes import quantity_code, unit_code
from medbench.dicom.write import stable_uid
from medbench.dicom.writing import items
from medbench.dicom.writing.heading import (
    RESEARCH_NOTE,
    SeriesNames,
    SourceImage,
    SourceStudy,
    evidence,
    new_object,
    save_object,
    valid_text,
)
from medbench.domain.measurement import Measurement, MeasurementKind
from medbench.domain.objects import PlaneGrid

COMPREHENSIVE_3D = UID("1.2.840.10008.5.1.4.1.1.88.34")
SERIES_NUMBER = 9001
_CENTRE = 0.5
"""From our pixel centres at whole numbers to DICOM's, which counts from the outer corner of the
first pixel (PS3.3 C.18.6.1.2)."""
_LINES = {
    MeasurementKind.LENGTH: ("length",),
    MeasurementKind.BIDIRECTIONAL: ("long axis", "short axis"),
    MeasurementKind.ANGLE: ("angle",),
    MeasurementKind.COBB: ("Cobb angle", "angle"),
    MeasurementKind.PROBE: ("value", "mean"),
}
"""Numbers that carry the coordinates they were inferred from (TID 1501, TID 300)."""


@dataclass(frozen=True)
class SrAnswer:
    """What was written, and what could not be."""

    written: int
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Shape:
    graphic: str
    points: np.ndarray
    """(n, 2) row, column."""


def write_measurements(
    path: Path, measurements: Sequence[Measurement], study: SourceStudy, *, reader: str = "",
    description: str = "Measurements",
) -> SrAnswer:  # fmt: skip
    """Write measurements of one study as a report in a new series of it.

    Raises
    ------
    BadInputError
        None of them can be written, with the first reason.
    OSError
        The file cannot be written; nothing half-written stays.
    """
    groups, used, left_out = [], dict[str, SourceImage](), []
    for measurement in measurements:
        try:
            groups.append(_group(measurement, study, reader, used))
        except BadInputError as error:
            left_out.append(str(error))
    if not groups:
        reason = left_out[0] if left_out else "there are none."
        raise BadInputError(f"No measurement could be written: {reason}")
    ds = new_object(study, COMPREHENSIVE_3D, SeriesNames(description, SERIES_NUMBER, "SR"))
    ds.ReferencedPerformedProcedureStepSequence = []
    ds.PerformedProcedureCodeSequence = []
    ds.CompletionFlag, ds.VerificationFlag, ds.PreliminaryFlag = (
        "PARTIAL",
        "UNVERIFIED",
        "PRELIMINARY",
    )
    ds.CompletionFlagDescription = RESEARCH_NOTE
    listed = list(used.values()) or list(study.images.values())[:1]
    ds.CurrentRequestedProcedureEvidenceSequence = evidence(study, listed)
    scheme = Dataset()
    scheme.CodingSchemeDesignator = items.OWN_SCHEME
    scheme.CodingSchemeName = "medbench local codes"
    scheme.CodingSchemeResponsibleOrganization = "medbench"
    ds.CodingSchemeIdentificationSequence = [scheme]
    ds.update(items.container("", items.REPORT, _document(groups, study, reader), "1500"))
    save_object(ds, path)
    return SrAnswer(len(groups), tuple(left_out))


def _document(groups: list[Dataset], study: SourceStudy, reader: str) -> list[Dataset]:
    note = f"{RESEARCH_NOTE} Simulated images, no patient." if study.simulated else RESEARCH_NOTE
    english = ("en", "RFC5646", "English")
    return [
        items.coded(items.MODIFIER, items.LANGUAGE, english),
        *_observer(reader),
        items.coded(items.MODIFIER, items.PROCEDURE, items.IMAGING),
        items.container(items.CONTAINS, items.MEASUREMENTS, groups),
        items.text(items.CONTAINS, items.COMMENT, note),
    ]


def _observer(reader: str) -> list[Dataset]:
    """Observer context (TID 1001 to 1004): the reader, or the program where there is no name."""
    if reader.strip():
        return [
            items.coded(items.CONTEXT, items.OBSERVER_TYPE, items.PERSON),
            items.person(items.CONTEXT, items.OBSERVER_NAME, reader),
        ]
    return [
        items.coded(items.CONTEXT, items.OBSERVER_TYPE, items.DEVICE),
        items.uid(items.CONTEXT, items.DEVICE_UID, stable_uid("medbench")),
        items.text(items.CONTEXT, items.DEVICE_NAME, "medbench"),
    ]


# one measurement


def _group(
    measurement: Measurement, study: SourceStudy, reader: str, used: dict[str, SourceImage]
) -> Dataset:
    """A measurement group: TID 1410 for outlines and marks, TID 1501 for lines and points."""
    made = [_coordinates(shape, measurement, study, used) for shape in _shapes(measurement)]
    carriers = [
        name for name in _LINES.get(measurement.kind, ()) if measurement.quantity(name) is not None
    ]
    numbers = []
    for quantity in measurement.quantities:
        concept, derivation = quantity_code(quantity.name, quantity.unit)
        children = []
        if derivation is not None:
            children.append(items.coded(items.MODIFIER, items.DERIVATION, derivation))
        if quantity.badge:
            children.append(items.text(items.MODIFIER, items.BADGE, quantity.badge))
        if made and quantity.name in carriers:
            item = made.pop(0)
            item.RelationshipType = items.INFERRED
            item.ConceptNameCodeSequence = [items.code_item(items.PATH)]
            children.append(item)
        unit = unit_code(quantity.unit)
        numbers.append(items.number(items.CONTAINS, concept, quantity.value, unit, children))
    group = items.container(
        items.CONTAINS, items.GROUP,
        [*_about(measurement, study, reader), *made, *numbers], "1410" if made else "1501",
    )  # fmt: skip
    if when := _moment(measurement.changed or measurement.created):
        group.ObservationDateTime = when
    return group


def _about(measurement: Measurement, study: SourceStudy, reader: str) -> list[Dataset]:
    """What is tracked, what it is called, who measured it, and with which tool."""
    tracked = measurement.lesion or measurement.label or f"{measurement.kind.value}"
    tracking_uid = valid_text("UID", measurement.tracker_uid) or _tracking_uid(measurement, study)
    found = [
        items.text(items.CONTEXT, items.TRACKING, tracked),
        items.uid(items.CONTEXT, items.TRACKING_UID, tracking_uid),
    ]
    if measurement.reader and measurement.reader != reader:
        found += _observer(measurement.reader)
    if measurement.label:
        found.append(items.text(items.MODIFIER, items.LABEL, measurement.label))
    if measurement.lesion:
        found.append(items.text(items.MODIFIER, items.LESION, measurement.lesion))
    found.append(items.text(items.MODIFIER, items.TOOL, measurement.kind.value))
    found.append(items.text(items.MODIFIER, items.RECORD, measurement.measurement_id))
    if measurement.site.reformatted and measurement.site.grid is not None:
        words = plane_words(measurement.site.grid, measurement.site.view, measurement.site.slab_mm)
        found.append(items.text(items.MODIFIER, items.PLANE, words))
    if measurement.text:
        found.append(items.text(items.CONTAINS, items.COMMENT, measurement.text))
    return found


def _tracking_uid(measurement: Measurement, study: SourceStudy) -> str:
    """The same for one lesion in all studies of its patient, else for one measurement."""
    if measurement.lesion:
        patient = study.heading.get("PatientID", "") or study.study_instance_uid
        return stable_uid("tracking", patient, measurement.lesion)
    return stable_uid("tracking", study.study_instance_uid, measurement.measurement_id)


def plane_words(grid: PlaneGrid, view: str, slab_mm: float) -> str:
    """A cut plane in words and numbers, so that it can be shown again as it was."""
    parts = (
        ("view", [view]), ("slab", [slab_mm]), ("origin", grid.origin_mm),
        ("row", grid.row_direction), ("column", grid.column_direction),
        ("pixel", (grid.row_mm, grid.column_mm)), ("size", (grid.rows, grid.columns)),
    )  # fmt: skip
    return "; ".join(f"{name} {' '.join(_plain(v) for v in values)}" for name, values in parts)


def _plain(value: object) -> str:
    return repr(float(value)) if isinstance(value, (float, np.floating)) else str(value)


def _shapes(measurement: Measurement) -> list[_Shape]:
    """Graphics of a measurement; outlines end where they began (PS3.3 C.18.6.1.2)."""
    kind = measurement.kind
    points = np.asarray(measurement.points, float).reshape(-1, 2)
    if not len(points):
        raise BadInputError(f"the {kind.value} has no points.")
    if kind in (MeasurementKind.PROBE, MeasurementKind.TEXT):
        return [_Shape("POINT", points[:1])]
    if kind is MeasurementKind.BIDIRECTIONAL:
        return [_Shape("POLYLINE", points[:2]), _Shape("POLYLINE", points[2:4])]
    if kind is MeasurementKind.ELLIPSE:
        return [_Shape("ELLIPSE", _longer_first(points, measurement.site.grid))]
    if kind is MeasurementKind.RECTANGLE:
        (top, left), (bottom, right) = points[:2]
        points = np.array([[top, left], [top, right], [bottom, right], [bottom, left]])
    if kind.is_roi:
        return [_Shape("OUTLINE", np.concatenate([points, points[:1]]))]
    return [_Shape("POLYLINE", points)]


def _longer_first(points: np.ndarray, grid: PlaneGrid | None) -> np.ndarray:
    """Ends of the major axis before those of the minor one (PS3.3 C.18.6.1.2)."""
    size = np.array((1.0, 1.0) if grid is None else (grid.row_mm, grid.column_mm))
    first, second = (np.linalg.norm((points[i + 1] - points[i]) * size) for i in (0, 2))
    return points if first >= second else points[[2, 3, 0, 1]]


def _coordinates(
    shape: _Shape, measurement: Measurement, study: SourceStudy, used: dict[str, SourceImage]
) -> Dataset:
    site = measurement.site
    source = study.images.get(site.sop_instance_uid)
    if source is not None and _inside(shape.points, source):
        used[source.sop_instance_uid] = source
        graphic = "POLYLINE" if shape.graphic == "OUTLINE" else shape.graphic
        return items.coordinates(
            items.CONTAINS, items.REGION, graphic, shape.points[:, ::-1] + _CENTRE,
            source=items.image(items.SELECTED, source, site.frame, items.SOURCE),
        )  # fmt: skip
    if site.grid is None or not site.frame_of_reference_uid:
        what = (
            f"the {measurement.kind.value}{f' {measurement.label!r}' if measurement.label else ''}"
        )
        if source is not None:
            raise BadInputError(f"{what} reaches beyond its picture, which has no place in space.")
        raise BadInputError(f"{what} lies on a picture that is no DICOM image of this study.")
    for image in study.images.values():  # where the volume came from
        if image.series_instance_uid == site.series_instance_uid:
            used.setdefault(image.sop_instance_uid, image)
    graphic = "POLYGON" if shape.graphic == "OUTLINE" else shape.graphic
    return items.coordinates(
        items.CONTAINS, items.REGION, graphic, places_mm(shape.points, site.grid),
        frame_of_reference_uid=site.frame_of_reference_uid,
    )  # fmt: skip


def places_mm(points: np.ndarray, grid: PlaneGrid) -> np.ndarray:
    """(n, 2) row, column on a plane -> (n, 3) LPS mm."""
    down = np.asarray(grid.column_direction) * grid.row_mm
    right = np.asarray(grid.row_direction) * grid.column_mm
    return np.asarray(np.asarray(grid.origin_mm) + points[:, :1] * down + points[:, 1:] * right)


def _inside(points: np.ndarray, source: SourceImage) -> bool:
    """SCOORD must lie within the image (PS3.3 C.18.6.1.2)."""
    limit = np.array((source.rows or np.inf, source.columns or np.inf))
    return bool((points + _CENTRE >= 0).all() and (points + _CENTRE <= limit).all())


def _moment(iso: str) -> str:
    """ISO 8601 as a DT value in local time, as all times of the object (PS3.5 6.2)."""
    try:
        return datetime.fromisoformat(iso).astimezone().strftime("%Y%m%d%H%M%S")
    except ValueError:
        return ""
