"""Segments over every picture, and their ticks at the slice bars."""

from dataclasses import replace
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np
from PySide6.QtCore import QObject, QRectF, Qt, Slot
from PySide6.QtGui import QColor, QMouseEvent, QPainter
from shiboken6 import isValid

from medbench.domain.segment_edit import EditedSegmentation, shown_on
from medbench.imaging.segment_delta import Box
from medbench.imaging.segment_place import LabelSampler
from medbench.ui.review.pointer import PointerTool
from medbench.ui.review.segments.choice import LabelLook, SegmentChoice
from medbench.ui.review.segments.label_picture import Axes, LabelPicture, axes_on

if TYPE_CHECKING:
    from medbench.ui.review.viewport import Viewport
    from medbench.ui.review.workspace import ReviewWorkspace

BAR_TOP, BAR_RIGHT, TICK_STEP, TICK_COLUMNS = 48, 7, 3, 4
_GRIP_PX = 12


class SegmentLayer(PointerTool):
    """Draws the label maps; a click at the slice bar jumps to the slice."""

    def __init__(self, page: "ReviewWorkspace", choice: SegmentChoice, parent: QObject) -> None:
        super().__init__(parent)
        self._page = page
        self._choice = choice
        self._pictures: WeakKeyDictionary[Viewport, LabelPicture] = WeakKeyDictionary()
        self._beside: WeakKeyDictionary[Viewport, LabelPicture] = WeakKeyDictionary()
        self._samplers: dict[str, LabelSampler] = {}
        self._extents: dict[tuple[str, int, int], list[tuple[int, int]]] = {}
        self._jumping = False
        book = choice.book
        book.edited.connect(self._edited)
        book.opened.connect(self._opened)
        book.counter.counted.connect(self._counted)
        choice.changed.connect(self.refresh)
        choice.look_changed.connect(self.refresh)

    @Slot()
    def refresh(self) -> None:
        """Paint all viewports again."""
        for view in self._page.views():
            view.update()

    @Slot(str)
    def _opened(self, _segmentation_id: str) -> None:
        self.refresh()

    @Slot(str)
    def _counted(self, segmentation_id: str) -> None:
        old = {key: runs for key, runs in self._extents.items() if key[0] == segmentation_id}
        for key in old:
            del self._extents[key]
        if any(self._runs(*key) != runs for key, runs in old.items()):
            for view in self._page.views():
                view.update(_bar_area(view).toAlignedRect())

    @Slot(str, object)
    def _edited(self, segmentation_id: str, box: Box) -> None:
        sampler = self._samplers.get(segmentation_id)
        if sampler is None:
            return  # nothing is drawn of it yet
        for pictures in (self._pictures, self._beside):
            for view, picture in list(pictures.items()):
                if not isValid(view):  # its screen was closed
                    del pictures[view]
                    continue
                area = picture.changed(segmentation_id, box, view, sampler)
                if area is not None and view.isVisible():
                    view.update(area)

    # painting

    def paint(self, painter: QPainter, view: "Viewport") -> None:
        segmentation = self._choice.for_display(view.model.display)
        look = self._choice.look
        if segmentation is None or not look.shown:
            return
        picture = self._prepared(self._pictures, view, segmentation, look)
        if picture is None:
            return
        if view.hurried and picture.axes is None and look.fill > 0:
            look = replace(look, outline_px=0.0)  # cut anew at each move: outlines when it rests
        picture.paint(painter, view.placement(), segmentation, look)
        if picture.axes is not None:
            self._paint_ticks(painter, view, segmentation, picture.axes)
        other = self._choice.book.get(self._choice.beside) if self._choice.beside else None
        if other is None or other.segmentation_id == segmentation.segmentation_id:
            return
        display, key = view.model.display, view.model.key
        if display is not None and shown_on(other, display, key):
            thin = LabelLook(fill=0.0, outline_px=max(1.0, look.outline_px))
            beside = self._prepared(self._beside, view, other, thin)
            if beside is not None:
                beside.paint(painter, view.placement(), other, thin, dashed=True)

    def _prepared(
        self, pictures: "WeakKeyDictionary[Viewport, LabelPicture]", view: "Viewport",
        segmentation: EditedSegmentation, look: LabelLook,
    ) -> LabelPicture | None:  # fmt: skip
        """What a viewport shows of a segmentation, up to date; None while it is being read."""
        key = segmentation.segmentation_id
        labels = self._choice.book.labels(key)
        if labels is None:
            self._choice.book.open(key)
            return None
        if key not in self._samplers:
            self._samplers[key] = LabelSampler(segmentation.geometry)
        picture = pictures.get(view)
        if picture is None:
            picture = pictures[view] = LabelPicture()
        picture.prepare(view, segmentation, labels, self._samplers[key], look)
        return picture

    def _paint_ticks(
        self, painter: QPainter, view: "Viewport", segmentation: EditedSegmentation, axes: Axes
    ) -> None:
        """Where each segment lies along the slices, beside the slice bar."""
        count = view.count
        if count < 2:
            return
        bar = _bar_area(view)
        painter.setPen(Qt.PenStyle.NoPen)
        shown = [s for s in segmentation.segments if s.shown]
        for at, segment in enumerate(shown):
            x = view.width() - BAR_RIGHT - 5 - TICK_STEP * (at % TICK_COLUMNS)
            painter.setBrush(QColor(*segment.colour))
            for first, last in self._runs(segmentation.segmentation_id, segment.number, axes[0][0]):
                if axes[1][0]:
                    first, last = count - last, count - first
                y0 = bar.top() + bar.height() * first / count
                y1 = bar.top() + bar.height() * last / count
                painter.drawRect(QRectF(x, y0, 2.0, max(2.0, y1 - y0)))

    def _runs(self, segmentation_id: str, number: int, axis: int) -> list[tuple[int, int]]:
        key = (segmentation_id, number, axis)
        if key not in self._extents:
            line = self._choice.book.counter.extent(segmentation_id, number, axis)
            edges = np.zeros(0, int)
            if line is not None:
                edges = np.flatnonzero(np.diff(np.concatenate([[0], line.astype(np.int8), [0]])))
            self._extents[key] = list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
        return self._extents[key]

    # the slice bar

    def press(self, view: "Viewport", event: QMouseEvent) -> bool:
        if not self._on_bar(view, event):
            return False
        self._jumping = True
        self._jump(view, event)
        return True

    def move(self, view: "Viewport", event: QMouseEvent) -> bool:
        if self._jumping:
            self._jump(view, event)
        return self._jumping

    def release(self, view: "Viewport", event: QMouseEvent) -> bool:
        self._jumping = False
        return True

    def double_click(self, view: "Viewport", event: QMouseEvent) -> bool:
        return self._on_bar(view, event)

    def _on_bar(self, view: "Viewport", event: QMouseEvent) -> bool:
        """At the bar or its ticks; only where a segmentation shows ticks."""
        segmentation = self._choice.for_display(view.model.display)
        if segmentation is None or view.count < 2 or not self._choice.look.shown:
            return False
        if axes_on(view, segmentation) is None:
            return False
        bar, place = _bar_area(view), event.position()
        return place.x() >= view.width() - _GRIP_PX and bar.top() <= place.y() <= bar.bottom()

    def _jump(self, view: "Viewport", event: QMouseEvent) -> None:
        bar = _bar_area(view)
        part = (event.position().y() - bar.top()) / max(1.0, bar.height())
        view.set_index(int(min(0.9999, max(0.0, part)) * view.count))


def _bar_area(view: "Viewport") -> QRectF:
    """The slice bar with the columns of ticks, as `painting.slice_bar` lays it out."""
    wide = BAR_RIGHT + 5 + TICK_STEP * TICK_COLUMNS
    return QRectF(view.width() - wide, BAR_TOP, wide, max(1, view.height() - 2 * BAR_TOP))
