"""The training loop: live curves, pause, cancel, early stopping, exact resume.

Randomness of an epoch follows from (seed, epoch) alone, and the learning rate from the step, so a
run that was killed and resumed at an epoch's checkpoint goes through the same numbers.
"""

import math
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from medbench.base.errors import JobFailedError
from medbench.engine.device import probe_precision
from medbench.engine.training.augment import Augmentation
from medbench.engine.training.checkpoint import load_checkpoint, save_checkpoint
from medbench.engine.training.task import FitTask, class_auc, log_loss

_WARM_UP = 0.1


@dataclass
class NetTask:
    """A network with its tensors; ``net`` ends up with the best epoch's weights."""

    fit: FitTask
    net: torch.nn.Module
    train: torch.Tensor
    val: torch.Tensor
    augmentation: Augmentation | None


@dataclass
class LoopResult:
    """How the loop ended."""

    epochs: int
    best_epoch: int
    notes: list[str] = field(default_factory=list)


def rate_at(step: int, steps: int, peak: float) -> float:
    """Linear rise over the first tenth, cosine fall to a hundredth of the peak."""
    rise = max(1, int(steps * _WARM_UP))
    if step < rise:
        return peak * (step + 1) / rise
    part = (step - rise) / max(1, steps - rise)
    return peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * part)))


class TrainingLoop:
    """One training; learners whose samples are no rows of a tensor override what feeds it."""

    score_name = "val_auc"
    """What `validate` returns second; larger is better, and the best epoch has the largest."""

    def __init__(self, task: NetTask) -> None:
        fit = task.fit
        self.task, self.fit, self.plan = task, fit, fit.plan
        self.device = fit.device
        self.labels = torch.from_numpy(fit.train.labels)
        self.samples = self.sample_count()
        self.batch = min(int(self.plan["batch_size"]), self.samples)
        self.epochs = int(self.plan["epochs"])
        # a last batch of one case would break batch norm: it joins the batch before
        self.steps_per_epoch = max(1, self.samples // self.batch)
        self.state: dict[str, Any] = {
            "epoch": 0, "best_auc": -1.0, "best_loss": math.inf, "best_epoch": 0, "precision": None,
        }  # fmt: skip
        self.net = task.net.to(self.device)
        self.optimizer = torch.optim.AdamW(
            self.net.parameters(), lr=1e-3, weight_decay=float(self.plan["weight_decay"])
        )
        # what is validated and kept is the mean over the last two epochs or so (Polyak and
        # Juditsky 1992): single epochs on few cases jump, and picking the luckiest one is no skill
        decay = max(0.9, 1 - 1 / (2 * self.steps_per_epoch))
        self.mean = AveragedModel(
            self.net, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True
        )
        self.best = self.mean_weights()
        self.weights = torch.tensor(fit.class_weights(), dtype=torch.float32, device=self.device)

    def sample_count(self) -> int:
        """How many samples make an epoch."""
        return len(self.fit.train.labels)

    def example(self) -> torch.Tensor:
        """Inputs of one batch, to measure a step on."""
        return self.task.train[: self.batch]

    def batch_of(self, chosen: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(inputs, labels) of some samples on the device, augmented."""
        inputs = self.task.train[chosen].to(self.device, non_blocking=True)
        labels = self.labels[chosen].to(self.device, non_blocking=True)
        if self.task.augmentation is not None:
            inputs = self.task.augmentation.apply(inputs)
        return inputs, labels

    def loss_of(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Mean loss of a batch, in float32."""
        return functional.cross_entropy(logits, labels, weight=self.weights)

    def mean_weights(self) -> dict[str, torch.Tensor]:
        return {k: v.detach().clone() for k, v in self.mean.module.state_dict().items()}

    def restore(self) -> None:
        found = load_checkpoint(self.fit.checkpoints / "last") if self.fit.resume else None
        if found is None:
            return
        arrays, state = found
        self.state = {**state, "best_loss": state["best_loss"] or math.inf}

        def part(prefix: str) -> dict[str, torch.Tensor]:
            return {
                key.removeprefix(prefix): torch.from_numpy(np.array(value))
                for key, value in arrays.items()
                if key.startswith(prefix)
            }

        self.net.load_state_dict(part("net."))
        self.mean.module.load_state_dict(part("mean."))
        self.mean.n_averaged.fill_(int(state["averaged"]))
        self.best = {key: value.to(self.device) for key, value in part("best.").items()}
        slots: dict[int, dict[str, torch.Tensor]] = {}
        for key, value in part("opt.").items():
            number, _, name = key.partition(".")
            slots.setdefault(int(number), {})[name] = value
        blank = self.optimizer.state_dict()
        self.optimizer.load_state_dict({"state": slots, "param_groups": blank["param_groups"]})
        self.fit.control.log(f"Resumed after epoch {self.state['epoch']}.")

    def save(self) -> None:
        arrays = {f"net.{k}": v.detach().cpu().numpy() for k, v in self.net.state_dict().items()}
        arrays |= {f"mean.{k}": v.cpu().numpy() for k, v in self.mean_weights().items()}
        arrays |= {f"best.{k}": v.detach().cpu().numpy() for k, v in self.best.items()}
        for number, slot in self.optimizer.state_dict()["state"].items():
            arrays |= {f"opt.{number}.{name}": v.cpu().numpy() for name, v in slot.items()}
        state = {**self.state, "averaged": int(self.mean.n_averaged)}
        state["best_loss"] = state["best_loss"] if math.isfinite(state["best_loss"]) else None
        save_checkpoint(self.fit.checkpoints / "last", arrays, state)

    def settle_precision(self) -> None:
        if self.state["precision"] is None:
            wanted = str(self.plan["precision"])
            example = self.example()
            if wanted == "auto":
                chosen = probe_precision(self.net, example, self.device)
            else:  # nothing measured: the same run twice gives the same numbers
                chosen = {"bf16": wanted == "bfloat16", "channels_last": False}
            self.state["precision"] = chosen
            name = "bfloat16" if chosen["bf16"] else "float32"
            layout = ", channels last" if chosen["channels_last"] else ""
            how = "measured on this device" if wanted == "auto" else "set by you"
            self.fit.control.log(f"Precision: {name}{layout}, {how}.")
        if self.state["precision"]["channels_last"]:
            self.net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def epoch(self, number: int) -> float:
        """Train one epoch; returns the mean loss."""
        torch.manual_seed(self.fit.seed * 100_003 + number)
        order = torch.randperm(self.samples)
        steps = self.steps_per_epoch
        total = 0.0
        self.net.train()
        for step in range(steps):
            self.fit.control.checkpoint()
            end = len(order) if step == steps - 1 else (step + 1) * self.batch
            chosen = order[step * self.batch : end]
            loss = self.step(chosen, number * steps + step)
            total += loss * len(chosen)
            if step % 8 == 0:
                self.report(number, step)
        return total / len(order)

    def step(self, chosen: torch.Tensor, global_step: int) -> float:
        inputs, labels = self.batch_of(chosen)
        if self.state["precision"]["channels_last"]:
            inputs = inputs.contiguous(memory_format=torch.channels_last)
        rate = rate_at(
            global_step, self.epochs * self.steps_per_epoch, float(self.plan["learning_rate"])
        )
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        with torch.autocast(
            self.device.type, torch.bfloat16, enabled=self.state["precision"]["bf16"]
        ):
            logits = self.net(inputs)
        loss = self.loss_of(logits.float(), labels)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        self.optimizer.step()
        self.mean.update_parameters(self.net)
        value = float(loss.detach())
        if not math.isfinite(value):
            raise JobFailedError(
                "Training diverged: the loss is no number any more. Lower the learning rate."
            )
        return value

    def validate(self) -> tuple[float, float | None]:
        self.mean.eval()
        found = []
        with torch.inference_mode():
            for begin in range(0, len(self.task.val), 128):
                batch = self.task.val[begin : begin + 128].to(self.device)
                found.append(self.mean(batch).float().cpu().numpy())
        logits = np.concatenate(found).astype(np.float64)
        labels = self.fit.val.labels
        return log_loss(labels, logits), class_auc(labels, logits, self.fit.cohort.positive)

    def keeps(self, area: float, val_loss: float) -> bool:
        """Whether this epoch's weights become the ones that are kept."""
        same = abs(area - float(self.state["best_auc"])) <= 1e-9
        better = area > float(self.state["best_auc"]) + 1e-9
        return better or (same and val_loss < float(self.state["best_loss"]))

    def report(self, number: int, step: int) -> None:
        done = number + step / self.steps_per_epoch
        spent = time.monotonic() - self.begin - self.fit.control.paused_s + self.paused_before
        passed = done - self.first
        eta = spent / passed * (self.epochs - done) if passed > 0.2 else None
        self.fit.control.progress(
            done / self.epochs, f"epoch {number + 1} of {self.epochs}", eta_s=eta,
            epoch=number + 1, epochs=self.epochs,
        )  # fmt: skip

    def run(self) -> LoopResult:
        self.restore()
        self.settle_precision()
        self.first = int(self.state["epoch"])
        self.paused_before = self.fit.control.paused_s
        self.begin = time.monotonic()
        notes: list[str] = []
        for number in range(self.first, self.epochs):
            before = time.monotonic()
            train_loss = self.epoch(number)
            per_s = self.samples / max(time.monotonic() - before, 1e-6)
            val_loss, score = self.validate()
            area = -1.0 if score is None else score
            if self.keeps(area, val_loss):
                self.state.update(best_auc=area, best_loss=val_loss, best_epoch=number + 1)
                self.best = self.mean_weights()
            self.state["epoch"] = number + 1
            self.save()
            self.fit.control.metric(
                number + 1,
                {"train_loss": train_loss, "val_loss": val_loss, self.score_name: score,
                 "images_per_s": per_s, "lr": self.optimizer.param_groups[0]["lr"]},
            )  # fmt: skip
            if number + 1 - self.state["best_epoch"] >= int(self.plan["patience"]):
                notes.append(f"Stopped early: no better validation since epoch "
                             f"{self.state['best_epoch']}.")  # fmt: skip
                break
        self.net.load_state_dict(self.best)
        return LoopResult(int(self.state["epoch"]), int(self.state["best_epoch"]), notes)


def train_network(task: NetTask) -> LoopResult:
    """Train ``task.net`` in place and leave the best epoch's weights in it.

    Raises
    ------
    CancelledError
        The app said stop.
    JobFailedError
        The loss is no number any more.
    """
    return TrainingLoop(task).run()
