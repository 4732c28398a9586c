"""Softcopy presentation states: what replaces an image's own transformations (PS3.4 N.2)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from medbench.base.errors import BadInputError
from medbench.dicom.dataset import damage_named, read_dataset
from medbench.dicom.overlays import activated_groups, overlay_planes
from medbench.dicom.shutter import read_shutter
from medbench.dicom.voi import Rescale, line, lut_item, voi_alternatives
from medbench.domain.image import (
    FrameInfo,
    GraphicObject,
    Shutter,
    Voi,
    VoiFunction,
    VoiLut,
    VoiWindow,
)

GRAYSCALE, COLOUR = "1.2.840.10008.5.1.4.1.1.11.1", "1.2.840.10008.5.1.4.1.1.11.2"


Images = tuple[tuple[str, frozenset[int]], ...]
"""SOP Instance UIDs with frame numbers from 1, none = all frames; empty = all images."""


def _holds(images: Images, uid: str, frame: int) -> bool:
    """Whether something is for this frame, counted from 0."""
    return not images or any(
        uid == image and (not frames or frame + 1 in frames) for image, frames in images
    )


@dataclass(frozen=True)
class _VoiRule:
    images: Images
    voi: Voi

    def holds(self, uid: str, frame: int) -> bool:
        """Whether it is for this frame, counted from 0."""
        return _holds(self.images, uid, frame)


@dataclass(frozen=True)
class DisplayedArea:
    """Which pixels are shown, and how large (PS3.3 C.10.4)."""

    images: Images
    top: int
    """Whole (row, column) from 0, ends included; may lie outside the image."""
    left: int
    bottom: int
    right: int
    mode: str = "SCALE TO FIT"
    magnification: float | None = None
    """Screen pixels per image pixel where the mode is MAGNIFY."""


@dataclass(frozen=True)
class PresentationState:
    """One presentation state, as far as it can be shown."""

    label: str
    images: frozenset[str]
    rescale: Rescale | None
    """None = identity: absent in the state means absent on the screen."""
    rules: tuple[_VoiRule, ...]
    inverse: bool
    dataset: Any
    graphics: tuple[tuple[Images, GraphicObject], ...]
    rotation_deg: int = 0
    flip_horizontal: bool = False
    areas: tuple[DisplayedArea, ...] = ()

    def area(self, sop_instance_uid: str, frame: int = 0) -> DisplayedArea | None:
        """Displayed area of a frame, counted from 0."""
        found = (a for a in self.areas if _holds(a.images, sop_instance_uid, frame))
        return next(found, None)

    def shutter(self, rows: int, columns: int) -> Shutter | None:
        """Shutter of the state."""
        return read_shutter(self.dataset, rows, columns)


@damage_named("the presentation state")
def read_presentation(path: Path) -> PresentationState:
    """Read a presentation state; call only behind the guard.

    Raises
    ------
    BadInputError
        It is none, or makes no sense.
    """
    dataset = read_dataset(path)
    if not str(dataset.get("SOPClassUID", "")).startswith("1.2.840.10008.5.1.4.1.1.11."):
        raise BadInputError(f"{path.name} is no presentation state.")
    try:
        return _state(dataset)
    except (AttributeError, TypeError, ValueError, KeyError, IndexError) as error:
        words = f"{path.name} is a damaged presentation state ({type(error).__name__})."
        raise BadInputError(words) from error


def _state(dataset: Any) -> PresentationState:
    images = {
        str(item.ReferencedSOPInstanceUID)
        for series in dataset.get("ReferencedSeriesSequence") or ()
        for item in series.get("ReferencedImageSequence") or ()
    }
    rescale: Rescale | None = None
    if dataset.get("ModalityLUTSequence"):
        rescale = Rescale(lut=lut_item(dataset.ModalityLUTSequence[0], signed_input=False))
    elif dataset.get("RescaleSlope") is not None:
        rescale = line(float(dataset.RescaleSlope), float(dataset.get("RescaleIntercept") or 0))
    signed = rescale is not None and rescale.intercept < 0
    rules = []
    for item in dataset.get("SoftcopyVOILUTSequence") or ():
        found, _ = voi_alternatives(item, signed_input=signed)
        if found:
            rules.append(_VoiRule(_referenced_frames(item), found[0]))
    shape = str(dataset.get("PresentationLUTShape", "") or "").strip()
    return PresentationState(
        label=str(dataset.get("ContentDescription") or dataset.get("ContentLabel") or ""),
        images=frozenset(images),
        rescale=rescale,
        rules=tuple(rules),
        inverse=shape == "INVERSE",
        dataset=dataset,
        graphics=tuple(_graphics(dataset)),
        rotation_deg=int(dataset.get("ImageRotation") or 0) % 360,
        flip_horizontal=str(dataset.get("ImageHorizontalFlip", "N")) == "Y",
        areas=tuple(_areas(dataset)),
    )


def _areas(dataset: Any) -> Iterator[DisplayedArea]:
    for item in dataset.get("DisplayedAreaSelectionSequence") or ():
        ends = [item.get("DisplayedAreaTopLeftHandCorner"),
                item.get("DisplayedAreaBottomRightHandCorner")]  # fmt: skip
        if any(end is None or len(end) != 2 for end in ends):
            continue
        columns, rows = (sorted(int(end[i]) - 1 for end in ends) for i in (0, 1))
        ratio = item.get("PresentationPixelMagnificationRatio")
        mode = str(item.get("PresentationSizeMode", "") or "SCALE TO FIT").strip()
        yield DisplayedArea(
            _referenced_frames(item), rows[0], columns[0], rows[1], columns[1], mode,
            float(ratio) if ratio is not None and mode == "MAGNIFY" else None,
        )  # fmt: skip


def _referenced_frames(item: Any) -> Images:
    found = []
    for image in item.get("ReferencedImageSequence") or ():
        frames = image.get("ReferencedFrameNumber")
        numbers = [] if frames in (None, "") else frames
        numbers = [numbers] if isinstance(numbers, (int, str)) else list(numbers)
        found.append((str(image.ReferencedSOPInstanceUID), frozenset(int(n) for n in numbers)))
    return tuple(found)


def apply_presentation(
    info: FrameInfo, state: PresentationState, sop_instance_uid: str, size: tuple[int, int],
    *, graphics_only: bool = False, frame: int = 0,
) -> FrameInfo:  # fmt: skip
    """The frame as the state wants it: its own VOI, polarity, shutter and turn are replaced (T36).

    What the state leaves out is identity, not the image's own value. ``graphics_only`` keeps the
    image's transformations and adds the drawings. ``size`` is (rows, columns), ``frame`` counts
    from 0. Overlay planes of the image are shown where the state activates them (C.11.7), together
    with the state's own.

    Raises
    ------
    BadInputError
        The state does not name this image.
    """
    if state.images and sop_instance_uid not in state.images:
        raise BadInputError("The presentation state belongs to other images.")
    drawings = tuple(
        drawing for images, drawing in state.graphics
        if _holds(images, sop_instance_uid, frame)
    )  # fmt: skip
    if graphics_only:
        return replace(info, graphics=drawings)
    rule = next((r.voi for r in state.rules if r.holds(sop_instance_uid, frame)), None)
    active = activated_groups(state.dataset)
    own, warnings = overlay_planes(state.dataset, frame, lambda: None, 0, size)
    replaced = {plane.group for plane in own}
    kept = (o for o in info.overlays if o.group in active and o.group not in replaced)
    if state.dataset.get("PresentationLUTSequence"):
        warnings = (*warnings, "the state's presentation table is not applied")
    voi, words = _in_image_units(rule, state.rescale, info)
    return replace(
        info,
        vois=(voi,),
        overlays=(*own, *kept),
        pixel_aspect=_displayed_aspect(state.dataset, info.pixel_aspect),
        warnings=(*info.warnings, *warnings, *((words,) if words else ())),
        inverted=state.inverse,
        shutter=state.shutter(*size),
        graphics=drawings,
        rotation_deg=state.rotation_deg,
        flip_horizontal=state.flip_horizontal,
        badges=(*info.badges, f"presentation state {state.label}".strip()),
    )


def _in_image_units(rule: Voi | None, rescale: Rescale | None, info: FrameInfo) -> tuple[Voi, str]:
    """The state's window, moved to the modality units the voxels are in; and a warning."""
    own_slope, own_intercept = info.stored_line
    if rescale is not None and rescale.lut is not None:
        table = rescale.lut
        if info.modality_table:  # the image's own table, which the values have been through
            if rule is not None:
                return rule, ""
            low, high = float(table.data.min()), float(table.data.max())
            return VoiWindow((low + high) / 2, high - low, VoiFunction.LINEAR_EXACT, "table"), ""
        words = "the state's window is left out beside its modality table"
        return table, words if rule is not None else ""
    slope, intercept = (rescale.slope, rescale.intercept) if rescale is not None else (1.0, 0.0)
    if rule is None:  # the whole range of modality values the bits allow
        low, high = (v * slope + intercept for v in info.stored_range)
        span = high - low
        rule = VoiWindow((low + high) / 2, abs(span), VoiFunction.LINEAR_EXACT, "identity")
    if isinstance(rule, VoiLut) or (slope, intercept) == (own_slope, own_intercept):
        return rule, ""
    scale = own_slope / slope
    centre = (rule.center - intercept) * scale + own_intercept
    width = rule.width * abs(scale)
    return VoiWindow(centre, width, VoiFunction.LINEAR_EXACT, rule.explanation), ""


def _displayed_aspect(dataset: Any, own: tuple[float, float] | None) -> tuple[float, float] | None:
    """(vertical, horizontal) size of a pixel as the state says, else the image's (C.10.4)."""
    for area in dataset.get("DisplayedAreaSelectionSequence") or ():
        ratio = area.get("PresentationPixelSpacing") or area.get("PresentationPixelAspectRatio")
        if ratio is not None and len(ratio) == 2 and min(float(v) for v in ratio) > 0:
            vertical, horizontal = (float(v) for v in ratio)
            return None if vertical == horizontal else (vertical, horizontal)
    return own


def _graphics(dataset: Any) -> list[tuple[Images, GraphicObject]]:
    rows, columns = _displayed_size(dataset)
    found = []
    for annotation in dataset.get("GraphicAnnotationSequence") or ():
        images = _referenced_frames(annotation)
        layer = str(annotation.get("GraphicLayer", "") or "")
        for item in annotation.get("GraphicObjectSequence") or ():
            units = str(item.get("GraphicAnnotationUnits", "PIXEL"))
            points = _points(item.get("GraphicData"), units, rows, columns)
            filled = str(item.get("GraphicFilled", "N")) == "Y"
            kind = str(item.get("GraphicType", "POLYLINE"))
            found.append((images, GraphicObject(kind, points, "", filled, layer)))
        for item in annotation.get("TextObjectSequence") or ():
            text = str(item.get("UnformattedTextValue", "") or "")
            if item.get("AnchorPoint") is not None:
                units = str(item.get("AnchorPointAnnotationUnits", "PIXEL"))
                points = _points(item.AnchorPoint, units, rows, columns)
            else:
                units = str(item.get("BoundingBoxAnnotationUnits", "PIXEL"))
                points = _points(item.get("BoundingBoxTopLeftHandCorner"), units, rows, columns)
            if points:
                found.append((images, GraphicObject("TEXT", points, text, False, layer)))
    return found


def _displayed_size(dataset: Any) -> tuple[int, int]:
    for area in dataset.get("DisplayedAreaSelectionSequence") or ():
        corner = area.get("DisplayedAreaBottomRightHandCorner")
        if corner is not None and len(corner) == 2:
            return int(corner[1]), int(corner[0])
    return 1, 1


def _points(data: Any, units: str, rows: int, columns: int) -> tuple[tuple[float, float], ...]:
    """(row, column) with the first pixel's centre at 0, 0.

    The file's origin is the outer corner of the first pixel, whose centre is 0.5, 0.5 (C.10.5.1.1).
    """
    values = [float(v) for v in data] if data is not None else []
    pairs = zip(values[::2], values[1::2], strict=False)
    if units == "DISPLAY":
        return tuple((y * rows - 0.5, x * columns - 0.5) for x, y in pairs)
    return tuple((y - 0.5, x - 0.5) for x, y in pairs)
