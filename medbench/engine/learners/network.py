"""What MLP and CNN share: the plan rows of gradient descent, and the stored network."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from medbench.domain.cohort import Fingerprint
from medbench.engine.learners.base import Core, Floats, Tensors
from medbench.engine.plan.builder import PlanBuilder

_BATCH = 128


class NetCore(Core):
    """A network on a device, in evaluation mode."""

    def __init__(
        self, net: torch.nn.Module, described: dict[str, Any], device: torch.device
    ) -> None:
        self.net = net.to(device).eval()
        self.device = device
        self._described = described

    def prepare(self, inputs: NDArray[Any]) -> torch.Tensor:
        """Prepared inputs as a tensor; subclasses may scale."""
        return torch.from_numpy(np.ascontiguousarray(inputs, np.float32))

    def logits(self, inputs: NDArray[Any]) -> Floats:
        found = []
        with torch.inference_mode():
            for begin in range(0, len(inputs), _BATCH):
                batch = self.prepare(inputs[begin : begin + _BATCH]).to(self.device)
                found.append(self.net(batch).float().cpu().numpy())
        return np.concatenate(found).astype(np.float64)

    def tensors(self) -> Tensors:
        return {
            f"net.{key}": value.detach().cpu().numpy()
            for key, value in self.net.state_dict().items()
        }

    def architecture(self) -> dict[str, Any]:
        return dict(self._described)


def load_weights(net: torch.nn.Module, tensors: Tensors) -> None:
    """Set the weights from stored arrays; every name and shape must fit."""
    net.load_state_dict(
        {
            key.removeprefix("net."): torch.from_numpy(np.array(value))
            for key, value in tensors.items()
            if key.startswith("net.")
        }
    )


def add_descent_rows(
    plan: PlanBuilder, fingerprint: Fingerprint, *, epochs: int, learning_rate: float, why: str
) -> None:
    """Rows of gradient descent."""
    n = fingerprint.n_cases
    batch = int(min(64, max(16, 2 ** int(np.log2(max(n / 12, 16))))))
    plan.row(
        "batch_size", "Batch size", batch, f"{n} training cases: about a dozen steps an epoch or "
        "more, batches small enough to keep some noise.", low=2, high=4096,
    )  # fmt: skip
    plan.row("epochs", "Epochs at most", epochs, why, low=1, high=10000)
    patience = max(8, epochs // 2)
    plan.row(
        "patience", "Early stopping", patience,
        "Stops after so many epochs without a better validation AUC; the best epoch is kept.",
        low=1, high=10000, unit="epochs",
    )  # fmt: skip
    plan.row(
        "learning_rate", "Learning rate", learning_rate,
        "Peak of a rise over the first tenth and a cosine fall (AdamW).", low=1e-7, high=10.0,
    )  # fmt: skip
    plan.row(
        "weight_decay", "Weight decay", 0.01, "Pulls weights to zero; more data would need less.",
        low=0.0, high=10.0,
    )  # fmt: skip
    plan.row(
        "dropout", "Dropout", 0.3 if n < 1000 else 0.1,
        f"{n} training cases" + (" are few: a third of the features are hidden at each step."
                                  if n < 1000 else " need little of it."),
        low=0.0, high=0.95,
    )  # fmt: skip
    plan.row(
        "precision", "Precision", "auto",
        "bfloat16 where a measured step is faster, else float32. Set it to repeat a run exactly.",
        choices=("auto", "float32", "bfloat16"),
    )  # fmt: skip
