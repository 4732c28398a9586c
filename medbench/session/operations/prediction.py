"""Run a model version on inputs; shared by window and command line."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from medbench.base.atomic import read_json
from medbench.base.errors import BadInputError, CancelledError, JobFailedError
from medbench.base.ids import new_id
from medbench.cohorts.tabletext import is_missing, number_of, read_table
from medbench.domain.model import ModelVersion, Prediction
from medbench.domain.records import from_json
from medbench.jobs.client import EngineProcess
from medbench.jobs.protocol import JobSpec, PredictSpec

OnEvent = Callable[[dict[str, Any]], None]
_SIGNALS = 8


def run_job(
    engine: EngineProcess,
    spec: JobSpec,
    on_event: OnEvent | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> dict[str, Any]:
    """Submit a job and wait for its result; ``cancelled()`` is asked twice a second.

    Raises
    ------
    JobFailedError, CancelledError
        With the engine's reason.
    """
    engine.submit(spec)
    asked = False
    while True:
        if not asked and cancelled is not None and cancelled():
            asked = True
            engine.cancel(spec.job_id)
        event = engine.receive(0.2)
        if event is None:
            continue
        if on_event is not None:
            on_event(event)
        if event["type"] == "exited":
            raise JobFailedError("The engine is gone.")
        if event["type"] != "ended" or event["job_id"] != spec.job_id:
            continue
        if event["outcome"] == "finished":
            return dict(event["result"])
        if event["outcome"] == "cancelled":
            raise CancelledError("Stopped.")
        raise JobFailedError(str(event["reason"]) or "The job failed.")


def inputs_of(paths: Sequence[Path], manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """One entry an input: files and folders for images, rows of a CSV for tables and signals.

    Raises
    ------
    BadInputError
        A path is missing, or a table lacks a column of the model.
    """
    found: list[dict[str, Any]] = []
    for path in paths:
        if not path.exists():
            raise BadInputError(f"{path} does not exist.")
        if manifest["task"] == "table":
            found += _rows(path, manifest)
        elif manifest["task"] == "signal":
            found += _recordings(path) or _signals(path)
        elif manifest["task"] == "segmentation" and path.is_dir():
            found += _image_entries(path)
        elif path.is_dir():
            files = sorted(f for f in path.rglob("*") if f.is_file() and not f.name.startswith("."))
            found += [{"id": str(f), "path": str(f.resolve())} for f in files]
        else:
            found.append({"id": str(path), "path": str(path.resolve())})
    if not found:
        raise BadInputError("There is nothing to predict on.")
    return found


def _image_entries(folder: Path) -> list[dict[str, Any]]:
    """A folder of DICOM slices is one input; of other files, each is one."""
    files = sorted(f for f in folder.iterdir() if f.is_file() and not f.name.startswith("."))
    if files and all(f.suffix.lower() in (".dcm", "") for f in files):
        return [{"id": str(folder), "path": str(folder.resolve())}]
    inner = [e for d in sorted(folder.iterdir()) if d.is_dir() for e in _image_entries(d)]
    return [*({"id": str(f), "path": str(f.resolve())} for f in files), *inner]


def _rows(path: Path, manifest: dict[str, Any]) -> list[dict[str, Any]]:
    table = read_table(path)
    features = manifest["features"]
    places = []
    for feature in features:
        if feature["name"] in table.columns:
            places.append(table.columns.index(feature["name"]))
        elif not table.has_header and feature["name"].startswith("column_"):
            places.append(int(feature["name"].removeprefix("column_")) - 1)
        else:
            raise BadInputError(f"{path.name} lacks the column {feature['name']!r} of the model.")
    entries = []
    for i, row in enumerate(table.rows):
        values: list[float | None] = []
        for feature, place in zip(features, places, strict=True):
            if place >= len(row):
                raise BadInputError(f"{path.name} row {i + 1} is too short for the model.")
            cell = row[place]
            if is_missing(cell):
                values.append(None)
            elif feature["categories"]:
                known = feature["categories"]
                values.append(float(known.index(cell)) if cell in known else None)
            else:
                values.append(number_of(cell))
        entries.append({"id": f"{path.name}#{i + 1}", "row": values})
    return entries


def _recordings(path: Path) -> list[dict[str, Any]]:
    """ECG records (WFDB, DICOM) at a path; the engine cuts them as the model learned them."""
    from medbench.formats.ecg_signals import is_record, records_in

    files = list(records_in(path)) if path.is_dir() else [path] if is_record(path) else []
    if path.is_dir() and not files:
        raise BadInputError(f"{path} holds no ECG record.")
    return [{"id": str(f), "path": str(f.resolve())} for f in files]


def _signals(path: Path) -> list[dict[str, Any]]:
    table = read_table(path)
    if len(table.columns) < _SIGNALS:
        raise BadInputError(f"{path.name}: {len(table.columns)} samples a line make no signal.")
    # training files carry the label first; a whole number there is taken as one
    return [
        {"id": f"{path.name}#{i + 1}", "row": [number_of(cell) for cell in row[1:]]}
        for i, row in enumerate(table.rows)
    ]


def predict(
    engine: EngineProcess, version: ModelVersion, folder: Path, inputs: list[dict[str, Any]],
    out: Path, *, explain: bool = True, device: str = "auto", on_event: OnEvent | None = None,
cancelled: Callable[[], bool] | None = None,
) -> tuple[Prediction, ...]:  # fmt: skip
    """Predict with a version whose folder was verified; answers carry its label and stage."""
    spec = PredictSpec(new_id("predict"), str(folder.resolve()), inputs, str(out), explain, device)
    result = run_job(engine, spec, on_event, cancelled)
    return tuple(
        replace(from_json(Prediction, p), model=version.label, stage=version.stage.value)
        for p in result["predictions"]
    )


def write_overlay_picture(prediction: Prediction, out: Path) -> Path | None:
    """PNG of the attribution map beside its .npy, or None when there is none."""
    from PIL import Image

    from medbench.base.atomic import atomic_file

    if not prediction.overlay_path:
        return None
    heat = np.load(prediction.overlay_path, allow_pickle=False)
    path = out / (Path(prediction.overlay_path).stem + ".png")
    picture = Image.fromarray((np.clip(heat, 0, 1) * 255).astype(np.uint8))
    atomic_file(path, lambda part: picture.save(part, format="PNG"))
    return path


def prediction_json(prediction: Prediction) -> dict[str, Any]:
    """A prediction in the command line's words."""
    scores = dict(zip(prediction.classes, prediction.scores, strict=False))
    return {
        "input": prediction.input_id,
        "model": prediction.model,
        "stage": prediction.stage,
        "weights_sha256": prediction.weights_sha256,
        "probabilities": scores if prediction.calibrated else None,
        "scores": scores,
        "calibrated": prediction.calibrated,
        "threshold": prediction.threshold,
        "positive": prediction.classes[prediction.positive],
        "decision": prediction.decision,
        "in_distribution": prediction.in_distribution,
        "in_distribution_percentile": prediction.in_distribution_percentile,
        "overlay": prediction.overlay_path or None,
        "label_map": prediction.label_map_path or None,
        "volumes": dict(prediction.volumes),
        "volume_unit": prediction.volume_unit,
        "simulated": prediction.simulated,
        "seconds": prediction.seconds,
        "reason": prediction.reason,
        "explanation": dict(prediction.explanation) or None,
        "notice": "Research use - not for diagnosis",
    }


def manifest_of(folder: Path) -> dict[str, Any]:
    """``model.json`` of a version."""
    return dict(read_json(folder / "model.json"))
