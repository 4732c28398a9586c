"""A small residual network for pictures (He et al. 2016), sized for few cases and a CPU."""

from collections.abc import Sequence

import torch
from torch import nn


class _Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(outputs)
        self.skip = (
            nn.Identity()
            if stride == 1 and inputs == outputs
            else nn.Sequential(
                nn.AvgPool2d(stride, ceil_mode=True) if stride > 1 else nn.Identity(),
                nn.Conv2d(inputs, outputs, 1, bias=False),
                nn.BatchNorm2d(outputs),
            )
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = torch.relu(self.first_norm(self.first(x)))
        return torch.relu(self.second_norm(self.second(out)) + self.skip(x))


class ResidualNet(nn.Module):
    """Stem, one block a width, mean and maximum over the picture, one linear layer.

    ``features`` gives the last maps: what Grad-CAM weighs.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(
        self, channels: int, widths: Sequence[int], classes: int, *, stem_stride: int,
        dropout: float,
    ) -> None:  # fmt: skip
        super().__init__()
        self.register_buffer("mean", torch.zeros(1, channels, 1, 1))
        self.register_buffer("std", torch.ones(1, channels, 1, 1))
        self.stem = nn.Sequential(
            nn.Conv2d(channels, widths[0], 3, stem_stride, 1, bias=False),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(),
        )
        blocks = []
        before = widths[0]
        for i, width in enumerate(widths):
            blocks.append(_Block(before, width, 1 if i == 0 else 2))
            before = width
        self.blocks = nn.Sequential(*blocks)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(2 * before, classes)

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """(n, channels, rows, columns) in 0..1 -> last maps."""
        maps: torch.Tensor = self.blocks(self.stem((x - self.mean) / self.std))
        return maps

    def classify(self, maps: torch.Tensor) -> torch.Tensor:
        """Last maps -> logits (n, classes)."""
        pooled = torch.cat([maps.mean((2, 3)), maps.amax((2, 3))], dim=1)
        out: torch.Tensor = self.head(self.dropout(pooled))
        return out

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classify(self.features(x))
