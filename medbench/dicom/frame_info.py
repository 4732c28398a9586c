"""What one frame needs beside its voxels: VOI, polarity, padding, corner texts."""

from pathlib import Path
from typing import Any

import pydicom

from medbench.dicom import tags
from medbench.dicom.guard import Header
from medbench.dicom.pixels import PixelFormat
from medbench.dicom.values import header_text, iso_date, iso_time, person_name
from medbench.dicom.voi import Rescale, line, lut_item, padding_range, voi_alternatives
from medbench.domain.image import FrameInfo, FrameRef

_UNITS = {"HU": "HU", "US": "", "OD": "OD"}


def read_dataset(path: Path) -> Any:
    """The data set without pixels; call only behind the guard."""
    return pydicom.dcmread(path, stop_before_pixels=True, force=True)


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
    if tags.MODALITY_LUT_SEQUENCE in header.sequences:
        dataset = dataset if dataset is not None else read_dataset(header.path)
        lut = lut_item(dataset.ModalityLUTSequence[0], signed_input=form.signed)
        if lut is not None:
            return Rescale(lut=lut)
    if tags.PER_FRAME_FUNCTIONAL_GROUPS in header.sequences:
        dataset = dataset if dataset is not None else read_dataset(header.path)
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


def frame_info(header: Header, ref: FrameRef, form: PixelFormat) -> FrameInfo:
    """Read a frame's presentation; damaged parts are left out with a warning."""
    warnings = list(header.warnings)
    annotations = _corner_texts(header)
    try:
        dataset = read_dataset(ref.path)
        source = functional_group(dataset, ref.frame, "FrameVOILUTSequence") or dataset
        rescale = frame_rescale(header, ref.frame, form, dataset)
        vois, found = voi_alternatives(source, signed_input=form.signed or rescale.intercept < 0)
        warnings.extend(found)
        annotations |= _technique(dataset)
        shape = str(dataset.get("PresentationLUTShape", "") or "").strip()
        unit = _UNITS.get(str(dataset.get("RescaleType", "") or ""), "")
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError,
            NotImplementedError, OSError) as error:  # fmt: skip
        warnings.append(f"presentation values cannot be read ({type(error).__name__})")
        vois, rescale, shape, unit = (), Rescale(), "", ""
    if rescale.warning:
        warnings.append(rescale.warning)
    if not unit and header.text(tags.MODALITY) == "CT" and not rescale.identity:
        unit = "HU"
    inverted = shape == "INVERSE" or (shape == "" and form.photometric == "MONOCHROME1")
    return FrameInfo(
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
        warnings=tuple(warnings),
    )


def _corner_texts(header: Header) -> dict[str, str]:
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
    lossy = text("LossyImageCompression") == "01"
    orientation = dataset.get("PatientOrientation")
    return {
        "patient_age": f"{age[:-1]} {age[-1].lower()}" if len(age) > 1 else age,
        "station": " ".join(filter(None, [text("Manufacturer"), text("ManufacturerModelName")])),
        "laterality": text("ImageLaterality") or text("Laterality"),
        "technique": " ".join(part for part in parts if part),
        "slice_thickness_mm": rounded("SliceThickness", ""),
        "patient_orientation": "\\".join(orientation) if orientation else "",
        "lossy": "lossy" if lossy else "",
    }
