"""The menu of the 3-D view's chip."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu

from medbench.imaging.render3d_camera import STANDARD_VIEWS
from medbench.imaging.render3d_presets import VolumeMode
from medbench.imaging.reslice import PlaneKind
from medbench.ui.review.overlays import plane_name

if TYPE_CHECKING:
    from medbench.ui.review.volume3d.view import VolumeView

_PLANES = (PlaneKind.AXIAL, PlaneKind.CORONAL, PlaneKind.SAGITTAL, PlaneKind.ACQUIRED)


def side_name(side: str) -> str:
    """Translated name of a standard view."""
    return {
        "A": QCoreApplication.translate("Volume", "From the front"),
        "P": QCoreApplication.translate("Volume", "From the back"),
        "L": QCoreApplication.translate("Volume", "From the left"),
        "R": QCoreApplication.translate("Volume", "From the right"),
        "H": QCoreApplication.translate("Volume", "From the head"),
        "F": QCoreApplication.translate("Volume", "From the feet"),
    }[side]


class ModeMenu(QMenu):
    """Presets that fit, standard views, window, clipping, and the planes of the cell."""

    def __init__(self, view: "VolumeView") -> None:
        super().__init__(view)
        self._view = view
        self.setAccessibleName(self.tr("3-D view"))
        self._presets()
        self.addSeparator()
        sides = self.addMenu(self.tr("View"))
        for side in STANDARD_VIEWS:
            action = sides.addAction(f"{side_name(side)}\t{side}")
            action.setData(side)
            action.triggered.connect(self._looked)
        clip = self.addAction(self.tr("Clipping box ..."))
        clip.triggered.connect(view.open_clip)
        clip.setEnabled(view.feed.source is not None)
        own = self.addAction(self.tr("Window of the planes"))
        own.setCheckable(True)
        own.setChecked(view.state.follows)
        own.setEnabled(view.memory.preset.mode is not VolumeMode.SHADED)
        own.toggled.connect(self._follow_planes)
        mark = self.addAction(self.tr("Mark of the crosshair"))
        mark.setCheckable(True)
        mark.setChecked(view.mark_shown)
        mark.toggled.connect(self._mark)
        self.addAction(self.tr("Reset")).triggered.connect(view.reset)
        self.addSeparator()
        planes = self.addMenu(self.tr("Show a plane here"))
        for kind in _PLANES:
            action = planes.addAction(plane_name(kind))
            action.setData(kind.value)
            action.triggered.connect(self._plane)

    def _presets(self) -> None:
        view = self._view
        group = QActionGroup(self)
        chosen, shaded = view.memory.preset, False
        for preset in view.memory.presets:
            if preset.mode is VolumeMode.SHADED and not shaded:
                shaded = True
                self.addSeparator()
            action = QAction(preset.name, self)
            action.setCheckable(True)
            action.setChecked(preset.preset_id == chosen.preset_id)
            action.setData(preset.preset_id)
            action.triggered.connect(self._chosen)
            group.addAction(action)
            self.addAction(action)

    def _sent(self) -> str:
        action = self.sender()
        return str(action.data()) if isinstance(action, QAction) else ""

    def _chosen(self) -> None:
        self._view.choose(self._sent())

    def _looked(self) -> None:
        self._view.look_from(self._sent())

    def _plane(self) -> None:
        self._view.chip_chosen.emit(self._view, self._sent())

    def _follow_planes(self, follow: bool) -> None:
        self._view.change(follows=follow)

    def _mark(self, shown: bool) -> None:
        self._view.mark_shown = shown
        self._view.update()
