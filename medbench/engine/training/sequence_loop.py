"""The training loop for signals: small quick steps, and labels a signal or a time step."""

import time

import numpy as np
import torch
from torch.nn import functional

from medbench.engine.training.augment_signal import SignalAugmentation
from medbench.engine.training.loop import LoopResult, NetTask, TrainingLoop
from medbench.engine.training.task import FitTask, class_auc, log_loss

SAVE_PERIOD_S = 2.0
"""Epochs of short signals take milliseconds; a checkpoint flushed to disk costs as much."""


class SequenceLoop(TrainingLoop):
    """One training on tensors (n, leads + 1, times)."""

    def __init__(self, task: NetTask, augmentation: SignalAugmentation | None) -> None:
        super().__init__(task)
        self.changes = augmentation
        self.saved = 0.0
        # one kernel for all weights: a step of a small network is mostly overhead
        self.optimizer = torch.optim.AdamW(
            self.net.parameters(), lr=1e-3, weight_decay=float(self.plan["weight_decay"]),
            fused=True,
        )  # fmt: skip

    def batch_of(self, chosen: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        inputs, labels = super().batch_of(chosen)
        return inputs if self.changes is None else self.changes.apply(inputs), labels

    def loss_of(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return functional.cross_entropy(
            logits, labels, weight=self.weights, label_smoothing=float(self.plan["smoothing"])
        )

    def keeps(self, area: float, val_loss: float) -> bool:
        return self.plan["keep"] == "last epochs" or super().keeps(area, val_loss)

    def save(self) -> None:
        now = time.monotonic()
        if now - self.saved >= SAVE_PERIOD_S or int(self.state["epoch"]) == self.epochs:
            super().save()
            self.saved = now

    def validate(self) -> tuple[float, float | None]:
        """Loss and AUC; over labelled time steps where each has its answer."""
        self.mean.eval()
        with torch.inference_mode():
            found = [
                self.mean(batch.to(self.device)).float().cpu().numpy()
                for batch in self.task.val.split(256)
            ]
        logits, labels = flat_answers(np.concatenate(found), self.fit.val.labels)
        return log_loss(labels, logits), class_auc(labels, logits, self.fit.cohort.positive)


def flat_answers(logits: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n, classes[, times]) and (n[, times]) -> one row an answer; unlabelled steps go."""
    if logits.ndim == 3:
        logits = logits.transpose(0, 2, 1).reshape(-1, logits.shape[1])
        labels = labels.reshape(-1)
        known = labels >= 0
        logits, labels = logits[known], labels[known]
    return logits.astype(np.float64), labels


def train_sequence(
    task: FitTask, net: torch.nn.Module, train: torch.Tensor, val: torch.Tensor,
    augmentation: SignalAugmentation | None,
) -> LoopResult:  # fmt: skip
    """Train ``net`` in place; raises what `medbench.engine.training.loop.train_network` does."""
    return SequenceLoop(NetTask(task, net, train, val, None), augmentation).run()
