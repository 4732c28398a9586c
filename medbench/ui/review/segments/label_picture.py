"""Labels of one viewport as an image and crisp outlines; only what changed is made again."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from medbench.domain.segment_edit import EditedSegmentation, same_grid
from medbench.imaging.reslice import MprPlane, PlaneKind
from medbench.imaging.segment_delta import Box, Labels
from medbench.imaging.segment_outline import border_labels, crowded, label_outlines
from medbench.imaging.segment_place import LabelSampler
from medbench.imaging.slanted import SlantedPlane
from medbench.ui.review.placement import Placement
from medbench.ui.review.segments.choice import LabelLook

if TYPE_CHECKING:
    from medbench.ui.review.viewport import Viewport

_TILE, _LARGE_TILE, _LARGE_PIXELS = 96, 256, 2_000_000
_MARGIN_PX = 4
_FILL_ROWS = 32
Rect = tuple[int, int, int, int]
"""Rows from, to; columns from, to."""
Axes = tuple[tuple[int, int, int], tuple[bool, bool, bool]]
_STACK_AXES: Axes = ((0, 1, 2), (False, False, False))


def axes_on(view: "Viewport", segmentation: EditedSegmentation) -> Axes | None:
    """How a viewport cuts a label map, where it does so along its voxels; None = by position."""
    plane = view.plane
    if plane is None:
        own = segmentation.display_key == view.model.key and view.kind is PlaneKind.ACQUIRED
        return _STACK_AXES if own else None
    if type(plane) not in (MprPlane, SlantedPlane) or plane.geometry.resampled:
        return None
    return (plane.axes, plane.flips) if same_grid(plane.geometry, segmentation.geometry) else None


def colour_table(segmentation: EditedSegmentation, fill: float) -> NDArray[np.uint32]:
    """Premultiplied ARGB of every label, (256,)."""
    table = np.zeros(256, np.uint32)
    alpha = round(255 * fill)
    for segment in segmentation.segments:
        if segment.shown:
            red, green, blue = (round(v * fill) for v in segment.colour)
            table[segment.number] = alpha << 24 | red << 16 | green << 8 | blue
    return table


class LabelPicture:
    """What one viewport shows of a label map."""

    def __init__(self) -> None:
        self._place: Any = None
        self._plane: Any = None
        self._axes: Axes | None = None
        self._shown: Labels = np.zeros((1, 1), np.uint8)
        self._pixels = np.zeros((1, 1), np.uint32)
        self._image = QImage()
        self._table = np.zeros(256, np.uint32)
        self._dirty: Rect | None = None
        self._tiles: dict[tuple[int, int], list[tuple[int, list[QLineF]]]] = {}
        self._crowds: dict[tuple[int, int], tuple[QRectF, QImage]] = {}
        """Tiles full of borders: as pictures, since lines would take seconds."""
        self._tile = _TILE

    @property
    def axes(self) -> Axes | None:
        """How the picture cuts the label map; None = by position."""
        return self._axes

    # following

    def changed(
        self, segmentation_id: str, box: Box, view: "Viewport", sampler: LabelSampler
    ) -> QRect | None:
        """Voxels changed: which part of the widget has to be painted again; None = nothing."""
        if self._place is None or self._place[0] != segmentation_id:
            return None
        if self._axes is not None:
            rect = self._rect_of(box, self._axes)
        else:
            grid = view.grid()
            rect = None if grid is None else sampler.rect_of(box, grid)
        if rect is None:
            return None
        old = self._dirty
        self._dirty = rect if old is None else (
            min(old[0], rect[0]), max(old[1], rect[1]), min(old[2], rect[2]), max(old[3], rect[3])
        )  # fmt: skip
        area = QRectF(rect[2], rect[0], rect[3] - rect[2], rect[1] - rect[0])
        found = view.placement().transform().mapRect(area).toAlignedRect()
        return found.adjusted(-_MARGIN_PX, -_MARGIN_PX, _MARGIN_PX, _MARGIN_PX)

    def _rect_of(self, box: Box, axes: Axes) -> Rect | None:
        (across, down, along), flips = axes
        size, index = self._place[3][across], self._place[1]
        at = size - 1 - index if flips[0] else index
        if not box.low[across] <= at < box.high[across]:
            return None
        rows, columns = self._shown.shape
        r0, r1 = box.low[down], box.high[down]
        c0, c1 = box.low[along], box.high[along]
        if flips[1]:
            r0, r1 = rows - r1, rows - r0
        if flips[2]:
            c0, c1 = columns - c1, columns - c0
        return r0, r1, c0, c1

    def prepare(
        self, view: "Viewport", segmentation: EditedSegmentation, labels: Labels,
        sampler: LabelSampler, look: LabelLook,
    ) -> None:  # fmt: skip
        """Make the image fit to what the viewport shows now."""
        plane, index = view.plane, view.index
        place = (segmentation.segmentation_id, index, id(labels), labels.shape, view.model.key)
        table = colour_table(segmentation, look.fill)
        if place != self._place or plane is not self._plane:
            self._axes = axes_on(view, segmentation)
            self._place, self._plane = place, plane
            self._shown = self._cut(view, labels, sampler)
            self._pixels = np.empty(self._shown.shape, np.uint32)
            self._image = _argb(self._pixels)
            large = self._shown.size > _LARGE_PIXELS
            self._tile = _LARGE_TILE if large else _TILE
            self._colour(table, None)
        elif self._dirty is not None or not np.array_equal(table, self._table):
            if self._axes is None and self._dirty is not None:
                self._sample_again(view, labels, sampler, self._dirty)
            same = np.array_equal(table, self._table)
            self._colour(table, self._dirty if same else None)
        self._dirty = None

    def _sample_again(
        self, view: "Viewport", labels: Labels, sampler: LabelSampler, rect: Rect
    ) -> None:
        """Pictures along the voxels are views of the labels themselves: this is for the others."""
        grid = view.grid()
        if grid is not None:
            r0, r1, c0, c1 = rect
            self._shown[r0:r1, c0:c1] = sampler.picture(labels, grid, (r0, r1), (c0, c1))

    def _cut(self, view: "Viewport", labels: Labels, sampler: LabelSampler) -> Labels:
        plane = view.plane
        if self._axes is not None:
            return labels[view.index] if plane is None else plane.picture(labels, view.index)
        grid = view.grid()
        rows, columns = view.shape()
        if grid is None:
            return np.zeros((rows, columns), np.uint8)
        return sampler.picture(labels, grid)

    def _colour(self, table: NDArray[np.uint32], rect: Rect | None) -> None:
        self._table = table
        if rect is None:
            self._fill(table, (0, self._shown.shape[0], 0, self._shown.shape[1]))
            self._tiles.clear()
            self._crowds.clear()
            return
        r0, r1, c0, c1 = rect
        self._fill(table, rect)
        size = self._tile  # a tile's outline looks one pixel beyond its border
        for i in range(max(0, r0 - 1) // size, r1 // size + 1):
            for j in range(max(0, c0 - 1) // size, c1 // size + 1):
                self._tiles.pop((i, j), None)
                self._crowds.pop((i, j), None)

    def _fill(self, table: NDArray[np.uint32], rect: Rect) -> None:
        """Colours of a part, a few rows at a time: `take` makes indices of eight bytes first."""
        r0, r1, c0, c1 = rect
        for top in range(r0, r1, _FILL_ROWS):
            part = slice(top, min(r1, top + _FILL_ROWS)), slice(c0, c1)
            self._pixels[part] = np.take(table, self._shown[part], mode="clip")

    # drawing

    def paint(
        self, painter: QPainter, place: Placement, segmentation: EditedSegmentation,
        look: LabelLook, *, dashed: bool = False,
    ) -> None:  # fmt: skip
        """Fill, then outlines along pixel edges in screen line widths."""
        rows, columns = self._shown.shape
        painter.save()
        painter.setTransform(place.transform(), True)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        if look.fill > 0:
            painter.drawImage(QRectF(0, 0, columns, rows), self._image)
        if look.outline_px > 0:
            self._paint_outlines(painter, segmentation, look, dashed=dashed)
        painter.restore()

    def _paint_outlines(
        self, painter: QPainter, segmentation: EditedSegmentation, look: LabelLook, *, dashed: bool
    ) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        lines: dict[int, list[QLineF]] = {}
        clip = self._clip(painter)
        for label, part in self._outlines(clip):
            lines.setdefault(label, []).extend(part)
        self._paint_crowds(painter, clip, segmentation)
        for segment in segmentation.segments:
            if segment.shown and segment.number in lines:
                pen = QPen(QColor(*segment.colour), look.outline_px)
                pen.setCosmetic(True)
                pen.setCapStyle(Qt.PenCapStyle.FlatCap if dashed else Qt.PenCapStyle.SquareCap)
                if dashed:
                    pen.setDashPattern([2, 2])
                painter.setPen(pen)
                painter.drawLines(lines[segment.number])

    def _paint_crowds(
        self, painter: QPainter, clip: Rect, segmentation: EditedSegmentation
    ) -> None:
        colours = [0] * 256
        for segment in segmentation.segments:
            if segment.shown:
                colours[segment.number] = QColor(*segment.colour).rgba()
        r0, r1, c0, c1 = clip
        shown = QRectF(c0, r0, c1 - c0, r1 - r0)
        for place, image in self._crowds.values():
            if place.intersects(shown):
                image.setColorTable(colours)
                painter.drawImage(place, image)

    def _clip(self, painter: QPainter) -> Rect:
        """Pixels that are painted this time: while the brush moves, the place it touched."""
        rows, columns = self._shown.shape
        engine = painter.paintEngine()
        region = engine.systemClip() if engine is not None else None
        if region is None or region.isEmpty():
            return 0, rows, 0, columns
        # widgets share the window's memory: the clip is in its pixels, and so is this transform
        inverse, can = painter.deviceTransform().inverted()
        if not can:
            return 0, rows, 0, columns
        found = inverse.mapRect(QRectF(region.boundingRect()))
        return (
            max(0, int(found.top()) - 1), min(rows, int(found.bottom()) + 2),
            max(0, int(found.left()) - 1), min(columns, int(found.right()) + 2),
        )  # fmt: skip

    def _outlines(self, rect: Rect) -> Iterator[tuple[int, list[QLineF]]]:
        r0, r1, c0, c1 = rect
        size = self._tile
        for i in range(r0 // size, max(r0, r1 - 1) // size + 1):
            for j in range(c0 // size, max(c0, c1 - 1) // size + 1):
                if (i, j) not in self._tiles:
                    self._tiles[i, j] = self._tile_outline(i, j)
                yield from self._tiles[i, j]

    def _tile_outline(self, i: int, j: int) -> list[tuple[int, list[QLineF]]]:
        rows, columns = self._shown.shape
        r0, c0 = i * self._tile, j * self._tile
        r1, c1 = min(rows, r0 + self._tile), min(columns, c0 + self._tile)
        if r0 >= rows or c0 >= columns:
            return []
        if crowded(self._shown, (r0, r1), (c0, c1)):
            borders = border_labels(self._shown, (r0, r1), (c0, c1))
            image = QImage(
                borders.data, c1 - c0, r1 - r0, c1 - c0, QImage.Format.Format_Indexed8
            ).copy()
            self._crowds[i, j] = QRectF(c0, r0, c1 - c0, r1 - r0), image
            return []
        return [
            (label, [QLineF(*line) for line in lines.tolist()])
            for label, lines in label_outlines(self._shown, (r0, r1), (c0, c1))
        ]


def _argb(pixels: NDArray[np.uint32]) -> QImage:
    """QImage over the array's own memory."""
    image = QImage(
        pixels.data, pixels.shape[1], pixels.shape[0], pixels.strides[0],
        QImage.Format.Format_ARGB32_Premultiplied,
    )  # fmt: skip
    image.data_kept = pixels  # type: ignore[attr-defined]
    return image
