"""Thick slabs: mean, maximum or minimum of the slices (or oblique cuts) around a picture.

A slab of thickness t around a slice takes every slice whose centre lies within t / 2 of it, the
same rule in the stack and in every cut, so that a value does not depend on how one looks at it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from medbench.imaging.oblique import SlabMode, cut_slab, slab_offsets
from medbench.imaging.reslice import MprPlane
from medbench.imaging.turned import TurnedPlane

_EDGE = 1e-6
MOST_MM = 500.0
"""Thickest slab."""
Padding = tuple[float, float]


@dataclass(frozen=True)
class Slab:
    """How thick, and what it shows."""

    mode: SlabMode
    thickness_mm: float


def thicker(slab: Slab | None, spacing_mm: float, steps: int) -> Slab | None:
    """A slab changed by steps of two slices (one on each side), or of 1 mm where they are thin.

    None is a single slice; growing from it gives maxima.
    """
    step = max(1.0, float(np.ceil(2 * spacing_mm)))
    mode, now = (slab.mode, slab.thickness_mm) if slab else (SlabMode.MAXIMUM, 0.0)
    wanted = min(MOST_MM, np.floor(now / step + _EDGE) * step + steps * step)
    return Slab(mode, float(wanted)) if wanted > 0 else None


def slab_slices(plane: MprPlane, index: int, thickness_mm: float) -> range:
    """Picture numbers within half the thickness of picture ``index``."""
    reach = int(thickness_mm / 2 / plane.spacing_mm[0] + _EDGE)
    return range(max(0, index - reach), min(plane.shape[0], index + reach + 1))


def slab_samples(plane: MprPlane, slab: Slab | None, index: int = 0) -> int:
    """Values that are looked up for one pixel."""
    if slab is None:
        return 1
    if isinstance(plane, TurnedPlane):
        return len(slab_offsets(plane.geometry, slab.thickness_mm))
    return max(1, len(slab_slices(plane, index, slab.thickness_mm)))


def cut_values(
    plane: MprPlane,
    voxels: npt.NDArray[Any],
    index: int,
    slab: Slab | None = None,
    *,
    shape: tuple[int, int] | None = None,
    most_samples: int = 0,
    padding: Padding | None = None,
    ready: npt.NDArray[np.bool_] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> npt.NDArray[Any]:
    """Picture ``index`` of a plane, thick where a slab is given.

    (rows, columns) of the plane, or ``shape`` (fewer pixels of the same area). Maxima and minima
    keep the voxels' type, means and turned planes are float32 with NaN outside the volume. Padding
    never takes part where a real value does. ``most_samples`` thins a slab out (0 = never), and
    ``ready`` names the array's slices that are there. ``cancelled`` may end the work early.
    """
    if isinstance(plane, TurnedPlane):
        grid = plane.grid(index, shape)
        thickness, mode = (slab.thickness_mm, slab.mode) if slab else (0.0, SlabMode.MEAN)
        return cut_slab(
            voxels, plane.geometry, grid, thickness, mode, background=np.nan,
            most=most_samples, padding=padding, cancelled=cancelled,
        )  # fmt: skip
    if slab is None:
        return _sampled(plane.picture(voxels, index), shape)
    numbers = slab_slices(plane, index, slab.thickness_mm)
    if most_samples and len(numbers) > most_samples:
        numbers = numbers[:: -(-len(numbers) // most_samples)]
    return _joined(plane, voxels, numbers, slab.mode, shape, padding, ready)


def _joined(
    plane: MprPlane, voxels: npt.NDArray[Any], numbers: range, mode: SlabMode,
    shape: tuple[int, int] | None, padding: Padding | None, ready: npt.NDArray[np.bool_] | None,
) -> npt.NDArray[Any]:  # fmt: skip
    """Slices joined along the array axis they are stacked on."""
    axis = plane.axes[0]
    at = [voxels.shape[axis] - 1 - n if plane.flips[0] else n for n in numbers]
    if axis == 0 and ready is not None:
        at = [n for n in at if ready[n]]
    at.sort()
    picks: list[Any] = [slice(None)] * 3
    even = len(at) < 2 or len(set(np.diff(at).tolist())) == 1
    step = at[1] - at[0] if len(at) > 1 else 1
    picks[axis] = slice(at[0], at[-1] + 1, step) if even else at
    if shape is not None:
        for wanted, along in zip(shape, plane.axes[1:], strict=True):
            pace = max(1, voxels.shape[along] // wanted)
            picks[along] = slice(pace // 2, None, pace)
    flat = _reduced(voxels[tuple(picks)], axis, mode, padding)
    _, row_axis, column_axis = plane.axes
    if row_axis > column_axis:
        flat = flat.T
    _, row_flip, column_flip = plane.flips
    picture: npt.NDArray[Any] = flat[:: -1 if row_flip else 1, :: -1 if column_flip else 1]
    return picture


def _reduced(
    block: npt.NDArray[Any], axis: int, mode: SlabMode, padding: Padding | None
) -> npt.NDArray[Any]:
    """One picture of many; where everything is padding it stays padding."""
    if padding is not None:
        empty = (block >= padding[0]) & (block <= padding[1])
        if empty.any():
            return _reduced_real(block, axis, mode, empty, padding[0])
    if mode is SlabMode.MEAN:
        wide = np.int32 if block.dtype.kind in "iu" and block.itemsize <= 2 else np.float64
        return np.asarray(block.sum(axis=axis, dtype=wide) / block.shape[axis], np.float32)
    if mode is SlabMode.MAXIMUM:
        return np.asarray(block.max(axis=axis))
    return np.asarray(block.min(axis=axis))


def _reduced_real(
    block: npt.NDArray[Any], axis: int, mode: SlabMode, empty: npt.NDArray[np.bool_], fill: float
) -> npt.NDArray[Any]:
    nothing = empty.all(axis=axis)
    if mode is SlabMode.MEAN:
        count = np.maximum(1, (~empty).sum(axis=axis))
        total = np.where(empty, 0, block).sum(axis=axis, dtype=np.float64)
        found = (total / count).astype(np.float32)
    else:
        limits = np.finfo if block.dtype.kind == "f" else np.iinfo
        if mode is SlabMode.MAXIMUM:
            found = np.where(empty, limits(block.dtype).min, block).max(axis=axis)
        else:
            found = np.where(empty, limits(block.dtype).max, block).min(axis=axis)
    found[nothing] = fill
    return np.asarray(found, np.float32 if mode is SlabMode.MEAN else block.dtype)


def _sampled(picture: npt.NDArray[Any], shape: tuple[int, int] | None) -> npt.NDArray[Any]:
    if shape is None:
        return picture
    rows, columns = (
        np.minimum((np.arange(n) + 0.5) * have / n, have - 1).astype(np.intp)
        for n, have in zip(shape, picture.shape[:2], strict=True)
    )
    return np.asarray(picture[rows][:, columns])
