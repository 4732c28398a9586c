"""The prior cut along the pictures of the current study, so that both show the same section."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from medbench.imaging.reslice import MprPlane, PlaneKind, orthogonal_plane
from medbench.ui.review.screen import Screen

if TYPE_CHECKING:
    from medbench.ui.review.workspace import ReviewWorkspace

LEAST_DEG = 1.0
"""Below this the prior's own slices are kept: interpolated pictures would show nothing more."""
MOST_DEG = 60.0
_CUTS = (PlaneKind.AXIAL, PlaneKind.CORONAL, PlaneKind.SAGITTAL)
Matrix = npt.NDArray[np.float64]


def turn_to(base: MprPlane, row: Matrix, column: Matrix) -> tuple[Matrix, float]:
    """(axis, angle in rad) that turns pictures of ``base`` along ``row`` and ``column`` (LPS)."""
    along, down = (np.asarray(d, float) for d in (base.row_direction, base.column_direction))
    first = np.stack([along, down, np.cross(along, down)])
    second = np.stack([row, column, np.cross(row, column)])
    turn = second.T @ first
    angle = float(np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1)))
    axis = np.array(
        [turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]]
    )  # fmt: skip
    length = float(np.linalg.norm(axis))
    return (axis / length, angle) if length > 1e-12 else (np.array([0.0, 0.0, 1.0]), 0.0)


def cut_alike(page: "ReviewWorkspace", current: Screen, prior: Screen, matrix: Matrix) -> bool:
    """Show the prior in the plane of the current pictures; False where its own slices will do.

    ``matrix`` leads from points of the current study to those of the prior.
    """
    plane, display = current.stack.plane, prior.display
    point = current.model.point_mm
    if plane is None or display is None or point is None or display.geometry is None:
        return False
    if not display.reformattable:
        return False
    row = matrix[:3, :3] @ np.asarray(plane.row_direction, float)
    column = matrix[:3, :3] @ np.asarray(plane.column_direction, float)
    turns = {kind: turn_to(orthogonal_plane(display.geometry, kind), row, column) for kind in _CUTS}
    kind = min(_CUTS, key=lambda k: turns[k][1])
    axis, angle = turns[kind]
    if not np.radians(LEAST_DEG) < angle < np.radians(MOST_DEG):
        return False
    pivot = matrix[:3, :3] @ np.asarray(point, float) + matrix[:3, 3]
    prior.model.plane_state.turn((kind,), axis, angle, pivot, start={})
    _change(page, prior, PlaneKind.ACQUIRED, kind)
    return True


def cut_as_acquired(page: "ReviewWorkspace", prior: Screen) -> None:
    """Back to the prior's own slices."""
    prior.model.plane_state.reset()
    for kind in _CUTS:
        _change(page, prior, kind, PlaneKind.ACQUIRED)


def _change(page: "ReviewWorkspace", screen: Screen, before: PlaneKind, after: PlaneKind) -> None:
    showing = page.showing
    active = showing.active
    for cell in showing.cells:
        if cell.screen is screen and cell.kind == before.value:
            mine = showing.widget(cell) is active
            showing.change_kind(showing.widget(cell), after.value)
            if not mine:
                showing.activate(active)
            return
