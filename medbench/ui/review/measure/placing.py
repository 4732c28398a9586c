"""Where measurements lie in the patient, and on which pictures they are therefore drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from medbench.domain.measurement import Place, Site
from medbench.domain.objects import PlaneGrid
from medbench.imaging.reslice import MprPlane, PlaneKind
from medbench.session.library import display_key
from medbench.session.measuring import Picture, acquired_picture, cut_picture

if TYPE_CHECKING:
    from medbench.ui.review.viewport import Viewport

_PARALLEL = 1e-4
"""Largest 1 - |cosine| of the normals of planes that are the same one."""
_TOUCH_MM = 1e-4
OBLIQUE = "oblique"
"""`Site.view` of planes that were turned out of the voxel axes."""


@dataclass(frozen=True, eq=False)
class Ground:
    """The picture a measurement is drawn on, held still while it is drawn."""

    site: Site
    picture: Picture


def site_of(view: "Viewport") -> Site | None:
    """Name and place of the shown picture."""
    display = view.model.display
    if display is None or not view.count:
        return None
    uid, frame = view.instance()
    acquired = is_acquired(view)
    geometry, slab = display.geometry, view.model.plane_state.slab(view.kind)
    return Site(
        display.study_instance_uid, display.series_instance_uid, display_key(display),
        uid if acquired else "",
        display.frames[min(view.index, display.slices - 1)].frame if acquired else frame,
        geometry.frame_of_reference_uid if geometry is not None else "", view.grid(),
        OBLIQUE if view.model.plane_state.is_turned(view.kind) else view.kind.value,
        0.0 if slab is None else slab.thickness_mm,
    )  # fmt: skip


def is_acquired(view: "Viewport") -> bool:
    """Whether it shows pixels as they were acquired: no cut, no slab of several slices."""
    thin = view.model.plane_state.slab(view.kind) is None
    return view.kind is PlaneKind.ACQUIRED and thin


def ground_of(view: "Viewport") -> Ground | None:
    """What can be measured on now; None while the picture is not there."""
    site, volume = site_of(view), view.model.volume
    if site is None or volume is None:
        return None
    acquired = is_acquired(view)
    if not acquired and not volume.ready.all():
        return None  # slices that are missing would be counted as values
    values = view.values()
    if values is None:
        return None
    info = view.frame()
    if acquired:
        return Ground(site, acquired_picture(values, info))
    if site.grid is None:
        return None
    last = len(volume.ready) - 1
    factors = {volume.infos[i].suv_factor for i in (0, last // 2, last)}
    plane = view.plane
    along = isinstance(plane, MprPlane) and plane.axes[0] == 0 and not plane.geometry.resampled
    straight = along and site.view != OBLIQUE and not site.slab_mm
    return Ground(site, cut_picture(values, site.grid, info, suv=straight or len(factors) == 1))


@dataclass(frozen=True)
class Shown:
    """What a viewport shows, as far as marks ask; made once for all marks of a painting."""

    key: str
    instance: tuple[str, int]
    acquired: bool
    frame: int
    frame_of_reference_uid: str
    grid: PlaneGrid | None
    half_slice_mm: float

    @classmethod
    def of(cls, view: "Viewport") -> "Shown | None":
        """The picture a viewport shows."""
        site = site_of(view)
        if site is None:
            return None
        plane = view.plane
        half = plane.spacing_mm[0] / 2 if plane is not None else 0.0
        if not half and site.grid is not None:
            half = min(site.grid.row_mm, site.grid.column_mm) / 2
        return cls(
            site.display_key, (site.sop_instance_uid, site.frame),
            is_acquired(view), site.frame, site.frame_of_reference_uid, site.grid,
            half,
        )  # fmt: skip

    def places(self, site: Site, points: Sequence[Place]) -> tuple[Place, ...] | None:
        """Points of a measurement on this picture; None where its plane is not shown.

        The same instance, or the same frame of reference (C.7.4.1) and a parallel plane within
        half a slice.
        """
        if site.sop_instance_uid and self.acquired:
            if (site.sop_instance_uid, site.frame) == self.instance:
                return tuple(points)
            if site.display_key == self.key:
                return None
        if site.grid is None or self.grid is None:
            same = self.acquired and site.display_key == self.key and site.frame == self.frame
            return tuple(points) if same and not site.sop_instance_uid else None
        if not self._shares_space(site):
            return None
        if site.grid == self.grid:
            return tuple(points)
        return self._across(site.grid, points)

    def _shares_space(self, site: Site) -> bool:
        """Same frame of reference; where files name none, the same series (time points)."""
        if site.frame_of_reference_uid and self.frame_of_reference_uid:
            return site.frame_of_reference_uid == self.frame_of_reference_uid
        return site.display_key.rpartition("|")[0] == self.key.rpartition("|")[0]

    def _across(self, other: PlaneGrid, points: Sequence[Place]) -> tuple[Place, ...] | None:
        grid = self.grid
        assert grid is not None
        normal = grid.normal
        if abs(float(normal @ other.normal)) < 1 - _PARALLEL:
            return None
        origin = np.asarray(other.origin_mm)
        away = float(normal @ (origin - np.asarray(grid.origin_mm)))
        if not -self.half_slice_mm + _TOUCH_MM < away <= self.half_slice_mm + _TOUCH_MM:
            return None
        down = np.asarray(other.column_direction) * other.row_mm
        right = np.asarray(other.row_direction) * other.column_mm
        at = np.asarray(points, float)
        mm = origin + at[:, :1] * down + at[:, 1:] * right - np.asarray(grid.origin_mm)
        row = mm @ np.asarray(grid.column_direction) / grid.row_mm
        column = mm @ np.asarray(grid.row_direction) / grid.column_mm
        return tuple((float(r), float(c)) for r, c in zip(row, column, strict=True))
