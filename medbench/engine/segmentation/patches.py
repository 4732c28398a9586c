"""Patches for training: cut, turned, stretched and bent in one resampling, then recoloured.

Everything random comes from torch's generator, so an epoch follows from its seed alone. Pictures
are volumes of one slice: their first axis is never turned, stretched or bent.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

Shape = tuple[int, int, int]
_REACH = 1.7
"""Half a turned and stretched patch reaches so far, in half patches."""


@dataclass(frozen=True)
class Changes:
    """How far a training patch may differ from what was measured; 0 = not at all."""

    turn_deg: float = 0.0
    stretch: float = 0.0
    bend: float = 0.0
    """Spread of the elastic displacement, in voxels."""
    contrast: float = 0.0
    noise: float = 0.0
    mirror: tuple[int, ...] = ()
    """Axes (0 z, 1 y, 2 x) along which a patch may be mirrored."""

    @staticmethod
    def named(name: str, mirror: tuple[int, ...]) -> "Changes":
        """``none``, ``mild`` or ``strong``."""
        return {
            "none": Changes(mirror=mirror),
            "mild": Changes(10.0, 0.12, 0.8, 0.2, 0.05, mirror),
            "strong": Changes(20.0, 0.25, 1.5, 0.3, 0.1, mirror),
        }[name]


def _uniform(low: float, high: float) -> float:
    return low + (high - low) * float(torch.rand(()))


def _turn(axis: int, radians: float) -> torch.Tensor:
    one, other = [a for a in range(3) if a != axis]
    matrix = torch.eye(3)
    c, s = math.cos(radians), math.sin(radians)
    matrix[one, one], matrix[one, other], matrix[other, one], matrix[other, other] = c, -s, s, c
    return matrix


def _matrix(changes: Changes, flat: bool) -> torch.Tensor:
    """Offsets in the patch -> offsets in the volume, z, y, x."""
    matrix = torch.eye(3)
    for axis in (0,) if flat else (0, 1, 2):
        matrix = matrix @ _turn(axis, math.radians(_uniform(-changes.turn_deg, changes.turn_deg)))
    common = _uniform(-changes.stretch, changes.stretch)
    scale = [math.exp(common + _uniform(-0.3, 0.3) * changes.stretch) for _ in range(3)]
    if flat:
        scale[0] = 1.0
    return matrix @ torch.diag(torch.tensor(scale))


def draw_patch(
    image: Any, mask: Any, centre: torch.Tensor, size: Shape, changes: Changes
) -> tuple[torch.Tensor, torch.Tensor]:
    """One patch: image (c, *size) float32 and mask (*size) int64.

    Parameters
    ----------
    image, mask : arrays (c, z, y, x) and (z, y, x), may be memory-mapped
    centre : voxel z, y, x in the middle of the patch
    """
    flat = image.shape[1] == 1
    half = torch.tensor([(s - 1) / 2 for s in size])
    cut, begin = [], []
    for axis, (length, extent) in enumerate(zip(image.shape[1:], size, strict=True)):
        reach = 0 if flat and axis == 0 else math.ceil(extent / 2 * _REACH) + 3
        at = round(float(centre[axis]))
        low = max(0, min(at - reach, length - 1))
        cut.append(slice(low, max(low + 1, min(length, at + reach + 1))))
        begin.append(low)
    part = torch.from_numpy(image[(slice(None), *cut)].astype("float32"))
    truth = torch.from_numpy(mask[tuple(cut)].astype("float32"))
    steps = [torch.arange(s) - h for s, h in zip(size, half, strict=True)]
    offsets = torch.stack(torch.meshgrid(*steps, indexing="ij"), -1)
    for axis in changes.mirror:
        if float(torch.rand(())) < 0.5:
            offsets[..., axis] = -offsets[..., axis]
    places = offsets @ _matrix(changes, flat).T
    if changes.bend and float(torch.rand(())) < 0.5:
        places = places + _bending(size, changes.bend, flat)
    places = places + (centre - torch.tensor(begin, dtype=torch.float32))
    lengths = torch.tensor([max(s - 1, 1) for s in part.shape[1:]], dtype=torch.float32)
    grid = (places * 2 / lengths - 1).flip(-1)[None]
    if flat:
        grid[..., 2] = 0.0
    cells = functional.grid_sample(
        part[None], grid, mode="bilinear", padding_mode="border", align_corners=True
    )[0]
    labels = functional.grid_sample(
        truth[None, None], grid, mode="nearest", padding_mode="zeros", align_corners=True
    )[0, 0]
    return _recoloured(cells, changes), labels.round().long()


def _bending(size: Shape, spread: float, flat: bool) -> torch.Tensor:
    coarse = [max(2, -(-s // 12)) for s in size]
    shift = torch.randn(1, 3, *coarse) * spread
    if flat:
        shift[:, 0] = 0
    fine = functional.interpolate(shift, size=size, mode="trilinear", align_corners=True)
    return fine[0].permute(1, 2, 3, 0)


def _recoloured(cells: torch.Tensor, changes: Changes) -> torch.Tensor:
    """Contrast, brightness, gamma, blur and noise, each channel alike."""
    if changes.contrast:
        cells = cells * math.exp(_uniform(-changes.contrast, changes.contrast))
        cells = cells + _uniform(-changes.contrast, changes.contrast)
        if float(torch.rand(())) < 0.5:
            low, high = cells.amin(), cells.amax()
            span = (high - low).clamp_min(1e-6)
            gamma = math.exp(_uniform(-1.5 * changes.contrast, 1.5 * changes.contrast))
            cells = ((cells - low) / span) ** gamma * span + low
    if changes.noise:
        if float(torch.rand(())) < 0.2:
            cells = _blurred(cells, _uniform(0.4, 0.9))
        if float(torch.rand(())) < 0.3:
            cells = cells + torch.randn_like(cells) * _uniform(0.0, changes.noise)
    return cells


def _blurred(cells: torch.Tensor, sigma: float) -> torch.Tensor:
    taps = torch.exp(-0.5 * (torch.arange(-2, 3) / sigma) ** 2)
    taps = taps / taps.sum()
    out = cells[:, None]
    for axis in range(3):
        if out.shape[2 + axis] < 3:
            continue
        shape = [1, 1, 1, 1, 1]
        shape[2 + axis] = 5
        pad = [0, 0, 0, 0, 0, 0]
        pad[2 * (2 - axis)] = pad[2 * (2 - axis) + 1] = 2
        mode = "replicate"
        out = functional.conv3d(functional.pad(out, pad, mode=mode), taps.reshape(shape))
    return out[:, 0]


def choose_centre(shape: Shape, size: Shape, foreground: Any, share: float) -> torch.Tensor:
    """Middle of a patch: on the foreground with probability ``share``, else anywhere.

    ``foreground``: for each structure its voxels as an (n, 3) array; a structure is drawn first,
    so that small ones are seen as often as large ones.
    """
    known = [points for points in foreground if len(points)]
    if known and float(torch.rand(())) < share:
        points = known[int(torch.randint(len(known), ()))]
        centre = torch.from_numpy(points[int(torch.randint(len(points), ()))].astype("float32"))
        centre = centre + (torch.rand(3) - 0.5) * torch.tensor(size) * 0.5
    else:
        centre = torch.rand(3) * (torch.tensor(shape) - 1)
    # a patch stays inside the volume where it fits, and is centred where it does not
    kept = []
    for axis in range(3):
        half = (size[axis] - 1) / 2
        low, high = half, shape[axis] - 1 - half
        at = (shape[axis] - 1) / 2 if low >= high else min(max(float(centre[axis]), low), high)
        kept.append(at)
    return torch.tensor(kept)
