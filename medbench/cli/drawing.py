"""Lines and texts of a presentation state on a rendered picture (PS3.3 C.10.5)."""

import math
from typing import Any

import numpy as np

from medbench.domain.image import FrameInfo, GraphicObject
from medbench.imaging.presentation import OVERLAY_COLOUR, shown_place

_ELLIPSE_POINTS = 90


def drawn(picture: np.ndarray, info: FrameInfo, size: tuple[int, int]) -> np.ndarray:
    """The picture of `final_picture` with the frame's graphics; RGB where there are any.

    ``size`` is the frame's own (rows, columns).
    """
    if not info.graphics:
        return picture
    from PIL import Image, ImageDraw

    image = Image.fromarray(picture).convert("RGB")
    pen = ImageDraw.Draw(image)
    for graphic in info.graphics:
        points = [shown_place(row, column, size, info) for row, column in graphic.points]
        _draw(pen, graphic, [(column, row) for row, column in points])
    return np.asarray(image)


def _draw(pen: Any, graphic: GraphicObject, points: list[tuple[float, float]]) -> None:
    kind = graphic.kind
    if kind in ("POINT", "MULTIPOINT"):
        for x, y in points:
            pen.ellipse((x - 2, y - 2, x + 2, y + 2), outline=OVERLAY_COLOUR)
    elif kind == "CIRCLE" and len(points) >= 2:
        radius = math.dist(points[0], points[1])
        pen.line(_oval(points[0], (radius, 0.0), (0.0, radius)), fill=OVERLAY_COLOUR)
    elif kind == "ELLIPSE" and len(points) >= 4:
        pen.line(_ellipse(points), fill=OVERLAY_COLOUR)
    elif kind in ("POLYLINE", "INTERPOLATED") and len(points) >= 2:
        if graphic.filled and len(points) >= 3:
            pen.polygon(points, fill=OVERLAY_COLOUR)
        pen.line(points, fill=OVERLAY_COLOUR)
    if graphic.text and points:
        pen.text((points[0][0] + 3, points[0][1] - 12), graphic.text, fill=OVERLAY_COLOUR)


def _ellipse(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Ends of the major axis, then of the minor axis (C.10.5.1.2)."""
    a, b, c, d = points[:4]
    centre = ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2)
    return _oval(
        centre,
        ((b[0] - a[0]) / 2, (b[1] - a[1]) / 2),
        ((d[0] - c[0]) / 2, (d[1] - c[1]) / 2),
    )


def _oval(
    centre: tuple[float, float], major: tuple[float, float], minor: tuple[float, float]
) -> list[tuple[float, float]]:
    angles = [2 * math.pi * n / _ELLIPSE_POINTS for n in range(_ELLIPSE_POINTS + 1)]
    return [
        (
            centre[0] + major[0] * math.cos(t) + minor[0] * math.sin(t),
            centre[1] + major[1] * math.cos(t) + minor[1] * math.sin(t),
        )
        for t in angles
    ]
