"""Support vector machines: kernel and settings by cross-validation inside the training part."""

from itertools import product
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from medbench.domain.cohort import Fingerprint
from medbench.engine.learners.base import Core, Fitted, Floats, HeldOut, Learner, Tensors
from medbench.engine.learners.features import FeatureScaler
from medbench.engine.learners.margin import (
    LinearCore,
    RbfCore,
    fit_scaler,
    kernel_matrix,
    targets,
)
from medbench.engine.plan.builder import PlanBuilder
from medbench.engine.plan.common import add_class_weights, add_input_rows, add_threshold_rule
from medbench.engine.training.checkpoint import load_checkpoint, save_checkpoint
from medbench.engine.training.folds import group_numbers, grouped_folds, inner_count
from medbench.engine.training.task import FitTask, class_auc

_SEARCHED = 1200
Settings = dict[str, Any]
_C = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
_GAMMA = (0.03, 0.1, 0.3, 1.0, 3.0)


def _grid(kernel: str, costs: tuple[float, ...], widths: tuple[float, ...]) -> list[Settings]:
    return [{"kernel": kernel, "c": c, "gamma": g} for c, g in product(costs, widths)]


class Svm(Learner):
    """What margin learners share: a plan, candidates, and the inner folds that choose one."""

    form = "features"
    cross_fits = True
    candidates: ClassVar[list[Settings]]

    def plan(self, plan: PlanBuilder, fingerprint: Fingerprint, device: torch.device) -> None:
        add_input_rows(plan, fingerprint)
        folds = 5 if min(n for n in fingerprint.class_counts if n) >= 10 else 3
        plan.row(
            "search",
            "Settings",
            "cross-validation",
            f"{len(self.candidates)} candidates, {folds} folds by patient, "
            "training part only; 'fixed' takes the values below.",
            choices=("cross-validation", "fixed"),
        )
        plan.row("folds", "Folds", folds, "Few enough that each holds every class.", low=2, high=10)
        kernels = sorted({c["kernel"] for c in self.candidates if "kernel" in c})
        if len(kernels) > 1:
            plan.row(
                "kernel", "Kernel", "rbf", "Used when settings are fixed.", choices=tuple(kernels)
            )
        plan.row(
            "c", "C", 1.0, "Used when settings are fixed: the cost of a case on the wrong side.",
            low=1e-4, high=1e4,
        )  # fmt: skip
        if "gamma" in self.candidates[0]:
            plan.row(
                "gamma", "Kernel width (gamma)", 1.0,
                "Used when settings are fixed, in units of 1 / number of features.",
                low=1e-4, high=1e4,
            )  # fmt: skip
        add_class_weights(plan, fingerprint)
        add_threshold_rule(plan)

    def when_searched(self) -> dict[str, Any]:
        return {"search": "fixed"}

    def fit(self, task: FitTask) -> Fitted:
        scaler = fit_scaler(task)
        best, points, held_out = self._settings(task)
        task.control.checkpoint()
        rows = scaler.transform(task.train.inputs)
        core = self._core(task, scaler, rows, task.train.labels, best)
        if held_out is not None:  # the inner folds' middles were taken out; the model's comes in
            middle = _middle(core.logits(task.train.inputs), task.train.labels)
            held_out = HeldOut(held_out.chosen, held_out.logits + middle)
        words = ", ".join(
            f"{key} = {value:g}" if isinstance(value, float) else f"{key} = {value}"
            for key, value in best.items()
        )
        return Fitted(core, points, points, [f"Settings chosen: {words}"], held_out)

    def _settings(self, task: FitTask) -> tuple[Settings, int, HeldOut | None]:
        """Best candidate by the mean AUC over inner folds, and its held-out answers."""
        fixed = task.plan["search"] == "fixed"
        candidates = self.candidates
        if fixed:
            candidates = [{k: task.plan.get(k, v) for k, v in self.candidates[0].items()}]
            if not task.cross_fit:
                return candidates[0], 1, None
        chosen = _sample(task.train.labels, task.seed)
        folds = _folds(task, chosen)
        if not folds:
            return candidates[len(candidates) // 2], 1, None
        scores: list[float] = []
        if task.resume and (found := load_checkpoint(task.checkpoints / "last")) is not None:
            scores = list(found[1].get("scores", []))
        parts = [self._part(task, chosen[a], chosen[b]) for a, b in folds]
        for number in range(len(scores), len(candidates)):
            areas = [self._area(task, part, candidates[number]) for part in parts]
            scores.append(float(np.mean([a for a in areas if a is not None] or [0.5])))
            save_checkpoint(task.checkpoints / "last", {}, {"scores": scores})
            shown = {k: v for k, v in candidates[number].items() if isinstance(v, float)}
            task.control.metric(
                number + 1, {"cv_auc": scores[-1], **shown, "best_cv_auc": max(scores)}
            )
            task.control.progress(
                (number + 1) / (len(candidates) + 1),
                f"setting {number + 1} of {len(candidates)}",
            )
        best = candidates[int(np.argmax(scores))]
        held = np.concatenate([chosen[b] for _, b in folds])
        logits = np.concatenate([self._answers(task, part, best, centred=True) for part in parts])
        known = ~np.isnan(logits[:, 0])
        return best, len(candidates), HeldOut(held[known], logits[known])

    def _part(
        self, task: FitTask, learned: NDArray[np.int64], held: NDArray[np.int64]
    ) -> tuple[Floats, NDArray[np.int64], Floats, NDArray[np.int64]]:
        """One inner fold; its scaler, too, sees the learned rows only."""
        scaler = fit_scaler(task.of_rows(learned))
        labels, inputs = task.train.labels, task.train.inputs
        return (
            scaler.transform(inputs[learned]), labels[learned],
            scaler.transform(inputs[held]), labels[held],
        )  # fmt: skip

    def _answers(
        self, task: FitTask, part: Any, settings: Settings, *, centred: bool = False
    ) -> Floats:
        """Logits of the held rows; ``centred``: zero lies midway between the learned classes.

        With a small C every case is a bounded support vector and the intercept is hardly
        determined: it jumps from fold to fold, the ranking does not.
        """
        rows, labels, held, _ = part
        task.control.checkpoint()
        if len(np.unique(labels)) < task.classes:
            return np.full((len(held), task.classes), np.nan)
        plain = FeatureScaler.plain(rows.shape[1])
        core = self._core(task, plain, rows, labels, settings)
        logits = core.logits(held)
        return logits - _middle(core.logits(rows), labels) if centred else logits

    def _area(self, task: FitTask, part: Any, settings: Settings) -> float | None:
        logits = self._answers(task, part, settings)
        if np.isnan(logits).any():
            return None
        return class_auc(part[3], logits, task.cohort.positive)

    def _core(
        self, task: FitTask, scaler: FeatureScaler, rows: Floats, labels: NDArray[np.int64],
        settings: Settings,
    ) -> Core:  # fmt: skip
        raise NotImplementedError


def _middle(logits: Floats, labels: NDArray[np.int64]) -> Floats:
    """Per class midway between the mean logit of its cases and of all others."""
    return np.array(
        [
            (logits[labels == k, k].mean() + logits[labels != k, k].mean()) / 2
            for k in range(logits.shape[1])
        ]
    )


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
    labels = task.train.labels[chosen]
    groups = group_numbers([task.train.cases[i] for i in chosen])
    count = inner_count(labels, groups, int(task.plan["folds"]))
    return grouped_folds(labels, groups, count, task.seed) if count >= 2 else []


class LinearSvm(Svm):
    """Widest straight margin; hinge loss squared, liblinear."""

    name = "svm-linear"
    candidates: ClassVar[list[Settings]] = [
        {"c": c} for c in (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
    ]

    def _core(
        self, task: FitTask, scaler: FeatureScaler, rows: Floats, labels: NDArray[np.int64],
        settings: Settings,
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


class KernelSvm(Svm):
    """libsvm with the kernel that the inner folds like best."""

    name = "svm"
    candidates: ClassVar[list[Settings]] = [
        *_grid("rbf", _C, _GAMMA),
        *_grid("laplace", _C[1:], _GAMMA[1:]),
        *_grid("poly", _C[:4], _GAMMA[:4]),
        *_grid("linear", (0.001, 0.003, 0.01, 0.03, 0.1, 0.3), (1.0,)),
    ]

    def _core(
        self, task: FitTask, scaler: FeatureScaler, rows: Floats, labels: NDArray[np.int64],
        settings: Settings,
    ) -> Core:  # fmt: skip
        from sklearn.svm import SVC

        kernel = str(settings.get("kernel", "rbf"))
        gamma = float(settings["gamma"]) / rows.shape[1]
        sample_weight = task.class_weights()[labels]
        own = kernel == "laplace"
        given = kernel_matrix(kernel, gamma, rows, rows) if own else rows
        duals, biases = [], []
        for goal in targets(labels, task.classes):
            svm = SVC(
                C=settings["c"], gamma=gamma, kernel="precomputed" if own else kernel, degree=2,
                coef0=1.0, cache_size=300,
            )  # fmt: skip
            svm.fit(given, goal, sample_weight=sample_weight)
            dual = np.zeros(len(rows))
            dual[svm.support_] = svm.dual_coef_[0]
            duals.append(dual)
            biases.append(float(svm.intercept_[0]))
        together = np.stack(duals, axis=1)
        used = together.any(axis=1)
        return RbfCore(
            scaler, rows[used], together[used], np.array(biases), gamma, task.classes, kernel
        )

    def load(self, architecture: dict[str, Any], tensors: Tensors, device: torch.device) -> Core:
        return RbfCore.load(architecture, tensors)


class RbfSvm(KernelSvm):
    """Gaussian kernel, libsvm."""

    name = "svm-rbf"
    candidates: ClassVar[list[Settings]] = [
        {"c": c, "gamma": g} for c, g in product((*_C, 30.0), _GAMMA)
    ]


LINEAR = LinearSvm()
RBF = RbfSvm()
KERNEL = KernelSvm()
