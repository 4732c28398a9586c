"""Which picture a finding lies on, and where on the screen."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medbench.domain.image import DisplaySet, Study
from medbench.domain.measurement import Place, Site
from medbench.domain.objects import PlaneGrid
from medbench.session.library import display_key
from medbench.ui.review.viewport import Viewport

if TYPE_CHECKING:
    from medbench.ui.review.workspace import ReviewWorkspace

_PARALLEL = 1e-3


def shown_site(view: Viewport) -> Site | None:
    """The picture a viewport shows; None while it shows nothing."""
    display = view.model.display
    if display is None or display.kind.without_pictures or not view.count:
        return None
    uid, frame = view.instance()
    geometry = display.geometry
    return Site(
        display.study_instance_uid, display.series_instance_uid, view.model.key, uid, frame,
        "" if geometry is None else geometry.frame_of_reference_uid, view.grid(), view.kind.value,
    )  # fmt: skip


def points_on(site: Site, outline: tuple[Place, ...]) -> NDArray[np.float64] | None:
    """Points (n, 3) in the patient, LPS mm; None for pictures without geometry."""
    grid = site.grid
    if grid is None or not outline:
        return None
    places = np.asarray(outline, np.float64)
    down = np.asarray(grid.column_direction) * grid.row_mm
    right = np.asarray(grid.row_direction) * grid.column_mm
    return np.asarray(
        np.asarray(grid.origin_mm) + places[:, :1] * down + places[:, 1:] * right
    )  # fmt: skip


def outline_on(view: Viewport, site: Site, outline: tuple[Place, ...]) -> tuple[Place, ...] | None:
    """An outline on the picture a viewport shows, or None if it lies on another.

    An acquired frame is recognised by its instance, a cut by its plane: parallel, and no farther
    than half a pixel off.
    """
    uid, frame = view.instance()
    if site.sop_instance_uid or not site.grid:
        same = (uid, frame) == (site.sop_instance_uid, site.frame)
        return outline if same and (uid or view.model.key == site.display_key) else None
    grid = view.grid()
    points = points_on(site, outline)
    display = view.model.display
    if grid is None or points is None or display is None:
        return None
    if display.series_instance_uid != site.series_instance_uid:
        return None
    return _seen(grid, points)


def _seen(grid: PlaneGrid, points: NDArray[np.float64]) -> tuple[Place, ...] | None:
    delta = points - np.asarray(grid.origin_mm)
    depth = delta @ np.asarray(grid.normal)
    if np.abs(depth).max() > 0.5 * min(grid.row_mm, grid.column_mm) + _PARALLEL:
        return None
    rows = delta @ (np.asarray(grid.column_direction) / grid.row_mm)
    columns = delta @ (np.asarray(grid.row_direction) / grid.column_mm)
    return tuple((float(r), float(c)) for r, c in zip(rows, columns, strict=True))


def display_of(site: Site, studies: Iterable[Study]) -> DisplaySet | None:
    """The open display that holds a picture; ids of displays change with what is open."""
    shown = [
        display
        for study in studies
        if study.study_instance_uid == site.study_instance_uid
        for series in study.series
        if series.series_instance_uid == site.series_instance_uid
        for display in series.displays
    ]
    wanted = site.sop_instance_uid
    for display in shown:
        if wanted and any(ref.sop_instance_uid == wanted for ref in display.frames):
            return display
    kept = [display for display in shown if display_key(display) == site.display_key]
    return next(iter(kept or shown), None)


def show_site(page: "ReviewWorkspace", site: Site, outline: tuple[Place, ...] = ()) -> bool:
    """Show the picture a mark lies on; False where it is not open."""
    display = display_of(site, page.session.library.studies)
    if display is None:
        return False
    if page.model.key != display_key(display):
        page.show_display(display)
    wanted = (site.sop_instance_uid, site.frame)
    for index, ref in enumerate(display.frames):
        if site.sop_instance_uid and (ref.sop_instance_uid, ref.frame) == wanted:
            page.stack.set_index(index)
    points = points_on(site, outline)
    if points is not None:
        page.model.set_point(points.mean(axis=0))
    return True
