"""The tools of the ECG page: make, move and name marks with mouse and keys."""

from dataclasses import replace
from enum import StrEnum

import numpy as np
from PySide6.QtCore import QObject, QPoint, QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import QMenu

from medbench.domain.ecg_marks import EcgMark, EcgMarkKind, Place
from medbench.ui.review.ecg.desk import EcgDesk, now
from medbench.ui.review.ecg.layouts import Strip
from medbench.ui.review.ecg.mark_shapes import MarkShape, draw_mark, shapes
from medbench.ui.review.ecg.mark_words import NAMES, kind_word
from medbench.ui.review.ecg.note_field import NoteField
from medbench.ui.review.ecg.page import PaperPage
from medbench.ui.review.ecg.places import PaperPlace, place_at, strip_at
from medbench.ui.theme.tokens import TRACE_PAPERS

_CLICK_PX = 4.0
_FLAT_PX, _STEEP_PX = 6.0, 4.0
"""A drag flatter than this measures time alone, a steeper one amplitude alone."""


class EcgTool(StrEnum):
    """What the left button does on the paper."""

    SELECT = "select"
    PAN = "pan"
    ZOOM = "zoom"
    CALIPER = "caliper"
    MARCH = "march"
    SLOPE = "slope"
    NOTE = "note"


_KINDS = {
    EcgTool.CALIPER: EcgMarkKind.CALIPER, EcgTool.MARCH: EcgMarkKind.MARCH,
    EcgTool.SLOPE: EcgMarkKind.SLOPE,
}  # fmt: skip


class MarkHand(QObject):
    """Asked by the page before it moves the paper.

    Signals
    -------
    tool_changed : str
        Another tool is in the hand.
    selected_changed : str
        Another mark is chosen; '' for none.
    """

    tool_changed = Signal(str)
    selected_changed = Signal(str)

    def __init__(self, page: PaperPage, desk: EcgDesk) -> None:
        super().__init__(page)
        self._page = page
        self.desk = desk
        self.tool = EcgTool.SELECT
        self.snap = False
        self.selected = ""
        self._part = "1"
        self.draft: EcgMark | None = None
        """The mark that is being made or moved."""
        self._origin: tuple[PaperPlace, QPointF] | None = None
        self._moving = ""
        self._field: NoteField | None = None
        self._zoom_y: float | None = None
        desk.marks_changed.connect(page.update)

    # what is chosen

    def choose(self, tool: EcgTool) -> None:
        """Another tool."""
        self.drop()
        self.tool = tool
        cursors = {
            EcgTool.SELECT: Qt.CursorShape.ArrowCursor, EcgTool.PAN: Qt.CursorShape.OpenHandCursor,
            EcgTool.ZOOM: Qt.CursorShape.SizeVerCursor, EcgTool.NOTE: Qt.CursorShape.IBeamCursor,
        }  # fmt: skip
        self._page.rest_cursor = cursors.get(tool, Qt.CursorShape.CrossCursor)
        self._page.setCursor(self._page.rest_cursor)
        self.tool_changed.emit(tool.value)

    def select(self, mark_id: str) -> None:
        """Choose a mark."""
        if mark_id != self.selected:
            self.selected = mark_id
            self.selected_changed.emit(mark_id)
            self._page.update()

    def drop(self) -> None:
        """What is half done is gone."""
        self.draft, self._origin, self._moving = None, None, ""
        self._zoom_y = None
        self._page.update()

    def shapes(self) -> list[MarkShape]:
        """Marks on the page, bottom to top; the one in the hand last."""
        held = self.draft.mark_id if self.draft is not None else ""
        marks = [mark for mark in self.desk.marks if mark.mark_id != held]
        if self.draft is not None:
            marks.append(self.draft)
        return shapes(self._page, marks)

    def _hit(self, place: QPointF) -> tuple[MarkShape, str] | None:
        for shape in reversed(self.shapes()):
            part = shape.part_at(place)
            if part:
                return shape, part
        return None

    # mouse

    def press(self, event: QMouseEvent) -> bool:
        """Left button down; False leaves it to the paper."""
        place = event.position()
        if self._field is not None:
            self._field.keep()
        if self.draft is not None and self._origin is not None and not self._moving:
            self._draw_to(place)
            self._finish()
            return True
        if self.tool is EcgTool.PAN:
            return False
        hit = self._hit(place)
        if hit is not None:
            shape, self._part = hit
            self.select(shape.mark.mark_id)
            here = place_at(self._page, shape.strip, place)
            self.draft, self._moving = shape.mark, self._part
            self._origin = (here, place)
            return True
        self.select("")
        if self.tool is EcgTool.ZOOM:
            self._zoom_y = place.y()
            return True
        strip = strip_at(self._page, place)
        if strip is None or self.tool is EcgTool.SELECT:
            return False
        at = place_at(self._page, strip, place, snap=self.snap)
        if self.tool is EcgTool.NOTE:
            self._write(strip, at)
            return True
        unit = self._unit(strip)
        point = (at.second, at.value)
        self.draft = self.desk.made(_KINDS[self.tool], strip.name, unit, (point, point))
        self._origin = (at, place)
        return True

    def move(self, event: QMouseEvent) -> bool:
        """The pointer moved."""
        place = event.position()
        if self._zoom_y is not None:
            self._page.zoom_by(float(np.exp((self._zoom_y - place.y()) / 150)))
            self._zoom_y = place.y()
            return True
        if self.draft is None or self._origin is None:
            return False
        if self._moving:
            self._move_to(place)
        else:
            self._draw_to(place)
        return True

    def release(self, event: QMouseEvent) -> bool:
        """Left button up."""
        if self._zoom_y is not None:
            self._zoom_y = None
            return True
        if self.draft is None or self._origin is None:
            return False
        begin = self._origin[1]
        moved = (event.position() - begin).manhattanLength() > _CLICK_PX
        if self._moving:
            if moved:
                self._move_to(event.position())
                self._keep()
            self.drop()
        elif moved:
            self._draw_to(event.position())
            self._finish()
        return True  # a click: the second click ends the mark

    def double_click(self, event: QMouseEvent) -> bool:
        """Write a note again."""
        hit = self._hit(event.position())
        if hit is None:
            return False
        shape = hit[0]
        if shape.mark.kind is EcgMarkKind.NOTE:
            self.drop()
            self._write(shape.strip, PaperPlace(shape.strip, *shape.mark.points[0]), shape.mark)
        return True

    def _unit(self, strip: Strip) -> str:
        waveform = self._page.waveform
        if waveform is None or strip.channel is None:
            return ""
        return waveform.channels[strip.channel].unit

    def _draw_to(self, place: QPointF) -> None:
        draft, origin = self.draft, self._origin
        if draft is None or origin is None:
            return
        start, begin = origin
        at = place_at(self._page, start.strip, place, snap=self.snap)
        second, value = at.second, at.value
        if not self.snap and draft.kind is not EcgMarkKind.SLOPE:
            if draft.kind is EcgMarkKind.MARCH or abs(place.y() - begin.y()) < _FLAT_PX:
                value = start.value
            elif abs(place.x() - begin.x()) < _STEEP_PX:
                second = start.second
        self.draft = draft.moved(((start.second, start.value), (second, value)), now())
        self._page.update()

    def _move_to(self, place: QPointF) -> None:
        origin, kept = self._origin, self.desk.mark(self.selected)
        if origin is None or kept is None:
            return
        start = origin[0]
        part = self._moving
        at = place_at(self._page, start.strip, place, snap=self.snap and part != "body")
        points = list(kept.points)
        if part == "body":
            step, rise = at.second - start.second, at.value - start.value
            if kept.kind in (EcgMarkKind.CALIPER, EcgMarkKind.MARCH):
                rise = 0.0 if kept.kind is EcgMarkKind.MARCH else rise
            points = [self._shifted(point, step, rise) for point in points]
        elif part.startswith("t"):
            index = int(part[1])
            points[index] = (at.second, points[index][1])
        else:
            points[int(part)] = (at.second, at.value)
        self.draft = kept.moved(tuple(points), now())
        self._page.update()

    def _shifted(self, point: Place, step_s: float, rise: float) -> Place:
        """Moved by whole samples."""
        waveform = self._page.waveform
        rate = waveform.sampling_hz if waveform is not None else 1.0
        return round((point[0] + step_s) * rate) / rate, point[1] + rise

    def _finish(self) -> None:
        """Keep a new mark, unless it measures nothing."""
        draft = self.draft
        if draft is not None and (
            draft.duration_s > 0 or (draft.rise and draft.kind is EcgMarkKind.CALIPER)
        ):
            self._keep()
            self.select(draft.mark_id)
            self._part = "1"
        self.drop()

    def _keep(self) -> None:
        if self.draft is not None:
            self.desk.put(self.draft, kind_word(self.draft.kind))

    # notes

    def _write(self, strip: Strip, at: PaperPlace, mark: EcgMark | None = None) -> None:
        made = mark or self.desk.made(
            EcgMarkKind.NOTE, strip.name, self._unit(strip), ((at.second, at.value),)
        )
        field = NoteField(made.text, self._page)
        shape = next((s for s in shapes(self._page, [made]) if s.strip == strip), None)
        if shape is not None:
            room = self._page.rect().bottomRight() - QPoint(field.width(), field.height())
            field.move(min(room.x(), round(shape.label.x())), min(room.y(), round(shape.label.y())))

        def written(text: str) -> None:
            self._field = None
            field.hide()
            field.deleteLater()
            self._page.setFocus()
            if text:
                self.desk.put(replace(made, text=text, changed=now()), kind_word(made.kind))
                self.select(made.mark_id)

        field.finished.connect(written)
        self._field = field
        field.show()
        field.setFocus()

    @property
    def note_field(self) -> NoteField | None:
        """The field while a note is written."""
        return self._field

    # keys and menu

    def key(self, event: QKeyEvent) -> bool:
        """Arrows move the chosen point by a sample (ten with Shift); Escape lets go."""
        mark = self.desk.mark(self.selected)
        key = Qt.Key(event.key())
        if key is Qt.Key.Key_Escape and (self.draft is not None or mark is not None):
            self.drop()
            self.select("")
            return True
        waveform = self._page.waveform
        if mark is None or waveform is None or key not in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            return False
        step = 1 if key is Qt.Key.Key_Right else -1
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            step *= 10
        step_s = step / waveform.sampling_hz
        points = list(mark.points)
        if self._part == "body":
            points = [self._shifted(point, step_s, 0.0) for point in points]
        else:
            index = min(int(self._part[-1]), len(points) - 1)
            points[index] = self._shifted(points[index], step_s, 0.0)
        self.desk.put(mark.moved(tuple(points), now()), kind_word(mark.kind))
        return True

    def remove_selected(self) -> None:
        """Take the chosen mark away."""
        mark = self.desk.mark(self.selected)
        if mark is not None:
            self.select("")
            self.desk.remove(mark, self.tr("Delete {0}").format(kind_word(mark.kind)))

    def name_selected(self, name: str) -> None:
        """Say what the chosen caliper measures; '' nothing."""
        mark = self.desk.mark(self.selected)
        if mark is not None and mark.kind in (EcgMarkKind.CALIPER, EcgMarkKind.MARCH):
            self.desk.put(replace(mark, text=name, changed=now()), self.tr("Name of a caliper"))

    def menu(self, place: QPointF) -> QMenu | None:
        """What can be done with the mark below the pointer."""
        hit = self._hit(place)
        if hit is None:
            return None
        mark = hit[0].mark
        self.select(mark.mark_id)
        menu = QMenu(self._page)
        menu.setAccessibleName(self.tr("Mark"))
        if mark.kind in (EcgMarkKind.CALIPER, EcgMarkKind.MARCH):
            for name in (*NAMES, ""):
                action = menu.addAction(name or self.tr("No name"))
                action.setCheckable(True)
                action.setChecked(mark.text == name)
                action.setData(name)
            menu.addSeparator()
        removing = menu.addAction(self.tr("Delete"))
        removing.triggered.connect(self.remove_selected)
        menu.triggered.connect(self._menu_chosen)
        return menu

    def _menu_chosen(self, action: object) -> None:
        data = action.data()  # type: ignore[attr-defined]
        if isinstance(data, str):
            self.name_selected(data)

    def paint(self, painter: QPainter) -> None:
        """Draw every mark on the page."""
        colours = TRACE_PAPERS[self._page.look]
        held = self.draft.mark_id if self.draft is not None else self.selected
        for shape in self.shapes():
            draw_mark(painter, shape, colours, selected=shape.mark.mark_id == held,
                      page=self._page)  # fmt: skip
