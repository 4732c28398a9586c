"""``medbench scan``: what lies below some paths, and why the rest is not shown."""

import argparse
from pathlib import Path
from typing import Any

from medbench.cli.options import add_opening, opened_studies
from medbench.session.operations.studies import scan_json


def add(subparsers: Any) -> None:
    """Add the verb's arguments."""
    parser = subparsers.add_parser("scan", help="list studies, series and displays")
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    add_opening(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Scan."""
    with opened_studies(args, args.paths) as found:
        return scan_json(found)


def text(result: dict[str, Any]) -> str:
    """A short list."""
    lines = []
    for study in result["studies"]:
        lines.append(f"{study['patient_id']}  {study['study_date']}  {study['description']}")
        for series in study["series"]:
            lines.append(
                f"  {series['modality']:<4} {series['description']} ({series['instances']} objects)"
            )
            lines.extend(
                f"    {d['id']:<8} {d['kind']:<10} {d['slices']} x {d['rows']} x {d['columns']}"
                f"  {d['reason']}"
                for d in series["displays"]
            )
    lines.extend(f"skipped  {Path(s['path']).name}: {s['reason']}" for s in result["skipped"])
    counts = result["counts"]
    lines.append(f"{counts['files']} files: {counts['shown']} shown, {counts['skipped']} not")
    return "\n".join(lines)
