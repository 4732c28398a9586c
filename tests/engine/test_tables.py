from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
import torch
from safetensors.numpy import load, save
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC
from test_parts import fit_task

from medbench.domain.cohort import Case, Fingerprint, Item, ItemKind, Task
from medbench.engine.explain.contributions import contributions, log_odds, reference_row
from medbench.engine.learners import learner_of
from medbench.engine.learners.features import FeatureScaler
from medbench.engine.learners.margin import RbfCore, kernel_matrix
from medbench.engine.plan.builder import PlanBuilder
from medbench.engine.runs.search import FILE, SearchTask, draw_settings, search_settings, space_of
from medbench.engine.runs.sources import make_plan
from medbench.engine.training.folds import group_numbers, grouped_folds, inner_count
from medbench.engine.trust.calibration import Calibration, fit_calibration

CPU = torch.device("cpu")
PLATT = Calibration("platt", 0.7, (0.0, 0.4))


def cases(patients):
    return [
        Case(f"c{i}", p, 0, (Item(ItemKind.ROW, "t.npy", i, "", f"h{i}"),))
        for i, p in enumerate(patients)
    ]


def rows_of(classes, n=90, columns=5):
    dice = np.random.default_rng(0)
    labels = np.arange(n) % classes
    return dice.normal(size=(n, columns)) + labels[:, None] * np.linspace(0, 1, columns), labels


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("kernel", ["rbf", "laplace", "poly", "linear"])
def test_stored_kernels_answer_as_scikit_learn_does(tmp_path, kernel, classes):
    rows, labels = rows_of(classes)
    learner = learner_of("svm")
    core = learner.fit(fit_task(rows, labels, tmp_path, kernel=kernel, c=0.7, gamma=0.5)).core
    stored = load(save({k: np.ascontiguousarray(v) for k, v in core.tensors().items()}))
    ours = learner.load(core.architecture(), stored, CPU).logits(rows)
    scaled = (rows - rows.mean(0)) / rows.std(0)
    gamma = 0.5 / rows.shape[1]
    given = {"kernel": kernel, "degree": 2, "coef0": 1.0, "gamma": gamma}
    inputs = scaled
    if kernel == "laplace":
        distance = np.abs(scaled[:, None] - scaled[None]).sum(-1)
        inputs, given = np.exp(-gamma * distance), {"kernel": "precomputed"}
    for k in range(1 if classes == 2 else classes):
        goal = labels if classes == 2 else (labels == k).astype(int)
        expected = SVC(C=0.7, **given).fit(inputs, goal).decision_function(inputs)
        mine = ours[:, 1] - ours[:, 0] if classes == 2 else ours[:, k]
        assert mine == pytest.approx(expected, abs=1e-6)


def test_models_stored_without_a_kernel_are_gaussian():
    rows, _ = rows_of(2, 6)
    core = RbfCore(
        FeatureScaler.plain(5), rows, np.ones((6, 1)), np.zeros(1), 0.2, 2, "rbf"
    )  # fmt: skip
    described = core.architecture()
    del described["kernel"]
    again = RbfCore.load(described, core.tensors())
    assert np.array_equal(again.logits(rows), core.logits(rows))
    assert kernel_matrix("rbf", 0.2, rows[:1], rows[:1])[0, 0] == pytest.approx(1)


def test_gaps_are_marked_codes_spread_and_empty_columns_silent():
    row = [[1, 2, np.nan, 0], [5, np.nan, np.nan, 1], [9, 4, np.nan, 2], [1, 3, np.nan, 0.0]]
    rows = np.array(row * 5)
    scaler = FeatureScaler.fit(
        rows, [0, 0, 0, 3], codes=[[1.0, 5.0, 9.0], [], [], []], mark_missing=True
    )
    out = scaler.transform(rows)
    # 3 codes; a number and its mark; the empty column; 3 categories
    assert scaler.owners.tolist() == [0, 0, 0, 1, 1, 2, 3, 3, 3]
    assert out.shape == (20, 9)
    assert (scaler.spread(rows)[:4, 4] == [0, 1, 0, 0]).all()
    assert (out[:, 5] == 0).all()
    assert (scaler.spread(np.array([[7.0, 1, 3, 9]]))[0, [0, 1, 2, 6, 7, 8]] == 0).all()
    # a missing code is filled with the code nearest to the median; two gaps are no column
    assert scaler.fill[0] in (1, 5)
    filled = scaler.spread(np.array([[np.nan, 1, 3, 0]]))[0, :3]
    assert filled.tolist() == [float(scaler.fill[0] == code) for code in (1, 5, 9)]
    assert FeatureScaler.fit(rows[:8], [0] * 4, mark_missing=True).indicator.sum() == 0
    again = FeatureScaler.load(load(save(scaler.tensors())))
    assert np.array_equal(again.transform(rows), out)
    old = {k: v for k, v in FeatureScaler.fit(rows, [0, 0, 0, 3]).tensors().items()
           if k not in ("scaler.levels", "scaler.indicator")}  # fmt: skip
    assert FeatureScaler.load(old).transform(rows).shape == (20, 6)


def shapley_oracle(score, row, reference):
    n, parts = len(row), np.zeros(len(row))
    orders = list(permutations(range(n)))
    for order in orders:
        now = reference.copy()
        before = score(now[None])[0]
        for k in order:
            now[k] = row[k]
            after = score(now[None])[0]
            parts[k] += after - before
            before = after
    return parts / len(orders)


@pytest.mark.parametrize("name", ["svm-linear", "svm-rbf", "perceptron"])
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("positive", [0, 1])
def test_contributions_are_shapley_values_and_add_up(tmp_path, name, classes, positive):
    rows, labels = rows_of(classes, 60, 4)
    rows[::7, 1] = np.nan
    task = fit_task(rows, labels, tmp_path, epochs=3, alpha=0.0)
    core = learner_of(name).fit(replace(task, control=Quiet())).core
    calibration = Calibration("platt", 0.7, (0.0, 0.4, -0.2)[:classes])
    reference = reference_row(rows, [0] * 4)
    row = rows[7]
    found = contributions(core, calibration, positive, row, reference)

    def score(x):
        return log_odds(core, calibration, positive, x)

    assert found.parts == pytest.approx(shapley_oracle(score, row, reference), abs=1e-9)
    assert found.base + found.parts.sum() == pytest.approx(found.value, abs=1e-9)
    probability = calibration.apply(core.logits(row[None]))[0, positive]
    assert 1 / (1 + np.exp(-found.value)) == pytest.approx(probability, abs=1e-9)


class Quiet:
    def checkpoint(self):
        pass

    def progress(self, *_, **__):
        pass

    def metric(self, *_):
        pass

    def part(self, *_):
        return self


def test_sampled_contributions_add_up_and_come_near(tmp_path):
    rows, labels = rows_of(2, 80, 12)
    core = learner_of("svm-rbf").fit(fit_task(rows, labels, tmp_path)).core
    reference = reference_row(rows, [])
    found = contributions(core, PLATT, 1, rows[3], reference)
    assert "sampled" in found.method
    assert found.base + found.parts.sum() == pytest.approx(found.value, abs=1e-9)
    assert found.error < 0.2
    again = contributions(core, PLATT, 1, rows[3], reference)
    assert np.array_equal(found.parts, again.parts)
    same = contributions(core, PLATT, 1, reference, reference)
    assert not same.parts.any()


def test_the_reference_patient_is_typical():
    rows = np.array([[1.0, 0, np.nan], [3.0, 2, np.nan], [8.0, 2, np.nan]])
    found = reference_row(rows, [0, 3, 0])
    assert found[:2].tolist() == [3, 2]
    assert np.isnan(found[2])


def test_folds_keep_patients_and_copies_together():
    patients = [f"p{i // 3}" for i in range(60)]
    found = cases(patients)
    found[50] = replace(found[50], items=(replace(found[50].items[0], sha256="h2"),))
    groups = group_numbers(found)
    assert groups[50] == groups[2] == groups[0]
    labels = (np.arange(60) // 3) % 2
    folds = grouped_folds(labels, groups, 4, 3)
    assert sorted(np.concatenate([b for _, b in folds]).tolist()) == list(range(60))
    for a, b in folds:
        assert not set(groups[a]) & set(groups[b])
        assert set(labels[b]) == {0, 1}
    same = grouped_folds(labels, groups, 4, 3)
    assert all(np.array_equal(x[1], y[1]) for x, y in zip(folds, same, strict=True))
    assert inner_count(labels, groups, 50) < 12


def test_tiny_margins_with_an_odd_zero_calibrate_too():
    dice = np.random.default_rng(2)
    truth = dice.normal(size=1500)
    labels = (dice.random(1500) < 1 / (1 + np.exp(-2 * truth))).astype(np.int64)
    margin = 0.9 + truth * 1e-3
    logits = np.stack([-margin / 2, margin / 2], 1)
    found = fit_calibration(logits, labels, margins=True)
    assert found.apply(logits)[:, 1] == pytest.approx(1 / (1 + np.exp(-2 * truth)), abs=0.06)


def table_print(n=60):
    values = {"columns_with_missing": [], "columns_empty": [], "features": 5, "missing_cells": 0.0,
              "columns_coded": []}  # fmt: skip
    return Fingerprint(Task.TABLE, n, n, (n // 2, n // 2), values)


@pytest.mark.parametrize("classes", [2, 3])
def test_stored_logistic_regression_answers_as_scikit_learn_does(tmp_path, classes):
    rows, labels = rows_of(classes)
    learner = learner_of("logistic")
    core = learner.fit(fit_task(rows, labels, tmp_path, c=0.3)).core
    stored = load(save({k: np.ascontiguousarray(v) for k, v in core.tensors().items()}))
    ours = learner.load(core.architecture(), stored, CPU).logits(rows)
    scaled = (rows - rows.mean(0)) / rows.std(0)
    for k in range(1 if classes == 2 else classes):
        goal = labels if classes == 2 else (labels == k).astype(int)
        oracle = LogisticRegression(C=0.3, max_iter=5000, tol=1e-6).fit(scaled, goal)
        mine = ours[:, 1] - ours[:, 0] if classes == 2 else ours[:, k]
        assert mine == pytest.approx(oracle.decision_function(scaled), abs=1e-5)


@pytest.mark.parametrize("name", ["perceptron", "logistic", "svm-linear", "svm-rbf", "svm", "mlp"])
def test_every_learner_has_something_to_search(name):
    plan = make_plan(learner_of(name), table_print(), {}, CPU)
    space = space_of(plan)
    assert space
    assert not {"epochs", "patience", "folds"} & set(space)
    settings = draw_settings(plan, 12, 4)
    assert settings == draw_settings(plan, 12, 4)
    assert settings[0] == {key: plan.values[key] for key in space}
    for drawn in settings:
        for key, (low, high, _, whole) in space.items():
            assert low * 0.999 <= drawn[key] <= high * 1.001
            assert isinstance(drawn[key], int) == whole
        make_plan(learner_of(name), table_print(), {}, CPU, drawn)


def test_a_searched_row_says_so_and_the_users_word_goes_first():
    builder = PlanBuilder({"a": 3}, {"a": 9, "b": 9})
    assert builder.row("a", "A", 1, "why", low=0, high=10) == 3
    assert builder.row("b", "B", 1, "why", low=0, high=10) == 9
    assert "search" in builder.rows[1].reason
    assert not builder.rows[1].set_by_user
    assert builder.bounds == {"a": (0, 10), "b": (0, 10)}


def test_successive_halving_keeps_the_best_and_goes_on_where_it_stopped(tmp_path):
    rows, labels = rows_of(2, 72)
    task = fit_task(rows, labels, tmp_path)
    train = replace(task.train, cases=cases([f"p{i}" for i in range(72)]))
    plan = make_plan(learner_of("svm-rbf"), table_print(72), {}, CPU)
    search = SearchTask(
        task.cohort, learner_of("svm-rbf"), plan, train, None, 9, 1, CPU, Quiet(), tmp_path / "s"
    )  # fmt: skip
    found = search_settings(search)
    lines = (tmp_path / "s" / FILE).read_text().splitlines()
    assert len(lines) == 9 + 3 + 1
    assert found["search"] == "fixed"
    assert {"c", "gamma"} <= set(found)
    (tmp_path / "s" / FILE).write_text("\n".join([*lines[:7], lines[7][:20]]) + "\n")
    assert search_settings(search) == found
