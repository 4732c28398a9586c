"""The training loop on patches of images with masks."""

from typing import Any

import numpy as np
import torch

from medbench.engine.learners.unet_core import SegCore
from medbench.engine.segmentation.patches import Changes, Shape, choose_centre, draw_patch
from medbench.engine.segmentation.task import MaskTask
from medbench.engine.training.loop import LoopResult, NetTask, TrainingLoop


class PatchLoop(TrainingLoop):
    """Samples are patches drawn anew each epoch; validation answers whole cases.

    The live score is the mean Dice over whole validation cases on the plan's grid, without
    mirroring: close to, but not, the final number, which is counted on each image's own grid.
    """

    score_name = "val_dice"

    def __init__(
        self, task: MaskTask, net: torch.nn.Module, described: dict[str, Any], changes: Changes
    ) -> None:
        from monai.losses import DiceCELoss

        self.masks = task
        self.described = described
        self.changes = changes
        self.flat = len(described["patch"]) == 2
        patch = [int(p) for p in described["patch"]]
        self.size: Shape = (1, patch[0], patch[1]) if self.flat else (patch[0], patch[1], patch[2])
        # the batch's structures are counted together: one that a patch lacks gives no odd gradient
        self.criterion = DiceCELoss(
            include_background=False, to_onehot_y=True, softmax=True, batch=True
        )
        nothing = torch.zeros(0)
        super().__init__(NetTask(task, net, nothing, nothing, None))

    def sample_count(self) -> int:
        return int(self.masks.plan["epoch_patches"])

    def example(self) -> torch.Tensor:
        size = self.size[1:] if self.flat else self.size
        return torch.zeros(self.batch, int(self.described["channels"]), *size)

    def batch_of(self, chosen: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        cases = self.masks.train_part.cases
        images, masks = [], []
        for sample in chosen.tolist():
            case = cases[sample % len(cases)]
            z, y, x = case.mask.shape
            centre = choose_centre(
                (z, y, x), self.size, case.foreground, float(self.plan["foreground"])
            )
            image, mask = draw_patch(case.image, case.mask, centre, self.size, self.changes)
            images.append(image)
            masks.append(mask)
        inputs, labels = torch.stack(images), torch.stack(masks)[:, None]
        if self.flat:
            inputs, labels = inputs[:, :, 0], labels[:, :, 0]
        return inputs.to(self.device), labels.to(self.device)

    def loss_of(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        loss: torch.Tensor = self.criterion(logits, labels)
        return loss

    def validate(self) -> tuple[float, float | None]:
        core = SegCore(self.mean.module, self.described, self.device)
        classes = int(self.described["classes"])
        losses, scores = [], []
        for case in self.masks.val_part.cases:
            self.fit.control.checkpoint()
            found = core.probabilities(case.image, mirrored=False)
            truth = np.asarray(case.mask)
            picked = np.take_along_axis(found, truth[None].astype(np.int64), 0)
            losses.append(float(-np.log(np.maximum(picked, 1e-7)).mean()))
            answer = found.argmax(axis=0)
            scores.append(np.mean([_dice(truth == k, answer == k) for k in range(1, classes)]))
        return float(np.mean(losses)), float(np.mean(scores))


def _dice(one: Any, other: Any) -> float:
    both = int(one.sum()) + int(other.sum())
    return 2 * float((one & other).sum()) / both if both else 1.0


def train_on_patches(
    task: MaskTask, net: torch.nn.Module, described: dict[str, Any], changes: Changes
) -> LoopResult:
    """Train ``net`` in place and leave the best epoch's mean weights in it.

    Raises
    ------
    CancelledError
        The app said stop.
    JobFailedError
        The loss is no number any more.
    """
    return PatchLoop(task, net, described, changes).run()
