"""From slice positions to a `Geometry`: order, spacing, tilt, gaps (PS3.3 C.7.6.2.1.1)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from medbench.domain.geometry import Geometry, Vector

GRID_TOLERANCE_MM = 1e-3
TILT_TOLERANCE_DEG = 0.05
_MAX_COMPARED = 64
_MAX_SLICES = 20_000
"""More missing slices than a scan can have: a false position, not a gap."""
SAME_PLACE_MM = 0.01
"""Slices no farther apart are the same place met again."""


@dataclass(frozen=True)
class Stacked:
    """Slices in order along their normal."""

    order: tuple[int, ...]
    geometry: Geometry
    warnings: tuple[str, ...]


def slice_normal(orientation: Sequence[float]) -> np.ndarray:
    """Unit normal: row cosines x column cosines."""
    normal = np.cross(orientation[:3], orientation[3:6])
    return np.asarray(normal / max(float(np.linalg.norm(normal)), 1e-12))


def valid_orientation(orientation: Sequence[float]) -> bool:
    """Six numbers, unit vectors, perpendicular (tolerance 1e-2)."""
    if len(orientation) != 6:
        return False
    row, column = np.asarray(orientation[:3]), np.asarray(orientation[3:])
    return bool(
        abs(np.linalg.norm(row) - 1) < 1e-2
        and abs(np.linalg.norm(column) - 1) < 1e-2
        and abs(row @ column) < 1e-2
    )


def near_groups(vectors: Sequence[Sequence[float]], tolerance: float) -> list[int]:
    """Number of the group each vector belongs to: the first one met that is as near as that.

    Rounding would tear apart what scatters around an edge between two rounded values.
    """
    known: list[np.ndarray] = []
    exact: dict[tuple[float, ...], int] = {}
    found = []
    for vector in vectors:
        key = tuple(vector)
        if key not in exact:
            here = np.asarray(key, float)
            compared = known[:_MAX_COMPARED]  # a thousand different ones are no scatter any more
            exact[key] = next(
                (n for n, other in enumerate(compared)
                 if len(other) == len(here) and (np.abs(other - here) <= tolerance).all()),
                len(known),
            )  # fmt: skip
            if exact[key] == len(known):
                known.append(here)
        found.append(exact[key])
    return found


def place_groups(points_mm: Sequence[Sequence[float]], orientation: Sequence[float]) -> list[int]:
    """Number of the place each slice lies at, along the normal; equal within `SAME_PLACE_MM`."""
    points = np.asarray(points_mm, float)
    depth = points @ slice_normal(orientation)
    found = [0] * len(points)
    recent: list[tuple[int, int]] = []  # (index, number) of places less than the tolerance below
    count = 0
    for i in np.argsort(depth, kind="stable"):
        recent = [(j, n) for j, n in recent if depth[i] - depth[j] <= SAME_PLACE_MM]
        number = next(
            (n for j, n in recent if (np.abs(points[i] - points[j]) <= SAME_PLACE_MM).all()), count
        )
        if number == count:
            count += 1
            recent.append((int(i), number))
        found[i] = number
    return found


def stack_slices(
    positions_mm: Sequence[Sequence[float]],
    orientation: Sequence[float],
    pixel_spacing_mm: Sequence[float],
    rows: int,
    columns: int,
    frame_of_reference_uid: str = "",
) -> Stacked:
    """Sort slices by projected position and describe the grid they make.

    Parameters
    ----------
    positions_mm
        Image Position (Patient) of each slice; at least one, no two alike.
    pixel_spacing_mm
        Row spacing, column spacing (PS3.3 10.7.1.3: vertical first).
    """
    points = np.asarray(positions_mm, float)
    normal = slice_normal(orientation)
    depth = points @ normal
    order = np.argsort(depth, kind="stable")
    points, depth = points[order], depth[order]
    gaps = np.diff(depth)
    spacing, missing, regular = _spacing(gaps)
    lateral = points - points[0] - np.outer(depth - depth[0], normal)
    tilt = _tilt_deg(lateral, depth, np.asarray(orientation[3:6], float))
    uniform = regular and not missing and float(np.abs(lateral).max(initial=0)) <= GRID_TOLERANCE_MM
    low, high = (float(gaps.min()), float(gaps.max())) if len(gaps) else (0.0, 0.0)
    warnings = []
    if abs(tilt) > TILT_TOLERANCE_DEG:
        warnings.append(f"Gantry tilt {tilt:.1f} deg")
    if missing:
        warnings.append(f"{len(missing)} slice{'s' if len(missing) > 1 else ''} missing")
    elif not regular:
        warnings.append(f"Irregular spacing {gaps.min():.2f} to {gaps.max():.2f} mm")
    axes = np.column_stack([orientation[:3], orientation[3:6], normal])
    geometry = Geometry(
        shape=(len(points), rows, columns),
        spacing_mm=(spacing, float(pixel_spacing_mm[0]), float(pixel_spacing_mm[1])),
        origin_mm=_vector(points[0]),
        direction=tuple(float(v) for v in axes.ravel()),
        frame_of_reference_uid=frame_of_reference_uid,
        uniform=uniform,
        gantry_tilt_deg=tilt if abs(tilt) > TILT_TOLERANCE_DEG else 0.0,
        missing_slices=missing,
        positions_mm=tuple(_vector(p) for p in points),
        gap_range_mm=(low, high),
    )
    return Stacked(tuple(int(i) for i in order), geometry, tuple(warnings))


def _vector(point: np.ndarray) -> Vector:
    return (float(point[0]), float(point[1]), float(point[2]))


def _spacing(gaps: np.ndarray) -> tuple[float, tuple[int, ...], bool]:
    """Spacing, the slices before which others are missing, and whether the gaps are regular."""
    if not len(gaps):
        return 1.0, (), True
    median = float(np.median(gaps))
    if np.all(np.abs(gaps - median) <= GRID_TOLERANCE_MM):
        return float(gaps.mean()), (), True
    base = float(gaps.min())
    steps = np.round(gaps / base)
    # one narrow gap among wide ones is an extra slice, not the measure of all the others
    usual = 2 * int((steps == 1).sum()) >= len(gaps) and float(steps.sum()) < _MAX_SLICES
    if usual and np.all(np.abs(gaps - steps * base) <= GRID_TOLERANCE_MM * steps):
        missing = [i for i, n in enumerate(steps) for _ in range(int(n) - 1)]
        return base, tuple(missing), True
    return median, (), False


def _tilt_deg(lateral: np.ndarray, depth: np.ndarray, column: np.ndarray) -> float:
    """Angle by which the slices lean along the column direction; sign from geometry alone."""
    run = depth - depth[0]
    if len(run) < 2 or run[-1] <= 0:
        return 0.0
    shift = lateral @ column
    slope = float((run @ shift) / (run @ run))
    return float(np.degrees(np.arctan(slope)))
