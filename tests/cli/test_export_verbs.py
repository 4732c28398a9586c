"""``medbench export`` and ``medbench readings`` on stored readings."""

import csv
import json

import numpy as np
import pytest

from medbench.cli.main import main
from medbench.dicom.presentation import read_presentation
from medbench.dicom.report import read_report
from medbench.dicom.scan import scan
from medbench.dicom.segmentation import read_segmentation
from medbench.dicom.write import SimulatedPatient, write_ct_series
from medbench.domain.geometry import Geometry
from medbench.domain.key_image import KeyImage
from medbench.domain.measurement import Measurement, MeasurementKind, Quantity, Site
from medbench.domain.records import to_json
from medbench.domain.segment_edit import EditedSegment, EditedSegmentation
from medbench.registry.reading_store import ReadingStore, StoredRecord
from medbench.session.segment_files import packed_slices

GEOMETRY = Geometry((4, 20, 24), (3.0, 0.8, 0.6), (5, -7, 9), (1, 0, 0, 0, 1, 0, 0, 0, 1))


@pytest.fixture
def stored(tmp_path):
    """A workspace with readings of a series: (workspace, study, label map)."""
    folder, workspace = tmp_path / "ct", tmp_path / "workspace"
    write_ct_series(folder, np.zeros(GEOMETRY.shape, np.int16), GEOMETRY,
                    SimulatedPatient("SIM-1", "Sample^Ivo"))  # fmt: skip
    study = scan([folder]).studies[0]
    display = study.series[0].displays[0]
    uid, series, ref = study.study_instance_uid, display.series_instance_uid, display.frames[2]
    key = display.key
    site = Site(uid, series, key, ref.sop_instance_uid, 0,
                display.geometry.frame_of_reference_uid)  # fmt: skip
    length = Measurement("m-1", MeasurementKind.LENGTH, site, ((2.5, 3.0), (12.0, 20.0)),
                         (Quantity("length", 12.725, "mm", "mm"),), label="Nodule")  # fmt: skip
    mark = KeyImage(uid, series, key, ref.sop_instance_uid, 0)
    segmentation = EditedSegmentation(
        "seg-1", "First", uid, series, key, display.geometry, True, True,
        (EditedSegment(3, "Liver", (86, 180, 233)),),
    )  # fmt: skip
    labels = np.zeros(GEOMETRY.shape, np.uint8)
    labels[1:3, 4:9, 2:20] = 3
    with ReadingStore(workspace) as store:
        store.write(
            StoredRecord(r.stored_as, r.record_id, uid, to_json(r))
            for r in (length, mark, segmentation)
        )
        store.write_slices("seg-1", packed_slices(labels, frozenset(range(4))))
    return folder, workspace, study, labels


def _run(capsys, *words):
    code = main([*(str(w) for w in words), "--json"])
    told = capsys.readouterr()
    assert code == 0, told.err
    return json.loads(told.out)


def test_measurements_as_report_and_printed_again(capsys, stored, tmp_path):
    folder, workspace, study, _ = stored
    out = tmp_path / "m.dcm"
    answer = _run(capsys, "export", "sr", "--study", study.study_instance_uid, "-o", out,
                  "--workspace", workspace, "--images", folder, "--reader", "AB")  # fmt: skip
    assert (answer["written"], answer["left_out"]) == (1, [])
    again = _run(capsys, "readings", out)
    (one,) = again["measurements"]
    assert (one["kind"], one["label"], one["reader"]) == ("length", "Nodule", "AB")
    assert one["points_row_column"] == [[2.5, 3.0], [12.0, 20.0]]
    assert one["quantities"] == [
        {"name": "length", "value": 12.725, "unit": "mm", "source": "mm"}
    ]  # fmt: skip
    assert main(["readings", str(out)]) == 0
    assert "Nodule: length 12.725 mm" in capsys.readouterr().out


def test_images_are_found_where_the_workspace_last_saw_them(capsys, stored, tmp_path):
    folder, workspace, study, _ = stored
    words = ["export", "sr", "--study", study.study_instance_uid, "--workspace", workspace]
    assert main([*(str(w) for w in words), "-o", str(tmp_path / "a.dcm")]) == 2
    assert "--images" in capsys.readouterr().err
    _run(capsys, "scan", folder, "--workspace", workspace)
    assert _run(capsys, *words, "-o", tmp_path / "a.dcm")["written"] == 1


def test_table(capsys, stored, tmp_path):
    _, workspace, study, _ = stored
    out = tmp_path / "m.csv"
    _run(capsys, "export", "csv", "--study", study.study_instance_uid, "-o", out,
         "--workspace", workspace)  # fmt: skip
    (row,) = csv.DictReader(out.read_text(encoding="utf-8").splitlines())
    assert (row["quantity"], float(row["value"]), row["unit"]) == ("length", 12.725, "mm")


def test_segments(capsys, stored, tmp_path):
    folder, workspace, study, labels = stored
    out, nifti = tmp_path / "s.dcm", tmp_path / "s.nii.gz"
    common = ["--study", study.study_instance_uid, "--workspace", workspace]
    _run(capsys, "export", "seg", *common, "-o", out, "--images", folder)
    found = read_segmentation(out)
    places = {r.sop_instance_uid: z for z, r in enumerate(study.series[0].displays[0].frames)}
    again = np.zeros_like(labels)
    for frame in found.frames:
        again[places[frame.referenced_uid]][frame.values] = 3
    np.testing.assert_array_equal(again, labels)
    _run(capsys, "export", "nifti", *common, "-o", nifti)
    itk = pytest.importorskip("SimpleITK")
    np.testing.assert_array_equal(itk.GetArrayFromImage(itk.ReadImage(str(nifti))), labels)
    assert main(["export", "seg", *(str(w) for w in common), "-o", str(out), "--images",
                 str(folder), "--segmentation", "seg-9"]) == 2  # fmt: skip
    assert "no such segmentation" in capsys.readouterr().err


def test_presentation_and_key_images(capsys, stored, tmp_path):
    folder, workspace, study, _ = stored
    common = ["--study", study.study_instance_uid, "--workspace", workspace, "--images", folder]
    answer = _run(capsys, "export", "gsps", *common, "-o", tmp_path / "p.dcm")
    assert answer["files"] == [str(tmp_path / "p.dcm")]
    state = read_presentation(tmp_path / "p.dcm")
    assert len(state.images) == 4
    lines = [(g.kind, g.points) for _, g in state.graphics if g.kind == "POLYLINE"]
    assert lines == [("POLYLINE", ((2.5, 3.0), (12.0, 20.0)))]
    assert _run(capsys, "export", "keys", *common, "-o", tmp_path / "k.dcm")["written"] == 1
    assert read_report(tmp_path / "k.dcm").key_objects


def test_refusals(capsys, stored, tmp_path):
    _, workspace, study, _ = stored
    for words, sentence in (
        (["sr", "--study", "1.2.3", "-o", tmp_path / "a.dcm"], "Nothing is measured"),
        (["csv", "--study", study.study_instance_uid, "-o", tmp_path / "no" / "a.csv"],
         "does not exist"),
    ):  # fmt: skip
        code = main(["export", *(str(w) for w in words), "--workspace", str(workspace)])
        assert code == 2
        assert sentence in capsys.readouterr().err
    assert main(["export", "csv", "--study", "1", "-o", str(tmp_path / "a.csv"), "--workspace",
                 str(tmp_path / "empty")]) == 2  # fmt: skip
    assert "holds no readings" in capsys.readouterr().err


@pytest.mark.real_data
def test_real_reports(capsys, real_data):
    folder = real_data / "dicom_conformance"
    told = _run(capsys, "readings", folder / "dwv/tests/annotation/tid1500-0/sr-ruler.dcm")
    assert len(told["measurements"]) == 3
    told = _run(capsys, "readings", folder / "dcmqi/data/sr-example/sr.dcm")
    assert told["measurements"] == []
    assert len(told["segments"][0]["quantities"]) > 20
