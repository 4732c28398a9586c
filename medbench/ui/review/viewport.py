"""One viewport: a plane of the shown display, drawn from modality values at each change."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt, QTimer, Signal, Slot
from PySide6.QtGui import (
    QColor,
    QImage,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from medbench.imaging.resize import block_mean
from medbench.imaging.reslice import MprPlane, PlaneKind
from medbench.imaging.window import display_frame
from medbench.ui.review.hand import Hand
from medbench.ui.review.overlays import paint_annotations, paint_crosshair
from medbench.ui.review.painting import grey_image, heat_image
from medbench.ui.review.view_model import Tool, ViewModel
from medbench.ui.theme.current import current

SETTLE_MS = 120


@dataclass(frozen=True)
class ViewState:
    """What one viewport remembers of one display."""

    index: int = 0
    zoom: float = 1.0
    """1 = fits."""
    pan_x: float = 0.0
    pan_y: float = 0.0


class Viewport(Hand):
    """Shows one plane; the left button does what the tool says.

    Signals
    -------
    index_changed : int
        Another slice is shown.
    probed : str, str
        Position in mm and value below the pointer, as text.
    """

    index_changed = Signal(int)
    probed = Signal(str, str)

    def __init__(self, model: ViewModel, kind: PlaneKind, parent: QWidget | None = None) -> None:
        super().__init__(model, parent)
        self.kind = kind
        self._states: dict[str, ViewState] = {}
        self._key = ""
        self._state = ViewState()
        self._image: QImage | None = None
        self._stamp: Any = None
        self._small: tuple[Any, NDArray[Any]] | None = None
        self._heat: QImage | None = None
        self._heat_stamp: Any = None
        self._fast = False
        self._active = False
        self.setMinimumSize(120, 120)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(self.tr("Viewport {0}").format(kind.value))
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.timeout.connect(self.settle)
        model.display_changed.connect(self._display_changed)
        model.pixels_changed.connect(self.update)
        model.window_changed.connect(self._window_changed)
        model.point_changed.connect(self._point_changed)
        model.overlay_changed.connect(self.update)

    # state

    @property
    def plane(self) -> MprPlane | None:
        """How the picture is cut; None for stacks without geometry."""
        return self._model.plane(self.kind)

    @property
    def count(self) -> int:
        """Pictures that can be scrolled through."""
        plane = self.plane
        if plane is not None:
            return plane.shape[0]
        display = self._model.display
        return display.slices if display is not None and self.kind is PlaneKind.ACQUIRED else 0

    @property
    def index(self) -> int:
        """Shown picture, 0-based."""
        return self._state.index

    def set_index(self, index: int) -> None:
        """Show another picture."""
        index = min(max(index, 0), max(0, self.count - 1))
        if index == self._state.index:
            return
        self._state = replace(self._state, index=index)
        self.index_changed.emit(index)
        self._move_point(index)
        self.update()

    def _move_point(self, index: int) -> None:
        """Scrolling one plane moves the lines in the others."""
        plane, point = self.plane, self._model.point_mm
        if not self._model.linked or plane is None or point is None:
            return
        at, row, column = plane.place_of(point)
        if round(at) != index:
            self._model.set_point(plane.point_of(index, row, column))

    def set_active(self, active: bool) -> None:
        """Frame in accent colour."""
        self._active = active
        self.update()

    def reset(self) -> None:
        """Fit and centre."""
        self._state = replace(self._state, zoom=1.0, pan_x=0.0, pan_y=0.0)
        self.update()

    def zoom_by(self, factor: float) -> None:
        """Magnify about the centre."""
        zoom = min(40.0, max(0.1, self._state.zoom * factor))
        ratio = zoom / self._state.zoom
        self._state = replace(
            self._state, zoom=zoom, pan_x=self._state.pan_x * ratio, pan_y=self._state.pan_y * ratio
        )
        self.update()

    @Slot()
    def _display_changed(self) -> None:
        if self._key:
            self._states[self._key] = self._state
        self._key = self._model.key
        first = self.count // 2
        self._state = self._states.get(self._key, ViewState(index=first))
        self._image, self._stamp, self._small = None, None, None
        self.index_changed.emit(self._state.index)
        self.update()

    @Slot()
    def _window_changed(self) -> None:
        self._hurry()

    @Slot()
    def _point_changed(self) -> None:
        plane, point = self.plane, self._model.point_mm
        if plane is not None and point is not None and self._model.linked:
            self.set_index(round(plane.place_of(point)[0]))
        self.update()

    def _hurry(self) -> None:
        """Draw at screen resolution now, at full quality when the hand rests."""
        self._fast = True
        self._settle.start(SETTLE_MS)
        self.update()

    @Slot()
    def settle(self) -> None:
        """Draw at full quality."""
        self._fast = False
        self.update()

    def hideEvent(self, event: Any) -> None:
        self._settle.stop()
        super().hideEvent(event)

    # geometry of the picture on the widget

    def _spacing(self) -> tuple[float, float]:
        """Size of a pixel (row, column) in mm, or (1, 1)."""
        plane = self.plane
        if plane is not None:
            return plane.spacing_mm[1], plane.spacing_mm[2]
        display = self._model.display
        if display is not None and display.pixel_spacing_mm is not None:
            return display.pixel_spacing_mm
        return 1.0, 1.0

    def _shape(self) -> tuple[int, int]:
        plane = self.plane
        if plane is not None:
            return plane.shape[1], plane.shape[2]
        display = self._model.display
        return (display.rows, display.columns) if display is not None else (1, 1)

    def px_per_mm(self) -> float:
        """Screen pixels per millimetre (per pixel without spacing)."""
        rows, columns = self._shape()
        row_mm, column_mm = self._spacing()
        fit = min(self.width() / (columns * column_mm), self.height() / (rows * row_mm))
        return fit * self._state.zoom

    def picture_rect(self) -> QRectF:
        """Where the picture lies on the widget."""
        rows, columns = self._shape()
        row_mm, column_mm = self._spacing()
        scale = self.px_per_mm()
        width, height = columns * column_mm * scale, rows * row_mm * scale
        x = (self.width() - width) / 2 + self._state.pan_x
        y = (self.height() - height) / 2 + self._state.pan_y
        return QRectF(x, y, width, height)

    def picture_position(self, place: QPointF) -> tuple[float, float]:
        """(row, column), continuous, pixel centres at whole numbers."""
        rect, (rows, columns) = self.picture_rect(), self._shape()
        row = (place.y() - rect.top()) / rect.height() * rows - 0.5
        column = (place.x() - rect.left()) / rect.width() * columns - 0.5
        return row, column

    def widget_position(self, row: float, column: float) -> QPointF:
        """Inverse of `picture_position`."""
        rect, (rows, columns) = self.picture_rect(), self._shape()
        return QPointF(
            rect.left() + (column + 0.5) / columns * rect.width(),
            rect.top() + (row + 0.5) / rows * rect.height(),
        )

    # pixels

    def _acquired_index(self) -> int:
        plane = self.plane
        if plane is None or plane.axes[0] == 0:
            index = self._state.index
            return plane.shape[0] - 1 - index if plane is not None and plane.flips[0] else index
        return 0

    def values(self) -> NDArray[Any] | None:
        """Modality values of the shown picture, or None while they are not there."""
        volume = self._model.volume
        if volume is None or self.count == 0:
            return None
        index = self._state.index
        plane = self.plane
        if plane is None or self.kind is PlaneKind.ACQUIRED:
            if index >= len(volume.ready) or not volume.ready[index]:
                return None
            return np.asarray(volume.voxels[index])
        return np.asarray(plane.picture(volume.voxels, index))

    def _ready_mask(self) -> NDArray[np.bool_] | None:
        volume, plane = self._model.volume, self.plane
        if volume is None or plane is None or self.kind is PlaneKind.ACQUIRED or volume.ready.all():
            return None
        spread = np.broadcast_to(volume.ready[:, None, None], volume.voxels.shape[:3])
        return np.asarray(plane.picture(spread, self._state.index))

    def _step(self) -> int:
        """Pixels (each way) that share a screen pixel."""
        rows, columns = self._shape()
        rect = self.picture_rect()
        ratio = self.devicePixelRatioF()
        return max(1, int(min(rows / rect.height(), columns / rect.width()) / ratio))

    def _thinned(self, values: NDArray[Any], step: int) -> NDArray[Any]:
        """Values at the screen's resolution; kept while only the window changes.

        Blocks are averaged before the window is applied, so that a large picture costs no more
        than the screen it is shown on; where padding lies among the values single ones are taken.
        """
        volume = self._model.volume
        loading = volume is not None and not volume.ready.all()
        rect, ratio = self.picture_rect(), self.devicePixelRatioF()
        size = (round(rect.height() * ratio), round(rect.width() * ratio)) if step > 1 else (0, 0)
        stamp = (id(volume), self._state.index, step, size)
        if not loading and self._small is not None and self._small[0] == stamp:
            return self._small[1]
        padded = self._model.info(self._acquired_index()).padding is not None
        if step > 1 and values.dtype.kind in "iu" and values.ndim == 2 and not padded:
            small = block_mean(values, step)
        else:
            small = values[::step, ::step]
        if step > 1:  # the exact screen pixels: nothing is left for the painter to scale
            rows, columns = (
                np.minimum((np.arange(n) + 0.5) * have / n, have - 1).astype(np.intp)
                for n, have in zip(size, small.shape[:2], strict=True)
            )
            small = small[rows][:, columns]
        small = np.ascontiguousarray(small)
        self._small = (stamp, small)
        return small

    def _sampled(self, mask: NDArray[np.bool_], shape: tuple[int, ...]) -> NDArray[np.bool_]:
        rows, columns = (
            (np.arange(n) * have // n) for n, have in zip(shape[:2], mask.shape, strict=True)
        )
        return np.asarray(mask[rows][:, columns])

    def _picture(self) -> QImage | None:
        model, volume = self._model, self._model.volume
        values = self.values()
        if values is None or volume is None:
            return None
        step = self._step()
        loaded = bool(volume.ready.all())
        count = int(volume.ready.sum()) if not loaded else -1
        if self.kind is PlaneKind.ACQUIRED:
            count = -1
        size = self.picture_rect().size().toTuple() if step > 1 else ()
        stamp = (id(volume), self._state.index, model.voi, model.invert, step, count, size)
        if stamp != self._stamp:
            values = self._thinned(values, step)
            info = model.info(self._acquired_index())
            inverted = info.inverted != model.invert
            grey = display_frame(values, info, model.voi, inverted=inverted)
            mask = self._ready_mask()
            if mask is not None:
                grey[~self._sampled(mask, grey.shape)] = 0
            self._image, self._stamp = grey_image(grey), stamp
        return self._image

    # painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(current().viewport))
        model = self._model
        if model.display is None:
            self._say(painter, self.tr("Open a study, or drop a folder here"))
        elif model.failure:
            self._say(painter, model.failure, bad=True)
        else:
            self._paint_picture(painter)
        if self._active:
            painter.setPen(QPen(QColor(current().accent), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self.rect().adjusted(1, 1, -1, -1))
        elif self.hasFocus():
            painter.setPen(QPen(QColor(current().accent), 1, Qt.PenStyle.DashLine))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self.rect().adjusted(1, 1, -2, -2))

    def _paint_picture(self, painter: QPainter) -> None:
        volume = self._model.volume
        image = self._picture()
        if image is not None:
            rect = self.picture_rect()
            # far in, single pixels stay visible; while the hand moves, speed counts
            smooth = rect.width() < 8 * self._shape()[1] and not self._fast
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
            painter.drawImage(rect, image)
            self._paint_overlay(painter, rect)
            if self._model.tool is Tool.CROSSHAIR or self.kind is not PlaneKind.ACQUIRED:
                paint_crosshair(painter, self, self._model)
        elif volume is not None and self._state.index in volume.failed:
            reason = volume.failed[self._state.index]
            self._say(
                painter,
                self.tr("Frame {0} could not be decoded: {1}").format(
                    self._state.index + 1, reason
                ),
                bad=True,
            )
        else:
            self._say(painter, self.tr("Loading ..."))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_annotations(painter, self, self._model)

    def _paint_overlay(self, painter: QPainter, rect: QRectF) -> None:
        model = self._model
        if model.overlay is None or not model.overlay_shown or self.kind is not PlaneKind.ACQUIRED:
            return
        if model.overlay_index != self._state.index:
            return
        stamp = (id(model.overlay), model.overlay_opacity)
        if stamp != self._heat_stamp:
            self._heat = heat_image(model.overlay, model.overlay_opacity)
            self._heat_stamp = stamp
        if self._heat is not None:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, True)
            painter.drawImage(rect, self._heat)

    @property
    def zoom(self) -> float:
        """1 = fits."""
        return self._state.zoom

    def fit_percent(self) -> float:
        """Screen pixels per picture pixel at zoom 1, in percent."""
        rect = self.picture_rect()
        return rect.width() / max(1, self._shape()[1]) / max(self._state.zoom, 1e-6) * 100

    def _say(self, painter: QPainter, text: str, *, bad: bool = False) -> None:
        painter.setPen(QColor(current().error if bad else current().overlay))
        box = QRectF(self.rect()).adjusted(24, 24, -24, -24)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, text)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._stamp = None
        super().resizeEvent(event)

    # hand

    def pan_by(self, dx: float, dy: float) -> None:
        """Move the picture by screen pixels."""
        state = self._state
        self._state = replace(state, pan_x=state.pan_x + dx, pan_y=state.pan_y + dy)
        self.update()

    def aim(self, place: QPointF) -> None:
        """Move the crosshair to a place on the widget."""
        plane = self.plane
        if plane is None:
            return
        row, column = self.picture_position(place)
        rows, columns = self._shape()
        row, column = min(max(row, 0), rows - 1), min(max(column, 0), columns - 1)
        self._model.set_point(plane.point_of(self._state.index, row, column))

    def probe(self, place: QPointF) -> None:
        """Tell position and value below the pointer."""
        values = self.values()
        row, column = (int(np.floor(v + 0.5)) for v in self.picture_position(place))
        rows, columns = self._shape()
        if values is None or not (0 <= row < rows and 0 <= column < columns):
            self.probed.emit("", "")
            return
        value = values[row, column]
        unit = self._model.info(self._acquired_index()).value_unit
        shown = ", ".join(str(int(v)) for v in value) if values.ndim == 3 else f"{value:g}"
        plane = self.plane
        where = f"{column}, {row}"
        if plane is not None:
            x, y, z = plane.point_of(self._state.index, row, column)
            where = f"{x:.1f}, {y:.1f}, {z:.1f} mm"
        self.probed.emit(where, f"{shown} {unit}".strip())
