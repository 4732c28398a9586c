"""``medbench train``: train a learner on a cohort and register the model."""

import argparse
from pathlib import Path
from typing import Any

from medbench.base.errors import BadInputError
from medbench.cli.options import add_workspace, open_workspace
from medbench.cli.progress import progress
from medbench.jobs.learners import LEARNERS
from medbench.session.operations.training import prepare_run, resume_spec, train_blocking


def add(subparsers: Any) -> None:
    """Add the verb's arguments."""
    parser = subparsers.add_parser("train", help="train a model on a cohort")
    parser.add_argument("cohort", type=Path, nargs="?", metavar="COHORT")
    parser.add_argument("--learner", choices=[info.name for info in LEARNERS])
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="key=value",
        help="change a choice of the plan",
    )
    parser.add_argument("--name", default="", help="model name; default: cohort and learner")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument(
        "--folds", type=int, default=0, metavar="K",
        help="cross-validate by patient before the model is trained; the test part stays closed",
    )  # fmt: skip
    parser.add_argument(
        "--repeats", type=int, default=1, metavar="R", help="draw the folds so many times"
    )
    parser.add_argument(
        "--search", type=int, default=0, metavar="N",
        help="search the plan's numbers: N settings, successive halving, training cases only",
    )  # fmt: skip
    parser.add_argument(
        "--embed", default="", metavar="MODEL",
        help="learn on the features of a registered network instead of measured ones",
    )  # fmt: skip
    parser.add_argument("--resume", metavar="RUN", help="continue an interrupted run")
    add_workspace(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Train and wait."""
    with open_workspace(args) as workspace:
        if args.resume:
            spec = resume_spec(workspace, args.resume)
        elif args.cohort is None or args.learner is None:
            raise BadInputError("Name a cohort folder and --learner, or --resume RUN.")
        else:
            spec = prepare_run(
                workspace, args.cohort, args.learner, overrides=_settings(args.set),
                device=args.device, seed=args.seed, model_name=args.name, folds=args.folds,
                repeats=args.repeats, trials=args.search, embedder=args.embed,
            )  # fmt: skip
        progress(f"run {spec.job_id}", done=True)
        version, result = train_blocking(workspace, spec, _show)
        return {
            "run": spec.job_id,
            "model": version.label,
            "learner": version.learner,
            "device": result["device"],
            "seconds": round(result["seconds"], 3),
            "epochs": result["epochs"],
            "best_epoch": result["best_epoch"],
            "calibrated": version.calibrated,
            "threshold": version.threshold,
            "weights_sha256": version.weights_sha256,
            "validation": result["validation"],
            "cross_validation": result.get("cross_validation"),
            "unreadable": result["unreadable"],
            "notes": result["notes"],
            "simulated": version.simulated,
        }


def text(result: dict[str, Any]) -> str:
    """A few lines for people."""
    masks = "dice" in result["validation"]
    name = "mean Dice" if masks else "AUC"
    metric = result["validation"]["dice" if masks else "auc"]
    shown = f"{name} undefined"
    if metric["value"] is not None:
        shown = f"{name} {metric['value']:.3f}"
        if metric["low"] is not None:
            shown += f" ({metric['low']:.3f} to {metric['high']:.3f})"
        shown += f", n = {metric['n']}"
    crossed = result.get("cross_validation")
    return (_crossed_text(crossed) if crossed else "") + (
        f"{result['model']} on {result['device']} in {result['seconds']:.1f} s\n"
        f"validation: {shown}; best epoch {result['best_epoch']} of {result['epochs']}"
    )


def _crossed_text(crossed: dict[str, Any]) -> str:
    lines = [
        f"cross-validation: {crossed['folds']} folds by {crossed['grouped_by']}, "
        f"{crossed['repeats']} times, seed {crossed['seed']}; n = {crossed['n']}, "
        f"{crossed['patients']} patients, {crossed['events']} positive; "
        f"{crossed['cpu_minutes']:.2f} CPU minutes"
    ]
    for name in ("auc", "accuracy", "recall", "specificity", "brier"):
        metric, spread = crossed["metrics"][name], crossed["over_folds"].get(name)
        if metric["value"] is None:
            continue
        words = f"  {name:<12} {metric['value']:.4f} ({metric['low']:.3f} to {metric['high']:.3f})"
        if spread is not None:
            sd = "" if spread["sd"] is None else f" +- {spread['sd']:.4f}"
            words += f"; over folds {spread['mean']:.4f}{sd}"
        lines.append(words)
    lines += [
        f"  {item['attribute']}: alone it tells the outcome with AUC {item['auc_alone']:.2f}"
        for item in crossed["confounders"]
        if (item["auc_alone"] or 0) >= 0.6
    ]
    return "\n".join(lines) + "\n"


def _settings(pairs: list[str]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        key, separator, value = pair.partition("=")
        if not separator or not key:
            raise BadInputError(f"--set takes key=value, not {pair!r}.")
        found[key.strip()] = value.strip()
    return found


def _show(event: dict[str, Any]) -> None:
    if event["type"] == "progress":
        eta = event.get("eta_s")
        rest = f", {eta:.0f} s left" if eta else ""
        progress(f"{event['fraction']:4.0%} {event['text']}{rest}")
    elif event["type"] == "metric":
        known = {k: v for k, v in event["values"].items() if v is not None}
        progress(f"{event['epoch']}: " + ", ".join(f"{k} {v:.4g}" for k, v in known.items()))
    elif event["type"] == "log":
        progress(event["text"], done=True)
