"""What the viewports show, as presentation states; and the area of a state back on a viewport."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPointF

from medbench.domain.shown import ShownFrame, ShownPictures, VisibleArea
from medbench.imaging.reslice import PlaneKind
from medbench.ui.review.export.frames import FrameRecipe

if TYPE_CHECKING:
    from medbench.ui.review.viewport import Viewport

_WHOLE_PX = 0.5


def visible_area(view: "Viewport") -> VisibleArea | None:
    """Whole pixels of the picture that are on the screen; None where all of it is."""
    size = float(view.width()), float(view.height())
    ends = [QPointF(x, y) for x in (0.0, size[0]) for y in (0.0, size[1])]
    corners = [view.picture_position(end) for end in ends]
    rows, columns = view.shape()
    top, bottom = min(c[0] for c in corners), max(c[0] for c in corners)
    left, right = min(c[1] for c in corners), max(c[1] for c in corners)
    if (
        top <= -_WHOLE_PX + 1e-6 and left <= -_WHOLE_PX + 1e-6
        and bottom >= rows - _WHOLE_PX - 1e-6 and right >= columns - _WHOLE_PX - 1e-6
    ):  # fmt: skip
        return None
    return VisibleArea(
        max(0, round(top)), max(0, round(left)), min(rows - 1, round(bottom)),
        min(columns - 1, round(right)),
    )  # fmt: skip


def shown_pictures(
    recipe: FrameRecipe, area: VisibleArea | None, size_mm: tuple[float, float] | None
) -> ShownPictures:
    """Every frame of the display as it is shown; reads headers, so it runs in a worker."""
    display, model = recipe.volume.display, recipe.model
    frames = []
    for index, ref in enumerate(display.frames):
        if not recipe.volume.ready[index]:
            continue
        info = model.info(index)
        voi = info.vois[0] if recipe.follows and info.vois else recipe.voi
        frames.append(
            ShownFrame(
                ref.sop_instance_uid, ref.frame, info, None if display.colour else voi,
                info.inverted != recipe.invert, size_mm,
            )
        )  # fmt: skip
    place = recipe.placement
    return ShownPictures(
        frames, display.colour, place.rotation_deg, place.flip, area, recipe.shutter,
        recipe.overlays, recipe.graphics,
    )  # fmt: skip


def fit_area(view: "Viewport", area: Any) -> bool:
    """Zoom and move a viewport so that a displayed area fills it (PS3.3 C.10.4).

    ``area`` is a `medbench.dicom.presentation.DisplayedArea`. Returns whether anything changed:
    the whole image is shown fitted anyway.
    """
    rows, columns = view.shape()
    if view.kind is not PlaneKind.ACQUIRED or area is None:
        return False
    whole = (area.top, area.left, area.bottom, area.right) == (0, 0, rows - 1, columns - 1)
    if whole and area.magnification is None:
        return False
    place = replace(view.placement(), zoom=1.0, pan_x=0.0, pan_y=0.0)
    if area.magnification is not None:
        wanted = area.magnification * place.columns / max(place.native_size.width(), 1e-6)
    else:
        high = (area.bottom - area.top + 1) * place.row_size * place.scale
        wide = (area.right - area.left + 1) * place.column_size * place.scale
        if place.turned:
            wide, high = high, wide
        wanted = min(place.width / max(wide, 1e-6), place.height / max(high, 1e-6))
    view.zoom_by(wanted / view.zoom)
    middle = view.widget_position((area.top + area.bottom) / 2, (area.left + area.right) / 2)
    view.pan_by(view.width() / 2 - middle.x(), view.height() / 2 - middle.y())
    return True
