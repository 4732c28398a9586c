"""Measurements as DICOM SR: the same points and numbers again, judged by highdicom and DCMTK."""

import copy
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pydicom
import pytest

from medbench.base.errors import BadInputError
from medbench.dicom.measurement_report import read_measurement_report, read_measurements
from medbench.dicom.measurement_shapes import plane_of_words, plane_through
from medbench.dicom.scan import scan
from medbench.dicom.write import SimulatedPatient, write_ct_series
from medbench.dicom.writing.heading import source_study
from medbench.dicom.writing.sr import plane_words, write_measurements
from medbench.domain.geometry import Geometry
from medbench.domain.measurement import Measurement, MeasurementKind, Quantity, Site
from medbench.domain.objects import PlaneGrid
from tests.dicom.dcmtk import clean_html
from tests.dicom.iod import complaints

SAGITTAL = PlaneGrid((12.5, -40.0, 90.0), (0, 1, 0), (0, 0, -1), 1.5, 0.7, 60, 110)
OBLIQUE = PlaneGrid(
    (-20.0, 11.0, 5.0), (0.6, 0.8, 0.0), (0.0, 0.0, -1.0), 0.9, 0.9, 200, 220,
)  # fmt: skip


@pytest.fixture
def study(tmp_path):
    folder = tmp_path / "ct"
    geometry = Geometry((3, 48, 64), (3.0, 0.8, 0.6), (5, -7, 9), (1, 0, 0, 0, 1, 0, 0, 0, 1))
    voxels = np.zeros((3, 48, 64), np.int16)
    write_ct_series(folder, voxels, geometry, SimulatedPatient("SIM-1", "Müller^Änne"))
    return scan([folder]).studies[0]


def _measurement(study, kind, points, *quantities, **more):
    display = study.series[0].displays[0]
    ref = display.frames[1]
    site = more.pop("site", None) or Site(
        study.study_instance_uid, display.series_instance_uid, display.display_id,
        ref.sop_instance_uid, ref.frame, display.geometry.frame_of_reference_uid,
    )  # fmt: skip
    name = more.pop("measurement_id", f"m-{kind.value}")
    return Measurement(name, kind, site, tuple(points), tuple(quantities), **more)


def _all_kinds(study):
    mm = "mm"
    return (
        _measurement(study, MeasurementKind.PROBE, [(3.25, 60.5)],
                     Quantity("value", -812.0, "HU"), Quantity("SUV", 1.5, "g/ml", "SUVbw")),
        _measurement(study, MeasurementKind.LENGTH, [(0.0, 0.0), (30.0, 40.5)],
                     Quantity("length", 34.17, "mm", mm), label="Nodule, right", lesion="lesion-1",
                     reader="AB", changed="2026-11-24T20:15:00+00:00", text="same as before"),
        _measurement(study, MeasurementKind.BIDIRECTIONAL,
                     [(10, 10), (10, 30.125), (5, 20), (15.5, 20)],
                     Quantity("long axis", 12.075, "mm", mm), Quantity("short axis", 8.4, "mm", mm),
                     Quantity("product", 101.43, "mm2", mm), reader="Ch. Dü"),
        _measurement(study, MeasurementKind.ANGLE, [(1, 2), (10, 2), (10, 20)],
                     Quantity("angle", 90.0, "deg", mm)),
        _measurement(study, MeasurementKind.COBB, [(1, 2), (1, 20), (30, 4), (35, 22)],
                     Quantity("Cobb angle", 15.5, "deg", mm)),
        _measurement(study, MeasurementKind.RECTANGLE, [(4.5, 6.25), (20.5, 33.75)],
                     Quantity("mean", 41.25, "HU"), Quantity("sd", 3.5, "HU"),
                     Quantity("min", -3.0, "HU"), Quantity("max", 77.0, "HU"),
                     Quantity("area", 211.2, "mm2", "mm at detector"),
                     Quantity("perimeter", 58.6, "mm", "mm at detector"),
                     Quantity("n", 440.0, "px"),
                     Quantity("sd sample", 3.6, "HU", "sample, n - 1"),
                     Quantity("SUV mean", 2.5, "g/ml", "SUVbw"),
                     Quantity("outline area", 210.9, "mm2", "mm at detector")),
        _measurement(study, MeasurementKind.ELLIPSE, [(10, 20), (10, 40), (5, 30), (15, 30)],
                     Quantity("mean", None, "HU", "no pixels inside")),
        _measurement(study, MeasurementKind.FREEHAND, [(1, 1), (1, 9.5), (7.75, 9), (6, 2)],
                     Quantity("mean", 1.25, ""), Quantity("area", 37.0, "px2", "px")),
        _measurement(study, MeasurementKind.POLYLINE, [(11, 1), (11, 9), (17, 9)],
                     Quantity("perimeter", 24.0, "px", "px"), Quantity("skew", -0.25, "")),
        _measurement(study, MeasurementKind.ARROW, [(20, 20), (30, 45)], text="here\nand below"),
        _measurement(study, MeasurementKind.TEXT, [(40.5, 2)], text="Größe fraglich"),
    )  # fmt: skip


def _same(again, before):
    assert (again.kind, again.quantities) == (before.kind, before.quantities)
    assert (again.label, again.text, again.lesion) == (before.label, before.text, before.lesion)
    assert again.measurement_id == before.measurement_id
    np.testing.assert_allclose(sorted(again.points), sorted(before.points), atol=1e-4)


def test_every_kind_on_an_acquired_frame_comes_back_the_same(study, tmp_path):
    file = tmp_path / "m.dcm"
    before = _all_kinds(study)
    answer = write_measurements(file, before, source_study(study), reader="AB")
    assert (answer.written, answer.left_out) == (len(before), ())
    after = read_measurements(file)
    assert len(after) == len(before)
    for again, one in zip(after, before, strict=True):
        _same(again, one)
        assert again.site.sop_instance_uid == one.site.sop_instance_uid
        assert again.site.series_instance_uid == one.site.series_instance_uid
        assert again.study_instance_uid == study.study_instance_uid
        assert again.reader == (one.reader or "AB")
    assert after[1].changed == "2026-11-24T20:15:00+00:00"
    assert after[1].tracker_uid.startswith("2.25.")


def test_the_first_pixels_centre_is_a_half_in_the_file(study, tmp_path):
    file = tmp_path / "m.dcm"
    one = _measurement(study, MeasurementKind.LENGTH, [(0, 0), (30, 40.5)],
                       Quantity("length", 1.0, "mm"))  # fmt: skip
    write_measurements(file, [one], source_study(study))
    ds = pydicom.dcmread(file)
    group = next(i for i in ds.ContentSequence if i.get("ContentSequence")).ContentSequence[0]
    length = next(i for i in group.ContentSequence if i.ValueType == "NUM")
    region = next(i for i in length.ContentSequence if i.ValueType == "SCOORD")
    assert list(region.GraphicData) == [0.5, 0.5, 41.0, 30.5]  # column, row
    reference = region.ContentSequence[0].ReferencedSOPSequence[0]
    assert reference.ReferencedSOPInstanceUID == one.site.sop_instance_uid
    assert "ReferencedFrameNumber" not in reference  # one frame only (PS3.3 10.3)
    assert length.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue == "mm"


@pytest.mark.parametrize(("grid", "view"), [(SAGITTAL, "sagittal"), (OBLIQUE, "oblique")])
def test_a_cut_through_a_volume_is_written_in_the_patient(study, tmp_path, grid, view):
    display = study.series[0].displays[0]
    site = Site(
        study.study_instance_uid, display.series_instance_uid, "d", "", 0,
        display.geometry.frame_of_reference_uid, grid, view, 7.5,
    )  # fmt: skip
    before = [
        _measurement(study, MeasurementKind.LENGTH, [(10.25, 20.5), (44, 73)],
                     Quantity("length", 61.9, "mm", "mm"), site=site),
        _measurement(study, MeasurementKind.ELLIPSE, [(10, 20), (10, 60), (5, 40), (15, 40)],
                     Quantity("mean", 12.5, "HU"), site=site),
        _measurement(study, MeasurementKind.RECTANGLE, [(2, 3), (20, 31)],
                     Quantity("area", 9.5, "mm2", "mm"), site=site),
        _measurement(study, MeasurementKind.ANGLE, [(1, 2), (10, 2), (10, 20)],
                     Quantity("angle", 88.0, "deg", "mm"), site=site),
    ]  # fmt: skip
    file = tmp_path / "m.dcm"
    write_measurements(file, before, source_study(study))
    after = read_measurements(file)
    for again, one in zip(after, before, strict=True):
        _same(again, one)
        assert again.site.grid == grid
        assert (again.site.view, again.site.slab_mm) == (view, 7.5)
        assert again.site.frame_of_reference_uid == site.frame_of_reference_uid
        assert again.site.series_instance_uid == display.series_instance_uid
        assert again.site.reformatted
        np.testing.assert_allclose(sorted(again.points_mm()), sorted(one.points_mm()), atol=1e-4)
    # independent of medbench: millimetres in the file
    group = pydicom.dcmread(file).ContentSequence[-2].ContentSequence[0]
    length = next(i for i in group.ContentSequence if i.ValueType == "NUM")
    region = next(i for i in length.ContentSequence if i.ValueType == "SCOORD3D")
    assert region.ReferencedFrameOfReferenceUID == site.frame_of_reference_uid
    o, r, c = (np.asarray(v) for v in (grid.origin_mm, grid.row_direction, grid.column_direction))
    expected = o + 10.25 * grid.row_mm * c + 20.5 * grid.column_mm * r
    np.testing.assert_allclose(region.GraphicData[:3], expected, atol=1e-4)


@pytest.mark.filterwarnings("ignore:The string")  # initials as a name
def test_highdicom_reads_the_report(study, tmp_path):
    sr = pytest.importorskip("highdicom.sr")
    file = tmp_path / "m.dcm"
    before = [m for m in _all_kinds(study) if m.kind is not MeasurementKind.ELLIPSE]
    write_measurements(file, before, source_study(study), reader="AB")
    content = sr.srread(file).content
    groups = content.get_planar_roi_measurement_groups()
    kinds = [m.kind.value for m in before if m.kind.is_roi]
    assert len(groups) == len(kinds) + 2  # with arrow and text
    roi = groups[0].get_measurements()
    numbers = {m.name.meaning: m.value for m in roi if m.name.meaning in ("Area", "Perimeter")}
    assert numbers == {"Area": 211.2, "Perimeter": 58.6}
    assert groups[0].roi.graphic_type.value == "POLYLINE"
    lines = content.get_image_measurement_groups()
    found = [m.value for g in lines for m in g.get_measurements() if m.name.meaning == "Length"]
    assert found == [34.17]
    observers = content.get_observer_contexts(observer_type=pydicom.sr.codedict.codes.DCM.Person)
    assert str(observers[0].observer_identifying_attributes.name) == "AB"


def test_dcmtk_finds_nothing_to_complain_about(study, tmp_path):
    file = tmp_path / "m.dcm"
    display = study.series[0].displays[0]
    site = Site(study.study_instance_uid, display.series_instance_uid, "d", "", 0,
                display.geometry.frame_of_reference_uid, OBLIQUE, "oblique")  # fmt: skip
    cut = replace(_all_kinds(study)[5], site=site, measurement_id="cut")
    write_measurements(file, [*_all_kinds(study), cut], source_study(study), reader="AB")
    html = clean_html(file)
    for words in ("Nodule, right", "34.17", "Imaging Measurement Report", "Größe fraglich",
                  "Research use - not for diagnosis", "mm at detector"):  # fmt: skip
        assert words in html


def test_the_report_joins_the_study_and_tells_no_more(study, tmp_path):
    file = tmp_path / "m.dcm"
    write_measurements(file, _all_kinds(study), source_study(study))
    ds = pydicom.dcmread(file)
    source = pydicom.dcmread(study.series[0].displays[0].frames[0].path)
    assert ds.StudyInstanceUID == source.StudyInstanceUID
    assert ds.SeriesInstanceUID != source.SeriesInstanceUID
    assert (str(ds.PatientName), ds.PatientID) == (str(source.PatientName), "SIM-1")
    assert (ds.SpecificCharacterSet, ds.Manufacturer) == ("ISO_IR 192", "medbench")
    assert (ds.CompletionFlag, ds.VerificationFlag) == ("PARTIAL", "UNVERIFIED")
    assert "simulated" in ds.SeriesDescription
    patient = {e.keyword for e in ds if e.tag.group == 0x10}
    assert patient <= {e.keyword for e in source if e.tag.group == 0x10}
    listed = ds.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0]
    assert len(listed.ReferencedSOPSequence) == 1  # only the frame that was measured on


def test_the_information_object_is_whole(study, tmp_path):
    file = tmp_path / "m.dcm"
    write_measurements(file, _all_kinds(study), source_study(study), reader="AB")
    ds = pydicom.dcmread(file)
    assert complaints(ds) == []
    del ds.PatientID, ds.CurrentRequestedProcedureEvidenceSequence[0].StudyInstanceUID
    ds.WindowCenter = "1"
    assert len(complaints(ds)) == 3  # the judge sees what is wrong


def test_a_lesion_is_tracked_over_studies_of_its_patient_only(study, tmp_path):
    one = _measurement(study, MeasurementKind.PROBE, [(1, 1)], Quantity("value", 1.0, "HU"),
                       lesion="L1")  # fmt: skip
    again = replace(one, measurement_id="other")
    plain = replace(one, measurement_id="third", lesion="")
    source = source_study(study)
    write_measurements(tmp_path / "a.dcm", [one, again, plain], source)
    first, second, third = (m.tracker_uid for m in read_measurements(tmp_path / "a.dcm"))
    assert first == second != third
    other = replace(source, heading=copy.deepcopy(source.heading))
    other.heading.PatientID = "SIM-2"
    write_measurements(tmp_path / "b.dcm", [one], other)
    assert read_measurements(tmp_path / "b.dcm")[0].tracker_uid != first


def test_what_has_no_place_is_left_out_and_said(study, tmp_path):
    outside = _measurement(study, MeasurementKind.LENGTH, [(0, 0), (99, 5)],
                           Quantity("length", 1.0, "mm"), label="beyond")  # fmt: skip
    inside = _measurement(study, MeasurementKind.PROBE, [(0, 0)], Quantity("value", 1.0, "HU"))
    file = tmp_path / "m.dcm"
    answer = write_measurements(file, [outside, inside], source_study(study))
    assert answer.written == 1
    assert "beyond" in answer.left_out[0]
    with pytest.raises(BadInputError, match="reaches beyond its picture"):
        write_measurements(tmp_path / "none.dcm", [outside], source_study(study))
    assert not (tmp_path / "none.dcm").exists()


def test_planes_in_words_survive():
    again = plane_of_words(plane_words(OBLIQUE, "oblique", 2.5))
    assert (again.grid, again.view, again.slab_mm) == (OBLIQUE, "oblique", 2.5)
    assert plane_of_words("view coronal; slab 0; nonsense") is None


@pytest.mark.parametrize(
    ("points", "view"),
    [
        ([(1, 2, 3), (9, 2.5, 3)], "axial"),
        ([(1, 2, 3), (1, 2, 40)], "coronal"),
        ([(1, 2, 3), (1, 30, 9), (1, 5, 22)], "sagittal"),
        ([(1, 2, 3), (10, 30, 9), (4, 5, 22)], "oblique"),
        ([(4, 5, 6)], "axial"),
    ],
)
def test_planes_through_foreign_points(points, view):
    points = np.asarray(points, float)
    plane = plane_through(points)
    assert plane.view == view
    grid = plane.grid
    away = (points - grid.origin_mm) @ np.cross(grid.row_direction, grid.column_direction)
    np.testing.assert_allclose(away, 0, atol=1e-9)
    columns = (points - grid.origin_mm) @ grid.row_direction
    assert columns.min() >= 0
    assert columns.max() < grid.columns


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("file", "kind", "points", "quantity"),
    [
        ("tid1500-0/sr-ruler.dcm", "length", [(5.3481, 3.4114), (5.3481, 7.4367)],
         ("length", 4.025316455696, "mm")),
        ("tid1500-0/sr-protractor.dcm", "angle",
         [(3.6772, 3.6392), (7.4747, 3.6392), (7.4747, 7.8165)], ("angle", 90.0, "deg")),
        ("tid1500-0/sr-circle.dcm", "ellipse",
         [(5.5759, 3.5380), (5.5759, 7.5380), (3.5759, 5.5380), (7.5759, 5.5380)],
         ("mean", 25.0, "")),
        ("tid1500-0/sr-arrow.dcm", "arrow", [(5.5759, 5.6899), (12.5633, 5.7658)], None),
        ("dwv034/sr-ruler.dcm", "length", [(5.5534, 3.4881), (5.5534, 7.5475)],
         ("length", 4.059347181008903, "mm")),
    ],
)  # fmt: skip
def test_reports_of_another_program(real_data, file, kind, points, quantity):
    path = real_data / "dicom_conformance" / "dwv" / "tests" / "annotation" / file
    found = read_measurements(path)
    assert len(found) == 3
    assert found[0].kind.value == kind
    np.testing.assert_allclose(found[0].points, points, atol=1e-4)
    if quantity is not None:
        again = found[0].quantity(quantity[0])
        assert (again.name, again.value, again.unit) == quantity
    assert found[0].site.sop_instance_uid.endswith(".3.6")


@pytest.mark.real_data
def test_numbers_of_a_segment_have_no_points(real_data):
    path = real_data / "dicom_conformance" / "dcmqi" / "data" / "sr-example" / "sr.dcm"
    report = read_measurement_report(path)
    assert report.measurements == ()
    (numbers,) = report.segments
    assert (numbers.label, numbers.segment) == ("primary tumor", 1)
    values = {(q.name, q.unit): q.value for q in numbers.quantities}
    assert values["SUV mean", "g/ml"] == 6.01529
    assert values["volume", "ml"] == 33.5824


@pytest.mark.skipif(shutil.which("dcmdump") is None, reason="DCMTK is not installed")
def test_dcmdump_reads_it(study, tmp_path):
    file = tmp_path / "m.dcm"
    write_measurements(file, _all_kinds(study), source_study(study))
    run = subprocess.run(["dcmdump", "-q", str(file)], capture_output=True, text=True, check=True)
    assert "Comprehensive3DSRStorage" in run.stdout
    assert run.stderr == ""
