"""Lineage: cohort -> split -> run -> version -> evaluations, as boxes with arrows."""

from itertools import pairwise

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from medbench.ui.theme.current import current
from medbench.ui.theme.icons import icon_pixmap

_BOX = QSize(150, 66)
_GAP = 30


class Lineage(QWidget):
    """A row of steps; evaluations stand below each other at the end."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Lineage"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._steps: list[tuple[str, str, str, str]] = []
        self._ends: list[tuple[str, str, str, str]] = []
        self._marked = -1

    def show_steps(
        self, steps: list[tuple[str, str, str, str]], ends: list[tuple[str, str, str, str]],
        marked: int,
    ) -> None:  # fmt: skip
        """(icon, caption, title, text) per box; ``marked`` is the current version."""
        self._steps, self._ends, self._marked = steps, ends[:3], marked
        self.setAccessibleDescription(" → ".join(f"{s[1]} {s[2]}" for s in [*steps, *ends]))
        self.setFixedHeight((_BOX.height() + 12) * max(1, len(self._ends)))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        count = len(self._steps) + bool(self._ends)
        if not count:
            return
        width = min(_BOX.width(), (self.width() - 2 - _GAP * (count - 1)) // count)
        boxes = []
        for i, step in enumerate(self._steps):
            box = QRectF(1 + i * (width + _GAP), 1, width, _BOX.height())
            self._box(painter, box, step, marked=i == self._marked)
            boxes.append(box)
        for before, after in pairwise(boxes):
            self._arrow(painter, before, after)
        for i, end in enumerate(self._ends):
            x = 1 + len(self._steps) * (width + _GAP)
            box = QRectF(x, 1 + i * (_BOX.height() + 12), width, _BOX.height())
            self._box(painter, box, end, marked=False)
            self._arrow(painter, boxes[-1], box)

    def _arrow(self, painter: QPainter, before: QRectF, after: QRectF) -> None:
        painter.setPen(QPen(QColor(current().outline), 1.2))
        begin = QPointF(before.right(), before.center().y())
        end = QPointF(after.left() - 1, after.center().y())
        middle = (begin.x() + end.x()) / 2
        painter.drawPolyline(
            QPolygonF([begin, QPointF(middle, begin.y()), QPointF(middle, end.y()), end])
        )
        painter.setBrush(QColor(current().outline))
        painter.drawPolygon(
            QPolygonF([end, QPointF(end.x() - 6, end.y() - 4), QPointF(end.x() - 6, end.y() + 4)])
        )

    def _box(
        self, painter: QPainter, box: QRectF, step: tuple[str, str, str, str], *, marked: bool
    ) -> None:
        tokens = current()
        icon_name, caption, title, text = step
        painter.setBrush(QColor(tokens.raised))
        painter.setPen(
            QPen(QColor(tokens.accent if marked else tokens.divider), 2 if marked else 1)
        )
        painter.drawRoundedRect(box, 5, 5)
        painter.drawPixmap(QPointF(box.x() + 9, box.y() + 9),
                           icon_pixmap(icon_name, tokens.text2, 14, 2.0))  # fmt: skip
        font = QFont(painter.font())
        inner = box.adjusted(9, 6, -6, -6)
        for line, (words, size, bold, colour, indent) in enumerate(
            ((caption, 11, False, tokens.text2, 20), (title, 13, True, tokens.strong, 0),
             (text, 11, False, tokens.text2, 0))
        ):  # fmt: skip
            font.setPixelSize(size)
            font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
            painter.setFont(font)
            painter.setPen(QColor(colour))
            width = inner.width() - indent
            shown = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, int(width))
            painter.drawText(QPointF(inner.x() + indent, inner.y() + 14 + line * 19), shown)
