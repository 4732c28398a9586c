"""Waveforms on the command line."""

import json

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file

from medbench.cli.main import main


@pytest.fixture
def record(tmp_path):
    """Two signals of four samples."""
    stored = np.array([[0, 100], [20, 100], [40, 90], [-32768, 80]], "<i2")
    (tmp_path / "r.dat").write_bytes(stored.tobytes())
    lines = ["r 2 100 4", "r.dat 16 200/mV 16 0 0 0 0 II", "r.dat 16 2(60)/mmHg 16 0 100 370 0 ABP"]
    (tmp_path / "r.hea").write_text("\n".join(lines))
    return tmp_path / "r.hea"


def run(capsys, *arguments):
    code = main([*(str(a) for a in arguments), "--json"])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_array_of_a_record(capsys, record, tmp_path):
    code, out, err = run(capsys, "array", record, "--out", tmp_path / "a.npy")
    assert code == 0, err
    told = json.loads(out)
    values = np.load(tmp_path / "a.npy")
    np.testing.assert_allclose(values, [[0, 0.1, 0.2, np.nan], [20, 20, 15, 10]], rtol=1e-6)
    assert told["channels"] == [{"name": "II", "unit": "mV"}, {"name": "ABP", "unit": "mmHg"}]
    assert (told["sampling_hz"], told["duration_s"]) == (100.0, 0.04)
    assert told["shape"] == [2, 4]
    assert told["kind"] == "waveform"
    assert told["source"] == "wfdb"


def test_array_of_a_dicom_group(capsys, tmp_path):
    path = get_testdata_file("waveform_ecg.dcm", download=False)
    code, out, err = run(capsys, "array", path, "--group", 1, "--out", tmp_path / "a.npy")
    assert code == 0, err
    told = json.loads(out)
    assert told["groups"] == ["RHYTHM", "MEDIAN BEAT"]
    expected = pydicom.dcmread(path).waveform_array(1).T / 1000
    np.testing.assert_allclose(np.load(tmp_path / "a.npy"), expected, atol=1e-6)
    code, _, err = run(capsys, "array", path, "--group", 2, "--out", tmp_path / "b.npy")
    assert code == 2
    assert "groups 0 to 1" in err
    assert not (tmp_path / "b.npy").exists()


def test_render_says_who_draws_it(capsys, record, tmp_path):
    path = get_testdata_file("waveform_ecg.dcm", download=False)
    for source in (record, path):
        code, _, err = run(capsys, "render", source, "--out", tmp_path / "r.png")
        assert code == 2
        assert "not shown as an image; the window draws it" in err


def test_scan_lists_a_record(capsys, record):
    code, out, _ = run(capsys, "scan", record.parent)
    assert code == 0
    told = json.loads(out)
    (study,) = told["studies"]
    assert study["description"] == "WFDB record r"
    assert study["series"][0]["displays"][0]["kind"] == "waveform"
    assert told["skipped"] == []
