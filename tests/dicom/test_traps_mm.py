"""Traps T20, T22 to T26, T37, T43: uptake, millimetres, statistics, linking."""

import math

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from medbench.cli.main import main
from medbench.dicom.calibration import pixel_aspect, read_calibration
from medbench.dicom.pet import read_suv
from medbench.domain.calibration import MmSource
from medbench.domain.geometry import Geometry
from medbench.imaging.linking import linked_index
from medbench.imaging.measure import ellipse_area_mm2, ellipse_mask, roi_statistics
from medbench.imaging.presentation import stretched


def pet(**changes):
    ds = Dataset()
    ds.Modality = "PT"
    ds.CorrectedImage = ["ATTN", "DECY"]
    ds.Units = "BQML"
    ds.DecayCorrection = "START"
    ds.PatientWeight = 70
    ds.SeriesDate = ds.AcquisitionDate = "20260102"
    ds.SeriesTime = ds.AcquisitionTime = "110000"
    item = Dataset()
    item.RadionuclideTotalDose = 370e6
    item.RadionuclideHalfLife = 6586.2
    item.RadiopharmaceuticalStartTime = "100000"
    ds.RadiopharmaceuticalInformationSequence = Sequence([item])
    for key, value in changes.items():
        target = item if key.startswith("Radio") and key in (
            "RadionuclideTotalDose", "RadionuclideHalfLife", "RadiopharmaceuticalStartTime",
            "RadiopharmaceuticalStartDateTime") else ds  # fmt: skip
        if value is None:
            delattr(target, key)
        else:
            setattr(target, key, value)
    return ds


def test_T20_decay_from_injection_to_scan():
    found = read_suv(pet())
    assert found.decay == pytest.approx(0.684633, abs=1e-6)
    assert 5000 * found.factor == pytest.approx(1.38168, abs=1e-5)


def test_T20_already_corrected_to_injection_is_not_decayed_again():
    found = read_suv(pet(DecayCorrection="ADMIN"))
    assert 5000 * found.factor == pytest.approx(0.945946, abs=1e-6)


@pytest.mark.parametrize(("correction", "value"), [("START", 3618.774), ("ADMIN", 5285.714)])
def test_T20_uniform_phantom_is_one(correction, value):
    assert value * read_suv(pet(DecayCorrection=correction)).factor == pytest.approx(1.0, abs=1e-5)


def test_T20_injection_before_midnight():
    ds = pet(SeriesTime="003000", AcquisitionTime="003000", RadiopharmaceuticalStartTime="233000")
    assert read_suv(ds).decay == pytest.approx(2 ** (-3600 / 6586.2))


def test_T20_an_offset_changes_nothing():
    ds = pet(TimezoneOffsetFromUTC="-0500", RadiopharmaceuticalStartTime=None,
             RadiopharmaceuticalStartDateTime="20260102100000.000000-0500")  # fmt: skip
    assert read_suv(ds).factor == pytest.approx(read_suv(pet()).factor)


def test_T20_a_series_stamped_late_needs_the_scanners_own_time():
    late = pet(SeriesTime="120000")
    assert read_suv(late).factor is None
    late.add_new(0x00090010, "LO", "GEMS_PETD_01")
    late.add_new(0x0009100D, "DT", "20260102110000")
    assert read_suv(late).decay == pytest.approx(0.684633, abs=1e-6)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"CorrectedImage": ["DECY"]}, "ATTN"),
        ({"CorrectedImage": ["ATTN"]}, "DECY"),
        ({"Units": "PROPCPS"}, "Units"),
        ({"PatientWeight": None}, "Weight"),
        ({"PatientWeight": 0}, "Weight"),
        ({"RadionuclideTotalDose": None}, "Dose"),
        ({"RadionuclideHalfLife": None}, "Half Life"),
        ({"RadiopharmaceuticalStartTime": None}, "injection"),
        ({"DecayCorrection": "NONE"}, "Decay Correction"),
        ({"RadiopharmaceuticalInformationSequence": None}, "Radiopharmaceutical"),
    ],
)
def test_T20_each_missing_tag_refuses(changes, word):
    found = read_suv(pet(**changes))
    assert found.factor is None
    assert word in found.reason


def test_T20_units_g_per_ml_and_philips_counts():
    assert read_suv(pet(Units="GML")).factor == 1.0
    ds = pet(Units="CNTS")
    assert read_suv(ds).factor is None
    ds.add_new(0x70531009, "DS", "2.5")
    assert read_suv(ds).factor == pytest.approx(2.5 * read_suv(pet()).factor)
    ds.add_new(0x70531000, "DS", "0.0012")
    assert read_suv(ds).factor == pytest.approx(0.0012)


def test_T20_the_command_line_scales_each_slice_by_its_own_line(write, tmp_path, capsys):
    header = pet()
    for i, slope in enumerate((2.0, 0.5)):
        write(
            f"p{i}.dcm", np.full((3, 4), 100, np.uint16), Modality="PT", RescaleSlope=slope,
            RescaleIntercept=0, ImagePositionPatient=[0, 0, 4.0 * i], PixelSpacing=[2, 2],
            ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
            **{key: header[key].value for key in (
                "CorrectedImage", "Units", "DecayCorrection", "PatientWeight", "SeriesDate",
                "SeriesTime", "AcquisitionDate", "AcquisitionTime",
                "RadiopharmaceuticalInformationSequence",
            )},
        )  # fmt: skip
    out = tmp_path / "suv.npy"
    assert main(["array", str(tmp_path), "--suv", "--out", str(out)]) == 0
    factor = read_suv(header).factor
    assert np.load(out)[:, 0, 0] == pytest.approx([200 * factor, 50 * factor], rel=1e-6)


def test_T20_the_command_line_refuses_with_the_reason(write, tmp_path, capsys):
    path = write("p.dcm", np.full((3, 4), 100, np.uint16), Modality="PT", Units="PROPCPS",
                 CorrectedImage=["ATTN", "DECY"])  # fmt: skip
    assert main(["array", str(path), "--suv", "--out", str(tmp_path / "suv.npy")]) == 2
    assert "PROPCPS" in capsys.readouterr().err
    assert not (tmp_path / "suv.npy").exists()


def test_T20_other_modalities_have_no_uptake():
    ds = pet()
    ds.Modality = "CT"
    assert read_suv(ds) is None


def xray(**attributes):
    ds = Dataset()
    ds.Modality, ds.Rows, ds.Columns = "DX", 100, 100
    for key, value in attributes.items():
        setattr(ds, key, value)
    return ds


@pytest.mark.parametrize(
    ("attributes", "badge"),
    [
        ({"PixelSpacing": [0.2, 0.2], "ImagerPixelSpacing": [0.2, 0.2]}, "mm at detector"),
        ({"PixelSpacing": [0.18, 0.18], "ImagerPixelSpacing": [0.2, 0.2],
          "PixelSpacingCalibrationType": "GEOMETRY"}, "mm, geometry"),
        ({"PixelSpacing": [0.18, 0.18], "ImagerPixelSpacing": [0.2, 0.2],
          "PixelSpacingCalibrationType": "FIDUCIAL"}, "mm, fiducial"),
        ({"ImagerPixelSpacing": [0.2, 0.2]}, "mm at detector"),
        ({"PixelSpacing": [0.2, 0.2]}, "mm, calibration unknown"),
        ({}, "px"),
    ],
)  # fmt: skip
def test_T22_the_badge_says_where_millimetres_come_from(attributes, badge):
    assert read_calibration(xray(**attributes)).length((0, 0), (0, 10)).badge == badge


@pytest.mark.parametrize(
    ("attributes", "value", "source"),
    [
        ({"EstimatedRadiographicMagnificationFactor": 1.25}, 8.0, MmSource.MAGNIFIED),
        ({"DistanceSourceToDetector": 1000, "DistanceSourceToPatient": 800}, 8.0,
         MmSource.MAGNIFIED),
        ({"EstimatedRadiographicMagnificationFactor": 0}, 10.0, MmSource.DETECTOR),
    ],
)  # fmt: skip
def test_T23_magnification(attributes, value, source):
    found = read_calibration(xray(ImagerPixelSpacing=[0.1, 0.1], **attributes))
    assert found.source is source
    assert found.length((0, 0), (0, 100)).value == pytest.approx(value)


def test_T24_scanned_film():
    found = read_calibration(xray(NominalScannedPixelSpacing=[0.1, 0.1]))
    length = found.length((0, 0), (0, 50))
    assert (length.value, length.badge) == (pytest.approx(5.0), "mm at scanner")


def test_T25_the_aspect_ratio_stretches_and_never_measures():
    ds = xray(PixelAspectRatio=[4, 3])
    assert pixel_aspect(ds) == (4, 3)
    assert stretched(np.zeros((120, 256), np.uint8), (4, 3)).shape == (160, 256)
    assert read_calibration(ds).length((0, 0), (0, 10)).unit == "px"
    assert pixel_aspect(xray(PixelAspectRatio=[4, 3], PixelSpacing=[1, 1])) is None


def region(left, top, right, bottom, unit=3, delta=0.01, flags=0, unit_y=None):
    item = Dataset()
    item.RegionLocationMinX0, item.RegionLocationMinY0 = left, top
    item.RegionLocationMaxX1, item.RegionLocationMaxY1 = right, bottom
    item.PhysicalUnitsXDirection = unit
    item.PhysicalUnitsYDirection = unit if unit_y is None else unit_y
    item.PhysicalDeltaX = item.PhysicalDeltaY = delta
    item.RegionFlags = flags
    return item


def ultrasound(*regions):
    ds = xray(SequenceOfUltrasoundRegions=Sequence(list(regions)), PixelSpacing=[9, 9])
    ds.Modality = "US"
    return read_calibration(ds)


@pytest.mark.parametrize("delta", [0.01, -0.01])
def test_T26_centimetres_of_the_region(delta):
    length = ultrasound(region(0, 0, 99, 99, delta=delta)).length((10, 10), (10, 60))
    assert (length.value, length.unit) == (pytest.approx(5.0), "mm")


def test_T26_one_end_outside_is_pixels():
    length = ultrasound(region(0, 0, 50, 50)).length((10, 10), (10, 60))
    assert (length.value, length.unit) == (50, "px")


def test_T26_seconds_are_no_length():
    length = ultrasound(region(0, 0, 99, 99, unit=4)).length((10, 10), (10, 60))
    assert length.value is None


@pytest.mark.parametrize("flags", [0, 1])
def test_T26_of_overlapping_regions_the_one_in_centimetres_counts(flags):
    found = ultrasound(region(0, 0, 99, 99, unit=0, flags=flags), region(0, 0, 80, 80, flags=flags))
    assert found.length((10, 10), (10, 60)).value == pytest.approx(5.0)


def test_T26_corners_one_past_the_image_are_clamped():
    found = ultrasound(region(0, 0, 100, 100))
    assert (found.regions[0].right, found.regions[0].bottom) == (99, 99)
    assert found.length((10, 10), (10, 60)).unit == "mm"


def test_T37_statistics_of_a_circle():
    values = np.arange(25.0).reshape(5, 5)
    mask = ellipse_mask((5, 5), (2, 2), (1.1, 1.1))
    found = roi_statistics(values, mask)
    assert (found.n, found.mean, found.minimum, found.maximum) == (5, 12, 7, 17)
    assert found.sd_population == pytest.approx(3.2249, abs=1e-4)
    assert found.sd_sample == pytest.approx(3.6056, abs=1e-4)


def test_T37_the_radius_is_in_millimetres():
    values = np.arange(25.0).reshape(5, 5)
    mask = ellipse_mask((5, 5), (2, 2), (2.1, 2.1), (2.0, 1.0))
    found = roi_statistics(values, mask, pixel_mm=(2.0, 1.0))
    assert (found.n, found.area_mm2) == (7, 14)
    assert ellipse_area_mm2((2.1, 2.1)) == pytest.approx(13.854, abs=1e-3)
    values[2, 2] = -2000
    assert roi_statistics(values, mask, (-2000, -2000)).n == 6


def test_T37_non_finite_values_are_left_out_and_counted():
    values = np.array([[1.0, np.nan, 3.4e38, 3.0, np.inf]])
    found = roi_statistics(values, np.ones(values.shape, bool))
    assert (found.n, found.left_out, found.mean) == (2, 3, 2)
    empty = roi_statistics(values, np.zeros(values.shape, bool))
    assert (empty.n, empty.mean, empty.sd_sample) == (0, None, None)


def test_T37_stack_and_plane_give_the_same_numbers():
    from medbench.imaging.reslice import PlaneKind, orthogonal_plane

    rng = np.random.default_rng(3)
    voxels = rng.normal(size=(6, 8, 9))
    g = Geometry((6, 8, 9), (2.0, 1.0, 1.5), (0, 0, 0), (1, 0, 0, 0, 1, 0, 0, 0, 1), "1")
    plane = orthogonal_plane(g, PlaneKind.AXIAL)
    for index in range(6):
        place = plane.place_of(g.world_from_index(4, 3, index))
        picture = plane.picture(voxels, round(place[0]))
        pixel = plane.spacing_mm[1:]
        there = roi_statistics(
            picture, ellipse_mask(picture.shape, place[1:], (2.2, 2.2), pixel), None, pixel
        )
        here = roi_statistics(
            voxels[index], ellipse_mask((8, 9), (3, 4), (2.2, 2.2), (1.0, 1.5)), None, (1.0, 1.5)
        )
        assert there == here


def axial(step, count, uid):
    return Geometry((count, 4, 4), (step, 1.0, 1.0), (0, 0, 0), (1, 0, 0, 0, 1, 0, 0, 0, 1), uid)


def test_T43_views_are_linked_by_place():
    coarse, fine = axial(5.0, 10, "1.2"), axial(1.0, 60, "1.2")
    assert linked_index(coarse, 4, fine) == 20
    assert linked_index(coarse, 4, axial(1.0, 60, "9.9")) is None
    assert linked_index(coarse, 4, axial(1.0, 60, "9.9"), (0.0, 0.0, 3.0)) == 23
    assert linked_index(coarse, 9, axial(1.0, 10, "1.2")) is None


def test_areas_follow_the_same_calibration():
    found = read_calibration(xray(ImagerPixelSpacing=[0.2, 0.1]))
    area = found.area([(0, 0), (10, 10)], 100)
    assert (area.value, area.unit) == (pytest.approx(2.0), "mm2")
    assert math.isclose(ultrasound(region(0, 0, 50, 50)).area([(0, 0), (60, 60)], 7).value, 7)
