"""The jobs ``predict`` and ``evaluate``."""

import time
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from medbench.base.atomic import atomic_file
from medbench.base.errors import BadInputError, MedbenchError
from medbench.cohorts.fingerprint import cases_of
from medbench.cohorts.reading import oriented_values, read_dicom_frame, read_picture
from medbench.cohorts.store import read_cohort, read_split
from medbench.domain.cohort import Case, Role, Task
from medbench.domain.model import Prediction
from medbench.domain.records import from_json, to_json
from medbench.engine.control import JobControl
from medbench.engine.device import choose_device
from medbench.engine.explain.contributions import contributions, risk_group
from medbench.engine.explain.gradcam import grad_cam
from medbench.engine.inference.model import LoadedModel, load_model
from medbench.engine.learners.network import NetCore
from medbench.engine.nets.residual import ResidualNet
from medbench.engine.runs.masks import evaluate_masks, is_masks, predict_masks
from medbench.engine.runs.signal_input import expanded_inputs, read_signal
from medbench.engine.steps import answers, step_scores, write_steps
from medbench.jobs.protocol import EvaluateSpec, PredictSpec
from medbench.metrics.predictions import PredictionSet, write_predictions

_EXPLAINED = 2000
"""Rows of one request that are explained without being asked."""
_PICTURES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"})


@lru_cache(maxsize=4)
def _warm(folder: str, stamp: float, device: str) -> LoadedModel:
    """Models stay warm; a folder that changed on disk is loaded and checked again."""
    return load_model(Path(folder), torch.device(device))


def open_model(folder: Path, device: torch.device) -> LoadedModel:
    """The model, warm if its folder has not changed."""
    files = [folder / "model.json", folder / "model.safetensors"]
    if not all(f.is_file() for f in files):
        raise BadInputError(f"{folder} holds no model.")
    stamp = sum(f.stat().st_mtime_ns for f in files) + sum(f.stat().st_size for f in files)
    return _warm(str(folder), stamp, str(device))


def predict(job: dict[str, Any], control: JobControl) -> dict[str, Any]:
    """Answers for inputs; one that cannot be read gets its reason, the others go on."""
    spec = from_json(PredictSpec, job)
    device = choose_device(spec.device)
    model = open_model(Path(spec.model_folder), device)
    if is_masks(model.manifest):
        return predict_masks(spec, model, control, str(device))
    out = Path(spec.out_folder)
    entries, refused = expanded_inputs(spec.inputs, model, control)
    answers = [_refused(model, name, reason) for name, reason in refused]
    for i, entry in enumerate(entries):
        control.checkpoint()
        control.progress(i / len(entries), f"input {i + 1} of {len(entries)}")
        begin = time.perf_counter()
        try:
            raw = read_input(entry, model)
            answer = _answer(model, entry, raw, out if spec.explain else None, i)
        except MedbenchError as error:
            answers.append(_refused(model, str(entry["id"]), str(error)))
            continue
        if model.reference is not None and (spec.explain or len(spec.inputs) <= _EXPLAINED):
            answer["explanation"] = explain_row(model, np.asarray(raw, np.float64), model.reference)
        answers.append({**answer, "seconds": time.perf_counter() - begin})
    return {"predictions": answers, "device": str(device)}


def explain_row(
    model: LoadedModel, row: NDArray[np.float64], reference: NDArray[np.float64]
) -> dict[str, Any]:
    """Contributions of the columns to a row's score, largest first, and its risk group."""
    manifest = model.manifest
    found = contributions(model.core, model.calibration, model.positive, row, reference)

    def shown(column: int, value: float) -> Any:
        categories = manifest["features"][column]["categories"]
        if np.isnan(value):
            return None
        return categories[int(value)] if categories else float(value)

    order = np.argsort(-np.abs(found.parts), kind="stable")
    probability = 1 / (1 + np.exp(-np.clip(found.value, -700, 700)))
    table = manifest.get("risk_table") or {"groups": [], "rests_on": ""}
    group = risk_group(table["groups"], float(probability))
    return {
        "of": f"log-odds of {manifest['classes'][model.positive]}",
        "method": found.method,
        "reference": "median patient of the training part",
        "base": found.base,
        "value": found.value,
        "standard_error": found.error,
        "contributions": [
            {
                "feature": manifest["features"][k]["name"],
                "value": shown(k, row[k]),
                "reference": shown(k, reference[k]),
                "contribution": float(found.parts[k]),
            }
            for k in order
        ],
        "risk_group": None if group is None else {**group, "rests_on": table["rests_on"]},
    }


def read_input(entry: dict[str, Any], model: LoadedModel) -> NDArray[Any]:
    """Raw data of an input: a file, an array or a row, as the model's task wants it."""
    if "row" in entry:
        row = np.array([np.nan if v is None else v for v in entry["row"]], np.float64)
        wanted = len(model.manifest["features"])
        if model.preparer.task is Task.TABLE and len(row) != wanted:
            raise BadInputError(f"The model takes {wanted} values, here are {len(row)}.")
        return row
    if model.preparer.task is Task.TABLE:
        raise BadInputError("The model takes rows of a table, not files.")
    if "npy" in entry:
        try:
            values = np.load(entry["npy"], allow_pickle=False)
        except (OSError, ValueError) as error:
            raise BadInputError(f"{Path(entry['npy']).name} cannot be read: {error}.") from error
        return oriented_values(values, inverted=bool(entry.get("inverted", False)))
    if model.preparer.task is Task.SIGNAL:
        return read_signal(entry, model)
    path = Path(entry["path"])
    if not path.is_file():
        raise BadInputError(f"{path} does not exist or is no file.")
    if path.suffix.lower() in _PICTURES:
        return read_picture(path)
    return read_dicom_frame(path, str(entry.get("display", "")), int(entry.get("frame", 0)))


def _answer(
    model: LoadedModel, entry: dict[str, Any], raw: NDArray[Any], out: Path | None, number: int
) -> dict[str, Any]:
    inputs = model.preparer.input_of(raw)[None]
    scores = step_scores(model.core.logits(inputs), model.calibration.apply)
    manifest = model.manifest
    row = scores[0].mean(axis=0)  # over the time steps, where each has its answer
    distance = float(model.gate.distance(model.preparer.gate_of(raw)[None])[0])
    decided = model.positive if row[model.positive] >= manifest["threshold"] else 1 - model.positive
    if len(row) > 2:
        decided = int(row.argmax())
    overlay = ""
    if out is not None and scores.shape[1] > 1:
        overlay = str(write_steps(scores[0, :, model.positive], raw, out, number))
    elif out is not None and isinstance(model.core, NetCore) and raw.ndim >= 2:
        overlay = _explain(model, inputs, raw, out / f"overlay-{number:03d}.npy")
    prediction = Prediction(
        model=manifest["name"],
        weights_sha256=manifest["weights_sha256"],
        input_id=str(entry["id"]),
        classes=tuple(manifest["classes"]),
        scores=tuple(float(v) for v in row),
        calibrated=bool(manifest["calibrated"]),
        threshold=float(manifest["threshold"]),
        positive=model.positive,
        decision=manifest["classes"][decided],
        in_distribution=bool(model.gate.accepts(distance)),
        in_distribution_percentile=model.gate.percentile(distance),
        overlay_path=overlay,
        simulated=bool(manifest["provenance"]["simulated"]),
    )
    return dict(to_json(prediction))


def _explain(model: LoadedModel, inputs: NDArray[Any], raw: NDArray[Any], path: Path) -> str:
    core = model.core
    if not isinstance(core, NetCore) or not isinstance(core.net, ResidualNet):
        return ""
    heat = grad_cam(
        core.net, core.prepare(inputs).to(core.device), model.positive, raw.shape[0], raw.shape[1]
    )
    path.parent.mkdir(parents=True, exist_ok=True)

    def write(part: Path) -> None:
        with part.open("wb") as handle:
            np.save(handle, heat)

    atomic_file(path, write)
    return str(path)


def _refused(model: LoadedModel, input_id: str, reason: str) -> dict[str, Any]:
    manifest = model.manifest
    prediction = Prediction(
        manifest["name"], manifest["weights_sha256"], input_id, tuple(manifest["classes"]), (),
        bool(manifest["calibrated"]), float(manifest["threshold"]), model.positive, "", None,
        reason=reason,
    )  # fmt: skip
    return dict(to_json(prediction))


def evaluate(job: dict[str, Any], control: JobControl) -> dict[str, Any]:
    """Score labelled cases of a cohort; writes ``predictions.npz``."""
    spec = from_json(EvaluateSpec, job)
    folder = Path(spec.cohort_folder)
    cohort = read_cohort(folder)
    split = read_split(folder, cohort)
    model = open_model(Path(spec.model_folder), choose_device(spec.device))
    manifest = model.manifest
    _check_fits(cohort, manifest)
    if spec.role == "all" or split is None:
        if spec.role != "all":
            raise BadInputError(f"The cohort {cohort.name} has no split: take --role all.")
        cases = [c for c in cohort.cases if c.label is not None]
    else:
        cases = cases_of(cohort, split, Role(spec.role))
    if not cases:
        raise BadInputError(f"The {spec.role} part of {cohort.name} holds no labelled case.")

    if is_masks(manifest):
        overlaps = evaluate_masks(model, cohort, split, folder, cases, control)
        path = Path(spec.out_folder) / "predictions.npz"
        write_predictions(path, overlaps)
        lost = len(overlaps.meta["unreadable"])
        return {"predictions_path": str(path), "n": len(overlaps), "unreadable": lost}

    def tick(i: int) -> None:
        control.checkpoint()
        control.progress(0.9 * i / len(cases), f"case {i + 1} of {len(cases)}")

    part = model.preparer.prepare(cohort, folder, cases, tick=tick)
    logits, part = answers(model.core, part)
    scores = model.calibration.apply(logits)
    order = [cohort.classes.index(name) for name in manifest["classes"]]
    labels = np.array([order.index(int(label)) for label in part.labels], np.int64)
    predictions = PredictionSet(
        np.array([case.case_id for case in part.cases]),
        np.array([case.patient_id for case in part.cases]),
        labels,
        scores,
        logits,
        np.array([_role_of(split, case) for case in part.cases]),
        {
            "classes": manifest["classes"],
            "positive": manifest["positive"],
            "threshold": manifest["threshold"],
            "calibrated": manifest["calibrated"],
            "weights_sha256": manifest["weights_sha256"],
            "cohort_name": cohort.name,
            "cohort_digest": cohort.digest,
            "split_digest": "" if split is None else split.digest,
            "simulated": cohort.simulated or bool(manifest["provenance"]["simulated"]),
            "unreadable": part.unreadable,
        },
    )
    path = Path(spec.out_folder) / "predictions.npz"
    write_predictions(path, predictions)
    return {"predictions_path": str(path), "n": len(labels), "unreadable": len(part.unreadable)}


def _role_of(split: Any, case: Case) -> str:
    role = None if split is None else split.roles.get(case.case_id)
    return "" if role is None else str(role.value)


def _check_fits(cohort: Any, manifest: dict[str, Any]) -> None:
    if cohort.task.value != manifest["task"]:
        raise BadInputError(
            f"The model takes a {manifest['task']}; {cohort.name} is made of {cohort.task.value}s."
        )
    if set(cohort.classes) != set(manifest["classes"]):
        raise BadInputError(
            f"The model tells {', '.join(manifest['classes'])}; {cohort.name} is labelled "
            f"{', '.join(cohort.classes)}."
        )
    wanted = [feature["name"] for feature in manifest["features"]]
    have = [feature.name for feature in cohort.features]
    if wanted != have:
        raise BadInputError(
            f"The model takes the columns {', '.join(wanted[:8])}; {cohort.name} has others."
        )
