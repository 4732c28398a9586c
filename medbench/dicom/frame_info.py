"""What one frame needs beside its voxels: VOI, polarity, padding, corner texts."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from medbench.dicom import tags
from medbench.dicom.calibration import pixel_aspect, read_calibration
from medbench.dicom.dataset import DAMAGE, read_dataset
from medbench.dicom.guard import Header
from medbench.dicom.overlays import overlay_planes
from medbench.dicom.pet import read_suv
from medbench.dicom.pixels import PixelFormat
from medbench.dicom.real_world import PARAMETRIC_MAP, real_world_mapping, real_world_unit
from medbench.dicom.shutter import read_shutter
from medbench.dicom.values import header_text, iso_date, iso_time, name_note, person_name
from medbench.dicom.voi import Rescale, line, lut_item, padding_range, voi_alternatives
from medbench.domain.image import (
    FrameInfo,
    FrameRef,
    Orientation,
    Voi,
    VoiFunction,
    VoiWindow,
)

_GROUPS = frozenset({tags.SHARED_FUNCTIONAL_GROUPS, tags.PER_FRAME_FUNCTIONAL_GROUPS})
_UNITS = {"HU": "HU", "US": "", "OD": "OD"}
_PET_UNITS = {
    "BQML": "Bq/ml",
    "GML": "g/ml",
    "CNTS": "counts",
    "PROPCPS": "counts/s",
    "PROPCNTS": "counts",
}


def functional_group(dataset: Any, frame: int, sequence: str) -> Any:
    """Item of a functional group of one frame: per-frame first, then shared; None when absent."""
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or []
    sources = [per_frame[frame]] if frame < len(per_frame) else []
    sources += list(dataset.get("SharedFunctionalGroupsSequence") or [])[:1]
    for source in sources:
        found = source.get(sequence)
        if found:
            return found[0]
    return None


def frame_rescale(header: Header, frame: int, form: PixelFormat, dataset: Any = None) -> Rescale:
    """Modality transformation of one frame (PS3.3 C.11.1; C.7.6.16.2.9 in multi-frame)."""
    if to_intensity_only(header):
        return Rescale()
    if header.text(tags.MODALITY) == "RTDOSE":
        return line(header.number(tags.DOSE_GRID_SCALING), None)
    grouped = not _GROUPS.isdisjoint(header.sequences)
    if dataset is None and (grouped or tags.MODALITY_LUT_SEQUENCE in header.sequences):
        dataset = read_dataset(header.path)
    if tags.MODALITY_LUT_SEQUENCE in header.sequences:
        items = dataset.get("ModalityLUTSequence") or [{}]
        lut = lut_item(items[0], signed_input=form.signed)
        if lut is not None:
            return Rescale(lut=lut)
    if grouped and header.text(tags.SOP_CLASS_UID) == PARAMETRIC_MAP:
        mapping = real_world_mapping(
            functional_group(dataset, frame, "RealWorldValueMappingSequence")
        )
        if mapping is not None:
            return mapping
    if grouped:
        item = functional_group(dataset, frame, "PixelValueTransformationSequence")
        if item is not None:
            return line(_number(item, "RescaleSlope"), _number(item, "RescaleIntercept"))
    slope, intercept = header.number(tags.RESCALE_SLOPE), header.number(tags.RESCALE_INTERCEPT)
    if slope is None and intercept is not None:
        slope = 1.0
    return line(slope, intercept)


def _number(item: Any, keyword: str) -> float | None:
    value = item.get(keyword)
    return None if value in (None, "") else float(value)


def to_intensity_only(header: Header) -> bool:
    """XA and XRF: the Modality LUT leads back to X-ray intensity, not to the display (T18).

    PS3.3 C.8.7.1.1.2 and PS3.4 N.2.1.2.
    """
    relationship = header.text(tags.PIXEL_INTENSITY_RELATIONSHIP)
    return header.text(tags.MODALITY) in ("XA", "RF") and relationship in ("LOG", "DISP")


RawPixels = Callable[[], np.ndarray | None]


def frame_info(
    header: Header, ref: FrameRef, form: PixelFormat, raw_pixels: RawPixels = lambda: None,
    open_dataset: Callable[[], Any] | None = None,
) -> FrameInfo:  # fmt: skip
    """Read a frame's presentation; damaged parts are left out with a warning.

    ``raw_pixels`` gives the unmasked cells of the frame, for overlays inside them;
    ``open_dataset`` the data set where it is kept (multi-frame objects are long).
    """
    warnings = [*header.warnings, *filter(None, [name_note(header)])]
    annotations = corner_texts(header)
    rest = FrameInfo()
    try:
        dataset = open_dataset() if open_dataset is not None else read_dataset(ref.path)
        source = functional_group(dataset, ref.frame, "FrameVOILUTSequence") or dataset
        rescale = frame_rescale(header, ref.frame, form, dataset)
        signed = form.signed or rescale.intercept < 0 or header.text(tags.MODALITY) == "CT"
        vois, found = voi_alternatives(source, signed_input=signed)
        warnings.extend(found)
        annotations |= _technique(dataset)
        shape = str(dataset.get("PresentationLUTShape", "") or "").strip()
        unit = _unit(dataset, rescale, ref.frame)
        rest = _placed(dataset, ref.frame, form, raw_pixels)
    except DAMAGE as error:
        warnings.append(f"presentation values cannot be read ({type(error).__name__})")
        vois, rescale, shape, unit = (), Rescale(), "", ""
    if rescale.warning:
        warnings.append(rescale.warning)
    if rescale.intercept and header.text(tags.MODALITY) == "PT":
        warnings.append("a PET image with a Rescale Intercept: it should be 0")
    vois, badge = in_modality_units(vois, rescale, stored_range(form), header.text(tags.MODALITY))
    if not unit and header.text(tags.MODALITY) == "CT" and not rescale.identity:
        unit = "HU"
    inverted = shape == "INVERSE" or (shape == "" and form.photometric == "MONOCHROME1")
    return replace(
        rest,
        vois=() if form.colour or form.photometric == "PALETTE COLOR" else vois,
        inverted=inverted and not form.colour,
        padding=None
        if form.colour
        else padding_range(
            header.short(tags.PIXEL_PADDING_VALUE, signed=form.signed),
            header.short(tags.PIXEL_PADDING_RANGE_LIMIT, signed=form.signed),
            rescale,
        ),
        value_unit=unit,
        annotations={key: value for key, value in annotations.items() if value},
        warnings=(*warnings, *rest.warnings),
        badges=(*rest.badges, *((badge,) if badge else ())),
        stored_line=(rescale.slope, rescale.intercept) if rescale.lut is None else (1.0, 0.0),
        stored_range=stored_range(form),
        modality_table=rescale.lut is not None,
    )


def stored_range(form: PixelFormat) -> tuple[float, float]:
    """Smallest and largest stored value the bits allow."""
    if form.signed:
        return float(-(1 << form.bits_stored - 1)), float((1 << form.bits_stored - 1) - 1)
    return 0.0, float((1 << form.bits_stored) - 1)


def in_modality_units(
    vois: tuple[Voi, ...], rescale: Rescale, stored: tuple[float, float], modality: str
) -> tuple[tuple[Voi, ...], str]:
    """Windows that can only be meant in stored units, moved to modality units; and a badge (T42).

    A window is moved where the modality range fills less than a twentieth of it, and the stored
    range at least a fifth. CT windows are always in HU.
    """
    if rescale.identity or rescale.lut is not None or modality == "CT":
        return vois, ""
    mapped = sorted(v * rescale.slope + rescale.intercept for v in stored)
    moved: list[Voi] = []
    for voi in vois:
        meant = isinstance(voi, VoiWindow) and (
            _filled(voi, mapped[0], mapped[1]) < 0.05 and _filled(voi, *stored) > 0.2
        )
        if not meant or not isinstance(voi, VoiWindow):
            return vois, ""
        centre = voi.center * rescale.slope + rescale.intercept
        width = voi.width * abs(rescale.slope)
        moved.append(VoiWindow(centre, width, VoiFunction.LINEAR_EXACT, voi.explanation))
    return (tuple(moved), "window in stored units") if moved else (vois, "")


def _filled(window: VoiWindow, low: float, high: float) -> float:
    begin, end = window.center - window.width / 2, window.center + window.width / 2
    return max(0.0, min(end, high) - max(begin, low)) / max(window.width, 1e-12)


def _unit(dataset: Any, rescale: Rescale, frame: int) -> str:
    if str(dataset.get("SOPClassUID", "")) == PARAMETRIC_MAP:
        return real_world_unit(functional_group(dataset, frame, "RealWorldValueMappingSequence"))
    group = functional_group(dataset, frame, "PixelValueTransformationSequence")
    stated = (group if group is not None else dataset).get("RescaleType")
    unit = _UNITS.get(str(stated or ""), "")
    if str(dataset.get("Modality", "")) == "RTDOSE":
        return {"GY": "Gy"}.get(str(dataset.get("DoseUnits", "")), "")
    if str(dataset.get("Modality", "")) == "PT":
        return _PET_UNITS.get(str(dataset.get("Units", "") or "").strip(), unit)
    return "" if rescale.lut is not None else unit


def _placed(dataset: Any, frame: int, form: PixelFormat, raw_pixels: RawPixels) -> FrameInfo:
    """What lies on the picture and where it lies: calibration, overlays, shutter, letters."""
    planes, warnings = overlay_planes(dataset, frame, raw_pixels, form.bits_stored)
    measures = functional_group(dataset, frame, "PixelMeasuresSequence")
    laterality, conflict = _laterality(dataset, frame)
    orientation = [str(v) for v in dataset.get("PatientOrientation") or ()]
    suv = read_suv(dataset)
    return FrameInfo(
        calibration=read_calibration(dataset, measures, frame),
        pixel_aspect=pixel_aspect(dataset),
        overlays=planes,
        shutter=read_shutter(dataset, form.rows, form.columns),
        orientation=Orientation(
            row=orientation[0] if len(orientation) == 2 else "",
            column=orientation[1] if len(orientation) == 2 else "",
            laterality=laterality,
            quadruped=str(dataset.get("AnatomicalOrientationType", "")) == "QUADRUPED",
        ),
        suv_factor=suv.factor if suv else None,
        suv_refused=suv.reason if suv else "",
        badges=("lossy",) if str(dataset.get("LossyImageCompression", "")) == "01" else (),
        warnings=(*warnings, *((conflict,) if conflict else ())),
    )


def _laterality(dataset: Any, frame: int) -> tuple[str, str]:
    """Image or frame laterality first, then the series' (T34); and what contradicts it."""
    anatomy = functional_group(dataset, frame, "FrameAnatomySequence")
    image = str(dataset.get("ImageLaterality", "") or "").strip()
    if not image and anatomy is not None:
        image = str(anatomy.get("FrameLaterality", "") or "").strip()
    series = str(dataset.get("Laterality", "") or "").strip()
    if image and series and image != series:
        return image, f"the image says side {image}, the series says {series}"
    return image or series, ""


def corner_texts(header: Header) -> dict[str, str]:
    """Patient, study and series texts of a viewport's corners."""
    comments = header_text(header, tags.IMAGE_COMMENTS)
    return {
        "patient_name": person_name(header),
        "patient_id": header_text(header, tags.PATIENT_ID),
        "patient_sex": header.text(tags.PATIENT_SEX),
        "study_date": iso_date(header.text(tags.STUDY_DATE)),
        "study_time": iso_time(header.text(tags.STUDY_TIME)),
        "study_description": header_text(header, tags.STUDY_DESCRIPTION),
        "institution": header_text(header, tags.INSTITUTION_NAME),
        "series_number": header.text(tags.SERIES_NUMBER),
        "series_description": header_text(header, tags.SERIES_DESCRIPTION),
        "instance_number": header.text(tags.INSTANCE_NUMBER),
        "simulated": "simulated" if "simulated" in comments.lower() else "",
    }


def _technique(dataset: Any) -> dict[str, str]:
    """Short technique line and the rest of the corners."""

    def text(keyword: str) -> str:
        value = dataset.get(keyword)
        return "" if value in (None, "") else str(value)

    def rounded(keyword: str, unit: str) -> str:
        try:
            return f"{float(text(keyword)):g} {unit}".strip()
        except ValueError:
            return ""

    age = text("PatientAge").lstrip("0")
    parts = [
        rounded("KVP", "kVp"),
        rounded("Exposure", "mAs"),
        f"TR {rounded('RepetitionTime', '')}" if text("RepetitionTime") else "",
        f"TE {rounded('EchoTime', '')}" if text("EchoTime") else "",
        f"TI {rounded('InversionTime', '')}" if text("InversionTime") else "",
    ]
    return {
        "patient_age": f"{age[:-1]} {age[-1].lower()}" if len(age) > 1 else age,
        "station": " ".join(filter(None, [text("Manufacturer"), text("ManufacturerModelName")])),
        "technique": " ".join(part for part in parts if part),
        "slice_thickness_mm": rounded("SliceThickness", ""),
        "view_position": text("ViewPosition"),
    }
