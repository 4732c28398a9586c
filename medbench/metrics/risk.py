"""Risk table: what was foretold beside what came, group by group of rising risk."""

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medbench.metrics.intervals import Floats, wilson


@dataclass(frozen=True)
class RiskGroup:
    """Cases of neighbouring risk."""

    low: float
    high: float
    """Lowest and highest foretold probability of the group."""
    n: int
    events: int
    foretold: float
    """Mean probability."""
    observed: float
    observed_low: float
    observed_high: float
    """Share of events with its 95 % interval (Wilson, JASA 1927)."""


def risk_table(
    truth: NDArray[np.bool_], probability: Floats, groups: int = 10
) -> tuple[RiskGroup, ...]:
    """Groups of equal size by rising probability; ties are never cut apart.

    Hosmer and Lemeshow, Commun. Stat. 1980. With fewer than 10 cases a group there are fewer
    groups; without cases there is none.
    """
    n = len(truth)
    if n == 0:
        return ()
    wanted = max(1, min(groups, n // 10))
    order = np.argsort(probability, kind="stable")
    ordered = probability[order]
    edges = [0]
    for k in range(1, wanted):
        # the cut moves up to where the probability changes
        cut = int(np.searchsorted(ordered, ordered[k * n // wanted], side="left"))
        if cut > edges[-1]:
            edges.append(cut)
    edges.append(n)
    found = []
    for begin, end in itertools.pairwise(edges):
        part = order[begin:end]
        events = int(truth[part].sum())
        low, high = wilson(events, end - begin)
        found.append(
            RiskGroup(
                float(ordered[begin]), float(ordered[end - 1]), end - begin, events,
                float(probability[part].mean()), events / (end - begin), low, high,
            )
        )  # fmt: skip
    return tuple(found)


def calibration_line(truth: NDArray[np.bool_], probability: Floats) -> tuple[float, float] | None:
    """Intercept and slope of a logistic fit of the outcome on the log-odds (Cox, 1958).

    0 and 1 for perfectly calibrated probabilities; None where it cannot be fitted (one class
    only, or probabilities that part the classes).
    """
    if truth.all() or not truth.any():
        return None
    clipped = np.clip(probability, 1e-6, 1 - 1e-6)
    design = np.stack([np.ones(len(truth)), np.log(clipped / (1 - clipped))], axis=1)
    beta = np.array([0.0, 1.0])
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(design @ beta, -30, 30)))
        weight = np.maximum(p * (1 - p), 1e-10)
        hessian = design.T @ (design * weight[:, None])
        try:
            step = np.linalg.solve(hessian, design.T @ (truth - p))
        except np.linalg.LinAlgError:
            return None
        beta = beta + np.clip(step, -2, 2)
        if float(np.abs(step).max()) < 1e-9:
            return float(beta[0]), float(beta[1])
    return None
