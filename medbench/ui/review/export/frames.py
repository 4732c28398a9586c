"""Frames of one viewport, drawn away from the window: its window, turn, zoom, marks, stamp."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from PySide6.QtCore import QCoreApplication, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPainter, QPen, QPolygonF

from medbench.base.errors import BadInputError
from medbench.domain.image import FrameInfo, GraphicObject, Voi, Volume
from medbench.imaging.presentation import decorate
from medbench.imaging.reslice import MprPlane, PlaneKind
from medbench.imaging.slab import Slab, cut_values
from medbench.imaging.window import display_frame
from medbench.ui.review.export.pictures import STAMP_PX, paint_stamp
from medbench.ui.review.painting import grey_image
from medbench.ui.review.placement import Placement
from medbench.ui.review.view_model import ViewModel
from medbench.ui.review.viewport import Viewport

_MARK, _HALO, _TEXT = QColor("#5aa9f5"), QColor(0, 0, 0, 190), QColor("#d7dbdf")
_LETTER = QColor("#f0e442")
_TEXT_PX, _STEPS = 13, 72


@dataclass(frozen=True, eq=False)
class FrameRecipe:
    """What the frames of a viewport are made of; read in a worker."""

    model: ViewModel
    volume: Volume
    kind: PlaneKind
    plane: MprPlane | None
    voxels: Any
    slab: Slab | None
    placement: Placement
    voi: Voi | None
    follows: bool
    """Whether each frame has its own window."""
    invert: bool
    overlays: bool
    shutter: bool
    simulated: bool
    letters: tuple[str, str, str, str]
    """Patient sides at the left, right, top and bottom."""
    patient: tuple[str, ...]
    """Lines that name the patient; () = hidden."""
    graphics: Mapping[tuple[str, int], tuple[GraphicObject, ...]] = field(default_factory=dict)
    """What is drawn on acquired frames."""

    @property
    def acquired(self) -> bool:
        """Whether frames are shown as they were acquired."""
        return self.kind is PlaneKind.ACQUIRED

    @property
    def count(self) -> int:
        """Frames there are."""
        if self.acquired or self.plane is None:
            return len(self.volume.ready)
        return self.plane.shape[0]


def follows_file(view: Viewport) -> bool:
    """Whether the shown window is the one that the frame itself names."""
    vois = view.frame().vois
    return view.kind is PlaneKind.ACQUIRED and bool(vois) and vois[0] == view.model.voi


def recipe_of(view: Viewport, patient: tuple[str, ...] = (), *, simulated: bool) -> FrameRecipe:
    """What a viewport shows now, frame by frame.

    Raises
    ------
    BadInputError
        Nothing is loaded.
    """
    model, volume = view.model, view.model.volume
    if volume is None or not volume.ready.any():
        raise BadInputError("Nothing is loaded yet: open a series first.")
    slab = model.plane_state.slab(view.kind) if view.can_be_thick else None
    return FrameRecipe(
        model, volume, view.kind, view.plane, model.plane_voxels(view.kind), slab,
        view.placement(), model.voi, follows_file(view), model.invert, model.planes_shown,
        model.shutter_shown, simulated, view.letters(), patient,
    )  # fmt: skip


def _picture(recipe: FrameRecipe, index: int) -> tuple[Any, FrameInfo]:
    """Modality values and presentation of a frame."""
    if recipe.acquired and recipe.slab is None:
        if not recipe.volume.ready[index]:
            reason = recipe.volume.failed.get(index, "it is not loaded yet")
            raise BadInputError(f"Frame {index + 1} cannot be shown: {reason}.")
        return np.asarray(recipe.volume.voxels[index]), recipe.model.info(index)
    info = recipe.model.info(index if recipe.acquired else 0)
    assert recipe.plane is not None
    values = cut_values(
        recipe.plane, recipe.voxels, index, recipe.slab, padding=info.padding, ready=None
    )
    if not recipe.acquired:  # drawings of an acquired frame don't lie on a cut
        info = replace(info, overlays=(), shutter=None, graphics=())
    return values, info


def draw_frame(recipe: FrameRecipe, index: int, longest_px: int) -> QImage:
    """One frame as RGB888, no side longer than ``longest_px``, with a stamp below it.

    Raises
    ------
    BadInputError
        The frame is not there.
    """
    values, info = _picture(recipe, index)
    voi = info.vois[0] if recipe.follows and info.vois else recipe.voi
    grey = display_frame(values, info, voi, inverted=info.inverted != recipe.invert)
    if info.overlays or info.shutter is not None:
        grey = decorate(grey, info, overlays=recipe.overlays, shutter=recipe.shutter)
    place = recipe.placement
    scale = longest_px / max(place.width, place.height)
    place = replace(
        place, width=max(1, round(place.width * scale)), height=max(1, round(place.height * scale)),
        pan_x=place.pan_x * scale, pan_y=place.pan_y * scale,
    )  # fmt: skip
    wide, high = int(place.width), int(place.height)
    whole = QImage(wide, high + STAMP_PX, QImage.Format.Format_RGB888)
    whole.fill(QColor("#16181b"))
    painter = QPainter(whole)
    painter.setClipRect(0, 0, wide, high)
    painter.fillRect(0, 0, wide, high, Qt.GlobalColor.black)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.setTransform(place.transform())
    painter.drawImage(QRectF(0, 0, place.columns, place.rows), grey_image(grey))
    painter.restore()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    _marks(painter, place, recipe, index, info)
    _texts(painter, recipe, index, wide, high)
    painter.setClipping(False)
    paint_stamp(painter, QRect(0, high, wide, STAMP_PX), simulated=recipe.simulated)
    painter.end()
    return whole


def _marks(
    painter: QPainter, place: Placement, recipe: FrameRecipe, index: int, info: FrameInfo
) -> None:
    found = list(info.graphics)
    if recipe.acquired:
        ref = recipe.volume.display.frames[index]
        found += recipe.graphics.get((ref.sop_instance_uid, ref.frame), ())
    for graphic in found:
        points = [place.to_widget(*point) for point in graphic.points]
        if not points:
            continue
        if graphic.kind == "TEXT":
            _text(painter, points[0] + QPointF(6, -6), graphic.text)
            continue
        for pen in (QPen(_HALO, 3.5), QPen(_MARK, 1.5)):
            painter.setPen(pen)
            _line(painter, graphic.kind, points)


def _line(painter: QPainter, kind: str, points: list[QPointF]) -> None:
    if kind == "POINT":
        for point in points:
            painter.drawEllipse(point, 3, 3)
    elif kind == "ELLIPSE" and len(points) >= 4:
        a, b, c, d = points[:4]
        middle, first, second = (a + b) / 2, (b - a) / 2, (d - c) / 2
        turn = np.linspace(0, 2 * np.pi, _STEPS)
        painter.drawPolyline(
            QPolygonF([middle + first * float(np.cos(t)) + second * float(np.sin(t)) for t in turn])
        )
    elif kind == "CIRCLE" and len(points) >= 2:
        delta = points[1] - points[0]
        radius = float(np.hypot(delta.x(), delta.y()))
        painter.drawEllipse(points[0], radius, radius)
    else:
        painter.drawPolyline(QPolygonF(points))


def _text(painter: QPainter, at: QPointF, words: str, colour: QColor = _TEXT) -> None:
    font = QFont(painter.font())
    font.setPixelSize(_TEXT_PX)
    painter.setFont(font)
    for number, line in enumerate(words.splitlines()):
        place = at + QPointF(0, number * (_TEXT_PX + 3))
        painter.setPen(_HALO)
        for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            painter.drawText(place + QPointF(dx, dy), line)
        painter.setPen(colour)
        painter.drawText(place, line)


def _texts(painter: QPainter, recipe: FrameRecipe, index: int, wide: int, high: int) -> None:
    left, right, top, bottom = recipe.letters
    for words, x, y in ((left, 8, high / 2), (right, wide - 20, high / 2), (top, wide / 2, 18),
                        (bottom, wide / 2, high - 8)):  # fmt: skip
        _text(painter, QPointF(x, y), words, _LETTER)
    for number, line in enumerate(recipe.patient):
        _text(painter, QPointF(8, 18 + number * (_TEXT_PX + 4)), line)
    if recipe.count > 1:
        words = QCoreApplication.translate("Export", "{0} / {1}").format(index + 1, recipe.count)
        _text(painter, QPointF(8, high - 8), words)
