"""Network and data that both training benchmarks use."""

import numpy as np
import torch

from medbench.engine.nets.residual import ResidualNet

N, SIZE, BATCH, EPOCHS = 768, 96, 32, 4


def make():
    """Network, pictures in 0..1, labels."""
    torch.manual_seed(0)
    net = ResidualNet(1, (16, 32, 64, 128), 2, stem_stride=2, dropout=0.3)
    dice = np.random.default_rng(0)
    pictures = dice.random((N, 1, SIZE, SIZE), dtype=np.float32)
    return net, pictures, dice.integers(0, 2, N)
