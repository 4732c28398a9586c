import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid


@pytest.fixture
def write(tmp_path):
    """Write a small image object with the given attributes; returns its path."""

    def make(name, pixels, syntax=ExplicitVRLittleEndian, encapsulated=None, **attributes):
        ds = Dataset()
        ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
        ds.SOPInstanceUID = generate_uid()
        ds.StudyInstanceUID = "1.2.3.1"
        ds.SeriesInstanceUID = "1.2.3.1.1"
        ds.PatientID = "P1"
        ds.PatientName = "Test^One"
        ds.Modality = "CT"
        ds.SamplesPerPixel = 3 if pixels.ndim == 3 else 1
        ds.PhotometricInterpretation = "RGB" if pixels.ndim == 3 else "MONOCHROME2"
        if pixels.ndim == 3:
            ds.PlanarConfiguration = 0
        ds.Rows, ds.Columns = pixels.shape[:2]
        ds.BitsAllocated = pixels.dtype.itemsize * 8
        ds.BitsStored = ds.BitsAllocated
        ds.HighBit = ds.BitsStored - 1
        ds.PixelRepresentation = int(pixels.dtype.kind == "i")
        for key, value in attributes.items():
            if value is None:
                delattr(ds, key)
            else:
                setattr(ds, key, value)
        data = encapsulated if encapsulated is not None else pixels.tobytes()
        ds.add_new(0x7FE00010, "OB" if pixels.dtype.itemsize == 1 else "OW", data)
        if encapsulated is not None:
            ds["PixelData"].is_undefined_length = True
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = syntax
        ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        path = tmp_path / name
        if encapsulated is None:
            ds.save_as(path, enforce_file_format=True)
        else:  # also syntaxes that pydicom does not know
            ds.preamble = bytes(128)
            ds.save_as(path, implicit_vr=False, little_endian=True, force_encoding=True)
        return path

    return make


@pytest.fixture
def ramp():
    return np.arange(12 * 16, dtype=np.int16).reshape(12, 16) - 50
