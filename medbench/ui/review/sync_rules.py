"""How one view follows another: by place in the patient, never by picture number (T43)."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medbench.domain.image import VoiWindow
from medbench.domain.links import LinkOffset
from medbench.ui.review.viewport import Viewport

Transform = NDArray[np.float64]
"""4 x 4, points of one display to points of another, LPS mm."""
Offsets = Callable[[str, str], LinkOffset | None]
Alignments = Callable[[str, str], Any]
_PARALLEL = 0.8
_ABSOLUTE_UNITS = ("HU", "SUV", "SUVbw", "g/ml")


def link_key(view: Viewport) -> str:
    """Frame of reference of a view's display, or the display's own key."""
    display = view.model.display
    geometry = None if display is None else display.geometry
    reference = "" if geometry is None else geometry.frame_of_reference_uid
    return reference or view.model.key


def way(source: Viewport, target: Viewport, offsets: Offsets, aligned: Alignments) -> Any:
    """How points get from one view to another: a `Transform`, or None where nothing links them.

    One frame of reference is its own link; else a registration that is switched on, else the
    offset the reader set. Two pictures without a place in the patient: a registration in the space
    `AlignmentSpace.PICTURE`.
    """
    if source.plane is None or target.plane is None:
        flat = source.plane is None and target.plane is None
        return aligned(source.model.key, target.model.key) if flat else None
    if link_key(source) == link_key(target):
        return np.eye(4)
    found = aligned(source.model.key, target.model.key)
    if found is not None:
        return np.asarray(found, float).reshape(4, 4)
    offset = offsets(link_key(source), link_key(target))
    if offset is None:
        return None
    matrix = np.eye(4)
    matrix[:3, 3] = offset.offset_mm
    return matrix


def _through(matrix: Transform, point: Any) -> NDArray[np.float64]:
    return np.asarray(matrix[:3, :3] @ np.asarray(point, float) + matrix[:3, 3])


def parallel(source: Viewport, target: Viewport) -> bool:
    """Whether two views look at the patient from about the same side."""
    one, other = normal(source), normal(target)
    if one is None or other is None:
        return one is other
    return abs(sum(a * b for a, b in zip(one, other, strict=True))) >= _PARALLEL


def normal(view: Viewport) -> tuple[float, float, float] | None:
    """Unit normal of a view's pictures, row x column direction; None without geometry.

    In plain numbers: it is asked for at each turn of the wheel, for every viewport.
    """
    plane = view.plane
    if plane is None:
        return None
    a, b = plane.row_direction, plane.column_direction
    return (
        float(a[1] * b[2] - a[2] * b[1]),
        float(a[2] * b[0] - a[0] * b[2]),
        float(a[0] * b[1] - a[1] * b[0]),
    )


def middle_mm(view: Viewport) -> NDArray[np.float64] | None:
    """Patient point at the middle of a view's picture."""
    plane = view.plane
    if plane is None:
        return None
    _, rows, columns = plane.shape
    return np.asarray(plane.point_of(view.index, (rows - 1) / 2, (columns - 1) / 2))


def linked_picture(
    source: Viewport, target: Viewport, offsets: Offsets, aligned: Alignments
) -> int | None:
    """Picture of ``target`` at the place that ``source`` shows; None where it has none."""
    if source.plane is None and target.plane is None:
        offset = offsets(link_key(source), link_key(target))
        if offset is None:
            return None
        index = source.index + offset.index
        return index if 0 <= index < target.count else None
    matrix, point = way(source, target, offsets, aligned), middle_mm(source)
    plane = target.plane
    if matrix is None or point is None or plane is None or not parallel(source, target):
        return None
    at = float(plane.place_of(_through(matrix, point))[0])
    return round(at) if -1.0 <= at <= plane.shape[0] else None


def offset_between(source: Viewport, target: Viewport) -> LinkOffset | None:
    """The offset that makes what both show now belong together, along the source's normal."""
    if source.plane is None and target.plane is None:
        index = target.index - source.index
        return LinkOffset(link_key(source), link_key(target), index=index)
    one, other = middle_mm(source), middle_mm(target)
    across = normal(source)
    if one is None or other is None or across is None:
        return None
    along = np.asarray(across) * float((other - one) @ np.asarray(across))
    return LinkOffset(
        link_key(source), link_key(target), (float(along[0]), float(along[1]), float(along[2]))
    )


def _in_picture(
    source: Viewport, target: Viewport, matrix: Any, row: float, column: float
) -> tuple[float, float]:
    """The place on a picture that was registered to another one (`AlignmentSpace.PICTURE`)."""
    found = [view.frame().calibration for view in (source, target)]
    known = all(c.in_mm for c in found)
    mine, its = ((c.row_mm, c.column_mm) if known else (1.0, 1.0) for c in found)
    point = np.asarray(matrix) @ (column * mine[1], row * mine[0], 0.0, 1.0)
    return float(point[1]) / its[0], float(point[0]) / its[1]


def follow_view(source: Viewport, target: Viewport, matrix: Any) -> None:
    """Same scale in the patient, and the same point in the middle."""
    mine, other = source.px_per_mm(), target.px_per_mm()
    if mine > 0 and other > 0:
        target.zoom_by(mine / other)
    else:
        target.zoom_by(source.zoom / target.zoom)
    middle = source.rect().center().toPointF()
    row, column = source.picture_position(middle)
    plane, other_plane = source.plane, target.plane
    if matrix is not None and plane is not None and other_plane is not None:
        point = _through(matrix, plane.point_of(source.index, row, column))
        _, row, column = other_plane.place_of(point)
    elif matrix is not None and plane is None and other_plane is None:
        row, column = _in_picture(source, target, matrix, row, column)
    else:  # the same share of the picture
        rows, columns = source.shape()
        target_rows, target_columns = target.shape()
        row = (row + 0.5) / rows * target_rows - 0.5
        column = (column + 0.5) / columns * target_columns - 0.5
    away = target.rect().center().toPointF() - target.widget_position(row, column)
    if away.manhattanLength() > 0.25:
        target.pan_by(away.x(), away.y())


def followed_window(
    window: VoiWindow, start: VoiWindow | None, own: VoiWindow | None, own_start: VoiWindow | None,
    unit: str, own_unit: str,
) -> VoiWindow | None:  # fmt: skip
    """Window of a follower: the same numbers where units are absolute, else the same change.

    MR grey values of two series have no common scale: there the width changes by the same factor
    and the centre moves by the same share of the width.
    """
    if own is None or own_start is None:
        return None
    if unit == own_unit and unit in _ABSOLUTE_UNITS:
        return own.moved(window.center, window.width)
    if start is None:
        return None
    width = own_start.width * window.width / start.width
    shift = (window.center - start.center) / start.width
    return own.moved(own_start.center + shift * own_start.width, width)
