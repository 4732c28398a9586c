"""Brush, eraser, region growing and threshold in the hand."""

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRect, Qt, Slot
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPen
from shiboken6 import isValid

from medbench.domain.geometry import Vector
from medbench.domain.segment_edit import EditedSegmentation, SegmentMethod
from medbench.imaging.segment_brush import Brush
from medbench.imaging.segment_edit import EditRules
from medbench.ui.review.pointer import PointerTool
from medbench.ui.review.segments.label_picture import axes_on
from medbench.ui.review.segments.target import SegmentTarget, point_below
from medbench.ui.review.segments.threshold_preview import ThresholdPreview

if TYPE_CHECKING:
    from medbench.ui.review.segments.operations import SegmentOperations
    from medbench.ui.review.viewport import Viewport

_HALO = QColor(0, 0, 0, 180)
_CURSOR_MARGIN_PX = 4


class CircleTool(PointerTool):
    """A tool with a circle of the brush's size at the pointer."""

    over_marks = True

    def __init__(self, target: SegmentTarget) -> None:
        super().__init__(target)
        self._target = target
        self._over: tuple[Viewport, QPointF] | None = None
        target.choice.brush_changed.connect(self._size_changed)

    @Slot()
    def _size_changed(self) -> None:
        if self._over is not None and isValid(self._over[0]):
            self._over[0].update()

    def radius_px(self, view: "Viewport") -> float:
        """Of the circle on the screen."""
        return max(1.0, self._target.choice.brush.size_mm / 2 * view.placement().scale)

    def _circle_area(self, view: "Viewport", at: QPointF) -> QRect:
        reach = int(self.radius_px(view)) + _CURSOR_MARGIN_PX
        return QRect(int(at.x()) - reach, int(at.y()) - reach, 2 * reach + 1, 2 * reach + 1)

    def hover(self, view: "Viewport", at: QPointF | None) -> None:
        """The pointer is elsewhere: only both circles are painted again."""
        if self._over is not None and isValid(self._over[0]):
            self._over[0].update(self._circle_area(*self._over))
        self._over = None if at is None else (view, QPointF(at))
        if at is not None:
            view.update(self._circle_area(view, at))

    def move(self, view: "Viewport", event: QMouseEvent) -> bool:
        self.hover(view, event.position())
        return False

    def leave(self, view: "Viewport") -> None:
        self.hover(view, None)

    def put_down(self) -> None:
        if self._over is not None:
            self.hover(self._over[0], None)

    def circle_colour(self, view: "Viewport") -> QColor:
        """Of the chosen segment."""
        segmentation = self._target.choice.for_display(view.model.display)
        segment = self._target.choice.segment(segmentation) if segmentation is not None else None
        return QColor(*segment.colour) if segment is not None else QColor(255, 255, 255)

    def paint(self, painter: QPainter, view: "Viewport") -> None:
        if self._over is None or self._over[0] is not view:
            return
        radius = self.radius_px(view)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for pen in (QPen(_HALO, 3.0), QPen(self.circle_colour(view), 1.4, self.pen_style())):
            painter.setPen(pen)
            painter.drawEllipse(self._over[1], radius, radius)

    def pen_style(self) -> Qt.PenStyle:
        """Dashed circles erase."""
        return Qt.PenStyle.SolidLine


class BrushTool(CircleTool):
    """Paints with the chosen segment; Shift erases."""

    tool_id = "brush"
    erases = False

    def __init__(self, target: SegmentTarget) -> None:
        super().__init__(target)
        self._painting: tuple[EditedSegmentation, int] | None = None
        self._rules: dict[bool, EditRules] = {}
        self._last: tuple[Vector, int] | None = None
        self._shift = False

    def press(self, view: "Viewport", event: QMouseEvent) -> bool:
        found = self._target.take(view, make=not self._erasing(event))
        if found is None:
            return True
        segmentation, number = found
        paints = self._target.rules(view, segmentation, number, erase=False)
        if paints is None:
            return True
        # what is to be erased may lie outside of the range it was painted in
        erases = self._target.rules(view, segmentation, number, erase=True, keep=False)
        if erases is None:
            return True
        self._rules = {False: paints, True: erases}
        self._painting, self._last = found, None
        words = self.tr("Erase") if self._erasing(event) else self.tr("Brush stroke")
        self._target.book.begin_stroke(segmentation.segmentation_id, words)
        self._dab(view, event)
        return True

    def _erasing(self, event: QMouseEvent) -> bool:
        return self.erases or bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)

    def move(self, view: "Viewport", event: QMouseEvent) -> bool:
        self._shift = self._erasing(event)
        self.hover(view, event.position())
        if self._painting is not None:
            self._dab(view, event)
        return self._painting is not None

    def release(self, view: "Viewport", event: QMouseEvent) -> bool:
        if self._painting is not None:
            self._dab(view, event)
            (_, number), self._painting = self._painting, None
            self._target.book.end_stroke(number, SegmentMethod.BRUSH)
        return True

    def double_click(self, view: "Viewport", event: QMouseEvent) -> bool:
        return self.press(view, event)  # two quick dabs are no wish for another layout

    def key(self, view: "Viewport", event: QKeyEvent) -> bool:
        if event.key() == Qt.Key.Key_Escape and self._painting is not None:
            self._drop()
            return True
        return False

    def put_down(self) -> None:
        super().put_down()
        self._drop()

    def _drop(self) -> None:
        if self._painting is not None:
            self._painting = None
            self._target.book.drop_stroke()

    def pen_style(self) -> Qt.PenStyle:
        return Qt.PenStyle.DashLine if self.erases or self._shift else Qt.PenStyle.SolidLine

    def _dab(self, view: "Viewport", event: QMouseEvent) -> None:
        """From where the pointer was to where it is; on another slice the way begins anew."""
        assert self._painting is not None
        if not self._target.book.stroking:  # undo took the stroke back while it was painted
            self._painting = None
            return
        place = point_below(view, self._painting[0], event)
        if place is None:
            return
        point, normal = place
        start = self._last[0] if self._last is not None and self._last[1] == view.index else point
        self._last = (point, view.index)
        brush = self._target.choice.brush
        # pictures without a place have no third dimension, only one after the other
        flat = None if brush.sphere and self._painting[0].placed else normal
        self._target.book.dab(
            Brush(start, point, brush.size_mm / 2, flat), self._rules[self._erasing(event)]
        )


class EraserTool(BrushTool):
    """Takes voxels from the chosen segment."""

    tool_id = "eraser"
    erases = True


class GrowTool(PointerTool):
    """A click takes what is connected and alike."""

    tool_id = "grow"
    over_marks = True

    def __init__(self, target: SegmentTarget, operations: "SegmentOperations") -> None:
        super().__init__(target)
        self._target = target
        self._operations = operations

    def press(self, view: "Viewport", event: QMouseEvent) -> bool:
        found = self._target.take(view, make=True)
        if found is not None:
            place = point_below(view, found[0], event)
            grid = self._target.book.grid(found[0].segmentation_id)
            seed = grid.voxel_at(place[0]) if place is not None and grid is not None else None
            if seed is not None:
                self._operations.grow(view, *found, seed)
        return True

    def double_click(self, view: "Viewport", event: QMouseEvent) -> bool:
        return True


class ThresholdTool(CircleTool):
    """Shows what the range takes; a click takes the range from below the circle."""

    tool_id = "threshold"

    def __init__(self, target: SegmentTarget, operations: "SegmentOperations") -> None:
        super().__init__(target)
        self._operations = operations
        self._preview = ThresholdPreview()

    def press(self, view: "Viewport", event: QMouseEvent) -> bool:
        values = view.values()
        if values is None or values.ndim != 2:
            return True
        row, column = view.picture_position(event.position())
        place = view.placement()
        radius = self._target.choice.brush.size_mm / 2
        high, wide = radius / place.row_size + 1, radius / place.column_size + 1
        top, left = max(0, int(row - high)), max(0, int(column - wide))
        near = values[top : max(0, int(row + high) + 1), left : max(0, int(column + wide) + 1)]
        i, j = np.ogrid[: near.shape[0], : near.shape[1]]
        down, across = (i + top - row) * place.row_size, (j + left - column) * place.column_size
        inside = np.asarray(near, np.float64)[down**2 + across**2 <= radius * radius]
        inside = inside[np.isfinite(inside)]
        if inside.size:
            low, high = np.percentile(inside, (5, 95))
            self._target.choice.set_brush(keep=(float(low), float(high)))
        return True

    def double_click(self, view: "Viewport", event: QMouseEvent) -> bool:
        return True

    def key(self, view: "Viewport", event: QKeyEvent) -> bool:
        if event.key() not in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            return False
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            return False  # another command's key
        whole = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        self._operations.threshold(view, whole=whole)
        return True

    def paint(self, painter: QPainter, view: "Viewport") -> None:
        keep = self._target.choice.brush.keep
        segmentation = self._target.choice.for_display(view.model.display)
        fits = segmentation is None or axes_on(view, segmentation) is not None
        if keep is not None and fits:
            self._preview.paint(painter, view, keep, self.circle_colour(view))
        super().paint(painter, view)
