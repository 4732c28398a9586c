"""Traps T09 to T19, T36, T38, T42: from the stored value to the grey on the screen."""

import json
import struct

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import generate_uid

from medbench.base.paths import resource
from medbench.dicom.presentation import apply_presentation, read_presentation
from medbench.dicom.reader import find_display, open_display
from medbench.dicom.scan import scan
from medbench.dicom.voi import lut_item, voi_alternatives
from medbench.domain.image import FrameInfo, VoiFunction, VoiLut, VoiWindow
from medbench.imaging.measure import roi_statistics
from medbench.imaging.presentation import compose
from medbench.imaging.window import (
    anatomy,
    auto_window,
    default_voi,
    read_presets,
    voi_curve,
)

CLOSE = 0.01


def opened(path):
    result = scan([path])
    assert result.studies, result.skipped
    display = find_display(
        [d for s in result.studies for series in s.series for d in series.displays], None
    )
    with open_display(display) as reader:
        return reader.read(0), reader.info(0)


def grey(values, info, voi=None):
    """Display values before rounding, as the pipeline applies them."""
    curve = voi_curve(values, voi or default_voi(values, info))
    return 255 - curve if info.inverted else curve


def ramp16(*values):
    return np.array([values], np.uint16)


@pytest.mark.parametrize(
    ("cell", "stored", "high", "signed", "expected"),
    [
        (0xF3F8, 14, 13, 0, 13304),
        (0xF3F8, 14, 13, 1, -3080),
        (0x0800, 12, 11, 1, -2048),
        (0x0FFF, 12, 11, 1, -1),
        (0x07FF, 12, 11, 1, 2047),
        (0x7FF0, 12, 15, 1, 2047),
    ],
)
def test_T09_bits_above_bits_stored_are_masked(write, cell, stored, high, signed, expected):
    path = write("a.dcm", np.full((2, 2), cell, np.uint16), BitsStored=stored, HighBit=high,
                 PixelRepresentation=signed)  # fmt: skip
    values, _ = opened(path)
    assert int(values[0, 0]) == expected


def test_T10_the_window_sees_modality_values(write):
    path = write("a.dcm", ramp16(1000, 1000), RescaleSlope=1, RescaleIntercept=-1024,
                 WindowCenter=40, WindowWidth=400)  # fmt: skip
    values, info = opened(path)
    assert int(values[0, 0]) == -24
    assert grey(values, info)[0, 0] == pytest.approx(86.92, abs=CLOSE)


@pytest.mark.parametrize(
    ("photometric", "shape", "first"),
    [("MONOCHROME1", None, 255), ("MONOCHROME2", None, 0), ("MONOCHROME1", "IDENTITY", 0),
     ("MONOCHROME2", "INVERSE", 255), ("MONOCHROME1", "INVERSE", 255)],
)  # fmt: skip
def test_T11_polarity_is_turned_once_after_the_window(write, photometric, shape, first):
    extra = {"PresentationLUTShape": shape} if shape else {}
    path = write("a.dcm", np.array([[0, 255]], np.uint8), PhotometricInterpretation=photometric,
                 WindowCenter=128, WindowWidth=256, **extra)  # fmt: skip
    values, info = opened(path)
    assert compose(values, info).tolist() == [[first, 255 - first]]


@pytest.mark.parametrize(
    ("center", "width", "pairs"),
    [
        (40, 400, {-160: 0, -128: 20.45, -24: 86.92, 40: 127.82, 65: 143.80, 194: 226.24,
                   239: 255}),
        (128, 256, {0: 0, 17: 17, 200: 200, 255: 255}),
        (2048, 4096, {1000: 1000 / 4095 * 255}),
        (100, 1, {99: 0, 100: 255}),
        (127.5, 1, {127: 0, 128: 255}),
        (0, 100, {-50: 0, 49: 255}),
    ],
)  # fmt: skip
def test_T12_linear(center, width, pairs):
    found = voi_curve(np.array(list(pairs), float), VoiWindow(center, width))
    assert np.allclose(found, list(pairs.values()), atol=CLOSE)


def test_T12_a_window_narrower_than_one_warns(write):
    path = write("a.dcm", ramp16(1, 2, 3), WindowCenter=2, WindowWidth=0.5)
    values, info = opened(path)
    assert any("narrower" in w for w in info.warnings)
    assert np.isfinite(grey(values, info)).all()


@pytest.mark.parametrize(
    ("function", "center", "width", "pairs"),
    [
        ("LINEAR_EXACT", 0, 100, {-25: 63.75, 0: 127.5, 25: 191.25, 50: 255}),
        ("LINEAR", 0, 100, {25: 193.18}),
        ("LINEAR_EXACT", 0.25, 0.5, {0: 0, 0.25: 127.5, 0.5: 255}),
        ("SIGMOID", 0, 100, {-50: 30.40, 0: 127.5, 25: 186.42, 50: 224.60}),
    ],
)
def test_T13_exact_and_sigmoid(function, center, width, pairs):
    voi = VoiWindow(center, width, VoiFunction(function))
    found = voi_curve(np.array(list(pairs), float), voi)
    assert np.allclose(found, list(pairs.values()), atol=CLOSE)


def test_T14_windows_are_pairs_with_names(write):
    path = write("a.dcm", ramp16(1, 2), WindowCenter=[40, -600], WindowWidth=[400, 1500],
                 WindowCenterWidthExplanation=["SOFT", "LUNG"])  # fmt: skip
    _, info = opened(path)
    assert [(v.explanation, v.center, v.width) for v in info.vois] == [
        ("SOFT", 40, 400), ("LUNG", -600, 1500)
    ]  # fmt: skip


def test_T14_a_missing_width_costs_the_second_window_only(write):
    path = write("a.dcm", ramp16(1, 2), WindowCenter=[40, -600], WindowWidth=[400])
    _, info = opened(path)
    assert [(v.center, v.width) for v in info.vois] == [(40, 400)]
    assert any("pair" in w for w in info.warnings)


def lut(entries, first, bits, data, explanation="curve"):
    item = Dataset()
    item.add_new("LUTDescriptor", "SS" if first < 0 else "US", [entries, first, bits])
    item.LUTExplanation = explanation
    item.add_new("LUTData", "US", data)
    return item


def test_T15_table_and_window_are_alternatives(write):
    path = write("a.dcm", ramp16(0, 1, 2, 3), WindowCenter=2, WindowWidth=4,
                 VOILUTSequence=Sequence([lut(4, 0, 8, [0, 10, 200, 255])]))  # fmt: skip
    values, info = opened(path)
    assert [type(v) for v in info.vois] == [VoiWindow, VoiLut]
    assert np.allclose(grey(values, info, info.vois[1])[0], [0, 10, 200, 255])
    window = grey(values, info, info.vois[0])[0]
    assert np.allclose(window, voi_curve(np.arange(4), VoiWindow(2, 4)))


def test_T16_tables_are_clamped():
    voi = lut_item(lut(4, 10, 8, [0, 50, 100, 200]), signed_input=False)
    assert voi_curve([5, 10, 11, 13, 99], voi).tolist() == [0, 0, 50, 200, 200]


def test_T16_signed_first_value(write):
    path = write(
        "a.dcm", np.array([[-2000, -1023, 0]], np.int16), RescaleSlope=1, RescaleIntercept=0,
        VOILUTSequence=Sequence([lut(4, -1024, 16, [0, 10, 20, 30])]),
    )  # fmt: skip
    values, info = opened(path)
    (voi,) = info.vois
    index = voi_curve(values, voi) * ((1 << voi.bits) - 1) / 255
    assert np.allclose(index[0], [0, 10, 30])


def test_T16_descriptor_bytes_of_a_signed_table():
    raw = struct.pack("<hhh", -2816, -2048, 16)  # 00 F5 00 F8 10 00
    data = np.arange(62720, dtype=np.uint16).tobytes()
    voi = lut_item(
        {"LUTDescriptor": list(struct.unpack("<hhh", raw)), "LUTData": data}, signed_input=True
    )
    assert (len(voi.data), voi.first_mapped, voi.bits) == (62720, -2048, 16)
    item = {"LUTDescriptor": [62720, 64512, 16], "LUTData": data}
    assert lut_item(item, signed_input=True).first_mapped == -1024
    assert lut_item(item, signed_input=False).first_mapped == 64512


def test_T16_white_of_a_table_with_wrong_bits():
    shown = lut_item(lut(4096, 0, 16, list(range(4096))), signed_input=False)
    assert shown.bits == 12  # three bits less than declared: the entries' own range is white
    assert lut_item(lut(4, 0, 8, [0, 50, 100, 200]), signed_input=False).bits == 8


def test_T17_rescale_belongs_to_the_image(write, tmp_path):
    for i, slope in enumerate((2.0, 0.5)):
        write(f"{i}.dcm", np.full((2, 2), 100, np.uint16), Modality="PT", RescaleSlope=slope,
              RescaleIntercept=0, ImagePositionPatient=[0, 0, 5 * i], PixelSpacing=[1, 1],
              ImageOrientationPatient=[1, 0, 0, 0, 1, 0])  # fmt: skip
    (display,) = (d for s in scan([tmp_path]).studies for x in s.series for d in x.displays)
    with open_display(display) as reader:
        assert [float(v) for v in reader.load().voxels[:, 0, 0]] == [200.0, 50.0]


@pytest.mark.parametrize(
    ("slope", "intercept", "value", "word"), [(0, 0, 100, "Slope is 0"), (2, 5, 205, "Intercept")]
)
def test_T17_slope_zero_and_pet_intercept_warn(write, slope, intercept, value, word):
    path = write("a.dcm", np.full((2, 2), 100, np.uint16), Modality="PT", RescaleSlope=slope,
                 RescaleIntercept=intercept)  # fmt: skip
    values, info = opened(path)
    assert float(values[0, 0]) == value
    assert any(word in w for w in info.warnings)


def test_T18_xa_log_images_skip_the_modality_table(write):
    inverting = lut(4096, 0, 16, list(range(4095, -1, -1)))
    for name, extra in (("plain", {}), ("lut", {"ModalityLUTSequence": Sequence([inverting])})):
        path = write(f"{name}.dcm", ramp16(1000, 1000), Modality="XA", BitsStored=12, HighBit=11,
                     PixelIntensityRelationship="LOG", WindowCenter=2048, WindowWidth=4096,
                     **extra)  # fmt: skip
        values, info = opened(path)
        assert grey(values, info)[0, 0] == pytest.approx(62.27, abs=CLOSE)


@pytest.mark.parametrize(("value", "limit"), [(-2000, -1990), (-1990, -2000)])
def test_T19_padding_stays_out_of_the_numbers(write, value, limit):
    path = write(
        "a.dcm", np.array([[-2000, -1990, 100, 200, 300]], np.int16), RescaleSlope=1,
        RescaleIntercept=-1024, PixelPaddingValue=value, PixelPaddingRangeLimit=limit,
    )  # fmt: skip
    values, info = opened(path)
    real = anatomy(values, info.padding)
    assert (len(real), real.min(), real.max(), real.mean()) == (3, -924, -724, -824)
    found = roi_statistics(values, np.ones(values.shape, bool), info.padding)
    assert (found.n, found.left_out, found.minimum) == (3, 2, -924)
    window = auto_window(values, info.padding)
    assert window.center - window.width / 2 > -1000
    assert len(anatomy(np.array([-1989 - 1024]), info.padding)) == 1


def presentation(path, image, **attributes):
    ds = Dataset()
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.11.1"
    ds.SOPInstanceUID = generate_uid()
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2.3.1", "1.2.3.1.77"
    ds.Modality = "PR"
    ds.PatientID = "P1"
    reference = Dataset()
    reference.ReferencedSOPClassUID = image.SOPClassUID
    reference.ReferencedSOPInstanceUID = image.SOPInstanceUID
    series = Dataset()
    series.SeriesInstanceUID = image.SeriesInstanceUID
    series.ReferencedImageSequence = Sequence([reference])
    ds.ReferencedSeriesSequence = Sequence([series])
    ds.ContentLabel = "TEST"
    for key, value in attributes.items():
        setattr(ds, key, value)
    ds.file_meta = pydicom.dataset.FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.save_as(path, enforce_file_format=True)
    return path


def test_T36_a_presentation_state_replaces_what_it_leaves_out(write, tmp_path):
    path = write("a.dcm", ramp16(2048, 0), BitsStored=12, HighBit=11, WindowCenter=40,
                 WindowWidth=400)  # fmt: skip
    image = pydicom.dcmread(path)
    state = read_presentation(presentation(tmp_path / "p.dcm", image))
    values, info = opened(path)
    shown = apply_presentation(info, state, image.SOPInstanceUID, (1, 2))
    assert grey(values, shown)[0, 0] == pytest.approx(127.53, abs=CLOSE)
    kept = apply_presentation(info, state, image.SOPInstanceUID, (1, 2), graphics_only=True)
    assert kept.vois == info.vois


@pytest.mark.parametrize(("shape", "expected"), [("IDENTITY", 0), ("INVERSE", 255)])
def test_T36_T11_only_the_shape_of_the_state_counts(write, tmp_path, shape, expected):
    path = write("a.dcm", np.array([[0, 255]], np.uint8), PhotometricInterpretation="MONOCHROME1",
                 WindowCenter=128, WindowWidth=256)  # fmt: skip
    image = pydicom.dcmread(path)
    state = read_presentation(presentation(tmp_path / "p.dcm", image, PresentationLUTShape=shape))
    values, info = opened(path)
    shown = apply_presentation(info, state, image.SOPInstanceUID, (1, 2))
    assert compose(values, shown)[0, 0] == expected


def test_T36_a_state_with_another_rescale_is_moved_to_the_images_units(write, tmp_path):
    path = write("a.dcm", ramp16(1000, 1100), RescaleSlope=1, RescaleIntercept=-1024,
                 WindowCenter=40, WindowWidth=400)  # fmt: skip
    image = pydicom.dcmread(path)
    voi = Dataset()
    voi.WindowCenter, voi.WindowWidth = "1000", "100"
    state = read_presentation(
        presentation(tmp_path / "p.dcm", image, SoftcopyVOILUTSequence=Sequence([voi]))
    )
    values, info = opened(path)
    shown = apply_presentation(info, state, image.SOPInstanceUID, (1, 2))
    # no rescale in the state = stored values: 1000 is the middle
    assert grey(values, shown)[0, 0] == pytest.approx(127.5, abs=1.5)
    assert grey(values, shown)[0, 1] == 255


TISSUE = {"lung": -800, "brain": 35, "liver": 60, "bone": 400}


def shows(window, tissue):
    return window.width >= 1 and abs(window.center - TISSUE[tissue]) <= window.width / 4


def test_T38_presets_show_the_tissue_they_name():
    wrong = [
        p.preset_id for p in read_presets() if p.modality == "CT"
        for tissue in TISSUE
        if tissue in p.preset_id.lower() and not shows(p.window, tissue)
    ]  # fmt: skip
    assert wrong == []
    # two entries of other programs that the rule must catch
    assert not shows(VoiWindow(-500, 2000), "liver")
    assert not shows(VoiWindow(-200, 500), "lung")
    stored = json.loads(resource("presets", "windows.json").read_text(encoding="utf-8"))
    named = " ".join(p["id"].lower() for p in stored["presets"])
    assert all(tissue in named for tissue in TISSUE)


def test_T42_a_window_in_stored_units_is_recognised(write):
    path = write("a.dcm", ramp16(0, 16384, 32767), Modality="PT", BitsStored=15, HighBit=14,
                 RescaleSlope=0.0005, RescaleIntercept=0, WindowCenter=16384,
                 WindowWidth=32768)  # fmt: skip
    values, info = opened(path)
    assert "window in stored units" in info.badges
    assert np.allclose(grey(values, info)[0], [0, 127.5, 255], atol=0.1)


def test_T42_ct_windows_are_in_hounsfield_units(write):
    path = write("a.dcm", ramp16(0, 1064), RescaleSlope=1, RescaleIntercept=-1024,
                 WindowCenter=40, WindowWidth=400)  # fmt: skip
    _, info = opened(path)
    assert info.badges == ()
    assert (info.vois[0].center, info.vois[0].width) == (40, 400)


def test_windows_without_numbers_are_no_windows():
    ds = Dataset()
    ds.WindowCenter, ds.WindowWidth = "40", "0"
    vois, warnings = voi_alternatives(ds, signed_input=False)
    assert vois == ()
    assert warnings
    assert FrameInfo().vois == ()
