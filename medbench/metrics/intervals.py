"""95 % intervals: Wilson for proportions, DeLong for AUC, a patient bootstrap for the rest.

Sources: Wilson, JASA 1927; DeLong, DeLong, Clarke-Pearson, Biometrics 1988 (as fast midranks, Sun
and Xu, IEEE Signal Processing Letters 2014); Field and Welsh, JRSS B 2007 for the bootstrap.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Z_95 = 1.959963984540054
Floats = NDArray[np.float64]


def wilson(successes: int, n: int) -> tuple[float, float]:
    """Score interval of a proportion; ``n`` must be positive."""
    p = successes / n
    centre = p + Z_95**2 / (2 * n)
    spread = Z_95 * np.sqrt(p * (1 - p) / n + Z_95**2 / (4 * n * n))
    scale = 1 + Z_95**2 / n
    return max(0.0, float((centre - spread) / scale)), min(1.0, float((centre + spread) / scale))


def midranks(values: Floats) -> Floats:
    """Ranks from 1, ties share their mean."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: Floats = ((last - counts + 1 + last) / 2.0)[inverse]
    return ranks


def auc(positive: NDArray[np.bool_], score: Floats) -> float | None:
    """Area under the ROC curve; ties count one half; None with one class only."""
    n_pos = int(positive.sum())
    n_neg = len(positive) - n_pos
    if not n_pos or not n_neg:
        return None
    ranks = midranks(score)
    return float((ranks[positive].sum() - n_pos * (n_pos + 1) / 2) / (n_pos * n_neg))


def delong(positive: NDArray[np.bool_], score: Floats) -> tuple[float, float, float]:
    """AUC with its interval on the logit scale; both classes must be present.

    At an AUC of exactly 0 or 1 the variance is 0: Wilson over the smaller class bounds it instead.
    """
    pos, neg = score[positive], score[~positive]
    m, n = len(pos), len(neg)
    together = midranks(np.concatenate([pos, neg]))
    v10 = (together[:m] - midranks(pos)) / n
    v01 = 1 - (together[m:] - midranks(neg)) / m
    value = float(v10.mean())
    variance = (v10.var(ddof=1) / m if m > 1 else 0.0) + (v01.var(ddof=1) / n if n > 1 else 0.0)
    if not 0 < value < 1 or variance <= 0:
        small = min(m, n)
        low, high = wilson(round(value * small), small)
        return value, min(low, value), max(high, value)
    logit = np.log(value / (1 - value))
    spread = Z_95 * np.sqrt(variance) / (value * (1 - value))
    low, high = (float(1 / (1 + np.exp(-(logit + s)))) for s in (-spread, spread))
    return value, low, high


class PatientBootstrap:
    """Resamples whole patients; the draws are made once and serve every statistic."""

    def __init__(self, patient_ids: NDArray[np.str_], draws: int = 1000, seed: int = 0) -> None:
        _, self._patient = np.unique(patient_ids, return_inverse=True)
        self.n_patients = int(self._patient.max()) + 1 if len(self._patient) else 0
        self._draws = draws
        self._seed = seed
        self._weights: NDArray[np.float32] | None = None

    @property
    def clustered(self) -> bool:
        """Whether some patient has several cases."""
        return self.n_patients < len(self._patient)

    def patients_of(self, chosen: NDArray[np.bool_]) -> int:
        """How many patients the chosen cases come from."""
        return len(np.unique(self._patient[chosen]))

    @property
    def weights(self) -> NDArray[np.float32]:
        """How often each patient is drawn, (draws, patients)."""
        if self._weights is None:
            dice = np.random.default_rng(self._seed)
            even = np.full(self.n_patients, 1 / self.n_patients)
            drawn = dice.multinomial(self.n_patients, even, size=self._draws)
            self._weights = drawn.astype(np.float32)
        return self._weights

    def of_counts(
        self, counts: Floats, statistic: Callable[[Floats], Floats]
    ) -> tuple[float, float] | None:
        """Interval of a statistic of summed per-case counts (cases, k) -> (draws,)."""
        per_patient = np.zeros((self.n_patients, counts.shape[1]), np.float32)
        np.add.at(per_patient, self._patient, counts.astype(np.float32))
        with np.errstate(invalid="ignore", divide="ignore"):
            return _percentiles(statistic((self.weights @ per_patient).astype(np.float64)))

    def of_auc(self, positive: NDArray[np.bool_], score: Floats) -> tuple[float, float] | None:
        """Interval of the AUC."""
        _, place = np.unique(score, return_inverse=True)
        size = int(place.max()) + 1
        values = []
        for row in self.weights[:400]:
            weight = row[self._patient].astype(np.float64)
            pos = np.bincount(place[positive], weight[positive], minlength=size)
            neg = np.bincount(place[~positive], weight[~positive], minlength=size)
            total = pos.sum() * neg.sum()
            if total:
                values.append(float((pos * (np.cumsum(neg) - neg / 2)).sum() / total))
        return _percentiles(np.asarray(values))


def _percentiles(values: Floats) -> tuple[float, float] | None:
    known = values[np.isfinite(values)]
    if len(known) < 20:
        return None
    low, high = np.percentile(known, [2.5, 97.5])
    return float(low), float(high)
