"""``medbench readings``: what a DICOM structured report measures."""

import argparse
from pathlib import Path
from typing import Any

from medbench.base.errors import BadInputError
from medbench.dicom.measurement_report import MeasurementReport, read_measurement_report
from medbench.domain.measurement import Measurement, Quantity


def add(subparsers: Any) -> None:
    """Add the verb's arguments."""
    parser = subparsers.add_parser(
        "readings", help="list the measurements of a DICOM structured report"
    )
    parser.add_argument("path", type=Path, metavar="FILE")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Read."""
    if not args.path.is_file():
        raise BadInputError(f"{args.path} is no file.")
    report = read_measurement_report(args.path)
    return {
        "path": str(args.path), "title": report.title,
        "study_instance_uid": report.study_instance_uid,
        "sop_instance_uid": report.sop_instance_uid, "reader": report.reader,
        "measurements": [_measurement(one) for one in report.measurements],
        "segments": _segments(report), "left_out": list(report.left_out),
    }  # fmt: skip


def text(result: dict[str, Any]) -> str:
    """One line for each number."""
    lines = [result["title"]]
    for one in (*result["measurements"], *result["segments"]):
        name = one.get("label") or one.get("kind") or f"segment {one.get('segment')}"
        for q in one["quantities"] or [{"name": one.get("text", ""), "value": "", "unit": ""}]:
            value = "-" if q["value"] is None else q["value"]
            lines.append(f"{name}: {q['name']} {value} {q['unit']}".strip())
    return "\n".join(lines)


def _measurement(one: Measurement) -> dict[str, Any]:
    site = one.site
    return {
        "id": one.measurement_id, "kind": one.kind.value, "label": one.label, "text": one.text,
        "lesion": one.lesion, "reader": one.reader, "changed": one.changed,
        "tracking_uid": one.tracker_uid, "series_instance_uid": site.series_instance_uid,
        "sop_instance_uid": site.sop_instance_uid,
        "frame": None if site.reformatted else site.frame,
        "frame_of_reference_uid": site.frame_of_reference_uid,
        "points_row_column": [list(p) for p in one.points],
        "points_lps_mm": [list(p) for p in one.points_mm()], "view": site.view,
        "quantities": [_quantity(q) for q in one.quantities],
    }  # fmt: skip


def _segments(report: MeasurementReport) -> list[dict[str, Any]]:
    return [
        {
            "label": one.label, "tracking_uid": one.tracker_uid, "segment": one.segment,
            "sop_instance_uid": one.sop_instance_uid,
            "quantities": [_quantity(q) for q in one.quantities],
        }
        for one in report.segments
    ]  # fmt: skip


def _quantity(q: Quantity) -> dict[str, Any]:
    return {"name": q.name, "value": q.value, "unit": q.unit, "source": q.badge}
