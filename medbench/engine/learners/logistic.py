"""Logistic regression: the baseline of risk models, ridge-penalised (Le Cessie 1992)."""

from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from medbench.engine.learners.base import Core, Floats, Tensors
from medbench.engine.learners.features import FeatureScaler
from medbench.engine.learners.margin import LinearCore, targets
from medbench.engine.learners.svm import Settings, Svm
from medbench.engine.training.task import FitTask


class Logistic(Svm):
    """Log-odds as a weighted sum; the strength of the penalty by inner folds, like a margin's C."""

    name = "logistic"
    candidates: ClassVar[list[Settings]] = [
        {"c": c} for c in (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 10.0)
    ]

    def _core(
        self, task: FitTask, scaler: FeatureScaler, rows: Floats, labels: NDArray[np.int64],
        settings: Settings,
    ) -> Core:  # fmt: skip
        from sklearn.linear_model import LogisticRegression

        weights, biases = [], []
        sample_weight = task.class_weights()[labels]
        for goal in targets(labels, task.classes):
            model = LogisticRegression(C=settings["c"], max_iter=5000, tol=1e-6)
            model.fit(rows, goal, sample_weight=sample_weight)
            weights.append(model.coef_[0])
            biases.append(float(model.intercept_[0]))
        return LinearCore(scaler, np.stack(weights, 1), np.array(biases), task.classes)

    def load(self, architecture: dict[str, Any], tensors: Tensors, device: torch.device) -> Core:
        return LinearCore.load(architecture, tensors)


LEARNER = Logistic()
