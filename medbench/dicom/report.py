"""Structured reports and key object selections as a readable tree (PS3.3 C.17.3)."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from medbench.base.errors import BadInputError, DecodeError
from medbench.dicom.dataset import DAMAGE, read_dataset
from medbench.dicom.guard import read_header
from medbench.dicom.report_values import code_text, item_value, references
from medbench.dicom.text import CharacterSet, shown_name
from medbench.dicom.values import iso_date, iso_time, item_characters, item_text
from medbench.domain.image import GraphicObject
from medbench.domain.objects import Report, ReportNode
from medbench.domain.report_text import nodes_of

KEY_OBJECT_CLASS = "1.2.840.10008.5.1.4.1.1.88.59"
MAX_DEPTH = 60
MAX_NODES = 50_000
MAX_ITEMS = 100_000


def read_report(path: Path) -> Report:
    """Read the content tree; call only behind the guard.

    Raises
    ------
    BadInputError, DecodeError
        There is no content, or it is damaged.
    """
    if read_header(path).items > MAX_ITEMS:
        raise BadInputError(f"{path.name} holds more than {MAX_ITEMS} entries: too many to show.")
    try:
        dataset = read_dataset(path)
        if "ContentSequence" not in dataset and "ConceptNameCodeSequence" not in dataset:
            raise BadInputError(f"{path.name} holds no report.")
        return _read(dataset)
    except DAMAGE as error:
        words = f"{path.name} is a damaged report ({type(error).__name__})."
        raise DecodeError(words) from error


def _read(dataset: Any) -> Report:
    characters = item_characters(dataset)
    counter = [0]
    root = _node(dataset, characters, "1", 0, counter)
    complete = _flag(dataset, "CompletionFlag")
    verified = _flag(dataset, "VerificationFlag")
    return Report(
        title=root.name or item_text(dataset, "SeriesDescription", characters),
        status=", ".join(part.title() for part in (complete, verified) if part),
        date=_moment(dataset),
        root=root,
        key_objects=str(dataset.get("SOPClassUID", "")) == KEY_OBJECT_CLASS,
        links=tuple(dict.fromkeys(link for node in nodes_of(root) for link in node.links)),
        complete=complete == "COMPLETE",
        verified=verified == "VERIFIED",
        facts=tuple(_facts(dataset, characters)),
        graphics=_graphics(root),
        count=counter[0],
        series_uids=_evidence(dataset),
    )


def _flag(dataset: Any, keyword: str) -> str:
    return str(dataset.get(keyword, "") or "").strip().upper()


def _moment(dataset: Any) -> str:
    day = iso_date(str(dataset.get("ContentDate", "") or ""))
    return f"{day} {iso_time(str(dataset.get('ContentTime', '') or ''))}".strip()


def _node(
    item: Any, outer: CharacterSet, position: str, depth: int, counter: list[int]
) -> ReportNode:
    counter[0] += 1
    if depth > MAX_DEPTH or counter[0] > MAX_NODES:
        raise ValueError("the report is nested too deeply or too long")
    characters = item_characters(item, outer)
    relationship = str(item.get("RelationshipType", "") or "").strip()
    identifier = item.get("ReferencedContentItemIdentifier")
    if identifier is not None:  # a by-reference relationship (PS3.3 C.17.3.2.4)
        numbers = [identifier] if isinstance(identifier, int) else list(identifier)
        target = ".".join(str(int(number)) for number in numbers)
        return ReportNode(relationship, "REFERENCE", "", "", position=position, target=target)
    kind = str(item.get("ValueType", "") or "CONTAINER").strip()
    graphic = item.get("GraphicData")
    values = [] if graphic is None else graphic if hasattr(graphic, "__len__") else [graphic]
    name, code = code_text(item, "ConceptNameCodeSequence", characters)
    value, note = item_value(item, kind, characters)
    return ReportNode(
        relationship=relationship,
        value_type=kind,
        name=name,
        value=value,
        links=tuple(references(item)),
        graphic_type=str(item.get("GraphicType", "") or "").strip(),
        graphic_data=tuple(float(v) for v in values),
        children=tuple(
            _node(child, characters, f"{position}.{number}", depth + 1, counter)
            for number, child in enumerate(item.get("ContentSequence") or (), 1)
        ),
        position=position,
        code=code,
        continuous=str(item.get("ContinuityOfContent", "") or "").strip() == "CONTINUOUS",
        note=note,
    )


# the document around the tree


def _facts(dataset: Any, characters: CharacterSet) -> Iterator[tuple[str, str]]:
    def text(item: Any, keyword: str) -> str:
        return item_text(item, keyword, item_characters(item, characters))

    name, number = text(dataset, "PatientName"), text(dataset, "PatientID")
    patient = " · ".join(part for part in (shown_name(name), number) if part)
    if patient:
        yield "patient", patient
    for request in dataset.get("ReferencedRequestSequence") or ():
        if accession := text(request, "AccessionNumber"):
            yield "accession", accession
    for author in dataset.get("AuthorObserverSequence") or ():
        who = shown_name(text(author, "PersonName")) or text(author, "StationName")
        if words := _joined(who, text(author, "InstitutionName")):
            yield "author", words
    for verifier in dataset.get("VerifyingObserverSequence") or ():
        when = str(verifier.get("VerificationDateTime", "") or "")
        words = _joined(
            shown_name(text(verifier, "VerifyingObserverName")),
            text(verifier, "VerifyingOrganization"),
            iso_date(when[:8]),
        )
        if words:
            yield "verifier", words
    for template in dataset.get("ContentTemplateSequence") or ():
        if identifier := text(template, "TemplateIdentifier"):
            yield "template", f"TID {identifier} ({text(template, 'MappingResource')})"
    for key, keyword in (("predecessor", "PredecessorDocumentsSequence"),
                         ("duplicate", "IdenticalDocumentsSequence")):  # fmt: skip
        for uid in _listed(dataset, keyword):
            yield key, uid[0]
    if description := text(dataset, "CompletionFlagDescription"):
        yield "completion", description


def _joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


def _listed(dataset: Any, keyword: str) -> Iterator[tuple[str, str]]:
    """(SOP Instance UID, Series Instance UID) of a hierarchical reference macro (C.17.2.1)."""
    for study in dataset.get(keyword) or ():
        for series in study.get("ReferencedSeriesSequence") or ():
            for instance in series.get("ReferencedSOPSequence") or ():
                uid = str(instance.get("ReferencedSOPInstanceUID", "") or "")
                yield uid, str(series.get("SeriesInstanceUID", "") or "")


def _evidence(dataset: Any) -> dict[str, str]:
    listed = ("CurrentRequestedProcedureEvidenceSequence", "PertinentOtherEvidenceSequence")
    return {uid: series for keyword in listed for uid, series in _listed(dataset, keyword)}


# spatial coordinates


def _graphics(root: ReportNode) -> dict[tuple[str, int], tuple[GraphicObject, ...]]:
    """SCOORD items by the images they were selected from (PS3.3 C.18.6)."""
    by_position = {node.position: node for node in nodes_of(root)}
    found: dict[tuple[str, int], list[GraphicObject]] = defaultdict(list)

    def visit(node: ReportNode, label: str) -> None:
        words = f"{node.name}: {node.value}" if node.value_type == "NUM" else label
        if node.value_type == "SCOORD":
            drawn = _drawn(node, label)
            for child in node.children:
                child = by_position.get(child.target, child) if child.target else child
                for link in child.links:
                    for frame in link.frames or (0,):
                        found[link.sop_instance_uid, frame - 1].extend(drawn)
        for child in node.children:
            visit(child, words)

    visit(root, "")
    for node in by_position.values():  # coordinates that a number only points at
        for child in node.children:
            target = by_position.get(child.target)
            if target is not None and target.value_type == "SCOORD" and node.value_type == "NUM":
                words = f"{node.name}: {node.value}"
                for image in target.children:
                    for link in image.links:
                        for frame in link.frames or (0,):
                            key = link.sop_instance_uid, frame - 1
                            plain = {points.points for points in _drawn(target, "")}
                            found[key] = [
                                replace(g, text=words) if g.points in plain and not g.text else g
                                for g in found[key]
                            ]
    return {key: tuple(objects) for key, objects in found.items()}


def _drawn(node: ReportNode, label: str) -> list[GraphicObject]:
    """Graphics in (row, column), first pixel's centre at 0, 0.

    The file counts column, row from the outer corner of the first pixel (PS3.3 C.18.6.1.1, figure
    C.10.5-1), so that the centre of that pixel is at 0.5, 0.5.
    """
    values = node.graphic_data
    points = tuple(
        (row - 0.5, column - 0.5) for column, row in zip(values[::2], values[1::2], strict=False)
    )
    if node.graphic_type == "MULTIPOINT":
        return [GraphicObject("POINT", (point,), label) for point in points]
    if not points:
        return []
    return [GraphicObject(node.graphic_type or "POLYLINE", points, label)]
