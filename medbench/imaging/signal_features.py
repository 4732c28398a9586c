"""Measures of one signal for classical learners: its form, its slopes, its spectrum."""

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

_BANDS = 8
_LAGS = (1, 2, 4, 8, 16)
_PARTS = 8


def signal_features(signal: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Finite measures of a signal (samples,) that was scaled to mean 0 and spread 1.

    Percentiles, third and fourth moment, place and height of the extremes, slopes and
    curvatures, zero crossings, autocorrelation at five lags, eight octave-like bands of the
    spectrum, mean and spread of eight equal parts.
    """
    values = np.nan_to_num(np.asarray(signal, np.float64)).ravel()
    n = len(values)
    slope, bend = np.diff(values), np.diff(values, 2)
    power = np.abs(np.fft.rfft(values - values.mean())) ** 2
    total = max(float(power.sum()), 1e-12)
    edges = np.unique(np.geomspace(1, max(len(power), 2), _BANDS + 1).astype(int))
    bands = [float(power[a:b].sum() / total) for a, b in pairwise(edges)]
    bands += [0.0] * (_BANDS - len(bands))
    energy = max(float((values**2).sum()), 1e-12)
    lags = [float((values[lag:] * values[:-lag]).sum() / energy) if lag < n else 0.0
            for lag in _LAGS]  # fmt: skip
    parts = np.array_split(values, _PARTS)
    found = [
        *np.percentile(values, [1, 5, 25, 50, 75, 95, 99]),
        float((values**3).mean()),
        float((values**4).mean()),
        int(values.argmax()) / n,
        int(values.argmin()) / n,
        float(np.abs(slope).mean()) if len(slope) else 0.0,
        float(slope.max(initial=0.0)),
        float(slope.min(initial=0.0)),
        float(np.abs(bend).mean()) if len(bend) else 0.0,
        float((np.diff(np.signbit(values)) != 0).mean()) if n > 1 else 0.0,
        *lags,
        *bands,
        *(float(p.mean()) if len(p) else 0.0 for p in parts),
        *(float(p.std()) if len(p) else 0.0 for p in parts),
    ]
    return np.nan_to_num(np.asarray(found, np.float64))
