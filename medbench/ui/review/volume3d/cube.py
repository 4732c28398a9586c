"""The orientation cube: six faces with the letters of the patient's sides, seen by the camera."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPainterPath, QPen, QPolygonF, QTransform

from medbench.imaging.render3d_camera import STANDARD_VIEWS, Camera, standard_camera
from medbench.ui.theme.tokens import TOKENS

_FACE = 40.0


@dataclass(frozen=True)
class CubeFace:
    """One visible face on the screen."""

    side: str
    corners: QPolygonF
    """Top left, top right, bottom right, bottom left of the upright letter."""
    towards: float
    """Cosine between the face and the viewer, 0 to 1."""


def cube_faces(camera: Camera, centre: QPointF, size: float) -> list[CubeFace]:
    """Faces that can be seen; ``size`` is half an edge on the screen."""
    rotation = camera.rotation
    found = []
    for side in STANDARD_VIEWS:
        right, down, into = standard_camera(side).rotation
        towards = float(into @ rotation[2])
        if towards < 1e-3:
            continue
        corners = QPolygonF()
        for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
            place = rotation @ (right * x + down * y - into) * size
            corners.append(centre + QPointF(float(place[0]), float(place[1])))
        found.append(CubeFace(side, corners, towards))
    return sorted(found, key=lambda face: face.towards)


def paint_cube(painter: QPainter, camera: Camera, centre: QPointF, size: float) -> None:
    """Draw it; letters lie on their faces and turn with the patient."""
    tokens = TOKENS["dark"]  # the views are dark in both themes
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for face in cube_faces(camera, centre, size):
        ground = QColor(tokens.raised)
        ground.setAlpha(round(150 + 80 * face.towards))
        painter.setBrush(ground)
        painter.setPen(QPen(QColor(tokens.outline), 1.2, j=Qt.PenJoinStyle.RoundJoin))
        painter.drawPolygon(face.corners)
        onto = QTransform()
        square = QPolygonF(
            [QPointF(0, 0), QPointF(_FACE, 0), QPointF(_FACE, _FACE), QPointF(0, _FACE)]
        )
        mapped = QTransform.quadToQuad(square, face.corners)
        if isinstance(mapped, QTransform):
            onto = mapped
        colour = QColor(tokens.orientation)
        colour.setAlphaF(float(np.clip(face.towards * 1.6, 0.25, 1.0)))
        painter.fillPath(onto.map(_letter(face.side, painter.font().family())), colour)
    painter.restore()


def face_at(camera: Camera, centre: QPointF, size: float, place: QPointF) -> str:
    """Side whose face lies at a place of the screen; empty where there is none."""
    for face in reversed(cube_faces(camera, centre, size)):
        if face.corners.containsPoint(place, Qt.FillRule.OddEvenFill):
            return face.side
    return ""


@lru_cache(maxsize=12)
def _letter(side: str, family: str) -> QPainterPath:
    """The letter in the middle of a square of `_FACE` pixels."""
    font = QFont(family)
    font.setPixelSize(26)
    font.setWeight(QFont.Weight.DemiBold)
    path = QPainterPath()
    path.addText(QPointF(0, 0), font, side)
    box: QRectF = path.boundingRect()
    path.translate(_FACE / 2 - box.center().x(), _FACE / 2 - box.center().y())
    return path
