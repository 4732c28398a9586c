"""How a row of the list looks: icon, name, number; below it trend and histogram."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from medbench.domain.measurement import MeasurementKind
from medbench.session.lesions import Visit, before, change_percent
from medbench.ui.review.annotations import date_text
from medbench.ui.review.measure.rows import ROW, Histogram, MeasureRows, Row
from medbench.ui.review.measure.words import ICONS, main_number, number, plain_number
from medbench.ui.theme.current import current
from medbench.ui.theme.icons import icon_pixmap

HEAD_PX, ROW_PX, TREND_PX, HISTOGRAM_PX = 32, 50, 118, 92
_LEFT = 34
_DATES_SHOWN = 4
_BAR_PX = 3


def _font(option: QStyleOptionViewItem, size: int, *, bold: bool = False) -> QFont:
    font = QFont(option.font)
    font.setPixelSize(size)
    font.setFeature(QFont.Tag("tnum"), 1)
    font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    return font


class RowPainter(QStyledItemDelegate):
    """Draws headings and measurements; names are edited in place."""

    def sizeHint(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        row: Row = index.data(ROW)
        if row.heading:
            return QSize(160, HEAD_PX)
        high = ROW_PX
        if row.visits:
            high += TREND_PX
        if self._histogram(index, row) is not None:
            high += HISTOGRAM_PX
        return QSize(160, high)

    def _histogram(self, index: QModelIndex | QPersistentModelIndex, row: Row) -> Histogram | None:
        model = index.model()
        assert isinstance(model, MeasureRows)
        found = model.histogram
        if found is None or row.measurement is None:
            return None
        return found[1] if found[0] == row.measurement.measurement_id else None

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:  # fmt: skip
        row: Row = index.data(ROW)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if row.heading:
            self._head(painter, option, row)
        else:
            self._one(painter, option, row)
            top = option.rect.top() + ROW_PX
            if row.visits:
                self._trend(painter, option, row, top)
                top += TREND_PX
            found = self._histogram(index, row)
            if found is not None:
                self._bars(painter, option, row, found, top)
        painter.restore()

    def _head(self, painter: QPainter, option: QStyleOptionViewItem, row: Row) -> None:
        tokens, box = current(), option.rect
        painter.fillRect(box, QColor(tokens.raised))
        arrow = icon_pixmap(
            "chevron-right" if row.folded else "chevron-down", tokens.text2, 14,
            painter.device().devicePixelRatioF(),
        )  # fmt: skip
        painter.drawPixmap(QPointF(box.left() + 8, box.center().y() - 6), arrow)
        painter.setPen(QColor(tokens.strong))
        painter.setFont(_font(option, 13, bold=True))
        inner = box.adjusted(30, 0, -12, 0)
        words = painter.fontMetrics().elidedText(
            row.title, Qt.TextElideMode.ElideRight, inner.width() - 40
        )
        painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, words)
        painter.setPen(QColor(tokens.text2))
        painter.setFont(_font(option, 13))
        painter.drawText(
            inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, str(row.count)
        )

    def _one(self, painter: QPainter, option: QStyleOptionViewItem, row: Row) -> None:
        tokens, box, one = current(), option.rect, row.measurement
        picture, locked = ("hash", False) if one is None else (ICONS[one.kind], one.locked)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(box, QColor(tokens.selection))
            painter.fillRect(
                QRect(box.left(), box.top(), _BAR_PX, box.height()), QColor(tokens.accent)
            )
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(box, QColor(tokens.hover))
        ratio = painter.device().devicePixelRatioF()
        colour = tokens.disabled if row.hidden else tokens.text2 if one is None else tokens.accent
        painter.drawPixmap(
            QPointF(box.left() + 11, box.top() + 8), icon_pixmap(picture, colour, 16, ratio)
        )
        right = box.right() - 12
        for name in (["lock"] if locked else []) + (["eye-off"] if row.hidden else []):
            right -= 16
            painter.drawPixmap(
                QPointF(right, box.top() + 10), icon_pixmap(name, tokens.text2, 13, ratio)
            )
        bold = _font(option, 13, bold=True)
        room = right - box.left() - _LEFT - 4
        number_room = min(QFontMetrics(bold).horizontalAdvance(row.main), round(room * 0.66))
        line = QRect(box.left() + _LEFT, box.top() + 6, room, 20)
        painter.setFont(_font(option, 13))
        painter.setPen(QColor(tokens.disabled if row.hidden else tokens.text))
        self._text(painter, line.adjusted(0, 0, -number_room - 8, 0), row.title)
        painter.setFont(bold)
        painter.setPen(QColor(tokens.text2 if row.pending or row.hidden else tokens.strong))
        self._text(painter, line.adjusted(room - number_room, 0, 0, 0), row.main, right=True)
        painter.setFont(_font(option, 12))
        painter.setPen(QColor(tokens.text2))
        below = QRect(box.left() + _LEFT, box.top() + 26, right - box.left() - _LEFT - 4, 18)
        words = self.tr("counting ...") if row.pending else row.detail
        self._text(painter, below, words)

    def _text(self, painter: QPainter, box: QRect, text: str, *, right: bool = False) -> None:
        words = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, box.width() + 1)
        side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
        painter.drawText(box, side | Qt.AlignmentFlag.AlignVCenter, words)

    # the card of a paired lesion

    def _card(self, painter: QPainter, option: QStyleOptionViewItem, top: int, high: int) -> QRect:
        tokens = current()
        box = QRect(option.rect.left() + _LEFT, top, option.rect.width() - _LEFT - 12, high - 8)
        painter.setPen(QPen(QColor(tokens.divider), 1))
        painter.setBrush(QColor(tokens.panel))
        painter.drawRoundedRect(QRectF(box).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        return box.adjusted(9, 6, -9, -6)

    def _trend(self, painter: QPainter, option: QStyleOptionViewItem, row: Row, top: int) -> None:
        tokens, one = current(), row.measurement
        assert one is not None
        box = self._card(painter, option, top, TREND_PX)
        prior = before(row.visits, one)
        small = _font(option, 12)
        painter.setFont(small)
        line = QRect(box.left(), box.top(), box.width(), 18)
        painter.setPen(QColor(tokens.text2))
        if prior is None:
            self._text(painter, line, self.tr("First of these studies"))
        else:
            self._text(painter, line, date_text(prior.date))
            painter.setPen(QColor(tokens.text))
            self._text(painter, line, main_number(prior.measurement), right=True)
            line = line.translated(0, 18)
            painter.setPen(QColor(tokens.text2))
            self._text(painter, line, self._change_words(one.kind))
            now = next(v for v in row.visits if v.measurement is one)
            self._change(painter, option, line, change_percent(now.value, prior.value))
        plot = QRectF(box.left() + 6, box.top() + 42, box.width() - 12, box.height() - 60)
        self._spark(painter, plot, row.visits, one.measurement_id)
        painter.setFont(_font(option, 11))
        painter.setPen(QColor(tokens.text2))
        dates = QRect(box.left(), box.bottom() - 14, box.width(), 15)
        months = [date_text(visit.date)[:7] for visit in row.visits]
        self._text(painter, dates, months[0])
        self._text(painter, dates, months[-1], right=True)
        if len(months) <= _DATES_SHOWN:
            for at, month in enumerate(months[1:-1], 1):
                x = round(plot.left() + plot.width() * at / (len(months) - 1))
                middle = QRect(x - 30, dates.top(), 60, dates.height())
                painter.drawText(middle, Qt.AlignmentFlag.AlignCenter, month)

    def _change_words(self, kind: MeasurementKind) -> str:
        if kind is MeasurementKind.BIDIRECTIONAL:
            return self.tr("Change in product")
        if kind.is_roi:
            return self.tr("Change in area")
        return self.tr("Change")

    def _change(
        self, painter: QPainter, option: QStyleOptionViewItem, line: QRect, change: float | None
    ) -> None:
        tokens = current()
        if change is None:
            self._text(painter, line, number(None), right=True)
            return
        words = f"{'+' if change >= 0 else ''}{number(change, digits=0)} %"
        colour = tokens.warning if abs(change) >= 1 else tokens.text
        painter.setPen(QColor(colour))
        painter.setFont(_font(option, 12, bold=True))
        self._text(painter, line, words, right=True)
        if abs(change) >= 1:
            wide = painter.fontMetrics().horizontalAdvance(words)
            name = "trending-up" if change > 0 else "trending-down"
            picture = icon_pixmap(name, colour, 14, painter.device().devicePixelRatioF())
            painter.drawPixmap(QPointF(line.right() - wide - 20, line.top() + 2), picture)
        painter.setFont(_font(option, 12))

    def _spark(self, painter: QPainter, box: QRectF, visits: tuple[Visit, ...], own: str) -> None:
        tokens = current()
        painter.setPen(QPen(QColor(tokens.divider), 1))
        painter.drawLine(box.bottomLeft(), box.bottomRight())
        values = [v.value for v in visits]
        low, high = min(values), max(values)
        span = (high - low) or 1.0
        step = box.width() / max(1, len(values) - 1)
        points = [
            QPointF(
                box.left() + i * step,
                box.bottom() - 5 - (v - low) / span * (box.height() - 10),
            )
            for i, v in enumerate(values)
        ]
        painter.setPen(QPen(QColor(tokens.accent), 1.6))
        painter.drawPolyline(QPolygonF(points))
        for at, visit in zip(points, visits, strict=True):
            filled = visit.measurement.measurement_id == own
            painter.setBrush(QColor(tokens.accent if filled else tokens.panel))
            painter.drawEllipse(at, 3.4, 3.4)
        painter.setBrush(Qt.BrushStyle.NoBrush)

    # the values of a region

    def _bars(
        self, painter: QPainter, option: QStyleOptionViewItem, row: Row, found: Histogram, top: int
    ) -> None:
        tokens, one = current(), row.measurement
        assert one is not None
        box = self._card(painter, option, top, HISTOGRAM_PX)
        edges, counts = found
        plot = QRectF(box.left(), box.top(), box.width(), box.height() - 18)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.accent))
        most, span = max(1, int(counts.max())), float(edges[-1] - edges[0]) or 1.0
        for i, count in enumerate(counts):
            left = plot.left() + (edges[i] - edges[0]) / span * plot.width()
            wide = (edges[i + 1] - edges[i]) / span * plot.width()
            high = count / most * plot.height()
            painter.drawRect(QRectF(left, plot.bottom() - high, max(0.5, wide - 0.6), high))
        mean = one.quantity("mean")
        if mean is not None and mean.value is not None:
            x = plot.left() + (mean.value - edges[0]) / span * plot.width()
            painter.setPen(QPen(QColor(tokens.strong), 1, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(x, plot.top()), QPointF(x, plot.bottom()))
        painter.setPen(QPen(QColor(tokens.divider), 1))
        painter.drawLine(plot.bottomLeft(), plot.bottomRight())
        painter.setFont(_font(option, 11))
        painter.setPen(QColor(tokens.text2))
        words = QRect(box.left(), box.bottom() - 15, box.width(), 15)
        low, high_value = one.quantity("min"), one.quantity("max")
        self._text(painter, words, plain_number(None if low is None else low.value))
        count = one.quantity("n")
        n = 0 if count is None or count.value is None else round(count.value)
        painter.drawText(words, Qt.AlignmentFlag.AlignCenter, self.tr("n {0}").format(n))
        self._text(
            painter,
            words,
            plain_number(None if high_value is None else high_value.value),
            right=True,
        )

    def updateEditorGeometry(  # noqa: N802 - Qt's name
        self, editor: QWidget, option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:  # fmt: skip
        row: Row = index.data(ROW)
        box = option.rect
        if row.measurement is None:
            editor.setGeometry(box.adjusted(26, 2, -40, -2))
        else:
            editor.setGeometry(QRect(box.left() + _LEFT - 4, box.top() + 4, box.width() // 2, 26))
