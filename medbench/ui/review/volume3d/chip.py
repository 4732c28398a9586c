"""The chip at the top of the 3-D view: what is shown, and the menu of what could be."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QWidget

from medbench.ui.theme.icons import icon_pixmap
from medbench.ui.theme.tokens import TOKENS

_HEIGHT, _PADDING, _ICON, _GAP, _ARROW = 20, 8, 13, 6, 7


class ModeChip(QAbstractButton):
    """Looks like the chips of the planes; reached by Tab, opened by a click or Space."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("What the 3-D view shows"))
        self.setToolTip(self.tr("Presets, views and settings of the 3-D view"))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def say(self, text: str) -> None:
        """Show another text."""
        if text != self.text():
            self.setText(text)
            self.setAccessibleDescription(text)
            self.resize(self.sizeHint())

    def sizeHint(self) -> QSize:
        text = QFontMetricsF(self._font()).horizontalAdvance(self.text())
        return QSize(round(2 * _PADDING + _ICON + 2 * _GAP + _ARROW + text), _HEIGHT)

    def _font(self) -> QFont:
        font = QFont(self.font())
        font.setPixelSize(12)
        font.setWeight(QFont.Weight.Medium)
        return font

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = TOKENS["dark"]  # the views are dark in both themes
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ground = QColor(tokens.hover if self.underMouse() else tokens.raised)
        ground.setAlpha(215)
        area = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(QPen(QColor(tokens.accent), 1.5) if self.hasFocus() else Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        painter.drawRoundedRect(area, 4, 4)
        ratio = self.devicePixelRatioF()
        middle = self.height() / 2
        picture = icon_pixmap("rotate-3d", tokens.strong, _ICON, ratio)
        painter.drawPixmap(QPointF(_PADDING, middle - _ICON / 2), picture)
        x = _PADDING + _ICON + _GAP
        painter.setPen(QColor(tokens.strong))
        painter.setFont(self._font())
        room = QRectF(x, 0, self.width() - x, self.height())
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, self.text())
        painter.setPen(QPen(QColor(tokens.text2), 1.4))
        x, half = self.width() - _PADDING - _ARROW, _ARROW / 2
        arrow = ((0, -half / 2), (half, half / 2), (_ARROW, -half / 2))
        painter.drawPolyline([QPointF(x + dx, middle + dy) for dx, dy in arrow])
