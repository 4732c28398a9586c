"""How one content item of a report is drawn: name and value, wrapped to the width of the view."""

from typing import Any

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QTextCharFormat, QTextLayout, QTextOption
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QTreeView

from medbench.ui.theme.current import current

Index = QModelIndex | QPersistentModelIndex

NAME_ROLE = int(Qt.ItemDataRole.UserRole)
VALUE_ROLE = NAME_ROLE + 1
KIND_ROLE = NAME_ROLE + 2
"""'heading', 'link', 'missing' (a picture that is not open) or ''."""
_PAD_X, _PAD_Y = 6, 5
_MAX_WIDTH = 900
"""Longer lines are hard to read."""


class ReportRow(QStyledItemDelegate):
    """Paints rows of a report in a tree view."""

    def __init__(self, view: QTreeView) -> None:
        super().__init__(view)
        self._view = view

    def _width(self, index: Index) -> int:
        depth, above = 1, index.parent()
        while above.isValid():
            depth, above = depth + 1, above.parent()
        free = self._view.viewport().width() - depth * self._view.indentation()
        return max(120, min(free, _MAX_WIDTH) - 2 * _PAD_X)

    def _layout(self, index: Index, width: int, font: QFont) -> QTextLayout:
        name, value = str(index.data(NAME_ROLE) or ""), str(index.data(VALUE_ROLE) or "")
        kind = str(index.data(KIND_ROLE) or "")
        gap = "   " if name and value else ""
        text = (name + gap + value).replace("\n", "\u2028")
        layout = QTextLayout(text, font)
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        layout.setTextOption(option)
        layout.setFormats(_formats(len(name), len(name + gap), len(text), kind))
        layout.beginLayout()
        height = 0.0
        while True:
            line = layout.createLine()
            if not line.isValid():
                break
            line.setLineWidth(width)
            line.setPosition(QPointF(0, height))
            height += line.height() + 2
        layout.endLayout()
        return layout

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        width = self._width(index)
        layout = self._layout(index, width, self._view.font())
        last = layout.lineAt(layout.lineCount() - 1)
        height = int(last.y() + last.height()) if layout.lineCount() else 16
        return QSize(width, height + 2 * _PAD_Y)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        rect: QRect = option.rect
        state = option.state
        tokens = current()
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, QColor(tokens.selection))
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(rect, QColor(tokens.hover))
        layout = self._layout(index, self._width(index), self._view.font())
        painter.setPen(QColor(tokens.text))
        layout.draw(painter, QPointF(rect.left() + _PAD_X, rect.top() + _PAD_Y))


def _formats(name: int, start: int, end: int, kind: str) -> list[Any]:
    valued = end > start
    tokens = current()
    first, second = QTextCharFormat(), QTextCharFormat()
    if kind == "heading":
        first.setFontWeight(QFont.Weight.DemiBold)
        first.setForeground(QColor(tokens.strong))
    elif valued:
        first.setForeground(QColor(tokens.text2))
    second.setForeground(QColor(tokens.text))
    if kind == "link":
        for part in (first, second) if not valued else (second,):
            part.setForeground(QColor(tokens.accent))
            part.setFontUnderline(True)
    elif kind == "missing":
        second.setForeground(QColor(tokens.text2))
    made = []
    for at, length, form in ((0, name, first), (start, end - start, second)):
        if length <= 0:
            continue
        piece = QTextLayout.FormatRange()
        piece.start, piece.length, piece.format = at, length, form
        made.append(piece)
    return made
