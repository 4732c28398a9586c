"""A stack whose slices lean or stand unevenly, as acquired: each slice where its header says."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from medbench.domain.geometry import Geometry
from medbench.imaging.reslice import MprPlane, acquired_plane


@dataclass(frozen=True)
class SlantedPlane(MprPlane):
    """Slices at their own positions; no common affine holds for them."""

    def point_of(self, index: float, row: float, column: float) -> npt.NDArray[np.float64]:
        """Patient point in mm of a picture position on the nearest slice."""
        return self._origin(index) + self._across(row, column)

    def place_of(self, point_mm: npt.ArrayLike) -> tuple[float, float, float]:
        """(index, row, column) of a patient point, on the slice nearest along the normal."""
        points = np.asarray(self.geometry.positions_mm, float)
        point = np.asarray(point_mm, float)
        index = int(np.argmin(np.abs((points - point) @ self.geometry.normal)))
        offset = point - points[index]
        return (
            float(index),
            float(offset @ np.asarray(self.column_direction) / self.spacing_mm[1]),
            float(offset @ np.asarray(self.row_direction) / self.spacing_mm[2]),
        )

    def _origin(self, index: float) -> npt.NDArray[np.float64]:
        at = int(np.clip(round(index), 0, len(self.geometry.positions_mm) - 1))
        return np.asarray(self.geometry.positions_mm[at], float)

    def _across(self, row: float, column: float) -> npt.NDArray[np.float64]:
        return np.asarray(
            np.asarray(self.column_direction) * (row * self.spacing_mm[1])
            + np.asarray(self.row_direction) * (column * self.spacing_mm[2])
        )


def stack_plane(geometry: Geometry) -> MprPlane:
    """The stack as acquired; slices without a common grid keep their own positions."""
    plane = acquired_plane(geometry)
    if geometry.uniform or len(geometry.positions_mm) != geometry.shape[0]:
        return plane
    return SlantedPlane(**{name: getattr(plane, name) for name in MprPlane.__dataclass_fields__})
