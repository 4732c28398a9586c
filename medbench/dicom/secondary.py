"""Pictures without DICOM (PNG, JPEG, TIFF) wrapped as Secondary Capture, so that Review opens them.

The pixels are decoded in a decoder process, never in the app. The object is undecorated: no
pixel size, no orientation, nothing the picture does not hold (PS3.3 A.8.1; pages of a TIFF file
are the frames of A.8.3 to A.8.5).
"""

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import UID

from medbench.base.hashing import sha256_file
from medbench.dicom.decoding.pool import DecoderPool
from medbench.dicom.write import save_dataset, stable_uid

SECONDARY_CAPTURE = UID("1.2.840.10008.5.1.4.1.1.7")
_MULTI_FRAME_BYTE = UID("1.2.840.10008.5.1.4.1.1.7.2")
_MULTI_FRAME_WORD = UID("1.2.840.10008.5.1.4.1.1.7.3")
_MULTI_FRAME_COLOUR = UID("1.2.840.10008.5.1.4.1.1.7.4")
PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"})


def wrap_picture(
    picture: Path, folder: Path, pool: DecoderPool, *, name: str = "", digest: str = ""
) -> Path:
    """Write the picture as Secondary Capture into ``folder``, named by its hash; reuses it.

    ``name`` is what the patient is called (default: the file's stem), ``digest`` the SHA-256 of
    the file where the caller knows it.

    Raises
    ------
    DecodeError
        The picture cannot be decoded.
    """
    digest = digest or sha256_file(picture)
    target = folder / f"{digest}.dcm"
    if target.exists():
        return target
    values = np.asarray(pool.decode_picture(picture))
    if values.ndim == 4 and (values[..., :1] == values[..., 1:]).all():
        values = values[..., 0]
    folder.mkdir(parents=True, exist_ok=True)
    dataset = _dataset(name or picture.stem, digest, np.ascontiguousarray(values))
    save_dataset(dataset, target)
    return target


def _dataset(name: str, digest: str, values: np.ndarray) -> Dataset:
    """``values`` are (pages, rows, columns) or (pages, rows, columns, 3)."""
    colour = values.ndim == 4
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.ImageType = ["DERIVED", "SECONDARY"]
    ds.SOPClassUID = SECONDARY_CAPTURE
    if len(values) > 1:
        grey = _MULTI_FRAME_BYTE if values.dtype.itemsize == 1 else _MULTI_FRAME_WORD
        ds.SOPClassUID = _MULTI_FRAME_COLOUR if colour else grey
        ds.NumberOfFrames = len(values)
    ds.SOPInstanceUID = stable_uid("picture", digest)
    ds.StudyInstanceUID = stable_uid("picture-study", digest)
    ds.SeriesInstanceUID = stable_uid("picture-series", digest)
    ds.Modality = "OT"
    ds.ConversionType = "WSD"
    ds.StudyDate = ds.StudyTime = ds.AccessionNumber = ds.ReferringPhysicianName = ""
    ds.PatientName = name[:60]
    ds.PatientID = f"PIC-{digest[:10]}"
    ds.PatientBirthDate = ds.PatientSex = ""
    ds.StudyID = "1"
    ds.StudyDescription = "Picture file"
    ds.SeriesDescription = f"Picture {name}"[:64]
    ds.SeriesNumber = ds.InstanceNumber = 1
    ds.SamplesPerPixel = 3 if colour else 1
    ds.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        ds.PlanarConfiguration = 0
    ds.Rows, ds.Columns = values.shape[1:3]
    ds.BitsAllocated = ds.BitsStored = values.dtype.itemsize * 8
    ds.HighBit = ds.BitsStored - 1
    ds.PixelRepresentation = 0
    if not colour:
        top = float((1 << ds.BitsStored) - 1)
        ds.WindowCenter, ds.WindowWidth = (top + 1) / 2, top + 1
    data = values.tobytes()
    ds.add_new(0x7FE00010, "OW", data + b"\0" * (len(data) % 2))
    return ds
