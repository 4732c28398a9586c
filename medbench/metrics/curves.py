"""ROC, precision-recall and calibration curves as arrays."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medbench.metrics.intervals import Floats, wilson


@dataclass(frozen=True)
class RocCurve:
    """Points from (0, 0) to (1, 1); ``threshold[i]`` calls everything at or above it positive."""

    false_positive_rate: Floats
    true_positive_rate: Floats
    threshold: Floats


@dataclass(frozen=True)
class PrecisionRecallCurve:
    """Points by rising recall, and the prevalence as the line of chance."""

    recall: Floats
    precision: Floats
    threshold: Floats
    prevalence: float


@dataclass(frozen=True)
class CalibrationCurve:
    """Bins of equal size: mean score against observed share, with Wilson intervals."""

    mean_score: Floats
    observed: Floats
    low: Floats
    high: Floats
    n: NDArray[np.int64]
    expected_calibration_error: float


def _steps(truth: NDArray[np.bool_], score: Floats) -> tuple[Floats, Floats, Floats]:
    order = np.argsort(-score, kind="stable")
    last = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))
    hits = np.cumsum(truth[order])[last].astype(np.float64)
    return hits, (last + 1 - hits).astype(np.float64), score[order][last]


def roc_curve(truth: NDArray[np.bool_], score: Floats) -> RocCurve:
    """ROC; empty arrays when a class is absent."""
    if truth.all() or not truth.any():
        return RocCurve(np.empty(0), np.empty(0), np.empty(0))
    hits, false, threshold = _steps(truth, score)
    return RocCurve(
        np.concatenate([[0.0], false / false[-1]]),
        np.concatenate([[0.0], hits / hits[-1]]),
        np.concatenate([[np.inf], threshold]),
    )


def precision_recall_curve(truth: NDArray[np.bool_], score: Floats) -> PrecisionRecallCurve:
    """Precision-recall; empty arrays without a positive case."""
    if not truth.any():
        return PrecisionRecallCurve(np.empty(0), np.empty(0), np.empty(0), 0.0)
    hits, false, threshold = _steps(truth, score)
    return PrecisionRecallCurve(
        hits / hits[-1], hits / (hits + false), threshold, float(truth.mean())
    )


def calibration_curve(truth: NDArray[np.bool_], score: Floats, bins: int = 10) -> CalibrationCurve:
    """Equal-frequency bins; fewer when there are few cases (at least 5 a bin)."""
    n = len(truth)
    count = max(1, min(bins, n // 5))
    parts = [p for p in np.array_split(np.argsort(score, kind="stable"), count) if len(p)]
    mean = np.array([score[p].mean() for p in parts])
    observed = np.array([truth[p].mean() for p in parts])
    bounds = np.array([wilson(int(truth[p].sum()), len(p)) for p in parts]).reshape(-1, 2)
    sizes = np.array([len(p) for p in parts], np.int64)
    error = float((np.abs(mean - observed) * sizes).sum() / n) if n else 0.0
    return CalibrationCurve(mean, observed, bounds[:, 0], bounds[:, 1], sizes, error)
