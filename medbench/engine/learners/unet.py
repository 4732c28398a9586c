"""U-Net: a label map for every picture or volume."""

from typing import Any

import numpy as np
import torch

from medbench.base.errors import BadInputError
from medbench.domain.cohort import Fingerprint
from medbench.engine.learners.base import Core, Fitted, Learner, Tensors
from medbench.engine.learners.network import load_weights
from medbench.engine.learners.patch_loop import train_on_patches
from medbench.engine.learners.unet_core import SegCore
from medbench.engine.nets.unet import build_unet, strides_of
from medbench.engine.plan.builder import PlanBuilder
from medbench.engine.plan.masks import MIRRORS, add_mask_rows, numbers_of
from medbench.engine.segmentation.patches import Changes
from medbench.engine.segmentation.task import MaskTask
from medbench.engine.training.task import FitTask


class UnetLearner(Learner):
    """A residual U-Net; spacing, patch and depth follow from the fingerprint."""

    name = "unet"
    form = "masks"

    def plan(self, plan: PlanBuilder, fingerprint: Fingerprint, device: torch.device) -> None:
        add_mask_rows(plan, fingerprint, device)

    def preparation(self, plan: dict[str, Any]) -> dict[str, Any]:
        """Settings of `medbench.engine.segmentation.prepare.ImagePreparer`."""
        spacing = numbers_of(plan, "spacing")
        low, high, mean, sd = numbers_of(plan, "grey_values")
        return {
            "flat": len(numbers_of(plan, "patch")) == 2,
            "oriented": plan.get("orientation") == "LPS",
            "channels": int(plan["channels"]),
            "spacing_mm": spacing if len(spacing) == 3 else [1.0, *spacing],
            "normalisation": str(plan["normalisation"]),
            "low": low, "high": high, "mean": mean, "sd": sd,
        }  # fmt: skip

    def fit(self, task: FitTask) -> Fitted:
        if not isinstance(task, MaskTask):
            raise BadInputError("A U-Net is trained on a cohort with masks.")
        described = _described(task.plan, task.classes)
        torch.manual_seed(task.seed)
        net = build_unet(described)
        changes = Changes.named(str(task.plan["augment"]), MIRRORS[str(task.plan["mirror"])])
        if not task.plan["tta"]:
            described["mirror"] = []
        result = train_on_patches(task, net, described, changes)
        core = SegCore(net, described, task.device)
        return Fitted(core, result.epochs, result.best_epoch, result.notes)

    def load(self, architecture: dict[str, Any], tensors: Tensors, device: torch.device) -> Core:
        net = build_unet(architecture)
        load_weights(net, tensors)
        return SegCore(net, architecture, device)


def _described(plan: dict[str, Any], classes: int) -> dict[str, Any]:
    patch = [int(p) for p in numbers_of(plan, "patch")]
    widths = [int(w) for w in numbers_of(plan, "widths")]
    spacing = numbers_of(plan, "spacing")
    kernels, strides = strides_of(patch, spacing[-len(patch) :], len(widths))
    if len(strides) < 3:
        raise BadInputError(
            f"A U-Net needs three levels: patch {plan['patch']} with widths {plan['widths']} gives "
            f"{len(strides)}. Take a patch of 16 or more and three widths."
        )
    odd = [p for p, m in zip(patch, np.prod(strides, axis=0), strict=True) if p % m]
    if odd:
        raise BadInputError(f"patch: {odd[0]} voxels cannot be halved {len(strides) - 1} times.")
    return {
        "kind": "unet", "channels": int(plan["channels"]), "classes": classes,
        "widths": widths[: len(strides)], "kernels": kernels[: len(strides)], "strides": strides,
        "dropout": float(plan["dropout"]), "patch": patch,
        "mirror": list(MIRRORS[str(plan["mirror"])]),
    }  # fmt: skip


LEARNER = UnetLearner()
