"""Support vector machines: settings by cross-validation inside the training part."""

from collections.abc import Callable
from itertools import product
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from medbench.domain.cohort import Fingerprint
from medbench.engine.learners.base import Core, Fitted, Floats, Learner, Tensors
from medbench.engine.learners.features import FeatureScaler
from medbench.engine.learners.margin import LinearCore, RbfCore, fit_scaler, targets
from medbench.engine.plan.builder import PlanBuilder
from medbench.engine.plan.common import add_class_weights, add_input_rows, add_threshold_rule
from medbench.engine.training.checkpoint import load_checkpoint, save_checkpoint
from medbench.engine.training.task import FitTask, class_auc

_SEARCHED = 1200
Fit = Callable[[Floats, NDArray[np.int64], dict[str, float]], Core]


class _Svm(Learner):
    form = "features"
    grid: ClassVar[dict[str, tuple[float, ...]]]

    def plan(self, plan: PlanBuilder, fingerprint: Fingerprint, device: torch.device) -> None:
        add_input_rows(plan, fingerprint)
        folds = 5 if min(n for n in fingerprint.class_counts if n) >= 10 else 3
        plan.row(
            "search",
            "Settings",
            "cross-validation",
            f"{len(list(product(*self.grid.values())))} candidates, {folds} folds by patient, "
            "training part only; 'fixed' takes the values below.",
            choices=("cross-validation", "fixed"),
        )
        plan.row("folds", "Folds", folds, "Few enough that each holds every class.", low=2, high=10)
        plan.row(
            "c", "C", 1.0, "Used when settings are fixed: the cost of a case on the wrong side.",
            low=1e-4, high=1e4,
        )  # fmt: skip
        if "gamma" in self.grid:
            plan.row(
                "gamma", "Kernel width (gamma)", 1.0,
                "Used when settings are fixed, in units of 1 / number of features.",
                low=1e-4, high=1e4,
            )  # fmt: skip
        add_class_weights(plan, fingerprint)
        add_threshold_rule(plan)

    def fit(self, task: FitTask) -> Fitted:
        scaler = fit_scaler(task)
        rows = scaler.transform(task.train.inputs)
        best, points = self._settings(task, rows)
        task.control.checkpoint()
        core = self._core(task, scaler, rows, task.train.labels, best)
        words = ", ".join(f"{key} = {value:g}" for key, value in best.items())
        return Fitted(core, points, points, [f"Settings chosen: {words}"])

    def _settings(self, task: FitTask, rows: Floats) -> tuple[dict[str, float], int]:
        if task.plan["search"] == "fixed":
            return {key: float(task.plan[key]) for key in self.grid}, 1
        candidates = [
            dict(zip(self.grid, values, strict=True)) for values in product(*self.grid.values())
        ]
        chosen = _sample(task.train.labels, task.seed)
        folds = _folds(task, chosen)
        scores: list[float] = []
        if task.resume and (found := load_checkpoint(task.checkpoints / "last")) is not None:
            scores = list(found[1]["scores"])
        for number in range(len(scores), len(candidates)):
            scores.append(self._score(task, rows, chosen, folds, candidates[number]))
            save_checkpoint(task.checkpoints / "last", {}, {"scores": scores})
            task.control.metric(
                number + 1, {"cv_auc": scores[-1], **candidates[number], "best_cv_auc": max(scores)}
            )
            task.control.progress(
                (number + 1) / (len(candidates) + 1),
                f"setting {number + 1} of {len(candidates)}",
            )
        return candidates[int(np.argmax(scores))], len(candidates)

    def _score(
        self, task: FitTask, rows: Floats, chosen: NDArray[np.int64],
        folds: list[tuple[NDArray[np.int64], NDArray[np.int64]]], settings: dict[str, float],
    ) -> float:  # fmt: skip
        found = []
        plain = FeatureScaler(
            np.zeros(rows.shape[1]), np.zeros(rows.shape[1]), np.ones(rows.shape[1]),
            np.zeros(rows.shape[1]),
        )  # fmt: skip
        labels = task.train.labels
        for train, held in folds:
            task.control.checkpoint()
            a, b = chosen[train], chosen[held]
            if len(np.unique(labels[a])) < task.classes:
                continue
            core = self._core(task, plain, rows[a], labels[a], settings)
            area = class_auc(labels[b], core.logits(rows[b]), task.cohort.positive)
            if area is not None:
                found.append(area)
        return float(np.mean(found)) if found else 0.5

    def _core(
        self, task: FitTask, scaler: FeatureScaler, rows: Floats, labels: NDArray[np.int64],
        settings: dict[str, float],
    ) -> Core:  # fmt: skip
        raise NotImplementedError


def _sample(labels: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Stratified indices to search settings on; all of them when there are few."""
    if len(labels) <= _SEARCHED:
        return np.arange(len(labels))
    dice = np.random.default_rng(seed)
    parts = []
    for k in np.unique(labels):
        own = np.flatnonzero(labels == k)
        parts.append(dice.permutation(own)[: max(20, round(_SEARCHED * len(own) / len(labels)))])
    return np.sort(np.concatenate(parts))


def _folds(
    task: FitTask, chosen: NDArray[np.int64]
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    from sklearn.model_selection import StratifiedGroupKFold

    labels = task.train.labels[chosen]
    patients = np.array([task.train.cases[i].patient_id for i in chosen])
    count = min(int(task.plan["folds"]), int(np.bincount(labels)[np.unique(labels)].min()))
    if count < 2:
        return []
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=task.seed)
    return list(splitter.split(np.zeros(len(chosen)), labels, patients))


class LinearSvm(_Svm):
    """Widest straight margin; hinge loss squared, liblinear."""

    name = "svm-linear"
    grid: ClassVar[dict[str, tuple[float, ...]]] = {"c": (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)}

    def _core(
        self, task: FitTask, scaler: FeatureScaler, rows: Floats, labels: NDArray[np.int64],
        settings: dict[str, float],
    ) -> Core:  # fmt: skip
        from sklearn.svm import LinearSVC

        weights, biases = [], []
        sample_weight = task.class_weights()[labels]
        for goal in targets(labels, task.classes):
            svm = LinearSVC(C=settings["c"], max_iter=20000, tol=1e-4, random_state=task.seed)
            svm.fit(rows, goal, sample_weight=sample_weight)
            weights.append(svm.coef_[0])
            biases.append(float(svm.intercept_[0]))
        return LinearCore(scaler, np.stack(weights, 1), np.array(biases), task.classes)

    def load(self, architecture: dict[str, Any], tensors: Tensors, device: torch.device) -> Core:
        return LinearCore.load(architecture, tensors)


class RbfSvm(_Svm):
    """Gaussian kernel, libsvm."""

    name = "svm-rbf"
    grid: ClassVar[dict[str, tuple[float, ...]]] = {
        "c": (0.3, 1.0, 3.0, 10.0, 30.0),
        "gamma": (0.1, 0.3, 1.0, 3.0),
    }

    def _core(
        self, task: FitTask, scaler: FeatureScaler, rows: Floats, labels: NDArray[np.int64],
        settings: dict[str, float],
    ) -> Core:  # fmt: skip
        from sklearn.svm import SVC

        gamma = settings["gamma"] / rows.shape[1]
        sample_weight = task.class_weights()[labels]
        duals, biases = [], []
        for goal in targets(labels, task.classes):
            svm = SVC(C=settings["c"], gamma=gamma, kernel="rbf", cache_size=300)
            svm.fit(rows, goal, sample_weight=sample_weight)
            dual = np.zeros(len(rows))
            dual[svm.support_] = svm.dual_coef_[0]
            duals.append(dual)
            biases.append(float(svm.intercept_[0]))
        together = np.stack(duals, axis=1)
        used = together.any(axis=1)
        return RbfCore(scaler, rows[used], together[used], np.array(biases), gamma, task.classes)

    def load(self, architecture: dict[str, Any], tensors: Tensors, device: torch.device) -> Core:
        return RbfCore.load(architecture, tensors)


LINEAR = LinearSvm()
RBF = RbfSvm()
