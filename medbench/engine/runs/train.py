"""The jobs ``plan`` and ``train``: cohort -> fingerprint -> plan -> model -> predictions."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from medbench.base.atomic import atomic_write_json
from medbench.base.errors import BadInputError
from medbench.base.ids import now_iso
from medbench.cohorts.checks import require_clean, run_checks
from medbench.cohorts.fingerprint import cases_of, fingerprint
from medbench.cohorts.store import read_cohort, read_split, write_split
from medbench.domain.cohort import Cohort, Fingerprint, Role, Split
from medbench.domain.model import PlanRow
from medbench.domain.records import from_json, to_json
from medbench.engine.control import JobControl
from medbench.engine.data import Prepared, Preparer
from medbench.engine.device import choose_device
from medbench.engine.learners import learner_of
from medbench.engine.learners.base import Fitted, Learner
from medbench.engine.plan.builder import PlanBuilder, values_of
from medbench.engine.runs.environment import environment_json
from medbench.engine.runs.model_writer import write_model
from medbench.engine.training.task import FitTask
from medbench.engine.trust.calibration import Calibration, fit_calibration
from medbench.engine.trust.in_distribution import fit_gate
from medbench.jobs.learners import learner_info
from medbench.jobs.protocol import PlanSpec, TrainSpec
from medbench.metrics.predictions import PredictionSet, write_predictions
from medbench.metrics.report import compute_report
from medbench.metrics.threshold import choose_threshold

PREPARE_SHARE = 0.1


@dataclass
class _Sources:
    cohort: Cohort
    split: Split
    learner: Learner
    fingerprint: Fingerprint
    rows: tuple[PlanRow, ...]
    device: torch.device


def _open(folder: Path, learner_name: str, overrides: dict[str, Any], device: str) -> _Sources:
    cohort = read_cohort(folder)
    split = read_split(folder, cohort)
    if split is None:
        raise BadInputError(f"The cohort {cohort.name} has no split yet: split it first.")
    info = learner_info(learner_name)
    if cohort.task.value not in info.tasks:
        raise BadInputError(
            f"{info.title} takes {', '.join(info.tasks)}; {cohort.name} is a cohort of "
            f"{cohort.task.value}s."
        )
    require_clean(run_checks(cohort, split, folder))
    learner = learner_of(learner_name)
    chosen = choose_device(device)
    found = fingerprint(cohort, split, folder)
    builder = PlanBuilder(overrides)
    learner.plan(builder, found, chosen)
    return _Sources(cohort, split, learner, found, builder.finish(), chosen)


def plan(job: dict[str, Any], control: JobControl) -> dict[str, Any]:
    """The plan of a run, without training."""
    spec = from_json(PlanSpec, job)
    sources = _open(Path(spec.cohort_folder), spec.learner, spec.overrides, spec.device)
    return {
        "rows": to_json(sources.rows),
        "fingerprint": to_json(sources.fingerprint),
        "device": str(sources.device),
    }


def train(job: dict[str, Any], control: JobControl) -> dict[str, Any]:
    """Train, calibrate, choose the threshold, store predictions and the model."""
    spec = from_json(TrainSpec, job)
    begin = time.monotonic()
    run, folder = Path(spec.run_folder), Path(spec.cohort_folder)
    run.mkdir(parents=True, exist_ok=True)
    overrides = _frozen_overrides(run, spec) if spec.resume else spec.overrides
    sources = _open(folder, spec.learner, overrides, spec.device)
    _check_same_data(run, sources, resume=spec.resume)
    plan_values = values_of(sources.rows)
    atomic_write_json(run / "plan.json", {"rows": to_json(sources.rows),
                                          "fingerprint": to_json(sources.fingerprint)})  # fmt: skip
    atomic_write_json(run / "environment.json", environment_json(sources.device, spec.seed))
    control.say("plan", rows=to_json(sources.rows), device=str(sources.device))
    preparer = Preparer(
        sources.cohort.task, sources.learner.form, sources.learner.preparation(plan_values)
    )
    prepared = _prepare(sources, folder, preparer, control)
    task = FitTask(
        sources.cohort, prepared[Role.TRAIN], prepared[Role.VAL], plan_values, spec.seed,
        sources.device, control, run / "checkpoints", spec.resume,
    )  # fmt: skip
    fitted = sources.learner.fit(task)
    control.checkpoint()
    finished = _Finished(
        sources, spec, preparer, plan_values, prepared, fitted, time.monotonic() - begin
    )
    return finished.store(run)


def _frozen_overrides(run: Path, spec: TrainSpec) -> dict[str, Any]:
    """A resumed run keeps the plan it started with."""
    from medbench.base.atomic import read_json

    if not (run / "plan.json").exists():
        return spec.overrides
    rows = read_json(run / "plan.json")["rows"]
    return {row["key"]: row["value"] for row in rows}


def _check_same_data(run: Path, sources: _Sources, *, resume: bool) -> None:
    if resume and (run / "split.json").exists():
        before = read_split(run)
        if before is not None and before.digest != sources.split.digest:
            raise BadInputError("The cohort or its split changed since this run began: start anew.")
    write_split(run, sources.split)


def _prepare(
    sources: _Sources, folder: Path, preparer: Preparer, control: JobControl
) -> dict[Role, Prepared]:
    found = {}
    parts = {role: cases_of(sources.cohort, sources.split, role) for role in (Role.TRAIN, Role.VAL)}
    if not parts[Role.VAL]:
        raise BadInputError(
            "The validation part of the split is empty: the best epoch and the threshold are "
            "chosen on it."
        )
    total, done = sum(len(cases) for cases in parts.values()), 0
    for role, cases in parts.items():

        def tick(i: int, before: int = done) -> None:
            control.checkpoint()
            control.progress(
                PREPARE_SHARE * (before + i) / total, f"reading case {before + i} of {total}"
            )

        found[role] = preparer.prepare(sources.cohort, folder, cases, tick=tick)
        done += len(cases)
        for case_id, reason in list(found[role].unreadable.items())[:20]:
            control.log(f"Left out {case_id}: {reason}", level="warning")
    return found


@dataclass
class _Finished:
    sources: _Sources
    spec: TrainSpec
    preparer: Preparer
    plan: dict[str, Any]
    prepared: dict[Role, Prepared]
    fitted: Fitted
    seconds: float

    def store(self, run: Path) -> dict[str, Any]:
        """Write predictions and the model; returns the job's result."""
        cohort, core = self.sources.cohort, self.fitted.core
        val = self.prepared[Role.VAL]
        logits = core.logits(val.inputs)
        calibration = fit_calibration(logits, val.labels, margins=core.margins)
        scores = calibration.apply(logits)
        truth = val.labels == cohort.positive
        rule = str(self.plan.get("threshold_rule", "youden"))
        threshold = choose_threshold(truth, scores[:, cohort.positive], rule)
        patients = np.array([case.patient_id for case in val.cases])
        report = compute_report(
            val.labels, scores, positive=cohort.positive, threshold=threshold, patient_ids=patients
        )
        gate = fit_gate(self.prepared[Role.TRAIN].gate, val.gate)
        manifest = self._manifest(calibration, threshold, rule, report.metrics)
        stored = write_model(run / "model", manifest, core, gate)
        write_predictions(
            run / "predictions" / "val.npz",
            prediction_set(val, logits, scores, Role.VAL, self._meta(stored, calibration)),
        )
        return {
            "model_folder": str(run / "model"),
            "model_name": manifest["name"],
            "validation": to_json(report.metrics),
            "epochs": self.fitted.epochs,
            "best_epoch": self.fitted.best_epoch,
            "seconds": self.seconds,
            "device": str(self.sources.device),
            "calibrated": calibration.calibrated,
            "threshold": threshold,
            "notes": self.fitted.notes,
            "unreadable": sum(len(p.unreadable) for p in self.prepared.values()),
        }

    def _meta(self, stored: dict[str, Any], calibration: Calibration) -> dict[str, Any]:
        cohort = self.sources.cohort
        return {
            "classes": list(cohort.classes),
            "positive": cohort.positive,
            "threshold": stored["threshold"],
            "calibrated": calibration.calibrated,
            "weights_sha256": stored["weights_sha256"],
            "cohort_name": cohort.name,
            "cohort_digest": cohort.digest,
            "split_digest": self.sources.split.digest,
            "simulated": cohort.simulated,
        }

    def _manifest(
        self, calibration: Calibration, threshold: float, rule: str, metrics: Any
    ) -> dict[str, Any]:
        cohort, split = self.sources.cohort, self.sources.split
        return {
            "name": self.spec.model_name,
            "learner": self.spec.learner,
            "task": cohort.task.value,
            "target": cohort.target,
            "classes": list(cohort.classes),
            "positive": cohort.positive,
            "features": to_json(cohort.features),
            "preprocessing": {"form": self.preparer.form, "settings": self.preparer.settings},
            "calibration": to_json(calibration),
            "calibrated": calibration.calibrated,
            "threshold": threshold,
            "threshold_rule": rule,
            "plan": to_json(self.sources.rows),
            "provenance": {
                "run_id": self.spec.job_id,
                "seed": self.spec.seed,
                "cohort_name": cohort.name,
                "cohort_digest": cohort.digest,
                "split_digest": split.digest,
                "split_method": split.method,
                "overrides": to_json(split.overrides),
                "n_train": len(self.prepared[Role.TRAIN].cases),
                "n_val": len(self.prepared[Role.VAL].cases),
                "class_counts": list(self.sources.fingerprint.class_counts),
                "simulated": cohort.simulated,
                "device": str(self.sources.device),
                "epochs": self.fitted.epochs,
                "best_epoch": self.fitted.best_epoch,
                "created": now_iso(),
            },
            "validation": to_json(metrics),
        }


def prediction_set(
    part: Prepared, logits: NDArray[np.float64], scores: NDArray[np.float64], role: Role,
    meta: dict[str, Any],
) -> PredictionSet:  # fmt: skip
    """Stored form of the answers for one part."""
    return PredictionSet(
        np.array([case.case_id for case in part.cases]),
        np.array([case.patient_id for case in part.cases]),
        part.labels,
        scores,
        logits,
        np.array([role.value] * len(part.cases)),
        meta,
    )
