"""``medbench models list|show|approve|retire|verify``: the registry."""

import argparse
import getpass
from typing import Any

from medbench.cli.options import add_workspace, open_workspace
from medbench.domain.model import Stage
from medbench.session.operations.models import (
    gate_json,
    model_json,
    open_points,
    verify_all,
    version_summary,
)


def add(subparsers: Any) -> None:
    """Add the verb's arguments."""
    parser = subparsers.add_parser("models", help="list, show, approve, retire, verify models")
    steps = parser.add_subparsers(dest="step", required=True, parser_class=type(parser))
    listed = steps.add_parser("list", help="all versions")
    show = steps.add_parser("show", help="one version with provenance and history")
    approve = steps.add_parser("approve", help="allow a version to run in Review")
    retire = steps.add_parser("retire", help="take a version out of use")
    verify = steps.add_parser("verify", help="compare every byte with what was registered")
    for step in (show, approve, retire):
        step.add_argument("model", metavar="MODEL", help="name/version, or name")
    verify.add_argument(
        "model", nargs="?", metavar="MODEL", help="default: all, and the audit file"
    )
    for step in (approve, retire):
        step.add_argument("--reason", default="", help="kept in the audit file")
        step.add_argument("--who", default="", help="default: the user of this machine")
    for step in (listed, show, approve, retire, verify):
        add_workspace(step)
        step.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Do one step."""
    with open_workspace(args) as workspace:
        if args.step == "list":
            return {"models": [version_summary(v) for v in workspace.models()]}
        if args.step == "verify":
            return verify_all(workspace, args.model)
        if args.step == "show":
            return model_json(workspace, args.model)
        version = workspace.model(args.model)
        stage = Stage.APPROVED if args.step == "approve" else Stage.RETIRED
        reason = args.reason.strip() or "no reason given"
        if stage is Stage.APPROVED and (missing := open_points(workspace, version)):
            reason += f" [open: {'; '.join(missing)}]"
        moved = workspace.transition(
            version.label, stage, args.who.strip() or getpass.getuser(), reason
        )
        return {
            "model": version.label,
            "stage": moved.to_stage,
            "from": moved.from_stage,
            "who": moved.who,
            "when": moved.when,
            "reason": moved.reason,
            "gate": gate_json(workspace, version),
        }


def text(result: dict[str, Any]) -> str:
    """A few lines for people."""
    if "models" in result:
        lines = [
            f"{m['model']:<32} {m['stage']:<10} {m['learner']:<12} {m['created']}"
            for m in result["models"]
        ]
        return "\n".join(lines) or "No model yet."
    if "verified" in result:
        return "\n".join([*(f"{m}: ok" for m in result["verified"]),
                          f"audit file: {result['audit_entries']} entries, unbroken"])  # fmt: skip
    return "\n".join(
        f"{key}: {value}" for key, value in result.items() if isinstance(value, (str, int, float))
    )
