"""What a registration works on: coarse float copies of two images, a mask of the body, numbers.

Everything here is for worker threads: blocks are averaged slab by slab, so that the interpreter is
never held for long; ITK's own filters let it go while they run.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from medbench.base.errors import BadInputError
from medbench.domain.alignment import SimilarityKind
from medbench.domain.geometry import Geometry

FINEST_MM = 1.0
"""Volumes are averaged to steps of at least this; the transform is found between them."""
MAX_VOXELS = 6_000_000
_CT_RANGE_HU = (-1000.0, 1200.0)
_SAME_SCALE = frozenset({"CT", "CR", "DX", "MG", "RG", "XA", "RF"})
"""Modalities whose grey scale means the same in two studies: correlation compares them."""
_CLASSES = 32
Floats = npt.NDArray[np.float32]


def itk() -> Any:
    """SimpleITK, imported when a registration begins: it costs a third of a second."""
    import SimpleITK

    return SimpleITK


@dataclass(frozen=True, eq=False)
class RegistrationImage:
    """One of the two: values and where they lie.

    ``values`` is (z, y, x) for volumes on a regular grid, or (y, x) for pictures. Pictures carry
    ``pixel_mm`` (row, column), or None while their millimetres are unknown.
    """

    values: npt.NDArray[np.generic]
    geometry: Geometry | None = None
    modality: str = ""
    description: str = ""
    padding: tuple[float, float] | None = None
    inverted: bool = False
    pixel_mm: tuple[float, float] | None = None

    @property
    def spacing_mm(self) -> tuple[float, ...]:
        """Along the axes of the array; 1 where unknown."""
        if self.geometry is not None:
            return self.geometry.spacing_mm
        return self.pixel_mm or (1.0, 1.0)


def similarity_kind(current: RegistrationImage, prior: RegistrationImage) -> SimilarityKind:
    """Correlation for one modality of a fixed grey scale, information for everything else."""
    same = current.modality == prior.modality and current.modality in _SAME_SCALE
    return SimilarityKind.CORRELATION if same else SimilarityKind.INFORMATION


def reduced(image: RegistrationImage, finest_mm: float = FINEST_MM) -> Any:
    """A SimpleITK float image of block means, at steps of about ``finest_mm`` or coarser.

    Raises
    ------
    BadInputError
        The image holds no values, or its slices are no regular grid.
    """
    sitk = itk()
    values = image.values
    if values.size == 0 or min(values.shape) < 2:
        raise BadInputError("The image is too small to be registered.")
    if image.geometry is not None and not image.geometry.uniform:
        raise BadInputError("The slices are no regular grid: resample them before.")
    spacing = np.asarray(image.spacing_mm)
    factors = np.maximum(1, np.floor(finest_mm / spacing + 1e-6)).astype(int)
    while np.prod(np.asarray(values.shape) // factors) > MAX_VOXELS:
        factors[int(np.argmin(factors * spacing))] += 1
    factors = np.minimum(factors, values.shape)
    blocks = _block_means(values, factors, image)
    made = sitk.GetImageFromArray(blocks)
    steps = (spacing * factors)[::-1]
    made.SetSpacing([float(v) for v in steps])
    shift = ((factors - 1) / 2 * spacing)[::-1]
    if image.geometry is not None:
        axes = np.asarray(image.geometry.direction, float).reshape(3, 3)
        made.SetOrigin([float(v) for v in np.asarray(image.geometry.origin_mm) + axes @ shift])
        made.SetDirection([float(v) for v in _orthonormal(axes).ravel()])
    else:
        made.SetOrigin([float(v) for v in shift])
    return made


def _orthonormal(axes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The nearest rotation: ITK refuses directions that are rounded."""
    left, _, right = np.linalg.svd(axes)
    return np.asarray(left @ right)


def _block_means(
    values: npt.NDArray[np.generic], factors: npt.NDArray[np.int64], image: RegistrationImage
) -> Floats:
    shape = np.asarray(values.shape) // factors
    out = np.empty(shape, np.float32)
    fill = _floor(values, image)
    for k in range(int(shape[0])):
        slab = np.asarray(values[k * factors[0] : (k + 1) * factors[0]], np.float32)
        if image.padding is not None:
            low, high = image.padding
            slab = np.where((slab >= low) & (slab <= high), np.float32(fill), slab)
        if image.modality == "CT":
            slab = np.clip(slab, *_CT_RANGE_HU)
        slab = np.nan_to_num(slab, nan=fill, posinf=fill, neginf=fill)
        rest = tuple(slice(0, int(n * f)) for n, f in zip(shape[1:], factors[1:], strict=True))
        slab = slab[(slice(None), *rest)]
        form: list[int] = [int(factors[0])]
        for n, f in zip(shape[1:], factors[1:], strict=True):
            form += [int(n), int(f)]
        axes = (0, *range(2, len(form), 2))
        out[k] = slab.reshape(form).mean(axis=axes, dtype=np.float32)
    if image.modality != "CT":
        np.clip(out, *_bulk(out), out=out)
    if image.inverted:
        out = np.float32(out.max()) - out
    return out


def _bulk(values: Floats) -> tuple[float, float]:
    """Where all but two in a thousand values lie: outliers must not take the classes."""
    sample = values.ravel()[:: max(1, values.size // 400_000)]
    low, high = np.percentile(sample, (0.1, 99.8))
    return float(low), float(high)


def _floor(values: npt.NDArray[np.generic], image: RegistrationImage) -> float:
    """What padding becomes: air in CT, else the darkest of what is real."""
    if image.modality == "CT":
        return _CT_RANGE_HU[0]
    step = tuple(slice(None, None, max(1, n // 32)) for n in values.shape)
    sample = np.asarray(values[step], np.float64)
    sample = sample[np.isfinite(sample)]
    if image.padding is not None:
        sample = sample[(sample < image.padding[0]) | (sample > image.padding[1])]
    return float(sample.min()) if sample.size else 0.0


def body_mask(image: Any, modality: str) -> Any:
    """The largest part above the threshold, closed, 8 mm wider: its edge carries information.

    CT: above -400 HU. Else Otsu's threshold on the smoothed image. Pictures and images without a
    clear body (less than 2 % or more than 98 %) are taken whole. Answers uint8, same grid.
    """
    sitk = itk()
    whole = sitk.Cast(image * 0.0 + 1.0, sitk.sitkUInt8)
    if image.GetDimension() == 2:
        return whole
    smooth = sitk.SmoothingRecursiveGaussian(image, [max(image.GetSpacing())] * 3)
    if modality == "CT":
        mask = sitk.BinaryThreshold(smooth, -400.0, 1e9)
    else:
        mask = sitk.OtsuThreshold(smooth, 0, 1)
    parts = sitk.RelabelComponent(sitk.ConnectedComponent(mask))
    mask = sitk.BinaryFillhole(sitk.Cast(parts == 1, sitk.sitkUInt8))
    radius = [max(1, round(8.0 / step)) for step in image.GetSpacing()]
    mask = sitk.BinaryDilate(mask, radius, sitk.sitkBall)
    share = float(sitk.GetArrayViewFromImage(mask).mean())
    return mask if 0.02 < share < 0.98 else whole


def correlation(a: Floats, b: Floats) -> float:
    """Absolute normalised cross-correlation; 0 where one of them is constant."""
    if a.size < 16:
        return 0.0
    x, y = a - a.mean(dtype=np.float64), b - b.mean(dtype=np.float64)
    norm = float(np.sqrt((x * x).sum(dtype=np.float64) * (y * y).sum(dtype=np.float64)))
    return abs(float((x * y).sum(dtype=np.float64))) / norm if norm > 0 else 0.0


def shared_information(a: Floats, b: Floats) -> float:
    """2 I / (H(a) + H(b)) over 32 classes between the 0.5th and 99.5th percentile."""
    if a.size < 16:
        return 0.0
    codes = []
    for values in (a, b):
        low, high = np.percentile(values, (0.5, 99.5))
        if high <= low:
            return 0.0
        scaled = (values - low) * (_CLASSES / (high - low))
        codes.append(np.clip(scaled, 0, _CLASSES - 1).astype(np.int64))
    joint = np.bincount(codes[0] * _CLASSES + codes[1], minlength=_CLASSES**2).astype(float)
    joint = (joint / joint.sum()).reshape(_CLASSES, _CLASSES)
    single = _entropy(joint.sum(axis=0)) + _entropy(joint.sum(axis=1))
    return float(2 * (single - _entropy(joint.ravel())) / single) if single > 0 else 0.0


def _entropy(share: npt.NDArray[np.float64]) -> float:
    real = share[share > 0]
    return float(-(real * np.log(real)).sum())


def similarity(kind: SimilarityKind, a: Floats, b: Floats) -> float:
    """The number of that kind for two lists of values."""
    return correlation(a, b) if kind is SimilarityKind.CORRELATION else shared_information(a, b)
