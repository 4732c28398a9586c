"""How well label maps fit: Dice and HD95 a case and structure, with intervals over patients.

An empty mask is an answer too, so none is left out of the mean: both empty counts as a Dice of 1,
one empty as 0 (MONAI's default drops such cases, and with them every false alarm).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medbench.domain.model import Metric
from medbench.imaging.segment_agreement import agreement_of
from medbench.metrics.intervals import Floats, PatientBootstrap
from medbench.metrics.predictions import PredictionSet
from medbench.metrics.report import ORDER, Report

TASK = "segmentation"
RULE = (
    "Dice: both masks empty = 1, one empty = 0. HD95: both empty = 0, one empty = undefined and "
    "left out."
)


@dataclass(frozen=True)
class CaseOverlap:
    """One case, one entry a structure (background left out)."""

    dice: tuple[float, ...]
    hd95_mm: tuple[float | None, ...]
    reference: tuple[float, ...]
    """Size of the mask, in ``amount`` a voxel."""
    predicted: tuple[float, ...]


def case_overlap(
    truth: NDArray[Any], found: NDArray[Any], classes: int,
    spacing_mm: tuple[float, float, float], amount: float = 1.0,
) -> CaseOverlap:  # fmt: skip
    """Overlap of two label maps (z, y, x) on one grid, spacing z, y, x; ``amount`` of a voxel.

    Raises
    ------
    ValueError
        The maps have different shapes.
    """
    if truth.shape != found.shape:
        raise ValueError(f"label maps of {truth.shape} and {found.shape} voxels")
    dice, hd95, ours, theirs = [], [], [], []
    for k in range(1, classes):
        a, b = truth == k, found == k
        agreement = agreement_of(a, b, spacing_mm)
        empty = agreement.voxels == (0, 0)
        dice.append(1.0 if agreement.dice is None else agreement.dice)
        hd95.append(0.0 if empty else agreement.hd95_mm)
        ours.append(agreement.voxels[0] * amount)
        theirs.append(agreement.voxels[1] * amount)
    return CaseOverlap(tuple(dice), tuple(hd95), tuple(ours), tuple(theirs))


def overlap_columns(cases: Sequence[CaseOverlap]) -> tuple[Floats, Floats]:
    """(scores, logits) of a `PredictionSet`: Dice and HD95, column 0 the mean of the structures.

    An undefined HD95 is NaN.
    """
    dice = np.array([c.dice for c in cases], np.float64)
    hd95 = np.array(
        [[np.nan if v is None else v for v in c.hd95_mm] for c in cases], np.float64
    ).reshape(dice.shape)
    known = np.isfinite(hd95)
    counts = known.sum(axis=1)
    sums = np.where(known, hd95, 0).sum(axis=1)
    mean = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    return np.column_stack([dice.mean(axis=1), dice]), np.column_stack([mean, hd95])


def is_overlap(predictions: PredictionSet) -> bool:
    """Whether a prediction set holds overlaps instead of class scores."""
    return predictions.meta.get("task") == TASK


def overlap_report(predictions: PredictionSet) -> Report:
    """Means over cases with 95 % intervals by resampling patients.

    Metrics: ``dice``, ``dice NAME``, ``hd95_mm``, ``hd95_mm NAME``, and ``false_alarm_ml``: what
    was found in cases that hold none of the structure; ``_px`` where millimetres are not known.
    Those of classification are undefined.
    """
    n = len(predictions)
    names = [str(c) for c in predictions.meta["classes"]][1:]
    unit = str(predictions.meta["unit"])
    bootstrap = PatientBootstrap(predictions.patient_ids)
    events = int((predictions.labels > 0).sum())
    metrics: dict[str, Metric] = {}
    for column, name in enumerate(["", *(f" {name}" for name in names)]):
        metrics[f"dice{name}"] = _mean(predictions.scores[:, column], bootstrap, events)
        metrics[f"hd95_{unit}{name}"] = _mean(predictions.logits[:, column], bootstrap, events)
    reference = np.array(predictions.meta["reference"], np.float64).reshape(n, -1)
    found = np.array(predictions.meta["predicted"], np.float64).reshape(n, -1)
    alarms = np.where(reference == 0, found, np.nan)
    per_case = np.array([row[np.isfinite(row)].sum() if np.isfinite(row).any() else np.nan
                         for row in alarms])  # fmt: skip
    metrics["false_alarm_ml" if unit == "mm" else "false_alarm_px"] = _mean(
        per_case, bootstrap, events
    )
    for name in ORDER:
        metrics[name] = Metric(None, None, None, 0, events)
    words = f"95 % intervals: resampling of whole patients. {RULE}"
    return Report(metrics, (), 0.5, n, events, bootstrap.n_patients, words)


def _mean(values: Floats, bootstrap: PatientBootstrap, events: int) -> Metric:
    known = np.isfinite(values)
    n = int(known.sum())
    if not n:
        return Metric(None, None, None, 0, events)
    mean = float(values[known].mean())
    counts = np.column_stack([np.where(known, values, 0), known]).astype(np.float64)
    interval = bootstrap.of_counts(counts, lambda c: c[:, 0] / c[:, 1])
    low, high = interval if interval is not None else (None, None)
    if low is not None and high is not None:  # float32 sums may miss the mean by a hair
        low, high = min(low, mean), max(high, mean)
    return Metric(mean, low, high, n, events)


def worst_cases(predictions: PredictionSet, count: int = 5) -> list[dict[str, Any]]:
    """Cases with the lowest mean Dice, worst first, JSON-able."""
    names = [str(c) for c in predictions.meta["classes"]][1:]
    unit = str(predictions.meta["unit"])
    order = np.argsort(predictions.scores[:, 0], kind="stable")[:count]

    def known(value: float) -> float | None:
        return float(value) if np.isfinite(value) else None

    return [
        {
            "case": str(predictions.case_ids[i]),
            "patient": str(predictions.patient_ids[i]),
            "dice": float(predictions.scores[i, 0]),
            f"hd95_{unit}": known(predictions.logits[i, 0]),
            "structures": {
                name: {"dice": float(predictions.scores[i, k]),
                       f"hd95_{unit}": known(predictions.logits[i, k])}
                for k, name in enumerate(names, 1)
            },
        }
        for i in order
    ]  # fmt: skip
