"""Calibration and operating threshold of a fitted model, from cases it has not learned."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medbench.engine.data import Prepared
from medbench.engine.learners.base import Fitted
from medbench.engine.steps import answers
from medbench.engine.trust.calibration import Calibration, fit_calibration
from medbench.metrics.threshold import choose_threshold


@dataclass(frozen=True)
class OperatingPoint:
    """How logits become probabilities, and from where on the answer is the positive class."""

    calibration: Calibration
    threshold: float


def operating_point(
    fitted: Fitted, train: Prepared, val: Prepared | None, *, positive: int, rule: str
) -> OperatingPoint:
    """From the validation part, or from inner held-out answers where none is kept back."""
    logits: NDArray[np.float64]
    if val is not None:
        logits, part = answers(fitted.core, val)
        labels = part.labels
    elif fitted.held_out is not None:
        logits, labels = fitted.held_out.logits, train.labels[fitted.held_out.chosen]
    else:  # nothing is left that the model has not seen: scores stay scores
        classes = fitted.core.logits(train.inputs[:1]).shape[1]
        return OperatingPoint(Calibration("none", 1.0, (0.0,) * classes), 0.5)
    calibration = fit_calibration(logits, labels, margins=fitted.core.margins)
    scores = calibration.apply(logits)
    threshold = choose_threshold(labels == positive, scores[:, positive], rule)
    return OperatingPoint(calibration, threshold)
