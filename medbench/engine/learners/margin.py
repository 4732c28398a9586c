"""Margin models as arrays: linear weights, or support vectors with a kernel.

One margin between two classes, one against the rest for each of more. scikit-learn fits them;
stored and evaluated they are numpy, so that no estimator object is ever written or read.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from medbench.cohorts.fingerprint import small_codes
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
    plan, rows = task.plan, task.train.inputs
    codes = small_codes(rows) if plan.get("codes") == "categories" else ()
    return FeatureScaler.fit(
        rows, categories, missing=plan.get("missing", "median"),
        scaling=plan.get("scaling", "standard"), codes=codes,
        mark_missing=plan.get("mark_missing") == "marked",
    )  # fmt: skip


def kernel_matrix(name: str, gamma: float, rows: Floats, others: Floats) -> Floats:
    """Similarities (rows, others): ``rbf``, ``laplace`` and ``poly`` of degree 2."""
    if name == "laplace":
        from scipy.spatial.distance import cdist

        return np.asarray(np.exp(-gamma * cdist(rows, others, "cityblock")))
    products = rows @ others.T
    if name == "poly":
        return np.asarray((gamma * products + 1.0) ** 2)
    if name == "linear":
        return np.asarray(products)
    distance = (rows**2).sum(axis=1)[:, None] + (others**2).sum(axis=1) - 2 * products
    return np.asarray(np.exp(-gamma * np.maximum(distance, 0)))


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

    def additive(self, row: Floats, reference: Floats) -> Floats | None:
        if self._classes != 2:
            return None
        both = self._scaler.transform(np.stack([row, reference]))
        parts = (both[0] - both[1]) * self._weight[:, 0]
        return np.asarray(np.bincount(self._scaler.owners, parts, minlength=len(row)), np.float64)

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
    """``sum_i dual_i k(x, sv_i) + bias`` per margin; the kernel is Gaussian unless it says so."""

    margins = True

    def __init__(
        self, scaler: FeatureScaler, vectors: Floats, dual: Floats, bias: Floats, gamma: float,
        classes: int, kernel: str = "rbf",
    ) -> None:  # fmt: skip
        self._scaler = scaler
        self._vectors = vectors
        self._dual = dual
        self._bias = bias
        self._gamma = gamma
        self._classes = classes
        self._kernel = kernel

    def logits(self, inputs: NDArray[Any]) -> Floats:
        rows = self._scaler.transform(inputs)
        margins = np.empty((len(rows), self._dual.shape[1]))
        for begin in range(0, len(rows), 512):
            part = rows[begin : begin + 512]
            kernel = kernel_matrix(self._kernel, self._gamma, part, self._vectors)
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
            "kernel": self._kernel,
            "classes": self._classes,
            "gamma": self._gamma,
            "support_vectors": len(self._vectors),
        }

    @classmethod
    def load(cls, architecture: dict[str, Any], tensors: Tensors) -> "RbfCore":
        """Rebuild; a model without a kernel's name is an older, Gaussian one."""
        return cls(
            FeatureScaler.load(tensors), tensors["support_vectors"], tensors["dual"],
            tensors["bias"], float(architecture["gamma"]), int(architecture["classes"]),
            str(architecture.get("kernel", "rbf")),
        )  # fmt: skip
