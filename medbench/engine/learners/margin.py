"""Margin models as arrays: linear weights, or support vectors with a Gaussian kernel.

One margin between two classes, one against the rest for each of more. scikit-learn fits them;
stored and evaluated they are numpy, so that no estimator object is ever written or read.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from medbench.engine.learners.base import Core, Floats, Tensors
from medbench.engine.learners.features import FeatureScaler
from medbench.engine.training.task import FitTask


def logits_of_margins(margins: Floats, classes: int) -> Floats:
    """Margins (n,) or (n, classes) as (n, classes)."""
    if classes == 2:
        flat = margins.reshape(len(margins))
        return np.stack([-flat / 2, flat / 2], axis=1)
    return margins


def targets(labels: NDArray[np.int64], classes: int) -> list[NDArray[np.int64]]:
    """Binary targets to fit, one margin each."""
    if classes == 2:
        return [labels]
    return [(labels == k).astype(np.int64) for k in range(classes)]


def fit_scaler(task: FitTask) -> FeatureScaler:
    """Scaler of the training rows as the plan says."""
    categories = [len(feature.categories) for feature in task.cohort.features]
    return FeatureScaler.fit(
        task.train.inputs, categories, missing=task.plan.get("missing", "median"),
        scaling=task.plan.get("scaling", "standard"),
    )  # fmt: skip


class LinearCore(Core):
    """``x @ weight + bias``."""

    margins = True

    def __init__(self, scaler: FeatureScaler, weight: Floats, bias: Floats, classes: int) -> None:
        self._scaler = scaler
        self._weight = weight
        self._bias = bias
        self._classes = classes

    def logits(self, inputs: NDArray[Any]) -> Floats:
        found = self._scaler.transform(inputs) @ self._weight + self._bias
        return logits_of_margins(found, self._classes)

    def tensors(self) -> Tensors:
        return {**self._scaler.tensors(), "weight": self._weight, "bias": self._bias}

    def architecture(self) -> dict[str, Any]:
        return {"kind": "linear", "classes": self._classes}

    @classmethod
    def load(cls, architecture: dict[str, Any], tensors: Tensors) -> "LinearCore":
        """Rebuild."""
        scaler = FeatureScaler.load(tensors)
        return cls(scaler, tensors["weight"], tensors["bias"], int(architecture["classes"]))


class RbfCore(Core):
    """``sum_i dual_i exp(-gamma |x - sv_i|^2) + bias`` per margin."""

    margins = True

    def __init__(
        self, scaler: FeatureScaler, vectors: Floats, dual: Floats, bias: Floats, gamma: float,
        classes: int,
    ) -> None:  # fmt: skip
        self._scaler = scaler
        self._vectors = vectors
        self._dual = dual
        self._bias = bias
        self._gamma = gamma
        self._classes = classes

    def logits(self, inputs: NDArray[Any]) -> Floats:
        rows = self._scaler.transform(inputs)
        margins = np.empty((len(rows), self._dual.shape[1]))
        own = (self._vectors**2).sum(axis=1)
        for begin in range(0, len(rows), 512):
            part = rows[begin : begin + 512]
            distance = (part**2).sum(axis=1)[:, None] + own - 2 * part @ self._vectors.T
            kernel = np.exp(-self._gamma * np.maximum(distance, 0))
            margins[begin : begin + 512] = kernel @ self._dual + self._bias
        return logits_of_margins(margins, self._classes)

    def tensors(self) -> Tensors:
        return {
            **self._scaler.tensors(),
            "support_vectors": self._vectors,
            "dual": self._dual,
            "bias": self._bias,
        }

    def architecture(self) -> dict[str, Any]:
        return {
            "kind": "rbf",
            "classes": self._classes,
            "gamma": self._gamma,
            "support_vectors": len(self._vectors),
        }

    @classmethod
    def load(cls, architecture: dict[str, Any], tensors: Tensors) -> "RbfCore":
        """Rebuild."""
        return cls(
            FeatureScaler.load(tensors), tensors["support_vectors"], tensors["dual"],
            tensors["bias"], float(architecture["gamma"]), int(architecture["classes"]),
        )  # fmt: skip
