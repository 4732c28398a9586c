"""Orthogonal planes of a regular volume as views, drawn the radiological way."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from medbench.domain.geometry import Geometry, edge_letters


class PlaneKind(StrEnum):
    """The three anatomical planes, and the stack as acquired."""

    AXIAL = "axial"
    CORONAL = "coronal"
    SAGITTAL = "sagittal"
    ACQUIRED = "acquired"


# picture axes in LPS: along a row (left to right), down a column
_PICTURE_AXES = {
    PlaneKind.AXIAL: ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)),
    PlaneKind.CORONAL: ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0)),
    PlaneKind.SAGITTAL: ((0.0, 1.0, 0.0), (0.0, 0.0, -1.0)),
}


@dataclass(frozen=True)
class MprPlane:
    """How one plane's pictures are cut from a (z, y, x) array.

    ``axes`` are the array axes of (slice, picture row index, picture column index); ``flips``
    say which of them run backwards.
    """

    kind: PlaneKind
    axes: tuple[int, int, int]
    flips: tuple[bool, bool, bool]
    shape: tuple[int, int, int]
    """(slices, rows, columns) of this plane's pictures."""
    spacing_mm: tuple[float, float, float]
    """Between slices, rows, columns."""
    row_direction: tuple[float, ...]
    """LPS direction along a picture row, left to right."""
    column_direction: tuple[float, ...]
    """LPS direction down a picture column."""
    geometry: Geometry

    def picture(self, voxels: npt.NDArray[Any], index: int) -> npt.NDArray[Any]:
        """View of slice ``index``: (rows, columns)."""
        return _cut(voxels, self.axes, self.flips, index)

    def voxel_of(self, index: float, row: float, column: float) -> npt.NDArray[np.float64]:
        """Continuous voxel index (x, y, z) of a picture position (pixel centres at integers)."""
        zyx = np.zeros(3)
        for axis, flip, size, value in zip(
            self.axes, self.flips, self.shape, (index, row, column), strict=True
        ):
            zyx[axis] = size - 1 - value if flip else value
        return zyx[::-1]

    def point_of(self, index: float, row: float, column: float) -> npt.NDArray[np.float64]:
        """Patient point in mm of a picture position."""
        return self.geometry.world_from_index(*self.voxel_of(index, row, column))

    def place_of(self, point_mm: npt.ArrayLike) -> tuple[float, float, float]:
        """(index, row, column), continuous, of a patient point."""
        zyx = self.geometry.index_from_world(point_mm)[::-1]
        found = [
            float(size - 1 - zyx[axis] if flip else zyx[axis])
            for axis, flip, size in zip(self.axes, self.flips, self.shape, strict=True)
        ]
        return found[0], found[1], found[2]

    def letters(self) -> tuple[str, str, str, str]:
        """Patient sides at the left, right, top and bottom of the picture (C.7.6.1.1.1)."""
        return edge_letters_of(self.row_direction, self.column_direction)


def _cut(
    voxels: npt.NDArray[Any], axes: tuple[int, int, int], flips: tuple[bool, bool, bool], index: int
) -> npt.NDArray[Any]:
    size = voxels.shape[axes[0]]
    at = size - 1 - index if flips[0] else index
    selector: list[Any] = [slice(None)] * 3
    selector[axes[0]] = at
    picture: npt.NDArray[Any] = voxels[tuple(selector)]
    if axes[1] > axes[2]:
        picture = picture.T
    return picture[:: -1 if flips[1] else 1, :: -1 if flips[2] else 1]


def edge_letters_of(
    row_direction: npt.ArrayLike, column_direction: npt.ArrayLike
) -> tuple[str, str, str, str]:
    """Letters left, right, top, bottom of a picture with these directions (T32)."""
    row, column = np.asarray(row_direction, float), np.asarray(column_direction, float)
    return edge_letters(-row), edge_letters(row), edge_letters(-column), edge_letters(column)


def acquired_plane(geometry: Geometry) -> MprPlane:
    """The stack as the scanner made it: nothing turned, nothing flipped."""
    axes = np.asarray(geometry.direction).reshape(3, 3)
    return MprPlane(
        PlaneKind.ACQUIRED,
        (0, 1, 2),
        (False, False, False),
        geometry.shape,
        geometry.spacing_mm,
        tuple(axes[:, 0]),
        tuple(axes[:, 1]),
        geometry,
    )


def orthogonal_plane(geometry: Geometry, kind: PlaneKind) -> MprPlane:
    """The plane of that kind: the voxel axes nearest to the patient's, oriented for reading.

    Axial: right side left, anterior on top; coronal: right side left, head on top; sagittal:
    anterior left, head on top. Oblique volumes are cut along their own axes.
    """
    if kind is PlaneKind.ACQUIRED:
        return acquired_plane(geometry)
    directions = np.asarray(geometry.direction).reshape(3, 3)  # columns: x, y, z voxel axes
    patient_axis_of = _assign(directions)  # voxel axis x, y, z -> patient axis L, P, H
    row_target, column_target = (np.asarray(v) for v in _PICTURE_AXES[kind])
    row_axis = patient_axis_of.index(int(np.argmax(np.abs(row_target))))
    column_axis = patient_axis_of.index(int(np.argmax(np.abs(column_target))))
    slice_axis = 3 - row_axis - column_axis
    row_flip = bool(directions[:, row_axis] @ row_target < 0)
    column_flip = bool(directions[:, column_axis] @ column_target < 0)
    # slices run to the left, back and head, so that scrolling means the same everywhere
    slice_flip = bool(directions[patient_axis_of[slice_axis], slice_axis] < 0)
    array = (2 - slice_axis, 2 - column_axis, 2 - row_axis)
    spacing = geometry.spacing_mm
    return MprPlane(
        kind,
        array,
        (slice_flip, column_flip, row_flip),
        (geometry.shape[array[0]], geometry.shape[array[1]], geometry.shape[array[2]]),
        (spacing[array[0]], spacing[array[1]], spacing[array[2]]),
        tuple(directions[:, row_axis] * (-1 if row_flip else 1)),
        tuple(directions[:, column_axis] * (-1 if column_flip else 1)),
        geometry,
    )


def _assign(directions: npt.NDArray[np.float64]) -> list[int]:
    """Patient axis (0 L, 1 P, 2 H) of each voxel axis, one to one, strongest first."""
    strength = np.abs(directions).copy()
    found = [-1, -1, -1]
    for _ in range(3):
        patient, voxel = np.unravel_index(int(np.argmax(strength)), (3, 3))
        found[int(voxel)] = int(patient)
        strength[patient, :] = -1
        strength[:, voxel] = -1
    return found


def acquired_kind(geometry: Geometry) -> PlaneKind:
    """The anatomical plane the slices were acquired in (nearest)."""
    axes = np.asarray(geometry.direction).reshape(3, 3)
    patient = _assign(axes)[2]
    return (PlaneKind.SAGITTAL, PlaneKind.CORONAL, PlaneKind.AXIAL)[patient]
