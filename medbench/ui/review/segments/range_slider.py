"""A slider with two ends."""

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from medbench.ui.theme.current import current

_RADIUS = 7.0
_STEPS = 200


class RangeSlider(QWidget):
    """Two values between limits; arrow keys move the end that was touched last, Tab-free.

    Left and Right move the end in the hand, Up and Down choose the upper or lower one.

    Signals
    -------
    changed : float, float
        The reader moved an end.
    """

    changed = Signal(float, float)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._limits = (0.0, 1.0)
        self._values = (0.0, 1.0)
        self._upper = True
        self._held = False

    def sizeHint(self) -> QSize:
        return QSize(120, 20)

    @property
    def limits(self) -> tuple[float, float]:
        """Smallest and largest value."""
        return self._limits

    @property
    def values(self) -> tuple[float, float]:
        """Both ends."""
        return self._values

    def set_limits(self, low: float, high: float) -> None:
        """Other limits; the values stay, cut to them."""
        self._limits = (low, max(high, low + 1e-9))
        self.show_values(*self._values)

    def show_values(self, low: float, high: float) -> None:
        """Without a signal."""
        a, b = self._limits
        self._values = (min(max(low, a), b), min(max(high, a), b))
        self.setAccessibleDescription(f"{self._values[0]:g} – {self._values[1]:g}")
        self.update()

    def _x(self, value: float) -> float:
        low, high = self._limits
        return _RADIUS + (self.width() - 2 * _RADIUS) * (value - low) / (high - low)

    def _value(self, x: float) -> float:
        low, high = self._limits
        part = (x - _RADIUS) / max(1.0, self.width() - 2 * _RADIUS)
        return low + min(1.0, max(0.0, part)) * (high - low)

    def _move(self, value: float) -> None:
        low, high = self._values
        pair = (min(low, value), value) if self._upper else (value, max(high, value))
        if self._limits[1] - self._limits[0] > _STEPS:
            pair = (float(round(pair[0])), float(round(pair[1])))
        if pair != self._values:
            self.show_values(*pair)
            self.changed.emit(*self._values)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton:
            x = event.position().x()
            low, high = (self._x(v) for v in self._values)
            self._upper = abs(x - high) < abs(x - low) or (low == high and x > high)
            self._held = True
            self._move(self._value(x))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._held:
            self._move(self._value(event.position().x()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._held = False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        low, high = self._limits
        step = (high - low) / _STEPS
        if high - low > _STEPS:
            step = max(1.0, float(round(step)))
        at = self._values[1 if self._upper else 0]
        if event.key() == Qt.Key.Key_Left:
            self._move(max(low, at - step))
        elif event.key() == Qt.Key.Key_Right:
            self._move(min(high, at + step))
        elif event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self._upper = event.key() == Qt.Key.Key_Up
            self.update()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        y = self.height() / 2
        low, high = (self._x(v) for v in self._values)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.track))
        painter.drawRoundedRect(QRectF(_RADIUS, y - 2, self.width() - 2 * _RADIUS, 4), 2, 2)
        painter.setBrush(QColor(tokens.accent))
        painter.drawRoundedRect(QRectF(low, y - 2, high - low, 4), 2, 2)
        for x, upper in ((low, False), (high, True)):
            held = self.hasFocus() and upper == self._upper
            painter.setPen(QPen(QColor(tokens.accent if held else tokens.accent_fill), 2))
            painter.setBrush(QColor(tokens.selection if held else tokens.on_accent))
            painter.drawEllipse(QRectF(x - 6, y - 6, 12, 12))
