"""One viewport: a plane of the shown display, drawn from modality values at each change."""

from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from medbench.domain.calibration import MmSource
from medbench.domain.image import FrameInfo
from medbench.domain.objects import PlaneGrid
from medbench.imaging.orientation import Letters, letters_of, turned
from medbench.imaging.reslice import MprPlane, PlaneKind
from medbench.imaging.slab import thicker
from medbench.ui.review.hand import Hand
from medbench.ui.review.layers import LayerImage
from medbench.ui.review.picture import PictureSource
from medbench.ui.review.placement import Placement
from medbench.ui.review.probe import probe_words
from medbench.ui.review.view_model import ViewModel
from medbench.ui.review.view_painter import ViewPainter

SETTLE_MS = 120


@dataclass(frozen=True)
class ViewState:
    """What one viewport remembers of one display."""

    index: int = 0
    zoom: float = 1.0
    """1 = fits."""
    pan_x: float = 0.0
    pan_y: float = 0.0
    rotation_deg: int = 0
    flip: bool = False


class Viewport(Hand):
    """Shows one plane; the left button does what the tool says.

    Signals
    -------
    index_changed : int
        Another slice is shown.
    probed : str, str
        Position in mm and value below the pointer, as text.
    layers_wanted : Viewport
        The picture has no layers yet that fit it.
    chip_chosen : Viewport, str
        Its plane chip asks for something else in its cell: a value of `PlaneKind`, or 'volume'.
    moved : Viewport
        Zoomed, panned or reset.
    """

    index_changed = Signal(int)
    probed = Signal(str, str)
    layers_wanted = Signal(object)
    chip_chosen = Signal(object, str)
    moved = Signal(object)

    def __init__(self, model: ViewModel, kind: PlaneKind, parent: QWidget | None = None) -> None:
        super().__init__(model, parent)
        self.kind = kind
        self._states: dict[str, ViewState] = {}
        self._key = ""
        self._state = ViewState()
        self._source = PictureSource(model, kind, self.update)
        self.layer_picture: LayerImage | None = None
        """What `LayerPainter` made; drawn only while its stamp fits."""
        self.lines_kept: Any = None
        """What `cross_lines` found last: painted, and asked for by the hand, many times."""
        self._painter = ViewPainter(self)
        self._fast = False
        self._active = False
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)  # paintEvent fills every pixel
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
        model.presentation_changed.connect(self.update)
        model.plane_state.slab_changed.connect(self._hurry)
        model.plane_state.fusion_changed.connect(self._hurry)
        if model.display is not None:  # made when its plane was first asked for
            self._display_changed()

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
        self._hurry_if_cut()

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
        self._state = replace(
            self._state, zoom=1.0, pan_x=0.0, pan_y=0.0, rotation_deg=0, flip=False
        )
        self.moved.emit(self)
        self.update()

    def rotate_by(self, degrees: int) -> None:
        """Turn the picture clockwise on the screen by a multiple of 90 degrees."""
        state = self._state
        turn = -degrees if state.flip else degrees  # the flip follows the turn
        self._state = replace(
            state, rotation_deg=(state.rotation_deg + turn) % 360, pan_x=0.0, pan_y=0.0
        )
        self.update()

    def flip_by(self, *, vertical: bool = False) -> None:
        """Mirror the picture on the screen, left to right or top to bottom."""
        state = self._state
        extra = 180 if vertical else 0  # top to bottom = half a turn, then left to right
        self._state = replace(
            state, rotation_deg=(state.rotation_deg + extra) % 360, flip=not state.flip
        )
        self.update()

    def zoom_by(self, factor: float) -> None:
        """Magnify about the centre."""
        zoom = min(40.0, max(0.1, self._state.zoom * factor))
        ratio = zoom / self._state.zoom
        self._state = replace(
            self._state, zoom=zoom, pan_x=self._state.pan_x * ratio, pan_y=self._state.pan_y * ratio
        )
        self.moved.emit(self)
        self.update()

    @Slot()
    def _display_changed(self) -> None:
        self.let_go()
        if self._key:
            self._states[self._key] = self._state
        self._key = self._model.view_key
        first = self.count // 2
        self._state = self._states.get(self._key, ViewState(index=first))
        self._source.forget()
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
        self._hurry_if_cut()

    def _hurry_if_cut(self) -> None:
        """Turned, thick and fused pictures are computed: coarsely while the hand moves."""
        if self._source.cuts.serves(self.plane) or self._model.plane_state.fusion is not None:
            self._hurry()
        else:
            self.update()

    @Slot()
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

    def showEvent(self, event: Any) -> None:
        super().showEvent(event)
        self._point_changed()  # the point may have moved while it was hidden

    def hideEvent(self, event: Any) -> None:
        self._settle.stop()
        super().hideEvent(event)

    # geometry of the picture on the widget

    def _pixel_size(self) -> tuple[float, float]:
        """Size of a pixel (row, column): mm where known, else its aspect."""
        plane, display = self.plane, self._model.display
        if plane is not None:
            return plane.spacing_mm[1], plane.spacing_mm[2]
        if display is not None and display.pixel_spacing_mm is not None:
            return display.pixel_spacing_mm
        return self.frame().pixel_aspect or (1.0, 1.0)

    def shape(self) -> tuple[int, int]:
        """Rows and columns of the picture."""
        plane = self.plane
        if plane is not None:
            return plane.shape[1], plane.shape[2]
        display = self._model.display
        return (display.rows, display.columns) if display is not None else (1, 1)

    def frame(self) -> FrameInfo:
        """Presentation of the shown picture."""
        return self._source.frame(self._state.index)

    def placement(self) -> Placement:
        """Where the picture lies on the widget."""
        rows, columns = self.shape()
        row_size, column_size = self._pixel_size()
        state = self._state
        rotation, flip = state.rotation_deg, state.flip
        if self._model.volume is not None and self.kind is PlaneKind.ACQUIRED:
            info = self.frame()
            rotation = (rotation * (-1 if info.flip_horizontal else 1) + info.rotation_deg) % 360
            flip = flip != info.flip_horizontal
        return Placement(
            max(1, rows), max(1, columns), row_size, column_size, max(1, self.width()),
            max(1, self.height()), state.zoom, state.pan_x, state.pan_y, rotation, flip,
        )  # fmt: skip

    def px_per_mm(self) -> float:
        """Screen pixels per millimetre across the screen; 0 where no millimetre is known."""
        place = self.placement()
        plane = self.plane
        if plane is not None and self.kind is not PlaneKind.ACQUIRED:
            return place.scale
        rows, columns = self.shape()
        found = self.frame().calibration.at((rows / 2, columns / 2))
        if found is None or found.source is MmSource.NONE:
            return 0.0
        along = (place.row_size, found.row_mm) if place.turned else (
            place.column_size, found.column_mm)  # fmt: skip
        return place.scale * along[0] / along[1]

    def picture_rect(self) -> QRectF:
        """Where the picture lies on the widget."""
        return self.placement().rect()

    def picture_position(self, place: QPointF) -> tuple[float, float]:
        """(row, column), continuous, pixel centres at whole numbers."""
        return self.placement().to_picture(place)

    def widget_position(self, row: float, column: float) -> QPointF:
        """Inverse of `picture_position`."""
        return self.placement().to_widget(row, column)

    def letters(self) -> Letters:
        """Patient sides at the left, right, top and bottom of the screen (T32, T33)."""
        plane, place = self.plane, self.placement()
        found = plane.letters() if plane is not None else letters_of(self.frame().orientation)
        return turned(found, place.rotation_deg, flip_horizontal=place.flip)

    def grid(self) -> PlaneGrid | None:
        """The shown picture in the patient; None without geometry."""
        plane = self.plane
        if plane is None:
            return None
        origin = plane.point_of(self._state.index, 0, 0)
        row, column = plane.row_direction, plane.column_direction
        return PlaneGrid(
            (float(origin[0]), float(origin[1]), float(origin[2])),
            (float(row[0]), float(row[1]), float(row[2])),
            (float(column[0]), float(column[1]), float(column[2])),
            plane.spacing_mm[1], plane.spacing_mm[2], plane.shape[1], plane.shape[2],
        )  # fmt: skip

    def values(self) -> NDArray[Any] | None:
        """Modality values of the shown picture, or None while they are not there."""
        return self._source.values(self._state.index) if self.count else None

    def layer_stamp(self) -> Any:
        """What the layers of the shown picture depend on."""
        model = self._model
        return (model.key, self._state.index, self.plane, model.layer_revision)

    def instance(self) -> tuple[str, int]:
        """SOP Instance UID and frame of the shown acquired picture; '' for cuts."""
        display = self._model.display
        if display is None or self.kind is not PlaneKind.ACQUIRED or not self.count:
            return "", 0
        ref = display.frames[min(self._state.index, display.slices - 1)]
        return ref.sop_instance_uid, ref.frame

    # painting

    def paintEvent(self, event: QPaintEvent) -> None:
        self._painter.paint(QPainter(self))

    @property
    def hurried(self) -> bool:
        """Whether the hand moves: speed counts, not quality."""
        return self._fast

    @property
    def active(self) -> bool:
        """Whether it has the frame of the active viewport."""
        return self._active

    def image(self, place: Placement) -> QImage | None:
        """The shown picture, ready to draw; None while it is not there."""
        if not self.count:
            return None
        ratio = self.devicePixelRatioF()
        return self._source.image(self._state.index, place, ratio, hurry=self._fast)

    @property
    def zoom(self) -> float:
        """1 = fits."""
        return self._state.zoom

    def fit_percent(self) -> float:
        """Screen pixels per picture pixel at zoom 1, in percent."""
        place = self.placement()
        return place.native_size.width() / place.columns / max(self._state.zoom, 1e-6) * 100

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._source.forget()
        super().resizeEvent(event)

    # hand

    def pan_by(self, dx: float, dy: float) -> None:
        """Move the picture by screen pixels."""
        state = self._state
        self._state = replace(state, pan_x=state.pan_x + dx, pan_y=state.pan_y + dy)
        self.moved.emit(self)
        self.update()

    def aim(self, place: QPointF) -> None:
        """Move the crosshair to a place on the widget."""
        plane = self.plane
        if plane is None:
            return
        row, column = self.picture_position(place)
        rows, columns = self.shape()
        row, column = min(max(row, 0), rows - 1), min(max(column, 0), columns - 1)
        self._model.set_point(plane.point_of(self._state.index, row, column))

    @property
    def can_be_thick(self) -> bool:
        """Whether the shown slices can be joined to slabs."""
        return self._source.cuts.can_be_thick(self.plane)

    def thicken(self, steps: int) -> None:
        """A slab's thickness in steps of the slices, at least a millimetre; thin is a slice."""
        plane, state = self.plane, self._model.plane_state
        if plane is not None and steps and self.can_be_thick:
            state.set_slab(self.kind, thicker(state.slab(self.kind), plane.spacing_mm[0], steps))

    def probe(self, place: QPointF) -> None:
        """Tell position and value below the pointer."""
        self.probed.emit(*probe_words(self, place))

    def value_at(self, row: int, column: int) -> Any:
        """Modality value of a pixel (three of colour); None where there is none yet."""
        plane, index = self.plane, self._state.index
        if plane is not None and self._source.cuts.serves(plane):
            return self._source.cuts.value_at(plane, index, row, column)
        values = self.values()
        return None if values is None else values[row, column]
