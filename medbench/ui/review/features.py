"""The parts of Review, in the order they are built."""

from medbench.ui.review.feature import Feature

FEATURES: tuple[type[Feature], ...] = ()
