"""What a learner is: one file, one `Learner`, one line in `medbench.engine.learners`."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from medbench.domain.cohort import Fingerprint
from medbench.engine.plan.builder import PlanBuilder
from medbench.engine.training.task import FitTask

Floats = NDArray[np.float64]
Tensors = dict[str, NDArray[Any]]


class Core(ABC):
    """A fitted model: arrays and an architecture, nothing executable."""

    margins = False
    """Whether ``logits`` are distances to a boundary."""

    @abstractmethod
    def logits(self, inputs: NDArray[Any]) -> Floats:
        """(n, classes) for prepared inputs."""

    def additive(self, row: Floats, reference: Floats) -> Floats | None:
        """Per column its part of the margin of ``row`` over that of ``reference``.

        None where the margin is no sum over columns, or there is more than one margin.
        """
        return None

    @abstractmethod
    def tensors(self) -> Tensors:
        """Arrays to store."""

    @abstractmethod
    def architecture(self) -> dict[str, Any]:
        """JSON-able description from which `Learner.load` rebuilds it."""


@dataclass(frozen=True)
class HeldOut:
    """Answers to training cases by models that had not seen them (inner cross-validation)."""

    chosen: NDArray[np.int64]
    """Indices into the training part."""
    logits: Floats
    """(chosen, classes), before calibration."""


@dataclass
class Fitted:
    """Result of a fit."""

    core: Core
    epochs: int
    best_epoch: int
    notes: list[str] = field(default_factory=list)
    held_out: HeldOut | None = None
    """What calibration and threshold may rest on where no validation part is kept back."""


class Learner(ABC):
    """One kind of learner."""

    name: ClassVar[str]
    form: ClassVar[str]
    """``pixels`` or ``features``: what it wants as input."""
    cross_fits: ClassVar[bool] = False
    """Whether it needs no validation part: `Fitted.held_out` answers instead."""

    @abstractmethod
    def plan(self, plan: PlanBuilder, fingerprint: Fingerprint, device: torch.device) -> None:
        """Derive its choices from the fingerprint, a row each."""

    @abstractmethod
    def fit(self, task: FitTask) -> Fitted:
        """Train; calls ``task.control.checkpoint()`` at least once a batch."""

    @abstractmethod
    def load(self, architecture: dict[str, Any], tensors: Tensors, device: torch.device) -> Core:
        """Rebuild a stored model."""

    def when_searched(self) -> dict[str, Any]:
        """Plan rows to set while an outer search chooses the numeric rows."""
        return {}

    def preparation(self, plan: dict[str, Any]) -> dict[str, Any]:
        """Settings of `medbench.engine.data.Preparer` that the plan decides."""
        keys = ("length", "features", "signal_features")
        return {key: plan[key] for key in keys if key in plan}
