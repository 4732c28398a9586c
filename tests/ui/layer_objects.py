"""Writes objects that belong over a series of images: SEG, RTSTRUCT, RTDOSE, GSPS."""

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from medbench.dicom.write import save_dataset

SEG, RTSTRUCT = "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.481.3"
RTDOSE, GSPS = "1.2.840.10008.5.1.4.1.1.481.2", "1.2.840.10008.5.1.4.1.1.11.1"


def series(folder):
    """Headers of a folder's images, sorted along the normal."""
    found = [pydicom.dcmread(p, stop_before_pixels=True) for p in sorted(folder.iterdir())
             if p.suffix != ".txt"]  # fmt: skip
    axes = np.asarray(found[0].ImageOrientationPatient, float).reshape(2, 3)
    normal = np.cross(*axes)
    return sorted(found, key=lambda ds: float(np.dot(ds.ImagePositionPatient, normal)))


def _base(source, sop_class, modality, description):
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class, generate_uid()
    for name in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID",
                 "StudyDate", "StudyTime", "StudyID", "AccessionNumber"):  # fmt: skip
        setattr(ds, name, source.get(name, ""))
    ds.SeriesInstanceUID = generate_uid()
    ds.Modality, ds.SeriesDescription = modality, description
    ds.SeriesNumber, ds.InstanceNumber = 900, 1
    if "FrameOfReferenceUID" in source:
        ds.FrameOfReferenceUID = source.FrameOfReferenceUID
    return ds


def _item(**values):
    ds = Dataset()
    for name, value in values.items():
        setattr(ds, name, value)
    return ds


def write_segmentation(path, images, masks, labels):
    """``masks`` (segment, slice, row, column) bool; empty frames are left out."""
    first = images[0]
    ds = _base(first, SEG, "SEG", "Segments")
    ds.ImageType = ["DERIVED", "PRIMARY"]
    ds.ContentLabel, ds.SegmentationType = "SEGMENTS", "BINARY"
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = first.Rows, first.Columns
    ds.BitsAllocated = ds.BitsStored = 1
    ds.HighBit = ds.PixelRepresentation = 0
    ds.LossyImageCompression = "00"
    ds.SegmentSequence = [
        _item(SegmentNumber=i + 1, SegmentLabel=label, SegmentAlgorithmType="MANUAL")
        for i, label in enumerate(labels)
    ]
    depth = [np.dot(d.ImagePositionPatient, _normal(first)) for d in images]
    ds.SharedFunctionalGroupsSequence = [
        _item(
            PlaneOrientationSequence=[_item(ImageOrientationPatient=first.ImageOrientationPatient)],
            PixelMeasuresSequence=[
                _item(PixelSpacing=first.PixelSpacing, SliceThickness=abs(depth[1] - depth[0]))
            ],
        )
    ]
    groups, frames = [], []
    for number, volume in enumerate(masks, 1):
        for image, mask in zip(images, volume, strict=True):
            if mask.any():
                groups.append(
                    _item(
                        SegmentIdentificationSequence=[_item(ReferencedSegmentNumber=number)],
                        PlanePositionSequence=[
                            _item(ImagePositionPatient=image.ImagePositionPatient)
                        ],
                    )
                )
                frames.append(mask)
    ds.PerFrameFunctionalGroupsSequence = groups
    ds.NumberOfFrames = len(frames)
    bits = np.packbits(np.concatenate([f.ravel() for f in frames]), bitorder="little").tobytes()
    ds.add_new(0x7FE00010, "OB", bits + b"\0" * (len(bits) % 2))
    ds.ReferencedSeriesSequence = [_item(SeriesInstanceUID=first.SeriesInstanceUID)]
    save_dataset(ds, path)
    return path


def _normal(image):
    axes = np.asarray(image.ImageOrientationPatient, float).reshape(2, 3)
    return np.cross(*axes)


def write_structures(path, images, contours):
    """``contours`` {name: [(n, 3) LPS points of one plane, ...]}."""
    first = images[0]
    ds = _base(first, RTSTRUCT, "RTSTRUCT", "Structures")
    ds.StructureSetLabel = "Structures"
    reference = first.FrameOfReferenceUID
    ds.StructureSetROISequence = [
        _item(ROINumber=i, ROIName=name, ReferencedFrameOfReferenceUID=reference)
        for i, name in enumerate(contours, 1)
    ]
    ds.ROIContourSequence = [
        _item(
            ReferencedROINumber=i,
            ContourSequence=[
                _item(
                    ContourGeometricType="CLOSED_PLANAR", NumberOfContourPoints=len(points),
                    ContourData=[f"{v:.4f}" for v in np.asarray(points).ravel()],
                )
                for points in planes
            ],
        )
        for i, planes in enumerate(contours.values(), 1)
    ]  # fmt: skip
    save_dataset(ds, path)
    return path


def write_dose(path, images, values, scaling=0.001):
    """``values`` (slice, row, column) in Gy on the grid of the images."""
    first = images[0]
    ds = _base(first, RTDOSE, "RTDOSE", "Dose")
    depth = [float(np.dot(d.ImagePositionPatient, _normal(first))) for d in images]
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = values.shape[1:]
    ds.NumberOfFrames = len(values)
    ds.BitsAllocated = ds.BitsStored = 32
    ds.HighBit, ds.PixelRepresentation = 31, 0
    ds.ImagePositionPatient = first.ImagePositionPatient
    ds.ImageOrientationPatient = first.ImageOrientationPatient
    ds.PixelSpacing = first.PixelSpacing
    ds.GridFrameOffsetVector = [d - depth[0] for d in depth]
    ds.FrameIncrementPointer = 0x3004000C
    ds.DoseUnits, ds.DoseType, ds.DoseGridScaling = "GY", "PHYSICAL", scaling
    stored = np.rint(values / scaling).astype("<u4")
    ds.add_new(0x7FE00010, "OW", stored.tobytes())
    save_dataset(ds, path)
    return path


def write_state(path, images, *, window, rotation=0, flip=False, polyline=()):
    """Presentation state over all images: one window, a turn, one drawn line (x, y from 1)."""
    first = images[0]
    ds = _base(first, GSPS, "PR", "State")
    ds.ContentLabel, ds.ContentDescription = "STATE", "Reader's view"
    references = [
        _item(ReferencedSOPClassUID=d.SOPClassUID, ReferencedSOPInstanceUID=d.SOPInstanceUID)
        for d in images
    ]
    ds.ReferencedSeriesSequence = [
        _item(SeriesInstanceUID=first.SeriesInstanceUID, ReferencedImageSequence=references)
    ]
    if "RescaleSlope" in first:
        ds.RescaleSlope, ds.RescaleIntercept = first.RescaleSlope, first.RescaleIntercept
    ds.SoftcopyVOILUTSequence = [_item(WindowCenter=window[0], WindowWidth=window[1])]
    ds.PresentationLUTShape = "IDENTITY"
    ds.ImageRotation, ds.ImageHorizontalFlip = rotation, "Y" if flip else "N"
    if polyline:
        ds.GraphicAnnotationSequence = [
            _item(
                GraphicLayer="MARKS",
                GraphicObjectSequence=[
                    _item(
                        GraphicAnnotationUnits="PIXEL", GraphicDimensions=2,
                        NumberOfGraphicPoints=len(polyline),
                        GraphicData=[v for point in polyline for v in point],
                        GraphicType="POLYLINE", GraphicFilled="N",
                    )
                ],
            )
        ]  # fmt: skip
    save_dataset(ds, path)
    return path
