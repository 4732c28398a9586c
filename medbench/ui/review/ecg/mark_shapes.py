"""Marks on the page: where their lines, handles and labels lie, what the pointer hits, drawing."""

from collections.abc import Iterable
from dataclasses import dataclass

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPolygonF

from medbench.domain.ecg_marks import EcgMark, EcgMarkKind
from medbench.ui.review.ecg.layouts import Strip
from medbench.ui.review.ecg.mark_words import mark_text
from medbench.ui.review.ecg.page import PaperPage
from medbench.ui.review.ecg.painting import font
from medbench.ui.review.ecg.places import strip_times, x_of, y_of
from medbench.ui.theme.tokens import TracePaper

HIT_PX = 7.0
_LABEL_PX = 22.0
_LEAST_RISE = 0.005


@dataclass(frozen=True)
class MarkShape:
    """One mark on one strip, in pixels."""

    mark: EcgMark
    strip: Strip
    ends: tuple[QPointF, ...]
    """Its points."""
    top: float
    bottom: float
    text: str
    label: QRectF
    area: QRectF
    """The strip: nothing is drawn beside it."""

    @property
    def amplitude(self) -> bool:
        """Whether the caliper measures a height."""
        return abs(self.mark.rise) >= _LEAST_RISE

    def handles(self) -> list[tuple[str, QPointF]]:
        """Grips: '0', '1' move a point, 't0', 't1' its time alone."""
        kind = self.mark.kind
        found = []
        if kind is EcgMarkKind.SLOPE or (kind is EcgMarkKind.CALIPER and self.amplitude):
            found += [(str(i), end) for i, end in enumerate(self.ends)]
        if kind is EcgMarkKind.NOTE:
            found += [("0", self.ends[0])]
        if kind in (EcgMarkKind.CALIPER, EcgMarkKind.MARCH):
            found += [(f"t{i}", QPointF(end.x(), self.bottom)) for i, end in enumerate(self.ends)]
        return found

    def part_at(self, place: QPointF) -> str:
        """Handle, 'body' or ''."""
        for part, grip in self.handles():
            if abs(grip.x() - place.x()) <= HIT_PX and abs(grip.y() - place.y()) <= HIT_PX:
                return part
        if self.label.contains(place):
            return "body"
        if self.mark.kind is EcgMarkKind.NOTE:
            return ""
        first, last = self.ends
        if self.mark.kind is EcgMarkKind.SLOPE:
            return "body" if _distance(place, first, last) <= 4 else ""
        low, high = sorted((first.x(), last.x()))
        if low <= place.x() <= high and abs(place.y() - self.arrow_y) <= 5:
            return "body"
        for i, end in enumerate(self.ends):
            if abs(place.x() - end.x()) <= 3 and self.top <= place.y() <= self.bottom:
                return f"t{i}"
        return ""

    @property
    def arrow_y(self) -> float:
        """Height of the arrow between the two lines."""
        return self.top + 8


def _distance(place: QPointF, first: QPointF, last: QPointF) -> float:
    line = QLineF(first, last)
    length = line.length()
    if length < 1e-6:
        return QLineF(place, first).length()
    dx, dy = line.dx() / length, line.dy() / length
    along = (place.x() - first.x()) * dx + (place.y() - first.y()) * dy
    if not 0 <= along <= length:
        return 1e9
    return abs((place.x() - first.x()) * dy - (place.y() - first.y()) * dx)


def shapes(page: PaperPage, marks: Iterable[EcgMark]) -> list[MarkShape]:
    """Every mark on every strip that shows its lead and part of its time."""
    found = []
    for mark in marks:
        for strip in page.strips:
            if strip.channel is None or strip.name != mark.lead:
                continue
            begin, end = strip_times(page, strip)
            seconds = [second for second, _ in mark.points]
            if max(seconds) >= begin and min(seconds) <= end:
                found.append(_shape(page, mark, strip))
    return found


def _shape(page: PaperPage, mark: EcgMark, strip: Strip) -> MarkShape:
    scale, base = page.scale, page.baseline_px(strip.row)
    left, right = page.strip_px(strip)
    ends = tuple(QPointF(x_of(page, strip, s), y_of(page, strip, v)) for s, v in mark.points)
    top = base - min(15.0, 0.42 * page.row_mm) * scale.px_per_mm
    bottom = base + min(13.0, 0.42 * page.row_mm) * scale.px_per_mm
    text = mark_text(mark)
    width = QFontMetricsF(font(12, bold=True)).horizontalAdvance(text) + 16
    if mark.kind is EcgMarkKind.NOTE:
        x, y = ends[0].x() + 10, ends[0].y() - _LABEL_PX - 8
    elif mark.kind is EcgMarkKind.SLOPE:
        x, y = max(e.x() for e in ends) + 8, min(e.y() for e in ends) - _LABEL_PX - 2
    else:
        x, y = (ends[0].x() + ends[1].x()) / 2 - width / 2, top - _LABEL_PX - 2
    x = min(max(x, left - 20), max(left - 20, right + 20 - width))
    label = QRectF(x, max(2.0, y), width, _LABEL_PX)
    half = page.row_mm * scale.px_per_mm
    area = QRectF(left, base - half, right - left, 2 * half)
    return MarkShape(mark, strip, ends, top, bottom, text, label, area)


def draw_mark(
    painter: QPainter, shape: MarkShape, colours: TracePaper, *, selected: bool, page: PaperPage
) -> None:
    """A reader's mark: solid."""
    colour = QColor(colours.mark)
    painter.save()
    painter.setClipRect(shape.area.adjusted(-2, 0, 2, 0))
    painter.setPen(QPen(colour, 2.0 if selected else 1.4))
    kind = shape.mark.kind
    if kind is EcgMarkKind.MARCH:
        _draw_march(painter, shape, colour, page)
    if kind in (EcgMarkKind.CALIPER, EcgMarkKind.MARCH):
        _draw_caliper(painter, shape, colour, selected=selected)
    elif kind is EcgMarkKind.SLOPE:
        painter.drawLine(shape.ends[0], shape.ends[1])
    painter.setBrush(colour)
    painter.setPen(QPen(QColor(colours.paper), 1.5 if selected else 0.8))
    for part, place in shape.handles():
        box = QRectF(place.x() - 4, place.y() - 4, 8, 8)
        if part.startswith("t"):
            painter.drawRoundedRect(box, 2, 2)
        else:
            painter.drawEllipse(box)
    painter.restore()
    if shape.area.left() - 2 <= shape.label.center().x() <= shape.area.right() + 2:
        _draw_label(painter, shape, colours, selected=selected)


def _draw_caliper(painter: QPainter, shape: MarkShape, colour: QColor, *, selected: bool) -> None:
    first, last = shape.ends
    for end in shape.ends:
        painter.drawLine(QPointF(end.x(), shape.top), QPointF(end.x(), shape.bottom))
    painter.setPen(QPen(colour, 1.2))
    low, high = sorted((first.x(), last.x()))
    painter.drawLine(QPointF(low, shape.arrow_y), QPointF(high, shape.arrow_y))
    if high - low > 16:
        for x, way in ((low, 1.0), (high, -1.0)):
            tip = QPointF(x, shape.arrow_y)
            painter.drawPolyline(QPolygonF([tip + QPointF(6 * way, -4), tip,
                                            tip + QPointF(6 * way, 4)]))  # fmt: skip
    if shape.mark.kind is EcgMarkKind.CALIPER and shape.amplitude:
        painter.setPen(QPen(colour, 1.4 if selected else 1.0))
        reach = max(10.0, high - low)
        for end in shape.ends:
            across = reach if end.x() == low else -reach
            painter.drawLine(end, QPointF(end.x() + across, end.y()))


def _draw_march(painter: QPainter, shape: MarkShape, colour: QColor, page: PaperPage) -> None:
    """The interval again and again, both ways along the strip."""
    step = shape.mark.duration_s
    if step * page.scale.px_per_s < 3:
        return
    begin, end = strip_times(page, shape.strip)
    start = shape.mark.points[0][0]
    painter.save()
    painter.setPen(QPen(colour, 1, Qt.PenStyle.DotLine))
    first = int((begin - start) / step) - 1
    for number in range(first, int((end - start) / step) + 2):
        x = x_of(page, shape.strip, start + number * step)
        painter.drawLine(QPointF(x, shape.top + 16), QPointF(x, shape.bottom))
    painter.restore()


def _draw_label(
    painter: QPainter, shape: MarkShape, colours: TracePaper, *, selected: bool
) -> None:
    painter.save()
    painter.setBrush(QColor(colours.mark))
    painter.setPen(QPen(QColor(colours.text), 1.5) if selected else Qt.PenStyle.NoPen)
    painter.drawRoundedRect(shape.label, 3, 3)
    if shape.mark.kind is EcgMarkKind.NOTE:
        painter.setPen(QPen(QColor(colours.mark), 1))
        painter.drawLine(shape.ends[0], shape.label.bottomLeft() + QPointF(4, 0))
    painter.setFont(font(12, bold=True))
    painter.setPen(QColor(colours.paper))
    painter.drawText(shape.label, Qt.AlignmentFlag.AlignCenter, shape.text)
    painter.restore()
