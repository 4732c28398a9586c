"""Why a row of a table got its answer: contributions of its columns that add up to the score.

The score explained is the log-odds of the positive class after calibration. Each column's part is
its Shapley value (Shapley 1953; Strumbelj and Kononenko, KAIS 2014) against one reference patient,
the median of the training part: base + sum of the parts = score, exactly. Linear models have closed
parts; few columns are counted out over all subsets; more are sampled in orders and their reverse.
"""

from dataclasses import dataclass
from math import factorial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medbench.engine.learners.base import Core
from medbench.engine.trust.calibration import Calibration

Floats = NDArray[np.float64]
EXACT_COLUMNS = 10
ORDERS = 64
"""Sampled orders; each also serves reversed (antithetic)."""


@dataclass(frozen=True)
class Contributions:
    """Parts of one score."""

    base: float
    """Log-odds of the reference patient."""
    value: float
    """Log-odds of this one."""
    parts: Floats
    """One a column."""
    method: str
    error: float
    """Largest standard error of a part; 0 where they are exact."""


def reference_row(rows: Floats, categories: list[int]) -> Floats:
    """The reference patient of training rows: medians, and the commonest code of categories."""
    found = np.full(rows.shape[1], np.nan)
    for column, values in enumerate(rows.T):
        known = values[~np.isnan(values)]
        if not len(known):
            continue
        if column < len(categories) and categories[column]:
            codes, counts = np.unique(known, return_counts=True)
            found[column] = codes[counts.argmax()]
        else:
            found[column] = np.median(known)
    return found


def log_odds(core: Core, calibration: Calibration, positive: int, rows: Floats) -> Floats:
    """(n,) calibrated log-odds of the positive class; unlike those of a probability, never cut."""
    z = core.logits(rows) / calibration.temperature + np.asarray(calibration.offset)
    others = np.delete(z, positive, axis=1)
    most = others.max(axis=1)
    return np.asarray(
        z[:, positive] - most - np.log(np.exp(others - most[:, None]).sum(axis=1)), np.float64
    )


def contributions(
    core: Core, calibration: Calibration, positive: int, row: Floats, reference: Floats
) -> Contributions:
    """Parts of one row's score; ``row`` and ``reference`` are (columns,), NaN = missing."""

    def score(rows: Floats) -> Floats:
        return log_odds(core, calibration, positive, rows)

    base, value = (float(v) for v in score(np.stack([reference, row])))
    differs = np.flatnonzero(~((row == reference) | (np.isnan(row) & np.isnan(reference))))
    parts = np.zeros(len(row))
    closed = core.additive(row, reference)
    if closed is not None:
        # logits are -margin/2 and margin/2: the margin is their difference
        sign = 1.0 if positive == 1 else -1.0
        return Contributions(
            base, value, sign * closed / calibration.temperature, "exact, the model is linear", 0.0
        )
    if not len(differs):
        return Contributions(base, value, parts, "equal to the reference patient", 0.0)
    if len(differs) <= EXACT_COLUMNS:
        parts[differs] = _exact(score, row, reference, differs)
        return Contributions(base, value, parts, "Shapley values over all subsets", 0.0)
    parts[differs], error = _sampled(score, row, reference, differs)
    words = f"Shapley values over {2 * ORDERS} sampled orders"
    return Contributions(base, value, parts, words, error)


def _exact(score: Any, row: Floats, reference: Floats, differs: NDArray[np.int64]) -> Floats:
    n = len(differs)
    inside = (np.arange(2**n)[:, None] >> np.arange(n)) & 1 == 1
    rows = np.repeat(reference[None], 2**n, axis=0)
    rows[:, differs] = np.where(inside, row[differs], reference[differs])
    values = score(rows)
    size = inside.sum(axis=1)
    weight = np.array([factorial(s) * factorial(n - s - 1) / factorial(n) for s in range(n)])
    parts = np.empty(n)
    for k in range(n):
        without = np.flatnonzero(~inside[:, k])
        parts[k] = (weight[size[without]] * (values[without + (1 << k)] - values[without])).sum()
    return parts


def _sampled(
    score: Any, row: Floats, reference: Floats, differs: NDArray[np.int64]
) -> tuple[Floats, float]:
    n = len(differs)
    dice = np.random.default_rng(0)  # the same row gets the same answer
    orders = [dice.permutation(n) for _ in range(ORDERS)]
    both = [order for first in orders for order in (first, first[::-1])]
    gains = np.empty((len(both), n))
    for at, order in enumerate(both):
        rows = np.repeat(reference[None], n + 1, axis=0)
        for step, k in enumerate(order):
            rows[step + 1 :, differs[k]] = row[differs[k]]
        gains[at, order] = np.diff(score(rows))
    pairs = gains.reshape(ORDERS, 2, n).mean(axis=1)
    error = pairs.std(axis=0, ddof=1) / np.sqrt(ORDERS)
    return pairs.mean(axis=0), float(error.max())


def risk_group(table: list[dict[str, Any]], probability: float) -> dict[str, Any] | None:
    """Line of a stored risk table that a probability falls into: the nearest one."""
    if not table:
        return None

    def away(line: dict[str, Any]) -> float:
        return max(float(line["low"]) - probability, probability - float(line["high"]), 0.0)

    return min(table, key=away)
