"""Where voxels are: patient space LPS in mm, arrays z, y, x (PS3.3 C.7.6.2.1.1)."""

from dataclasses import dataclass
from typing import Any

import numpy as np

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Geometry:
    """Regular or stacked frame of reference of a display.

    ``direction`` holds nine numbers, row-major, whose *columns* are the unit vectors along
    x (columns of the image), y (rows) and z (slices), the convention of SimpleITK and NIfTI.
    ``origin_mm`` is the centre of the first voxel. ``uniform`` is False for irregular spacing
    or tilt: then ``positions_mm`` (one LPS point per slice) is the truth and spacing a summary.
    """

    shape: tuple[int, int, int]
    """Voxels along z, y, x."""
    spacing_mm: Vector
    """Along z, y, x; z is the median projected gap."""
    origin_mm: Vector
    direction: tuple[float, ...]
    frame_of_reference_uid: str = ""
    uniform: bool = True
    gantry_tilt_deg: float = 0.0
    missing_slices: tuple[int, ...] = ()
    """For each gap that swallows slices: index of the slice before it, repeated per slice."""
    positions_mm: tuple[Vector, ...] = ()
    gap_range_mm: tuple[float, float] = (0.0, 0.0)
    """Smallest and largest projected gap."""
    resampled: bool = False
    """Whether the voxels were interpolated onto this grid from another one."""
    notes: tuple[str, ...] = ()
    """What a reformatted view has to say: interpolated from, tilt corrected, slices missing."""

    @property
    def matrix(self) -> np.ndarray:
        """4 x 4, index (x, y, z) -> patient LPS mm, of the regular grid."""
        axes = np.asarray(self.direction, float).reshape(3, 3)
        out = np.eye(4)
        out[:3, :3] = axes * np.asarray(self.spacing_mm[::-1])
        out[:3, 3] = self.origin_mm
        return out

    def world_from_index(self, x: float, y: float, z: float) -> np.ndarray:
        """Patient point (3,) in mm of a continuous voxel index."""
        return np.asarray(self.matrix[:3] @ np.array([x, y, z, 1.0]))

    def index_from_world(self, point_mm: Any) -> np.ndarray:
        """Continuous index (x, y, z) of a patient point."""
        point = np.append(np.asarray(point_mm, float), 1.0)
        return np.asarray(np.linalg.inv(self.matrix)[:3] @ point)

    @property
    def normal(self) -> np.ndarray:
        """Unit normal of the slices: row direction x column direction."""
        axes = np.asarray(self.direction, float).reshape(3, 3)
        return np.cross(axes[:, 0], axes[:, 1])


def edge_letters(direction: Any, threshold: float = 0.0018) -> str:
    """Letters of the patient side that ``direction`` points to, strongest first.

    LPS: +x is L, +y is P, +z is H. A component below ``threshold`` gives no letter
    (PS3.3 C.7.6.1.1.1).
    """
    vector = np.asarray(direction, float)
    names = (("L", "R"), ("P", "A"), ("H", "F"))
    order = np.argsort(-np.abs(vector), kind="stable")
    return "".join(
        names[axis][0 if vector[axis] > 0 else 1] for axis in order if abs(vector[axis]) > threshold
    )
