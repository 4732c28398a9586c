"""Structured reports and key object selections as a readable tree (PS3.3 C.17.3)."""

from pathlib import Path
from typing import Any

from medbench.base.errors import BadInputError, DecodeError
from medbench.dicom.frame_info import read_dataset
from medbench.dicom.values import iso_date
from medbench.domain.objects import ImageLink, Report, ReportNode

KEY_OBJECT_CLASS = "1.2.840.10008.5.1.4.1.1.88.59"
MAX_DEPTH = 60
MAX_NODES = 50_000


def read_report(path: Path) -> Report:
    """Read the content tree; call only behind the guard.

    Raises
    ------
    BadInputError, DecodeError
        There is no content, or it is damaged.
    """
    dataset = read_dataset(path)
    if "ContentSequence" not in dataset and "ConceptNameCodeSequence" not in dataset:
        raise BadInputError(f"{path.name} holds no report.")
    try:
        counter = [0]
        root = _node(dataset, 0, counter)
    except (AttributeError, TypeError, ValueError, KeyError, IndexError) as error:
        words = f"{path.name} is a damaged report ({type(error).__name__})."
        raise DecodeError(words) from error
    verified = str(dataset.get("VerificationFlag", "") or "").title()
    complete = str(dataset.get("CompletionFlag", "") or "").title()
    return Report(
        title=root.name or str(dataset.get("SeriesDescription", "") or ""),
        status=", ".join(part for part in (complete, verified) if part),
        date=iso_date(str(dataset.get("ContentDate", "") or "")),
        root=root,
        key_objects=str(dataset.get("SOPClassUID", "")) == KEY_OBJECT_CLASS,
        links=tuple(_links(root)),
    )


def _node(item: Any, depth: int, counter: list[int]) -> ReportNode:
    counter[0] += 1
    if depth > MAX_DEPTH or counter[0] > MAX_NODES:
        raise ValueError("the report is nested too deeply or too long")
    kind = str(item.get("ValueType", "CONTAINER") or "CONTAINER").strip()
    graphic = item.get("GraphicData")
    return ReportNode(
        relationship=str(item.get("RelationshipType", "") or "").strip(),
        value_type=kind,
        name=_code(item.get("ConceptNameCodeSequence")),
        value=_value(item, kind),
        links=tuple(_references(item)),
        graphic_type=str(item.get("GraphicType", "") or ""),
        graphic_data=tuple(float(v) for v in graphic) if graphic is not None else (),
        children=tuple(
            _node(child, depth + 1, counter) for child in item.get("ContentSequence") or ()
        ),
    )


def _code(sequence: Any) -> str:
    if not sequence:
        return ""
    item = sequence[0]
    return str(item.get("CodeMeaning", "") or item.get("CodeValue", "") or "")


def _value(item: Any, kind: str) -> str:
    if kind == "TEXT":
        return str(item.get("TextValue", "") or "")
    if kind == "CODE":
        return _code(item.get("ConceptCodeSequence"))
    if kind == "NUM":
        return _number(item)
    if kind in _PLAIN:
        return str(item.get(_PLAIN[kind], "") or "")
    if kind in ("SCOORD", "SCOORD3D"):
        return str(item.get("GraphicType", "") or "").title()
    if kind in ("IMAGE", "COMPOSITE", "WAVEFORM"):
        return ", ".join(link.sop_instance_uid[-12:] for link in _references(item))
    return ""


_PLAIN = {
    "PNAME": "PersonName", "DATE": "Date", "TIME": "Time", "DATETIME": "DateTime",
    "UIDREF": "UID",
}  # fmt: skip


def _number(item: Any) -> str:
    measured = item.get("MeasuredValueSequence")
    if not measured:
        return _code(item.get("NumericValueQualifierCodeSequence")) or "(no value)"
    number = measured[0].get("NumericValue")
    value = number[0] if hasattr(number, "__len__") and not isinstance(number, str) else number
    units = (measured[0].get("MeasurementUnitsCodeSequence") or [None])[0]
    unit = ""
    if units is not None:
        unit = str(units.get("CodeValue", "") or "")
        unit = "" if unit == "1" else unit
    return f"{value} {unit}".strip()


def _references(item: Any) -> list[ImageLink]:
    found = []
    for reference in item.get("ReferencedSOPSequence") or ():
        frames = reference.get("ReferencedFrameNumber")
        if frames is None:
            numbers: tuple[int, ...] = ()
        elif hasattr(frames, "__len__") and not isinstance(frames, str):
            numbers = tuple(int(v) for v in frames)
        else:
            numbers = (int(frames),)
        found.append(ImageLink(str(reference.get("ReferencedSOPInstanceUID", "")), numbers))
    return found


def _links(node: ReportNode) -> list[ImageLink]:
    found = list(node.links)
    for child in node.children:
        found.extend(_links(child))
    return found


def report_lines(node: ReportNode, depth: int = 0) -> list[str]:
    """The tree as indented lines."""
    words = ": ".join(part for part in (node.name, node.value) if part) or node.value_type
    lines = ["  " * depth + words]
    for child in node.children:
        lines.extend(report_lines(child, depth + 1))
    return lines
