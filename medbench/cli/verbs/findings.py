"""``medbench findings``: what readers and models said of studies, status and report text."""

import argparse
from typing import Any

from medbench.base.errors import BadInputError
from medbench.base.paths import default_workspace
from medbench.cli.options import add_workspace


def add(subparsers: Any) -> None:
    """Add the verb's arguments."""
    parser = subparsers.add_parser(
        "findings", help="findings, AI decisions, reading status and report text"
    )
    parser.add_argument(
        "--study", metavar="UID", help="Study Instance UID; default: every study of the workspace"
    )
    add_workspace(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Read the workspace; writes nothing."""
    from medbench.registry.reading_store import FILE_NAME
    from medbench.session.operations.findings import findings_json

    workspace = args.workspace or default_workspace()
    if not (workspace / FILE_NAME).exists():
        if args.study:
            raise BadInputError(f"The workspace holds nothing about the study {args.study!r}.")
        return {"studies": []}
    return {"studies": findings_json(workspace, args.study)}


def text(result: dict[str, Any]) -> str:
    """Study, status and report for people."""
    lines = []
    for study in result["studies"]:
        status = study["status"]
        who = f" by {status['reader']}, {status['when']}" if status["reader"] else ""
        lines += [f"{study['study_instance_uid']}  {status['state']}{who}", study["report"], ""]
    return "\n".join(lines).strip() or "Nothing was read yet."
