"""A tilted or irregular stack on a right, regular grid: trilinear backward mapping.

Every voxel of the new grid is looked up where the headers say it lies: between the two slices
around it, in the continuous index space that their positions span (PS3.3 C.7.6.2.1.1). Nothing is
taken from the gantry tilt tag, whose sign depends on the vendor. Where slices are missing the grid
stays empty: a blend of the neighbours would be anatomy that nobody has measured.
"""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from medbench.base.errors import BadInputError
from medbench.domain.geometry import Geometry

MAX_VOXELS = 1 << 29
_LATERAL_MM = 1e-3
_MAX_EXTENT_MM = 1e5
_ON_SLICE = 1e-4
"""Part of a gap below which a plane is the slice itself."""


def fidelity_notes(geometry: Geometry, *, thick_mm: float = 2.0) -> tuple[str, ...]:
    """What a reformatted view must say of its own faithfulness."""
    low, high = geometry.gap_range_mm
    notes = []
    if geometry.missing_slices:
        count = len(geometry.missing_slices)
        notes.append(f"{count} slice{'s' if count > 1 else ''} missing, left empty")
    if high - low > 1e-3 and not geometry.missing_slices:
        notes.append(f"Interpolated from {low:.1f} to {high:.1f} mm")
    elif geometry.spacing_mm[0] > thick_mm:
        notes.append(f"Interpolated from {geometry.spacing_mm[0]:.1f} mm")
    if geometry.gantry_tilt_deg:
        notes.append(f"Tilt {geometry.gantry_tilt_deg:.1f} deg corrected")
    return tuple(notes)


def regular_geometry(geometry: Geometry) -> Geometry:
    """The grid that holds all slices: same pixels, equal steps, right angles.

    The step is the commonest small gap; the picture grows where slices lean out of it.

    Raises
    ------
    BadInputError
        The slices lie farther apart than any patient is long.
    """
    points, depth, lateral = _slices(geometry)
    if max(float(depth[-1] - depth[0]), float(np.abs(lateral).max())) > _MAX_EXTENT_MM:
        raise BadInputError("The slices lie metres apart: no regular volume can hold them.")
    rows_mm, columns_mm = geometry.spacing_mm[1], geometry.spacing_mm[2]
    step = _step(depth, geometry.spacing_mm[0])
    count = int(np.floor((depth[-1] - depth[0]) / step + 1e-6)) + 1
    low, high = lateral.min(axis=0), lateral.max(axis=0)  # along x, along y
    before = np.floor(low / (columns_mm, rows_mm) + 1e-6)
    after = np.ceil(high / (columns_mm, rows_mm) - 1e-6)
    grow = (after - before).astype(int)
    axes = np.asarray(geometry.direction).reshape(3, 3)
    origin = points[0] + axes[:, 0] * before[0] * columns_mm + axes[:, 1] * before[1] * rows_mm
    return replace(
        geometry,
        shape=(count, geometry.shape[1] + int(grow[1]), geometry.shape[2] + int(grow[0])),
        spacing_mm=(step, rows_mm, columns_mm),
        origin_mm=(float(origin[0]), float(origin[1]), float(origin[2])),
        uniform=True,
        gantry_tilt_deg=0.0,
        missing_slices=(),
        positions_mm=(),
        resampled=True,
        notes=fidelity_notes(geometry),
    )


def regularise(
    voxels: npt.NDArray[np.generic],
    geometry: Geometry,
    fill: float = 0.0,
    cancelled: Callable[[], bool] | None = None,
    padding: tuple[float, float] | None = None,
) -> tuple[npt.NDArray[np.generic], Geometry]:
    """Voxels (z, y, x) on `regular_geometry`, same type; outside the slices ``fill``.

    ``padding`` is the inclusive range of values that are no anatomy: they are never blended with
    their neighbours, what would be mixed with them becomes ``fill``.

    Raises
    ------
    BadInputError
        The slices lie too far apart, or the grid would hold more than half a billion voxels.
    """
    target = regular_geometry(geometry)
    if math.prod(target.shape) > MAX_VOXELS:
        raise BadInputError("The regular volume would hold more than half a billion voxels.")
    points, depth, lateral = _slices(geometry)
    first = np.asarray(target.origin_mm) - points[0]
    axes = np.asarray(geometry.direction).reshape(3, 3)
    start = np.array([first @ axes[:, 0], first @ axes[:, 1]])  # mm, x and y
    out = np.full(target.shape, fill, voxels.dtype)
    spacing = np.array([geometry.spacing_mm[2], geometry.spacing_mm[1]])
    for k in range(target.shape[0]):
        if cancelled is not None and cancelled():
            break
        at = depth[0] + k * target.spacing_mm[0]
        below = int(np.clip(np.searchsorted(depth, at + 1e-6) - 1, 0, len(depth) - 1))
        above = min(below + 1, len(depth) - 1)
        gap = depth[above] - depth[below]
        weight = 0.0 if gap <= 0 else float(np.clip((at - depth[below]) / gap, 0, 1))
        if weight > 1 - _ON_SLICE:
            below, weight = above, 0.0
        if geometry.missing_slices and weight > _ON_SLICE and gap > 1.5 * target.spacing_mm[0]:
            continue  # slices are missing here
        plane = _real(voxels[below], padding)
        offset = lateral[below]
        if weight > _ON_SLICE:
            # along the way the slices moved: what runs with it stays one structure, not two ghosts
            plane = plane * np.float32(1 - weight) + _real(voxels[above], padding) * np.float32(
                weight
            )
            offset = offset * (1 - weight) + lateral[above] * weight
        plane = _shifted(plane, (start - offset) / spacing, target.shape[1:])
        known = np.isfinite(plane)
        if voxels.dtype.kind in "iu":
            plane = np.rint(np.where(known, plane, fill))
            out[k] = plane.astype(voxels.dtype)
        else:
            out[k] = np.where(known, plane, fill)
    return out, target


def _real(
    plane: npt.NDArray[np.generic], padding: tuple[float, float] | None
) -> npt.NDArray[np.float32]:
    """The slice with NaN for padding."""
    out = np.asarray(plane, np.float32)
    if padding is None:
        return out
    return np.where((out >= padding[0]) & (out <= padding[1]), np.float32(np.nan), out)


def _slices(
    geometry: Geometry,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Positions (n, 3), depth (n,), lateral offset along x and y (n, 2), in mm."""
    points = np.asarray(geometry.positions_mm, float)
    axes = np.asarray(geometry.direction).reshape(3, 3)
    delta = points - points[0]
    lateral = np.stack([delta @ axes[:, 0], delta @ axes[:, 1]], axis=1)
    lateral[np.abs(lateral) < _LATERAL_MM] = 0.0
    return points, delta @ geometry.normal, lateral


def _step(depth: npt.NDArray[np.float64], default: float) -> float:
    gaps = np.diff(depth)
    if not len(gaps):
        return default
    rounded = np.round(gaps, 2)
    values, counts = np.unique(rounded, return_counts=True)
    common = values[counts >= max(2, 0.1 * len(gaps))]
    nearest = float(common.min()) if len(common) else float(np.median(rounded))
    return float(np.median(gaps[np.abs(gaps - nearest) < 0.02])) if len(common) else nearest


def _shifted(
    plane: npt.NDArray[np.float32], shift: npt.NDArray[np.float64], shape: tuple[int, ...]
) -> npt.NDArray[np.float32]:
    """The slice on the larger grid whose first pixel lies ``shift`` (x, y) pixels from its own.

    NaN where the slice has nothing.
    """
    out = plane
    for axis, move in ((1, shift[0]), (0, shift[1])):
        out = _along(out, axis, float(move), shape[axis])
    return out


def _along(
    values: npt.NDArray[np.float32], axis: int, move: float, size: int
) -> npt.NDArray[np.float32]:
    """Linear interpolation at index + ``move`` along one axis; NaN outside."""
    at = np.arange(size) + move
    whole = np.floor(at + 1e-6).astype(int)
    part = (at - whole).astype(np.float32)
    part[part < 1e-5] = 0.0
    length = values.shape[axis]
    inside = (whole >= 0) & (whole + (part > 0) <= length - 1)
    low = np.take(values, np.clip(whole, 0, length - 1), axis=axis)
    form = [1, 1]
    form[axis] = size
    weight = part.reshape(form)
    if part.any():
        high = np.take(values, np.clip(whole + 1, 0, length - 1), axis=axis)
        low = low * (1 - weight) + high * weight
    return np.where(inside.reshape(form), low, np.float32(np.nan))
