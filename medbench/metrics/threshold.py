"""Operating thresholds, chosen on validation and stored with the model."""

import numpy as np
from numpy.typing import NDArray

from medbench.metrics.curves import roc_curve
from medbench.metrics.intervals import Floats

RULES = ("youden", "sensitivity-0.95", "half")


def choose_threshold(truth: NDArray[np.bool_], score: Floats, rule: str = "youden") -> float:
    """Threshold on the positive class's score; 0.5 when a class is absent.

    ``youden`` maximises recall + specificity - 1 (Youden, Cancer 1950); ``sensitivity-0.95`` is
    the highest threshold with recall of at least .95. The threshold lies midway to the next lower
    score, so that rounding does not flip the case it was chosen by.
    """
    if rule not in RULES:
        raise ValueError(f"unknown rule {rule!r}")
    curve = roc_curve(truth, score)
    if rule == "half" or not len(curve.threshold):
        return 0.5
    gain = curve.true_positive_rate - curve.false_positive_rate
    if rule == "youden":
        best = int(gain.argmax())
    else:
        best = int(np.flatnonzero(curve.true_positive_rate >= 0.95)[0])
    if best == 0:
        return 0.5
    here = curve.threshold[best]
    below = curve.threshold[best + 1] if best + 1 < len(curve.threshold) else min(0.0, here)
    return float((here + below) / 2)
