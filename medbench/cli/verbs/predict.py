"""``medbench predict``: run a model version on files."""

import argparse
import tempfile
from pathlib import Path
from typing import Any

from medbench.cli.options import add_workspace, open_workspace
from medbench.cli.progress import progress
from medbench.jobs.client import EngineProcess
from medbench.session.operations.label_maps import write_label_object
from medbench.session.operations.prediction import (
    inputs_of,
    manifest_of,
    predict,
    prediction_json,
    write_overlay_picture,
)


def add(subparsers: Any) -> None:
    """Add the verb's arguments."""
    parser = subparsers.add_parser("predict", help="run a model on images or rows")
    parser.add_argument("model", metavar="MODEL", help="name/version, or name")
    parser.add_argument("paths", type=Path, nargs="+", metavar="PATH")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="write attribution or label maps there"
    )
    parser.add_argument("--device", default="auto")
    add_workspace(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Predict; exit 1 when no input could be used."""
    with open_workspace(args) as workspace:
        version = workspace.verify(args.model)
        folder = workspace.model_folder(version.label)
        inputs = inputs_of(args.paths, manifest_of(folder))
        with tempfile.TemporaryDirectory(prefix="mb-") as scratch, EngineProcess("infer") as engine:
            out = args.out or Path(scratch)
            out.mkdir(parents=True, exist_ok=True)
            found = predict(
                engine, version, folder, inputs, out.resolve(), explain=args.out is not None,
                device=args.device, on_event=_show,
            )  # fmt: skip
            answers = []
            for prediction in found:
                answer = prediction_json(prediction)
                picture = write_overlay_picture(prediction, out)
                if picture is not None:
                    answer["overlay_picture"] = str(picture)
                if args.out is not None and prediction.label_map_path:
                    found_in = write_label_object(prediction, Path(prediction.input_id), out)
                    answer["dicom_seg"] = None if found_in is None else str(found_in)
                answers.append(answer)
    used = [a for a in answers if not a["reason"]]
    return {
        "model": version.label,
        "stage": version.stage.value,
        "predictions": answers,
        "exit_code": 0 if used else 2,
    }


def text(result: dict[str, Any]) -> str:
    """One line an input."""
    lines = [f"{result['model']} ({result['stage']}) - research use, not for diagnosis"]
    for answer in result["predictions"]:
        if answer["reason"]:
            lines.append(f"{answer['input']}: not used: {answer['reason']}")
            continue
        if answer["volumes"]:
            where = f"; {answer['label_map']}" if answer["label_map"] else ""
            odd = "" if answer["in_distribution"] else "; unlike the training data"
            lines.append(f"{answer['input']}: {answer['decision']}{odd}{where}")
            continue
        kind = "probability" if answer["calibrated"] else "score"
        value = answer["scores"][answer["positive"]]
        odd = "" if answer["in_distribution"] else "; unlike the training data"
        lines.append(
            f"{answer['input']}: {answer['decision']}, {kind} of {answer['positive']} {value:.3f}"
            f" (threshold {answer['threshold']:.3f}){odd}{_because(answer['explanation'])}"
        )
    return "\n".join(lines)


def _because(explanation: dict[str, Any] | None) -> str:
    """The three columns that moved a row's score most."""
    if not explanation:
        return ""
    parts = [
        f"{c['feature']} = {'missing' if c['value'] is None else c['value']} "
        f"({c['contribution']:+.2f})"
        for c in explanation["contributions"][:3]
        if c["contribution"]
    ]
    group = explanation["risk_group"]
    came = (
        f"; of {group['n']} such patients {group['events']} had it ({group['rests_on']})"
        if group
        else ""
    )
    return (f"; log-odds moved by {', '.join(parts)}" if parts else "") + came


def _show(event: dict[str, Any]) -> None:
    if event["type"] == "progress":
        progress(event["text"])
