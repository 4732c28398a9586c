"""What one fit is given, and how it scores itself."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from medbench.domain.cohort import Cohort
from medbench.engine.control import JobControl
from medbench.engine.data import Prepared
from medbench.metrics.intervals import auc

Floats = NDArray[np.float64]


@dataclass
class FitTask:
    """Everything one fit needs."""

    cohort: Cohort
    train: Prepared
    val: Prepared
    plan: dict[str, Any]
    seed: int
    device: torch.device
    control: JobControl
    checkpoints: Path
    resume: bool
    cross_fit: bool = False
    """No validation part is kept back: the learner answers its own cases by inner folds."""

    def of_rows(self, chosen: NDArray[np.int64]) -> "FitTask":
        """The same task with some of its training cases only."""
        return replace(self, train=self.train.take(chosen))

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.cohort.classes)

    def class_weights(self) -> Floats:
        """Weight per class, mean 1 over the training cases."""
        labels = self.train.labels[self.train.labels >= 0]  # of time steps some have none
        counts = np.bincount(labels, minlength=self.classes).astype(float)
        if self.plan.get("class_weights") != "balanced":
            return np.ones(self.classes)
        weights = np.where(
            counts > 0, counts.sum() / (np.maximum(counts, 1) * (counts > 0).sum()), 0
        )
        return np.asarray(weights)


def class_auc(labels: NDArray[np.int64], logits: Floats, positive: int) -> float | None:
    """AUC of the positive class between two, mean of one-against-rest among more."""
    classes = logits.shape[1]
    if classes == 2:
        return auc(labels == positive, logits[:, positive] - logits[:, 1 - positive])
    found = [auc(labels == k, logits[:, k]) for k in range(classes)]
    known = [a for a in found if a is not None]
    return float(np.mean(known)) if known else None


def log_loss(labels: NDArray[np.int64], logits: Floats) -> float:
    """Mean negative log likelihood of the softmax."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return float(-log_p[np.arange(len(labels)), labels].mean())
