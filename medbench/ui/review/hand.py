"""What mouse, wheel and keys do to a viewport."""

from typing import TYPE_CHECKING, Any, cast

import numpy as np
from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from medbench.imaging.window import anatomy
from medbench.ui.review.pointer import PointerTool
from medbench.ui.review.view_model import Tool, ViewModel

if TYPE_CHECKING:
    from medbench.ui.review.viewport import Viewport

ZOOM_STEP = 1.15
_WHEEL_NOTCH = 120
_SCROLL_PX = 6
_FAST_STEPS = 10
"""Pictures that a notch of the wheel goes with Shift."""
_FINE, _COARSE = 0.1, 4.0
"""Speed of the window with Shift and with Ctrl (asked for in Weasis#634)."""
_WINDOW_PX = 300.0
_RANGE_SHARE = 0.125
_RANGE_SAMPLE = 20_000
_THICKEN = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier


class Hand(QWidget):
    """Base of a viewport: turns events into moves; the subclass knows what is shown.

    Signals
    -------
    activated : Viewport
        It was clicked.
    maximise_requested : Viewport
        Double click.
    """

    activated = Signal(object)
    maximise_requested = Signal(object)

    def __init__(self, model: ViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._drag: tuple[Qt.MouseButton, QPointF] | None = None
        self._grip: PointerTool | None = None
        """Who took the press: it gets the moves and the release."""
        self._wheel = 0
        self._range: float | None = None
        """Spread of the picture's values while the window is dragged."""
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    # what the subclass provides

    @property
    def index(self) -> int:
        """Shown picture."""
        raise NotImplementedError

    @property
    def count(self) -> int:
        """Pictures there are."""
        raise NotImplementedError

    def set_index(self, index: int) -> None:
        """Show another picture."""
        raise NotImplementedError

    def zoom_by(self, factor: float) -> None:
        """Magnify."""
        raise NotImplementedError

    def pan_by(self, dx: float, dy: float) -> None:
        """Move the picture."""
        raise NotImplementedError

    def aim(self, place: QPointF) -> None:
        """Move the crosshair."""
        raise NotImplementedError

    def probe(self, place: QPointF) -> None:
        """Tell what lies below the pointer."""
        raise NotImplementedError

    def thicken(self, steps: int) -> None:
        """Make the slab thicker or thinner."""
        raise NotImplementedError

    # events

    @property
    def model(self) -> ViewModel:
        """What it shows."""
        return self._model

    def _first(self, asked: str, event: Any) -> PointerTool | None:
        """Who takes an event: layers from the top, then the tool in the hand."""
        for tool in self._model.toolbox.chain():
            if getattr(tool, asked)(self, event):
                return tool
        return None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.activated.emit(self)
        self.setFocus()
        if event.button() is Qt.MouseButton.LeftButton:
            self._grip = self._first("press", event)
            if self._grip is not None:
                return
        self._drag, self._range = (event.button(), event.position()), None
        if event.button() is Qt.MouseButton.LeftButton and self._model.tool is Tool.CROSSHAIR:
            self.aim(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self.probe(event.position())
        if self._grip is not None:
            self._grip.move(cast("Viewport", self), event)
            return
        if self._drag is None:
            self._first("move", event)
            return
        button, before = self._drag
        delta = event.position() - before
        mouse = self._model.toolbox.mouse
        tool = {
            Qt.MouseButton.RightButton: Tool(mouse.right),
            Qt.MouseButton.MiddleButton: Tool(mouse.middle),
        }.get(button, self._model.tool)
        self._drag = (button, event.position())
        if tool is Tool.WINDOW:
            self.drag_window(delta.x(), delta.y(), event.modifiers())
        elif tool is Tool.PAN:
            self.pan_by(delta.x(), delta.y())
        elif tool is Tool.ZOOM:
            self.zoom_by(float(np.exp(-delta.y() / 150)))
        elif tool is Tool.SCROLL:
            self._scroll_px(round(delta.y()))
        elif tool is Tool.CROSSHAIR:
            self.aim(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._drag = None
        if self._grip is not None and event.button() is Qt.MouseButton.LeftButton:
            grip, self._grip = self._grip, None
            grip.release(cast("Viewport", self), event)

    def let_go(self) -> None:
        """Another display: what the hand was doing on this one is dropped, not finished."""
        self._drag = None
        if self._grip is not None:
            grip, self._grip = self._grip, None
            grip.put_down()

    def leaveEvent(self, event: QEvent) -> None:
        for tool in self._model.toolbox.chain():
            tool.leave(cast("Viewport", self))
        super().leaveEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton and self._first("double_click", event):
            return
        if event.button() is Qt.MouseButton.LeftButton:
            self.maximise_requested.emit(self)

    def _scroll_px(self, dy: int) -> None:
        self._wheel += dy
        steps = int(self._wheel / _SCROLL_PX)
        self._wheel -= steps * _SCROLL_PX
        self.set_index(self.index + steps)

    def drag_window(
        self, dx: float, dy: float, keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
    ) -> None:
        """Right widens, down darkens (raises the centre).

        300 pixels move the level by the width and an eighth of the spread of the picture's values,
        so that a narrow window can be left as fast as a wide one; twice as much for the width.
        Shift is ten times finer, Ctrl four times coarser.
        """
        window = self._model.window
        if window is None:
            return
        if self._range is None:
            self._range = self._spread()
        unit = (window.width + _RANGE_SHARE * self._range) / _WINDOW_PX
        if keys & Qt.KeyboardModifier.ShiftModifier:
            unit *= _FINE
        elif keys & Qt.KeyboardModifier.ControlModifier:
            unit *= _COARSE
        self._model.set_voi(window.moved(window.center + dy * unit, window.width + dx * unit * 2))

    def _spread(self) -> float:
        """From the 0.5th to the 99.5th percentile of the shown values, padding left out."""
        view = cast("Viewport", self)
        values = view.values()
        if values is None or not values.size:
            return 0.0
        picked = np.asarray(values).ravel()[:: max(1, values.size // _RANGE_SAMPLE)]
        picked = anatomy(picked, view.frame().padding)
        if not picked.size:
            return 0.0
        low, high = np.percentile(picked, [0.5, 99.5])
        return float(high - low)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if event.modifiers() == _THICKEN:
            self._wheel += event.angleDelta().y()
            steps = int(self._wheel / _WHEEL_NOTCH)
            self._wheel -= steps * _WHEEL_NOTCH
            self.thicken(steps)
            return
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.zoom_by(ZOOM_STEP ** (event.angleDelta().y() / _WHEEL_NOTCH))
            return
        self._wheel += event.angleDelta().y()
        steps = int(self._wheel / _WHEEL_NOTCH)
        self._wheel -= steps * _WHEEL_NOTCH
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            steps *= _FAST_STEPS
        if steps:
            self.set_index(self.index - steps)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._first("key", event) is not None:
            return
        if not self._model.toolbox.press_key(event):
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """Tab goes to the next viewport; behind the last one it leaves the wall."""
        if event.type() is QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            way = {Qt.Key.Key_Tab: True, Qt.Key.Key_Backtab: False}.get(Qt.Key(event.key()))
            if way is not None and self._model.toolbox.press_tab(way):
                event.accept()
                return True
        return super().event(event)
