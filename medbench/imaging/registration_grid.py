"""Grids and points of ITK images: thinned copies, masks as points, what lies inside."""

from typing import Any

import numpy as np
import numpy.typing as npt

from medbench.imaging.registration_input import itk

Matrix = npt.NDArray[np.float64]
"""4 x 4, or points (n, d)."""


def smoothed(image: Any, step_mm: float) -> Any:
    """Smoothed and thinned to about ``step_mm``, float."""
    sitk = itk()
    spacing = image.GetSpacing()
    factors = [max(1, int(step_mm / s + 1e-6)) for s in spacing]
    factors = [min(f, max(1, n // 4)) for f, n in zip(factors, image.GetSize(), strict=True)]
    if max(factors) == 1:
        return image
    sigmas = [0.45 * f * s if f > 1 else 0.0 for f, s in zip(factors, spacing, strict=True)]
    out = image
    for axis, sigma in enumerate(sigmas):
        if sigma > 0 and image.GetSize()[axis] >= 4:
            order = sitk.RecursiveGaussianImageFilter.ZeroOrder
            out = sitk.RecursiveGaussian(out, sigma, False, order, axis)
    return sitk.Cast(sitk.Shrink(out, factors), sitk.sitkFloat32)


def coarse(image: Any, step_mm: float) -> Any:
    """Thinned to about ``step_mm``; pictures as they are."""
    return smoothed(image, step_mm) if image.GetDimension() == 3 else image


def mask_points(mask: Any, count: int) -> Matrix:
    """Physical points of the mask, evenly taken, (n, d)."""
    sitk = itk()
    places = np.argwhere(sitk.GetArrayViewFromImage(mask) > 0)[:, ::-1]
    places = places[:: max(1, len(places) // count)]
    d = mask.GetDimension()
    axes = np.asarray(mask.GetDirection()).reshape(d, d) * np.asarray(mask.GetSpacing())
    return np.asarray(places @ axes.T + np.asarray(mask.GetOrigin()))


def mass(mask: Any) -> Matrix:
    """Centre of a mask, in its space."""
    return np.asarray(mask_points(mask, 50_000).mean(axis=0))


def extent(mask: Any) -> float:
    """Length of a mask along the patient, mm."""
    points = mask_points(mask, 20_000)[:, 2]
    return float(points.max() - points.min())


def inside(points: Matrix, image: Any) -> npt.NDArray[np.bool_]:
    """Which points (n, d) lie in an image."""
    d = image.GetDimension()
    axes = np.asarray(image.GetDirection()).reshape(d, d) * np.asarray(image.GetSpacing())
    index = (points - np.asarray(image.GetOrigin())) @ np.linalg.inv(axes).T
    return np.asarray(((index >= 0) & (index <= np.asarray(image.GetSize()) - 1)).all(axis=1))


def orthogonal(matrix: Matrix, d: int, *, scaled: bool) -> Matrix:
    """The nearest rigid (or similarity) matrix."""
    left, values, right = np.linalg.svd(matrix[:d, :d])
    out = matrix.copy()
    out[:d, :d] = (left @ right) * (float(values.mean()) if scaled else 1.0)
    return out
