"""Where a picture lies on a viewport: pixel shape, turn, flip, zoom and pan in one transform."""

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSizeF
from PySide6.QtGui import QTransform


@dataclass(frozen=True)
class Placement:
    """One picture on one widget; pixel centres lie at whole (row, column)."""

    rows: int
    columns: int
    row_size: float
    """Height of a pixel, in mm (or relative, where no size is known)."""
    column_size: float
    width: float
    """Widget size in logical pixels."""
    height: float
    zoom: float = 1.0
    """1 = fits."""
    pan_x: float = 0.0
    pan_y: float = 0.0
    rotation_deg: int = 0
    """Clockwise, a multiple of 90, before the flip."""
    flip: bool = False
    """Left to right, after the turn."""

    @property
    def turned(self) -> bool:
        """Whether rows run across the screen."""
        return self.rotation_deg % 180 != 0

    @property
    def plain(self) -> bool:
        """Whether the picture is neither turned nor flipped."""
        return self.rotation_deg % 360 == 0 and not self.flip

    @property
    def scale(self) -> float:
        """Screen pixels per unit of the pixel size."""
        wide, high = self.columns * self.column_size, self.rows * self.row_size
        if self.turned:
            wide, high = high, wide
        return min(self.width / wide, self.height / high) * self.zoom

    @property
    def native_size(self) -> QSizeF:
        """Screen size of the picture along its own columns and rows, before the turn."""
        scale = self.scale
        return QSizeF(self.columns * self.column_size * scale, self.rows * self.row_size * scale)

    def transform(self) -> QTransform:
        """From picture coordinates (x = column + 0.5, y = row + 0.5) to the widget."""
        scale = self.scale
        found = QTransform()
        found.translate(self.width / 2 + self.pan_x, self.height / 2 + self.pan_y)
        if self.flip:
            found.scale(-1, 1)
        found.rotate(self.rotation_deg)
        found.scale(self.column_size * scale, self.row_size * scale)
        found.translate(-self.columns / 2, -self.rows / 2)
        return found

    def rect(self) -> QRectF:
        """Where the picture lies on the widget."""
        return self.transform().mapRect(QRectF(0, 0, self.columns, self.rows))

    def to_widget(self, row: float, column: float) -> QPointF:
        """Widget position of a picture position."""
        return self.transform().map(QPointF(column + 0.5, row + 0.5))

    def to_picture(self, place: QPointF) -> tuple[float, float]:
        """(row, column), continuous, of a widget position."""
        inverse, _ = self.transform().inverted()
        found = inverse.map(place)
        return found.y() - 0.5, found.x() - 0.5
