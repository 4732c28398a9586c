import gzip
import json
import zipfile

import numpy as np
import pytest
from PIL import Image
from zip_cipher import encrypted

from medbench.cli.main import main
from medbench.cli.options import PASSWORD_VARIABLE
from medbench.registry.header_index import FILE_NAME
from medbench.samples.series import write_uniform_series


def run(capsys, *arguments):
    code = main([str(a) for a in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def answer(capsys, *arguments):
    code, out, err = run(capsys, *arguments, "--json")
    assert code == 0, err
    return json.loads(out)


def displays_of(found):
    return [d for study in found["studies"] for s in study["series"] for d in s["displays"]]


@pytest.fixture
def series(tmp_path):
    write_uniform_series(tmp_path / "series", (5, 20, 24))
    return tmp_path / "series"


def test_counts_add_up_and_every_reject_has_its_reason(capsys, series):
    (series / "note.txt").write_text("x")
    found = answer(capsys, "scan", series)
    assert found["counts"] == {"files": 6, "shown": 5, "skipped": 1}
    assert found["skipped"][0]["reason"]
    code, out, _ = run(capsys, "scan", series)
    assert code == 0
    assert out.strip().endswith("6 files: 5 shown, 1 not")


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "bmp"])
def test_pictures_scan_array_and_render(capsys, tmp_path, suffix):
    pixels = np.tile(np.arange(0, 240, 6, dtype=np.uint8), (30, 1))
    picture = tmp_path / f"p.{suffix}"
    Image.fromarray(pixels).save(picture)
    (display,) = displays_of(answer(capsys, "scan", picture))
    assert (display["rows"], display["columns"], display["spacing_mm"]) == (30, 40, None)
    got = answer(capsys, "array", picture, "--out", tmp_path / "a.npy")
    assert got["frame"]["calibration"] == "px"
    tolerance = 4 if suffix == "jpg" else 0
    np.testing.assert_allclose(np.load(tmp_path / "a.npy")[0], pixels, atol=tolerance)
    answer(capsys, "render", picture, "--out", tmp_path / "r.png")
    shown = np.asarray(Image.open(tmp_path / "r.png")).astype(int)
    np.testing.assert_allclose(shown, pixels, atol=tolerance + 1)


def test_a_volume_file_scan_array_and_render(capsys, tmp_path):
    voxels = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)
    head = (
        "NRRD0005\ntype: short\ndimension: 3\nspace: RAS\nsizes: 6 5 4\nendian: little\n"
        "space directions: (1,0,0) (0,1,0) (0,0,2)\nspace origin: (1,2,3)\nencoding: gzip\n\n"
    )
    file = tmp_path / "v.nrrd"
    file.write_bytes(head.encode() + gzip.compress(voxels.tobytes()))
    (display,) = displays_of(answer(capsys, "scan", file))
    assert display["source"] == "nrrd"
    assert display["spacing_mm"] == [2.0, 1.0, 1.0]
    assert display["origin_mm"] == [-1.0, -2.0, 3.0]
    answer(capsys, "array", file, "--out", tmp_path / "a.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), voxels)
    got = answer(
        capsys, "render", file, "--frame", 1, "--window", 45, 61, "--out", tmp_path / "r.png"
    )
    shown = np.asarray(Image.open(tmp_path / "r.png"))
    assert got["letters"] == ["R", "L", "A", "P"]
    assert shown[0, 0] > shown[-1, -1], "turned so that the patient's left is on the right"


def test_an_archive_opens_and_leaves_nothing(capsys, series, tmp_path, monkeypatch):
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    with zipfile.ZipFile(tmp_path / "s.zip", "w") as out:
        for path in series.glob("*.dcm"):
            out.write(path, path.name)
    answer(capsys, "array", tmp_path / "s.zip", "--out", tmp_path / "a.npy")
    answer(capsys, "array", series, "--out", tmp_path / "b.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), np.load(tmp_path / "b.npy"))
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.parametrize("way", ["file", "variable"])
def test_a_password_comes_from_a_file_or_the_environment(
    capsys, series, tmp_path, monkeypatch, way
):
    files = [(p.name.encode(), p.read_bytes()) for p in series.glob("*.dcm")]
    archive = encrypted(tmp_path / "s.zip", files, "geheim ü".encode())
    code, out, err = run(capsys, "scan", archive, "--json")
    assert (code, out) == (2, "")
    assert "needs its password" in err
    assert "--password-file" in err
    if way == "file":
        (tmp_path / "pass").write_text("geheim ü\n", encoding="utf-8")
        more = ("--password-file", tmp_path / "pass")
    else:
        monkeypatch.setenv(PASSWORD_VARIABLE, "geheim ü")
        more = ()
    assert answer(capsys, "scan", archive, *more)["counts"]["shown"] == 5
    (tmp_path / "wrong").write_text("sesame")
    code, out, err = run(capsys, "scan", archive, "--password-file", tmp_path / "wrong")
    assert (code, out) == (2, "")
    assert "wrong" in err


def test_a_missing_password_file_is_one_sentence(capsys, series, tmp_path):
    code, out, err = run(capsys, "scan", series, "--password-file", tmp_path / "none")
    assert (code, out) == (2, "")
    assert len([line for line in err.splitlines() if line.startswith("medbench: ")]) == 1


def test_the_index_is_used_only_where_a_workspace_is_named(capsys, series, tmp_path):
    plain = answer(capsys, "scan", series)
    assert not list(tmp_path.rglob(FILE_NAME))
    for _ in range(2):
        assert answer(capsys, "scan", series, "--workspace", tmp_path / "w") == plain
    assert (tmp_path / "w" / FILE_NAME).stat().st_size > 0
