"""``medbench evaluate``: metrics of a model version on one part of a cohort."""

import argparse
from pathlib import Path
from typing import Any

from medbench.cli.options import add_workspace, open_workspace
from medbench.cli.progress import progress
from medbench.session.operations.evaluation import ROLES, evaluate, evaluation_json


def add(subparsers: Any) -> None:
    """Add the verb's arguments."""
    parser = subparsers.add_parser("evaluate", help="metrics of a model on a cohort")
    parser.add_argument("model", metavar="MODEL", help="name/version, or name")
    parser.add_argument("--cohort", type=Path, required=True, metavar="DIR")
    parser.add_argument("--role", choices=ROLES, default="test")
    parser.add_argument("--device", default="auto")
    add_workspace(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Evaluate and keep the result."""
    with open_workspace(args) as workspace:
        found = evaluate(
            workspace, None, args.model, args.cohort, args.role, device=args.device, on_event=_show
        )
        return evaluation_json(found)


def text(result: dict[str, Any]) -> str:
    """One line a metric."""
    if "worst" in result:
        return _overlap_text(result)
    lines = [
        f"{result['model']} on {result['cohort']} ({result['role']}): rests on "
        f"{result['rests_on']}; n = {result['n']}, {result['patients']} patients, "
        f"{result['events']} positive; threshold {result['threshold']:.3f}"
    ]
    for name, metric in result["metrics"].items():
        if metric["value"] is None:
            lines.append(f"  {name:<18} undefined (n = {metric['n']})")
            continue
        spread = "" if metric["low"] is None else f" ({metric['low']:.3f} to {metric['high']:.3f})"
        lines.append(f"  {name:<18} {metric['value']:.3f}{spread}  n = {metric['n']}")
    return "\n".join(lines)


def _overlap_text(result: dict[str, Any]) -> str:
    """Dice and HD95 with intervals, then the worst cases."""
    lines = [
        f"{result['model']} on {result['cohort']} ({result['role']}): rests on "
        f"{result['rests_on']}; n = {result['n']}, {result['patients']} patients",
        f"  {result['intervals']}",
    ]
    for name, metric in result["metrics"].items():
        if metric["value"] is None:
            continue
        spread = "" if metric["low"] is None else f" ({metric['low']:.3f} to {metric['high']:.3f})"
        lines.append(f"  {name:<24} {metric['value']:.3f}{spread}  n = {metric['n']}")
    lines.append("  worst cases:")
    for case in result["worst"]:
        parts = ", ".join(f"{k} {v['dice']:.3f}" for k, v in case["structures"].items())
        lines.append(f"    {case['case']}: mean Dice {case['dice']:.3f} ({parts})")
    return "\n".join(lines)


def _show(event: dict[str, Any]) -> None:
    if event["type"] == "progress":
        progress(event["text"])
