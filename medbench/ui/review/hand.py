"""What mouse, wheel and keys do to a viewport."""

from typing import TYPE_CHECKING, Any, cast

import numpy as np
from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from medbench.ui.review.pointer import PointerTool
from medbench.ui.review.view_model import Tool, ViewModel

if TYPE_CHECKING:
    from medbench.ui.review.viewport import Viewport

ZOOM_STEP = 1.15
_WHEEL_NOTCH = 120
_SCROLL_PX = 6
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
        self._drag = (event.button(), event.position())
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
        tool = {
            Qt.MouseButton.RightButton: Tool.WINDOW,
            Qt.MouseButton.MiddleButton: Tool.PAN,
        }.get(button, self._model.tool)
        self._drag = (button, event.position())
        if tool is Tool.WINDOW:
            self.drag_window(delta.x(), delta.y())
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

    def drag_window(self, dx: float, dy: float) -> None:
        """Right widens, down darkens (raises the centre): in steps of the width."""
        window = self._model.window
        if window is None:
            return
        unit = window.width / 300
        self._model.set_voi(window.moved(window.center + dy * unit, window.width + dx * unit * 2))

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
        if steps:
            self.set_index(self.index - steps)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._first("key", event) is not None:
            return
        page = max(1, self.count // 10)
        steps = {
            Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_PageUp: -page,
            Qt.Key.Key_PageDown: page, Qt.Key.Key_Home: -self.count, Qt.Key.Key_End: self.count,
        }  # fmt: skip
        if event.key() in steps:
            self.set_index(self.index + steps[Qt.Key(event.key())])
        elif event.key() in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom_by(ZOOM_STEP)
        elif event.key() == Qt.Key.Key_Minus:
            self.zoom_by(1 / ZOOM_STEP)
        else:
            super().keyPressEvent(event)
