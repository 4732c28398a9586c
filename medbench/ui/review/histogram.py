"""Histogram of a slice with the window as a ramp."""

from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from medbench.domain.image import VoiWindow
from medbench.imaging.window import grey_histogram
from medbench.ui.theme.current import current


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

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.mouseMoveEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._edges is None or self._window is None:
            return
        low, high = float(self._edges[0]), float(self._edges[-1])
        value = low + event.position().x() / max(1, self.width()) * (high - low)
        edge_low = self._window.center - self._window.width / 2
        edge_high = self._window.center + self._window.width / 2
        nearest = min(
            ((abs(value - edge_low), "low"), (abs(value - self._window.center), "centre"),
             (abs(value - edge_high), "high")),
        )[1]  # fmt: skip
        if nearest == "centre":
            self.window_wanted.emit(value, self._window.width)
            return
        if nearest == "low":
            edge_low = min(value, edge_high)
        else:
            edge_high = max(value, edge_low)
        self.window_wanted.emit((edge_low + edge_high) / 2, edge_high - edge_low)

    def rect_of_plot(self) -> QRectF:
        """Where the histogram is drawn."""
        return QRectF(0, 0, self.width(), self.height() - 12)
