"""``medbench tour``: drive the real window through the whole loop and photograph it."""

import argparse
from pathlib import Path
from typing import Any

from medbench.base.errors import BadInputError


def add(subparsers: Any) -> None:
    """Add the verb's arguments."""
    parser = subparsers.add_parser("tour", help="drive the window through the whole loop")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--study", type=Path, metavar="DIR", help="a real study to open")
    parser.add_argument("--images", type=Path, metavar="CSV", help="real labelled images")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Run; exit 0 only if everything happened."""
    for path in (args.study, args.images):
        if path is not None and not path.exists():
            raise BadInputError(f"{path} does not exist.")
    from medbench.cli.handover import run_tour

    summary = run_tour(args.out.resolve(), args.study, args.images)
    return {**summary, "exit_code": 0 if summary["ok"] else 1}


def text(result: dict[str, Any]) -> str:
    """A few lines for people."""
    end = "done" if result["ok"] else f"STOPPED: {result['error']}"
    return f"{len(result['pictures'])} pictures in {result['seconds']:.0f} s, {end}"
