"""Painted bars: class balance, progress, interval, probability."""

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from medbench.ui.theme.current import current


class _Bar(QWidget):
    height_px = 16

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(self.height_px)

    def sizeHint(self) -> QSize:
        return QSize(120, self.height_px)


class BalanceBar(_Bar):
    """Parts beside each other, widths by count, relative to ``of``."""

    height_px = 14

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(name, parent)
        self._parts: list[tuple[int, str]] = []
        self._of = 1

    def show_parts(self, parts: Sequence[tuple[int, str]], of: int) -> None:
        """Counts with colours; ``of`` is the count that fills the bar."""
        self._parts, self._of = list(parts), max(1, of)
        self.setAccessibleDescription(", ".join(str(n) for n, _ in parts))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        x = 0.0
        for count, colour in self._parts:
            width = self.width() * count / self._of
            painter.fillRect(QRectF(x, 0, max(0.0, width - 1), self.height()), QColor(colour))
            x += width


class ProgressLine(_Bar):
    """Thin progress line; None moves nothing and shows an empty track."""

    height_px = 5

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(name, parent)
        self._fraction = 0.0
        self._role = "accent"

    def show_fraction(self, fraction: float | None, role: str = "accent") -> None:
        """0..1."""
        self._fraction, self._role = fraction or 0.0, role
        self.setAccessibleDescription(f"{self._fraction:.0%}")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(current().track))
        painter.drawRoundedRect(self.rect(), 2, 2)
        painter.setBrush(QColor(getattr(current(), self._role)))
        painter.drawRoundedRect(QRectF(0, 0, self.width() * self._fraction, self.height()), 2, 2)


class IntervalBar(_Bar):
    """Value with its interval on a scale from 0 to 1; a threshold mark if there is one."""

    height_px = 22

    def __init__(self, name: str, parent: QWidget | None = None, *, ticks: bool = False) -> None:
        self.height_px = 40 if ticks else 22
        super().__init__(name, parent)
        self._value: float | None = None
        self._low: float | None = None
        self._high: float | None = None
        self._threshold: float | None = None
        self._ticks = ticks
        self._muted = False

    def show_value(
        self, value: float | None, low: float | None = None, high: float | None = None, *,
        threshold: float | None = None, muted: bool = False,
    ) -> None:  # fmt: skip
        """None = nothing to show."""
        self._value, self._low, self._high = value, low, high
        self._threshold, self._muted = threshold, muted
        self.setAccessibleDescription("" if value is None else f"{value:.3f}")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        left, width, y = 6.0, self.width() - 12.0, 11.0
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.track))
        painter.drawRoundedRect(QRectF(left, y - 2, width, 4), 2, 2)
        colour = QColor(tokens.disabled if self._muted else tokens.accent)
        if self._low is not None and self._high is not None:
            painter.setBrush(colour)
            span = QRectF(left + width * self._low, y - 2, width * (self._high - self._low), 4)
            painter.drawRoundedRect(span, 2, 2)
        if self._threshold is not None:
            painter.setPen(QPen(QColor(tokens.strong), 1.5))
            x = left + width * min(1.0, max(0.0, self._threshold))
            painter.drawLine(int(x), int(y - 9), int(x), int(y + 8))
        if self._value is not None:
            x = left + width * min(1.0, max(0.0, self._value))
            painter.setPen(QPen(QColor(tokens.panel), 1.5))
            painter.setBrush(colour)
            if self._ticks:
                diamond = QPolygonF()
                for dx, dy in ((0, -7), (7, 0), (0, 7), (-7, 0)):
                    from PySide6.QtCore import QPointF

                    diamond.append(QPointF(x + dx, y + dy))
                painter.drawPolygon(diamond)
            else:
                painter.drawEllipse(QRectF(x - 5, y - 5, 10, 10))
        if self._ticks:
            painter.setPen(QColor(tokens.text2))
            font = painter.font()
            font.setPixelSize(11)
            painter.setFont(font)
            for part in (0, 25, 50, 75, 100):
                x = left + width * part / 100
                box = QRectF(x - 20, 22, 40, 16)
                align = Qt.AlignmentFlag.AlignHCenter
                if part == 0:
                    box, align = QRectF(left - 4, 22, 40, 16), Qt.AlignmentFlag.AlignLeft
                elif part == 100:
                    box = QRectF(left + width - 36, 22, 40, 16)
                    align = Qt.AlignmentFlag.AlignRight
                painter.drawText(box, align, str(part))
