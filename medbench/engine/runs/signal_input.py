"""ECG records as inputs of signal models: cut as the cases were that the model has learned."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medbench.base.errors import BadInputError, MedbenchError
from medbench.domain.cohort import Task
from medbench.domain.objects import Waveform
from medbench.engine.control import JobControl
from medbench.engine.inference.model import LoadedModel
from medbench.formats.ecg_signals import (
    AFTER_S,
    BEFORE_S,
    LONGEST_S,
    PIECE_S,
    beats_of,
    cut,
    leads_of,
    read_record,
)


@lru_cache(maxsize=2)
def _record(path: str, stamp: int) -> Waveform:
    """A record is read once for all its beats."""
    return read_record(Path(path))


def _wave(entry: dict[str, Any]) -> Waveform:
    path = Path(entry["path"])
    if not path.is_file():
        raise BadInputError(f"{path} does not exist or is no file.")
    return _record(str(path), path.stat().st_mtime_ns)


def expanded(entry: dict[str, Any], model: LoadedModel) -> list[dict[str, Any]]:
    """The inputs that one entry stands for: a record has many beats, or pieces.

    Raises
    ------
    MedbenchError
        The record cannot be read, or no beat is found in it.
    """
    kind = str(model.preparer.settings.get("cut", "signal"))
    if model.preparer.task is not Task.SIGNAL or "path" not in entry or kind == "signal":
        return [entry]
    wave = _wave(entry)
    if kind == "beat":
        times = [beat.sample / wave.sampling_hz for beat in beats_of(wave)]
    elif kind == "piece":
        times = list(np.arange(0, wave.duration_s - PIECE_S + 1e-9, PIECE_S))
    else:
        times = [0.0]
    if not times:
        raise BadInputError(f"{Path(entry['path']).name} holds no {kind} that could be judged.")
    name = entry["id"]
    return [{**entry, "id": f"{name}@{at:.3f}s", "at_s": at, "cut": kind} for at in times]


def expanded_inputs(
    entries: Sequence[dict[str, Any]], model: LoadedModel, control: JobControl
) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    """All inputs, and (id, reason) of the records that cannot be cut."""
    found, refused = [], []
    for entry in entries:
        control.checkpoint()
        try:
            found += expanded(entry, model)
        except MedbenchError as error:
            refused.append((str(entry["id"]), str(error)))
    return found, refused


def read_signal(entry: dict[str, Any], model: LoadedModel) -> NDArray[np.float32]:
    """(samples, leads) of one beat, piece or record, in the order of the model's leads.

    Raises
    ------
    BadInputError
        A lead of the model is missing, or the model was not made from records.
    """
    if "cut" not in entry:
        raise BadInputError("The model was made from a table of signals: name such a table.")
    wave = _wave(entry)
    have = leads_of(wave)
    wanted = [feature["name"] for feature in model.manifest["features"]]
    if wanted == ["first lead"]:
        wanted = list(have)[:1]
    if missing := [name for name in wanted if name not in have]:
        raise BadInputError(
            f"{Path(entry['path']).name} lacks lead {', '.join(missing)}; it has {', '.join(have)}."
        )
    rows, hertz = [have[name] for name in wanted], wave.sampling_hz
    at = round(float(entry["at_s"]) * hertz)
    if entry["cut"] == "beat":
        return cut(wave.samples, at, round(BEFORE_S * hertz), round(AFTER_S * hertz), rows)
    length = PIECE_S if entry["cut"] == "piece" else LONGEST_S
    count = min(round(length * hertz), wave.samples.shape[1] - at)
    return cut(wave.samples, at, 0, count, rows)
