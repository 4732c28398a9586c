"""What mouse, wheel and keys do to the 3-D view."""

import numpy as np
from PySide6.QtCore import QEvent, QPointF, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QHideEvent, QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from medbench.imaging.render3d_camera import STANDARD_VIEWS

ZOOM_STEP = 1.15
SETTLE_MS = 180
_WHEEL_NOTCH = 120
_CLICK_PX = 4
_FINE, _COARSE = 0.2, 4.0
_TURN_DEG, _FINE_TURN_DEG = 10.0, 1.0
_ARROWS = {
    Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}  # fmt: skip


class VolumeHand(QWidget):
    """Base of the 3-D view: left turns, middle pans, right windows, the wheel zooms.

    Keys A, P, L, R, H, F look from that side of the patient while the view has the focus; arrows
    turn by 10 degrees, with Shift by 1.

    Signals
    -------
    activated : VolumeHand
        It was clicked.
    maximise_requested : VolumeHand
        Double click.
    """

    activated = Signal(object)
    maximise_requested = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._drag: tuple[Qt.MouseButton, QPointF] | None = None
        self._pressed = QPointF()
        self._travelled = False
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.timeout.connect(self._rested)

    # what the subclass provides

    def turn(self, begin: QPointF, end: QPointF) -> None:
        """The hand moved the front of the volume."""
        raise NotImplementedError

    def turn_by(self, right_deg: float, down_deg: float) -> None:
        """The front of the volume moves by angles."""
        raise NotImplementedError

    def pan_by(self, dx: float, dy: float) -> None:
        """Move the picture by screen pixels."""
        raise NotImplementedError

    def zoom_by(self, factor: float, place: QPointF | None = None) -> None:
        """Magnify about a place."""
        raise NotImplementedError

    def drag_window(self, dx: float, dy: float) -> None:
        """Change the window."""
        raise NotImplementedError

    def clicked(self, place: QPointF) -> None:
        """A click that was no drag."""
        raise NotImplementedError

    def click_taken_back(self) -> None:
        """The click was the first half of a double click."""
        raise NotImplementedError

    def look_from(self, side: str) -> None:
        """Another standard view."""
        raise NotImplementedError

    def refresh(self) -> None:
        """Ask for the picture that belongs to the state."""
        raise NotImplementedError

    # movement

    @property
    def moving(self) -> bool:
        """Whether the hand is at it: quick pictures are enough."""
        return (self._drag is not None and self._travelled) or self._settle.isActive()

    def hurry(self) -> None:
        """A move without a button (wheel, key): full quality when no other follows."""
        if self._drag is None:
            self._settle.start(SETTLE_MS)
        self.refresh()

    @Slot()
    def _rested(self) -> None:
        self.refresh()

    def hideEvent(self, event: QHideEvent) -> None:
        self._settle.stop()
        self._drag = None
        super().hideEvent(event)

    # events

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.activated.emit(self)
        self.setFocus()
        self._settle.stop()
        self._drag = (event.button(), event.position())
        self._pressed, self._travelled = event.position(), False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._drag is None:
            return
        button, before = self._drag
        place = event.position()
        if not self._travelled:
            moved = place - self._pressed
            if abs(moved.x()) + abs(moved.y()) < _CLICK_PX:
                return
            self._travelled = True
        self._drag = (button, place)
        delta = place - before
        if button is Qt.MouseButton.LeftButton:
            self.turn(before, place)
        elif button is Qt.MouseButton.MiddleButton:
            self.pan_by(delta.x(), delta.y())
        elif button is Qt.MouseButton.RightButton:
            speed = 1.0
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                speed = _FINE
            elif event.modifiers() & Qt.KeyboardModifier.ControlModifier:
                speed = _COARSE
            self.drag_window(delta.x() * speed, delta.y() * speed)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        drag, self._drag = self._drag, None
        if drag is None:
            return
        if self._travelled:
            self.refresh()
        elif event.button() is Qt.MouseButton.LeftButton:
            self.clicked(event.position())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton:
            self.click_taken_back()
            self.maximise_requested.emit(self)

    def wheelEvent(self, event: QWheelEvent) -> None:
        notches = event.angleDelta().y() / _WHEEL_NOTCH
        if notches:
            self.zoom_by(ZOOM_STEP**notches, event.position())

    def event(self, event: QEvent) -> bool:
        # its own letters come before commands of the same key, as long as it has the focus
        if event.type() is QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            plain = event.modifiers() == Qt.KeyboardModifier.NoModifier
            if plain and event.text().upper() in STANDARD_VIEWS:
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        letter = event.text().upper()
        modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if letter in STANDARD_VIEWS and modifiers == Qt.KeyboardModifier.NoModifier:
            self.look_from(letter)
        elif event.key() in _ARROWS:
            fine = bool(modifiers & Qt.KeyboardModifier.ShiftModifier)
            step = _FINE_TURN_DEG if fine else _TURN_DEG
            right, down = _ARROWS[Qt.Key(event.key())]
            self.turn_by(right * step, down * step)
        elif event.key() in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom_by(ZOOM_STEP)
        elif event.key() == Qt.Key.Key_Minus:
            self.zoom_by(1 / ZOOM_STEP)
        else:
            super().keyPressEvent(event)


def ball_place(widget: QWidget, place: QPointF) -> tuple[float, float]:
    """A place in radii of the trackball, from the middle of the widget."""
    radius = max(1.0, float(np.hypot(widget.width(), widget.height())) * 0.35)
    return (place.x() - widget.width() / 2) / radius, (place.y() - widget.height() / 2) / radius
