"""Numbers of a cross-validation: pooled over held-out answers, with their spread over folds.

Every case was answered by a model that had not learned from its patient. Each fold decides at its
own threshold, so counts are pooled over decisions and the AUC over probabilities. With repeats a
case stands once a repeat; intervals resample patients with all their answers, so that repeating
does not narrow them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medbench.domain.model import Metric
from medbench.domain.records import to_json
from medbench.metrics.intervals import Floats, auc
from medbench.metrics.predictions import PredictionSet
from medbench.metrics.report import compute_report, decide
from medbench.metrics.risk import RiskGroup, calibration_line, risk_table

_RANKED = ("auc", "average_precision", "brier")
_SPREAD = ("auc", "accuracy", "recall", "specificity", "f1")
_LEVELS = 12


def pooled_set(folds: Sequence[PredictionSet]) -> PredictionSet:
    """All folds in one set; ``roles`` name repeat and fold ("r1-f3")."""
    first = folds[0]
    meta = dict(first.meta)
    meta["threshold"] = 0.5
    meta["thresholds"] = {str(fold.roles[0]): float(fold.meta["threshold"]) for fold in folds}
    meta["calibrated"] = all(bool(fold.meta["calibrated"]) for fold in folds)
    return PredictionSet(
        np.concatenate([fold.case_ids for fold in folds]),
        np.concatenate([fold.patient_ids for fold in folds]),
        np.concatenate([fold.labels for fold in folds]),
        np.concatenate([fold.scores for fold in folds]),
        np.concatenate([fold.logits for fold in folds]),
        np.concatenate([fold.roles for fold in folds]),
        meta,
    )


def crossval_report(
    folds: Sequence[PredictionSet], repeats: int,
    attributes: Mapping[str, Mapping[str, str]] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """JSON-able report of all folds of all repeats.

    Parameters
    ----------
    folds : held-out answers, one set a fold; ``meta`` holds positive and threshold
    attributes : case id -> its attributes (view, source, sex ...), looked at as confounders
    """
    pooled = pooled_set(folds)
    positive = int(pooled.meta["positive"])
    ranked = compute_report(
        pooled.labels, pooled.scores, positive=positive, threshold=0.5,
        patient_ids=pooled.patient_ids, resample=True,
    )  # fmt: skip
    aligned = np.concatenate([_at_half(fold, positive) for fold in folds])
    counted = compute_report(
        pooled.labels, aligned, positive=positive, threshold=0.5, patient_ids=pooled.patient_ids,
        resample=True,
    )  # fmt: skip
    metrics = {
        name: _once((ranked if name in _RANKED else counted).metrics[name], repeats)
        for name in ranked.metrics
    }
    truth = pooled.labels == positive
    score = pooled.scores[:, positive]
    line = calibration_line(truth, score)
    return {
        "n": len(pooled) // repeats,
        "patients": len(np.unique(pooled.patient_ids)),
        "events": int(truth.sum()) // repeats,
        "classes": list(pooled.meta["classes"]),
        "positive": positive,
        "calibrated": bool(pooled.meta["calibrated"]),
        "intervals": ranked.intervals,
        "metrics": to_json(metrics),
        "confusion": [[c / repeats for c in row] for row in counted.confusion],
        "over_folds": _over_folds(folds, positive),
        "over_repeats": [
            auc(truth[own], score[own])
            for r in range(repeats)
            if (own := np.char.startswith(pooled.roles.astype(str), f"r{r + 1}-")).any()
        ],
        "calibration": None if line is None else {"intercept": line[0], "slope": line[1]},
        "risk_table": to_json(_risk(pooled, truth, score)),
        "confounders": _confounders(pooled, truth, score, attributes or {}),
    }


def _risk(
    pooled: PredictionSet, truth: NDArray[np.bool_], score: Floats
) -> tuple[RiskGroup, ...]:  # fmt: skip
    """Each case once, with the mean of its held-out probabilities."""
    _, first, place = np.unique(pooled.case_ids, return_index=True, return_inverse=True)
    mean = np.bincount(place, score) / np.bincount(place)
    return risk_table(truth[first], mean)


def _once(metric: Metric, repeats: int) -> Metric:
    """Counts of cases, not of answers."""
    return replace(metric, n=metric.n // repeats, events=metric.events // repeats)


def _at_half(fold: PredictionSet, positive: int) -> Floats:
    """Scores moved so that the fold's own threshold lies at one half (two classes)."""
    if fold.scores.shape[1] != 2:
        return fold.scores
    limit = float(np.clip(fold.meta["threshold"], 1e-9, 1 - 1e-9))
    score = fold.scores[:, positive]
    moved = np.where(
        score < limit, 0.4999 * score / limit, 0.5 + 0.5 * (score - limit) / (1 - limit)
    )
    both = np.empty_like(fold.scores)
    both[:, positive], both[:, 1 - positive] = moved, 1 - moved
    return both


def _over_folds(folds: Sequence[PredictionSet], positive: int) -> dict[str, Any]:
    """Mean, standard deviation, least and most of each fold's own numbers."""
    found: dict[str, list[float]] = {name: [] for name in _SPREAD}
    for fold in folds:
        truth = fold.labels == positive
        chosen = decide(fold.scores, positive=positive, threshold=float(fold.meta["threshold"]))
        called = chosen == positive
        tp, fp = int((truth & called).sum()), int((~truth & called).sum())
        fn, tn = int((truth & ~called).sum()), int((~truth & ~called).sum())
        values = {
            "auc": auc(truth, fold.scores[:, positive]),
            "accuracy": float((chosen == fold.labels).mean()),
            "recall": tp / (tp + fn) if tp + fn else None,
            "specificity": tn / (tn + fp) if tn + fp else None,
            "f1": 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else None,
        }
        for name, value in values.items():
            if value is not None:
                found[name].append(value)
    return {
        name: {
            "mean": float(np.mean(values)),
            "sd": float(np.std(values, ddof=1)) if len(values) > 1 else None,
            "min": min(values),
            "max": max(values),
            "folds": len(values),
        }
        for name, values in found.items()
        if values
    }


def _confounders(
    pooled: PredictionSet, truth: NDArray[np.bool_], score: Floats,
    attributes: Mapping[str, Mapping[str, str]],
) -> list[dict[str, Any]]:  # fmt: skip
    """Per attribute: how far it alone tells the outcome, and the AUC inside each of its levels.

    A model that reads the view or the source instead of the disease is good over all cases and
    poor inside each level.
    """
    names = sorted({name for own in attributes.values() for name in own})
    found = []
    for name in names:
        cells = np.array([attributes.get(str(c), {}).get(name, "") for c in pooled.case_ids])
        levels, counts = np.unique(cells, return_counts=True)
        if not 2 <= len(levels) <= _LEVELS:
            continue
        share = {level: float(truth[cells == level].mean()) for level in levels}
        alone = auc(truth, np.array([share[c] for c in cells]))
        inside = {
            str(level): {"n": int(count), "events": int(truth[cells == level].sum()),
                         "auc": auc(truth[cells == level], score[cells == level])}
            for level, count in zip(levels, counts, strict=True)
        }  # fmt: skip
        found.append({"attribute": name, "auc_alone": alone, "levels": inside})
    return sorted(found, key=lambda item: -(item["auc_alone"] or 0.0))
