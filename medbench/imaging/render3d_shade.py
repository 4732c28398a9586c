"""Colour and opacity of voxels, and the light on them.

Opacities of a preset hold for one millimetre of the way; a step of another length lets through
the same share of light (opacity correction, Lacroute 1995, section 3.4). Light comes from above
the viewer's left shoulder; surfaces are lit on both sides, diffuse after Lambert, the highlight
after Blinn (1977).
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from medbench.imaging.render3d_camera import Sight
from medbench.imaging.render3d_grid import Floats

TABLE_SIZE = 1024
_LIGHT = (-0.35, -0.45, -1.0)
"""Towards the light, in screen directions right, down, into the screen."""
_TINY = 1e-6
_ENDED = 0.02


@dataclass(frozen=True)
class Material:
    """How a surface answers light; parts of 1."""

    ambient: float = 0.25
    diffuse: float = 0.75
    specular: float = 0.2
    shininess: int = 16
    """Exponent of the highlight: rounded to a power of two."""


@dataclass(frozen=True, eq=False)
class Transfer:
    """Opacity a millimetre and colour of values between ``low`` and ``high``."""

    low: float
    high: float
    opacity: Floats
    """(TABLE_SIZE,), 0 to 1."""
    colour: Floats
    """(3, TABLE_SIZE), 0 to 1."""
    material: Material = field(default_factory=Material)

    @property
    def flat_per_mm(self) -> float:
        """Slope below which tissue counts as even: it is then lit from everywhere."""
        return max((self.high - self.low) * 0.005, _TINY)


class Light:
    """Coefficients that turn differences between voxels into light, for one camera and grid."""

    def __init__(
        self, matrix: npt.NDArray[np.float64], axis: int, shift: tuple[float, float],
        sight: Sight, *, forward: bool,
    ) -> None:  # fmt: skip
        a, b = (i for i in range(3) if i != axis)
        to_index = np.linalg.inv(matrix[:3, :3])
        rotation = sight.camera.rotation
        towards = np.asarray(_LIGHT) / np.linalg.norm(_LIGHT)
        viewer = np.array([0.0, 0.0, -1.0])
        half = (towards + viewer) / np.linalg.norm(towards + viewer)
        # a derivative along a ray is that across slices plus what the shear adds in the slice
        self.shift_row, self.shift_column = (np.float32(s) for s in shift)
        self.sign = np.float32(0.5 if forward else -0.5)
        spacing = np.linalg.norm(matrix[:3, :3], axis=0)
        self.per_mm = tuple(np.float32(1 / spacing[i]) for i in (a, b, axis))
        self.lambert = self._weights(to_index @ (towards @ rotation), spacing, (a, b, axis))
        self.blinn = self._weights(to_index @ (half @ rotation), spacing, (a, b, axis))

    @staticmethod
    def _weights(
        direction: npt.NDArray[np.float64], spacing: npt.NDArray[np.float64],
        axes: tuple[int, int, int],
    ) -> tuple[np.float32, np.float32, np.float32]:  # fmt: skip
        """Weights of slopes per mm along the three array axes."""
        found = [np.float32(direction[i] * spacing[i]) for i in axes]
        return found[0], found[1], found[2]


class Shading:
    """Adds one sheared slice after the other to a picture."""

    def __init__(self, transfer: Transfer, step_mm: float, outside: float) -> None:
        self.outside = np.float32(outside)
        span = max(transfer.high - transfer.low, _TINY)
        self._scale = np.float32((TABLE_SIZE - 1) / span)
        self._offset = np.float32(0.5 - transfer.low * (TABLE_SIZE - 1) / span)
        opacity = np.clip(transfer.opacity.astype(np.float64), 0, 1 - 1e-7)
        self._opacity = (1 - (1 - opacity) ** step_mm).astype(np.float32)
        self._opacity[transfer.opacity <= 0] = 0
        self._colour = np.ascontiguousarray(transfer.colour, np.float32)
        self._material = transfer.material
        self._flat = np.float32(transfer.flat_per_mm)
        clear = np.flatnonzero(self._opacity > 0)
        self._empty = not len(clear)
        first, last = (int(clear[0]), int(clear[-1])) if len(clear) else (0, 0)
        step = span / (TABLE_SIZE - 1)
        # values that cannot be seen, whatever the interpolation of the table's index
        self._from = transfer.low + (first - 0.5) * step if first else -np.inf
        self._to = transfer.low + (last + 0.5) * step if last < TABLE_SIZE - 1 else np.inf
        self._doublings = max(0, round(np.log2(max(1, transfer.material.shininess))))

    def add(
        self, picture: Floats, through: Floats, near: Floats, here: Floats, far: Floats,
        reach: tuple[int, int, int, int], light: Light,
    ) -> None:  # fmt: skip
        """Composite one slice; buffers have a border of one pixel, ``picture`` has none."""
        if self._empty:
            return
        row0, row1, column0, column1 = reach
        value = here[row0:row1, column0:column1]
        seen = value >= self._from
        if np.isfinite(self._to):
            seen &= value < self._to
        seen &= through[row0 - 1 : row1 - 1, column0 - 1 : column1 - 1] > _ENDED
        rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
        if not len(rows):
            return
        row1, row0 = row0 + int(rows[-1]) + 1, row0 + int(rows[0])
        column1, column0 = column0 + int(columns[-1]) + 1, column0 + int(columns[0])
        box = slice(row0, row1), slice(column0, column1)
        inner = slice(row0 - 1, row1 - 1), slice(column0 - 1, column1 - 1)
        index = here[box] * self._scale
        index += self._offset
        np.clip(index, 0, TABLE_SIZE - 1, out=index)
        at = index.astype(np.intp)
        weight = self._opacity.take(at)
        weight *= through[inner]
        lit, shine = self._lit(near, here, far, row0, row1, column0, column1, light)
        through[inner] -= weight
        lit *= weight
        if shine is not None:
            shine *= weight
        for channel in range(3):
            add = self._colour[channel].take(at)
            add *= lit
            if shine is not None:
                add += shine
            picture[(channel, *inner)] += add

    def _lit(
        self, near: Floats, here: Floats, far: Floats, row0: int, row1: int, column0: int,
        column1: int, light: Light,
    ) -> tuple[Floats, Floats | None]:  # fmt: skip
        """Light on the tissue, and the highlight."""
        box = slice(row0, row1), slice(column0, column1)
        rows = here[row0 + 1 : row1 + 1, box[1]] - here[row0 - 1 : row1 - 1, box[1]]
        columns = here[box[0], column0 + 1 : column1 + 1]
        columns = columns - here[box[0], column0 - 1 : column1 - 1]
        rows *= np.float32(0.5)
        columns *= np.float32(0.5)
        across = far[box] - near[box]
        across *= light.sign
        across -= rows * light.shift_row
        across -= columns * light.shift_column
        rows *= light.per_mm[0]
        columns *= light.per_mm[1]
        across *= light.per_mm[2]
        slope = rows * rows
        slope += columns * columns
        slope += across * across
        np.sqrt(slope, out=slope)
        slope += self._flat
        material = self._material
        lit = self._towards(rows, columns, across, slope, light.lambert)
        lit *= np.float32(material.diffuse)
        lit += np.float32(material.ambient)
        if material.specular <= 0:
            return lit, None
        shine = self._towards(rows, columns, across, slope, light.blinn, even=0)
        for _ in range(self._doublings):
            shine *= shine
        shine *= np.float32(material.specular)
        return lit, shine

    def _towards(
        self, rows: Floats, columns: Floats, across: Floats, slope: Floats, weights: Any,
        even: int = 1,
    ) -> Floats:  # fmt: skip
        """|cosine| between the surface and a direction; even tissue gets ``even``."""
        found: Floats = rows * weights[0]
        found += columns * weights[1]
        found += across * weights[2]
        np.abs(found, out=found)
        if even:
            found += self._flat
        found /= slope
        np.minimum(found, np.float32(1), out=found)
        return found
