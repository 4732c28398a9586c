"""Cross-validation by patient: everything that is chosen is chosen inside a fold.

Cases of the training and validation parts take part; the test part is not opened. Each fold
derives its own fingerprint and plan, fills gaps, scales, searches, stops early, calibrates and sets
its threshold on its learned cases alone, and is stored before the next begins: a killed run goes
on with the fold it was in.
"""

import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medbench.base.atomic import atomic_write_json, read_json
from medbench.base.errors import BadInputError
from medbench.cohorts.fingerprint import cases_of
from medbench.domain.cohort import Case, Role, Split
from medbench.domain.records import to_json
from medbench.engine.control import JobControl, PartControl
from medbench.engine.data import Prepared, Preparer
from medbench.engine.runs.inputs import InputShop
from medbench.engine.runs.search import SearchTask, search_settings
from medbench.engine.runs.sources import Plan, Sources
from medbench.engine.steps import answers
from medbench.engine.training.folds import group_numbers, grouped_folds, inner_count
from medbench.engine.training.task import FitTask
from medbench.engine.trust.operating import operating_point
from medbench.jobs.protocol import TrainSpec
from medbench.metrics.crossval import crossval_report, pooled_set
from medbench.metrics.predictions import PredictionSet, read_predictions, write_predictions

MOST_FOLDS = 50
MOST_REPEATS = 100
_INNER = 5
REPORT = "crossval.json"


@dataclass
class CrossValidation:
    """One cross-validation of one run."""

    spec: TrainSpec
    sources: Sources
    run: Path
    control: JobControl
    shop: InputShop
    end: float
    """Share of the run's progress at which it ends."""
    pool: list[Case] = field(init=False)

    def report(self) -> dict[str, Any]:
        """Run what is not on file yet; returns and stores the report."""
        spec, cohort = self.spec, self.sources.cohort
        self.pool = self._pool()
        labels = np.array([case.label for case in self.pool], np.int64)
        groups = group_numbers(self.pool)
        self._check(labels, groups)
        found: list[tuple[PredictionSet, dict[str, Any]]] = []
        total = spec.folds * spec.repeats
        for repeat in range(spec.repeats):
            folds = grouped_folds(labels, groups, spec.folds, spec.seed + 1000 * repeat)
            for number, (learned, held) in enumerate(folds):
                done = len(found)
                name = f"r{repeat + 1}-f{number + 1}"
                part = self.control.part(
                    self.end * done / total, self.end * (done + 1) / total,
                    f"fold {done + 1} of {total}",
                )  # fmt: skip
                found.append(self._fold(name, learned, held, part))
                self._tell(done + 1, found[-1])
        sets = [predictions for predictions, _ in found]
        write_predictions(self.run / "predictions" / "crossval.npz", pooled_set(sets))
        report = {
            "folds": spec.folds,
            "repeats": spec.repeats,
            "seed": spec.seed,
            "trials": spec.trials,
            "learner": spec.learner,
            "cohort_digest": cohort.digest,
            "grouped_by": "patient" if cohort.patient_known else "case (patients are not named)",
            **crossval_report(sets, spec.repeats, {c.case_id: c.attributes for c in self.pool}),
            "each_fold": [summary for _, summary in found],
            "cpu_minutes": sum(float(s["cpu_s"]) for _, s in found) / 60,
            "predictions": "predictions/crossval.npz",
        }
        atomic_write_json(self.run / REPORT, report)
        return report

    def _pool(self) -> list[Case]:
        cohort, split = self.sources.cohort, self.sources.split
        roles = (Role.TRAIN, Role.VAL)
        chosen = {c.case_id for role in roles for c in cases_of(cohort, split, role)}
        return [case for case in cohort.cases if case.case_id in chosen]

    def _check(self, labels: NDArray[np.int64], groups: NDArray[np.int64]) -> None:
        spec, classes = self.spec, self.sources.cohort.classes
        if not 2 <= spec.folds <= MOST_FOLDS or not 1 <= spec.repeats <= MOST_REPEATS:
            raise BadInputError(f"Folds must be 2 to {MOST_FOLDS} and repeats 1 to {MOST_REPEATS}.")
        for k in np.unique(labels):
            own = labels == k
            if (patients := len(np.unique(groups[own]))) < spec.folds:
                names = ", ".join(c.case_id for c, mine in zip(self.pool, own, strict=True) if mine)
                raise BadInputError(
                    f"Class {classes[k]} has {patients} independent patients ({names[:120]}): "
                    f"not every one of {spec.folds} folds can hold one. Take fewer folds, or leave "
                    "the class out."
                )

    def _fold(
        self, name: str, learned: NDArray[np.int64], held: NDArray[np.int64], part: PartControl
    ) -> tuple[PredictionSet, dict[str, Any]]:
        place = self.run / "folds" / name
        if self.spec.resume and (place / "fold.json").exists():
            return read_predictions(place / "predictions.npz"), read_json(place / "fold.json")
        place.mkdir(parents=True, exist_ok=True)
        begin = time.process_time()
        split = self._fold_split(learned, held)
        plan = self.sources.plan_of(split)
        preparer = self._preparer(plan)
        data = self.shop.of(preparer, self.pool, part.part(0, 0.1, ""))
        parts = {role: data.of_role(split, role) for role in Role}
        cross_fit = self.sources.learner.cross_fits
        train, out = parts[Role.TRAIN], parts[Role.TEST]
        val = None if cross_fit else parts[Role.VAL]
        if train is None or out is None or (val is None and not cross_fit):
            raise BadInputError(f"No case of a part of {name} can be read.")
        if self.spec.trials:
            wanted = search_settings(
                SearchTask(
                    self.sources.cohort, self.sources.learner, plan, train, val, self.spec.trials,
                    self.spec.seed, self.sources.device, part.part(0.1, 0.7, ""), place,
                )
            )  # fmt: skip
            plan = self.sources.plan_of(split, wanted)
        chosen = {
            "rows": to_json(self.shop.shown(plan.rows)),
            "fingerprint": to_json(plan.fingerprint),
        }
        atomic_write_json(place / "plan.json", chosen)
        inner = part.part(0.7 if self.spec.trials else 0.1, 1, "")
        fitted = self.sources.learner.fit(
            FitTask(
                self.sources.cohort, train, val or train, plan.values, self.spec.seed,
                self.sources.device, inner, place / "checkpoints", self.spec.resume, cross_fit,
            )
        )  # fmt: skip
        point = operating_point(
            fitted, train, val, positive=self.sources.cohort.positive,
            rule=str(plan.values.get("threshold_rule", "youden")),
        )  # fmt: skip
        logits, out = answers(fitted.core, out)
        predictions = PredictionSet(
            np.array([case.case_id for case in out.cases]),
            np.array([case.patient_id for case in out.cases]),
            out.labels, point.calibration.apply(logits), logits,
            np.array([name] * len(out.cases)),
            {
                "classes": list(self.sources.cohort.classes),
                "positive": self.sources.cohort.positive,
                "threshold": point.threshold,
                "calibrated": point.calibration.calibrated,
                "cohort_name": self.sources.cohort.name,
                "cohort_digest": self.sources.cohort.digest,
                "simulated": self.sources.cohort.simulated,
            },
        )  # fmt: skip
        write_predictions(place / "predictions.npz", predictions)
        if inner.metrics:
            atomic_write_json(place / "metrics.json", inner.metrics)
        summary = {
            "fold": name,
            "n_train": len(train.cases),
            "n_val": 0 if val is None else len(val.cases),
            "n_held_out": len(out.cases),
            "threshold": point.threshold,
            "calibration": to_json(point.calibration),
            "epochs": fitted.epochs,
            "best_epoch": fitted.best_epoch,
            "notes": fitted.notes,
            "unreadable": data.unreadable,
            "cpu_s": time.process_time() - begin,
        }
        atomic_write_json(place / "fold.json", summary)
        shutil.rmtree(place / "checkpoints", ignore_errors=True)
        shutil.rmtree(place / "trial", ignore_errors=True)
        return predictions, summary

    def _preparer(self, plan: Plan) -> Preparer:
        learner = self.sources.learner
        settings = learner.preparation(plan.values)
        return Preparer(self.sources.cohort.task, learner.form, settings)

    def _fold_split(self, learned: NDArray[np.int64], held: NDArray[np.int64]) -> Split:
        """Roles inside one fold; its TEST are the fold's held-out cases, not the cohort's test."""
        roles = {self.pool[i].case_id: Role.TRAIN for i in learned}
        roles |= {self.pool[i].case_id: Role.TEST for i in held}
        if not self.sources.learner.cross_fits:
            cases = [self.pool[i] for i in learned]
            labels = np.array([case.label for case in cases], np.int64)
            groups = group_numbers(cases)
            count = inner_count(labels, groups, _INNER)
            if count < 2:
                raise BadInputError(
                    "A class has too few patients to keep a validation part back inside a fold."
                )
            _, val = grouped_folds(labels, groups, count, self.spec.seed)[0]
            roles |= {cases[i].case_id: Role.VAL for i in val}
        return Split("fold", self.spec.seed, roles, self.sources.cohort.digest)

    def _tell(self, number: int, fold: tuple[PredictionSet, dict[str, Any]]) -> None:
        from medbench.metrics.intervals import auc

        predictions, summary = fold
        positive = self.sources.cohort.positive
        area = auc(predictions.labels == positive, predictions.scores[:, positive])
        self.control.metric(number, {"fold_auc": area})
        words = "undefined" if area is None else f"{area:.3f}"
        self.control.log(
            f"Fold {summary['fold']}: AUC {words} on {summary['n_held_out']} held-out cases. "
            + " ".join(summary["notes"])
        )


def prepared_parts(
    shop: InputShop, preparer: Preparer, sources: Sources, control: JobControl
) -> dict[Role, Prepared]:
    """Training and validation part of the run's own split.

    Raises
    ------
    BadInputError
        There is no validation part, or none of a part can be read.
    """
    parts = {role: cases_of(sources.cohort, sources.split, role) for role in (Role.TRAIN, Role.VAL)}
    if not parts[Role.VAL]:
        raise BadInputError(
            "The validation part of the split is empty: the best epoch and the threshold are "
            "chosen on it."
        )
    data = shop.of(preparer, [*parts[Role.TRAIN], *parts[Role.VAL]], control)
    found = {}
    for role in parts:
        prepared = data.of_role(sources.split, role)
        if prepared is None:
            reason = next(iter(data.unreadable.values()), "there is none")
            raise BadInputError(f"None of the {role.value} cases can be read: {reason}.")
        mine = {case.case_id for case in parts[role]}
        prepared.unreadable = {k: v for k, v in data.unreadable.items() if k in mine}
        found[role] = prepared
    return found
