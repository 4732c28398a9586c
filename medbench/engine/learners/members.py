"""Several networks of one kind whose answers are averaged, each blind to a part of the cases.

The mean of a few networks errs less than one of them (Hansen and Salamon, IEEE PAMI 1990), most of
all where cases are few. Each member that leaves a fold of patients out answers it honestly: these
answers calibrate the whole without a validation part kept back.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from medbench.engine.control import PartControl
from medbench.engine.learners.base import Fitted, HeldOut
from medbench.engine.learners.network import NetCore
from medbench.engine.training.folds import group_numbers, grouped_folds, inner_count
from medbench.engine.training.task import FitTask

_FOLDS_OF_ONE = 5


class Members(torch.nn.Module):
    """Mean of the members' log-probabilities."""

    def __init__(self, nets: list[torch.nn.Module]) -> None:
        super().__init__()
        self.nets = torch.nn.ModuleList(nets)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Input of a member -> logits, classes in the second dimension."""
        if len(self.nets) == 1:
            out: torch.Tensor = self.nets[0](x)
            return out
        return torch.stack([torch.log_softmax(net(x), dim=1) for net in self.nets]).mean(0)


class _MemberControl(PartControl):
    """Passes a member's curve on, behind those of the members before it."""

    def __init__(self, task: FitTask, number: int, count: int, epochs: int) -> None:
        words = f"network {number + 1} of {count}" if count > 1 else ""
        super().__init__(task.control, number / count, (number + 1) / count, words)
        self._before = number * epochs

    def metric(self, epoch: int, values: dict[str, Any]) -> None:
        self._whole.metric(self._before + epoch, values)


Train = Callable[[FitTask], tuple[torch.nn.Module, int, int, list[str]]]
"""Fits one network: (network, epochs, best epoch, notes)."""


@dataclass(frozen=True)
class _Part:
    task: FitTask
    held: NDArray[np.int64] | None


def fit_members(task: FitTask, described: dict[str, Any], train_one: Train) -> Fitted:
    """Fit ``task.plan["members"]`` networks.

    With a validation part all learn all training cases, from different seeds. Without one
    (``task.cross_fit``) each leaves out a fold of patients and answers it. A killed run goes on
    with the member it was in: each has its own checkpoints.
    """
    count = int(task.plan["members"])
    nets: list[torch.nn.Module] = []
    epochs, best, notes = 0, 0, []
    chosen, answers = [], []
    for number, part in enumerate(_parts(task, count)):
        net, done, best_epoch, found = train_one(part.task)
        nets.append(net)
        epochs, best = epochs + done, (number * int(task.plan["epochs"])) + best_epoch
        notes += [f"Network {number + 1}: {words}" if count > 1 else words for words in found]
        if part.held is not None and task.train.steps is None:
            chosen.append(part.held)
            answers.append(NetCore(net, {}, task.device).logits(task.train.inputs[part.held]))
    held = HeldOut(np.concatenate(chosen), np.concatenate(answers)) if chosen else None
    core = NetCore(Members(nets), {**described, "members": len(nets)}, task.device)
    return Fitted(core, epochs, best, notes, held)


def _parts(task: FitTask, count: int) -> list[_Part]:
    labels = task.train.labels
    folds = []
    if task.cross_fit:
        groups = group_numbers(task.train.cases)
        wanted = inner_count(labels, groups, 2 * count if count > 1 else _FOLDS_OF_ONE)
        folds = grouped_folds(labels, groups, wanted, task.seed) if wanted > 1 else []
    found = []
    for number in range(count):
        part = replace(
            task,
            seed=task.seed + 7919 * number,
            control=_MemberControl(task, number, count, int(task.plan["epochs"])),
            checkpoints=task.checkpoints / f"member-{number + 1}" if count > 1 else
            task.checkpoints,
        )  # fmt: skip
        if not folds:
            found.append(_Part(part, None))
            continue
        learned, held = folds[number % len(folds)]
        part = replace(part, train=task.train.take(learned), val=task.train.take(held))
        # a fold that two members leave out is answered by the first of them
        found.append(_Part(part, held if number < len(folds) else None))
    return found
