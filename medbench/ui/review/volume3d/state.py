"""What the 3-D view remembers of each display, and what follows from it: preset and windows."""

from dataclasses import dataclass, field, replace
from typing import Any

from PySide6.QtCore import QObject

from medbench.base.errors import BadInputError
from medbench.domain.image import Voi, VoiWindow
from medbench.imaging.render3d import Look, VolumePicture
from medbench.imaging.render3d_camera import Camera, standard_camera
from medbench.imaging.render3d_grid import FULL_BOX, Box
from medbench.imaging.render3d_presets import (
    VolumeMode,
    VolumePreset,
    presets_for,
    read_volume_presets,
)
from medbench.session.messages import Messages
from medbench.ui.review.view_model import ViewModel

_WINDOW_PX = 300.0
"""Drag that changes the window by its own width."""


def _front() -> Camera:
    return standard_camera("A")


@dataclass(frozen=True)
class VolumeState:
    """Of one display."""

    camera: Camera = field(default_factory=_front)
    preset_id: str = "mip"
    window: tuple[float, float] | None = None
    """Centre and width of a shaded preset, once the reader changed them."""
    voi: VoiWindow | None = None
    """Window of projections, once the reader changed it; None: from the first picture."""
    follows: bool = False
    """Whether projections take the window of the planes."""
    box: Box = FULL_BOX


class Memory(QObject):
    """States by display, and the presets that fit the shown one."""

    def __init__(self, model: ViewModel, messages: Messages, parent: QObject) -> None:
        super().__init__(parent)
        self._model = model
        self._messages = messages
        self._states: dict[str, VolumeState] = {}
        self._key = model.view_key
        self._presets: tuple[VolumePreset, ...] = ()
        self._own_windows: dict[str, VoiWindow] = {}
        self.state = VolumeState()

    def change(self, **values: Any) -> None:
        """Replace fields of the state."""
        self.state = replace(self.state, **values)

    def follow_display(self) -> None:
        """Another display: its own state comes back."""
        if self._key == self._model.view_key:  # another time point of the same place
            return
        if self._key:
            self._states[self._key] = self.state
        self._key = self._model.view_key
        self.state = self._states.get(self._key, VolumeState())
        self._own_windows.clear()

    @property
    def key(self) -> str:
        """The display that the state belongs to."""
        return self._key

    def reset(self) -> None:
        """From the front, fitting, whole, with the preset's own window."""
        self.change(camera=_front(), window=None, voi=None, follows=False, box=FULL_BOX)

    @property
    def presets(self) -> tuple[VolumePreset, ...]:
        """Presets that fit the display."""
        if not self._presets:
            try:
                self._presets = read_volume_presets()
            except BadInputError as error:  # the user's file: say what is wrong, use the others
                self._messages.warning(self.tr("Presets of the 3-D view"), str(error))
                self._presets = read_volume_presets(own=False)
        display = self._model.display
        modality = "" if display is None else display.modality
        return presets_for(self._presets, modality, self._model.info(0).value_unit)

    @property
    def preset(self) -> VolumePreset:
        """The chosen one, or the first that fits."""
        fitting = self.presets
        return next((p for p in fitting if p.preset_id == self.state.preset_id), fitting[0])

    @property
    def shaded(self) -> bool:
        """Whether tissue is lit; else it is a projection."""
        return self.preset.mode is VolumeMode.SHADED

    @property
    def look(self) -> Look:
        """What the worker shall draw."""
        return Look(self.preset, self.state.window, self.state.box)

    @property
    def voi(self) -> Voi | None:
        """Window of projections."""
        if self.state.follows:
            return self._model.voi
        return self.state.voi or self._own_windows.get(self.preset.preset_id) or self._model.voi

    def arrived(self, picture: VolumePicture | None) -> None:
        """The first projection of a volume decides the window, later ones don't change it."""
        name = self.preset.preset_id
        if picture is not None and picture.window is not None and name not in self._own_windows:
            self._own_windows[name] = VoiWindow(*picture.window)

    def take_window(self) -> None:
        """The reader chose a window for this view with the means of the planes."""
        model = self._model
        if model.voi_chosen and model.window is not None and not self.shaded:
            self.change(voi=model.window)

    def drag(self, dx: float, dy: float, span: tuple[float, float] | None) -> bool:
        """Right widens, down darkens; True where a new picture is needed for it.

        ``span`` is the centre and width of a shaded preset as it is shown now.
        """
        if self.shaded:
            if span is None:
                return False
            centre, width = span
            unit = width / _WINDOW_PX
            self.change(window=(centre + dy * unit, max(width + dx * unit * 2, 1e-6)))
            return True
        window = self.voi
        if isinstance(window, VoiWindow):
            unit = window.width / _WINDOW_PX
            moved = window.moved(window.center + dy * unit, window.width + dx * unit * 2)
            self.change(voi=moved, follows=False)
        return False
