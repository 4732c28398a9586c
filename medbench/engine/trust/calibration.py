"""Scores into probabilities: temperature scaling (Guo 2017), with an offset for margins (Platt)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
MIN_CASES = 20
MIN_PER_CLASS = 5


@dataclass(frozen=True)
class Calibration:
    """``softmax(logits / temperature + offset)``."""

    method: str
    temperature: float
    offset: tuple[float, ...]

    def apply(self, logits: Floats) -> Floats:
        """(n, classes) probabilities, or scores when the method is ``none``."""
        return softmax(logits / self.temperature + np.asarray(self.offset))

    @property
    def calibrated(self) -> bool:
        """Whether the results may be called probabilities."""
        return self.method != "none"


def softmax(logits: Floats) -> Floats:
    """Rows that sum to 1."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))


def fit_calibration(logits: Floats, labels: NDArray[np.int64], *, margins: bool) -> Calibration:
    """Fit on validation cases; too few of them, or of one class, and nothing is fitted.

    ``margins``: signed distances to a boundary, whose zero point is no probability of one half;
    they get an offset too, with the targets softened as in Platt 1999.
    """
    from scipy.optimize import minimize

    classes = logits.shape[1]
    counts = np.bincount(labels, minlength=classes)
    plain = Calibration("none", 1.0, (0.0,) * classes)
    if len(labels) < MIN_CASES or (counts < MIN_PER_CLASS).any():
        return plain
    targets = np.zeros_like(logits)
    targets[np.arange(len(labels)), labels] = 1.0
    if margins:
        soft = (counts + 1) / (counts + 2)
        targets = targets * soft + (1 - targets) * ((1 - soft[labels]) / (classes - 1))[:, None]

    # a margin has no unit and, with a small C, an arbitrary zero: fitted in its own scale
    centre = np.median(logits, axis=0) if margins else np.zeros(classes)
    unit = max(float((logits - centre).std()), 1e-12) if margins else 1.0
    scaled = (logits - centre) / unit

    def loss(parameters: Floats) -> float:
        offset = np.concatenate([[0.0], parameters[1:]]) if margins else 0.0
        p = softmax(scaled * np.exp(parameters[0]) + offset)
        return float(-(targets * np.log(np.maximum(p, 1e-12))).sum() / len(labels))

    start = np.zeros(classes if margins else 1)
    bounds = [(-5.0, 5.0)] + [(-10.0, 10.0)] * (len(start) - 1)
    found = minimize(loss, start, method="L-BFGS-B", bounds=bounds)
    temperature = unit * float(np.exp(-found.x[0]))
    shift = np.concatenate([[0.0], found.x[1:]]) - centre / temperature if margins else 0 * centre
    offset = tuple(float(v) for v in shift - shift[0])
    return Calibration("platt" if margins else "temperature", temperature, offset)
