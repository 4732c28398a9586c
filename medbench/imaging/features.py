"""Intensity and texture features of one picture, for classical learners."""

from typing import Any

import numpy as np
import numpy.typing as npt

from medbench.imaging.resize import resize_area
from medbench.imaging.texture import binary_patterns, co_occurrence, oriented_edges

_SIZE = 64
_GRID = 8
_BANDS = ((0, 4), (4, 8), (8, 16), (16, 32))


BASIC = "texture and intensity"
DEEP = "texture, patterns and edges"
PIXELS = "pixels"
SETS = (DEEP, BASIC, PIXELS)
"""Sets of features by name; stored with a model, so that a name never changes its meaning."""
_FINE = 128
_PIXELS = 32


def features_of(picture: npt.NDArray[Any], name: str) -> npt.NDArray[np.float64]:
    """One set of features of a picture (y, x); see `SETS`.

    The deep set adds co-occurrence measures and binary patterns at 128 px and histograms of
    oriented edges at 64 px to the basic one; ``pixels`` are 32 x 32 grey values.
    """
    if name == PIXELS:
        return _unit(picture, _PIXELS).ravel()
    basic = image_features(picture)[1]
    if name == BASIC:
        return basic
    fine = _unit(picture, _FINE)
    return np.concatenate(
        [basic, co_occurrence(fine), binary_patterns(fine), oriented_edges(_unit(picture, _SIZE))]
    )


def _unit(picture: npt.NDArray[Any], size: int) -> npt.NDArray[np.float64]:
    """Square of the given size, scaled to its own 1 to 99 percentile."""
    grey = resize_area(np.nan_to_num(np.asarray(picture, np.float32)), size, size)
    low, high = np.percentile(grey, [1, 99])
    unit = np.clip((grey - low) / max(float(high - low), 1e-6), 0, 1)
    return np.asarray(unit, np.float64)


def image_features(picture: npt.NDArray[Any]) -> tuple[tuple[str, ...], npt.NDArray[np.float64]]:
    """Names and values: statistics, histogram, gradients, local binary patterns, bands, a grid.

    ``picture`` is (y, x) of any size; it is scaled to its own 1 to 99 percentile, so exposure
    and window do not matter. All values are finite.
    """
    grey = resize_area(np.nan_to_num(np.asarray(picture, np.float32)), _SIZE, _SIZE)
    low, high = np.percentile(grey, [1, 99])
    unit = np.clip((grey - low) / max(float(high - low), 1e-6), 0, 1).astype(np.float64)
    parts = {
        "intensity": _intensity(unit),
        "histogram": np.histogram(unit, bins=16, range=(0, 1))[0] / unit.size,
        "gradient": _gradients(unit),
        "pattern": _binary_patterns(unit),
        "band": _bands(unit),
        "grid": resize_area(unit.astype(np.float32), _GRID, _GRID).ravel(),
        "grid_sd": _grid_spread(unit),
    }
    names = tuple(f"{name}_{i}" for name, values in parts.items() for i in range(len(values)))
    return names, np.nan_to_num(np.concatenate([np.asarray(v, float) for v in parts.values()]))


def _intensity(unit: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    centred = unit - unit.mean()
    spread = max(float(unit.std()), 1e-6)
    left, right = unit[:, : _SIZE // 2], unit[:, _SIZE // 2 :][:, ::-1]
    top, bottom = unit[: _SIZE // 2], unit[_SIZE // 2 :]
    return np.array(
        [
            unit.mean(),
            spread,
            (centred**3).mean() / spread**3,
            (centred**4).mean() / spread**4,
            *np.percentile(unit, [10, 25, 50, 75, 90]),
            np.abs(left - right).mean(),
            left.mean() - right.mean(),
            top.mean() - bottom.mean(),
        ]
    )


def _gradients(unit: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Histograms of orientation, weighted by strength, over the picture and its quadrants."""
    gy, gx = np.gradient(unit)
    strength, angle = np.hypot(gx, gy), np.mod(np.arctan2(gy, gx), np.pi)
    half = _SIZE // 2
    boxes = [(slice(None), slice(None))]
    boxes += [(slice(y, y + half), slice(x, x + half)) for y in (0, half) for x in (0, half)]
    found = []
    for box in boxes:
        counts, _ = np.histogram(angle[box], bins=8, range=(0, np.pi), weights=strength[box])
        found.extend(counts / strength[box].size)
    return np.array([*found, strength.mean(), strength.std()])


def _binary_patterns(unit: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Rotation-invariant uniform local binary patterns, 8 neighbours, radius 1 (Ojala 2002)."""
    centre = unit[1:-1, 1:-1]
    steps = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))
    bits = np.stack(
        [unit[1 + y : _SIZE - 1 + y, 1 + x : _SIZE - 1 + x] >= centre for y, x in steps]
    )
    changes = (bits != np.roll(bits, 1, axis=0)).sum(axis=0)
    code = np.where(changes <= 2, bits.sum(axis=0), 9)
    return np.asarray(np.bincount(code.ravel(), minlength=10) / code.size)


def _bands(unit: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Share of the spectrum's energy per radial band."""
    power = np.abs(np.fft.fftshift(np.fft.fft2(unit - unit.mean()))) ** 2
    y, x = np.indices(power.shape) - _SIZE // 2
    radius = np.hypot(y, x)
    total = max(float(power.sum()), 1e-12)
    return np.array([power[(radius >= a) & (radius < b)].sum() / total for a, b in _BANDS])


def _grid_spread(unit: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    cell = _SIZE // _GRID
    blocks = unit.reshape(_GRID, cell, _GRID, cell)
    return np.asarray(blocks.std(axis=(1, 3)).ravel())
