"""Answers each time step as rows like any other: a labelled step, of its signal's patient."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from medbench.base.atomic import atomic_file
from medbench.engine.data import Prepared

MOST_ROWS = 128
"""Rows of one signal; neighbouring steps say nearly the same."""


class _Answers(Protocol):
    def logits(self, inputs: NDArray[Any]) -> NDArray[np.float64]: ...


def answers(core: _Answers, part: Prepared) -> tuple[NDArray[np.float64], Prepared]:
    """Logits (rows, classes) of prepared cases, and the cases that belong to the rows.

    Where each time step has its label, every row is a step: its case carries the id of the signal
    and the step's number, and the patient of the signal, so that intervals resample whole patients.
    """
    logits = core.logits(part.inputs)
    if part.steps is None:
        return logits, part
    times = logits.shape[2]
    every = max(1, -(-times // MOST_ROWS))
    at = np.arange(every // 2, times, every)
    labels = part.steps[:, at]
    signal, step = np.nonzero(labels >= 0)
    cases = [
        replace(part.cases[i], case_id=f"{part.cases[i].case_id}@{at[k]}")
        for i, k in zip(signal.tolist(), step.tolist(), strict=True)
    ]
    rows = logits[signal, :, at[step]]
    return rows, replace(part, labels=labels[signal, step], cases=cases, steps=None)


def step_scores(
    logits: NDArray[np.float64], calibrate: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> NDArray[np.float64]:
    """(n, classes) or (n, classes, times) -> (n, times, classes), one time for a whole answer."""
    rows = logits[:, :, None] if logits.ndim == 2 else logits
    flat = rows.transpose(0, 2, 1)
    scores = calibrate(flat.reshape(-1, flat.shape[2]))
    return np.asarray(scores.reshape(flat.shape))


def write_steps(scores: NDArray[np.float64], raw: NDArray[Any], folder: Path, number: int) -> Path:
    """Score of the positive class at each sample of the signal, float32, as ``.npy``."""
    places = (np.arange(len(raw)) + 0.5) * len(scores) / len(raw) - 0.5
    found = np.interp(places, np.arange(len(scores)), scores).astype(np.float32)
    path = folder / f"steps-{number:03d}.npy"
    path.parent.mkdir(parents=True, exist_ok=True)

    def write(part: Path) -> None:
        with part.open("wb") as handle:
            np.save(handle, found)

    atomic_file(path, write)
    return path
