"""Metrics of a prediction set at one threshold, each with its 95 % interval and n.

Precision = TP / (TP + FP), recall = TP / (TP + FN); some tutorials swap the two.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medbench.domain.model import Metric
from medbench.metrics.intervals import Floats, PatientBootstrap, auc, delong, wilson

ORDER = (
    "accuracy", "precision", "recall", "specificity", "f1", "auc",
    "npv", "balanced_accuracy", "average_precision", "brier",
)  # fmt: skip


@dataclass(frozen=True)
class Report:
    """All numbers of one set at one threshold."""

    metrics: Mapping[str, Metric]
    confusion: tuple[tuple[int, ...], ...]
    """[true class][predicted class]."""
    threshold: float
    n: int
    events: int
    n_patients: int
    intervals: str
    """How the intervals were made, in plain words."""


def decide(scores: Floats, *, positive: int, threshold: float) -> NDArray[np.int64]:
    """Predicted class per case: the threshold decides between two, the largest among more."""
    if scores.shape[1] == 2:
        chosen = np.where(scores[:, positive] >= threshold, positive, 1 - positive)
        return chosen.astype(np.int64)
    return np.asarray(scores.argmax(axis=1), np.int64)


class Reporter:
    """Computes reports of one set; the resampling is drawn once for all thresholds."""

    def __init__(
        self,
        labels: NDArray[np.int64],
        scores: Floats,
        *,
        positive: int,
        patient_ids: NDArray[np.str_] | None = None,
        resample: bool = False,
    ) -> None:
        self._labels = labels
        self._scores = scores
        self._positive = positive
        ids = np.arange(len(labels)).astype(str) if patient_ids is None else patient_ids
        self._bootstrap = PatientBootstrap(ids)
        self._by_patient = resample or self._bootstrap.clustered
        self._truth: NDArray[np.bool_] = labels == positive
        self._fixed: dict[str, Metric] | None = None

    def at(self, threshold: float) -> Report:
        """Report at a threshold on the positive class's score."""
        labels, k = self._labels, self._scores.shape[1]
        decided = decide(self._scores, positive=self._positive, threshold=threshold)
        confusion = np.zeros((k, k), int)
        np.add.at(confusion, (labels, decided), 1)
        called = (
            decided == self._positive if k == 2 else self._scores[:, self._positive] >= threshold
        )
        metrics = self._of_counts(called, decided == labels)
        if self._fixed is None:
            self._fixed = self._of_ranking()
        metrics.update(self._fixed)
        clustered = self._by_patient
        words = (
            "95 % intervals: resampling of whole patients"
            if clustered
            else "95 % intervals: Wilson for proportions, DeLong for AUC, resampling for the others"
        )
        return Report(
            {name: metrics[name] for name in ORDER},
            tuple(tuple(int(c) for c in row) for row in confusion),
            float(threshold),
            len(labels),
            int(self._truth.sum()),
            self._bootstrap.n_patients,
            words,
        )

    def _of_counts(
        self, called: NDArray[np.bool_], correct: NDArray[np.bool_]
    ) -> dict[str, Metric]:
        truth = self._truth
        cells = np.stack(
            [truth & called, ~truth & called, truth & ~called, ~truth & ~called, correct,
             np.ones_like(truth)], axis=1,
        ).astype(np.float64)  # fmt: skip
        tp, fp, fn, tn, right, n = (int(c) for c in cells.sum(axis=0))
        return {
            "accuracy": self._proportion(cells, right, n, lambda c: c[:, 4] / c[:, 5]),
            "precision": self._proportion(
                cells, tp, tp + fp, lambda c: c[:, 0] / (c[:, 0] + c[:, 1])
            ),
            "recall": self._proportion(cells, tp, tp + fn, lambda c: c[:, 0] / (c[:, 0] + c[:, 2])),
            "specificity": self._proportion(
                cells, tn, tn + fp, lambda c: c[:, 3] / (c[:, 3] + c[:, 1])
            ),
            "npv": self._proportion(cells, tn, tn + fn, lambda c: c[:, 3] / (c[:, 3] + c[:, 2])),
            "f1": self._resampled(
                cells,
                lambda c: 2 * c[:, 0] / (2 * c[:, 0] + c[:, 1] + c[:, 2]),
                n if 2 * tp + fp + fn else 0,
            ),
            "balanced_accuracy": self._resampled(
                cells,
                lambda c: (c[:, 0] / (c[:, 0] + c[:, 2]) + c[:, 3] / (c[:, 3] + c[:, 1])) / 2,
                n if tp + fn and tn + fp else 0,
            ),
        }

    def _of_ranking(self) -> dict[str, Metric]:
        truth, score = self._truth, self._scores[:, self._positive]
        n, events = len(truth), int(truth.sum())
        found = auc(truth, score)
        if found is None:
            area = Metric(None, None, None, n, events)
        elif self._by_patient and found in (0.0, 1.0):
            area = self._bounded(found, n)
        elif self._by_patient:
            area = self._metric(found, self._bootstrap.of_auc(truth, score), n)
        else:
            area = Metric(*delong(truth, score), n, events)
        squares = np.stack([(score - truth) ** 2, np.ones(n)], axis=1)
        return {
            "auc": area,
            "average_precision": self._average_precision(truth, score),
            "brier": self._resampled(squares, lambda c: c[:, 0] / c[:, 1], n),
        }

    def _average_precision(self, truth: NDArray[np.bool_], score: Floats) -> Metric:
        n, events = len(truth), int(truth.sum())
        if not events:
            return Metric(None, None, None, n, 0)
        value = average_precision(truth, score)
        # a proportion over the events: Wilson on the logit of the estimate (Boyd et al. 2013)
        low, high = wilson(round(value * events), events)
        return Metric(value, min(low, value), max(high, value), n, events)

    def _proportion(
        self, cells: Floats, successes: int, n: int, statistic: Callable[[Floats], Floats]
    ) -> Metric:
        if n == 0:
            return Metric(None, None, None, 0, int(self._truth.sum()))
        if self._by_patient and 0 < successes < n:
            return self._metric(successes / n, self._bootstrap.of_counts(cells, statistic), n)
        if self._by_patient:
            # every draw would give the same number: the patients bound it instead
            return self._bounded(successes / n, n)
        return self._metric(successes / n, wilson(successes, n), n)

    def _resampled(self, cells: Floats, statistic: Callable[[Floats], Floats], n: int) -> Metric:
        if n == 0:
            return Metric(None, None, None, 0, int(self._truth.sum()))
        value = float(statistic(cells.sum(axis=0, keepdims=True))[0])
        if value in (0.0, 1.0):
            return self._bounded(value, n)
        return self._metric(value, self._bootstrap.of_counts(cells, statistic), n)

    def _bounded(self, value: float, n: int) -> Metric:
        """A value of exactly 0 or 1: Wilson, with the patients of the smaller class as its n."""
        patients = self._bootstrap.patients_of
        counts = [patients(self._truth), patients(~self._truth)]
        small = max(1, min([c for c in counts if c] or [1]))
        low, high = wilson(round(value * small), small)
        return Metric(value, min(low, value), max(high, value), n, int(self._truth.sum()))

    def _metric(self, value: float, interval: tuple[float, float] | None, n: int) -> Metric:
        low, high = interval if interval is not None else (None, None)
        if low is not None and high is not None:
            low, high = min(low, value), max(high, value)
        return Metric(value, low, high, n, int(self._truth.sum()))


def average_precision(truth: NDArray[np.bool_], score: Floats) -> float:
    """Step-wise area under the precision-recall curve, ties taken together."""
    order = np.argsort(-score, kind="stable")
    hits = np.cumsum(truth[order])
    last = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))
    precision, recall = hits[last] / (last + 1), hits[last] / hits[-1]
    return float((np.diff(np.concatenate([[0.0], recall])) * precision).sum())


def compute_report(
    labels: NDArray[np.int64],
    scores: Floats,
    *,
    positive: int,
    threshold: float,
    patient_ids: NDArray[np.str_] | None = None,
    resample: bool = False,
) -> Report:
    """Report of one set: labels (n,) of known classes, scores (n, classes).

    ``resample``: every interval by resampling patients, even where each has one case only.
    """
    reporter = Reporter(
        labels, scores, positive=positive, patient_ids=patient_ids, resample=resample
    )
    return reporter.at(threshold)
