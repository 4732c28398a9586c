"""Convolutional network on pixels."""

from typing import Any

import numpy as np
import torch

from medbench.domain.cohort import Fingerprint
from medbench.engine.learners.base import Core, Fitted, Learner, Tensors
from medbench.engine.learners.network import NetCore, add_descent_rows, load_weights
from medbench.engine.nets.residual import ResidualNet
from medbench.engine.plan.builder import PlanBuilder
from medbench.engine.plan.common import add_class_weights, add_threshold_rule
from medbench.engine.training.augment import Augmentation
from medbench.engine.training.loop import NetTask, train_network
from medbench.engine.training.task import FitTask


class CnnLearner(Learner):
    """A small residual network, sized by the fingerprint."""

    name = "cnn"
    form = "pixels"

    def plan(self, plan: PlanBuilder, fingerprint: Fingerprint, device: torch.device) -> None:
        values, n = fingerprint.values, fingerprint.n_cases
        side = max(int(values["rows_median"]), int(values["columns_median"]))
        size, why = _input_size(side, device)
        size = int(plan.row("size", "Input size", size, why, low=16, high=1024, unit="px"))
        channels = int(values["channels"])
        plan.row(
            "channels", "Channels", channels,
            "The training pictures are in colour." if channels == 3 else "The pictures are grey.",
            choices=(1, 3),
        )  # fmt: skip
        plan.row(
            "normalisation", "Normalisation", "own percentiles",
            "Each picture is scaled to its own 0.5 to 99.5 percentile: exposure and file format "
            "must not matter.", choices=("own percentiles",),
        )  # fmt: skip
        width = 16 if n < 2000 else 24
        depth = 3 if size <= 40 else 4
        plan.row(
            "widths", "Network", ",".join(str(width * 2**i) for i in range(depth)),
            f"{n} training cases and {size} px: {depth} residual stages.",
        )  # fmt: skip
        epochs = int(np.clip(round(6000 / n), 12, 40))
        add_descent_rows(
            plan, fingerprint, epochs=epochs, learning_rate=2e-3,
            why=f"{n} training cases are seen about {epochs * n:,} times in all.",
        )  # fmt: skip
        add_class_weights(plan, fingerprint)
        plan.row(
            "augment", "Augmentation", "mild",
            "Shifts, turns, zoom and contrast that also occur between patients and machines.",
            choices=("none", "mild", "strong"),
        )  # fmt: skip
        plan.row(
            "flip", "Mirror left and right", False,
            "Organs have sides: a mirrored chest is another finding. Allow it for skin.",
        )  # fmt: skip
        add_threshold_rule(plan)

    def preparation(self, plan: dict[str, Any]) -> dict[str, Any]:
        return {"size": int(plan["size"]), "channels": int(plan["channels"])}

    def fit(self, task: FitTask) -> Fitted:
        from medbench.base.errors import BadInputError

        try:
            widths = [int(part) for part in str(task.plan["widths"]).split(",")]
        except ValueError:
            raise BadInputError("widths must be numbers like 16,32,64.") from None
        described = {
            "kind": "residual", "channels": int(task.plan["channels"]), "widths": widths,
            "classes": task.classes, "stem_stride": 2 if int(task.plan["size"]) > 64 else 1,
            "dropout": float(task.plan["dropout"]),
        }  # fmt: skip
        torch.manual_seed(task.seed)
        net = build(described)
        train = torch.from_numpy(np.ascontiguousarray(task.train.inputs, np.float32))
        net.mean.copy_(train.mean((0, 2, 3)).view(1, -1, 1, 1))
        net.std.copy_(train.std((0, 2, 3)).clamp_min(1e-3).view(1, -1, 1, 1))
        augmentation = Augmentation.named(str(task.plan["augment"]), flip=bool(task.plan["flip"]))
        val = torch.from_numpy(np.ascontiguousarray(task.val.inputs, np.float32))
        result = train_network(NetTask(task, net, train, val, augmentation))
        core = NetCore(net, described, task.device)
        return Fitted(core, result.epochs, result.best_epoch, result.notes)

    def load(self, architecture: dict[str, Any], tensors: Tensors, device: torch.device) -> Core:
        net = build(architecture)
        load_weights(net, tensors)
        return NetCore(net, architecture, device)


def build(described: dict[str, Any]) -> ResidualNet:
    """The network of a stored architecture."""
    return ResidualNet(
        int(described["channels"]), list(described["widths"]), int(described["classes"]),
        stem_stride=int(described["stem_stride"]), dropout=float(described["dropout"]),
    )  # fmt: skip


def _input_size(side: int, device: torch.device) -> tuple[int, str]:
    if side <= 40:
        size = -(-side // 4) * 4
        return size, f"The pictures are {side} px (median): nothing is thrown away."
    if side <= 96:
        return 64, f"The pictures are {side} px (median): 64 px keep their structure."
    if device.type == "cpu":
        return 96, f"The pictures are {side} px (median); on a CPU 96 px keep training in minutes."
    return 224, f"The pictures are {side} px (median); 224 px are quick on this device."


LEARNER = CnnLearner()
