import numpy as np
import pytest
from sklearn import metrics as oracle

from medbench.base.errors import BadInputError
from medbench.metrics.curves import calibration_curve, precision_recall_curve, roc_curve
from medbench.metrics.intervals import auc, delong, midranks, wilson
from medbench.metrics.predictions import PredictionSet, read_predictions, write_predictions
from medbench.metrics.report import Reporter, average_precision, compute_report
from medbench.metrics.threshold import choose_threshold


def sample(n=200, seed=0, ties=True):
    dice = np.random.default_rng(seed)
    truth = dice.random(n) < 0.4
    score = np.clip(dice.normal(0.4 + 0.25 * truth, 0.2), 0, 1)
    return truth, np.round(score, 2) if ties else score


@pytest.mark.parametrize("seed", range(5))
def test_against_scikit_learn(seed):
    truth, score = sample(seed=seed)
    scores = np.stack([1 - score, score], axis=1)
    report = compute_report(truth.astype(np.int64), scores, positive=1, threshold=0.5)
    called = score >= 0.5
    expected = {
        "accuracy": oracle.accuracy_score(truth, called),
        "precision": oracle.precision_score(truth, called),
        "recall": oracle.recall_score(truth, called),
        "specificity": oracle.recall_score(~truth, ~called),
        "f1": oracle.f1_score(truth, called),
        "auc": oracle.roc_auc_score(truth, score),
        "npv": oracle.precision_score(~truth, ~called),
        "balanced_accuracy": oracle.balanced_accuracy_score(truth, called),
        "average_precision": oracle.average_precision_score(truth, score),
        "brier": oracle.brier_score_loss(truth, score),
    }
    for name, value in expected.items():
        metric = report.metrics[name]
        assert metric.value == pytest.approx(value, abs=1e-9), name
        assert metric.low <= metric.value <= metric.high
        assert metric.events == truth.sum()
    assert np.array(report.confusion).tolist() == oracle.confusion_matrix(truth, called).tolist()


def test_precision_and_recall_are_not_swapped():
    labels = np.array([1, 1, 1, 0, 0, 0, 0, 0])
    score = np.array([0.9, 0.9, 0.1, 0.9, 0.1, 0.1, 0.1, 0.1])
    report = compute_report(labels, np.stack([1 - score, score], 1), positive=1, threshold=0.5)
    assert report.metrics["precision"].value == pytest.approx(2 / 3)  # TP 2, FP 1
    assert report.metrics["recall"].value == pytest.approx(2 / 3)  # TP 2, FN 1
    labels[3] = 1
    report = compute_report(labels, np.stack([1 - score, score], 1), positive=1, threshold=0.5)
    assert report.metrics["precision"].value == 1.0
    assert report.metrics["recall"].value == 0.75


def test_curves_against_scikit_learn():
    truth, score = sample(seed=3)
    ours = roc_curve(truth, score)
    fpr, tpr, _ = oracle.roc_curve(truth, score, drop_intermediate=False)
    assert ours.false_positive_rate == pytest.approx(fpr)
    assert ours.true_positive_rate == pytest.approx(tpr)
    pr = precision_recall_curve(truth, score)
    assert pr.precision[-1] == pytest.approx(truth.mean())
    assert average_precision(truth, score) == pytest.approx(
        oracle.average_precision_score(truth, score)
    )


def test_wilson_known_values():
    low, high = wilson(81, 263)  # Newcombe 1998, table I
    assert (low, high) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson(0, 20)[0] == 0.0
    assert wilson(0, 20)[1] == pytest.approx(0.1611, abs=1e-4)


def test_delong_covers_and_matches_a_bootstrap():
    truth, score = sample(n=300, seed=1, ties=False)
    value, low, high = delong(truth, score)
    dice = np.random.default_rng(0)
    drawn = []
    for _ in range(1500):
        chosen = dice.integers(0, len(truth), len(truth))
        drawn.append(oracle.roc_auc_score(truth[chosen], score[chosen]))
    assert value == pytest.approx(oracle.roc_auc_score(truth, score))
    assert (low, high) == pytest.approx(tuple(np.percentile(drawn, [2.5, 97.5])), abs=0.015)


def test_ties_count_one_half():
    truth = np.array([True, True, False, False])
    assert auc(truth, np.array([0.5, 0.5, 0.5, 0.5])) == 0.5
    assert midranks(np.array([3.0, 1.0, 3.0])).tolist() == [2.5, 1.0, 2.5]


def test_repeated_patients_widen_the_interval():
    truth, score = sample(n=120, seed=2)
    labels, scores = truth.astype(np.int64), np.stack([1 - score, score], 1)
    single = compute_report(labels, scores, positive=1, threshold=0.5)
    patients = np.array([f"p{i // 8}" for i in range(960)])
    many = compute_report(
        np.repeat(labels, 8), np.repeat(scores, 8, axis=0), positive=1, threshold=0.5,
        patient_ids=patients,
    )  # fmt: skip
    for name in ("accuracy", "recall", "auc"):
        a, b = single.metrics[name], many.metrics[name]
        assert b.value == pytest.approx(a.value)
        assert (b.high - b.low) == pytest.approx(a.high - a.low, rel=0.45)
    assert many.n_patients == 120


def test_a_perfect_result_still_has_an_interval():
    labels = np.array([0, 0, 1, 1] * 9)
    scores = np.stack([1.0 - labels, 1.0 * labels], axis=1)
    patients = np.array([f"p{i // 2}" for i in range(36)])
    report = compute_report(labels, scores, positive=1, threshold=0.5, patient_ids=patients)
    for name in ("accuracy", "precision", "recall", "specificity", "f1", "auc"):
        assert report.metrics[name].value == 1.0
        assert report.metrics[name].low < 0.9, name


def test_one_class_is_undefined_never_nan():
    labels = np.ones(5, np.int64)
    scores = np.tile([0.2, 0.8], (5, 1))
    report = compute_report(labels, scores, positive=1, threshold=0.5)
    assert report.metrics["auc"].value is None
    assert report.metrics["specificity"].value is None
    assert report.metrics["recall"].value == 1.0


def test_thresholds_move_the_report_along_the_roc():
    truth, score = sample(seed=4)
    reporter = Reporter(truth.astype(np.int64), np.stack([1 - score, score], 1), positive=1)
    recalls = [reporter.at(t).metrics["recall"].value for t in np.linspace(0, 1, 21)]
    assert recalls == sorted(recalls, reverse=True)
    best = choose_threshold(truth, score)
    youden = [
        reporter.at(t).metrics["recall"].value + reporter.at(t).metrics["specificity"].value
        for t in np.linspace(0, 1, 201)
    ]
    chosen = reporter.at(best).metrics
    assert chosen["recall"].value + chosen["specificity"].value == pytest.approx(max(youden))
    sensitive = reporter.at(choose_threshold(truth, score, "sensitivity-0.95"))
    assert sensitive.metrics["recall"].value >= 0.95


def test_three_classes():
    dice = np.random.default_rng(5)
    labels = dice.integers(0, 3, 90)
    logits = dice.normal(size=(90, 3))
    logits[np.arange(90), labels] += 1.5
    scores = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    report = compute_report(labels, scores, positive=2, threshold=0.4)
    assert report.metrics["accuracy"].value == pytest.approx(
        oracle.accuracy_score(labels, scores.argmax(1))
    )
    assert report.metrics["auc"].value == pytest.approx(
        oracle.roc_auc_score(labels == 2, scores[:, 2])
    )


def test_calibration_of_a_calibrated_score():
    dice = np.random.default_rng(6)
    score = dice.random(4000)
    truth = dice.random(4000) < score
    curve = calibration_curve(truth, score)
    assert curve.expected_calibration_error < 0.03
    assert curve.n.sum() == 4000
    assert calibration_curve(truth, score**3).expected_calibration_error > 0.15


def test_predictions_round_trip_and_damage(tmp_path):
    stored = PredictionSet(
        np.array(["a", "b"]), np.array(["p", "p"]), np.array([0, -1]), np.eye(2), np.eye(2),
        np.array(["val", "val"]), {"classes": ["n", "y"], "positive": 1},
    )  # fmt: skip
    write_predictions(tmp_path / "p.npz", stored)
    found = read_predictions(tmp_path / "p.npz")
    assert found.case_ids.tolist() == ["a", "b"]
    assert dict(found.meta) == dict(stored.meta)
    assert len(found.labelled) == 1
    data = (tmp_path / "p.npz").read_bytes()
    (tmp_path / "p.npz").write_bytes(data[: len(data) // 2])
    with pytest.raises(BadInputError):
        read_predictions(tmp_path / "p.npz")
