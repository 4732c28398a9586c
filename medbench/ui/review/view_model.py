"""What is on the screens of Review: one display, its window, its crosshair; shared by viewports."""

from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from medbench.domain.image import DisplaySet, FrameInfo, Voi, VoiWindow, Volume
from medbench.imaging.reslice import MprPlane, PlaneKind, acquired_plane, orthogonal_plane
from medbench.imaging.window import auto_window, default_voi


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
    """

    display_changed = Signal()
    pixels_changed = Signal()
    window_changed = Signal()
    point_changed = Signal()
    overlay_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.display: DisplaySet | None = None
        self.volume: Volume | None = None
        self.voi: Voi | None = None
        self.invert = False
        self.tool = Tool.WINDOW
        self.point_mm: NDArray[np.float64] | None = None
        self.overlay: NDArray[np.float32] | None = None
        self.overlay_index = 0
        self.overlay_shown = True
        self.overlay_opacity = 0.5
        self.failure = ""
        self.linked = False
        """Whether planes are shown beside each other and follow one point."""
        self.show_patient = True
        self._states: dict[str, tuple[Voi | None, bool]] = {}

    def begin(self, display: DisplaySet, key: str) -> None:
        """Another display is being loaded."""
        if self.display is not None:
            self._states[self._key] = (self.voi, self.invert)
        self._key = key
        self.display, self.volume, self.failure = display, None, ""
        self.voi, self.invert = self._states.get(key, (None, False))
        self.overlay = None
        self.point_mm = None
        self.display_changed.emit()

    _key = ""

    @property
    def key(self) -> str:
        """Key of the shown display."""
        return self._key

    def set_volume(self, volume: Volume) -> None:
        """The buffer that is being filled, or the whole volume."""
        self.volume = volume
        if self.point_mm is None and volume.geometry is not None:
            z, y, x = volume.geometry.shape
            self.point_mm = volume.geometry.world_from_index(x // 2, y // 2, z // 2)
        self.pixels_changed.emit()

    def slices_arrived(self, indices: tuple[int, ...]) -> None:
        """Choose a window from the first slice that is there; tell the viewports."""
        volume = self.volume
        if volume is not None and self.voi is None and not volume.display.colour:
            ready = next((i for i in indices if volume.ready[i]), None)
            if ready is not None:
                self.voi = default_voi(volume.voxels[ready], volume.infos[ready])
                self.window_changed.emit()
        self.pixels_changed.emit()

    def fail(self, reason: str) -> None:
        """Nothing can be shown."""
        self.failure = reason
        self.pixels_changed.emit()

    def set_voi(self, voi: Voi) -> None:
        """Another window."""
        self.voi = voi
        self.window_changed.emit()

    def toggle_invert(self) -> None:
        """Turn the polarity round."""
        self.invert = not self.invert
        self.window_changed.emit()

    def auto_voi(self, index: int) -> None:
        """Window from a slice's own values."""
        volume = self.volume
        if volume is not None and volume.ready[index] and not volume.display.colour:
            self.set_voi(auto_window(volume.voxels[index], volume.infos[index].padding))

    def reset_voi(self, index: int) -> None:
        """The file's own window and polarity."""
        volume = self.volume
        self.invert = False
        if volume is not None and volume.ready[index] and not volume.display.colour:
            self.set_voi(default_voi(volume.voxels[index], volume.infos[index]))

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
        display = self.display
        if display is None or display.geometry is None:
            return None
        if kind is PlaneKind.ACQUIRED:
            return acquired_plane(display.geometry)
        return orthogonal_plane(display.geometry, kind) if display.reformattable else None

    def info(self, index: int) -> FrameInfo:
        """Frame information of an acquired slice."""
        if self.volume is None:
            return FrameInfo()
        return self.volume.infos[min(index, len(self.volume.infos) - 1)]

    @property
    def window(self) -> VoiWindow | None:
        """The VOI if it is a window."""
        return self.voi if isinstance(self.voi, VoiWindow) else None
