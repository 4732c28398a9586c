"""The plane chip at the top of each view: which plane it is, and a menu of what it could be."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QMouseEvent, QPainter, QPen

from medbench.imaging.reslice import PlaneKind
from medbench.ui.review.overlays import plane_name
from medbench.ui.review.plane_state import slab_name
from medbench.ui.review.pointer import PointerTool
from medbench.ui.theme.tokens import PLANES, TOKENS

if TYPE_CHECKING:
    from medbench.ui.review.viewport import Viewport

_TOP_PX, _HEIGHT_PX, _PADDING_PX, _DOT_PX, _ARROW_PX = 6.0, 20.0, 8.0, 8.0, 7.0
_GAP_PX = 6.0
_LEAST_WIDTH_PX = 220


def chip_words(view: "Viewport") -> str:
    """Name of the plane; a slab says how it joins its slices."""
    slab = view.model.plane_state.slab(view.kind)
    name = plane_name(view.kind)
    if slab is not None and view.can_be_thick:
        return f"{name} {slab_name(slab.mode)}"
    return name


class PlaneChips(PointerTool):
    """Draws the chip on every view that can show another plane; a click opens its menu."""

    def __init__(self, menu: Callable[["Viewport", QPoint], None], parent: QObject) -> None:
        """``menu`` opens the menu of a view at a place of the screen."""
        super().__init__(parent)
        self._menu = menu
        self._hover: Viewport | None = None

    def rect(self, view: "Viewport") -> QRectF:
        """Where the chip lies; empty where a view has none."""
        display = view.model.display
        if display is None or not display.reformattable or view.width() < _LEAST_WIDTH_PX:
            return QRectF()
        text = QFontMetricsF(_font(view)).horizontalAdvance(chip_words(view))
        width = _PADDING_PX * 2 + _DOT_PX + _GAP_PX * 2 + _ARROW_PX + text
        return QRectF((view.width() - width) / 2, _TOP_PX, width, _HEIGHT_PX)

    def press(self, view: "Viewport", event: QMouseEvent) -> bool:
        if event.button() is not Qt.MouseButton.LeftButton:
            return False
        if not self.rect(view).contains(event.position()):
            return False
        self.open(view)
        return True

    def double_click(self, view: "Viewport", event: QMouseEvent) -> bool:
        return self.rect(view).contains(event.position())

    def open(self, view: "Viewport") -> None:
        """Open the menu below the chip."""
        below = self.rect(view).bottomLeft() + QPointF(0, 2)
        self._menu(view, view.mapToGlobal(below.toPoint()))

    def move(self, view: "Viewport", event: QMouseEvent) -> bool:
        over = view if self.rect(view).contains(event.position()) else None
        if over is not self._hover and (over is view or self._hover is view):
            self._hover = over
            if over is None:
                view.unsetCursor()
            else:
                view.setCursor(Qt.CursorShape.PointingHandCursor)
            view.update()
        return False

    def leave(self, view: "Viewport") -> None:
        if self._hover is view:
            self._hover = None
            view.unsetCursor()
            view.update()

    def paint(self, painter: QPainter, view: "Viewport") -> None:
        area = self.rect(view)
        if area.isEmpty():
            return
        tokens = TOKENS["dark"]  # the views are dark in both themes
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ground = QColor(tokens.hover if self._hover is view else tokens.raised)
        ground.setAlpha(215)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        painter.drawRoundedRect(area, 4, 4)
        x, middle = area.left() + _PADDING_PX, area.center().y()
        painter.setBrush(QColor(PLANES[view.kind.value]))
        painter.drawEllipse(QPointF(x + _DOT_PX / 2, middle), _DOT_PX / 2, _DOT_PX / 2)
        x += _DOT_PX + _GAP_PX
        painter.setPen(QColor(tokens.strong))
        painter.setFont(_font(view))
        room = QRectF(x, area.top(), area.right() - x, area.height())
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, chip_words(view))
        x = area.right() - _PADDING_PX - _ARROW_PX
        painter.setPen(QPen(QColor(tokens.text2), 1.4))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        half = _ARROW_PX / 2
        arrow = ((0, -half / 2), (half, half / 2), (_ARROW_PX, -half / 2))
        painter.drawPolyline([QPointF(x + dx, middle + dy) for dx, dy in arrow])
        painter.restore()


def _font(view: "Viewport") -> QFont:
    font = QFont(view.font())
    font.setPixelSize(12)
    font.setWeight(QFont.Weight.Medium)
    return font


def can_show(view: "Viewport", kind: PlaneKind) -> bool:
    """Whether a view's display has that plane."""
    display = view.model.display
    return display is not None and (kind is PlaneKind.ACQUIRED or display.reformattable)
