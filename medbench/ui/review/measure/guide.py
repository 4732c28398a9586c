"""Where measurements are to be found: slice numbers, dates, and the way to their pictures."""

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QCoreApplication, QObject, Slot

from medbench.domain.geometry import Geometry
from medbench.domain.image import DisplaySet, Study
from medbench.domain.measurement import Measurement, Place, Site
from medbench.domain.objects import PlaneGrid
from medbench.imaging.reslice import MprPlane, PlaneKind, acquired_kind, orthogonal_plane
from medbench.imaging.slanted import stack_plane
from medbench.imaging.turned import slice_direction_of
from medbench.session.library import display_key
from medbench.ui.review.measure.placing import OBLIQUE, Shown
from medbench.ui.review.measure.words import view_words
from medbench.ui.review.overlays import plane_name
from medbench.ui.review.plane_state import CUTS

if TYPE_CHECKING:
    from medbench.ui.review.view_model import ViewModel
    from medbench.ui.review.viewport import Viewport
    from medbench.ui.review.workspace import ReviewWorkspace

translate = QCoreApplication.translate


class Guide(QObject):
    """Knows the way from a measurement to its picture."""

    def __init__(self, page: "ReviewWorkspace") -> None:
        super().__init__(page)
        self._page = page
        self._library = page.session.library
        self._displays: dict[str, DisplaySet] = {}
        self._studies: dict[str, Study] = {}
        self._frames: dict[str, dict[tuple[str, int], int]] = {}
        self._awaited: tuple[Measurement, ViewModel] | None = None
        """What could not be shown yet: its planes are being resampled."""
        self._library.changed.connect(self._changed)

    @Slot()
    def _changed(self) -> None:
        self._studies = {s.study_instance_uid: s for s in self._library.studies}
        self._displays = {
            display_key(display): display
            for study in self._library.studies
            for series in study.series
            for display in series.displays
        }
        self._frames.clear()

    # asking

    def display(self, site: Site) -> DisplaySet | None:
        """The display it was measured on, if its study is open."""
        return self._displays.get(site.display_key)

    def index(self, site: Site) -> int | None:
        """Picture of its plane that shows it, 0-based; None where that is not known."""
        display = self.display(site)
        if display is None:
            return None
        geometry = display.geometry
        if site.view == PlaneKind.ACQUIRED.value and site.slab_mm and site.grid and geometry:
            return round(stack_plane(geometry).place_of(site.grid.origin_mm)[0])
        if site.view == PlaneKind.ACQUIRED.value:
            frames = self._frames.get(site.display_key)
            if frames is None:
                frames = {(f.sop_instance_uid, f.frame): i for i, f in enumerate(display.frames)}
                self._frames[site.display_key] = frames
            return frames.get((site.sop_instance_uid, site.frame))
        if site.grid is None or site.view == OBLIQUE or geometry is None or not geometry.uniform:
            return None
        plane = orthogonal_plane(geometry, PlaneKind(site.view))
        return round(plane.place_of(site.grid.origin_mm)[0])

    def slice_words(self, site: Site) -> str:
        """'Axial, slice 11'."""
        display, index = self.display(site), self.index(site)
        name = view_words(site)
        if not name and display is not None and display.geometry is not None:
            name = plane_name(acquired_kind(display.geometry))
        if index is None or (display is not None and display.slices == 1):
            return name
        if not name:
            return translate("Measure", "Image {0}").format(index + 1)
        return translate("Measure", "{0}, slice {1}").format(name, index + 1)

    def patient_dates(self, study_instance_uid: str) -> dict[str, str]:
        """Study dates of the same patient's open studies, by UID."""
        own = self._studies.get(study_instance_uid)
        if own is None:
            return {}
        return {
            uid: study.study_date
            for uid, study in self._studies.items()
            if uid == study_instance_uid or (own.patient_id and study.patient_id == own.patient_id)
        }

    def places(self, view: "Viewport", measurement: Measurement) -> tuple[Place, ...] | None:
        """Its points on a viewport; None where that shows another place."""
        shown = Shown.of(view)
        return None if shown is None else shown.places(measurement.site, measurement.points)

    # going

    def jump(self, measurement: Measurement) -> None:
        """Show the picture a measurement lies on."""
        self._stop_waiting()
        if any(self.places(view, measurement) is not None for view in self._page.views()):
            return
        display = self.display(measurement.site)
        if display is None:
            self._page.session.messages.info(
                self.tr("Its study is not open: open it to see where this was measured")
            )
            return
        self._show(display)
        if measurement.site.view == PlaneKind.ACQUIRED.value:
            index = self.index(measurement.site)
            view = self._page.viewports[PlaneKind.ACQUIRED]
            if index is not None:
                view.set_index(index)
            self._aim(measurement)
        else:
            self._jump_to_cut(measurement)

    def _show(self, display: DisplaySet) -> None:
        key = display_key(display)
        if self._page.model.key == key:
            return
        for view in self._page.views():
            if view.model.key == key:  # it is on the wall already
                view.activated.emit(view)
                return
        self._page.show_display(display)

    def _aim(self, measurement: Measurement) -> None:
        """The crosshair goes to the middle of the measurement, and linked planes with it."""
        points = measurement.points_mm()
        if points and self._page.model.point_mm is not None:
            self._page.model.set_point(np.mean(points, axis=0))

    def _jump_to_cut(self, measurement: Measurement) -> None:
        site, model = measurement.site, self._page.model
        if not any(v.kind in CUTS and v.model is model for v in self._page.views()):
            self._page.actions_registry.action("medbench.review.toggle_mpr").trigger()
        if model.waits_for_shape:
            self._awaited = measurement, model
            model.pixels_changed.connect(self._arrived)
            return
        grid, points = site.grid, measurement.points_mm()
        if grid is None or not points:
            return
        kind = self._turn(grid, np.mean(points, axis=0)) if site.view == OBLIQUE else PlaneKind(
            site.view)  # fmt: skip
        plane = None if kind is None else model.plane(kind)
        if kind is None or plane is None:
            return
        middle = np.mean(points, axis=0)
        model.set_point(middle)
        self._page.viewports[kind].set_index(round(plane.place_of(middle)[0]))

    def _turn(self, grid: PlaneGrid, middle: np.ndarray) -> PlaneKind | None:
        """Turn the plane that lies nearest into an oblique one's; returns which one it was."""
        model = self._page.model
        geometry = model.volume.geometry if model.volume is not None else None
        if geometry is None or not geometry.uniform:
            return None
        kind, rotation = rotation_to(geometry, grid)
        state = model.plane_state
        turns = {**state.turns, kind: (rotation, middle)}
        state.turn((), (0, 0, 1), 0.0, middle, turns)
        return kind

    @Slot()
    def _arrived(self) -> None:
        if self._awaited is None:
            return
        measurement, model = self._awaited
        if self._page.model is model and model.waits_for_shape:
            return
        self._stop_waiting()
        if self._page.model is model:
            self._jump_to_cut(measurement)

    def _stop_waiting(self) -> None:
        if self._awaited is not None:
            self._awaited[1].pixels_changed.disconnect(self._arrived)
            self._awaited = None


def rotation_to(geometry: Geometry, grid: PlaneGrid) -> tuple[PlaneKind, np.ndarray]:
    """Which orthogonal plane lies nearest to a grid, and the rotation (3 x 3) that leads there."""
    planes = {kind: orthogonal_plane(geometry, kind) for kind in CUTS}
    kind = max(CUTS, key=lambda k: abs(float(slice_direction_of(planes[k]) @ grid.normal)))
    base = _directions(planes[kind])
    normal = np.asarray(grid.normal)
    target = np.array([normal, grid.column_direction, grid.row_direction], float)
    if np.linalg.det(target) * np.linalg.det(base) < 0:
        target[0] = -normal
    return kind, target.T @ base


def _directions(plane: MprPlane) -> np.ndarray:
    return np.array([slice_direction_of(plane), plane.column_direction, plane.row_direction], float)
