"""Multi-layer perceptron."""

from collections.abc import Sequence

import torch
from torch import nn


class Mlp(nn.Module):
    """Linear, normalise, GELU, dropout; repeated, then one linear layer to the classes."""

    def __init__(self, inputs: int, hidden: Sequence[int], classes: int, dropout: float) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width = inputs
        for size in hidden:
            layers += [nn.Linear(width, size), nn.LayerNorm(size), nn.GELU(), nn.Dropout(dropout)]
            width = size
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(width, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, inputs) -> (n, classes)."""
        out: torch.Tensor = self.head(self.body(x))
        return out
