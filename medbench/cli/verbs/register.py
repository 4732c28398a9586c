"""``medbench register``: where the points of one study lie in an earlier one."""

import argparse
from pathlib import Path
from typing import Any

from medbench.base.atomic import atomic_write_json
from medbench.base.errors import BadInputError
from medbench.cli.options import add_opening, opened_studies
from medbench.cli.progress import progress
from medbench.domain.image import DisplaySet, ScanResult
from medbench.session.operations.aligning import align
from medbench.session.operations.studies import choose_display

FORMAT = "medbench.transform"
VERSION = 1


def add(subparsers: Any) -> None:
    """Add the verb's arguments."""
    parser = subparsers.add_parser(
        "register", help="find the rigid transform from a study to an earlier one"
    )
    parser.add_argument("current", type=Path, metavar="CURRENT")
    parser.add_argument("prior", type=Path, metavar="PRIOR")
    parser.add_argument("--display", metavar="ID", help="of CURRENT; default: most slices")
    parser.add_argument("--prior-display", metavar="ID", help="of PRIOR; default: most slices")
    add_opening(parser)
    parser.add_argument("-o", "--out", type=Path, metavar="FILE.json", help="write it there too")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Read both, register, write."""
    with (
        opened_studies(args, [args.current]) as current,
        opened_studies(args, [args.prior]) as prior,
    ):
        one = _pictures(current, args.display, args.current)
        other = _pictures(prior, args.prior_display, args.prior)
        found = align(one, other, progress=_tell)
    progress(found.reason, done=True)
    rows = [[float(v) for v in row] for row in found.array]
    result = {
        "format": FORMAT,
        "version": VERSION,
        "meaning": "points of the current study times the matrix are points of the prior; "
        "column vectors, LPS mm, row-major"
        if found.space.value == "patient"
        else "points (x right, y down) of the current picture times the matrix are points of the "
        "prior; from the first pixel's centre, mm where both pixel sizes are known, else pixels",
        "space": found.space.value,
        "matrix": rows,
        "current": one.display_id,
        "prior": other.display_id,
        "quality": found.quality.value,
        "reason": found.reason,
        "similarity": found.kind.value,
        "similarity_before": found.similarity_before,
        "similarity_after": found.similarity,
        "overlap": found.overlap,
        "residual_mm": found.residual_mm,
        "rotation_deg": found.rotation_deg,
        "seconds": round(found.seconds, 3),
    }
    if args.out is not None:
        atomic_write_json(args.out, result)
    return result


def _pictures(found: ScanResult, wanted: str | None, path: Path) -> DisplaySet:
    display = choose_display(found, wanted)
    if display.kind.without_pictures:
        raise BadInputError(f"{path.name} holds no pictures that could be registered.")
    return display


def _tell(fraction: float, words: str) -> None:
    progress(f"registering: {words}, {fraction:.0%}")


def text(result: dict[str, Any]) -> str:
    """The matrix and what it is worth."""
    lines = [" ".join(f"{value:12.6f}" for value in row) for row in result["matrix"]]
    return "\n".join(
        [
            *lines,
            f"{result['quality']}: {result['reason']}",
            f"turn {result['rotation_deg']:.1f} deg, {result['seconds']:.1f} s",
        ]
    )
