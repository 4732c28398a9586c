"""How marks look: stroke with halo, handles, label box with its leader."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QPainter,
    QPainterPath,
    QPen,
    QPolygonF,
    QTransform,
)

from medbench.domain.measurement import MeasurementKind, Place
from medbench.ui.review.measure.shapes import Line, handles_of, lines_of
from medbench.ui.theme.tokens import TOKENS

ToWidget = Callable[[float, float], QPointF]
Text = Sequence[tuple[str, bool]]
"""(text, bold) lines."""
_HALO = QColor(0, 0, 0, 150)
_LABEL_PX = 12
_LINE_PX = 17
_AWAY_PX = 26.0
_ARROW_PX = 13.0
_SMOOTH_FROM = 16
_CORNER_PX = (190.0, 64.0)
_LETTER_PX = 28.0


@dataclass(frozen=True)
class MarkStyle:
    """Look of one mark; AI marks are dashed, reader marks solid."""

    colour: str = TOKENS["dark"].accent
    """The viewport is black in both themes, so marks are too the same."""
    dashed: bool = False
    selected: bool = False
    hovered: bool = False
    handles: bool = True
    faint: bool = False
    """Measured on another series of the same place."""


def _pen(
    colour: QColor, width: float, *, dashed: bool = False, smooth: bool = False
) -> QPen:  # fmt: skip
    """A pen; ``smooth`` outlines have so many corners that rounding each would only cost time."""
    pen = QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
    pen.setJoinStyle(Qt.PenJoinStyle.BevelJoin if smooth else Qt.PenJoinStyle.RoundJoin)
    if dashed:
        pen.setDashPattern([4, 3])
    return pen


@dataclass(frozen=True, eq=False)
class Drawn:
    """A measurement in the coordinates of a widget; made once for many paintings."""

    kind: MeasurementKind
    points: tuple[QPointF, ...]
    lines: tuple[tuple[QPolygonF, Line], ...]
    handles: tuple[QPointF, ...]
    rect: QRectF
    curve: QPainterPath | None = None
    """An ellipse as curves: a fraction of the work of its corners."""


def drawn(to_widget: ToWidget, kind: MeasurementKind, points: Sequence[Place]) -> Drawn:
    """A measurement (or one that is being drawn) as a viewport shows it."""
    lines = tuple(
        (QPolygonF([to_widget(*place) for place in line.places]), line)
        for line in lines_of(kind, points)
    )
    on_widget = tuple(to_widget(*place) for place in points)
    handles = tuple(to_widget(*place) for place in _shown_handles(kind, points))
    box = QPolygonF(list(on_widget)).boundingRect()
    for shape, _ in lines:
        box = box.united(shape.boundingRect())
    round_one = kind is MeasurementKind.ELLIPSE and len(on_widget) == 4
    curve = _ellipse(on_widget) if round_one else None
    return Drawn(kind, on_widget, lines, handles, box, curve)


def _ellipse(ends: Sequence[QPointF]) -> QPainterPath:
    """The curve through four ends of axes: a circle, stretched along the half axes."""
    centre = (ends[0] + ends[1]) / 2
    one, two = (ends[1] - ends[0]) / 2, (ends[3] - ends[2]) / 2
    circle = QPainterPath()
    circle.addEllipse(QPointF(0, 0), 1, 1)
    stretch = QTransform(one.x(), one.y(), two.x(), two.y(), centre.x(), centre.y())
    return stretch.map(circle)


def paint_shape(painter: QPainter, mark: Drawn, style: MarkStyle) -> None:
    """Lines and handles of a measurement (or of one that is being drawn)."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if style.faint:
        painter.setOpacity(0.6)
    accent, white = QColor(style.colour), QColor("#ffffff")
    width = 2.2 if style.selected or style.hovered else 1.7
    for shape, line in mark.lines:
        draw = painter.drawPolygon if line.closed else painter.drawPolyline
        if mark.curve is not None:
            for pen in (_pen(_HALO, width + 3), _pen(accent, width, dashed=style.dashed)):
                painter.setPen(pen)
                painter.drawPath(mark.curve)
            continue
        if line.helper:
            painter.setPen(_pen(accent, 1, dashed=True))
            draw(shape)
            continue
        smooth = shape.size() > _SMOOTH_FROM
        painter.setPen(_pen(_HALO, width + 3, smooth=smooth))
        draw(shape)
        if line.closed:  # outlines stay thin: what they enclose must be seen
            painter.setPen(_pen(accent, width, dashed=style.dashed, smooth=smooth))
            draw(shape)
            continue
        painter.setPen(_pen(accent, width + 1.2, dashed=style.dashed))
        draw(shape)
        painter.setPen(_pen(white, width - 0.5, dashed=style.dashed))
        draw(shape)
    if mark.kind is MeasurementKind.ARROW and len(mark.points) == 2:
        _head(painter, mark.points[0], mark.points[1], style)
    if mark.kind is MeasurementKind.PROBE and mark.points:
        _cross(painter, mark.points[0], accent)
    if (style.handles and _handles_always(mark.kind)) or style.selected or style.hovered:
        for at in mark.handles:
            paint_handle(painter, at, style)
    painter.setOpacity(1.0)


def _handles_always(kind: MeasurementKind) -> bool:
    return kind in (
        MeasurementKind.LENGTH, MeasurementKind.BIDIRECTIONAL, MeasurementKind.ANGLE,
        MeasurementKind.COBB,
    )  # fmt: skip


def _shown_handles(kind: MeasurementKind, points: Sequence[Place]) -> Sequence[Place]:
    if kind in (MeasurementKind.TEXT, MeasurementKind.PROBE):
        return ()
    if kind is MeasurementKind.ELLIPSE and len(points) != 4:
        return ()
    return handles_of(kind, points)


def paint_handle(painter: QPainter, at: QPointF, style: MarkStyle) -> None:
    """A round handle: accent with a white rim and a dark halo."""
    radius = 4.5 if style.selected or style.hovered else 3.6
    painter.setPen(_pen(_HALO, 3.4))
    painter.setBrush(QColor(style.colour))
    painter.drawEllipse(at, radius, radius)
    painter.setPen(_pen(QColor("#ffffff"), 1.5))
    painter.drawEllipse(at, radius, radius)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _head(painter: QPainter, tip: QPointF, tail: QPointF, style: MarkStyle) -> None:
    along = tail - tip
    length = (along.x() ** 2 + along.y() ** 2) ** 0.5
    if length < 1:
        return
    along = along * (_ARROW_PX / length)
    side = QPointF(-along.y(), along.x()) * 0.42
    head = QPolygonF([tip, tip + along + side, tip + along - side])
    painter.setPen(_pen(_HALO, 3))
    painter.drawPolygon(head)
    painter.setPen(_pen(QColor(style.colour), 1.4))
    painter.setBrush(QColor("#ffffff"))
    painter.drawPolygon(head)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _cross(painter: QPainter, at: QPointF, accent: QColor) -> None:
    for pen in (_pen(_HALO, 4.5), _pen(accent, 1.8)):
        painter.setPen(pen)
        for dx, dy in ((1, 0), (0, 1)):
            for sign in (-1, 1):
                step = QPointF(dx * sign, dy * sign)
                painter.drawLine(at + step * 3, at + step * 9)


def label_size(painter: QPainter, lines: Text) -> tuple[float, float]:
    """Width and height of a label box."""
    widths = [
        QFontMetricsF(_font(painter, bold=bold)).horizontalAdvance(text) for text, bold in lines
    ]
    return max(widths, default=0.0) + 16, len(lines) * _LINE_PX + 8


def _font(painter: QPainter, *, bold: bool) -> QFont:
    font = QFont(painter.font())
    font.setPixelSize(_LABEL_PX)
    font.setFeature(QFont.Tag("tnum"), 1)
    font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    return font


def label_place(
    mark: QRectF, size: tuple[float, float], area: QRectF, taken: Iterable[QRectF]
) -> QRectF:
    """Where a label goes: beside its mark, off every other label and mark, inside the view."""
    inner = area.adjusted(4, 4, -14, -4)
    blocked, words = list(taken), _corners(area)

    def cost(choice: tuple[QRectF, float]) -> float:
        box, far = choice
        hits = sum(0.2 + _shared(box, other) for other in blocked if other.intersects(box))
        hidden = sum(0.5 + _shared(box, corner) for corner in words if corner.intersects(box))
        return far + hits + hidden + (0.0 if inner.contains(box) else 4.0)

    best, _ = min(_choices(mark, size), key=cost)  # the first of equals
    wide, high = size
    x = min(max(best.x(), inner.left()), max(inner.left(), inner.right() - wide))
    y = min(max(best.y(), inner.top()), max(inner.top(), inner.bottom() - high))
    return QRectF(x, y, wide, high)


def _shared(box: QRectF, other: QRectF) -> float:
    """Part of a box that another covers."""
    common = box.intersected(other)
    return common.width() * common.height() / (box.width() * box.height())


def _choices(mark: QRectF, size: tuple[float, float]) -> list[tuple[QRectF, float]]:
    """Boxes around a mark, near ones first, with the cost of their distance."""
    wide, high = size
    middle_x, middle_y = mark.center().x() - wide / 2, mark.center().y() - high / 2
    found = []
    for far, away in ((0.0, _AWAY_PX), (0.15, 3 * _AWAY_PX)):
        right, left = mark.right() + away, mark.left() - away - wide
        below, above = mark.bottom() + away, mark.top() - away - high
        places = (
            (right, below), (middle_x, below), (right, middle_y), (right, above), (left, below),
            (middle_x, above), (left, middle_y), (left, above),
        )  # fmt: skip
        found += [(QRectF(x, y, wide, high), far) for x, y in places]
    if mark.width() > 2 * wide and mark.height() > 2 * high:  # inside of what fills the view
        inside = (
            (mark.right() - wide - 8, mark.bottom() - high - 8), (mark.left() + 8, mark.top() + 8),
        )  # fmt: skip
        found += [(QRectF(x, y, wide, high), 0.0) for x, y in inside]
    return found


def _corners(area: QRectF) -> tuple[QRectF, ...]:
    """Where the corner texts stand, and the letters of the patient's sides."""
    wide, high = min(_CORNER_PX[0], area.width() / 3), min(_CORNER_PX[1], area.height() / 4)
    corners = [
        QRectF(x, y, wide, high)
        for x in (area.left(), area.right() - wide)
        for y in (area.top(), area.bottom() - high)
    ]
    middle, side = area.center(), _LETTER_PX
    letters = [
        QRectF(middle.x() - side / 2, area.top(), side, 2 * side),
        QRectF(middle.x() - side / 2, area.bottom() - side, side, side),
        QRectF(area.left(), middle.y() - side / 2, side, side),
        QRectF(area.right() - side, middle.y() - side / 2, side, side),
    ]
    return (*corners, *letters)


def paint_label(
    painter: QPainter, box: QRectF, lines: Text, anchor: QPointF, style: MarkStyle
) -> None:
    """Label box, and a dashed leader from the mark to it."""
    end = QPointF(
        min(max(anchor.x(), box.left() + 6), box.right() - 6),
        min(max(anchor.y(), box.top()), box.bottom()),
    )
    if style.faint:
        painter.setOpacity(0.6)
    pen = QPen(QColor(255, 255, 255, 200), 1)
    pen.setDashPattern([3, 3])
    painter.setPen(pen)
    painter.drawLine(anchor, end)
    tokens = TOKENS["dark"]  # on the black of the viewport in both themes
    border = QColor(style.colour)
    border.setAlpha(255 if style.selected or style.hovered else 150)
    painter.setPen(QPen(border, 1.4 if style.selected else 1))
    fill = QColor(tokens.panel)
    fill.setAlpha(225)
    painter.setBrush(fill)
    painter.drawRoundedRect(box, 4, 4)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    kept = painter.font()
    for i, (text, bold) in enumerate(lines):
        painter.setFont(_font(painter, bold=bold))
        painter.setPen(QColor(tokens.strong if bold else tokens.text))
        row = QRectF(box.left() + 8, box.top() + 4 + i * _LINE_PX, box.width() - 8, _LINE_PX)
        painter.drawText(row, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
    painter.setFont(kept)
    painter.setOpacity(1.0)


def leader_start(mark: Drawn, box: QRectF) -> QPointF:
    """The place of the mark's lines that lies nearest to its label."""
    middle = box.center()
    places = list(mark.points) if not mark.lines else [
        _nearest(start, end, middle)
        for shape, line in mark.lines
        for start, end in _sides(shape.toList(), closed=line.closed)
    ]  # fmt: skip

    def away(at: QPointF) -> float:
        return (at.x() - middle.x()) ** 2 + (at.y() - middle.y()) ** 2

    return min(places, key=away)


def _sides(corners: list[QPointF], *, closed: bool) -> list[tuple[QPointF, QPointF]]:
    if len(corners) > _SMOOTH_FROM:  # so short that their ends are near enough
        return [(corner, corner) for corner in corners]
    ends = [*corners, corners[0]] if closed else corners
    return list(pairwise(ends))


def _nearest(start: QPointF, end: QPointF, to: QPointF) -> QPointF:
    along, away = end - start, to - start
    length = along.x() ** 2 + along.y() ** 2
    part = 0.0 if length == 0 else (away.x() * along.x() + away.y() * along.y()) / length
    return start + along * min(1.0, max(0.0, part))
