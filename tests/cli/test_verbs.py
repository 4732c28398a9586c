import json
import subprocess
import sys

import numpy as np
import pytest

from medbench.cli.main import main
from medbench.samples.series import write_uniform_series
from medbench.samples.thorax import write_thorax_ct


def run(capsys, *arguments):
    code = main([str(a) for a in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def answer(capsys, *arguments):
    code, out, err = run(capsys, *arguments, "--json")
    assert code == 0, err
    return json.loads(out)


@pytest.fixture
def series(tmp_path):
    write_uniform_series(tmp_path / "series", (5, 20, 24))
    return tmp_path / "series"


def test_scan_array_render(capsys, series, tmp_path):
    found = answer(capsys, "scan", series)
    (display,) = found["studies"][0]["series"][0]["displays"]
    assert (display["slices"], display["rows"], display["columns"]) == (5, 20, 24)
    assert display["kind"] == "volume"
    got = answer(capsys, "array", series, "--out", tmp_path / "a.npy")
    voxels = np.load(tmp_path / "a.npy")
    assert voxels.shape == (5, 20, 24)
    assert voxels.dtype == np.float32
    assert got["spacing_mm"] == display["spacing_mm"]
    shown = answer(capsys, "render", series, "--window", 0, 100, "--out", tmp_path / "r.png")
    assert (shown["rows"], shown["columns"]) == (20, 24)


def test_cohort_to_prediction_on_the_command_line(capsys, tmp_path):
    dice = np.random.default_rng(0)
    lines = ["a,b,y"] + [
        f"{dice.normal(2.5 * (i % 2)):.3f},{dice.normal():.3f},{i % 2}" for i in range(120)
    ]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    w = ("--workspace", tmp_path / "w")
    answer(capsys, "cohort", "build", tmp_path / "t.csv", "--task", "table", "--label", "y",
           "--positive", "1", "--out", tmp_path / "c")  # fmt: skip
    split = answer(capsys, "cohort", "split", tmp_path / "c", "--val", ".2", "--test", ".25")
    assert split["split"]["roles"]["test"]["cases"] == 30
    assert answer(capsys, "cohort", "check", tmp_path / "c")["passed"]
    trained = answer(capsys, "train", tmp_path / "c", "--learner", "svm-linear", *w)
    assert trained["validation"]["auc"]["n"] == 24
    found = answer(capsys, "evaluate", trained["model"], "--cohort", tmp_path / "c", *w)
    assert found["rests_on"] == "internal test"
    assert set(found["metrics"]["auc"]) == {"value", "low", "high", "n", "events"}
    predicted = answer(capsys, "predict", trained["model"], tmp_path / "t.csv", *w)
    assert len(predicted["predictions"]) == 120
    assert predicted["predictions"][0]["weights_sha256"] == trained["weights_sha256"]
    moved = answer(
        capsys, "models", "approve", trained["model"], "--who", "AF", "--reason", "x", *w
    )
    assert moved["stage"] == "approved"
    shown = answer(capsys, "models", "show", trained["model"], *w)
    assert shown["history"][0]["who"] == "AF"
    assert answer(capsys, "models", "verify", *w)["verified"] == [trained["model"]]
    answer(capsys, "models", "retire", trained["model"], "--reason", "y", *w)
    listed = answer(capsys, "models", "list", *w)["models"]
    assert [m["stage"] for m in listed] == ["retired"]
    weights = next((tmp_path / "w" / "models").rglob("model.safetensors"))
    data = bytearray(weights.read_bytes())
    data[-1] ^= 255
    weights.write_bytes(bytes(data))
    code, out, err = run(capsys, "predict", trained["model"], tmp_path / "t.csv", *w)
    assert code == 2
    assert out == ""
    assert "SHA-256" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ("scan", "{tmp}/none"),
        ("array", "{tmp}/text.dcm", "--out", "{tmp}/x.npy"),
        ("render", "{tmp}/text.dcm", "--out", "{tmp}/x.png"),
        ("cohort", "build", "{tmp}/none.csv", "--task", "table", "--out", "{tmp}/c"),
        ("cohort", "build", "{tmp}/empty.csv", "--task", "table", "--out", "{tmp}/c"),
        ("cohort", "build", "{tmp}/one.csv", "--task", "table", "--out", "{tmp}/c", "--label", "z"),
        ("cohort", "split", "{tmp}"),
        ("cohort", "check", "{tmp}"),
        ("train", "{tmp}", "--learner", "mlp", "--workspace", "{tmp}/w"),
        ("train", "{tmp}", "--learner", "oracle"),
        ("train", "--workspace", "{tmp}/w"),
        ("evaluate", "none", "--cohort", "{tmp}", "--workspace", "{tmp}/w"),
        ("predict", "none", "{tmp}/text.dcm", "--workspace", "{tmp}/w"),
        ("models", "show", "none/1", "--workspace", "{tmp}/w"),
        ("models", "list", "--workspace", "{tmp}/text.dcm"),
        ("tour", "--out", "{tmp}/t", "--study", "{tmp}/none"),
        ("bench", "--only", "nothing"),
        ("nonsense",),
    ],
)
def test_bad_input_is_exit_2_and_one_sentence(capsys, tmp_path, arguments):
    (tmp_path / "text.dcm").write_text("this is a text\n")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "one.csv").write_text("x,y\n1,a\n2,a\n3,a\n")
    before = {p.name for p in tmp_path.iterdir()}
    code, out, err = run(capsys, *[a.replace("{tmp}", str(tmp_path)) for a in arguments])
    assert code == 2, err
    assert out == ""
    lines = [line for line in err.splitlines() if line.startswith("medbench: ")]
    assert len(lines) == 1, err
    assert "Traceback" not in err
    assert {p.name for p in tmp_path.iterdir()} - before <= {"w"}


def test_one_class_says_so_and_cannot_train(capsys, tmp_path):
    lines = ["x,y"] + [f"{i},a" for i in range(40)]
    (tmp_path / "one.csv").write_text("\n".join(lines) + "\n")
    built = answer(capsys, "cohort", "build", tmp_path / "one.csv", "--task", "table", "--label",
                   "y", "--out", tmp_path / "c")  # fmt: skip
    assert built["blocking"] == ["one-class"]
    answer(capsys, "cohort", "split", tmp_path / "c")
    code, _, err = run(capsys, "train", tmp_path / "c", "--learner", "mlp", "--workspace",
                       tmp_path / "w")  # fmt: skip
    assert code == 2
    assert "only the class a" in err


def test_json_is_alone_on_stdout(tmp_path):
    write_thorax_ct(tmp_path / "ct", slices=4, size=32)
    done = subprocess.run(
        [sys.executable, "-m", "medbench", "scan", str(tmp_path / "ct"), "--json"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout)["studies"][0]["simulated"] is True
