"""Patient and study of a new object, taken from the images it speaks of; and how it is saved."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from pydicom import config
from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid
from pydicom.valuerep import validate_value

from medbench import __version__
from medbench.base.atomic import atomic_write
from medbench.base.errors import BadInputError
from medbench.dicom.dataset import damage_named, read_dataset
from medbench.dicom.guard import read_header
from medbench.dicom.values import item_characters, item_text
from medbench.dicom.write import stable_uid
from medbench.domain.image import Study

RESEARCH_NOTE = "Research use - not for diagnosis."
_COPIED = (
    "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex",
    "PatientAge", "PatientIdentityRemoved", "DeidentificationMethod", "StudyInstanceUID",
    "StudyDate", "StudyTime", "ReferringPhysicianName", "StudyID", "AccessionNumber",
    "StudyDescription",
)  # fmt: skip
_TYPE_2 = frozenset({
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime",
    "ReferringPhysicianName", "StudyID", "AccessionNumber",
})  # fmt: skip
"""Written empty where the images have none (PS3.3 C.7.1.1, C.7.2.1)."""
_FORMS = {
    "DA": re.compile(r"\d{8}"),
    "TM": re.compile(r"([01]\d|2[0-3])([0-5]\d([0-5]\d(\.\d{1,6})?)?)?"),
    "AS": re.compile(r"\d{3}[DWMY]"),
    "CS": re.compile(r"[A-Z0-9 _]{1,16}"),
    "UI": re.compile(r"[0-9.]{1,64}"),
}
_LENGTHS = {"LO": 64, "SH": 16, "PN": 64}
_AS_TEXT = frozenset({"IS", "DS", "PN", "DA", "TM", "DT", "UI"})
_WITH_OBJECTS = ("dicom", "picture")
"""Sources of displays whose files are DICOM objects; pictures are wrapped in one when opened."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class SourceImage:
    """An instance that a new object points at."""

    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str
    number_of_frames: int = 1
    rows: int = 0
    columns: int = 0
    path: Path = Path()


@dataclass(frozen=True, eq=False)
class SourceStudy:
    """The study a new object joins."""

    heading: Dataset
    """Patient and study attributes, valid and in UTF-8."""
    images: Mapping[str, SourceImage]
    """By SOP Instance UID."""
    simulated: bool = False

    @property
    def study_instance_uid(self) -> str:
        """Study UID."""
        return str(self.heading.StudyInstanceUID)


def source_study(study: Study) -> SourceStudy:
    """Read what new objects need of a study: one header, the rest is known.

    Raises
    ------
    BadInputError, NotDicomError, IncompleteError, DecodeError
        The study holds no DICOM images, or its first header cannot be read.
    """
    images: dict[str, SourceImage] = {}
    for series in study.series:
        shown = {
            ref.sop_instance_uid: (display, ref)
            for display in series.displays
            if display.source in _WITH_OBJECTS
            for ref in display.frames
        }
        for one in series.instances:
            if one.sop_instance_uid in shown:
                display, ref = shown[one.sop_instance_uid]
                images[one.sop_instance_uid] = SourceImage(
                    one.sop_class_uid, one.sop_instance_uid, series.series_instance_uid,
                    one.number_of_frames, display.rows, display.columns, ref.path,
                )  # fmt: skip
    if not images:
        raise BadInputError(
            "These pictures are no DICOM objects, so no DICOM object can point at them; export "
            "them as PNG, CSV or NIfTI."
        )
    first = next(iter(images.values()))
    return SourceStudy(read_heading(first.path), images, study.simulated)


@damage_named("the header of the first image")
def read_heading(path: Path) -> Dataset:
    """Patient and study attributes of an image; what is no valid value is left out."""
    read_header(path)
    source = read_dataset(path)
    characters = item_characters(source)
    found = Dataset()
    found.SpecificCharacterSet = "ISO_IR 192"
    for keyword in _COPIED:
        text = valid_text(keyword, item_text(source, keyword, characters))
        if text or keyword in _TYPE_2:
            setattr(found, keyword, text)
    if not found.get("StudyInstanceUID"):
        raise BadInputError(f"{path.name} names no study, so no object can join it.")
    return found


def valid_text(keyword: str, text: str) -> str:
    """The text where it is a valid value of the attribute (PS3.5 6.2), else ''."""
    kind = dictionary_VR(keyword)
    text = _CONTROL.sub("", text).strip()
    if kind == "DA":
        text = text.replace(".", "")
    if kind in _FORMS:
        return text if _FORMS[kind].fullmatch(text) else ""
    if kind == "PN":
        return "=".join(part[: _LENGTHS["PN"]] for part in text.split("=")[:3])
    return text.replace("\\", "/")[: _LENGTHS.get(kind, 10_240)]


def person_name(text: str) -> str:
    """A reader's name or initials as a PN value (PS3.5 6.2)."""
    return re.sub(r"[\\^=\x00-\x1f\x7f]", " ", text).strip()[:64]


def decimal(value: float) -> str:
    """A DS value, exact where 16 characters hold it, else as close as they can (PS3.5 6.2)."""
    exact = repr(float(value) + 0.0)
    if len(exact) <= 16:
        return exact
    for digits in range(15, 3, -1):
        text = f"{float(value):.{digits}g}"
        if len(text) <= 16:
            return text
    return f"{value:.4g}"


def short_text(text: str, limit: int = 64) -> str:
    """Text of an LO or SH value: one line, no backslash, not too long."""
    return _CONTROL.sub(" ", text.replace("\\", "/")).strip()[:limit]


def long_text(text: str) -> str:
    """Text of an ST, LT or UT value: line ends are kept (PS3.5 6.2)."""
    kept = re.sub(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f]", " ", text.replace("\r\n", "\n"))
    return kept.replace("\r", "\n").replace("\n", "\r\n").strip()


@dataclass(frozen=True)
class SeriesNames:
    """What a new series is called."""

    description: str
    number: int
    modality: str


def new_object(study: SourceStudy, sop_class: str, series: SeriesNames) -> Dataset:
    """An object of a new series of the study: patient, study, series, equipment, SOP common."""
    now = datetime.now().astimezone()
    ds = Dataset()
    ds.update(study.heading)
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class, generate_uid(prefix=None)
    ds.SeriesInstanceUID = generate_uid(prefix=None)
    ds.Modality, ds.SeriesNumber, ds.InstanceNumber = series.modality, series.number, 1
    ds.SeriesDescription = short_text(
        f"{series.description} (simulated)" if study.simulated else series.description
    )
    ds.SeriesDate = ds.InstanceCreationDate = ds.ContentDate = now.strftime("%Y%m%d")
    ds.SeriesTime = ds.InstanceCreationTime = ds.ContentTime = now.strftime("%H%M%S")
    ds.Manufacturer = ds.ManufacturerModelName = "medbench"
    ds.SoftwareVersions = short_text(__version__)
    return ds


def referenced(image: SourceImage, frames: Iterable[int] = ()) -> Dataset:
    """An item that points at an instance; ``frames`` from 0, written only where there are more.

    PS3.3 10.3: Referenced Frame Number is for multi-frame images only, and counts from 1.
    """
    item = Dataset()
    item.ReferencedSOPClassUID = image.sop_class_uid
    item.ReferencedSOPInstanceUID = image.sop_instance_uid
    numbers = sorted({frame + 1 for frame in frames})
    if numbers and image.number_of_frames > 1:
        item.ReferencedFrameNumber = numbers if len(numbers) > 1 else numbers[0]
    return item


def by_series(images: Iterable[SourceImage]) -> dict[str, list[SourceImage]]:
    """Images by their series, each once, in order."""
    found: dict[str, dict[str, SourceImage]] = {}
    for image in images:
        found.setdefault(image.series_instance_uid, {})[image.sop_instance_uid] = image
    return {series: list(members.values()) for series, members in found.items()}


def evidence(study: SourceStudy, images: Iterable[SourceImage]) -> list[Dataset]:
    """Hierarchical reference to instances of the study (PS3.3 C.17.2.1)."""
    item = Dataset()
    item.StudyInstanceUID = study.study_instance_uid
    item.ReferencedSeriesSequence = []
    for series, members in by_series(images).items():
        one = Dataset()
        one.SeriesInstanceUID = series
        one.ReferencedSOPSequence = [referenced(image) for image in members]
        item.ReferencedSeriesSequence.append(one)
    return [item]


def save_object(ds: Dataset, path: Path) -> None:
    """Write an object as a Part 10 file, explicit little endian, atomically, every value checked.

    Raises
    ------
    BadInputError
        A value does not fit its attribute: nothing is written.
    """
    try:
        _check(ds)
    except ValueError as error:
        raise BadInputError(f"{path.name} was not written: {error}") from error
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = ds.SOPClassUID
    meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = UID(stable_uid("medbench"))
    meta.ImplementationVersionName = "MEDBENCH"
    ds.file_meta = meta
    buffer = BytesIO()
    dcmwrite(buffer, ds, enforce_file_format=True)
    atomic_write(path, buffer.getvalue())


def _check(ds: Dataset) -> None:
    for element in ds:
        if element.VR == "SQ":
            for item in element.value:
                _check(item)
        elif element.VR not in ("OB", "OW", "UN") and not element.is_empty:
            several: Any = element.value
            values = several if element.VM > 1 else [several]
            for value in values:
                plain = str(value) if element.VR in _AS_TEXT else value
                validate_value(element.VR, plain, config.RAISE)
