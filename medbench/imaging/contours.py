"""Contours of a structure set on any picture: even-odd inside test at pixel centres (C.8.8.6)."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from medbench.domain.objects import Contour, PlaneGrid, Structure

_PARALLEL = 1e-3
_MIN_HALF_MM = 0.05
_SAME_PLANE_MM = 0.01
_EDGE_MM = 1e-6


def structure_mask(
    structure: Structure, grid: PlaneGrid, thickness_mm: float
) -> npt.NDArray[np.bool_]:
    """Pixels whose centre lies inside a structure.

    Contours are planar; each stands for the slab of half its neighbours' distance around it (of
    ``thickness_mm`` where there is only one plane). Where contours of one plane overlap, the inner
    one cuts a hole (keyhole-free form of PS3.3 C.8.8.6.3).
    """
    out = np.zeros((grid.rows, grid.columns), bool)
    points = grid.points()
    for normal, contours in _parallel_groups(structure):
        out |= _mask_of(contours, normal, points, thickness_mm)
    return out


def structure_outlines(
    structure: Structure, grid: PlaneGrid, thickness_mm: float
) -> list[npt.NDArray[np.float64]]:
    """Closed outlines (n, 2) as (row, column), pixel centres at whole numbers, as they were drawn.

    Only for pictures parallel to the contours: those of the nearest plane within half their
    distance. Other pictures have masks only.
    """
    rows = np.asarray(grid.column_direction) / grid.row_mm
    columns = np.asarray(grid.row_direction) / grid.column_mm
    origin = np.asarray(grid.origin_mm, float)
    found = []
    for normal, contours in _parallel_groups(structure):
        if abs(abs(float(normal @ grid.normal)) - 1) > _PARALLEL:
            continue
        levels = _levels(contours, normal)
        near = _in_slab(np.asarray(origin @ normal), levels, _half_step(levels, thickness_mm))
        for contour, holds in zip(contours, near, strict=True):
            if holds:
                delta = contour.points_mm - origin
                found.append(np.stack([delta @ rows, delta @ columns], axis=-1))
    return found


def _mask_of(
    contours: list[Contour],
    normal: npt.NDArray[np.float64],
    points: npt.NDArray[np.float64],
    thickness_mm: float,
) -> npt.NDArray[np.bool_]:
    out = np.zeros(points.shape[:2], bool)
    levels = _levels(contours, normal)
    half = _half_step(levels, thickness_mm)
    depth = points @ normal
    axis_u, axis_v = _axes(normal)
    flat = np.stack([points @ axis_u, points @ axis_v], axis=-1)
    for contour, level in zip(contours, levels, strict=True):
        near = _in_slab(depth, level, half)
        if not near.any():
            continue
        polygon = np.stack([contour.points_mm @ axis_u, contour.points_mm @ axis_v], axis=-1)
        low, high = polygon.min(axis=0), polygon.max(axis=0)
        near &= ((flat >= low) & (flat <= high)).all(axis=-1)
        if near.any():
            out[near] ^= inside_polygon(flat[near], polygon)
    return out


def _parallel_groups(
    structure: Structure,
) -> list[tuple[npt.NDArray[np.float64], list[Contour]]]:
    """Closed contours by the direction of their planes."""
    groups: list[tuple[npt.NDArray[np.float64], list[Contour]]] = []
    for contour in structure.contours:
        if not contour.closed or len(contour.points_mm) < 3:
            continue
        normal = _normal(contour)
        for known, members in groups:
            if abs(abs(float(known @ normal)) - 1) < _PARALLEL:
                members.append(contour)
                break
        else:
            groups.append((normal, [contour]))
    return groups


def _levels(contours: list[Contour], normal: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Depth of each contour; contours of one plane get exactly one."""
    raw = np.array([float((c.points_mm @ normal).mean()) for c in contours])
    order = np.argsort(raw)
    out = raw.copy()
    for before, here in pairwise(order):
        if raw[here] - raw[before] < _SAME_PLANE_MM:
            out[here] = out[before]
    return out


def _in_slab(
    depth: npt.NDArray[np.float64], level: npt.ArrayLike, half: float
) -> npt.NDArray[np.bool_]:
    """Depths of the slab around a level; a depth half way between two belongs to one only."""
    away = depth - np.asarray(level)
    return np.asarray((away >= -half + _EDGE_MM) & (away < half + _EDGE_MM))


def inside_polygon(
    points: npt.NDArray[np.float64], polygon: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """Even-odd rule: ``points`` (n, 2), ``polygon`` (m, 2) closed by itself."""
    x, y = points[:, 0], points[:, 1]
    inside = np.zeros(len(points), bool)
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if y0 == y1:
            continue
        crosses = (y0 > y) != (y1 > y)
        inside ^= crosses & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
    return inside


def _normal(contour: Contour) -> npt.NDArray[np.float64]:
    """Unit normal of a planar contour (Newell), pointing to the positive side."""
    here, there = contour.points_mm, np.roll(contour.points_mm, -1, axis=0)
    found = np.cross(here - here[0], there - here[0]).sum(axis=0)
    length = float(np.linalg.norm(found))
    if length == 0:
        return np.array([0.0, 0.0, 1.0])
    found = found / length
    return np.asarray(found * (1 if found[int(np.argmax(np.abs(found)))] > 0 else -1))


def _half_step(levels: npt.NDArray[np.float64], thickness_mm: float) -> float:
    gaps = np.diff(np.unique(levels))
    gaps = gaps[gaps > _PARALLEL]
    return max(_MIN_HALF_MM, (float(gaps.min()) if len(gaps) else thickness_mm) / 2)


def _axes(
    normal: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    helper = np.eye(3)[int(np.argmin(np.abs(normal)))]
    u = np.cross(normal, helper)
    u = u / np.linalg.norm(u)
    return u, np.cross(normal, u)
