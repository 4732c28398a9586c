"""Grad-CAM (Selvaraju et al. 2017): which parts of the picture speak for the class."""

import numpy as np
import torch
from numpy.typing import NDArray

from medbench.engine.nets.residual import ResidualNet
from medbench.imaging.resize import resize_area


def grad_cam(
    net: ResidualNet, inputs: torch.Tensor, target: int, rows: int, columns: int
) -> NDArray[np.float32]:
    """Map 0..1 of (rows, columns), the size of the picture before it was fitted.

    Parameters
    ----------
    inputs : (1, channels, size, size) as the network takes it
    target : class whose logit (against the mean of the others) is explained
    """
    net.eval()
    with torch.enable_grad():
        maps = net.features(inputs).detach().requires_grad_(True)
        logits = net.classify(maps)[0]
        others = [i for i in range(len(logits)) if i != target]
        (gradient,) = torch.autograd.grad(logits[target] - logits[others].mean(), maps)
    # mean and maximum pooling both feed the head: position-wise weights keep where the maximum sat
    weighted = torch.relu((gradient * maps).sum(dim=1))[0]
    weights = torch.relu((gradient.mean((2, 3), keepdim=True) * maps).sum(dim=1))[0]
    heat = (weighted / weighted.max().clamp_min(1e-9)) * 0.5 + (
        weights / weights.max().clamp_min(1e-9)
    ) * 0.5
    return unfit(heat.detach().float().cpu().numpy(), rows, columns)


def unfit(heat: NDArray[np.float32], rows: int, columns: int) -> NDArray[np.float32]:
    """Undo `medbench.imaging.resize.fit_square`: back to the picture's own rows and columns."""
    longest = max(rows, columns)
    square = resize_area(heat, longest, longest)
    top, left = (longest - rows) // 2, (longest - columns) // 2
    cut = square[top : top + rows, left : left + columns]
    peak = max(float(cut.max()), 1e-9)
    return np.ascontiguousarray(np.clip(cut / peak, 0, 1), np.float32)
