"""Measurements out of structured reports: ours and other programs' (PS3.16 TID 1500, 1410, 1501).

Read tolerantly: groups wherever they stand, coordinates as regions or below their numbers, retired
codes, references inside the document.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from medbench.base.errors import BadInputError, DecodeError
from medbench.dicom.dataset import DAMAGE, read_dataset
from medbench.dicom.guard import read_header
from medbench.dicom.measurement_shapes import Graphic, Plane, kind_of, measured, plane_of_words
from medbench.dicom.quantity_codes import Code, implied_unit, quantity_name, unit_words
from medbench.dicom.report_values import code_text
from medbench.dicom.values import item_characters, item_text
from medbench.domain.measurement import Measurement, Quantity, Site

_MAX_ITEMS = 100_000
_MAX_DEPTH = 60
_GROUP = ("125007", "DCM")
_COORDINATES = {"SCOORD": 2, "SCOORD3D": 3}
_REFERENCE_POINTS = ("122438", "DCM")
_OWN = "99MEDBENCH"


@dataclass(frozen=True)
class SegmentNumbers:
    """Numbers of a segment or a whole image: they have no points of their own."""

    label: str
    tracker_uid: str
    sop_instance_uid: str
    segment: int | None
    quantities: tuple[Quantity, ...]


@dataclass(frozen=True)
class MeasurementReport:
    """What a report measures."""

    title: str
    study_instance_uid: str
    sop_instance_uid: str
    reader: str
    measurements: tuple[Measurement, ...]
    segments: tuple[SegmentNumbers, ...] = ()
    left_out: tuple[str, ...] = ()
    """Reasons, for graphics that cannot be shown."""


def read_measurements(path: Path) -> tuple[Measurement, ...]:
    """Measurements with points; see `read_measurement_report`."""
    return read_measurement_report(path).measurements


def read_measurement_report(path: Path) -> MeasurementReport:
    """Read what a structured report measures.

    Measurements on acquired images name instance and frame, their picture's geometry is not in the
    report; those in three dimensions carry a plane, the one they were made on where the report
    says so.

    Raises
    ------
    BadInputError, NotDicomError, IncompleteError, DecodeError
        It is no structured report, or damaged.
    """
    if read_header(path).items > _MAX_ITEMS:
        raise BadInputError(f"{path.name} holds more than {_MAX_ITEMS} entries: too many to read.")
    try:
        dataset = read_dataset(path)
        if not str(dataset.get("SOPClassUID", "")).startswith("1.2.840.10008.5.1.4.1.1.88."):
            raise BadInputError(f"{path.name} is no structured report.")
        return _Reader(dataset).report()
    except DAMAGE as error:
        words = f"{path.name} is a damaged report ({type(error).__name__})."
        raise DecodeError(words) from error


@dataclass
class _Found:
    """What stands in one measurement group, before it is a measurement."""

    graphics: list[Graphic] = field(default_factory=list)
    aside: list[Graphic] = field(default_factory=list)
    """Reference points: where a label or an arrow's tail lies."""
    quantities: list[Quantity] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    image: tuple[str, int, int | None] = ("", 0, None)
    """Instance, frame, segment a group points at without coordinates."""
    own: list["_Found"] = field(default_factory=list)
    """Coordinates with numbers of their own."""


class _Reader:
    def __init__(self, dataset: Any) -> None:
        self._root = dataset
        self._characters = item_characters(dataset)
        self._study = str(dataset.get("StudyInstanceUID", "") or "")
        self._uid = str(dataset.get("SOPInstanceUID", "") or "")
        self._series = dict(_evidence(dataset))
        self._left_out: list[str] = []

    def report(self) -> MeasurementReport:
        reader = self._observer(self._root)
        groups = list(self._groups(self._root, 0))
        if not groups:
            groups = [self._root]
        measurements: list[Measurement] = []
        segments: list[SegmentNumbers] = []
        for item in groups:
            found = _Found()
            self._walk(item, found, 0, top=item is not self._root)
            for part in (found, *found.own):
                made = self._measurements(part, item, reader, len(measurements))
                measurements += made
                if not made and part.quantities:
                    segments.append(
                        SegmentNumbers(
                            part.texts.get("112039", ""), part.texts.get("112040", ""),
                            part.image[0], part.image[2], tuple(part.quantities),
                        )
                    )  # fmt: skip
        title, _ = code_text(self._root, "ConceptNameCodeSequence", self._characters)
        return MeasurementReport(
            title, self._study, self._uid, reader, tuple(measurements), tuple(segments),
            tuple(dict.fromkeys(self._left_out)),
        )  # fmt: skip

    # the tree

    def _groups(self, item: Any, depth: int) -> Iterator[Any]:
        if depth > _MAX_DEPTH:
            raise ValueError("nested too deeply")
        if depth and self._concept(item)[:2] == _GROUP:
            yield item
            return
        for child in item.get("ContentSequence") or ():
            yield from self._groups(child, depth + 1)

    def _concept(self, item: Any, keyword: str = "ConceptNameCodeSequence") -> Code:
        meaning, code = code_text(item, keyword, item_characters(item, self._characters))
        value, _, scheme = code.rpartition(", ")
        return value, scheme, meaning

    def _target(self, item: Any) -> Any:
        """The item that a reference inside the document stands for (PS3.3 C.17.3.2.4)."""
        identifier = item.get("ReferencedContentItemIdentifier")
        if identifier is None:
            return item
        numbers = [identifier] if isinstance(identifier, int) else list(identifier)
        found = self._root
        for number in numbers[1:]:
            found = found.ContentSequence[int(number) - 1]
        return found

    def _walk(self, item: Any, found: _Found, depth: int, *, top: bool = True) -> None:
        if depth > _MAX_DEPTH:
            raise ValueError("nested too deeply")
        for child in item.get("ContentSequence") or ():
            self._child(self._target(child), found, depth)

    def _child(self, item: Any, found: _Found, depth: int) -> None:
        kind, concept = str(item.get("ValueType", "") or "").strip(), self._concept(item)
        if kind == "NUM":
            self._number(item, concept, found)
        elif kind in _COORDINATES:
            self._coordinates(item, concept, found, depth)
        elif kind in ("TEXT", "UIDREF", "PNAME", "CODE"):
            found.texts.setdefault(concept[0], self._words(item, kind))
            for child in item.get("ContentSequence") or ():  # a label and where it lies
                if str(child.get("ValueType", "")) in _COORDINATES and kind == "CODE":
                    self._coordinates(self._target(child), concept, found, depth)
        elif kind == "IMAGE":
            for reference in item.get("ReferencedSOPSequence") or ():
                found.image = _reference(reference)
        elif kind == "CONTAINER" and concept[:2] != _GROUP:
            self._walk(item, found, depth + 1)

    def _words(self, item: Any, kind: str) -> str:
        characters = item_characters(item, self._characters)
        if kind == "CODE":
            return self._concept(item, "ConceptCodeSequence")[2]
        keyword = {"TEXT": "TextValue", "UIDREF": "UID", "PNAME": "PersonName"}[kind]
        words = item_text(item, keyword, characters).replace("\r\n", "\n").strip()
        return " ".join(words.replace("^", " ").split()) if kind == "PNAME" else words

    def _number(self, item: Any, concept: Code, found: _Found) -> None:
        derivation: Code | None = None
        badge = ""
        for child in (self._target(c) for c in item.get("ContentSequence") or ()):
            name = self._concept(child)
            if name[:2] == ("121401", "DCM"):
                derivation = self._concept(child, "ConceptCodeSequence")
            elif name[:2] == ("BADGE", _OWN):
                badge = self._words(child, "TEXT")
            elif str(child.get("ValueType", "")) in _COORDINATES:
                self._coordinates(child, name, found, 1)
        value, unit = None, implied_unit(concept)
        for stored in (item.get("MeasuredValueSequence") or ())[:1]:
            value = _value(stored)
            unit = unit_words(*self._concept(stored, "MeasurementUnitsCodeSequence"))
        found.quantities.append(Quantity(quantity_name(concept, derivation), value, unit, badge))

    def _coordinates(self, item: Any, concept: Code, found: _Found, depth: int) -> None:
        kind = str(item.ValueType).strip()
        dimensions = _COORDINATES[kind]
        data = item.get("GraphicData")
        values = np.asarray([] if data is None else data, float).ravel()
        points = values[: len(values) // dimensions * dimensions].reshape(-1, dimensions)
        image: tuple[str, int, int | None] = ("", 0, None)
        part = _Found()
        for child in (self._target(c) for c in item.get("ContentSequence") or ()):
            if str(child.get("ValueType", "")) == "IMAGE":
                for reference in child.get("ReferencedSOPSequence") or ():
                    image = _reference(reference)
            else:
                self._child(child, part, depth + 1)
        graphic = Graphic(
            str(item.get("GraphicType", "") or "").strip(), points, image[0], image[1],
            str(item.get("ReferencedFrameOfReferenceUID", "") or ""),
        )  # fmt: skip
        if concept[:2] == _REFERENCE_POINTS:
            found.aside.append(graphic)
        elif part.quantities:
            part.graphics.append(graphic)
            found.own.append(part)
        elif all(graphic != other for other in found.graphics):
            found.graphics.append(graphic)
        if not part.quantities:
            for key, words in part.texts.items():
                found.texts.setdefault(key, words)

    # measurements

    def _observer(self, item: Any) -> str:
        for child in item.get("ContentSequence") or ():
            if self._concept(child)[:2] == ("121008", "DCM"):
                return self._words(child, "PNAME")
        return ""

    def _measurements(self, found: _Found, item: Any, reader: str, count: int) -> list[Measurement]:
        texts = found.texts
        tool = texts.get("TOOL") or texts.get("112039", "")
        made: list[Measurement] = []
        for kind, graphics in kind_of(tool, found.graphics, found.aside, found.quantities):
            first = graphics[0]
            plane = plane_of_words(texts.get("PLANE", "")) if first.points.shape[1] == 3 else None
            try:
                points, plane = measured(kind, graphics, plane)
            except BadInputError as error:
                self._left_out.append(str(error))
                continue
            number = len(made)
            own = texts.get("RECORD", "") if number == 0 else ""
            when = _iso(str(item.get("ObservationDateTime", "") or ""))
            made.append(
                Measurement(
                    own or f"{self._uid}#{count + number + 1}", kind, self._site(first, plane),
                    points, tuple(found.quantities), _label(texts), texts.get("121106", ""),
                    texts.get("LESION", ""), self._observer(item) or reader, when, when, False,
                    texts.get("112040", ""),
                )
            )  # fmt: skip
        return made

    def _site(self, graphic: Graphic, plane: Plane | None) -> Site:
        study, series = self._series.get(graphic.sop_instance_uid, (self._study, ""))
        if plane is None:
            return Site(
                study, series, "", graphic.sop_instance_uid, graphic.frame,
                graphic.frame_of_reference_uid,
            )  # fmt: skip
        return Site(
            self._study, self._only_series(), "", "", 0, graphic.frame_of_reference_uid,
            plane.grid, plane.view, plane.slab_mm,
        )  # fmt: skip

    def _only_series(self) -> str:
        """The series a plane was cut from, where the report lists only one."""
        found = {series for _, series in self._series.values()}
        return found.pop() if len(found) == 1 else ""


def _label(texts: dict[str, str]) -> str:
    """Short label, else finding, else site; patterns of other programs are no label."""
    label = texts.get("125309", "")
    if label.startswith("{") and label.endswith("}"):
        label = ""
    return label or texts.get("121071", "")


def _value(item: Any) -> float | None:
    stored = item.get("FloatingPointValue")
    if stored is None:
        stored = item.get("NumericValue")
    if stored in (None, ""):
        return None
    value = float(
        stored[0] if hasattr(stored, "__len__") and not isinstance(stored, str) else stored
    )
    return value if np.isfinite(value) else None


def _reference(reference: Any) -> tuple[str, int, int | None]:
    def first(keyword: str) -> int | None:
        stored = reference.get(keyword)
        if stored in (None, ""):
            return None
        several = hasattr(stored, "__len__") and not isinstance(stored, str)
        return int(stored[0] if several else stored)

    uid = str(reference.get("ReferencedSOPInstanceUID", "") or "")
    return uid, (first("ReferencedFrameNumber") or 1) - 1, first("ReferencedSegmentNumber")


def _evidence(dataset: Any) -> Iterator[tuple[str, tuple[str, str]]]:
    """SOP Instance UID -> (study, series) of all listed instances (PS3.3 C.17.2.1)."""
    listed = ("CurrentRequestedProcedureEvidenceSequence", "PertinentOtherEvidenceSequence")
    for keyword in listed:
        for study in dataset.get(keyword) or ():
            study_uid = str(study.get("StudyInstanceUID", "") or "")
            for series in study.get("ReferencedSeriesSequence") or ():
                series_uid = str(series.get("SeriesInstanceUID", "") or "")
                for instance in series.get("ReferencedSOPSequence") or ():
                    uid = str(instance.get("ReferencedSOPInstanceUID", "") or "")
                    yield uid, (study_uid, series_uid)


def _iso(moment: str) -> str:
    """A DT value to the second as ISO 8601, UTC; one without a zone is local time."""
    found = re.fullmatch(r"(\d{14})(?:\.\d+)?([+-]\d{4})?", moment.strip())
    if found is None:
        return ""
    try:
        form = "%Y%m%d%H%M%S%z" if found[2] else "%Y%m%d%H%M%S"
        when = datetime.strptime(found[1] + (found[2] or ""), form)  # noqa: DTZ007 - local
        return when.astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        return ""
