"""Image -> what the network sees, and its answer -> the image's own grid.

One preparation for training, validation, test and inference; it is given an image and stored
settings, never a label. Masks follow onto the grid that the image decided.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from medbench.cohorts.canonical import Turn, canonical
from medbench.cohorts.voxels import Voxels

Floats = NDArray[np.float32]
Shape = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Ready:
    """A prepared image and the way back."""

    image: Floats
    """(channels, z, y, x)."""
    turn: Turn
    shape: Shape
    """Voxels in patient axes before resampling, z, y, x."""


@dataclass(frozen=True)
class ImagePreparer:
    """Settings: oriented, channels, spacing_mm (z, y, x), normalisation, low, high, mean, sd."""

    settings: dict[str, Any]

    def prepare(self, voxels: Voxels) -> Ready:
        """Oriented, resampled to the plan's spacing, normalised."""
        upright, turn = canonical(voxels) if self.settings["oriented"] else (voxels, Turn())
        values = _channels(np.asarray(upright.values, np.float32), int(self.settings["channels"]))
        values = np.nan_to_num(values)
        size = self.size_of(upright)
        image = resampled(self._normalised(values), size)
        return Ready(np.ascontiguousarray(image), turn, upright.shape)

    def size_of(self, upright: Voxels) -> Shape:
        """Voxels after resampling, z, y, x."""
        wanted = self.settings["spacing_mm"]
        sizes = [
            max(1, round(n * have / want))
            for n, have, want in zip(upright.shape, upright.spacing_mm, wanted, strict=True)
        ]
        return (1 if upright.flat else sizes[0], sizes[1], sizes[2])

    def _normalised(self, values: Floats) -> Floats:
        rule, settings = self.settings["normalisation"], self.settings
        if rule == "ct":
            clipped = np.clip(values, settings["low"], settings["high"])
            out = (clipped - settings["mean"]) / max(float(settings["sd"]), 1e-6)
            return np.asarray(out, np.float32)
        flat = values.reshape(len(values), -1)
        low, high = (q[:, None, None, None] for q in np.percentile(flat, [0.5, 99.5], axis=1))
        clipped = np.clip(values, low, high)
        mean = clipped.mean(axis=(1, 2, 3), keepdims=True)
        spread = np.maximum(clipped.std(axis=(1, 2, 3), keepdims=True), 1e-6)
        return np.asarray((clipped - mean) / spread, np.float32)


def _channels(values: Floats, channels: int) -> Floats:
    """(z, y, x[, 3]) -> (channels, z, y, x)."""
    if values.ndim == 3:
        return np.repeat(values[None], channels, axis=0)
    moved = np.moveaxis(values, -1, 0)
    if channels == 3:
        return moved
    grey = np.tensordot(np.array([0.299, 0.587, 0.114], np.float32), moved, 1)
    return np.asarray(grey, np.float32)[None]


def resampled(values: Floats, size: Shape) -> Floats:
    """(c, z, y, x) on a grid of ``size`` with the same corners: means where it shrinks much."""
    if values.shape[1:] == size:
        return values
    tensor = torch.from_numpy(np.ascontiguousarray(values, np.float32))[None]
    # windows of one or two voxels would only blur: means start at half the size
    shrunk = [b if a >= 2 * b else a for a, b in zip(values.shape[1:], size, strict=True)]
    if shrunk != list(values.shape[1:]):
        tensor = functional.interpolate(tensor, size=shrunk, mode="area")
    if tuple(shrunk) != size:
        tensor = functional.interpolate(tensor, size=size, mode="trilinear", align_corners=False)
    return np.asarray(tensor[0].numpy())


def mask_on_grid(codes: NDArray[np.uint8], ready: Ready, classes: int) -> NDArray[np.uint8]:
    """A mask as stored -> on the prepared image's grid; the structure that fills a voxel most."""
    turned = ready.turn.apply(codes)
    size: Shape = (ready.image.shape[1], ready.image.shape[2], ready.image.shape[3])
    if turned.shape == size:
        return np.ascontiguousarray(turned)
    parts = np.stack([turned == k for k in range(classes)]).astype(np.float32)
    return np.asarray(resampled(parts, size).argmax(axis=0), np.uint8)


def label_map(probabilities: Floats, ready: Ready) -> NDArray[np.uint8]:
    """Probabilities (classes, z, y, x) on the prepared grid -> label map of the stored image."""
    fine = resampled(probabilities, ready.shape)
    return np.ascontiguousarray(ready.turn.undo(np.asarray(fine.argmax(axis=0), np.uint8)))


def gate_vector(voxels: Voxels) -> NDArray[np.float64]:
    """A small description of an image for the in-distribution check."""
    values = np.asarray(voxels.values, np.float32)
    colour = float(np.ptp(values, axis=-1).mean()) if values.ndim == 4 else 0.0
    grey = values.mean(axis=-1) if values.ndim == 4 else values
    low, middle, high = (float(v) for v in np.percentile(grey, [0.5, 50, 99.5]))
    span = max(high - low, 1e-6)
    unit = np.clip((grey - low) / span, 0, 1)
    histogram = np.histogram(unit, bins=6, range=(0, 1))[0] / unit.size
    edges = [float(np.abs(np.diff(unit, axis=a)).mean()) if unit.shape[a] > 1 else 0.0
             for a in range(3)]  # fmt: skip
    upright, _ = canonical(voxels)
    extent = np.log([n * s for n, s in zip(upright.shape, upright.spacing_mm, strict=True)])
    shape = [*extent, *np.log(upright.spacing_mm)]
    return np.array([float(unit.mean()), float(unit.std()), (middle - low) / span,
                     colour / span, *edges, *histogram[:5], *shape])  # fmt: skip
