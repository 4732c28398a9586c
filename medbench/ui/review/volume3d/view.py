"""The 3-D view: a cell of the wall that shows the whole volume of a display."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt, Signal, Slot
from PySide6.QtGui import (
    QColor,
    QHideEvent,
    QImage,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from medbench.domain.geometry import Geometry
from medbench.imaging.render3d import VolumePicture, VolumeSource
from medbench.imaging.render3d_camera import Sight, sight_of, standard_camera
from medbench.imaging.render3d_grid import Box
from medbench.imaging.reslice import PlaneKind
from medbench.imaging.window import display_frame
from medbench.session.session import Session
from medbench.ui.review.painting import grey_image
from medbench.ui.review.view_model import ViewModel
from medbench.ui.review.volume3d.chip import ModeChip
from medbench.ui.review.volume3d.clip_popup import ClipPopup
from medbench.ui.review.volume3d.cube import face_at
from medbench.ui.review.volume3d.feed import PictureFeed
from medbench.ui.review.volume3d.hand import VolumeHand, ball_place
from medbench.ui.review.volume3d.menu import ModeMenu
from medbench.ui.review.volume3d.overlay import CUBE_PX, cube_place, paint_overlay, volume_lines
from medbench.ui.review.volume3d.state import Memory, VolumeState
from medbench.ui.theme.current import current

_ZOOM_RANGE = (0.2, 20.0)


class VolumeView(VolumeHand):
    """Shows `ViewModel.display` in 3-D; nothing is computed before it is on the screen.

    Signals
    -------
    chip_chosen : VolumeView, str
        The cell shall show a plane instead (value of `PlaneKind`).
    """

    chip_chosen = Signal(object, str)
    kind = "volume"

    def __init__(self, model: ViewModel, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._session = session
        self.memory = Memory(model, session.messages, self)
        self.takes_windows: Callable[[], bool] = self.hasFocus
        """Whether a window the reader chooses now is meant for this view."""
        self._active = False
        self._source_of: tuple[int, Geometry] | None = None
        self._click = 0
        self._before_click: NDArray[np.float64] | None = None
        self.mark_shown = True
        self._image: tuple[Any, QImage] | None = None
        self.feed = PictureFeed(session.volumes, self)
        self.feed.arrived.connect(self._arrived)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)  # paintEvent fills every pixel
        self.setMinimumSize(120, 120)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(self.tr("3-D view"))
        self.chip = ModeChip(self)
        self.chip.clicked.connect(self.open_menu)
        self.menu: ModeMenu | None = None
        self.clip: ClipPopup | None = None
        model.display_changed.connect(self._display_changed)
        model.pixels_changed.connect(self.refresh)
        model.window_changed.connect(self._window_changed)
        model.point_changed.connect(self.update)
        model.presentation_changed.connect(self.update)

    @property
    def model(self) -> ViewModel:
        """What it shows."""
        return self._model

    # what is shown

    @property
    def state(self) -> VolumeState:
        """What is remembered of the display."""
        return self.memory.state

    @property
    def span(self) -> tuple[float, float] | None:
        """Centre and width of the shaded preset; None while no picture says."""
        picture = self.feed.picture
        return self.state.window or (None if picture is None else picture.span)

    @property
    def has_picture(self) -> bool:
        """Whether there is anything to see."""
        return self.feed.picture is not None

    @property
    def failure(self) -> str:
        """Why there is no newer picture."""
        return self.feed.failure

    @property
    def fine(self) -> bool:
        """Whether the full volume is shown, as it is wanted and from where the camera is now."""
        picture, shown = self.feed.picture, self.feed.shown
        return (
            picture is not None
            and picture.fine
            and shown is not None
            and (shown.look, shown.sight) == (self.memory.look, self.sight())
        )

    def _volume(self) -> tuple[NDArray[Any], Geometry] | None:
        """Regular voxels once all slices are there."""
        model, volume = self._model, self._model.volume
        if model.display is None or not model.display.reformattable or volume is None:
            return None
        if int(volume.ready.sum()) + len(volume.failed) < len(volume.ready):
            return None
        if model.waits_for_shape:
            return None
        plane, voxels = model.plane(PlaneKind.AXIAL), model.plane_voxels(PlaneKind.AXIAL)
        if plane is None or voxels is None:
            return None
        return voxels, plane.geometry

    def sight(self) -> Sight | None:
        """Camera, volume and screen; None without a volume."""
        source = self.feed.source
        if source is None:
            return None
        ratio = self.devicePixelRatioF()
        rows, columns = round(self.height() * ratio), round(self.width() * ratio)
        return sight_of(source.geometry, self.state.camera, rows, columns)

    def px_per_mm(self) -> float:
        """Screen pixels a millimetre; 0 without a volume."""
        sight = self.sight()
        return 0.0 if sight is None else sight.px_per_mm / self.devicePixelRatioF()

    def voxel_percent(self) -> float:
        """Size of the finest voxel edge on the screen, in percent of a pixel."""
        source = self.feed.source
        if source is None:
            return 100.0
        return self.px_per_mm() * min(source.geometry.spacing_mm) * 100

    def widget_position(self, point_mm: Any) -> QPointF:
        """Where a patient point lies on the widget."""
        sight = self.sight()
        if sight is None:
            return QPointF()
        row, column = sight.place_of(point_mm)
        ratio = self.devicePixelRatioF()
        return QPointF((column + 0.5) / ratio, (row + 0.5) / ratio)

    @Slot()
    def refresh(self) -> None:
        """Ask for the picture that belongs to the state, if the view is on the screen."""
        if not self.isVisible():
            return
        found = self._volume()
        if found is None:
            if self.feed.source is not None:
                self.feed.show(None)
                self._source_of = None
            self._ask_for_shape()
        else:
            key = id(found[0]), found[1]
            if key != self._source_of:
                self.feed.show(VolumeSource(*found))
                self._source_of = key
            sight = self.sight()
            if sight is not None:
                self.feed.want(self.memory.look, sight, moving=self.moving)
        self._place_chip()
        self.update()

    def _ask_for_shape(self) -> None:
        model, volume = self._model, self._model.volume
        if model.waits_for_shape and volume is not None and volume.ready.all():
            self._session.shaper.shape(volume)

    @Slot()
    def _display_changed(self) -> None:
        self.memory.follow_display()
        self.feed.show(None)
        self._source_of = None
        self._image = None
        self.refresh()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    @Slot()
    def _arrived(self) -> None:
        self.memory.arrived(self.feed.picture)
        self.update()

    @Slot()
    def _window_changed(self) -> None:
        """A window chosen while this view is the active one is for it too."""
        if self.takes_windows():
            self.memory.take_window()
        self.update()

    def hideEvent(self, event: QHideEvent) -> None:
        self.feed.stop()
        super().hideEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.hurry()

    # state

    def change(self, **values: Any) -> None:
        """Another state; see `VolumeState`."""
        self.memory.change(**values)
        self.refresh()

    def set_active(self, active: bool) -> None:
        """Frame in accent colour."""
        self._active = active
        self.update()

    def reset(self) -> None:
        """From the front, fitting, whole, with the preset's own window."""
        self.memory.reset()
        self.refresh()

    def choose(self, preset_id: str) -> None:
        """Another preset, with its own window."""
        self.change(preset_id=preset_id, window=None)

    def look_from(self, side: str) -> None:
        camera = self.state.camera
        self.change(camera=replace(standard_camera(side), zoom=camera.zoom))

    def turn(self, begin: QPointF, end: QPointF) -> None:
        camera = self.state.camera.dragged(ball_place(self, begin), ball_place(self, end))
        self.change(camera=camera)

    def turn_by(self, right_deg: float, down_deg: float) -> None:
        self.memory.change(camera=self.state.camera.turned(right_deg, down_deg))
        self.hurry()

    def pan_by(self, dx: float, dy: float) -> None:
        scale = self.px_per_mm()
        if scale > 0:
            right, down = self.state.camera.pan_mm
            pan = (right + dx / scale, down + dy / scale)
            self.change(camera=replace(self.state.camera, pan_mm=pan))

    def zoom_by(self, factor: float, place: QPointF | None = None) -> None:
        camera, scale = self.state.camera, self.px_per_mm()
        zoom = float(np.clip(camera.zoom * factor, *_ZOOM_RANGE))
        pan = camera.pan_mm
        if place is not None and scale > 0:  # what lies below the pointer stays there
            after = scale * zoom / camera.zoom
            offset = place.x() - self.width() / 2, place.y() - self.height() / 2
            pan = (pan[0] + offset[0] / after - offset[0] / scale,
                   pan[1] + offset[1] / after - offset[1] / scale)  # fmt: skip
        self.memory.change(camera=replace(camera, zoom=zoom, pan_mm=pan))
        self.hurry()

    def drag_window(self, dx: float, dy: float) -> None:
        if self.memory.drag(dx, dy, self.span):
            self.refresh()
        self.update()

    # clicks

    def clicked(self, place: QPointF) -> None:
        """A face of the cube turns the patient; elsewhere the crosshair moves to what is seen."""
        sight, source = self.sight(), self.feed.source
        if sight is None or source is None:
            return
        at = cube_place(self, volume_lines(self))
        side = "" if at is None else face_at(self.state.camera, at, CUBE_PX, place)
        if side:
            self.look_from(side)
            return
        self._click += 1
        self._before_click = self._model.point_mm
        ratio = self.devicePixelRatioF()
        row, column = place.y() * ratio - 0.5, place.x() * ratio - 0.5
        key = self.memory.key, self._click

        def done(point: NDArray[np.float64] | None) -> None:
            if point is not None and key == (self.memory.key, self._click):
                self._model.set_point(point)

        self._session.volumes.pick(source, self.memory.look, sight, (row, column), done)

    def click_taken_back(self) -> None:
        self._click += 1  # an answer that is still under way comes too late
        before, self._before_click = self._before_click, None
        if before is not None:
            self._model.set_point(before)

    # chip

    def _place_chip(self) -> None:
        name = self.memory.preset.name
        self.chip.say(self.tr("3D {0}").format(name))
        self.chip.move((self.width() - self.chip.width()) // 2, 6)
        display = self._model.display
        self.chip.setVisible(display is not None and self.width() >= 200)

    @Slot()
    def open_menu(self) -> None:
        """Presets, views, settings."""
        if self.menu is not None:
            self.menu.deleteLater()
        self.menu = ModeMenu(self)
        self.menu.popup(self.chip.mapToGlobal(self.chip.rect().bottomLeft()))

    @Slot()
    def open_clip(self) -> None:
        """The clipping box."""
        source = self.feed.source
        if source is None:
            return
        if self.clip is None:
            self.clip = ClipPopup(self)
            self.clip.changed.connect(self._clipped)
        place = self.mapToGlobal(self.rect().topLeft())
        self.clip.open_for(
            source.geometry, self.state.box, place + self.chip.geometry().bottomLeft()
        )

    @Slot(object)
    def _clipped(self, box: Box) -> None:
        self.memory.change(box=box)
        self.hurry()

    # painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(current().viewport))
        model, picture = self._model, self.feed.picture
        if model.display is None:
            self._say(painter, self.tr("Open a study, or drop a folder here"))
        elif model.failure:
            self._say(painter, model.failure, bad=True)
        elif not model.display.reformattable:
            self._say(painter, self.tr("This series is no volume: it cannot be shown in 3-D"))
        elif picture is not None:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(QRectF(self.rect()), self._picture_image(picture))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            paint_overlay(painter, self)
        elif self.feed.failure:
            self._say(painter, self.feed.failure, bad=True)
        elif self.feed.source is None:
            self._say(painter, self._waiting())
        else:
            self._say(painter, self.tr("Rendering ..."))
        if self._active or self.hasFocus():
            style = Qt.PenStyle.SolidLine if self._active else Qt.PenStyle.DashLine
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            painter.setPen(QPen(QColor(current().accent), 2 if self._active else 1, style))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self.rect().adjusted(1, 1, -1, -1))

    def _waiting(self) -> str:
        volume = self._model.volume
        if self._model.waits_for_shape and volume is not None and volume.ready.all():
            return self.tr("Resampling to a right grid ...")
        if volume is None:
            return self.tr("Loading ...")
        percent = 100 * int(volume.ready.sum()) // max(1, len(volume.ready))
        return self.tr("Loading, {0} %").format(percent)

    def _picture_image(self, picture: VolumePicture) -> QImage:
        info = self._model.info(0)
        inverted = info.inverted != self._model.invert
        voi = self.memory.voi
        stamp = (id(picture), voi, inverted)
        if self._image is None or self._image[0] != stamp:
            if picture.colours is not None:
                image = grey_image(picture.colours)
            else:
                assert picture.levels is not None
                table = display_frame(picture.levels.values, info, voi, inverted=inverted)
                image = grey_image(np.take(table, picture.levels.index))
            self._image = (stamp, image)
        return self._image[1]

    def _say(self, painter: QPainter, text: str, *, bad: bool = False) -> None:
        painter.setPen(QColor(current().error if bad else current().overlay))
        box = QRectF(self.rect()).adjusted(24, 24, -24, -24)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, text)
