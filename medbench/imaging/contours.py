"""Contours of a structure set on any picture: even-odd inside test at pixel centres (C.8.8.6)."""

import numpy as np
import numpy.typing as npt

from medbench.domain.objects import Contour, PlaneGrid, Structure

_PARALLEL = 1e-3
_MIN_HALF_MM = 0.05


def structure_mask(
    structure: Structure, grid: PlaneGrid, thickness_mm: float
) -> npt.NDArray[np.bool_]:
    """Pixels whose centre lies inside a structure.

    Contours are planar; each stands for the slab of half its neighbours' distance around it (of
    ``thickness_mm`` where there is only one plane). Where contours of one plane overlap, the inner
    one cuts a hole (keyhole-free form of PS3.3 C.8.8.6.3).
    """
    out = np.zeros((grid.rows, grid.columns), bool)
    closed = [c for c in structure.contours if c.closed and len(c.points_mm) >= 3]
    if not closed:
        return out
    normal = _normal(closed[0])
    levels = np.array([float((c.points_mm @ normal).mean()) for c in closed])
    half = _half_step(levels, thickness_mm)
    points = grid.points()
    depth = points @ normal
    axis_u, axis_v = _axes(normal)
    flat = np.stack([points @ axis_u, points @ axis_v], axis=-1)
    for contour, level in zip(closed, levels, strict=True):
        near = np.abs(depth - level) <= half + 1e-6
        if not near.any():
            continue
        polygon = np.stack([contour.points_mm @ axis_u, contour.points_mm @ axis_v], axis=-1)
        low, high = polygon.min(axis=0), polygon.max(axis=0)
        near &= ((flat >= low) & (flat <= high)).all(axis=-1)
        if near.any():
            out[near] ^= inside_polygon(flat[near], polygon)
    return out


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
    gaps = np.diff(np.unique(np.round(levels, 3)))
    gaps = gaps[gaps > _PARALLEL]
    return max(_MIN_HALF_MM, (float(gaps.min()) if len(gaps) else thickness_mm) / 2)


def _axes(
    normal: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    helper = np.eye(3)[int(np.argmin(np.abs(normal)))]
    u = np.cross(normal, helper)
    u = u / np.linalg.norm(u)
    return u, np.cross(normal, u)
