"""Real files with known answers, one test per row of the table, named after its traps."""

import warnings

import numpy as np
import pytest

from medbench.dicom.dataset import read_dataset
from medbench.dicom.pixel_source import PixelSource
from medbench.dicom.reader import find_display, open_display
from medbench.dicom.scan import scan
from medbench.dicom.segmentation import read_segmentation
from medbench.dicom.source_file import SourceFile
from medbench.domain.calibration import MmSource
from medbench.domain.image import DisplayKind, VoiLut, VoiWindow
from medbench.imaging.presentation import compose, final_picture
from medbench.imaging.regular import fidelity_notes
from medbench.imaging.window import anatomy, voi_curve

DCM4CHE = "dcm4che/dcm4che-test-data/src/main/resources"


@pytest.fixture(scope="module")
def conformance(real_data):
    return real_data / "dicom_conformance"


@pytest.fixture(scope="module")
def series(real_data):
    return real_data / "dicom_series"


def displays(path):
    return [d for s in scan([path]).studies for found in s.series for d in found.displays]


def first_frame(path):
    display = find_display(displays(path), None)
    with open_display(display) as reader:
        return display, reader.read(0), reader.info(0)


def all_frames(display):
    with open_display(display) as reader:
        volume = reader.load()
        infos = [reader.info(i) for i in range(display.slices)]
    assert volume.failed == {}
    return volume.voxels, infos


def test_T02_T05_T06_ct_ge_hispeed_head(series):
    (display,) = displays(series / "ct_ge_hispeed_head_tilt_irregular")
    geometry = display.geometry
    assert display.slices == 28
    assert geometry.gantry_tilt_deg == pytest.approx(-18.5, abs=0.05)
    tag = float(read_dataset(display.frames[0].path).GantryDetectorTilt)
    assert tag == pytest.approx(18.5, abs=0.05)
    points = np.asarray(geometry.positions_mm)
    gaps = np.diff(points @ geometry.normal)
    assert np.allclose(gaps[:13], 4.002, atol=1e-3)
    assert gaps[13] == pytest.approx(1.081, abs=1e-3)
    assert np.allclose(gaps[14:], 6.999, atol=1e-3)
    straight = np.linalg.norm(np.diff(points, axis=0), axis=1)
    assert np.allclose(straight[[0, 13, 14]], [4.22, 1.14, 7.38], atol=5e-3)
    run = points[-1] - points[0]
    lateral = run - (run @ geometry.normal) * geometry.normal
    assert abs(lateral[1]) == pytest.approx(45.72, abs=5e-3)  # towards the back
    assert np.linalg.norm(lateral) == pytest.approx(48.21, abs=5e-3)  # along the slices' columns
    assert geometry.spacing_mm[0] != pytest.approx(5.337, abs=1e-2)
    assert not geometry.uniform
    assert geometry.missing_slices == ()
    notes = fidelity_notes(geometry)
    assert notes == ("Interpolated from 1.1 to 7.0 mm", "Tilt -18.5 deg corrected")


def test_T19_ct_ge_hispeed_head_padding(series):
    (display,) = displays(series / "ct_ge_hispeed_head_tilt_irregular")
    index = next(i for i, f in enumerate(display.frames) if f.instance_number == 1)
    with open_display(display) as reader:
        values, info = reader.read(index), reader.info(index)
    real = anatomy(values, info.padding)
    assert values.size - real.size == 62_180
    assert values.mean() == pytest.approx(-650.07, abs=5e-3)
    assert real.mean() == pytest.approx(-385.78, abs=5e-3)
    assert real.min() == -1023


def test_T02_mr_brain_tumour_multiseq(series):
    found = displays(series / "mr_brain_tumour_multiseq_study3")
    volumes = [d for d in found if d.kind is DisplayKind.VOLUME]
    assert [d.slices for d in volumes] == [22, 22, 22]
    for display in volumes:
        assert display.geometry.spacing_mm[0] == pytest.approx(6.5, abs=1e-3)
        assert display.geometry.uniform
        assert float(read_dataset(display.frames[0].path).SliceThickness) == 5


def test_T07_mr_ge_fmri4d_interleaved(series):
    found = displays(series / "mr_ge_fmri4d_interleaved")
    assert [d.slices for d in found] == [15] * 10
    assert [(d.time_index, d.time_count) for d in found] == [(t, 10) for t in range(10)]
    assert "TemporalPositionIdentifier" not in read_dataset(found[0].frames[0].path)
    for display in found:
        low, high = display.geometry.gap_range_mm
        assert 4.99995 <= low <= high <= 5.00005
        assert display.geometry.uniform


def test_T06_mr_ge_pioneer_mprage(series):
    (display,) = displays(series / "mr_ge_pioneer_mprage")
    geometry = display.geometry
    assert display.slices == 130
    assert geometry.spacing_mm[0] == pytest.approx(1.2, abs=1e-4)
    steps = np.asarray(geometry.positions_mm) @ geometry.normal
    grid = steps[0] + np.arange(130) * (steps[-1] - steps[0]) / 129
    assert np.abs(steps - grid).max() < 1.05e-5
    assert geometry.uniform


def test_T07_mr_siemens_prisma_mosaic(series):
    found = displays(series / "mr_siemens_prisma_mosaic")
    assert sum(d.slices for d in found) == 2
    for display in found:
        assert (display.rows, display.columns) == (640, 640)
        assert display.kind is DisplayKind.STACK
        assert not display.reformattable
        assert "Mosaic" in display.reason
        with open_display(display) as reader:
            length = reader.info(0).calibration.length((10, 10), (10, 300))
        assert length.unit == "px"


def test_T10_T19_ct1_unc(conformance):
    path = conformance / "nema_wg04/compsamples_refanddir/IMAGES/REF/CT1_UNC"
    _, values, info = first_frame(path)
    real = anatomy(values, info.padding)
    assert values.size - real.size == 55_772
    assert info.padding == (-2000 - 1024, -2000 - 1024)
    assert values.mean() == pytest.approx(-871.30, abs=5e-3)
    assert real.mean() == pytest.approx(-289.54, abs=5e-3)
    assert (real.min(), real.max()) == (-1024, 1254)


def test_T44_ct1_unc_is_rescaled_once_as_simpleitk_does(conformance):
    simpleitk = pytest.importorskip("SimpleITK")
    path = conformance / "nema_wg04/compsamples_refanddir/IMAGES/REF/CT1_UNC"
    _, values, _ = first_frame(path)
    theirs = simpleitk.GetArrayFromImage(simpleitk.ReadImage(str(path)))[0]
    assert theirs.min() == -3024
    assert np.array_equal(values, theirs)


def test_T11_T44_cr_mono1_chest(conformance):
    simpleitk = pytest.importorskip("SimpleITK")
    path = conformance / "dwv/gdcm-CR-MONO1-10-chest.dcm"
    display, values, info = first_frame(path)
    assert display.photometric == "MONOCHROME1"
    with PixelSource(path) as source:
        stored = source.stored(0)
    assert (int(stored[5, 5]), int(stored[220, 220])) == (761, 285)
    shown = compose(values, info, VoiWindow(512, 1024))
    assert shown[220, 220] > shown[5, 5]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = simpleitk.GetArrayFromImage(simpleitk.ReadImage(str(path)))
    assert np.array_equal(1023 - stored.astype(int), theirs.reshape(stored.shape))


def test_T16_mlut_18(conformance):
    rescale = SourceFile(conformance / "pydicom_data/mlut_18.dcm").rescale(0)
    found = rescale.apply(np.array([-2048, -2047, 0, 1000, 2047]))
    assert found.tolist() == [0, 16, 32776, 48779, 65535]


def test_T15_vlut_04(conformance):
    _, _, info = first_frame(conformance / "pydicom_data/vlut_04.dcm")
    (voi,) = info.vois
    assert isinstance(voi, VoiLut)
    assert (len(voi.data), voi.first_mapped, voi.bits) == (256, 0, 16)
    curve = voi_curve([0, 1, 255], voi) * 65535 / 255
    assert np.allclose(curve, [0, 257, 65535])


def test_T20_gh610_refuses_suv(conformance):
    path = conformance / "fo_dicom/FO-DICOM.Tests/Test Data/GH610.dcm"
    _, _, info = first_frame(path)
    assert info.suv_factor is None
    assert info.suv_refused
    assert info.value_unit == "counts/s"


def test_T23_T29_T34_T41_out_of_bounds_overlay(conformance):
    path = conformance / "fo_dicom/FO-DICOM.Tests/Test Data/OutOfBoundsOverlay.dcm"
    display, values, info = first_frame(path)
    assert (display.rows, display.columns) == (788, 1318)
    length = info.calibration.length((10, 10), (10, 110))
    assert length.value == pytest.approx(8.1469, abs=5e-5)
    assert info.calibration.source is MmSource.MAGNIFIED
    assert "magnified" in length.badge
    assert [o.bits_set for o in info.overlays] == [201, 201]
    origins = {(704, 409), (-25, -25)}
    dataset = read_dataset(path)
    assert {tuple(dataset[int(o.group, 16), 0x50].value) for o in info.overlays} == origins
    inside = next(o for o in info.overlays if int(o.mask.sum()) == 201 or o.mask[703:].any())
    rows, columns = np.nonzero(inside.mask)
    assert rows.min() >= 703
    assert columns.min() >= 408
    cropped = next(o for o in info.overlays if o is not inside)
    assert not cropped.mask[75:].any()
    assert not cropped.mask[:, 75:].any()
    assert info.orientation.laterality == "L"
    assert "ShutterShape" in dataset
    assert info.shutter is None  # as large as the image: nothing is hidden
    assert compose(values, info).shape == (788, 1318, 3)


def test_T09_T29_ovly_p01(conformance):
    path = conformance / DCM4CHE / "ovly_p01.dcm"
    display, values, info = first_frame(path)
    with open_display(display) as reader:
        raw = reader._raw_cells(reader.file(path), 0)
    assert int(raw.max()) == 32768
    assert int(values.max()) == 4095
    bits = {o.group: o.bits_set for o in info.overlays}
    dataset = read_dataset(path)
    embedded = {
        int(dataset[int(g, 16), 0x102].value): n for g, n in bits.items()
        if (int(g, 16), 0x3000) not in dataset
    }  # fmt: skip
    assert embedded == {15: 532, 14: 537}
    assert (bits["6004"], bits["6006"]) == (603, 606)


def test_T29_mr_siemens_with_overlays(conformance):
    _, values, info = first_frame(conformance / "pydicom_data/MR-SIEMENS-DICOM-WithOverlays.dcm")
    assert values.shape == (484, 484)
    (plane,) = info.overlays
    rows, columns = np.nonzero(plane.mask)
    assert plane.bits_set == len(rows) == 323
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (136, 422, 46, 434)


def test_T25_us_rgb_esopecho(conformance):
    _, values, info = first_frame(conformance / DCM4CHE / "US-RGB-8-esopecho")
    assert info.pixel_aspect == (4, 3)
    assert values.shape == (120, 256, 3)
    assert final_picture(values, info).shape == (160, 256, 3)
    assert info.calibration.length((0, 0), (0, 10)).unit == "px"


def test_T28_color_planar_and_interleaved(conformance):
    arrays = [first_frame(conformance / f"pydicom_data/color-{k}.dcm")[1] for k in ("pl", "px")]
    assert np.array_equal(*arrays)
    assert arrays[0][60, 128].tolist() == [184, 16, 16]
    assert int(arrays[0].sum()) == 3_931_744


def test_T40_us_pal_echo(conformance):
    path = conformance / DCM4CHE / "US-PAL-8-10x-echo"
    display, values, info = first_frame(path)
    assert display.slices == 10
    with PixelSource(path) as source:
        assert int(source.stored(0)[132, 291]) == 135
    assert values[132, 291].tolist() == [26, 231, 141]
    assert info.vois == ()
    dataset = read_dataset(path)
    assert list(dataset.RedPaletteColorLookupTableDescriptor) == [256, 0, 16]
    table = np.frombuffer(dataset.RedPaletteColorLookupTableData, "<u2")
    _, mapped = SourceFile(path).palette()
    assert int(table.max()) == 65280
    assert (mapped[table == 65280, 0] == 255).all()


def test_T26_us_ybr_full_422(conformance):
    _, _, info = first_frame(conformance / "cornerstone3D/US-YBR_FULL_422-EVRLE.dcm")
    length = info.calibration.length((300, 300), (300, 400))
    assert (length.value, length.unit) == (pytest.approx(6.160, abs=5e-4), "mm")
    region = next(r for r in info.calibration.regions if r.contains((300, 300)) and r.in_cm)
    assert (region.left, region.right, region.top, region.bottom) == (184, 799, 75, 554)


def test_T26_ybr_full_rle(conformance):
    _, _, info = first_frame(conformance / DCM4CHE / "YBR_FULL-RLE.dcm")
    regions = info.calibration.regions
    assert all(r.low_priority for r in regions)
    inner = next(r for r in regions if r.in_cm)
    assert (inner.left, inner.right, inner.top, inner.bottom) == (84, 483, 48, 415)
    length = info.calibration.length((100, 200), (100, 300))
    assert (length.value, length.unit) == (pytest.approx(9.537, abs=5e-4), "mm")
    assert info.calibration.length((460, 500), (460, 600)).unit == "px"


def test_T26_no_pixel_spacing(conformance):
    folder = conformance / "cornerstone3D/packages/dicomImageLoader/examplesOld/test-images"
    _, _, info = first_frame(folder / "no-pixel-spacing.dcm")
    regions = info.calibration.regions
    lengths = [r for r in regions if r.in_cm]
    assert len(lengths) == 1
    assert lengths[0].delta_x == pytest.approx(0.033054, abs=1e-6)
    assert lengths[0].right == 799  # the file says 800 in 800 columns
    times = [r for r in regions if r.unit_x == 4]
    assert len(times) == 2
    place = (times[0].top + 1, times[0].left + 1)
    assert info.calibration.length(place, (place[0], place[1] + 5)).value is None


def test_T30_label_seg(conformance):
    found = read_segmentation(conformance / "dcmqi/data/segmentations/23x38x3/seg/label.seg")
    assert [int(f.values.sum()) for f in found.frames] == [4, 314, 4]
    assert sorted(f.grid.origin_mm[2] for f in found.frames) == [-177.75, -175.25, -172.75]


def test_T31_partial_overlaps(conformance):
    found = read_segmentation(conformance / "dcmqi/data/segmentations/partial_overlaps.dcm")
    assert len(found.frames) == 7
    assert len({f.segment for f in found.frames}) == 5
    assert len({tuple(np.round(f.grid.origin_mm, 3)) for f in found.frames}) == 3
    counts = [int(f.values.sum()) for f in found.frames]
    assert counts == [9602, 11888, 117, 117, 10509, 6693, 4713]


def test_T27_brtum001(conformance):
    path = conformance / "nema_wg04/multiframe/DISCIMG/IMAGES/BRTUM001"
    (display,) = displays(path)
    assert display.slices == 15
    geometry = display.geometry
    assert geometry.spacing_mm[0] == pytest.approx(6, abs=1e-3)
    along = [f.position_mm[0] for f in display.frames]
    assert (max(along), min(along)) == (pytest.approx(40, abs=0.5), pytest.approx(-44, abs=0.5))
    by_frame = {}
    with open_display(display) as reader:
        for i, frame in enumerate(display.frames):
            by_frame[frame.frame] = reader.info(i).vois[0]
    assert (by_frame[0].center, by_frame[0].width) == (364, 729)
    assert (by_frame[14].center, by_frame[14].width) == (517, 1035)
    assert len({(v.center, v.width) for v in by_frame.values()}) > 2
