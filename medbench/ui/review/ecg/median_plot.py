"""The median beat in two leads, with its points as lines that can be dragged."""

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QMenu, QSizePolicy, QWidget

from medbench.imaging.ecg_median import MedianBeat
from medbench.ui.review.ecg.desk import EcgDesk
from medbench.ui.review.ecg.mark_words import point_name
from medbench.ui.review.ecg.painting import advance, write
from medbench.ui.theme.current import current

POINTS = ("p_on_s", "qrs_on_s", "j_s", "t_end_s")
_HIT_PX = 6.0
_LEADS = ("V1", "II")
_COLOURS = ("#56B4E9", "#E69F00")
_TOP_PX, _SIDE_PX = 20.0, 6.0


class MedianPlot(QWidget):
    """Dashed lines are measured points, solid ones were put there by the reader.

    Left and right move the chosen point by 1 ms (5 ms with Shift), up and down choose another.
    """

    chosen_changed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.desk: EcgDesk | None = None
        self.chosen = ""
        self._held = ""
        self.setMinimumHeight(132)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAccessibleName(self.tr("Median beat"))

    def sizeHint(self) -> QSize:
        return QSize(320, 132)

    @property
    def beat(self) -> MedianBeat | None:
        """What is drawn."""
        analysis = self.desk.analysis if self.desk is not None else None
        return analysis.median if analysis is not None else None

    def leads(self) -> list[tuple[str, np.ndarray]]:
        """Name and values (mV) of the two drawn leads."""
        desk, beat = self.desk, self.beat
        if desk is None or desk.analysis is None or beat is None:
            return []
        there = [
            (name, row) for name, row in zip(desk.analysis.names, beat.values, strict=True)
            if np.isfinite(row).all()
        ]  # fmt: skip
        by = dict(there)
        wanted = [name for name in _LEADS if name in by]
        wanted += [name for name, _ in there if name not in wanted]
        return [(name, by[name]) for name in wanted[:2]]

    # geometry

    def _span(self) -> tuple[float, float]:
        beat = self.beat
        if beat is None:
            return -0.3, 0.5
        return float(beat.seconds[0]), float(beat.seconds[-1])

    def x_of(self, second: float) -> float:
        """Column of a second after the R peak."""
        begin, end = self._span()
        return _SIDE_PX + (second - begin) / (end - begin) * (self.width() - 2 * _SIDE_PX)

    def second_at(self, x: float) -> float:
        """Second after the R peak at a column, whole samples of the median."""
        begin, end = self._span()
        second = begin + (x - _SIDE_PX) / max(1.0, self.width() - 2 * _SIDE_PX) * (end - begin)
        beat = self.beat
        rate = beat.sampling_hz if beat is not None else 1000.0
        return round(min(max(second, begin), end) * rate) / rate

    def _place(self, name: str) -> float | None:
        found = getattr(self.desk.points, name) if self.desk is not None else None
        return None if found is None else float(found)

    # hand

    def _hit(self, x: float) -> str:
        places = [(abs(self.x_of(s) - x), n) for n in POINTS if (s := self._place(n)) is not None]
        if not places:
            return ""
        gap, name = min(places)
        return name if gap <= _HIT_PX else ""

    def choose(self, name: str) -> None:
        """Choose a point."""
        if name != self.chosen:
            self.chosen = name
            self.chosen_changed.emit(name)
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton:
            self._held = self._hit(event.position().x())
            self.choose(self._held)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        x = event.position().x()
        if self._held and self.desk is not None:
            self.desk.drag_point(self._held, self.second_at(x))
            return
        over = bool(self._hit(x))
        self.setCursor(Qt.CursorShape.SplitHCursor if over else Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._held and self.desk is not None:
            self.desk.drop_point()
        self._held = ""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        there = [name for name in POINTS if self._place(name) is not None]
        if key in (Qt.Key.Key_Up, Qt.Key.Key_Down) and there:
            at = there.index(self.chosen) if self.chosen in there else -1
            self.choose(there[(at + (1 if key is Qt.Key.Key_Down else -1)) % len(there)])
            return
        here = self._place(self.chosen) if self.chosen else None
        if key in (Qt.Key.Key_Left, Qt.Key.Key_Right) and here is not None and self.desk:
            step = 0.005 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 0.001
            moved = here + (step if key is Qt.Key.Key_Right else -step)
            self.desk.drag_point(self.chosen, self.second_at(self.x_of(moved)))
            self.desk.drop_point()
            return
        super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = self.menu(float(event.pos().x()))
        if menu is not None:
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.popup(event.globalPos())

    def menu(self, x: float) -> QMenu | None:
        """Put a point where the pointer is, also one that was not found."""
        if self.desk is None or self.beat is None:
            return None
        menu = QMenu(self)
        menu.setAccessibleName(self.tr("Points of the beat"))
        second = self.second_at(x)
        for name in POINTS:
            action = menu.addAction(self.tr("{0} here").format(point_name(name)))
            action.setData((name, second))
        menu.triggered.connect(self._put)
        return menu

    def _put(self, action: object) -> None:
        name, second = action.data()  # type: ignore[attr-defined]
        if self.desk is not None:
            self.desk.drag_point(name, second)
            self.desk.drop_point()
            self.choose(name)

    # painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        tokens = current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(QPen(QColor(tokens.accent if self.hasFocus() else tokens.divider), 1))
        painter.setBrush(QColor(tokens.field))
        painter.drawRoundedRect(box, 4, 4)
        leads, beat, desk = self.leads(), self.beat, self.desk
        if not leads or beat is None or desk is None:
            return
        low = min(float(row.min()) for _, row in leads)
        high = max(float(row.max()) for _, row in leads)
        room = self.height() - _TOP_PX - 8
        x = np.asarray([self.x_of(float(s)) for s in (beat.seconds[0], beat.seconds[-1])])
        columns = np.linspace(x[0], x[1], len(beat.seconds))
        for index, (name, row) in enumerate(leads):
            y = _TOP_PX + (high - row) / max(1e-6, high - low) * room
            line = QPolygonF([QPointF(a, b) for a, b in zip(columns[::2], y[::2], strict=True)])
            style = Qt.PenStyle.DashLine if index else Qt.PenStyle.SolidLine
            painter.setPen(QPen(QColor(_COLOURS[index]), 1.4, style))
            painter.drawPolyline(line)
            told = self.tr("{0} dashed") if index else self.tr("{0} solid")
            write(painter, self.width() - 8, self.height() - 22 + 14 * index, told.format(name),
                  _COLOURS[index], 11, right=True, paper=tokens.field)  # fmt: skip
        moved, taken = desk.points_moved, -1e9
        for name in POINTS:
            second = self._place(name)
            if second is None:
                continue
            at = self.x_of(second)
            strong = name == self.chosen
            style = Qt.PenStyle.SolidLine if name in moved else Qt.PenStyle.DashLine
            painter.setPen(QPen(QColor(tokens.accent if strong else tokens.text2), 1.2, style))
            painter.drawLine(QPointF(at, _TOP_PX - 3), QPointF(at, self.height() - 3))
            text = point_name(name)
            wide = advance(text, 11)
            left = max(taken + 6, min(at - wide / 2, self.width() - wide - 4))
            write(painter, left, 14, text, tokens.strong if strong else tokens.text2, 11)
            taken = left + wide
