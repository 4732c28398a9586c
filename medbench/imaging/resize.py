"""Deterministic resizing of pictures, the same on every machine."""

from typing import Any

import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.float32]


def resize_area(picture: npt.NDArray[Any], rows: int, columns: int) -> Picture:
    """Area-weighted mean when shrinking, linear when growing; (y, x) or (y, x, c) float32."""
    out = _axis(np.asarray(picture, np.float32), rows, 0)
    return _axis(out, columns, 1)


def _axis(array: Picture, size: int, axis: int) -> Picture:
    have = array.shape[axis]
    if have == size:
        return array
    moved = np.moveaxis(array, axis, 0)
    out = np.tensordot(_weights(have, size), moved, axes=(1, 0))
    return np.ascontiguousarray(np.moveaxis(out, 0, axis), np.float32)


def _weights(have: int, size: int) -> Picture:
    """(size, have) rows that sum to 1."""
    out = np.zeros((size, have), np.float32)
    scale = have / size
    if scale >= 1:
        for i in range(size):
            begin, end = i * scale, (i + 1) * scale
            first, last = int(begin), min(int(np.ceil(end)), have)
            for j in range(first, last):
                out[i, j] = min(end, j + 1) - max(begin, j)
        return np.asarray(out / out.sum(axis=1, keepdims=True), np.float32)
    centres = (np.arange(size) + 0.5) * scale - 0.5
    low = np.clip(np.floor(centres), 0, have - 1).astype(int)
    high = np.minimum(low + 1, have - 1)
    part = np.clip(centres - low, 0, 1).astype(np.float32)
    out[np.arange(size), low] += 1 - part
    out[np.arange(size), high] += part
    return out


def block_mean(values: npt.NDArray[Any], step: int) -> npt.NDArray[Any]:
    """Mean of ``step`` x ``step`` blocks of integers (y, x), in their own type; edges cut off."""
    rows, columns = (size // step * step for size in values.shape)
    total = np.zeros(
        (rows // step, columns // step), np.int64 if values.dtype.itemsize > 2 else np.int32
    )
    for y in range(step):
        for x in range(step):
            total += values[y:rows:step, x:columns:step]
    return np.asarray(total // (step * step), values.dtype)


def fit_square(picture: npt.NDArray[Any], size: int) -> Picture:
    """Shrink or grow into ``size`` x ``size``, aspect kept, the border filled with the minimum."""
    rows, columns = picture.shape[:2]
    scale = size / max(rows, columns)
    new = max(1, round(rows * scale)), max(1, round(columns * scale))
    small = resize_area(picture, *new)
    out = np.full((size, size, *small.shape[2:]), float(small.min()), np.float32)
    top, left = (size - new[0]) // 2, (size - new[1]) // 2
    out[top : top + new[0], left : left + new[1]] = small
    return out


def thumbnail(grey: npt.NDArray[np.uint8], rows: int, columns: int) -> npt.NDArray[np.uint8]:
    """Picture fitted into rows x columns on black, aspect kept; (rows, columns[, 3]) uint8."""
    scale = min(rows / grey.shape[0], columns / grey.shape[1])
    new = max(1, int(grey.shape[0] * scale)), max(1, int(grey.shape[1] * scale))
    step = max(1, int(min(grey.shape[0] / new[0], grey.shape[1] / new[1]) // 2))
    small = resize_area(grey[::step, ::step], *new)
    out = np.zeros((rows, columns, *grey.shape[2:]), np.uint8)
    top, left = (rows - new[0]) // 2, (columns - new[1]) // 2
    out[top : top + new[0], left : left + new[1]] = np.clip(small + 0.5, 0, 255).astype(np.uint8)
    return out
