"""Residual U-Net in two or three dimensions (Ronneberger 2015; MONAI's DynUNet after nnU-Net)."""

from collections.abc import Sequence
from typing import Any

import torch

_SMALLEST_EDGE = 4
_UNEVEN = 2.0


def strides_of(
    patch: Sequence[int], spacing_mm: Sequence[float], levels: int
) -> tuple[list[list[int]], list[list[int]]]:
    """(kernels, strides) a level: axes are halved while they are long and not yet too coarse.

    After Isensee et al., Nature Methods 2021: an axis twice as coarse as the finest waits until
    the others have caught up, and is not convolved across while it waits.
    """
    edge, step = list(patch), list(spacing_mm)
    strides, kernels = [[1] * len(edge)], []
    for level in range(levels):
        finest = min(step)
        kernels.append([1 if s > _UNEVEN * finest else 3 for s in step])
        if level == levels - 1:
            break
        halved = [
            2 if e >= 2 * _SMALLEST_EDGE and e % 2 == 0 and s * 2 <= _UNEVEN * 2 * finest else 1
            for e, s in zip(edge, step, strict=True)
        ]
        if max(halved) == 1:
            break
        strides.append(halved)
        edge = [e // h for e, h in zip(edge, halved, strict=True)]
        step = [s * h for s, h in zip(step, halved, strict=True)]
    return kernels, strides


def multiples_of(strides: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """What each edge of an input must be a multiple of."""
    out = [1] * len(strides[0])
    for stride in strides:
        out = [a * b for a, b in zip(out, stride, strict=True)]
    return tuple(out)


def build_unet(described: dict[str, Any]) -> torch.nn.Module:
    """The network of a stored architecture: channels, classes, widths, kernels, strides."""
    from monai.networks.nets import DynUNet

    strides = [list(s) for s in described["strides"]]
    return DynUNet(
        spatial_dims=len(strides[0]),
        in_channels=int(described["channels"]),
        out_channels=int(described["classes"]),
        kernel_size=[list(k) for k in described["kernels"]],
        strides=strides,
        upsample_kernel_size=strides[1:],
        filters=[int(w) for w in described["widths"]],
        norm_name=("INSTANCE", {"affine": True}),
        dropout=float(described["dropout"]) or None,
        res_block=True,
    )
