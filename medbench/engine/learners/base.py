"""What a learner is: one file, one `Learner`, one line in `medbench.engine.learners`."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from medbench.domain.cohort import Cohort, Fingerprint
from medbench.engine.control import JobControl
from medbench.engine.data import Prepared
from medbench.engine.plan.builder import PlanBuilder
from medbench.metrics.intervals import auc

Floats = NDArray[np.float64]
Tensors = dict[str, NDArray[Any]]


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

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.cohort.classes)

    def class_weights(self) -> Floats:
        """Weight per class, mean 1 over the training cases."""
        counts = np.bincount(self.train.labels, minlength=self.classes).astype(float)
        if self.plan.get("class_weights") != "balanced":
            return np.ones(self.classes)
        weights = np.where(
            counts > 0, counts.sum() / (np.maximum(counts, 1) * (counts > 0).sum()), 0
        )
        return np.asarray(weights)


class Core(ABC):
    """A fitted model: arrays and an architecture, nothing executable."""

    margins = False
    """Whether ``logits`` are distances to a boundary."""

    @abstractmethod
    def logits(self, inputs: NDArray[Any]) -> Floats:
        """(n, classes) for prepared inputs."""

    @abstractmethod
    def tensors(self) -> Tensors:
        """Arrays to store."""

    @abstractmethod
    def architecture(self) -> dict[str, Any]:
        """JSON-able description from which `Learner.load` rebuilds it."""


@dataclass
class Fitted:
    """Result of a fit."""

    core: Core
    epochs: int
    best_epoch: int
    notes: list[str] = field(default_factory=list)


class Learner(ABC):
    """One kind of learner."""

    name: ClassVar[str]
    form: ClassVar[str]
    """``pixels`` or ``features``: what it wants as input."""

    @abstractmethod
    def plan(self, plan: PlanBuilder, fingerprint: Fingerprint, device: torch.device) -> None:
        """Derive its choices from the fingerprint, a row each."""

    @abstractmethod
    def fit(self, task: FitTask) -> Fitted:
        """Train; calls ``task.control.checkpoint()`` at least once a batch."""

    @abstractmethod
    def load(self, architecture: dict[str, Any], tensors: Tensors, device: torch.device) -> Core:
        """Rebuild a stored model."""

    def preparation(self, plan: dict[str, Any]) -> dict[str, Any]:
        """Settings of `medbench.engine.data.Preparer` that the plan decides."""
        return {key: plan[key] for key in ("length",) if key in plan}


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
