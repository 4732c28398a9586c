"""One page for paper and PDF: picture, measurements, report text, models, stamp."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QLineF, QMarginsF, QRectF, QSizeF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QImage,
    QPageSize,
    QPainter,
    QPdfWriter,
    QPen,
)

from medbench.base.atomic import atomic_file
from medbench.base.errors import JobFailedError
from medbench.ui.review.export.pictures import stamp_words

_INK, _GREY, _LINE = QColor("#14161a"), QColor("#515b64"), QColor("#cfd5da")
_DPI = 300
_PICTURE_PART, _FOOT_MM, _GAP_MM = 0.5, 12.0, 4.0
_TITLE_PT, _TEXT_PT, _SMALL_PT = 14.0, 9.0, 7.5
_SHARES = (0.30, 0.34, 0.36)
"""Of the width: name, number, place and source."""
translate = QCoreApplication.translate


@dataclass(frozen=True, eq=False)
class PageContent:
    """What stands on the page."""

    title: str
    lines: tuple[str, ...] = ()
    """Below the title: study, date; the patient where wanted."""
    picture: QImage | None = None
    table: tuple[tuple[str, str, str], ...] = ()
    """Name, number, where it lies and where its millimetres come from."""
    report: str = ""
    models: tuple[str, ...] = ()
    """Model versions behind what is shown."""
    simulated: bool = False


class _Pen:
    """Where the next line goes on the page."""

    def __init__(self, painter: QPainter, area: QRectF, dots_per_mm: float) -> None:
        self.painter = painter
        self.area = area
        self.mm = dots_per_mm
        self.y = area.top()

    def font(self, points: float, *, bold: bool = False) -> QFontMetricsF:
        font = QFont(self.painter.font())
        font.setFeature(QFont.Tag("tnum"), 0)  # its glyphs could not be searched for in a PDF
        font.setPixelSize(max(1, round(points * 25.4 / 72 * self.mm)))
        font.setBold(bold)
        self.painter.setFont(font)
        return QFontMetricsF(font, self.painter.device())

    def line(self, words: str, points: float, colour: QColor, *, bold: bool = False) -> None:
        """One line, shortened where it is too long."""
        metrics = self.font(points, bold=bold)
        self.painter.setPen(colour)
        shown = metrics.elidedText(words, Qt.TextElideMode.ElideRight, self.area.width())
        box = QRectF(self.area.left(), self.y, self.area.width(), metrics.height())
        self.painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, shown)
        self.y += metrics.height()

    def skip(self, mm: float) -> None:
        """Leave room."""
        self.y += mm * self.mm


def paint_page(painter: QPainter, area: QRectF, dots_per_mm: float, content: PageContent) -> None:
    """Draw the page into ``area``; what does not fit is counted, never cut silently."""
    pen = _Pen(painter, area, dots_per_mm)
    pen.line(content.title, _TITLE_PT, _INK, bold=True)
    for words in content.lines:
        pen.line(words, _TEXT_PT, _GREY)
    pen.skip(_GAP_MM / 2)
    _rule(pen)
    bottom = area.bottom() - _FOOT_MM * dots_per_mm
    if content.picture is not None and not content.picture.isNull():
        _picture(pen, content.picture, area.height() * _PICTURE_PART)
    if content.table:
        room = bottom if not content.report else pen.y + (bottom - pen.y) * 0.6
        _table(pen, content.table, room)
    if content.report:
        _report(pen, content.report, bottom)
    _foot(pen, content)


def _rule(pen: _Pen) -> None:
    pen.painter.setPen(QPen(_LINE, 0.25 * pen.mm))
    pen.painter.drawLine(QLineF(pen.area.left(), pen.y, pen.area.right(), pen.y))
    pen.skip(_GAP_MM / 2)


def _picture(pen: _Pen, picture: QImage, most: float) -> None:
    size = QSizeF(picture.size()).scaled(
        QSizeF(pen.area.width(), most), Qt.AspectRatioMode.KeepAspectRatio
    )
    left = pen.area.left() + (pen.area.width() - size.width()) / 2
    pen.painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    pen.painter.drawImage(QRectF(left, pen.y, size.width(), size.height()), picture)
    pen.y += size.height()
    pen.skip(_GAP_MM)


def _table(pen: _Pen, table: Sequence[tuple[str, str, str]], bottom: float) -> None:
    pen.line(translate("Export", "Measurements"), _TEXT_PT, _INK, bold=True)
    metrics = pen.font(_TEXT_PT)
    step = metrics.height()
    fitting = max(0, int((bottom - pen.y) / step))
    shown = table if len(table) <= fitting else table[: max(0, fitting - 1)]
    for row in shown:
        left = pen.area.left()
        for words, share in zip(row, _SHARES, strict=True):
            width = pen.area.width() * share
            pen.painter.setPen(_INK)
            text = metrics.elidedText(words, Qt.TextElideMode.ElideRight, width - 2 * pen.mm)
            pen.painter.drawText(QRectF(left, pen.y, width, step), Qt.AlignmentFlag.AlignLeft, text)
            left += width
        pen.y += step
    if len(shown) < len(table):
        words = translate("Export", "and {0} more, see the table (CSV)")
        pen.line(words.format(len(table) - len(shown)), _SMALL_PT, _GREY)
    pen.skip(_GAP_MM)


def _report(pen: _Pen, report: str, bottom: float) -> None:
    pen.line(translate("Export", "Report"), _TEXT_PT, _INK, bold=True)
    metrics = pen.font(_TEXT_PT)
    pen.painter.setPen(_INK)
    flags = int(Qt.AlignmentFlag.AlignLeft) | int(Qt.TextFlag.TextWordWrap)
    kept = report.strip()
    room = QRectF(pen.area.left(), pen.y, pen.area.width(), max(0.0, bottom - pen.y))
    lines = kept.splitlines()
    more = translate("Export", "... the report goes on")
    while lines and metrics.boundingRect(room, flags, kept).height() > room.height():
        lines = lines[:-1]
        kept = "\n".join([*lines, more])
    pen.painter.drawText(room, flags, kept)
    pen.y = bottom


def _foot(pen: _Pen, content: PageContent) -> None:
    pen.y = pen.area.bottom() - _FOOT_MM * pen.mm
    _rule(pen)
    if content.models:
        words = translate("Export", "Models: {0}").format(", ".join(content.models))
        pen.line(words, _SMALL_PT, _GREY)
    pen.line(stamp_words(simulated=content.simulated), _SMALL_PT, _INK, bold=True)


def write_pdf(target: Path, content: PageContent) -> None:
    """Write the page as PDF (A4), atomically; runs in a worker.

    Raises
    ------
    JobFailedError
        The PDF cannot be written.
    """

    def write(part: Path) -> None:
        writer = QPdfWriter(str(part))
        writer.setPageSize(QPageSize(QPageSize.PageSizeId.A4))
        writer.setPageMargins(QMarginsF(12, 12, 12, 12))
        writer.setResolution(_DPI)
        writer.setTitle(content.title)
        writer.setCreator("medbench")
        painter = QPainter()
        if not painter.begin(writer):
            raise JobFailedError(f"{target.name} could not be written as PDF.")
        area = QRectF(0, 0, writer.width(), writer.height())
        paint_page(painter, area, _DPI / 25.4, content)
        painter.end()

    atomic_file(target, write)
