"""Is an input like what the model was trained on? A Mahalanobis distance with honest quantiles.

Lee et al., NeurIPS 2018, on a handful of plain measurements instead of network features; the
covariance is shrunk (Ledoit and Wolf, 2004). Quantiles come from training and validation cases.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LIMIT_PERCENTILE = 99.0
_MARGIN = 1.15


@dataclass(frozen=True)
class Gate:
    """Stored with the model."""

    centre: Floats
    scale: Floats
    whiten: Floats
    quantiles: Floats
    """Distances of known cases at 0, 1 ... 100 %."""

    def distance(self, vectors: Floats) -> Floats:
        """Distance per row; missing values count as the centre."""
        unit = np.nan_to_num((vectors - self.centre) / self.scale)
        return np.asarray(np.sqrt(((unit @ self.whiten) ** 2).mean(axis=1)))

    def percentile(self, distance: float) -> float:
        """Share of known cases that are nearer, in percent."""
        return min(100.0, float(np.searchsorted(self.quantiles, distance, side="left")))

    def accepts(self, distance: float) -> bool:
        """Whether the distance is one that known cases have."""
        return distance <= self.quantiles[int(LIMIT_PERCENTILE)] * _MARGIN


def fit_gate(train: Floats, held_out: Floats) -> Gate:
    """Fit on training vectors; the quantiles also see held-out ones, which are farther away."""
    from sklearn.covariance import LedoitWolf

    centre = np.nan_to_num(np.nanmean(train, axis=0))
    spread = np.nan_to_num(np.nanstd(train, axis=0))
    scale = np.where(spread > 1e-9, spread, 1.0)
    unit = np.nan_to_num((train - centre) / scale)
    covariance = LedoitWolf(assume_centered=True).fit(unit).covariance_
    values, vectors = np.linalg.eigh(covariance)
    whiten = vectors / np.sqrt(np.maximum(values, 1e-3))
    gate = Gate(centre, scale, whiten, np.zeros(101))
    known = np.concatenate([gate.distance(train), gate.distance(held_out)])
    quantiles = np.percentile(known, np.arange(101))
    return Gate(centre, scale, whiten, quantiles)
