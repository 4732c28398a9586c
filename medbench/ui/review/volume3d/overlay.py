"""What is painted over the 3-D picture: corner texts, crosshair mark, cube, scale."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from medbench.domain.image import VoiWindow
from medbench.imaging.render3d_grid import FULL_BOX
from medbench.imaging.render3d_presets import VolumeMode
from medbench.imaging.reslice import PlaneKind
from medbench.ui.review.annotations import CornerLines, corner_lines, window_number
from medbench.ui.review.painting import scale_bar, text_block
from medbench.ui.review.volume3d.cube import paint_cube
from medbench.ui.theme.tokens import TOKENS

if TYPE_CHECKING:
    from medbench.ui.review.volume3d.view import VolumeView

translate = QCoreApplication.translate
_LINE_PX = 17
CUBE_PX = 20.0
_ROOM_FOR_CUBE_PX = 320
_MARK_PX = 7.0


def volume_lines(view: "VolumeView") -> CornerLines:
    """Texts of the four corners."""
    model, camera = view.model, view.state.camera
    percent = view.voxel_percent()
    found = corner_lines(model, PlaneKind.AXIAL, 0, 1, percent, model.info(0))
    left = _window_lines(view)
    left.append((translate("Volume", "Zoom {0:.0f} %").format(percent), ""))
    words = translate("Volume", "Rot {0:.0f}° Tilt {1:.0f}°")
    # no minus before a zero
    left.append((words.format(camera.yaw_deg + 0.0, camera.pitch_deg + 0.0).replace("-", "−"), ""))
    right = list(found.bottom_right)
    warning = TOKENS["dark"].warning
    volume = model.volume
    if volume is not None and volume.failed:
        words = translate("Volume", "Slices that could not be decoded: {0}")
        right.append((words.format(len(volume.failed)), warning))
    if view.state.box != FULL_BOX:
        right.append((translate("Volume", "Clipped"), ""))
    if view.failure:
        right.append((translate("Volume", "Not up to date"), warning))
    elif view.fine:
        right.append((translate("Volume", "Full volume"), ""))
    elif view.has_picture:
        right.append((translate("Volume", "Reduced while moving") if view.moving
                      else translate("Volume", "Rendering ..."), ""))  # fmt: skip
    if not model.texts_shown:
        left = []
    return CornerLines(found.top_left, found.top_right, left, right)


def _window_lines(view: "VolumeView") -> list[tuple[str, str]]:
    preset = view.memory.preset
    if preset.mode is VolumeMode.SHADED:
        window = view.span
        return [] if window is None else [_window_line(VoiWindow(*window))]
    voi = view.memory.voi
    return [_window_line(voi)] if isinstance(voi, VoiWindow) else []


def _window_line(window: VoiWindow) -> tuple[str, str]:
    width, centre = (window_number(v, window) for v in (window.width, window.center))
    return f"W {width} L {centre}", ""


def cube_place(view: "VolumeView", lines: CornerLines) -> QPointF | None:
    """Middle of the orientation cube; None where there is no room for it."""
    if min(view.width(), view.height()) < _ROOM_FOR_CUBE_PX:
        return None
    shown = sum(1 for text, _ in lines.bottom_right if text)
    below = 16 + _LINE_PX * max(shown, 3) + CUBE_PX * 2
    return QPointF(view.width() - 58, view.height() - below)


def paint_overlay(painter: QPainter, view: "VolumeView") -> None:
    """Everything over the picture."""
    area = QRectF(view.rect())
    lines = volume_lines(view)
    _paint_mark(painter, view)
    text_block(painter, area, lines.top_left, right=False, bottom=False)
    text_block(painter, area, lines.top_right, right=True, bottom=False)
    text_block(painter, area, lines.bottom_left, right=False, bottom=True)
    text_block(painter, area, lines.bottom_right, right=True, bottom=True)
    scale_bar(painter, area, view.px_per_mm(), area.height() - 22 - 17 * len(lines.bottom_left))
    place = cube_place(view, lines)
    if place is not None:
        paint_cube(painter, view.state.camera, place, CUBE_PX)


def _paint_mark(painter: QPainter, view: "VolumeView") -> None:
    """Where the crosshair of the planes lies."""
    point = view.model.point_mm
    if point is None or not view.mark_shown:
        return
    place = view.widget_position(point)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for pen in (QPen(QColor(0, 0, 0, 180), 3.0), QPen(QColor(TOKENS["dark"].accent), 1.4)):
        painter.setPen(pen)
        painter.drawEllipse(place, _MARK_PX, _MARK_PX)
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            along = QPointF(dx, dy)
            painter.drawLine(place + along * (_MARK_PX - 3), place + along * (_MARK_PX + 4))
