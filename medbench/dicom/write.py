"""Write simulated objects as valid DICOM: CT series and radiographs (PS3.3 A.3, A.2)."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import UID, ExplicitVRLittleEndian

from medbench.base.atomic import atomic_write
from medbench.domain.geometry import Geometry

CT_IMAGE = UID("1.2.840.10008.5.1.4.1.1.2")
TWELVE_LEAD_ECG = UID("1.2.840.10008.5.1.4.1.1.9.1.1")
CR_IMAGE = UID("1.2.840.10008.5.1.4.1.1.1")
SIMULATED = "Simulated image, not a patient. Research use - not for diagnosis."


def stable_uid(*parts: object) -> str:
    """A UID below 2.25 made from the parts: the same input gives the same UID (PS3.5 B.2)."""
    digest = hashlib.sha256("|".join(map(str, parts)).encode()).digest()
    return f"2.25.{int.from_bytes(digest[:16], 'big') >> 1}"


@dataclass(frozen=True)
class SimulatedPatient:
    """Who a simulated object claims to be of."""

    patient_id: str
    name: str
    sex: str = "O"
    birth_date: str = ""
    age: str = ""
    study_date: str = "20260105"
    study_time: str = "090000"
    study_description: str = "Simulated"


def _common(patient: SimulatedPatient, sop_class: UID, study_key: str, series_key: str) -> Dataset:
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.ImageType = ["DERIVED", "PRIMARY"]
    ds.SOPClassUID = sop_class
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = patient.study_date
    ds.StudyTime = ds.SeriesTime = ds.AcquisitionTime = ds.ContentTime = patient.study_time
    ds.AccessionNumber = ""
    ds.Manufacturer = "medbench simulator"
    ds.InstitutionName = "Simulated"
    ds.ReferringPhysicianName = ""
    ds.StudyDescription = patient.study_description
    ds.PatientName = patient.name
    ds.PatientID = patient.patient_id
    ds.PatientBirthDate = patient.birth_date
    ds.PatientSex = patient.sex
    if patient.age:
        ds.PatientAge = patient.age
    ds.StudyInstanceUID = stable_uid(study_key)
    ds.SeriesInstanceUID = stable_uid(study_key, series_key)
    ds.StudyID = "1"
    ds.ImageComments = SIMULATED
    return ds


def save_dataset(ds: Dataset, path: Path) -> None:
    """Write a dataset as a Part 10 file, explicit little endian, atomically."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = ds.SOPClassUID
    meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = UID(stable_uid("medbench"))
    ds.file_meta = meta
    buffer = BytesIO()
    dcmwrite(buffer, ds, enforce_file_format=True)
    atomic_write(path, buffer.getvalue())


def _text(value: float) -> str:
    """A DS value: at most 16 characters (PS3.5 6.2)."""
    for digits in range(10, 3, -1):
        text = f"{value:.{digits}g}"
        if len(text) <= 16:
            return text
    return f"{value:.3g}"


def write_ct_series(
    folder: Path,
    voxels: np.ndarray,
    geometry: Geometry,
    patient: SimulatedPatient,
    *,
    description: str = "Simulated thorax CT",
    series_number: int = 1,
    padding: int | None = None,
    window: tuple[float, float] = (40.0, 400.0),
) -> list[Path]:
    """Write (z, y, x) int16 HU as one file a slice, stored signed with intercept 0."""
    folder.mkdir(parents=True, exist_ok=True)
    axes = np.asarray(geometry.direction).reshape(3, 3)
    study_key = f"{patient.patient_id}|{patient.study_date}|{patient.study_time}"
    series_key = f"ct{series_number}|{description}"
    paths = []
    for z in range(voxels.shape[0]):
        ds = _common(patient, CT_IMAGE, study_key, series_key)
        ds.ImageType = ["DERIVED", "PRIMARY", "AXIAL"]
        ds.SOPInstanceUID = stable_uid(study_key, series_key, z)
        ds.Modality = "CT"
        ds.SeriesDescription = description
        ds.SeriesNumber = series_number
        ds.InstanceNumber = z + 1
        ds.AcquisitionNumber = 1
        ds.KVP = "120"
        ds.PatientPosition = "HFS"
        ds.FrameOfReferenceUID = stable_uid(study_key, "frame")
        ds.PositionReferenceIndicator = ""
        ds.ImagePositionPatient = [_text(v) for v in geometry.world_from_index(0, 0, z)]
        ds.ImageOrientationPatient = [_text(v) for v in (*axes[:, 0], *axes[:, 1])]
        ds.PixelSpacing = [_text(v) for v in geometry.spacing_mm[1:]]
        ds.SliceThickness = _text(geometry.spacing_mm[0])
        ds.RescaleSlope, ds.RescaleIntercept, ds.RescaleType = "1", "0", "HU"
        ds.WindowCenter, ds.WindowWidth = _text(window[0]), _text(window[1])
        _grey_pixels(ds, voxels[z].astype("<i2"), bits=16, photometric="MONOCHROME2")
        if padding is not None:
            ds.add_new(0x00280120, "SS", padding)
        path = folder / f"ct-{z + 1:04d}.dcm"
        save_dataset(ds, path)
        paths.append(path)
    return paths


def write_radiograph(
    path: Path,
    picture: np.ndarray,
    patient: SimulatedPatient,
    *,
    key: str,
    description: str = "Simulated chest X-ray PA",
    pixel_spacing_mm: float = 1.4,
    photometric: str = "MONOCHROME2",
    view: str = "PA",
    window: tuple[float, float] = (2048.0, 4096.0),
) -> None:
    """Write (y, x) uint16, 12 bits stored, as a CR image."""
    study_key = f"{patient.patient_id}|{key}"
    ds = _common(patient, CR_IMAGE, study_key, "cr")
    ds.SOPInstanceUID = stable_uid(study_key, "cr", 1)
    ds.Modality = "CR"
    ds.SeriesDescription = description
    ds.SeriesNumber = 1
    ds.InstanceNumber = 1
    ds.BodyPartExamined = "CHEST"
    ds.ViewPosition = view
    ds.PatientOrientation = ["L", "F"]
    ds.ImagerPixelSpacing = [_text(pixel_spacing_mm)] * 2
    ds.WindowCenter, ds.WindowWidth = _text(window[0]), _text(window[1])
    _grey_pixels(ds, picture.astype("<u2"), bits=12, photometric=photometric)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_dataset(ds, path)


def _grey_pixels(ds: Dataset, picture: np.ndarray, *, bits: int, photometric: str) -> None:
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = photometric
    ds.Rows, ds.Columns = picture.shape
    ds.BitsAllocated = 16
    ds.BitsStored = bits
    ds.HighBit = bits - 1
    ds.PixelRepresentation = int(picture.dtype.kind == "i")
    ds.add_new(0x7FE00010, "OW", picture.tobytes())


# ISO/IEEE 11073-10101 codes of the leads (PS3.16 CID 3001)
_LEAD_CODES = {
    "I": "2:1", "II": "2:2", "III": "2:61", "aVR": "2:62", "aVL": "2:63", "aVF": "2:64",
    "V1": "2:3", "V2": "2:4", "V3": "2:5", "V4": "2:6", "V5": "2:7", "V6": "2:8",
}  # fmt: skip


def write_twelve_leads(
    path: Path, leads_mv: np.ndarray, rate_hz: float, names: Sequence[str],
    patient: SimulatedPatient, key: str,
) -> None:  # fmt: skip
    """Write a 12-lead ECG object (PS3.3 A.34.3); ``leads_mv`` (leads, samples) in mV."""
    ds = _common(patient, TWELVE_LEAD_ECG, key, "ecg")
    del ds.ImageType
    ds.ImageComments = SIMULATED.replace("image", "record")
    ds.SOPInstanceUID = stable_uid(key, "instance")
    ds.Modality, ds.SeriesDescription = "ECG", "Simulated 12-lead ECG"
    ds.SeriesNumber = ds.InstanceNumber = 1
    ds.AcquisitionDateTime = patient.study_date + patient.study_time
    item = Dataset()
    item.WaveformOriginality = "ORIGINAL"
    item.NumberOfWaveformChannels, item.NumberOfWaveformSamples = leads_mv.shape
    item.SamplingFrequency = rate_hz
    item.MultiplexGroupLabel = "RHYTHM"
    item.ChannelDefinitionSequence = [_lead(name) for name in names]
    item.WaveformBitsAllocated, item.WaveformSampleInterpretation = 16, "SS"
    stored = np.clip(np.rint(leads_mv * 1000), -32768, 32767).astype("<i2")  # microvolts
    item.add_new(0x54001010, "OW", stored.T.tobytes())
    ds.WaveformSequence = [item]
    note = Dataset()
    note.UnformattedTextValue = ds.ImageComments
    ds.WaveformAnnotationSequence = [note]
    ds.AcquisitionContextSequence = []
    save_dataset(ds, path)


def _lead(name: str) -> Dataset:
    channel = Dataset()
    channel.ChannelLabel = name
    channel.ChannelSourceSequence = [_code(_LEAD_CODES[name], "MDC", f"Lead {name}")]
    channel.ChannelSensitivity, channel.ChannelSensitivityCorrectionFactor = 1, 1
    channel.ChannelSensitivityUnitsSequence = [_code("uV", "UCUM", "microvolt")]
    channel.ChannelBaseline = channel.ChannelSampleSkew = 0
    channel.WaveformBitsStored = 16
    channel.FilterLowFrequency, channel.FilterHighFrequency = 0.05, 150
    return channel


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    found = Dataset()
    found.CodeValue, found.CodingSchemeDesignator, found.CodeMeaning = value, scheme, meaning
    return found
