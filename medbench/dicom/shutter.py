"""Display shutters: what lies outside the shape is hidden (PS3.3 C.7.6.11, C.7.6.15)."""

from typing import Any

import numpy as np

from medbench.dicom.overlays import place, unpack_bits
from medbench.domain.image import Shutter


def read_shutter(dataset: Any, rows: int, columns: int) -> Shutter | None:
    """Hidden pixels of an image or presentation state; None without a usable shutter.

    Several shapes are combined: only what all of them leave open is visible. Edges are 1-based
    and belong to the visible part (C.7.6.11: the rectangle is "outside of" the edges).
    """
    shapes = dataset.get("ShutterShape")
    if not shapes or rows < 1 or columns < 1:
        return None
    visible = np.ones((rows, columns), bool)
    names = [shapes] if isinstance(shapes, str) else list(shapes)
    used = []
    for name in (str(n).strip().upper() for n in names):
        try:
            mask = _SHAPES[name](dataset, rows, columns)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            continue
        if mask is not None:
            visible &= mask
            used.append(name.lower())
    if not used or visible.all():
        return None
    value = dataset.get("ShutterPresentationValue")
    grey = 0 if value in (None, "") else round(int(value) / 65535 * 255)
    return Shutter(~visible, min(max(grey, 0), 255), ", ".join(used))


def _rectangle(dataset: Any, rows: int, columns: int) -> np.ndarray:
    mask = np.zeros((rows, columns), bool)
    top = max(0, int(dataset.ShutterUpperHorizontalEdge) - 1)
    bottom = int(dataset.ShutterLowerHorizontalEdge)
    left = max(0, int(dataset.ShutterLeftVerticalEdge) - 1)
    right = int(dataset.ShutterRightVerticalEdge)
    mask[top : max(top, bottom), left : max(left, right)] = True
    return mask


def _circle(dataset: Any, rows: int, columns: int) -> np.ndarray:
    centre = [float(v) for v in dataset.CenterOfCircularShutter]
    radius = float(dataset.RadiusOfCircularShutter)
    row, column = np.ogrid[1 : rows + 1, 1 : columns + 1]
    return np.asarray((row - centre[0]) ** 2 + (column - centre[1]) ** 2 <= radius**2)


def _polygon(dataset: Any, rows: int, columns: int) -> np.ndarray:
    """Even-odd rule at pixel centres; vertices are (row, column) pairs.

    Each edge turns over what lies left of it in the rows it crosses; the turns are counted at the
    column where they end, and summed once.
    """
    points = np.asarray([float(v) for v in dataset.VerticesOfThePolygonalShutter]).reshape(-1, 2)
    turns = np.zeros((rows, columns + 1), np.int32)
    for (r0, c0), (r1, c1) in zip(points, np.roll(points, -1, axis=0), strict=True):
        low, high = sorted((r0, r1))
        crossed = np.arange(max(1, np.ceil(low)), min(rows, np.ceil(high) - 1) + 1)
        if not len(crossed):
            continue
        at = (c1 - c0) * (crossed - r0) / (r1 - r0) + c0
        left = np.clip(np.ceil(at) - 1, 0, columns).astype(int)  # columns 1 to left are < at
        turns[crossed.astype(int) - 1, left] += 1
    after = np.cumsum(turns[:, ::-1], axis=1)[:, ::-1]
    return after[:, 1:] % 2 == 1


def _bitmap(dataset: Any, rows: int, columns: int) -> np.ndarray | None:
    """Bit 1 hides (C.7.6.15); the overlay group is named by the shutter."""
    group = int(dataset.ShutterOverlayGroup)
    data = dataset[group, 0x3000].value
    height, width = int(dataset[group, 0x10].value), int(dataset[group, 0x11].value)
    origin = [int(v) for v in dataset[group, 0x50].value]
    bits = unpack_bits(bytes(data), 0, height * width).reshape(height, width)
    return ~place(bits, origin, (rows, columns))


_SHAPES = {
    "RECTANGULAR": _rectangle, "CIRCULAR": _circle, "POLYGONAL": _polygon, "BITMAP": _bitmap,
}  # fmt: skip
