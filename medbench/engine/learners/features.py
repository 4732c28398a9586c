"""Feature vectors made fit for learners: gaps filled and marked, codes spread, scales alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_MARKED = 5
"""Rows that must lack a value before that is a column of its own."""
_FIELDS = ("fill", "centre", "scale", "categories")


@dataclass(frozen=True)
class FeatureScaler:
    """Fitted on training rows; a transform is arithmetic on stored arrays.

    A column becomes one number (gaps filled), or one column a level where it is a category or a
    small code, followed by a column "was missing" where ``indicator`` says so. A level that the
    training rows never held is no level: all its columns are 0.
    """

    fill: Floats
    centre: Floats
    scale: Floats
    categories: Floats
    """Number of categories per column, 0 for numbers."""
    levels: Floats = None  # type: ignore[assignment]
    """(columns, most levels): values that get a column of their own, padded with NaN."""
    indicator: Floats = None  # type: ignore[assignment]
    """1 where gaps of a column are marked in a column of their own."""

    def __post_init__(self) -> None:
        if self.levels is None:
            width = int(self.categories.max(initial=0))
            step = np.arange(width, dtype=np.float64)
            table = np.where(step < self.categories[:, None], step, np.nan)
            object.__setattr__(self, "levels", table.reshape(len(self.categories), width))
        if self.indicator is None:
            object.__setattr__(self, "indicator", np.zeros(len(self.categories)))

    @classmethod
    def fit(
        cls,
        rows: NDArray[Any],
        categories: list[int],
        *,
        missing: str = "median",
        scaling: str = "standard",
        codes: Sequence[Sequence[float]] = (),
        mark_missing: bool = False,
    ) -> "FeatureScaler":
        """From training rows (n, columns); NaN = missing.

        ``codes``: per column the whole numbers to spread like categories; empty for a number.
        ``mark_missing``: columns with gaps in some, not all, rows get an indicator.
        """
        rows = np.asarray(rows, np.float64)
        counts = np.asarray(categories or [0] * rows.shape[1], np.float64)
        gaps = np.isnan(rows)
        empty = gaps.all(axis=0)
        usable = np.where(empty, 0.0, rows)
        fill = np.nanmedian(usable, axis=0) if missing == "median" else np.zeros(rows.shape[1])
        # a mark that a handful of rows carry would weigh as much as a whole column
        marks = ((gaps.sum(axis=0) >= _MARKED) & ~empty).astype(np.float64) * float(mark_missing)
        levels = _level_table(counts, codes)
        for column in np.flatnonzero((counts == 0) & ~np.isnan(levels).all(axis=1)):
            known = levels[column][~np.isnan(levels[column])]
            fill[column] = known[np.abs(known - fill[column]).argmin()]
        blank = cls(fill, np.zeros(1), np.ones(1), counts, levels, marks)
        spread = blank.spread(rows)
        if scaling == "none":
            centre, scale = np.zeros(spread.shape[1]), np.ones(spread.shape[1])
        else:
            deviation = spread.std(axis=0)
            centre, scale = spread.mean(axis=0), np.where(deviation > 1e-9, deviation, 1.0)
        return cls(fill, centre, scale, counts, levels, marks)

    @classmethod
    def plain(cls, columns: int) -> "FeatureScaler":
        """One that changes nothing."""
        zeros = np.zeros(columns)
        return cls(zeros, zeros, np.ones(columns), zeros)

    def transform(self, rows: NDArray[Any]) -> Floats:
        """(n, features) float64."""
        return np.asarray((self.spread(np.asarray(rows, np.float64)) - self.centre) / self.scale)

    def spread(self, rows: Floats) -> Floats:
        """Filled and spread, before scaling."""
        filled = np.where(np.isnan(rows), self.fill, rows)
        if self.levels.shape[1] == 0 and not self.indicator.any():
            return filled
        parts = []
        for column, levels in enumerate(self.levels):
            known = levels[~np.isnan(levels)]
            if not len(known):
                parts.append(filled[:, [column]])
            else:  # a missing or unknown category is no category at all; a missing code is filled
                values = rows if self.categories[column] else filled
                parts.append((values[:, [column]] == known).astype(np.float64))
            if self.indicator[column]:
                parts.append(np.isnan(rows[:, [column]]).astype(np.float64))
        return np.concatenate(parts, axis=1)

    @property
    def owners(self) -> NDArray[np.int64]:
        """Per spread feature the column it was made of."""
        wide = np.maximum(1, (~np.isnan(self.levels)).sum(axis=1)) + self.indicator.astype(int)
        return np.repeat(np.arange(len(self.fill)), wide)

    def tensors(self) -> dict[str, Floats]:
        """Arrays to store."""
        stored = {f"scaler.{name}": np.asarray(getattr(self, name)) for name in _FIELDS}
        stored["scaler.indicator"] = self.indicator
        if self.levels.shape[1]:
            stored["scaler.levels"] = self.levels
        return stored

    @classmethod
    def load(cls, tensors: dict[str, NDArray[Any]]) -> "FeatureScaler":
        """From stored arrays; those of older models hold no levels."""
        parts = [np.asarray(tensors[f"scaler.{name}"]) for name in _FIELDS]
        more = {
            name: np.asarray(tensors[f"scaler.{name}"])
            for name in ("levels", "indicator")
            if f"scaler.{name}" in tensors
        }
        return cls(*parts, **more)


def _level_table(counts: Floats, codes: Sequence[Sequence[float]]) -> Floats:
    found = [np.arange(count, dtype=np.float64) for count in counts]
    for column, own in enumerate(codes):
        if len(own) and not counts[column]:
            found[column] = np.asarray(own, np.float64)
    table = np.full((len(found), max((len(f) for f in found), default=0)), np.nan)
    for column, known in enumerate(found):
        table[column, : len(known)] = known
    return table
