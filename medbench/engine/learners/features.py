"""Feature vectors made fit for learners: gaps filled, categories spread, scales alike."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class FeatureScaler:
    """Fitted on training rows; a transform is arithmetic on stored arrays."""

    fill: Floats
    centre: Floats
    scale: Floats
    categories: Floats
    """Number of categories per column, 0 for numbers."""

    @classmethod
    def fit(
        cls,
        rows: NDArray[Any],
        categories: list[int],
        *,
        missing: str = "median",
        scaling: str = "standard",
    ) -> "FeatureScaler":
        """From training rows (n, columns); NaN = missing."""
        rows = np.asarray(rows, np.float64)
        counts = np.asarray(categories or [0] * rows.shape[1], np.float64)
        empty = np.isnan(rows).all(axis=0)
        usable = np.where(empty, 0.0, rows)
        fill = np.nanmedian(usable, axis=0) if missing == "median" else np.zeros(rows.shape[1])
        blank = cls(fill, np.zeros(1), np.ones(1), counts)
        spread = blank._spread(rows)
        if scaling == "none":
            return cls(fill, np.zeros(spread.shape[1]), np.ones(spread.shape[1]), counts)
        deviation = spread.std(axis=0)
        return cls(fill, spread.mean(axis=0), np.where(deviation > 1e-9, deviation, 1.0), counts)

    def transform(self, rows: NDArray[Any]) -> Floats:
        """(n, features) float64."""
        return np.asarray((self._spread(np.asarray(rows, np.float64)) - self.centre) / self.scale)

    def _spread(self, rows: Floats) -> Floats:
        filled = np.where(np.isnan(rows), self.fill, rows)
        if not self.categories.any():
            return filled
        parts = []
        for column, count in enumerate(self.categories.astype(int)):
            if count == 0:
                parts.append(filled[:, [column]])
            else:  # a missing or unknown category is no category at all
                parts.append((rows[:, [column]] == np.arange(count)).astype(np.float64))
        return np.concatenate(parts, axis=1)

    def tensors(self) -> dict[str, Floats]:
        """Arrays to store."""
        return {
            "scaler.fill": self.fill,
            "scaler.centre": self.centre,
            "scaler.scale": self.scale,
            "scaler.categories": self.categories,
        }

    @classmethod
    def load(cls, tensors: dict[str, NDArray[Any]]) -> "FeatureScaler":
        """From stored arrays."""
        return cls(
            *(np.asarray(tensors[f"scaler.{k}"]) for k in ("fill", "centre", "scale", "categories"))
        )
