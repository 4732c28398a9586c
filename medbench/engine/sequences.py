"""Signals as input of sequence learners: leads and, last, a row that says where there is signal."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medbench.base.errors import BadInputError

Floats = NDArray[np.float32]
NORMALISATIONS = ("each lead", "whole signal", "none")
FITS = ("resample", "pad or crop")
EACH_STEP, EACH_SIGNAL = "each time step", "each signal"
_LEAST_SPREAD = 1e-6


def recorded(raw: NDArray[Any]) -> NDArray[np.float64]:
    """(samples, leads) without the empty end that shorter signals of a cohort carry as NaN.

    Raises
    ------
    BadInputError
        No sample is a number.
    """
    values = np.asarray(raw, np.float64)
    values = values.reshape(len(values), -1)
    values = np.where(np.isfinite(values), values, np.nan)
    at = np.flatnonzero(~np.isnan(values).all(axis=1))
    if not len(at):
        raise BadInputError("the signal holds no sample")
    return np.asarray(values[: at[-1] + 1])


def filled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Straight lines over gaps; a lead that was not recorded becomes zero. (samples, leads)."""
    out = values.copy()
    gaps = np.isnan(out)
    for lead in np.flatnonzero(gaps.any(axis=0)):
        known = np.flatnonzero(~gaps[:, lead])
        if not len(known):
            out[:, lead] = 0.0
        else:
            out[:, lead] = np.interp(np.arange(len(out)), known, out[known, lead])
    return out


def scaled(values: NDArray[np.float64], normalisation: str) -> NDArray[np.float64]:
    """Mean of each lead 0; spread 1 of each lead, of all together, or as it is."""
    if normalisation == "none":
        return values
    centred = values - values.mean(axis=0)
    spread = centred.std(axis=0) if normalisation == "each lead" else np.array(centred.std())
    return np.asarray(centred / np.maximum(spread, _LEAST_SPREAD))


def prepare_sequence(
    raw: NDArray[Any], *, length: int, leads: int, normalisation: str, fit: str
) -> Floats:
    """(leads + 1, length); the last row is 1 where there is signal.

    Raises
    ------
    BadInputError
        The signal is empty, or has another number of leads than the model.
    """
    values = recorded(raw)
    if values.shape[1] != leads:
        raise BadInputError(f"the signal has {values.shape[1]} leads, {leads} are needed")
    values = scaled(filled(values), normalisation)
    out = np.zeros((leads + 1, length), np.float32)
    if fit == "resample":
        out[:leads] = resampled(values, length).T
        out[leads] = 1
        return out
    used = min(length, len(values))
    begin = (len(values) - used) // 2
    out[:leads, :used] = values[begin : begin + used].T
    out[leads, :used] = 1
    return out


def sequence_of(raw: NDArray[Any], settings: Mapping[str, Any]) -> Floats:
    """`prepare_sequence` with the settings that a plan decided."""
    return prepare_sequence(
        raw, length=int(settings["length"]), leads=int(settings["leads"]),
        normalisation=str(settings["normalisation"]), fit=str(settings["fit"]),
    )  # fmt: skip


def resampled(values: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """(samples, leads) -> (length, leads): means where it gets shorter, lines where longer."""
    count = len(values)
    if count == length:
        return values
    if count > length:
        edges = np.linspace(0, count, length + 1)
        summed = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
        at = np.arange(count + 1)
        ends = np.stack([np.interp(edges, at, column) for column in summed.T], axis=1)
        return np.asarray(np.diff(ends, axis=0) / np.diff(edges)[:, None])
    places = np.linspace(0, count - 1, length)
    return np.stack([np.interp(places, np.arange(count), column) for column in values.T], axis=1)


def steps_of(marks: NDArray[np.int64], settings: Mapping[str, Any]) -> NDArray[np.int64]:
    """`prepare_steps` with the settings that a plan decided."""
    return prepare_steps(marks, length=int(settings["length"]), fit=str(settings["fit"]))


def prepare_steps(marks: NDArray[np.int64], *, length: int, fit: str) -> NDArray[np.int64]:
    """Labels per time step beside `prepare_sequence`; -100 = no label there (left out of the loss).

    ``marks`` are class indices, negative where nobody said.
    """
    out = np.full(length, -100, np.int64)
    known = np.where(marks < 0, -100, marks)
    if fit == "resample":
        places = (np.arange(length) + 0.5) * len(known) / length
        out[:] = known[np.minimum(places.astype(int), len(known) - 1)]
        return out
    used = min(length, len(known))
    begin = (len(known) - used) // 2
    out[:used] = known[begin : begin + used]
    return out
