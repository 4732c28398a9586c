"""``medbench measure`` against numpy, and against the known answers of real files."""

import json

import numpy as np
import pytest

from medbench.cli.main import main
from medbench.samples.series import write_uniform_series


def measured(capsys, *arguments):
    code = main(["measure", *(str(a) for a in arguments), "--json"])
    captured = capsys.readouterr()
    assert code == 0, captured.err
    found = json.loads(captured.out)
    return found, {q["name"]: q for q in found["quantities"]}


def refused(capsys, *arguments):
    code = main(["measure", *(str(a) for a in arguments)])
    captured = capsys.readouterr()
    assert code == 2
    return captured.err


@pytest.fixture
def series(tmp_path, capsys):
    write_uniform_series(tmp_path / "series", (5, 20, 24))
    main(["array", str(tmp_path / "series"), "--out", str(tmp_path / "a.npy"), "--json"])
    spacing = json.loads(capsys.readouterr().out)["spacing_mm"]
    return tmp_path / "series", np.load(tmp_path / "a.npy"), spacing


def test_an_ellipse_in_the_stack_and_in_a_plane(capsys, series):
    path, voxels, (gap, down, right) = series
    found, q = measured(capsys, path, "--kind", "ellipse", "--points", "4,5;14,17", "--slice", 2)
    row, column = np.indices((20, 24))
    kept = voxels[2][((row - 9) / 5) ** 2 + ((column - 11) / 6) ** 2 <= 1]
    assert q["n"]["value"] == len(kept)
    assert q["mean"]["value"] == pytest.approx(kept.mean())
    assert q["sd"] == {"name": "sd", "value": pytest.approx(kept.std()), "unit": "HU",
                       "badge": "population"}  # fmt: skip
    assert q["area"]["value"] == pytest.approx(len(kept) * down * right)
    assert (found["slice"], found["plane"], found["calibration"]) == (2, "acquired", "mm")
    ends = ";".join(f"{r},{c}" for r, c in found["points"])
    _, again = measured(capsys, path, "--kind", "ellipse", "--points", ends, "--slice", 2)
    assert again == q
    _, length = measured(
        capsys, path, "--kind", "length", "--points", "0,3;4,3", "--plane", "sagittal"
    )
    assert length["length"]["value"] == pytest.approx(4 * gap)


def test_what_cannot_be_measured_is_said(capsys, series):
    path = series[0]
    assert "needs 2 points" in refused(capsys, path, "--kind", "length", "--points", "1,2")
    assert "is no place" in refused(capsys, path, "--kind", "length", "--points", "1,2;x,3")
    assert "no slice 5" in refused(
        capsys, path, "--kind", "length", "--points", "1,2;3,4", "--slice", 5
    )
    assert "3 or more" in refused(capsys, path, "--kind", "polyline", "--points", "1,2;3,4")
    assert "finite" in refused(capsys, path, "--kind", "probe", "--points", "nan,2")


KNOWN = (
    ("fo_dicom/FO-DICOM.Tests/Test Data/OutOfBoundsOverlay.dcm", "100,100;100,200", 8.1469,
     "mm, magnified"),
    ("cornerstone3D/US-YBR_FULL_422-EVRLE.dcm", "200,300;200,400", 6.160,
     "mm, ultrasound region"),
)  # fmt: skip


@pytest.mark.parametrize(("name", "points", "length_mm", "badge"), KNOWN)
def test_real_files_say_where_millimetres_come_from(
    capsys, real_data, name, points, length_mm, badge
):
    file = real_data / "dicom_conformance" / name
    _, q = measured(capsys, file, "--kind", "length", "--points", points, "--slice", 0)
    assert q["length"]["value"] == pytest.approx(length_mm, abs=1e-3)
    assert (q["length"]["unit"], q["length"]["badge"]) == ("mm", badge)


def test_a_refused_suv_gives_no_suv(capsys, real_data):
    file = real_data / "dicom_conformance/fo_dicom/FO-DICOM.Tests/Test Data/GH610.dcm"
    _, q = measured(capsys, file, "--kind", "rectangle", "--points", "20,20;60,60", "--slice", 0)
    assert q["mean"]["value"] is not None
    assert not any(name.startswith("SUV") for name in q)


def test_padding_of_a_real_slice_is_left_out(capsys, real_data):
    folder = real_data / "dicom_series" / "ct_ge_hispeed_head_tilt_irregular"
    file = next(
        f for f in sorted(folder.rglob("*")) if f.is_file() and f.suffix.lower() != ".txt"
        and _instance(f) == 1
    )  # fmt: skip
    found, q = measured(
        capsys, file, "--kind", "rectangle", "--points", "0,0;511,511", "--slice", 0
    )
    assert found["calibration"] == "mm"
    assert q["left out"]["value"] == 62180
    assert q["mean"]["value"] == pytest.approx(-385.78, abs=0.005)
    assert q["min"]["value"] == -1023


def _instance(file):
    import pydicom

    found = pydicom.dcmread(file, stop_before_pixels=True, force=True).get("InstanceNumber")
    return None if found is None else int(found)
