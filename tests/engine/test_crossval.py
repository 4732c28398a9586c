import csv
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import psutil
import pytest
from sklearn.metrics import accuracy_score, roc_auc_score

from medbench.base.errors import BadInputError, JobFailedError
from medbench.cli.main import main
from medbench.cohorts.build import build_cohort
from medbench.cohorts.fingerprint import cases_of
from medbench.cohorts.split import split_by_patient
from medbench.cohorts.store import read_cohort, read_split, write_split
from medbench.domain.cohort import Role, Task
from medbench.jobs.client import EngineProcess
from medbench.jobs.protocol import PredictSpec
from medbench.metrics.crossval import crossval_report
from medbench.metrics.predictions import PredictionSet, read_predictions
from medbench.metrics.risk import calibration_line, risk_table
from medbench.registry.workspace import Workspace
from medbench.session.operations.prediction import inputs_of, manifest_of, predict, prediction_json
from medbench.session.operations.training import prepare_run, resume_spec, train_blocking

pytestmark = pytest.mark.keeps_process


@pytest.fixture
def workspace(tmp_path):
    with Workspace(tmp_path / "w") as opened:
        yield opened


@pytest.mark.parametrize(
    ("learner", "overrides"),
    [("svm-linear", {}), ("mlp", {"epochs": 3}), ("perceptron", {"epochs": 3})],
)
def test_every_case_is_answered_once_a_repeat_and_the_test_part_never(
    workspace, table_cohort, learner, overrides
):
    spec = prepare_run(workspace, table_cohort, learner, overrides=overrides, folds=3, repeats=2)
    events = []
    version, result = train_blocking(workspace, spec, events.append)
    report = result["cross_validation"]
    run = Path(spec.run_folder)
    assert json.loads((run / "crossval.json").read_text()) == report
    pooled = read_predictions(run / "predictions" / "crossval.npz")
    cohort = read_cohort(table_cohort)
    split = read_split(table_cohort, cohort)
    pool = {c.case_id for r in (Role.TRAIN, Role.VAL) for c in cases_of(cohort, split, r)}
    for repeat in ("r1-", "r2-"):
        own = pooled.case_ids[np.char.startswith(pooled.roles, repeat)]
        assert sorted(own.tolist()) == sorted(pool)
    assert report["n"] == len(pool)
    area = roc_auc_score(pooled.labels == pooled.meta["positive"], pooled.scores[:, 1])
    assert report["metrics"]["auc"]["value"] == pytest.approx(area)
    assert report["metrics"]["auc"]["low"] < area < report["metrics"]["auc"]["high"]
    limits = np.array([pooled.meta["thresholds"][role] for role in pooled.roles])
    called = (pooled.scores[:, 1] >= limits).astype(int)
    right = accuracy_score(pooled.labels, called)
    assert report["metrics"]["accuracy"]["value"] == pytest.approx(right)
    assert report["over_folds"]["auc"]["folds"] == 6
    assert report["metrics"]["auc"]["value"] > (0.6 if overrides else 0.75)
    assert sum(1 for e in events if e["type"] == "metric" and "fold_auc" in e["values"]) == 6
    fractions = [e["fraction"] for e in events if e["type"] == "progress"]
    assert all(a <= b + 1e-9 for a, b in pairwise(fractions))
    manifest = manifest_of(workspace.model_folder(version.label))
    assert manifest["cross_validation"]["folds"] == 3
    assert "Cross-validated" in (workspace.model_folder(version.label) / "card.md").read_text()


def test_real_heart_disease(workspace, real_data, tmp_path):
    source = real_data / "tabular" / "heart_disease_cleveland.csv"
    positive = ("1", "2", "3", "4")
    cohort = build_cohort(source, task=Task.TABLE, out=tmp_path / "c", positive=positive)
    write_split(tmp_path / "c", split_by_patient(cohort, val=0.15, test=0))
    spec = prepare_run(workspace, tmp_path / "c", "logistic", folds=5)
    _, result = train_blocking(workspace, spec)
    report = result["cross_validation"]
    assert report["n"] == 215
    assert report["metrics"]["auc"]["value"] > 0.89
    assert report["calibration"]["slope"] == pytest.approx(1, abs=0.3)
    rows = {r["key"]: r for r in json.loads(
        (Path(spec.run_folder) / "plan.json").read_text())["rows"]}  # fmt: skip
    assert rows["codes"]["value"] == "categories"
    assert "thal" in rows["codes"]["reason"]


def noise_cohort(root, n=90, columns=40):
    dice = np.random.default_rng(5)
    with (root / "noise.csv").open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["patient_id", *(f"x{i}" for i in range(columns)), "y"])
        for i in range(n):
            writer.writerow(
                [f"p{i // 2}", *np.round(dice.normal(size=columns), 4), "np"[i // 2 % 2]]
            )
    folder = root / "noise"
    cohort = build_cohort(root / "noise.csv", task=Task.TABLE, out=folder, positive=("p",))
    write_split(folder, split_by_patient(cohort, val=0.3, test=0))
    return folder


def test_noise_stays_noise_whatever_is_searched(workspace, tmp_path):
    folder = noise_cohort(tmp_path)
    spec = prepare_run(workspace, folder, "svm-rbf", folds=4, trials=9, seed=3)
    _, result = train_blocking(workspace, spec)
    report = result["cross_validation"]
    assert 0.3 < report["metrics"]["auc"]["value"] < 0.7
    assert report["metrics"]["auc"]["low"] < 0.5 < report["metrics"]["auc"]["high"]
    run = Path(spec.run_folder)
    patients = {}
    pooled = read_predictions(run / "predictions" / "crossval.npz")
    for patient, role in zip(pooled.patient_ids, pooled.roles, strict=True):
        patients.setdefault(patient, set()).add(role)
    assert all(len(roles) == 1 for roles in patients.values())
    for name in ("r1-f1", "r1-f4"):
        lines = (run / "folds" / name / "trials.jsonl").read_text().splitlines()
        assert len(lines) == 13
        rows = json.loads((run / "folds" / name / "plan.json").read_text())["rows"]
        assert any("search" in row["reason"] for row in rows)
    assert (run / "search" / "trials.jsonl").exists()


def test_a_killed_cross_validation_goes_on_to_the_same_answers(workspace, table_cohort):
    def spec_of():
        return prepare_run(workspace, table_cohort, "mlp", folds=3, seed=2, overrides={
            "epochs": 3, "precision": "float32"})  # fmt: skip

    whole = spec_of()
    train_blocking(workspace, whole)
    spec, died = spec_of(), []

    def kill(event):
        if event["type"] == "metric" and event["epoch"] == 2 and not died:
            died.append(True)
            for child in psutil.Process().children():
                if "medbench.engine" in " ".join(child.cmdline()) and "train" in child.cmdline():
                    child.kill()

    with pytest.raises(JobFailedError):
        train_blocking(workspace, spec, kill)
    first = Path(spec.run_folder) / "folds" / "r1-f1" / "predictions.npz"
    stamp = first.stat().st_mtime_ns
    train_blocking(workspace, resume_spec(workspace, spec.job_id))
    assert first.stat().st_mtime_ns == stamp
    one, two = (
        read_predictions(Path(s.run_folder) / "predictions" / "crossval.npz") for s in (whole, spec)
    )
    assert np.array_equal(one.case_ids, two.case_ids)
    assert np.array_equal(one.scores, two.scores)


def test_stopping_a_cross_validation(workspace, table_cohort):
    spec = prepare_run(workspace, table_cohort, "svm", folds=5, repeats=20)
    with EngineProcess("train", threads=1) as engine:
        engine.submit(spec)
        asked = None
        while (event := engine.receive(60)) is not None and event["type"] != "ended":
            if event["type"] == "metric" and asked is None:
                asked = event
                engine.cancel(spec.job_id)
    assert event["outcome"] == "cancelled"
    folds = Path(spec.run_folder) / "folds"
    assert 1 <= len(list(folds.glob("*/fold.json"))) <= 3
    assert not (Path(spec.run_folder) / "crossval.json").exists()


def test_impossible_folds_are_named_before_anything_runs(workspace, table_cohort, tmp_path):
    with pytest.raises(BadInputError, match="2 to 50"):
        prepare_run(workspace, table_cohort, "mlp", folds=1)
    with pytest.raises(BadInputError, match="belong to a cross-validation"):
        prepare_run(workspace, table_cohort, "mlp", repeats=3)
    with (tmp_path / "few.csv").open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["x", "y"])
        writer.writerows([[i * 0.37, "rare" if i < 4 else "often"] for i in range(60)])
    cohort = build_cohort(tmp_path / "few.csv", task=Task.TABLE, out=tmp_path / "few")
    write_split(tmp_path / "few", split_by_patient(cohort, val=0.3, test=0))
    spec = prepare_run(workspace, tmp_path / "few", "svm-linear", folds=5)
    with pytest.raises(JobFailedError, match="Class rare has 4 independent patients"):
        train_blocking(workspace, spec)


def test_rows_are_explained_on_the_command_line(table_cohort, tmp_path, capsys):
    where = ["--workspace", str(tmp_path / "w")]
    assert main(["train", str(table_cohort), "--learner", "svm-rbf", "--folds", "3", "--json",
                 *where]) == 0  # fmt: skip
    trained = json.loads(capsys.readouterr().out)
    assert trained["cross_validation"]["folds"] == 3
    with (tmp_path / "new.csv").open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["noise", "signal", "kind"])
        writer.writerows([["0.1", "3.0", "a"], ["0.2", "", "b"]])
    ask = ["predict", trained["model"], str(tmp_path / "new.csv"), *where]
    assert main([*ask, "--json"]) == 0
    answers = json.loads(capsys.readouterr().out)["predictions"]
    for answer in answers:
        why = answer["explanation"]
        total = why["base"] + sum(c["contribution"] for c in why["contributions"])
        assert total == pytest.approx(why["value"], abs=1e-9)
        p = answer["scores"][answer["positive"]]
        assert 1 / (1 + np.exp(-why["value"])) == pytest.approx(p, abs=1e-9)
        assert {c["feature"] for c in why["contributions"]} == {"noise", "signal", "kind"}
        assert why["risk_group"]["rests_on"] == "cross-validation"
    assert answers[0]["explanation"]["contributions"][0]["feature"] == "signal"
    assert answers[1]["explanation"]["contributions"][-1]["value"] in (None, "b", 0.2)
    assert main(ask) == 0
    assert "log-odds moved by signal = 3.0 (+" in capsys.readouterr().out


def test_pictures_are_not_explained_by_column(workspace, image_cohort, engine, tmp_path):
    spec = prepare_run(workspace, image_cohort, "svm-linear")
    version, result = train_blocking(workspace, spec)
    assert result["validation"]["auc"]["value"] > 0.9
    folder = workspace.model_folder(version.label)
    picture = next((image_cohort.parent / "src" / "spot").glob("*.png"))
    found = predict(engine, version, folder, inputs_of([picture], manifest_of(folder)), tmp_path)
    assert prediction_json(found[0])["explanation"] is None
    assert PredictSpec("a", "b", [], "c").explain is False


def made_folds(n=200, seed=0):
    dice = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    odds = dice.normal(size=n) * 1.2 + np.where(labels == 1, 0.8, -0.8)
    p = 1 / (1 + np.exp(-odds))
    sets = []
    for f in range(4):
        own = np.arange(n) // 2 % 4 == f
        scores = np.stack([1 - p[own], p[own]], 1)
        ids = np.flatnonzero(own).astype(str)
        sets.append(
            PredictionSet(
                ids, ids, labels[own], scores, np.log(scores),
                np.array([f"r1-f{f + 1}"] * len(ids)),
                {"classes": ["no", "yes"], "positive": 1, "threshold": 0.3 + 0.1 * f,
                 "calibrated": True},
            )
        )  # fmt: skip
    return sets


def test_intervals_do_not_narrow_with_repeats():
    once = made_folds()
    twice = [*once, *(
        PredictionSet(f.case_ids, f.patient_ids, f.labels, f.scores, f.logits,
                      np.char.replace(f.roles, "r1", "r2"), f.meta) for f in once)]  # fmt: skip
    a, b = crossval_report(once, 1), crossval_report(twice, 2)
    for name in ("auc", "accuracy", "brier"):
        one, two = a["metrics"][name], b["metrics"][name]
        assert one["n"] == two["n"] == 200
        assert one["value"] == pytest.approx(two["value"])
        assert sum(group["n"] for group in b["risk_table"]) == 200
        assert two["high"] - two["low"] == pytest.approx(one["high"] - one["low"], rel=0.1)


def test_a_model_that_reads_the_view_is_unmasked():
    folds = made_folds()
    # all positives are AP but a few; the score follows the view alone
    attributes, moved = {}, []
    for fold in folds:
        ap = (fold.labels == 1) ^ (np.arange(len(fold)) % 10 == 0)
        attributes |= {
            c: {"view": "AP" if a else "PA", "id": c}
            for c, a in zip(fold.case_ids, ap, strict=True)
        }
        noise = np.random.default_rng(1).random(len(fold)) * 0.2
        p = np.where(ap, 0.7, 0.1) + noise
        moved.append(
            PredictionSet(fold.case_ids, fold.patient_ids, fold.labels, np.stack([1 - p, p], 1),
                          fold.logits, fold.roles, fold.meta)
        )  # fmt: skip
    report = crossval_report(moved, 1, attributes)
    assert report["metrics"]["auc"]["value"] > 0.85
    (view,) = report["confounders"]
    assert view["attribute"] == "view"
    assert view["auc_alone"] > 0.85
    assert all(abs(level["auc"] - 0.5) < 0.3 for level in view["levels"].values() if level["auc"])


def test_risk_table_counts_everyone_once():
    dice = np.random.default_rng(0)
    p = np.round(dice.random(500), 2)
    truth = dice.random(500) < p
    table = risk_table(truth, p)
    assert sum(g.n for g in table) == 500
    assert sum(g.events for g in table) == truth.sum()
    assert all(a.high < b.low for a, b in pairwise(table))
    assert all(g.observed_low <= g.observed <= g.observed_high for g in table)
    assert all(abs(g.foretold - g.observed) < 0.2 for g in table)
    intercept, slope = calibration_line(truth, p)
    assert intercept == pytest.approx(0, abs=0.35)
    assert slope == pytest.approx(1, abs=0.25)
    assert risk_table(truth[:0], p[:0]) == ()
    assert calibration_line(np.ones(5, bool), p[:5]) is None
