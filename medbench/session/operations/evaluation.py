"""Evaluate a version on a cohort and keep the result; shared by window and command line."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medbench.base.errors import BadInputError
from medbench.base.ids import new_id, now_iso
from medbench.cohorts.store import read_cohort, read_split
from medbench.domain.cohort import Cohort, Split
from medbench.domain.model import ModelVersion, RestsOn
from medbench.domain.records import to_json
from medbench.jobs.client import EngineProcess
from medbench.jobs.protocol import EvaluateSpec
from medbench.metrics.overlap import is_overlap, overlap_report, worst_cases
from medbench.metrics.predictions import PredictionSet, read_predictions, write_predictions
from medbench.metrics.report import Report, compute_report
from medbench.metrics.risk import RiskGroup, risk_table
from medbench.registry.model_folder import read_manifest
from medbench.registry.workspace import EvaluationRecord, Workspace
from medbench.session.operations.prediction import run_job

OnEvent = Callable[[dict[str, Any]], None]
ROLES = ("train", "val", "test", "all")


@dataclass(frozen=True)
class Evaluation:
    """A stored evaluation with its numbers."""

    record: EvaluationRecord
    report: Report
    predictions: PredictionSet


def rests_on(manifest: dict[str, Any], cohort: Cohort, split: Split | None, role: str) -> RestsOn:
    """What numbers on this part of this cohort rest on, for this model.

    Worst wins: a part that holds training cases is resubstitution, one that chose the epoch and
    the threshold is validation. Only the very split the model was trained with has a test part
    the model never saw; a cohort sharing no case with training is external.
    """
    origin = manifest["provenance"]
    same_cohort = origin["cohort_digest"] == cohort.digest
    if same_cohort and split is not None and origin["split_digest"] == split.digest:
        return {
            "train": RestsOn.RESUBSTITUTION,
            "all": RestsOn.RESUBSTITUTION,
            "val": RestsOn.VALIDATION,
            "test": RestsOn.INTERNAL_TEST,
        }[role]
    if same_cohort or origin["cohort_name"] == cohort.name:
        # other roles, or more cases: nobody can say what was seen, so nothing is claimed
        return RestsOn.RESUBSTITUTION
    return RestsOn.EXTERNAL


def evaluate(
    workspace: Workspace, engine: EngineProcess | None, label: str, cohort_folder: Path,
    role: str = "test", *, device: str = "auto", on_event: OnEvent | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Evaluation:  # fmt: skip
    """Score the part with the verified model, store predictions and report.

    Validation predictions that the run stored are taken as they are; all else is scored by the
    engine (``engine`` None starts one for this call).

    Raises
    ------
    BadInputError
        No such part, or the cohort does not fit the model.
    IntegrityError
        The model's bytes changed.
    """
    if role not in ROLES:
        raise BadInputError(f"There is no part {role!r}; there are {', '.join(ROLES)}.")
    version = workspace.verify(label)
    folder = workspace.model_folder(version.label)
    manifest = read_manifest(folder)
    cohort_folder = Path(cohort_folder).resolve()
    cohort = read_cohort(cohort_folder)
    split = read_split(cohort_folder, cohort)
    if role != "all" and split is None:
        raise BadInputError(f"The cohort {cohort.name} has no split: split it, or take --role all.")
    base = rests_on(manifest, cohort, split, role)
    stored = workspace.run_folder(version.run_id) / "predictions" / "val.npz"
    if base is RestsOn.VALIDATION and stored.exists():
        predictions = read_predictions(stored)
    else:
        predictions = _scored(
            engine, version, folder, cohort_folder, role, device, on_event, cancelled
        )
    return _keep(workspace, version, cohort, split, role, base, predictions)


def _scored(
    engine: EngineProcess | None, version: ModelVersion, folder: Path, cohort_folder: Path,
    role: str, device: str, on_event: OnEvent | None,
    cancelled: Callable[[], bool] | None,
) -> PredictionSet:  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="mb-") as out:
        spec = EvaluateSpec(
            new_id("evaluate"), str(folder.resolve()), str(cohort_folder), role, out, device
        )
        if engine is not None:
            result = run_job(engine, spec, on_event, cancelled)
        else:
            with EngineProcess("infer") as own:
                result = run_job(own, spec, on_event)
        return read_predictions(Path(result["predictions_path"]))


def _keep(
    workspace: Workspace, version: ModelVersion, cohort: Cohort, split: Split | None, role: str,
    base: RestsOn, predictions: PredictionSet,
) -> Evaluation:  # fmt: skip
    evaluation_id = new_id("eval")
    target = Path("models") / version.name / str(version.number) / "evaluations"
    relative = target / f"{evaluation_id}.npz"
    write_predictions(workspace.path / relative, predictions)
    report = report_of(predictions, version.threshold)
    record = EvaluationRecord(
        evaluation_id, version.label, cohort.name, cohort.digest,
        "" if split is None else split.digest, role, base, now_iso(), str(relative),
        to_json(report),
    )  # fmt: skip
    workspace.add_evaluation(record)
    return Evaluation(record, report, predictions)


def report_of(predictions: PredictionSet, threshold: float) -> Report:
    """Report of stored predictions at a threshold."""
    known = predictions.labelled
    if is_overlap(known):
        return overlap_report(known)
    return compute_report(
        known.labels, known.scores, positive=int(known.meta["positive"]), threshold=threshold,
        patient_ids=known.patient_ids,
    )  # fmt: skip


def load_evaluation(workspace: Workspace, record: EvaluationRecord) -> Evaluation:
    """A stored evaluation, its numbers computed again from the predictions."""
    predictions = read_predictions(workspace.path / record.predictions)
    threshold = workspace.model(record.model).threshold
    return Evaluation(record, report_of(predictions, threshold), predictions)


def _risk(predictions: PredictionSet) -> tuple[RiskGroup, ...]:
    """What was foretold beside what came, where probabilities were foretold."""
    known = predictions.labelled
    if not known.meta["calibrated"]:
        return ()
    positive = int(known.meta["positive"])
    return risk_table(known.labels == positive, known.scores[:, positive])


def evaluation_json(evaluation: Evaluation) -> dict[str, Any]:
    """An evaluation in the command line's words."""
    record, report = evaluation.record, evaluation.report
    return {
        "evaluation": record.evaluation_id,
        "model": record.model,
        "cohort": record.cohort_name,
        "role": record.role,
        "metrics": to_json(report.metrics),
        "threshold": report.threshold,
        "confusion": to_json(report.confusion),
        "classes": list(evaluation.predictions.meta["classes"]),
        "n": report.n,
        "events": report.events,
        "patients": report.n_patients,
        "rests_on": record.rests_on.value,
        "calibrated": bool(evaluation.predictions.meta["calibrated"]),
        "simulated": bool(evaluation.predictions.meta["simulated"]),
        "unreadable": len(evaluation.predictions.meta.get("unreadable", {})),
        "intervals": report.intervals,
        "risk_table": to_json(_risk(evaluation.predictions)),
        "notice": "Research use - not for diagnosis",
        **({"worst": worst_cases(evaluation.predictions)}
           if is_overlap(evaluation.predictions) else {}),
    }  # fmt: skip
