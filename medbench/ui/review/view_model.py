"""What is on the screens of Review: one display, its window, its crosshair; shared by viewports."""

from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal, Slot

from medbench.base.errors import BadInputError
from medbench.domain.geometry import Geometry
from medbench.domain.image import DisplaySet, FrameInfo, Voi, VoiWindow, Volume
from medbench.domain.objects import Report
from medbench.imaging.reslice import MprPlane, PlaneKind, orthogonal_plane
from medbench.imaging.slanted import stack_plane
from medbench.imaging.window import auto_voi, default_voi
from medbench.ui.review.plane_state import PlaneState
from medbench.ui.review.pointer import Toolbox


class Tool(StrEnum):
    """What the left mouse button does."""

    WINDOW = "window"
    PAN = "pan"
    ZOOM = "zoom"
    SCROLL = "scroll"
    CROSSHAIR = "crosshair"


class ViewModel(QObject):
    """State that every viewport of the shown display shares.

    Signals
    -------
    display_changed
        Another display (or none).
    pixels_changed
        Slices arrived.
    window_changed
        VOI or polarity changed.
    point_changed
        The crosshair moved.
    overlay_changed
        The attribution map, or how it is shown, changed.
    presentation_changed
        A presentation state was put on or taken off; planes or shutter were switched.
    """

    display_changed = Signal()
    pixels_changed = Signal()
    window_changed = Signal()
    point_changed = Signal()
    overlay_changed = Signal()
    presentation_changed = Signal()

    def __init__(self, toolbox: Toolbox, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.toolbox = toolbox
        self.plane_state = PlaneState(self)
        self.plane_state.turned.connect(self._planes_turned)
        self.display: DisplaySet | None = None
        self.volume: Volume | None = None
        self.voi: Voi | None = None
        self.invert = False
        self.point_mm: NDArray[np.float64] | None = None
        self.overlay: NDArray[np.float32] | None = None
        self.overlay_index = 0
        self.overlay_shown = True
        self.overlay_opacity = 0.5
        self.failure = ""
        self.linked = False
        """Whether planes are shown beside each other and follow one point."""
        self.several = False
        """Whether more than one plane of the display is on the wall."""
        self.show_patient = True
        self.beside = False
        """Whether it stands beside another screen."""
        self.texts_shown = True
        self.planes_shown = True
        """Overlay planes of the file."""
        self.shutter_shown = True
        self.layer_revision = 0
        self.report: Report | None = None
        """The report whose link led here: its drawings are shown."""
        self.presentation: Any = None
        self.graphics_only = False
        self._shaped: tuple[NDArray[Any], Geometry] | None = None
        self._planes: dict[PlaneKind, MprPlane | None] = {}
        self._infos: dict[int, FrameInfo] = {}
        self._follows_file = True
        self._states: dict[str, tuple[Voi | None, bool, bool]] = {}

    def begin(self, display: DisplaySet | None, key: str = "") -> None:
        """Another display is being loaded; None: its study was closed, nothing is shown."""
        if self.display is not None:
            self._states[self.view_key] = (self.voi, self.invert, self._follows_file)
        self._key = key
        self.display, self.volume, self.failure = display, None, ""
        stored = self._states.get(self.view_key, (None, False, True))
        self.voi, self.invert, self._follows_file = stored
        self.overlay = None
        self.point_mm = None
        self.presentation = None
        self.report = None
        self._shaped = None
        self._planes.clear()
        self._infos.clear()
        self.plane_state.begin(self.view_key)
        self.display_changed.emit()

    _key = ""

    @property
    def tool(self) -> Tool | None:
        """The plain tool in the hand; None while it is another."""
        current = self.toolbox.current
        return Tool(current) if current in set(Tool) else None

    @property
    def key(self) -> str:
        """Key of the shown display."""
        return self._key

    @property
    def view_key(self) -> str:
        """Key of what viewports remember: all time points of one place share it."""
        display = self.display
        if display is None or display.time_count < 2:
            return self._key
        return f"{display.study_instance_uid}|{display.series_instance_uid}|t{display.time_group}"

    def set_volume(self, volume: Volume) -> None:
        """The buffer that is being filled, or the whole volume."""
        self.volume = volume
        plane = self.plane(PlaneKind.ACQUIRED)
        if self.point_mm is None and plane is not None:
            z, y, x = plane.shape
            self.point_mm = plane.point_of(z // 2, y // 2, x // 2)
        self.pixels_changed.emit()

    def set_shaped(self, voxels: NDArray[Any], geometry: Geometry) -> None:
        """The tilted or irregular stack, resampled to a right grid: planes are cut from it."""
        self._shaped = (voxels, geometry)
        self._planes.clear()
        self.pixels_changed.emit()
        self.point_changed.emit()

    @property
    def waits_for_shape(self) -> bool:
        """Whether planes need a resampled volume that is not there yet."""
        display = self.display
        return (
            display is not None
            and display.reformattable
            and display.geometry is not None
            and not display.geometry.uniform
            and self._shaped is None
        )

    def plane_voxels(self, kind: PlaneKind) -> NDArray[Any] | None:
        """Voxels that planes of this kind are cut from."""
        if kind is not PlaneKind.ACQUIRED and self._shaped is not None:
            return self._shaped[0]
        return None if self.volume is None else self.volume.voxels

    def slices_arrived(self, indices: tuple[int, ...]) -> None:
        """Choose a window from the first slice that is there; tell the viewports."""
        volume = self.volume
        if volume is not None and self.voi is None and not volume.display.colour:
            ready = next((i for i in indices if volume.ready[i]), None)
            if ready is not None:
                self.voi = default_voi(volume.voxels[ready], self.info(ready))
                self.window_changed.emit()
        self.pixels_changed.emit()

    def fail(self, reason: str) -> None:
        """Nothing can be shown."""
        self.failure = reason
        self.pixels_changed.emit()

    def set_voi(self, voi: Voi) -> None:
        """Another window, for every picture of the display."""
        self.voi, self._follows_file = voi, False
        self.window_changed.emit()

    @property
    def voi_chosen(self) -> bool:
        """Whether the reader chose a window."""
        return not self._follows_file

    def follow_file(self, index: int) -> None:
        """Take the window of acquired slice ``index``, until the reader chose one.

        VOI belongs to the frame (PS3.3 C.11.2, C.7.6.16.2.10); a display whose frames name none
        keeps the window of its first picture.
        """
        volume = self.volume
        if not self._follows_file or self.linked or volume is None or volume.display.colour:
            return
        ready = index < len(volume.ready) and volume.ready[index]
        vois = self.info(index).vois if ready else ()
        if vois and vois[0] != self.voi:
            self.voi = vois[0]
            self.window_changed.emit()

    def toggle_invert(self) -> None:
        """Turn the polarity round."""
        self.invert = not self.invert
        self.window_changed.emit()

    def auto_voi(self, index: int) -> None:
        """Window from a slice's own values."""
        volume = self.volume
        if volume is not None and volume.ready[index] and not volume.display.colour:
            self.set_voi(auto_voi(volume.voxels[index], volume.infos[index]))

    def reset_voi(self, index: int) -> None:
        """The file's own window and polarity."""
        volume = self.volume
        self.invert = False
        if volume is not None and volume.ready[index] and not volume.display.colour:
            self.set_voi(default_voi(volume.voxels[index], self.info(index)))
            self._follows_file = True

    def set_point(self, point_mm: Any) -> None:
        """Move the crosshair."""
        self.point_mm = np.asarray(point_mm, float)
        self.point_changed.emit()

    def set_overlay(self, overlay: NDArray[np.float32] | None, index: int = 0) -> None:
        """Attribution map of one frame, or none."""
        self.overlay, self.overlay_index = overlay, index
        self.overlay_changed.emit()

    def plane(self, kind: PlaneKind) -> MprPlane | None:
        """How a plane is cut from the shown display; None when it has no geometry for it."""
        if kind not in self._planes:
            self._planes[kind] = self._new_plane(kind)
        return self._planes[kind]

    def _new_plane(self, kind: PlaneKind) -> MprPlane | None:
        display = self.display
        if display is None or display.geometry is None:
            return None
        if kind is PlaneKind.ACQUIRED:
            return stack_plane(display.geometry)
        if not display.reformattable or self.waits_for_shape:
            return None
        geometry = display.geometry if self._shaped is None else self._shaped[1]
        return self.plane_state.applied(orthogonal_plane(geometry, kind))

    @Slot()
    def _planes_turned(self) -> None:
        self._planes.clear()
        self.point_changed.emit()

    def info(self, index: int) -> FrameInfo:
        """Frame information of an acquired slice, as the presentation state wants it."""
        volume = self.volume
        if volume is None:
            return FrameInfo()
        index = min(index, len(volume.infos) - 1)
        if not volume.ready[index] and index not in volume.failed:
            return FrameInfo()  # its header is being read elsewhere: never wait for it here
        if self.presentation is None:
            return volume.infos[index]
        if index not in self._infos:
            self._infos[index] = self._presented(index)
        return self._infos[index]

    def _presented(self, index: int) -> FrameInfo:
        from medbench.dicom.presentation import apply_presentation  # brings pydicom

        volume = self.volume
        assert volume is not None
        display = volume.display
        info, ref = volume.infos[index], display.frames[index]
        try:
            return apply_presentation(
                info, self.presentation, ref.sop_instance_uid, (display.rows, display.columns),
                graphics_only=self.graphics_only, frame=ref.frame,
            )  # fmt: skip
        except BadInputError:
            return info  # the state speaks of other frames of this series

    def set_presentation(self, state: Any, *, graphics_only: bool = False) -> None:
        """Show through a presentation state, or (None) as the images themselves say."""
        self.presentation, self.graphics_only = state, graphics_only
        self._infos.clear()
        volume = self.volume
        if volume is not None and volume.ready.any() and not volume.display.colour:
            index = int(np.flatnonzero(volume.ready)[0])
            self.voi = default_voi(volume.voxels[index], self.info(index))
            self._follows_file = True
        self.presentation_changed.emit()
        self.window_changed.emit()

    def set_report(self, report: Report | None) -> None:
        """Show the drawings of a report on the pictures it points at."""
        self.report = report
        self.presentation_changed.emit()

    def switch_planes(self, *, shown: bool) -> None:
        """Show or hide overlay planes of the file."""
        self.planes_shown = shown
        self.presentation_changed.emit()

    def switch_shutter(self, *, shown: bool) -> None:
        """Obey the shutter or show what it hides."""
        self.shutter_shown = shown
        self.presentation_changed.emit()

    def switch_texts(self, *, shown: bool) -> None:
        """Show or hide corner texts."""
        self.texts_shown = shown
        self.presentation_changed.emit()

    @property
    def window(self) -> VoiWindow | None:
        """The VOI if it is a window."""
        return self.voi if isinstance(self.voi, VoiWindow) else None
