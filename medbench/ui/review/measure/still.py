"""Marks that nobody moves: painted once, shown again until something about them changes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFont, QPainter, QPixmap

from medbench.ui.review.measure.painting import (
    Drawn,
    MarkStyle,
    label_place,
    label_size,
    leader_start,
    paint_label,
    paint_shape,
)

if TYPE_CHECKING:
    from medbench.ui.review.viewport import Viewport

_KEEP_FROM = 4
"""Marks; fewer are painted as fast as a sheet of the viewport's size is laid over it."""
_DIRECT = 1e-6


@dataclass(frozen=True)
class Look:
    """A mark as it looks on one viewport."""

    name: str
    """Id of the measurement."""
    drawn: Drawn
    """Compared by identity: it is made anew when its place on the widget changes."""
    style: MarkStyle
    lines: tuple[tuple[str, bool], ...]
    """Of its label."""

    @property
    def bright(self) -> bool:
        """Selected, or below the pointer: painted over the sheet, which stays as it is."""
        return self.style.selected or self.style.hovered

    @property
    def plain(self) -> "Look":
        """As it looks when it is neither."""
        return replace(self, style=replace(self.style, selected=False, hovered=False))


@dataclass(frozen=True, eq=False)
class _Sheet:
    looks: tuple[Look, ...]
    size: QSize
    ratio: float
    font: QFont
    shapes: QPixmap
    boxes: dict[str, QRectF]


class StillMarks:
    """Shapes on sheets, one a viewport, and places of labels.

    Both are what costs: a line of 1000 pixels with its halo takes 2 ms.
    """

    def __init__(self) -> None:
        self._sheets: dict[int, _Sheet] = {}

    def paint(
        self, painter: QPainter, view: "Viewport", looks: Sequence[Look]
    ) -> dict[str, QRectF]:
        """Paint marks with their labels; boxes of the labels by name."""
        ratio = view.devicePixelRatioF()
        plain = abs(painter.deviceTransform().m11() - ratio) < _DIRECT
        if len(looks) < _KEEP_FROM or not plain:
            self._sheets.pop(id(view), None)
            return paint_looks(painter, QRectF(view.rect()), looks)
        sheet = self._sheet(painter, view, tuple(look.plain for look in looks))
        painter.drawPixmap(0, 0, sheet.shapes)
        for look in looks:
            if look.bright:
                paint_shape(painter, look.drawn, look.style)
        _paint_labels(painter, looks, sheet.boxes)
        return dict(sheet.boxes)

    def _sheet(self, painter: QPainter, view: "Viewport", looks: tuple[Look, ...]) -> _Sheet:
        """What is there already, with further marks, or made anew."""
        ratio = view.devicePixelRatioF()
        ground = (view.size(), ratio, view.font())
        old = self._sheets.get(id(view))
        if old is not None and (old.size, old.ratio, old.font) != ground:
            old = None
        if old is not None and old.looks == looks:
            return old
        count = 0 if old is None else len(old.looks)
        if old is not None and looks[:count] == old.looks:
            shapes, boxes = old.shapes, dict(old.boxes)
        else:
            shapes, boxes, count = QPixmap(view.size() * ratio), {}, 0
            shapes.setDevicePixelRatio(ratio)
            shapes.fill(Qt.GlobalColor.transparent)
        pen = QPainter(shapes)
        pen.setRenderHints(painter.renderHints())
        for look in looks[count:]:
            paint_shape(pen, look.drawn, look.style)
        pen.end()
        taken = [*(look.drawn.rect for look in looks[:count]), *boxes.values()]
        boxes.update(_place_labels(painter, QRectF(view.rect()), looks[count:], taken))
        made = self._sheets[id(view)] = _Sheet(looks, *ground, shapes, boxes)
        return made

    def forget(self) -> None:
        """Viewports went."""
        self._sheets.clear()


def paint_looks(
    painter: QPainter, area: QRectF, looks: Sequence[Look], taken: Sequence[QRectF] = ()
) -> dict[str, QRectF]:
    """Paint marks, then their labels, off each other and off what is ``taken``."""
    for look in looks:
        paint_shape(painter, look.drawn, look.style)
    boxes = _place_labels(painter, area, looks, taken)
    _paint_labels(painter, looks, boxes)
    return boxes


def _place_labels(
    painter: QPainter, area: QRectF, looks: Sequence[Look], taken: Sequence[QRectF]
) -> dict[str, QRectF]:
    boxes: dict[str, QRectF] = {}
    blocked = [*taken, *(look.drawn.rect for look in looks)]
    for look in looks:
        mark = look.drawn.rect
        if not look.lines or not area.intersects(mark.adjusted(-1, -1, 1, 1)):
            continue
        box = label_place(mark, label_size(painter, look.lines), area, blocked)
        blocked.append(box)
        boxes[look.name] = box
    return boxes


def _paint_labels(painter: QPainter, looks: Sequence[Look], boxes: dict[str, QRectF]) -> None:
    for look in looks:
        box = boxes.get(look.name)
        if box is not None:
            paint_label(painter, box, look.lines, leader_start(look.drawn, box), look.style)
