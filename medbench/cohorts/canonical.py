"""One orientation for all volumes: slices foot to head, rows front to back, columns right to left.

Arrays are z, y, x with x growing to the patient's left, y to the back, z to the head (LPS). Only
axes are swapped and turned round, so nothing is interpolated and the way back is exact.
"""

from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np

from medbench.cohorts.voxels import Voxels
from medbench.domain.geometry import Geometry


@dataclass(frozen=True)
class Turn:
    """How stored axes become patient axes."""

    axes: tuple[int, int, int] = (0, 1, 2)
    """For the new z, y, x: which stored axis."""
    flipped: tuple[bool, bool, bool] = (False, False, False)
    """Of the new axes."""

    def apply(self, values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """(z, y, x, ...) as stored -> in patient axes."""
        rest = tuple(range(3, values.ndim))
        return np.asarray(values.transpose(*self.axes, *rest)[self._turned])

    def undo(self, values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """(z, y, x) in patient axes -> as stored."""
        back = tuple(int(a) for a in np.argsort(self.axes))
        return np.asarray(values[self._turned].transpose(back))

    @property
    def _turned(self) -> tuple[slice, slice, slice]:
        z, y, x = (slice(None, None, -1 if f else 1) for f in self.flipped)
        return z, y, x


def turn_of(geometry: Geometry | None) -> Turn:
    """The turn that brings a volume into patient axes; none where its place is not known."""
    if geometry is None:
        return Turn()
    # rows: patient L, P, H; columns: stored x, y, z
    axes = np.asarray(geometry.direction, float).reshape(3, 3)
    best = max(permutations(range(3)), key=lambda p: sum(abs(axes[i, p[i]]) for i in range(3)))
    stored = [2 - best[2], 2 - best[1], 2 - best[0]]  # for the new z, y, x; stored axis of z, y, x
    flips = [bool(axes[i, best[i]] < 0) for i in (2, 1, 0)]
    return Turn((stored[0], stored[1], stored[2]), (flips[0], flips[1], flips[2]))


def canonical(voxels: Voxels) -> tuple[Voxels, Turn]:
    """The volume in patient axes, and the turn that did it; pictures stay as they are."""
    turn = Turn() if voxels.flat else turn_of(voxels.geometry)
    z, y, x = (voxels.spacing_mm[a] for a in turn.axes)
    return Voxels(turn.apply(voxels.values), (z, y, x), None, voxels.modality), turn
