"""A page of paper: its millimetres, its rows, the seconds it shows, keys and mouse."""

from dataclasses import replace
from typing import Protocol

from PySide6.QtCore import QPointF, QSize, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QKeyEvent,
    QMouseEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QMenu, QSizePolicy, QWidget

from medbench.domain.objects import Waveform
from medbench.imaging.signals import round_step
from medbench.ui.review.ecg.layouts import (
    Layout,
    Strip,
    rows_of,
    simultaneous,
    strips_of,
)
from medbench.ui.review.ecg.scale import PAGE_MM, RIGHT_MM, PaperScale, real_px_per_mm
from medbench.ui.review.ecg.source import TraceSource

_TOP_PX, _BOTTOM_PX = 60.0, 38.0
_LEAST_ROW_MM = 12.0
_ROOMY_ROW_MM = 22.0
_BOX_MM = 5.0
_ZOOM_STEP = 1.1
_PX_PER_MM = (1.5, 24.0)


class PaperHand(Protocol):
    """Who is asked before the paper is moved; True: the event is taken."""

    def press(self, event: QMouseEvent) -> bool:
        """Left button down."""
        ...

    def move(self, event: QMouseEvent) -> bool:
        """The pointer moved."""
        ...

    def release(self, event: QMouseEvent) -> bool:
        """Left button up."""
        ...

    def double_click(self, event: QMouseEvent) -> bool:
        """Second press of a double click."""
        ...

    def key(self, event: QKeyEvent) -> bool:
        """A key, before the page's own."""
        ...

    def menu(self, place: QPointF) -> QMenu | None:
        """What the right button offers there."""
        ...


class PaperPage(QWidget):
    """Scale, layout and window of a page, and the hand that moves it; `PaperView` draws it.

    Signals
    -------
    window_changed
        Other seconds, another scale or another layout are shown.
    """

    window_changed = Signal()

    def __init__(self, source: TraceSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.source = source
        self.strips: tuple[Strip, ...] = ()
        self.layout_kind = Layout.CHANNELS
        self.look = "paper"
        self.show_marks = True
        self.show_patient = True
        self._scale = PaperScale()
        self._fit = True
        self._start_s = 0.0
        self._top_mm = 0.0
        self._drag: tuple[QPointF, float] | None = None
        self.hand: PaperHand | None = None
        self.rest_cursor = Qt.CursorShape.ArrowCursor
        self.setMouseTracking(True)
        self.setMinimumSize(320, 200)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(self.tr("Waveform on paper"))
        source.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(900, 600)

    # what is shown

    @property
    def waveform(self) -> Waveform | None:
        """The shown group."""
        return self.source.waveform

    def show_waveform(self, layout: Layout) -> None:
        """The source has another waveform: begin at its start."""
        self._start_s = 0.0
        self.set_layout_kind(layout)

    def set_layout_kind(self, layout: Layout) -> None:
        """Another arrangement of the page."""
        self.layout_kind = layout
        waveform = self.waveform
        self.strips = strips_of(waveform, layout) if waveform is not None else ()
        self._top_mm = 0.0
        self._changed()

    def set_speed(self, mm_per_s: float) -> None:
        """Paper speed."""
        self._scale = replace(self._scale, mm_per_s=mm_per_s)
        self._changed()

    def set_gain(self, mm_per_mv: float) -> None:
        """Height of a millivolt."""
        self._scale = replace(self._scale, mm_per_mv=mm_per_mv)
        self._changed()

    def set_look(self, look: str) -> None:
        """``paper`` or ``dark``."""
        self.look = look
        self.update()

    def fit_width(self) -> None:
        """A page of 250 mm fills the width."""
        self._fit = True
        self._changed()

    def set_size(self, share: float) -> None:
        """1.0: a millimetre of paper is a millimetre of the screen."""
        self._zoom_to(real_px_per_mm(self.screen())[0] * share)

    def zoom_by(self, factor: float) -> None:
        """Larger or smaller paper."""
        self._zoom_to(self.scale.px_per_mm * factor)

    def _zoom_to(self, px_per_mm: float) -> None:
        low, high = _PX_PER_MM
        self._scale = replace(self._scale, px_per_mm=min(high, max(low, px_per_mm)))
        self._fit = False
        self._changed()

    @property
    def fits(self) -> bool:
        """Whether the paper follows the width of the window."""
        return self._fit

    @property
    def share(self) -> float:
        """Size of a paper millimetre against a real one."""
        return self.scale.px_per_mm / real_px_per_mm(self.screen())[0]

    def _changed(self) -> None:
        self._start_s = self._clamped(self._start_s)
        self._top_mm = min(max(0.0, self._top_mm), self.hidden_mm)
        self.window_changed.emit()
        self.update()

    # geometry

    @property
    def scale(self) -> PaperScale:
        """Millimetres in pixels, seconds and millivolts."""
        if not self._fit:
            return self._scale
        room = self.width() / (self._scale.left_mm + PAGE_MM + RIGHT_MM)
        low, high = _PX_PER_MM
        return replace(self._scale, px_per_mm=min(high, max(low, room)))

    @property
    def page_s(self) -> float:
        """Seconds from the left to the right end of a full-width trace."""
        scale = self.scale
        room_mm = self.width() / scale.px_per_mm - scale.left_mm - RIGHT_MM
        return max(10.0, room_mm) / scale.mm_per_s

    @property
    def start_s(self) -> float:
        """First shown second."""
        return self._start_s

    @property
    def together(self) -> bool:
        """Whether the columns show the same seconds."""
        waveform = self.waveform
        return waveform is not None and simultaneous(waveform.duration_s, self.page_s)

    @property
    def row_mm(self) -> float:
        """Distance of two rows."""
        rows = rows_of(self.strips)
        room_mm = (self.height() - _TOP_PX - _BOTTOM_PX) / self.scale.px_per_mm
        return max(_LEAST_ROW_MM, room_mm / rows)

    @property
    def hidden_mm(self) -> float:
        """Paper above and below what fits the window."""
        scale = self.scale
        room_mm = (self.height() - _TOP_PX - _BOTTOM_PX) / scale.px_per_mm
        return max(0.0, rows_of(self.strips) * self.row_mm - room_mm)

    @property
    def top_mm(self) -> float:
        """How far the paper is scrolled down."""
        return self._top_mm

    def baseline_px(self, row: int) -> float:
        """Zero line of a row: on a line of the grid, so that heights can be counted."""
        scale = self.scale
        roomy = self.row_mm >= _ROOMY_ROW_MM
        middle = _TOP_PX / scale.px_per_mm + self.row_mm * (row + (0.56 if roomy else 0.5))
        line = _BOX_MM if roomy else 1.0
        return (round(middle / line) * line - self._top_mm) * scale.px_per_mm

    def strip_px(self, strip: Strip) -> tuple[float, float]:
        """Left and right end of a strip."""
        scale = self.scale
        width = self.page_s * scale.px_per_s / strip.columns
        left = scale.left_mm * scale.px_per_mm + strip.column * width
        return left, left + width

    def unit_mm(self, channel: int) -> float:
        """Units of a channel that a millimetre stands for."""
        waveform = self.waveform
        if waveform is None:
            return 1.0
        if waveform.channels[channel].unit == "mV":
            return 1.0 / self.scale.mm_per_mv
        ranges = self.source.ranges
        low, _, high = ranges[channel] if ranges else (0.0, 0.0, 0.0)
        return round_step((high - low) / max(5.0, 0.8 * self.row_mm))

    def level(self, channel: int) -> float:
        """Value on the zero line: ECG hangs on its median, other signals on a round value."""
        waveform, ranges = self.waveform, self.source.ranges
        if waveform is None or not ranges:
            return 0.0
        low, middle, high = ranges[channel]
        if waveform.channels[channel].unit == "mV":
            return middle if self.source.active.low_hz is None else 0.0
        step = self.unit_mm(channel) * 5
        return round((low + high) / 2 / step) * step

    # moving

    def _clamped(self, start_s: float) -> float:
        waveform = self.waveform
        if waveform is None:
            return 0.0
        return min(max(0.0, start_s), max(0.0, waveform.duration_s - self.page_s))

    def set_start(self, start_s: float) -> None:
        """Scroll to a second; stays inside the record."""
        start_s = self._clamped(start_s)
        if start_s != self._start_s:
            self._start_s = start_s
            self.window_changed.emit()
            self.update()

    def set_top(self, top_mm: float) -> None:
        """Scroll up and down where not all rows fit."""
        top_mm = min(max(0.0, top_mm), self.hidden_mm)
        if top_mm != self._top_mm:
            self._top_mm = top_mm
            self.window_changed.emit()
            self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        delta = event.angleDelta()
        turn = (delta.y() or delta.x()) / 120
        keys = event.modifiers()
        if keys & Qt.KeyboardModifier.ControlModifier:
            self.zoom_by(_ZOOM_STEP**turn)
        elif keys & Qt.KeyboardModifier.ShiftModifier:
            self.set_top(self._top_mm - turn * 2 * _BOX_MM)
        else:
            self.set_start(self._start_s - turn * self.page_s / 10)
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self.hand is not None and self.hand.key(event):
            return
        box_s = _BOX_MM / self.scale.mm_per_s
        end = self.waveform.duration_s if self.waveform is not None else 0.0
        moves = {
            Qt.Key.Key_Left: self._start_s - box_s, Qt.Key.Key_Right: self._start_s + box_s,
            Qt.Key.Key_PageUp: self._start_s - self.page_s,
            Qt.Key.Key_PageDown: self._start_s + self.page_s,
            Qt.Key.Key_Home: 0.0, Qt.Key.Key_End: end,
        }  # fmt: skip
        tops = {Qt.Key.Key_Up: -2 * _BOX_MM, Qt.Key.Key_Down: 2 * _BOX_MM}
        key = Qt.Key(event.key())
        if key in moves:
            self.set_start(moves[key])
        elif key in tops:
            self.set_top(self._top_mm + tops[key])
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Minus):
            self.zoom_by(_ZOOM_STEP if key is Qt.Key.Key_Plus else 1 / _ZOOM_STEP)
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        left = event.button() is Qt.MouseButton.LeftButton
        if left and self.hand is not None and self.hand.press(event):
            return
        if left or event.button() is Qt.MouseButton.MiddleButton:
            self._drag = (event.position(), self._start_s)
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._drag is not None:
            begin, start_s = self._drag
            moved = event.position().x() - begin.x()
            self.set_start(start_s - moved / self.scale.px_per_s)
        elif self.hand is not None:
            self.hand.move(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._drag is not None:
            self._drag = None
            self.setCursor(self.rest_cursor)
        elif event.button() is Qt.MouseButton.LeftButton and self.hand is not None:
            self.hand.release(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self.hand is None or not self.hand.double_click(event):
            self.mousePressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = self.hand.menu(QPointF(event.pos())) if self.hand is not None else None
        if menu is not None:
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.popup(event.globalPos())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._changed()
