import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from medbench.base.errors import BadInputError, IntegrityError, JobFailedError, LeakageError
from medbench.domain.model import RestsOn, Stage
from medbench.jobs.client import EngineProcess
from medbench.jobs.protocol import PlanSpec
from medbench.jobs.states import JobState
from medbench.metrics.predictions import read_predictions
from medbench.registry.workspace import Workspace
from medbench.session.operations.evaluation import evaluate
from medbench.session.operations.prediction import (
    inputs_of,
    manifest_of,
    predict,
    prediction_json,
    run_job,
)
from medbench.session.operations.training import prepare_run, resume_spec, train_blocking

pytestmark = pytest.mark.keeps_process


@pytest.fixture
def workspace(tmp_path):
    with Workspace(tmp_path / "w") as opened:
        yield opened


@pytest.mark.parametrize("learner", ["perceptron", "svm-linear", "svm-rbf", "mlp"])
def test_learners_on_a_table(workspace, table_cohort, engine, learner):
    events = []
    spec = prepare_run(workspace, table_cohort, learner, overrides={"epochs": 8} if learner in (
        "perceptron", "mlp") else {})  # fmt: skip
    version, result = train_blocking(workspace, spec, events.append)
    assert result["validation"]["auc"]["value"] > 0.75
    kinds = [e["type"] for e in events]
    assert "metric" in kinds
    assert "plan" in kinds
    assert kinds[-1] == "ended"
    found = evaluate(workspace, engine, version.label, table_cohort, "test")
    assert found.record.rests_on is RestsOn.INTERNAL_TEST
    assert found.report.metrics["auc"].value > 0.7
    again = evaluate(workspace, engine, version.label, table_cohort, "test")
    assert np.array_equal(again.predictions.scores, found.predictions.scores)


def test_cnn_on_images_with_overlay(workspace, image_cohort, engine, tmp_path):
    spec = prepare_run(workspace, image_cohort, "cnn", overrides={"epochs": 8, "widths": "8,16,32"})
    version, result = train_blocking(workspace, spec)
    assert result["validation"]["auc"]["value"] > 0.9
    run = Path(spec.run_folder)
    for name in ("spec.json", "plan.json", "split.json", "environment.json", "events.jsonl",
                 "predictions/val.npz", "model/model.json", "model/model.safetensors"):  # fmt: skip
        assert (run / name).exists(), name
    stored = read_predictions(run / "predictions" / "val.npz")
    assert set(stored.roles.tolist()) == {"val"}
    picture = next((image_cohort.parent / "src" / "spot").glob("*.png"))
    folder = workspace.model_folder(version.label)
    found = predict(engine, version, folder, inputs_of([picture], manifest_of(folder)), tmp_path)[0]
    heat = np.load(found.overlay_path)
    assert heat.shape == (28, 28)
    assert heat.max() == pytest.approx(1)
    assert found.weights_sha256 == version.weights_sha256
    answer = prediction_json(found)
    assert (answer["probabilities"] is None) == (not found.calibrated)


def test_a_killed_run_resumes_to_the_same_weights(workspace, image_cohort):
    settings = {"epochs": 8, "widths": "8,16", "patience": 8, "precision": "float32"}
    whole = prepare_run(workspace, image_cohort, "cnn", overrides=settings, seed=5)
    _, expected = train_blocking(workspace, whole)
    spec = prepare_run(workspace, image_cohort, "cnn", overrides=settings, seed=5)
    died = []

    def kill(event):
        if event["type"] == "metric" and event["epoch"] == 3 and not died:
            died.append(True)
            for child in psutil.Process().children():
                if "medbench.engine" in " ".join(child.cmdline()) and "train" in child.cmdline():
                    child.kill()

    with pytest.raises(JobFailedError, match="died"):
        train_blocking(workspace, spec, kill)
    assert workspace.run(spec.job_id).state == "lost"
    epochs = []
    version, result = train_blocking(
        workspace,
        resume_spec(workspace, spec.job_id),
        lambda e: epochs.append(e["epoch"]) if e["type"] == "metric" else None,
    )
    assert epochs[0] >= 4
    assert result["best_epoch"] == expected["best_epoch"]
    one = json.loads((Path(whole.run_folder) / "model" / "model.json").read_text())
    two = json.loads((Path(spec.run_folder) / "model" / "model.json").read_text())
    assert one["weights_sha256"] == two["weights_sha256"] == version.weights_sha256


def test_pause_resume_cancel(workspace, image_cohort):
    spec = prepare_run(workspace, image_cohort, "cnn", overrides={"epochs": 400, "patience": 400})
    with EngineProcess("train") as engine:
        engine.submit(spec)
        seen = []

        def until(kind, limit_s=60):
            end = time.monotonic() + limit_s
            while time.monotonic() < end:
                event = engine.receive(0.2)
                if event is not None:
                    seen.append(event)
                    if event["type"] == kind:
                        return event
            raise AssertionError(f"no {kind} within {limit_s} s")

        until("metric")
        engine.pause(spec.job_id)
        until("paused")
        assert engine.state(spec.job_id) is JobState.PAUSED
        assert engine.receive(0.7) is None
        engine.resume(spec.job_id)
        until("metric")
        engine.cancel(spec.job_id)
        ended = until("ended", 10)
        assert ended["outcome"] == "cancelled"
        assert engine.state(spec.job_id) is JobState.CANCELLED
        assert engine.alive


def test_the_engine_dies_with_the_app():
    script = """
import time
from medbench.jobs.client import EngineProcess
engine = EngineProcess("infer")
engine.start()
print(engine.pid, flush=True)
time.sleep(60)
"""
    app = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    pid = int(app.stdout.readline())
    app.kill()
    app.wait()
    app.stdout.close()
    end = time.monotonic() + 10
    while psutil.pid_exists(pid) and time.monotonic() < end:
        if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            break
        time.sleep(0.05)
    else:
        assert not psutil.pid_exists(pid)


def test_plan_rows_have_reasons_and_take_overrides(engine, table_cohort):
    spec = PlanSpec("plan-1", str(table_cohort), "mlp", {"epochs": "7"})
    rows = {row["key"]: row for row in run_job(engine, spec)["rows"]}
    assert rows["epochs"]["value"] == 7
    assert rows["epochs"]["set_by_user"]
    assert all(row["reason"] for row in rows.values())
    with pytest.raises(JobFailedError, match="no setting 'colour'"):
        run_job(engine, PlanSpec("plan-2", str(table_cohort), "mlp", {"colour": "red"}))
    with pytest.raises(JobFailedError, match="whole number"):
        run_job(engine, PlanSpec("plan-3", str(table_cohort), "mlp", {"epochs": "many"}))
    with pytest.raises(JobFailedError, match="outside"):
        run_job(engine, PlanSpec("plan-4", str(table_cohort), "mlp", {"epochs": "0"}))


def test_wrong_requests_are_one_sentence(workspace, table_cohort, image_cohort, tmp_path):
    with pytest.raises(BadInputError, match="takes image"):
        prepare_run(workspace, table_cohort, "cnn")
    with pytest.raises(BadInputError, match="no cohort"):
        prepare_run(workspace, tmp_path, "mlp")
    bare = tmp_path / "bare"
    shutil.copytree(table_cohort, bare)
    (bare / "split.json").unlink()
    with pytest.raises(BadInputError, match="no split"):
        prepare_run(workspace, bare, "mlp")
    gone = tmp_path / "gone"
    shutil.copytree(table_cohort, gone)
    (gone / "table.npy").unlink()
    with pytest.raises(LeakageError, match="gone"):
        prepare_run(workspace, gone, "mlp")
    assert workspace.runs() == ()


def test_a_changed_byte_is_never_loaded(workspace, table_cohort, engine, tmp_path):
    spec = prepare_run(workspace, table_cohort, "svm-linear")
    version, _ = train_blocking(workspace, spec)
    folder = workspace.model_folder(version.label)
    weights = folder / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-5] ^= 1
    weights.write_bytes(bytes(data))
    with pytest.raises(IntegrityError, match="SHA-256"):
        evaluate(workspace, engine, version.label, table_cohort, "test")
    row = [{"id": "1", "row": [0.0, 1.0, 0.0]}]
    with pytest.raises(JobFailedError, match="SHA-256"):
        predict(engine, version, folder, row, tmp_path)
    with pytest.raises(IntegrityError):
        workspace.transition(version.label, Stage.APPROVED, "AF", "x")


def test_what_numbers_rest_on(workspace, table_cohort, engine, tmp_path):
    version, _ = train_blocking(workspace, prepare_run(workspace, table_cohort, "svm-linear"))

    def base(folder, role):
        return evaluate(workspace, engine, version.label, folder, role).record.rests_on

    assert base(table_cohort, "train") is RestsOn.RESUBSTITUTION
    assert base(table_cohort, "val") is RestsOn.VALIDATION
    assert base(table_cohort, "all") is RestsOn.RESUBSTITUTION
    other = tmp_path / "other"
    shutil.copytree(table_cohort, other)
    from medbench.cohorts.split import split_by_patient
    from medbench.cohorts.store import read_cohort, write_split

    write_split(other, split_by_patient(read_cohort(other), val=0.25, test=0.2, seed=9))
    assert base(other, "test") is RestsOn.RESUBSTITUTION
