"""What the reader sees as Softcopy Presentation States (PS3.3 A.33, PS3.4 N.2).

A state replaces all transformations of its images, and has one Modality LUT, polarity and shutter
for all of them; images that differ in these get states of their own.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import UID

from medbench.base.errors import BadInputError
from medbench.dicom.dataset import damage_named, read_dataset
from medbench.dicom.guard import read_header
from medbench.dicom.presentation import COLOUR, GRAYSCALE
from medbench.dicom.voi import lut_item
from medbench.dicom.writing.graphics import annotations, graphic_layers
from medbench.dicom.writing.heading import (
    SeriesNames,
    SourceImage,
    SourceStudy,
    by_series,
    decimal,
    new_object,
    person_name,
    referenced,
    save_object,
    short_text,
)
from medbench.domain.image import Voi, VoiLut
from medbench.domain.shown import ShownFrame, ShownPictures, VisibleArea

SERIES_NUMBER = 9003
OVERLAY_LAYER = "OVERLAYS"
_SHUTTER = (
    "ShutterShape", "ShutterLeftVerticalEdge", "ShutterRightVerticalEdge",
    "ShutterUpperHorizontalEdge", "ShutterLowerHorizontalEdge", "CenterOfCircularShutter",
    "RadiusOfCircularShutter", "VerticesOfThePolygonalShutter",
)  # fmt: skip
_TOP = 65535


def write_presentations(
    target: Path, shown: ShownPictures, study: SourceStudy, *, label: str = "", reader: str = ""
) -> list[Path]:
    """Write as many states as the frames need; the second and later are numbered.

    Raises
    ------
    BadInputError
        None of the frames is a DICOM image of the study.
    """
    groups: dict[Any, list[ShownFrame]] = {}
    for frame in shown.frames:
        if frame.sop_instance_uid in study.images:
            key = _common(frame, shown, study.images[frame.sop_instance_uid])
            groups.setdefault(key, []).append(frame)
    if not groups:
        raise BadInputError("These pictures are no DICOM images: no state can point at them.")
    written, series_uid = [], ""
    for number, frames in enumerate(groups.values(), 1):
        ds = _state(frames, shown, study, label, reader)
        series_uid = series_uid or ds.SeriesInstanceUID
        ds.SeriesInstanceUID, ds.InstanceNumber = series_uid, number
        path = target if number == 1 else target.with_stem(f"{target.stem}-{number}")
        save_object(ds, path)
        written.append(path)
    return written


def _common(frame: ShownFrame, shown: ShownPictures, source: SourceImage) -> Any:
    """What all images of one state share."""
    info = frame.info
    hidden = info.shutter if shown.shutter else None
    overlays = tuple(sorted(plane.group for plane in info.overlays)) if shown.overlays else ()
    mask = None if hidden is None else (hidden.shape, hidden.grey, hidden.hidden.tobytes())
    table = frame.sop_instance_uid if info.modality_table else ""
    size = (source.rows, source.columns)
    return info.stored_line, table, frame.inverted, mask, overlays, size, frame.size_mm


def _state(
    frames: list[ShownFrame], shown: ShownPictures, study: SourceStudy, label: str, reader: str
) -> Dataset:
    images = [study.images[frame.sop_instance_uid] for frame in frames]
    sop_class = UID(COLOUR if shown.colour else GRAYSCALE)
    names = SeriesNames(label or "Presentation", SERIES_NUMBER, "PR")
    ds = new_object(study, sop_class, names)
    ds.PresentationCreationDate, ds.PresentationCreationTime = ds.ContentDate, ds.ContentTime
    del ds.ContentDate, ds.ContentTime
    ds.ContentLabel = "MEDBENCH"
    ds.ContentDescription = short_text(label or "As shown in medbench")
    ds.ContentCreatorName = person_name(reader)
    numbers = _numbers(frames)
    ds.ReferencedSeriesSequence = [
        _series(uid, members, numbers) for uid, members in by_series(images).items()
    ]
    first = frames[0]
    if shown.colour:
        ds.ICCProfile = srgb_profile()
    else:
        _transformations(ds, frames, study, numbers)
    if shown.shutter and first.info.shutter is not None:
        _shutter(ds, images[0].path, colour=shown.colour)
    ds.DisplayedAreaSelectionSequence = [_area(shown, first, images[0], images, numbers)]
    if shown.rotation_deg % 360 or shown.flip:
        ds.ImageRotation = shown.rotation_deg % 360
        ds.ImageHorizontalFlip = "Y" if shown.flip else "N"
    drawn = annotations(shown.graphics, study, {f.sop_instance_uid for f in frames})
    if drawn:
        ds.GraphicAnnotationSequence = drawn
    used = [str(item.GraphicLayer) for item in drawn]
    for plane in first.info.overlays if shown.overlays else ():
        ds.add_new((int(plane.group, 16), 0x1001), "CS", OVERLAY_LAYER)
        used.append(OVERLAY_LAYER)
    if used:
        ds.GraphicLayerSequence = graphic_layers(used)
    return ds


def _numbers(frames: Sequence[ShownFrame]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for frame in frames:
        found.setdefault(frame.sop_instance_uid, []).append(frame.frame)
    return found


def _reference(image: SourceImage, numbers: Mapping[str, Sequence[int]]) -> Dataset:
    """Frames are named only where the state is for some of them (PS3.3 10.3)."""
    frames = numbers.get(image.sop_instance_uid, ())
    return referenced(image, () if len(set(frames)) == image.number_of_frames else frames)


def _series(
    uid: str, images: Sequence[SourceImage], numbers: Mapping[str, Sequence[int]]
) -> Dataset:
    item = Dataset()
    item.SeriesInstanceUID = uid
    item.ReferencedImageSequence = [_reference(image, numbers) for image in images]
    return item


def _transformations(
    ds: Dataset, frames: list[ShownFrame], study: SourceStudy, numbers: Mapping[str, Sequence[int]]
) -> None:
    """Modality LUT, VOI and polarity (C.11.1, C.11.8, C.11.6); what is left out is identity."""
    info = frames[0].info
    slope, intercept = info.stored_line
    if info.modality_table:
        source = _header(study.images[frames[0].sop_instance_uid].path)
        ds.ModalityLUTSequence = [_modality_table(source.ModalityLUTSequence[0])]
    elif (slope, intercept) != (1.0, 0.0):
        ds.RescaleSlope, ds.RescaleIntercept = decimal(slope), decimal(intercept)
        ds.RescaleType = short_text(info.value_unit, 64) or "US"
    groups: dict[Any, list[ShownFrame]] = {}
    for frame in frames:
        voi = frame.voi
        key = id(voi) if isinstance(voi, VoiLut) else voi
        groups.setdefault(key, []).append(frame)
    items = []
    for members in groups.values():
        voi = members[0].voi
        if voi is None:
            continue
        item = _voi(voi)
        if len(groups) > 1:
            named = _numbers(members)
            unique = {f.sop_instance_uid: study.images[f.sop_instance_uid] for f in members}
            item.ReferencedImageSequence = [_reference(one, named) for one in unique.values()]
        items.append(item)
    if items:
        ds.SoftcopyVOILUTSequence = items
    ds.PresentationLUTShape = "INVERSE" if frames[0].inverted else "IDENTITY"


def _voi(voi: Voi) -> Dataset:
    item = Dataset()
    if isinstance(voi, VoiLut):
        item.VOILUTSequence = [_table(voi)]
        return item
    item.WindowCenter, item.WindowWidth = decimal(voi.center), decimal(voi.width)
    item.VOILUTFunction = voi.function.value
    if voi.explanation:
        item.WindowCenterWidthExplanation = short_text(voi.explanation)
    return item


def _table(lut: VoiLut) -> Dataset:
    """A lookup table with its descriptor (C.11.1.1, C.11.2.1.1)."""
    item = Dataset()
    count, kind = len(lut.data) % 65536, "SS" if lut.first_mapped < 0 else "US"
    if kind == "SS" and count > 32767:
        count -= 65536
    item.add_new(0x00283002, kind, [count, lut.first_mapped, max(8, lut.bits)])
    item.add_new(0x00283006, "OW", np.ascontiguousarray(lut.data, "<u2").tobytes())
    if lut.explanation:
        item.LUTExplanation = short_text(lut.explanation)
    return item


@damage_named("the header of the image")
def _header(path: Path) -> Any:
    read_header(path)
    return read_dataset(path)


def _modality_table(item: Any) -> Dataset:
    """The image's own Modality LUT again."""
    signed = int(item.LUTDescriptor[1]) < 0
    lut = lut_item(item, signed_input=signed)
    if lut is None:
        raise BadInputError("The image's modality table cannot be read, so no state can repeat it.")
    found = _table(lut)
    found.ModalityLUTType = short_text(str(item.get("ModalityLUTType", "") or "US"))
    return found


def _shutter(ds: Dataset, path: Path, *, colour: bool) -> None:
    """The image's own shutter (C.7.6.11); bitmaps of overlays are not repeated."""
    source = _header(path)
    shapes = source.get("ShutterShape")
    names = [shapes] if isinstance(shapes, str) else [str(s) for s in shapes or ()]
    kept = [name for name in names if name != "BITMAP"]
    if not kept:
        return
    for keyword in _SHUTTER:
        if keyword in source:
            ds[keyword] = source[keyword]
    ds.ShutterShape = kept if len(kept) > 1 else kept[0]
    value = source.get("ShutterPresentationValue")
    if colour:
        ds.ShutterPresentationColorCIELabValue = [0, _TOP // 2, _TOP // 2]
    else:
        ds.ShutterPresentationValue = 0 if value in (None, "") else int(value)


def _area(
    shown: ShownPictures, first: ShownFrame, image: SourceImage, images: list[SourceImage],
    numbers: Mapping[str, Sequence[int]],
) -> Dataset:  # fmt: skip
    """The displayed area (C.10.4): corners are pixels counted from 1, after the turn."""
    area = shown.area or VisibleArea(0, 0, image.rows - 1, image.columns - 1)
    corners = [
        (area.left, area.top), (area.right, area.top), (area.right, area.bottom),
        (area.left, area.bottom),
    ]  # fmt: skip
    turn = shown.rotation_deg // 90 % 4
    on_screen = [corners[(place - turn) % 4] for place in range(4)]
    ends = (on_screen[1], on_screen[3]) if shown.flip else (on_screen[0], on_screen[2])
    item = Dataset()
    item.DisplayedAreaTopLeftHandCorner = [v + 1 for v in ends[0]]
    item.DisplayedAreaBottomRightHandCorner = [v + 1 for v in ends[1]]
    item.PresentationSizeMode = "SCALE TO FIT"
    if area.magnification is not None:
        item.PresentationSizeMode = "MAGNIFY"
        item.PresentationPixelMagnificationRatio = float(area.magnification)
    if first.size_mm is not None:
        item.PresentationPixelSpacing = [decimal(v) for v in first.size_mm]
    else:
        vertical, horizontal = first.info.pixel_aspect or (1.0, 1.0)
        whole = float(vertical).is_integer() and float(horizontal).is_integer()
        scale = 1 if whole else 1000
        item.PresentationPixelAspectRatio = [round(vertical * scale), round(horizontal * scale)]
    unique = {one.sop_instance_uid: one for one in images}
    item.ReferencedImageSequence = [_reference(one, numbers) for one in unique.values()]
    return item


@lru_cache(maxsize=1)
def srgb_profile() -> bytes:
    """ICC profile of sRGB, which colour states must carry (C.11.15)."""
    from PIL import ImageCms

    data = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return bytes(data) + b"\0" * (len(data) % 2)
