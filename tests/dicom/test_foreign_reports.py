"""Reports that other programs write, read as measurements: highdicom's templates, OHIF's names."""

import numpy as np
import pydicom
import pytest
from pydicom.sr.codedict import codes
from pydicom.uid import generate_uid

from medbench.dicom.measurement_report import read_measurement_report
from medbench.dicom.scan import scan
from medbench.dicom.write import SimulatedPatient, write_ct_series
from medbench.dicom.writing import items
from medbench.dicom.writing.heading import SeriesNames, evidence, new_object, save_object
from medbench.dicom.writing.heading import source_study as source_of
from medbench.dicom.writing.sr import COMPREHENSIVE_3D
from medbench.domain.geometry import Geometry
from medbench.domain.measurement import MeasurementKind
from medbench.session.operations.exports import place

GEOMETRY = Geometry((5, 40, 50), (2.0, 0.8, 0.5), (-10, 4, 30), (1, 0, 0, 0, 1, 0, 0, 0, 1))


@pytest.fixture
def study(tmp_path):
    voxels = np.zeros(GEOMETRY.shape, np.int16)
    write_ct_series(tmp_path / "ct", voxels, GEOMETRY, SimulatedPatient("SIM-1", "Sample^Ivo"))
    return scan([tmp_path / "ct"]).studies[0]


# written with highdicom


@pytest.fixture
def written(study, tmp_path):
    """Write measurement groups with highdicom, and read them with medbench."""
    sr = pytest.importorskip("highdicom.sr")
    frames = study.series[0].displays[0].frames
    images = [pydicom.dcmread(ref.path) for ref in frames]

    def make(*groups):
        observer = sr.ObserverContext(
            codes.DCM.Person, sr.PersonObserverIdentifyingAttributes(name="Reader^Ann")
        )
        content = sr.MeasurementReport(
            sr.ObservationContext(observer_person_context=observer),
            procedure_reported=codes.SCT.ImagingProcedure, imaging_measurements=list(groups),
        )  # fmt: skip
        made = sr.Comprehensive3DSR(
            images, content[0], generate_uid(), 1, generate_uid(), 1, manufacturer="other"
        )
        made.save_as(tmp_path / "sr.dcm")
        return read_measurement_report(tmp_path / "sr.dcm")

    return sr, images, make


def _tracking(sr, name):
    return sr.TrackingIdentifier(uid=generate_uid(), identifier=name)


def test_a_region_on_an_image(written):
    sr, images, make = written
    outline = np.array([[3.5, 2.5], [13.5, 2.5], [13.5, 9.5], [5.0, 12.25], [3.5, 2.5]])
    source = sr.SourceImageForRegion.from_source_image(images[2])
    region = sr.ImageRegion(sr.GraphicTypeValues.POLYLINE, outline, source)
    group = sr.PlanarROIMeasurementsAndQualitativeEvaluations(
        _tracking(sr, "lesion 4"), referenced_region=region, finding_type=codes.SCT.Nodule,
        finding_sites=[sr.FindingSite(codes.SCT.Liver)],
        measurements=[
            sr.Measurement(codes.SCT.Area, 71.25, codes.UCUM.SquareMillimeter),
            sr.Measurement(codes.DCM.AttenuationCoefficient, 48.5, codes.UCUM.HounsfieldUnit,
                           derivation=codes.SCT.Mean),
        ],
    )  # fmt: skip
    (one,) = make(group).measurements
    assert one.kind is MeasurementKind.POLYLINE
    np.testing.assert_allclose(one.points, outline[:-1, ::-1] - 0.5, atol=1e-5)
    assert [(q.name, q.value, q.unit) for q in one.quantities] == [
        ("area", 71.25, "mm2"), ("mean", 48.5, "HU")
    ]  # fmt: skip
    assert (one.label, one.reader) == ("Nodule", "Reader Ann")
    assert one.site.sop_instance_uid == images[2].SOPInstanceUID
    assert one.site.series_instance_uid == images[2].SeriesInstanceUID


def test_a_polygon_in_space_goes_to_the_slice_that_holds_it(written, study):
    sr, images, make = written
    z = GEOMETRY.world_from_index(0, 0, 3)[2]
    outline = np.array([[0, 8, z], [5, 8, z], [5, 16, z], [0, 8, z]], float)
    region = sr.ImageRegion3D(
        sr.GraphicTypeValues3D.POLYGON, outline, images[0].FrameOfReferenceUID
    )
    group = sr.PlanarROIMeasurementsAndQualitativeEvaluations(
        _tracking(sr, "a"), referenced_region=region,
        measurements=[sr.Measurement(codes.SCT.Area, 20.0, codes.UCUM.SquareMillimeter)],
    )  # fmt: skip
    (one,) = make(group).measurements
    assert one.site.reformatted
    np.testing.assert_allclose(one.points_mm(), outline[:-1], atol=1e-4)
    placed = place(one, [study])
    assert placed.site.sop_instance_uid == images[3].SOPInstanceUID
    expected = [((y - 4) / 0.8, (x + 10) / 0.5) for x, y, _ in outline[:-1]]
    np.testing.assert_allclose(placed.points, expected, atol=1e-4)


def test_a_slanting_line_in_space_keeps_its_plane(written, study):
    sr, images, make = written
    ends = np.array([[-5.0, 10.0, 30.5], [4.0, 20.0, 37.0]])
    coordinates = sr.CoordinatesForMeasurement3D(
        sr.GraphicTypeValues3D.POLYLINE, ends, images[0].FrameOfReferenceUID
    )
    long = sr.Measurement(
        codes.SCT.Length, float(np.linalg.norm(ends[1] - ends[0])), codes.UCUM.Millimeter,
        referenced_coordinates=[coordinates],
    )  # fmt: skip
    (one,) = make(
        sr.MeasurementsAndQualitativeEvaluations(_tracking(sr, "b"), measurements=[long])
    ).measurements
    assert one.kind is MeasurementKind.LENGTH
    placed = place(one, [study])
    np.testing.assert_allclose(placed.points_mm(), ends, atol=1e-4)
    assert placed.site.display_key
    assert placed.site.sop_instance_uid == ""


# as cornerstone and OHIF name their tools


def _ohif(study, tmp_path, tool, graphic, points, numbers):
    source = source_of(study)
    ref = study.series[0].displays[0].frames[1]
    image = source.images[ref.sop_instance_uid]
    group = []
    for name, value, unit in numbers:
        region = items.coordinates(
            items.INFERRED, items.PATH, graphic, np.asarray(points, float),
            source=items.image(items.SELECTED, image, 0),
        )  # fmt: skip
        group.append(items.number(items.CONTAINS, name, value, unit, [region]))
    group.insert(0, items.text(items.CONTEXT, items.TRACKING, f"Cornerstone3DTools@^0.1.0:{tool}"))
    ds = new_object(source, COMPREHENSIVE_3D, SeriesNames("x", 1, "SR"))
    ds.CurrentRequestedProcedureEvidenceSequence = evidence(source, [image])
    ds.CompletionFlag, ds.VerificationFlag = "PARTIAL", "UNVERIFIED"
    groups = items.container(items.CONTAINS, items.MEASUREMENTS,
                             [items.container(items.CONTAINS, items.GROUP, group)])  # fmt: skip
    ds.update(items.container("", items.REPORT, [groups], "1500"))
    save_object(ds, tmp_path / "o.dcm")
    return read_measurement_report(tmp_path / "o.dcm").measurements


AREA = ("42798000", "SCT", "Area"), 12.0, ("mm2", "UCUM", "mm2")
ANGLE = ("1483009", "SCT", "Angle"), 30.0, ("deg", "UCUM", "deg")
LENGTH = ("410668003", "SCT", "Length"), 10.0, ("mm", "UCUM", "mm")


@pytest.mark.parametrize(
    ("tool", "graphic", "points", "numbers", "kind", "expected"),
    [
        ("Length", "POLYLINE", [(1.5, 2.5), (11.5, 2.5)], [LENGTH], "length", [(2, 1), (2, 11)]),
        ("CircleROI", "CIRCLE", [(10.5, 8.5), (13.5, 8.5)], [AREA], "ellipse",
         [(8, 7), (8, 13), (5, 10), (11, 10)]),
        ("RectangleROI", "POLYLINE", [(1.5, 2.5), (9.5, 2.5), (9.5, 7.5), (1.5, 7.5), (1.5, 2.5)],
         [AREA], "rectangle", [(2, 1), (7, 9)]),
        ("PlanarFreehandROI", "POLYLINE", [(1.5, 2.5), (9.5, 2.5), (9.5, 7.5), (1.5, 2.5)], [AREA],
         "freehand", [(2, 1), (2, 9), (7, 9)]),
        ("CobbAngle", "POLYLINE", [(1.5, 2.5), (9.5, 2.5), (1.5, 9.5), (9.5, 12.5)], [ANGLE],
         "cobb", [(2, 1), (2, 9), (9, 1), (12, 9)]),
        ("Angle", "POLYLINE", [(1.5, 2.5), (9.5, 2.5), (9.5, 2.5), (9.5, 12.5)], [ANGLE], "angle",
         [(2, 1), (2, 9), (12, 9)]),
        ("ArrowAnnotate", "POLYLINE", [(1.5, 2.5), (9.5, 2.5)], [LENGTH], "arrow",
         [(2, 1), (2, 9)]),
    ],
)  # fmt: skip
def test_tools_of_ohif(study, tmp_path, tool, graphic, points, numbers, kind, expected):
    (one,) = _ohif(study, tmp_path, tool, graphic, points, numbers)
    assert one.kind.value == kind
    assert one.points == tuple((float(r), float(c)) for r, c in expected)


def test_two_numbers_of_one_outline_are_one_measurement(study, tmp_path):
    mean = ("373098007", "SCT", "Mean"), 40.0, ("[hnsf'U]", "UCUM", "HU")
    corners = [(1.5, 2.5), (9.5, 2.5), (9.5, 7.5), (1.5, 7.5), (1.5, 2.5)]
    (one,) = _ohif(study, tmp_path, "RectangleROI", "POLYLINE", corners, [AREA, mean])
    assert [(q.name, q.value, q.unit) for q in one.quantities] == [
        ("area", 12.0, "mm2"), ("mean", 40.0, "HU")
    ]  # fmt: skip
