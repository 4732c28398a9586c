"""``medbench cohort build|split|check|override|resolve``: cases with labels, and their split."""

import argparse
import getpass
from pathlib import Path
from typing import Any

from medbench.cli.progress import progress
from medbench.cohorts.build import build_cohort
from medbench.cohorts.checks import blocking, run_checks
from medbench.cohorts.overview import overview_json
from medbench.cohorts.split import (
    override,
    resolve_duplicates,
    split_by_patient,
    split_from_column,
)
from medbench.cohorts.store import read_cohort, read_split, write_split
from medbench.domain.cohort import Task
from medbench.domain.records import to_json


def add(subparsers: Any) -> None:
    """Add the verb's arguments."""
    parser = subparsers.add_parser("cohort", help="build, split and check a cohort")
    steps = parser.add_subparsers(dest="step", required=True, parser_class=type(parser))
    build = steps.add_parser("build", help="make a cohort folder from a source")
    build.add_argument("source", type=Path, metavar="SOURCE")
    build.add_argument("--task", choices=[t.value for t in Task], required=True)
    build.add_argument(
        "--label", metavar="COLUMN",
        help="column of the label; of ECG records also aami (beats by class), beats or waves (each "
        "time step), or COLUMN/beats of their labels.csv",
    )  # fmt: skip
    build.add_argument("--positive", metavar="V,V..", help="label values that are positive")
    build.add_argument("--patient", metavar="COLUMN")
    build.add_argument(
        "--structures", metavar="N,N..", help="segmentation: names of the mask values 1, 2 ..."
    )
    build.add_argument("--name", help="default: the source's name")
    build.add_argument("--out", type=Path, required=True, metavar="DIR")
    split = steps.add_parser("split", help="assign patients to train, val, test")
    split.add_argument("folder", type=Path, metavar="DIR")
    split.add_argument("--val", type=float, default=0.15)
    split.add_argument("--test", type=float, default=0.15)
    split.add_argument("--seed", type=int, default=0)
    split.add_argument("--from-column", metavar="COL")
    check = steps.add_parser("check", help="leakage and quality checks")
    check.add_argument("folder", type=Path, metavar="DIR")
    resolve = steps.add_parser("resolve", help="take exact duplicates out of the training part")
    resolve.add_argument("folder", type=Path, metavar="DIR")
    accept = steps.add_parser("override", help="knowingly accept a failed check")
    accept.add_argument("folder", type=Path, metavar="DIR")
    accept.add_argument("--check", required=True)
    accept.add_argument("--reason", required=True)
    accept.add_argument("--who", default=getpass.getuser())
    for step in (build, split, check, resolve, accept):
        step.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Do one step; every step answers with the cohort as it then is."""
    folder = args.folder if args.step != "build" else args.out
    if args.step == "build":
        positive = tuple(v.strip() for v in args.positive.split(",")) if args.positive else ()
        structures = args.structures.split(",") if args.structures else []
        build_cohort(
            args.source,
            task=Task(args.task),
            out=args.out,
            label=args.label,
            positive=positive,
            patient=args.patient,
            name=args.name,
            structures=tuple(s.strip() for s in structures),
            on_progress=_show,
        )
    cohort = read_cohort(folder)
    if args.step == "split":
        found = (
            split_from_column(cohort, args.from_column)
            if args.from_column
            else split_by_patient(cohort, val=args.val, test=args.test, seed=args.seed)
        )
        write_split(folder, found)
    elif args.step == "override":
        override(folder, args.check, args.reason, args.who)
    dropped = resolve_duplicates(folder) if args.step == "resolve" else 0
    split = read_split(folder, cohort)
    results = run_checks(cohort, split, folder)
    answer = {"cohort": str(folder), **overview_json(cohort, split)}
    answer["checks"] = [to_json(r) for r in results]
    answer["blocking"] = [r.check for r in blocking(results)]
    answer["passed"] = not answer["blocking"]
    if args.step == "resolve":
        answer["dropped"] = dropped
    return answer


def text(result: dict[str, Any]) -> str:
    """A few lines for people."""
    lines = [
        f"{result['name']}: {result['cases']} cases of {result['patients']} patients; "
        + ", ".join(f"{name} {n}" for name, n in result["class_counts"].items())
    ]
    for role, part in (result["split"] or {}).get("roles", {}).items():
        counts = ", ".join(f"{name} {n}" for name, n in part["class_counts"].items())
        lines.append(f"  {role}: {part['cases']} cases, {part['patients']} patients; {counts}")
    for check in result["checks"]:
        if not check["passed"]:
            mark = (
                "overridden" if check["overridden"] else "BLOCKS" if check["blocking"] else "note"
            )
            lines.append(f"  {mark}: {check['detail']}")
    return "\n".join(lines)


def _show(fraction: float, words: str) -> None:
    progress(f"{fraction:4.0%} {words}")
