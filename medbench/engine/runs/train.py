"""The jobs ``plan`` and ``train``: cohort -> fingerprint -> plan -> model -> predictions."""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medbench.base.atomic import atomic_write_json, read_json
from medbench.base.errors import BadInputError
from medbench.base.ids import now_iso
from medbench.cohorts.store import read_split, write_split
from medbench.domain.cohort import Role, Task
from medbench.domain.model import PlanRow
from medbench.domain.records import from_json, to_json
from medbench.engine.control import JobControl
from medbench.engine.data import Prepared, Preparer
from medbench.engine.explain.contributions import reference_row
from medbench.engine.inference.model import REFERENCE, embedder_of, load_model
from medbench.engine.learners.base import Fitted
from medbench.engine.learners.embedded import EmbeddedCore, check_embedder, source_of
from medbench.engine.runs.crossval import CrossValidation, prepared_parts
from medbench.engine.runs.environment import environment_json
from medbench.engine.runs.inputs import Front, InputShop
from medbench.engine.runs.masks import train_masks
from medbench.engine.runs.model_writer import write_model
from medbench.engine.runs.search import SearchTask, search_settings
from medbench.engine.runs.sources import Sources, make_plan, open_sources
from medbench.engine.steps import answers
from medbench.engine.training.task import FitTask
from medbench.engine.trust.calibration import Calibration
from medbench.engine.trust.in_distribution import fit_gate
from medbench.engine.trust.operating import operating_point
from medbench.jobs.protocol import PlanSpec, TrainSpec
from medbench.metrics.predictions import PredictionSet, write_predictions
from medbench.metrics.report import compute_report
from medbench.metrics.risk import risk_table

PREPARE_SHARE = 0.1


def plan(job: dict[str, Any], control: JobControl) -> dict[str, Any]:
    """The plan of a run, without training."""
    spec = from_json(PlanSpec, job)
    sources = open_sources(Path(spec.cohort_folder), spec.learner, spec.overrides, spec.device)
    return {
        "rows": to_json(sources.plan.rows),
        "fingerprint": to_json(sources.plan.fingerprint),
        "device": str(sources.device),
    }


def train(job: dict[str, Any], control: JobControl) -> dict[str, Any]:
    """Train, calibrate, choose the threshold, store predictions and the model."""
    spec = from_json(TrainSpec, job)
    begin = time.monotonic()
    run, folder = Path(spec.run_folder), Path(spec.cohort_folder)
    run.mkdir(parents=True, exist_ok=True)
    sources = open_sources(folder, spec.learner, spec.overrides, spec.device)
    front = _front(spec, sources) if spec.embedder_folder else None
    sources = _with_stored_plan(run, spec, sources)
    _check_same_data(run, sources, resume=spec.resume)
    atomic_write_json(run / "environment.json", environment_json(sources.device, spec.seed))
    shop = InputShop(sources.cohort, folder, front)
    control.say("plan", rows=to_json(shop.shown(sources.plan.rows)), device=str(sources.device))
    if sources.learner.form == "masks":
        return train_masks(spec, sources, run, control, begin)
    crossed: dict[str, Any] | None = None
    share = 0.0
    if spec.folds:
        share = 1 - 1 / (spec.folds * spec.repeats + 1)
        crossed = CrossValidation(spec, sources, run, control, shop, share).report()
    own = control.part(share, 1, "final model") if share else control
    preparer = Preparer(
        sources.cohort.task, sources.learner.form,
        sources.learner.preparation(sources.plan.values),
    )  # fmt: skip
    prepared = prepared_parts(shop, preparer, sources, own.part(0, PREPARE_SHARE, ""))
    if spec.trials and not (spec.resume and (run / "plan.json").exists()):
        sources = _searched(spec, sources, prepared, run, control)
    if front is not None:
        preparer = front.preparer
        sources = replace(sources, plan=replace(sources.plan, rows=shop.shown(sources.plan.rows)))
    rows = to_json(sources.plan.rows)
    atomic_write_json(
        run / "plan.json", {"rows": rows, "fingerprint": to_json(sources.plan.fingerprint)}
    )
    task = FitTask(
        sources.cohort, prepared[Role.TRAIN], prepared[Role.VAL], sources.plan.values, spec.seed,
        sources.device, own, run / "checkpoints", spec.resume,
    )  # fmt: skip
    fitted = sources.learner.fit(task)
    control.checkpoint()
    finished = _Finished(
        sources, spec, preparer, sources.plan.values, prepared, fitted, time.monotonic() - begin,
        crossed, front,
    )  # fmt: skip
    return finished.store(run)


def _searched(
    spec: TrainSpec, sources: Sources, prepared: dict[Role, Prepared], run: Path,
    control: JobControl,
) -> Sources:  # fmt: skip
    """The same sources with the plan that a search on the training part has chosen."""
    begin = 0.0 if not spec.folds else 1 - 1 / (spec.folds * spec.repeats + 1)
    part = control.part(begin, begin + 0.6 * (1 - begin), "")
    found = search_settings(
        SearchTask(
            sources.cohort, sources.learner, sources.plan, prepared[Role.TRAIN],
            prepared[Role.VAL], spec.trials, spec.seed, sources.device,
            part if spec.folds else control, run / "search",
        )
    )  # fmt: skip
    plan = make_plan(
        sources.learner, sources.plan.fingerprint, sources.overrides, sources.device, found
    )
    control.say("plan", rows=to_json(plan.rows), device=str(sources.device))
    return replace(sources, plan=plan)


def _with_stored_plan(run: Path, spec: TrainSpec, sources: Sources) -> Sources:
    """A resumed run keeps the plan it started with, reasons and all."""
    if not spec.resume or not (run / "plan.json").exists():
        return sources
    rows = tuple(from_json(PlanRow, row) for row in read_json(run / "plan.json")["rows"])
    return replace(sources, plan=replace(sources.plan, rows=rows))


def _front(spec: TrainSpec, sources: Sources) -> Front:
    """The registered network to learn behind, checked against leaks."""
    folder = Path(spec.embedder_folder)
    if sources.learner.form != "features":
        raise BadInputError(
            f"{spec.learner} learns its own features: only perceptron, SVM and MLP take those of a "
            "network."
        )
    model = load_model(folder, sources.device)
    check_embedder(model.manifest, sources.cohort, sources.split, folds=spec.folds > 0)
    return Front(embedder_of(model.core, source_of(model.manifest, folder)), model.preparer)


def _check_same_data(run: Path, sources: Sources, *, resume: bool) -> None:
    if resume and (run / "split.json").exists():
        before = read_split(run)
        if before is not None and before.digest != sources.split.digest:
            raise BadInputError("The cohort or its split changed since this run began: start anew.")
    write_split(run, sources.split)


@dataclass
class _Finished:
    sources: Sources
    spec: TrainSpec
    preparer: Preparer
    plan: dict[str, Any]
    prepared: dict[Role, Prepared]
    fitted: Fitted
    seconds: float
    crossed: dict[str, Any] | None
    front: Front | None = None

    def store(self, run: Path) -> dict[str, Any]:
        """Write predictions and the model; returns the job's result."""
        cohort, core = self.sources.cohort, self.fitted.core
        logits, val = answers(core, self.prepared[Role.VAL])
        rule = str(self.plan.get("threshold_rule", "youden"))
        point = operating_point(
            self.fitted, self.prepared[Role.TRAIN], self.prepared[Role.VAL],
            positive=cohort.positive, rule=rule,
        )  # fmt: skip
        calibration, threshold = point.calibration, point.threshold
        scores = calibration.apply(logits)
        patients = np.array([case.patient_id for case in val.cases])
        report = compute_report(
            val.labels, scores, positive=cohort.positive, threshold=threshold, patient_ids=patients
        )
        gate = fit_gate(self.prepared[Role.TRAIN].gate, val.gate)
        manifest = self._manifest(calibration, threshold, rule, report.metrics)
        more = {}
        if cohort.task is Task.TABLE:
            categories = [len(feature.categories) for feature in cohort.features]
            more[REFERENCE] = reference_row(self.prepared[Role.TRAIN].inputs, categories)
        manifest["risk_table"] = self._risk(val.labels == cohort.positive, scores)
        whole = core if self.front is None else EmbeddedCore(self.front.embedder, core)
        stored = write_model(run / "model", manifest, whole, gate, more)
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
            "cross_validation": self.crossed,
            "unreadable": sum(len(p.unreadable) for p in self.prepared.values()),
        }

    def _risk(self, truth: NDArray[np.bool_], scores: NDArray[np.float64]) -> dict[str, Any]:
        """What came of patients by foretold risk: of the cross-validation, else of validation."""
        if self.crossed is not None:
            return {"rests_on": "cross-validation", "groups": self.crossed["risk_table"]}
        table = risk_table(truth, scores[:, self.sources.cohort.positive])
        return {"rests_on": "validation", "groups": to_json(table)}

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
            "plan": to_json(self.sources.plan.rows),
            "cross_validation": _summary(self.crossed),
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
                "class_counts": list(self.sources.plan.fingerprint.class_counts),
                "simulated": cohort.simulated,
                "device": str(self.sources.device),
                "epochs": self.fitted.epochs,
                "best_epoch": self.fitted.best_epoch,
                "created": now_iso(),
            },
            "validation": to_json(metrics),
        }


def _summary(crossed: dict[str, Any] | None) -> dict[str, Any] | None:
    """What a model's manifest keeps of its cross-validation."""
    if crossed is None:
        return None
    keys = ("folds", "repeats", "seed", "trials", "grouped_by", "n", "patients", "events",
            "metrics", "over_folds", "intervals")  # fmt: skip
    return {key: crossed[key] for key in keys}


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
