"""Histogram of a slice with the window as a ramp."""

from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from medbench.domain.image import VoiWindow
from medbench.imaging.window import grey_histogram
from medbench.ui.theme.current import current

_HIT_PX = 7.0


class WindowHistogram(QWidget):
    """Grey values of the slice with the window as a ramp; dragging moves the window.

    Signals
    -------
    window_wanted : float, float
        Centre and width.
    """

    window_wanted = Signal(float, float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(96)
        self.setAccessibleName(self.tr("Histogram and window"))
        self._edges: np.ndarray[Any, Any] | None = None
        self._counts: np.ndarray[Any, Any] | None = None
        self._window: VoiWindow | None = None
        self._grip = ""
        """The handle that is held: it stays the same while it is dragged past another."""
        self.setMouseTracking(True)

    def show_values(self, values: Any, padding: Any) -> None:
        """Histogram of a slice."""
        self._edges, self._counts = grey_histogram(values, padding)
        self.update()

    def clear(self) -> None:
        """Nothing to count: colour."""
        self._edges = self._counts = self._window = None
        self.update()

    def show_window(self, window: VoiWindow | None) -> None:
        """The ramp."""
        self._window = window
        self.update()

    def _x(self, value: float) -> float:
        assert self._edges is not None
        low, high = float(self._edges[0]), float(self._edges[-1])
        return (value - low) / max(high - low, 1e-9) * self.width()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        tokens = current()
        if self._edges is None or self._counts is None:
            return
        height = self.height() - 12
        level = np.sqrt(self._counts / max(1, int(self._counts.max())))
        step = self.width() / len(level)
        outline = QPolygonF([QPointF(0, height)])
        for i, part in enumerate(level):
            outline.append(QPointF((i + 0.5) * step, height - part * (height - 6)))
        outline.append(QPointF(self.width(), height))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.disabled))
        painter.drawPolygon(outline)
        if self._window is None:
            return
        low = self._x(self._window.center - self._window.width / 2)
        high = self._x(self._window.center + self._window.width / 2)
        painter.setPen(QPen(QColor(tokens.accent), 1.5))
        painter.drawLine(QPointF(low, height), QPointF(high, 4))
        painter.setPen(QPen(QColor(tokens.accent), 1, Qt.PenStyle.DashLine))
        for x in (low, high):
            painter.drawLine(QPointF(x, 4), QPointF(x, height))
        painter.setBrush(QColor(tokens.accent))
        painter.setPen(Qt.PenStyle.NoPen)
        for x in (low, (low + high) / 2, high):
            painter.drawPolygon(
                QPolygonF(
                    [QPointF(x, height), QPointF(x - 5, height + 9), QPointF(x + 5, height + 9)]
                )
            )

    def _places(self) -> dict[str, float]:
        """Values of the three handles."""
        window = self._window
        if window is None:
            return {}
        half = window.width / 2
        return {"low": window.center - half, "centre": window.center, "high": window.center + half}

    def _value(self, x: float) -> float:
        assert self._edges is not None
        low, high = float(self._edges[0]), float(self._edges[-1])
        return low + x / max(1, self.width()) * (high - low)

    def _grip_at(self, x: float) -> str:
        """The handle nearest to a column; the centre before the others where they meet."""
        return min(
            ("centre", "low", "high"), key=lambda name: abs(self._x(self._places()[name]) - x)
        )

    def mousePressEvent(self, event: QMouseEvent) -> None:
        left = event.button() is Qt.MouseButton.LeftButton
        if left and self._edges is not None and self._window is not None:
            self._grip = self._grip_at(event.position().x())
            self.mouseMoveEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._edges is None or self._window is None:
            return
        if not self._grip:
            near = self._grip_at(event.position().x())
            at = self._x(self._places()[near])
            over = abs(at - event.position().x()) < _HIT_PX
            self.setCursor(Qt.CursorShape.SplitHCursor if over else Qt.CursorShape.ArrowCursor)
            return
        value, places = self._value(event.position().x()), self._places()
        if self._grip == "centre":
            self.window_wanted.emit(value, self._window.width)
            return
        low, high = places["low"], places["high"]
        if self._grip == "low":
            low = min(value, high)
        else:
            high = max(value, low)
        self.window_wanted.emit((low + high) / 2, high - low)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._grip = ""

    def rect_of_plot(self) -> QRectF:
        """Where the histogram is drawn."""
        return QRectF(0, 0, self.width(), self.height() - 12)
