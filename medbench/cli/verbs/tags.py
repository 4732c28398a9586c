"""``medbench tags``: every element of a DICOM file, nested ones too."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from medbench.base.errors import BadInputError
from medbench.dicom.tag_tree import TagRow, read_tags, row_matches

HIDDEN = "(hidden)"


def add(subparsers: Any) -> None:
    """Add the verb's arguments."""
    parser = subparsers.add_parser("tags", help="list the elements of a DICOM file")
    parser.add_argument("path", type=Path, metavar="FILE")
    parser.add_argument("--search", metavar="TEXT", default="",
                        help="only where tag, name or value holds this")  # fmt: skip
    parser.add_argument("--hide-patient", action="store_true", help="mask who the patient is")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Read."""
    if not args.path.is_file():
        raise BadInputError(f"{args.path} is no file.")
    tree = read_tags(args.path)
    if args.search:
        found = _hits(tree.rows, args.search.lower(), args.hide_patient, ())
        elements = [{**_element(row, args.hide_patient), "path": list(path)} for row, path in found]
    else:
        elements = [_nested(row, args.hide_patient) for row in tree.rows]
    return {
        "path": str(args.path),
        "count": tree.count,
        "warnings": list(tree.warnings),
        "elements": elements,
    }


def text(result: dict[str, Any]) -> str:
    """One line for each element, items indented."""
    lines = list(_lines(result["elements"], 0))
    return "\n".join(lines) if lines else "Nothing found."


def _element(row: TagRow, hide: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "tag": row.tag_text, "keyword": row.keyword, "name": row.name, "vr": row.vr, "vm": row.vm,
        "length": row.length, "value": HIDDEN if hide and row.patient and row.value else row.value,
    }  # fmt: skip
    if row.creator:
        found["private_creator"] = row.creator
    if row.cut:
        found["cut"] = True
    if row.problem:
        found["problem"] = row.problem
    return found


def _nested(row: TagRow, hide: bool) -> dict[str, Any]:
    found = _element(row, hide)
    if row.packed:
        found["items"] = [[_nested(child, hide) for child in i.children] for i in row.children]
    return found


def _hits(
    rows: tuple[TagRow, ...], needle: str, hide: bool, path: tuple[str, ...]
) -> Iterator[tuple[TagRow, tuple[str, ...]]]:
    for row in rows:
        here = (*path, row.keyword or row.tag_text or row.name)
        if row.tag >= 0 and row_matches(row, needle, hide_patient=hide):
            yield row, path
        yield from _hits(row.children, needle, hide, here)


def _lines(elements: list[dict[str, Any]], depth: int) -> Iterator[str]:
    for element in elements:
        place = " > ".join(element.get("path", ()))
        creator = f" [{element['private_creator']}]" if "private_creator" in element else ""
        yield (
            f"{'  ' * depth}{element['tag']:<11} {element['vr']:<2} {element['name']}{creator}: "
            f"{element['value']}{f'   in {place}' if place else ''}"
        )
        for number, item in enumerate(element.get("items", ()), 1):
            yield f"{'  ' * (depth + 1)}Item {number}"
            yield from _lines(item, depth + 2)
