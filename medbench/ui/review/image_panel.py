"""Right panel, tab Image: histogram with the window, presets, probe, what the file says."""

from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal, Slot
from PySide6.QtGui import (
    QColor,
    QDoubleValidator,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from medbench.domain.image import VoiWindow
from medbench.imaging.window import grey_histogram
from medbench.ui.actions.registry import ActionRegistry
from medbench.ui.review.view_model import ViewModel
from medbench.ui.theme.current import current
from medbench.ui.widgets import Button, LabelledRow, SectionTitle, clear_layout, hbox, label, vbox


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
            edge_low = min(value, edge_high - 1)
        else:
            edge_high = max(value, edge_low + 1)
        self.window_wanted.emit((edge_low + edge_high) / 2, edge_high - edge_low)

    def rect_of_plot(self) -> QRectF:
        """Where the histogram is drawn."""
        return QRectF(0, 0, self.width(), self.height() - 12)


class ImagePanel(QWidget):
    """Window, probe and file details of the active viewport."""

    def __init__(
        self, model: ViewModel, actions: ActionRegistry, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._model = model
        self._index = 0
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(10)
        column.addWidget(SectionTitle(self.tr("Window and level")))
        self.histogram = WindowHistogram()
        self.histogram.window_wanted.connect(self._wanted)
        column.addWidget(self.histogram)
        row = hbox()
        self._width, self._centre = _field(self.tr("Width"), 1), _field(self.tr("Level"), -1e9)
        for name, field in (("W", self._width), ("L", self._centre)):
            row.addWidget(label(name, "secondary"))
            row.addWidget(field, 1)
            field.editingFinished.connect(self._typed)
        row.addWidget(Button.of(actions.action("medbench.review.auto_window")))
        column.addLayout(row)
        self._probe_place = LabelledRow(self.tr("Probe"))
        self._probe_value = LabelledRow(self.tr("Value"))
        column.addWidget(self._probe_place)
        column.addWidget(self._probe_value)
        column.addWidget(SectionTitle(self.tr("Series")))
        self._facts = vbox(spacing=2)
        column.addLayout(self._facts)
        column.addStretch(1)
        model.window_changed.connect(self.refresh_window)
        model.display_changed.connect(self.refresh)

    @Slot(str, str)
    def show_probe(self, place: str, value: str) -> None:
        """Below the pointer."""
        self._probe_place.value.setText(place)
        self._probe_value.value.setText(value)

    @Slot()
    def refresh_window(self) -> None:
        """Another window."""
        window = self._model.window
        self.histogram.show_window(window)
        for field in (self._width, self._centre):
            field.setEnabled(window is not None)
        if window is not None:
            self._width.setText(f"{window.width:.0f}")
            self._centre.setText(f"{window.center:.0f}")

    def show_slice(self, index: int) -> None:
        """Histogram of a slice, if it is there."""
        volume = self._model.volume
        self._index = index
        if volume is not None and index < len(volume.ready) and volume.ready[index]:
            if not volume.display.colour:
                info = volume.infos[index]
                self.histogram.show_values(volume.voxels[index], info.padding)
            self.refresh_window()

    @Slot()
    def refresh(self) -> None:
        """Facts of the shown display."""
        clear_layout(self._facts)
        display = self._model.display
        if display is None:
            return
        rows = [
            (self.tr("Modality"), display.modality),
            (self.tr("Size"), f"{display.columns} × {display.rows} × {display.slices}"),
        ]
        geometry = display.geometry
        if geometry is not None:
            z, y, x = geometry.spacing_mm
            rows.append((self.tr("Spacing"), f"{x:.3g} × {y:.3g} × {z:.3g} mm"))
            if geometry.gantry_tilt_deg:
                rows.append((self.tr("Gantry tilt"), f"{geometry.gantry_tilt_deg:.1f}°"))
        for key, value in rows:
            self._facts.addWidget(LabelledRow(key, value))
        if display.reason:
            self._facts.addWidget(label(display.reason, "secondary", wrap=True))
        for warning in display.warnings:
            self._facts.addWidget(label(warning, "warning", wrap=True))

    @Slot(float, float)
    def _wanted(self, centre: float, width: float) -> None:
        self._model.set_voi(VoiWindow(centre, max(1.0, width)))

    def _typed(self) -> None:
        window = self._model.window
        shown = None if window is None else (f"{window.center:.0f}", f"{window.width:.0f}")
        if window is not None and shown != (self._centre.text(), self._width.text()):
            centre, width = float(self._centre.text()), float(self._width.text())
            self._model.set_voi(VoiWindow(centre, width, window.function))


def _field(name: str, low: float) -> QLineEdit:
    field = QLineEdit()
    field.setAccessibleName(name)
    field.setValidator(QDoubleValidator(low, 1e9, 2))
    return field
