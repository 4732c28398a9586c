"""A plane of a volume turned out of the voxel axes: a stack of parallel cuts with its own grid."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from medbench.domain.geometry import Geometry, Vector
from medbench.imaging.oblique import ObliquePlane, cut_plane
from medbench.imaging.reslice import MprPlane

Matrix = npt.NDArray[np.float64]
_LETTERS = "SCT"


@dataclass(frozen=True)
class TurnedPlane(MprPlane):
    """Pictures along any three orthogonal directions; places in it are millimetres from its corner.

    ``axes`` and ``flips`` stay those of the plane it was turned from and say nothing of its pixels.
    """

    origin_mm: Vector = (0.0, 0.0, 0.0)
    """Centre of the first pixel of the first slice."""
    slice_direction: Vector = (0.0, 0.0, 1.0)
    """LPS direction from slice to slice."""

    @property
    def _directions(self) -> Matrix:
        """Rows: from slice to slice, down a column, along a row."""
        return np.asarray([self.slice_direction, self.column_direction, self.row_direction], float)

    def picture(self, voxels: npt.NDArray[Any], index: int) -> npt.NDArray[Any]:
        """Trilinear values of slice ``index``: float32 (rows, columns), NaN outside the volume."""
        return cut_plane(voxels, self.geometry, self.grid(index), background=np.nan)

    def grid(self, index: float, shape: tuple[int, int] | None = None) -> ObliquePlane:
        """Points of slice ``index``; ``shape`` asks for the same area in other pixels."""
        rows, columns = shape or self.shape[1:]
        tall, wide = self.shape[1] / rows, self.shape[2] / columns
        origin = self.point_of(index, tall / 2 - 0.5, wide / 2 - 0.5)
        return ObliquePlane(
            _vector(origin), _vector(self.row_direction), _vector(self.column_direction),
            (self.spacing_mm[1] * tall, self.spacing_mm[2] * wide), (rows, columns),
        )  # fmt: skip

    def voxel_of(self, index: float, row: float, column: float) -> npt.NDArray[np.float64]:
        """Continuous voxel index (x, y, z) of a picture position."""
        return self.geometry.index_from_world(self.point_of(index, row, column))

    def point_of(self, index: float, row: float, column: float) -> npt.NDArray[np.float64]:
        """Patient point in mm of a picture position."""
        steps = np.asarray(self.spacing_mm) * (index, row, column)
        return np.asarray(self.origin_mm + steps @ self._directions)

    def place_of(self, point_mm: npt.ArrayLike) -> tuple[float, float, float]:
        """(index, row, column), continuous, of a patient point."""
        offset = np.asarray(point_mm, float) - self.origin_mm
        found = self._directions @ offset / self.spacing_mm
        return float(found[0]), float(found[1]), float(found[2])


def slice_direction_of(plane: MprPlane) -> npt.NDArray[np.float64]:
    """Unit vector (LPS) out of a plane, to the side its slice numbers grow to."""
    if isinstance(plane, TurnedPlane):
        return np.asarray(plane.slice_direction, float)
    axes = np.asarray(plane.geometry.direction, float).reshape(3, 3)
    found = axes[:, 2 - plane.axes[0]]
    return -found if plane.flips[0] else found


def turned_plane(plane: MprPlane, rotation: npt.ArrayLike, pivot_mm: npt.ArrayLike) -> TurnedPlane:
    """A plane turned by ``rotation`` (3 x 3, patient axes); ``pivot_mm`` lies on a pixel's centre.

    Pixels are square, as large as the smallest voxel edge; the step between slices is the size of
    a voxel along the new normal, so that neighbouring pictures differ by one voxel. The stack holds
    every voxel's centre.
    """
    turn = np.asarray(rotation, float)
    geometry = plane.geometry
    pivot = np.asarray(pivot_mm, float)
    base = (slice_direction_of(plane), plane.column_direction, plane.row_direction)
    directions = np.asarray(base, float) @ turn.T
    pixel = min(geometry.spacing_mm)
    spacing = (voxel_size_along(geometry, directions[0]), pixel, pixel)
    reach = (_corners(geometry) - pivot) @ directions.T / spacing
    first, last = np.floor(reach.min(axis=0) + 1e-6), np.ceil(reach.max(axis=0) - 1e-6)
    origin = pivot + (first * spacing) @ directions
    shape = (last - first).astype(int) + 1
    return TurnedPlane(
        plane.kind, plane.axes, plane.flips, (int(shape[0]), int(shape[1]), int(shape[2])),
        spacing, _vector(directions[2]), _vector(directions[1]), geometry, _vector(origin),
        _vector(directions[0]),
    )  # fmt: skip


def voxel_size_along(geometry: Geometry, direction: npt.ArrayLike) -> float:
    """Size in mm of a voxel along a direction: the voxel's own edges along its axes."""
    axes = np.asarray(geometry.direction, float).reshape(3, 3)
    parts = np.asarray(direction, float) @ axes * geometry.spacing_mm[::-1]
    return float(np.linalg.norm(parts))


def rotation_about(axis: npt.ArrayLike, angle_rad: float) -> Matrix:
    """Right-handed rotation (3 x 3) about a unit vector (Rodrigues)."""
    x, y, z = np.asarray(axis, float) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    straight = np.eye(3) + np.sin(angle_rad) * cross
    return np.asarray(straight + (1 - np.cos(angle_rad)) * (cross @ cross))


def nearest_rotation(matrix: npt.ArrayLike) -> Matrix:
    """The rotation nearest to a product of many: rounding never adds up to a skew."""
    left, _, right = np.linalg.svd(np.asarray(matrix, float))
    return np.asarray(left @ np.diag([1, 1, np.linalg.det(left @ right)]) @ right)


def plane_angles(normal: npt.ArrayLike) -> tuple[str, tuple[float, float]]:
    """How a plane lies, the way MR scanners write it: 'T>C>S' and two angles in degrees.

    The first letter is the nearest of transverse, coronal and sagittal; the first angle leads from
    it towards the second, the other one out of both.
    """
    vector = np.asarray(normal, float) / np.linalg.norm(normal)
    order = [int(axis) for axis in np.argsort(-np.abs(vector), kind="stable")]
    main, second, third = vector[order] * (1 if vector[order[0]] >= 0 else -1)
    first_deg = float(np.degrees(np.arctan2(second, main)))
    other_deg = float(np.degrees(np.arcsin(np.clip(third, -1, 1))))
    return ">".join(_LETTERS[axis] for axis in order), (first_deg, other_deg)


def _corners(geometry: Geometry) -> Matrix:
    """Centres of the eight corner voxels, (8, 3) in mm."""
    z, y, x = (n - 1 for n in geometry.shape)
    return np.array(
        [geometry.world_from_index(i, j, k) for i in (0, x) for j in (0, y) for k in (0, z)]
    )


def _vector(values: Any) -> Vector:
    x, y, z = (float(v) for v in values)
    return x, y, z
