"""One display over another by place in the patient: resampled on the shown picture, coloured."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from medbench.domain.geometry import Geometry
from medbench.domain.image import VoiWindow
from medbench.domain.objects import PlaneGrid
from medbench.imaging.colormap import ColourMap, colour_table
from medbench.imaging.oblique import ObliquePlane, cut_plane

IDENTITY = (1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0)
_FADES_IN = 0.1
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Fusion:
    """What lies over the pictures, and how it looks."""

    key: str
    """Of the display."""
    title: str
    voxels: npt.NDArray[Any]
    """(z, y, x) modality values on a regular grid."""
    geometry: Geometry
    window: VoiWindow
    """In ``unit``."""
    unit: str = ""
    factor: float = 1.0
    """Modality value -> value in ``unit`` (SUV)."""
    padding: tuple[float, float] | None = None
    transform: tuple[float, ...] = IDENTITY
    """4 x 4 row-major: a point of the shown pictures (LPS mm) -> the same point in this display."""
    colours: ColourMap = ColourMap.HOT_IRON
    opacity: float = 0.5
    shown: bool = True

    def changed(self, **look: Any) -> "Fusion":
        """Another look."""
        return replace(self, **look)


def fusion_values(fusion: Fusion, grid: PlaneGrid, shape: tuple[int, int] | None = None) -> Floats:
    """Trilinear values in the fusion's unit on a picture: float32, NaN outside and in padding.

    ``shape`` (rows, columns) asks for the picture's area in other pixels.
    """
    rows, columns = shape or (grid.rows, grid.columns)
    tall, wide = grid.rows / rows * grid.row_mm, grid.columns / columns * grid.column_mm
    row, column = np.asarray(grid.row_direction), np.asarray(grid.column_direction)
    origin = (
        np.asarray(grid.origin_mm)
        + row * (wide - grid.column_mm) / 2
        + column * (tall - grid.row_mm) / 2
    )
    matrix = np.asarray(fusion.transform, float).reshape(4, 4)
    first = matrix[:3, :3] @ origin + matrix[:3, 3]
    right, down = matrix[:3, :3] @ row * wide, matrix[:3, :3] @ column * tall
    right_mm, down_mm = float(np.linalg.norm(right)), float(np.linalg.norm(down))
    plane = ObliquePlane(
        _vector(first), _vector(right / right_mm), _vector(down / down_mm), (down_mm, right_mm),
        (rows, columns),
    )  # fmt: skip
    found = cut_plane(fusion.voxels, fusion.geometry, plane, background=np.nan)
    if fusion.padding is not None:
        low, high = fusion.padding
        found[(found >= low) & (found <= high)] = np.nan
    if fusion.factor != 1.0:
        found *= np.float32(fusion.factor)
    return found


def fusion_limits(fusion: Fusion) -> tuple[float, float]:
    """Values at the two ends of the colours."""
    half = fusion.window.width / 2
    return fusion.window.center - half, fusion.window.center + half


def fusion_rgba(fusion: Fusion, values: Floats) -> npt.NDArray[np.uint8]:
    """Premultiplied red, green, blue, alpha (rows, columns, 4) of fused values.

    Grey lies evenly over the whole volume. Colours fade in over the lowest tenth of the window, so
    that what takes up nothing stays as clear as without them. Outside the volume nothing is drawn.
    """
    low, high = fusion_limits(fusion)
    inside = np.isfinite(values)
    level = np.clip((np.nan_to_num(values, nan=low) - low) / max(high - low, 1e-9), 0, 1)
    at = (level * 255 + 0.5).astype(np.uint8)
    steps = np.arange(256) / 255
    alpha = np.ones(256) if fusion.colours is ColourMap.GREY else np.clip(steps / _FADES_IN, 0, 1)
    alpha = alpha * fusion.opacity
    table = np.empty((256, 4), np.uint8)
    table[:, :3] = np.rint(colour_table(fusion.colours) * alpha[:, None])
    table[:, 3] = np.rint(alpha * 255)
    out: npt.NDArray[np.uint8] = table[at]
    out[~inside] = 0
    return out


def _vector(values: Any) -> tuple[float, float, float]:
    x, y, z = (float(v) for v in values)
    return x, y, z
