"""Networks over signals: a body makes features of each time step, a head answers."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from medbench.engine.nets.recurrent import Recurrent

POOLS = ("attention", "last state", "mean and peak")
_SHUT_OUT = -1e4


class RecurrentBody(nn.Module):
    """Short windows of the signal, one a step (a strided convolution), read by GRU or LSTM.

    A window a step instead of a sample a step makes the path through time shorter by the hop,
    and the loop as much faster.
    """

    def __init__(
        self, kind: str, leads: int, width: int, layers: int, *, both_ways: bool, hop: int,
        dropout: float,
    ) -> None:  # fmt: skip
        super().__init__()
        self.windows = nn.Conv1d(leads, width, 2 * hop, hop, hop // 2)
        self.norm = nn.LayerNorm(width)
        self.body = Recurrent(kind, width, width, layers, both_ways=both_ways, dropout=dropout)
        self.outputs = self.body.outputs
        self.both_ways = both_ways

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, leads, times) -> (n, steps, outputs)."""
        steps: torch.Tensor = self.norm(functional.gelu(self.windows(x)).transpose(1, 2))
        out: torch.Tensor = self.body(steps)
        return out


class ResidualBody(nn.Module):
    """MONAI's residual network in one dimension (He et al. 2016)."""

    def __init__(self, leads: int, widths: Sequence[int]) -> None:
        super().__init__()
        from monai.networks.nets.resnet import ResNet

        whole = ResNet(
            "basic", [1] * 4, list(widths), spatial_dims=1, n_input_channels=leads,
            conv1_t_size=7, conv1_t_stride=1, no_max_pool=True, num_classes=2,
        )  # fmt: skip
        self.parts = nn.Sequential(
            whole.conv1, whole.bn1, nn.ReLU(),
            whole.layer1, whole.layer2, whole.layer3, whole.layer4,
        )  # fmt: skip
        self.outputs = widths[-1]
        self.both_ways = False

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, leads, times) -> (n, steps, outputs)."""
        out: torch.Tensor = self.parts(x).transpose(1, 2)
        return out


class SequenceNet(nn.Module):
    """Answers once a sequence (n, classes), or once a time step (n, classes, times).

    Input is (n, leads + 1, times); the last row says where there is signal: nothing outside it is
    pooled.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(
        self, body: RecurrentBody | ResidualBody, leads: int, classes: int, *, pool: str,
        each_step: bool, dropout: float,
    ) -> None:  # fmt: skip
        super().__init__()
        self.register_buffer("mean", torch.zeros(1, leads, 1))
        self.register_buffer("std", torch.ones(1, leads, 1))
        self.body = body
        self.pool = pool
        self.each_step = each_step
        self.dropout = nn.Dropout(dropout)
        self.weigh = nn.Linear(body.outputs, 1) if pool == "attention" and not each_step else None
        wide = 2 * body.outputs if pool == "mean and peak" and not each_step else body.outputs
        self.head = nn.Linear(wide, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        there = x[:, -1:]
        leads = (x[:, :-1] - self.mean) / self.std * there
        steps = self.body(leads)
        if self.each_step:
            logits = self.head(self.dropout(steps)).transpose(1, 2)
            out: torch.Tensor = functional.interpolate(
                logits, size=x.shape[2], mode="linear", align_corners=False
            )
            return out
        known = functional.adaptive_max_pool1d(there, steps.shape[1]).transpose(1, 2)
        answer: torch.Tensor = self.head(self.dropout(self._pooled(steps, known)))
        return answer

    def _pooled(self, steps: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
        if self.pool == "attention" and self.weigh is not None:
            weights = torch.softmax(self.weigh(steps) + (1 - known) * _SHUT_OUT, dim=1)
            return (weights * steps).sum(1)
        if self.pool == "mean and peak":
            mean = (steps * known).sum(1) / known.sum(1).clamp_min(1)
            return torch.cat([mean, (steps + (1 - known) * _SHUT_OUT).amax(1)], dim=1)
        last = (known[:, :, 0].sum(1).long() - 1).clamp_min(0)
        end = steps[torch.arange(len(steps), device=steps.device), last]
        if not self.body.both_ways:
            return end
        half = steps.shape[2] // 2
        return torch.cat([end[:, :half], steps[:, 0, half:]], dim=1)


def build_sequence(described: dict[str, Any]) -> SequenceNet:
    """The network of a stored architecture."""
    leads, dropout = int(described["leads"]), float(described["dropout"])
    body: RecurrentBody | ResidualBody
    if described["kind"] == "residual1d":
        body = ResidualBody(leads, list(described["widths"]))
    else:
        body = RecurrentBody(
            str(described["cell"]), leads, int(described["width"]), int(described["layers"]),
            both_ways=bool(described["both_ways"]), hop=int(described["hop"]), dropout=dropout,
        )  # fmt: skip
    return SequenceNet(
        body, leads, int(described["classes"]), pool=str(described["pool"]),
        each_step=bool(described["each_step"]), dropout=dropout,
    )  # fmt: skip
