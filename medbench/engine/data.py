"""Cases as arrays: one preparation for training, validation, test and inference.

The preparation sees the data and the stored parameters, never a label or a role.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medbench.base.errors import BadInputError, MedbenchError
from medbench.cohorts.reading import CaseReader
from medbench.domain.cohort import Case, Cohort, Task
from medbench.engine.sequences import EACH_STEP, filled, recorded, sequence_of, steps_of
from medbench.imaging.features import BASIC, features_of
from medbench.imaging.resize import fit_square, resize_area
from medbench.imaging.signal_features import signal_features

Floats = NDArray[np.float32]
MEASURED = "samples and measures"


@dataclass
class Prepared:
    """Inputs of some cases; ``unreadable`` ones are left out."""

    inputs: NDArray[Any]
    labels: NDArray[np.int64]
    cases: list[Case]
    gate: NDArray[np.float64]
    """What the in-distribution check looks at, (cases, features)."""
    unreadable: dict[str, str] = field(default_factory=dict)
    steps: NDArray[np.int64] | None = None
    """(cases, times) where each time step of a signal has its label; -100 = none there."""

    def take(self, chosen: NDArray[np.int64]) -> "Prepared":
        """Some of the cases, by index."""
        cases = [self.cases[i] for i in chosen] if self.cases else []
        steps = None if self.steps is None else self.steps[chosen]
        return Prepared(
            self.inputs[chosen], self.labels[chosen], cases, self.gate[chosen], steps=steps
        )


def unit_picture(picture: NDArray[Any], channels: int) -> Floats:
    """Grey values scaled to their own 0.5 to 99.5 percentile, 0..1; (rows, columns, channels)."""
    values = np.nan_to_num(np.asarray(picture, np.float32))
    if values.ndim == 2:
        values = values[..., None]
    if channels == 1 and values.shape[2] == 3:
        values = values @ np.array([[0.299], [0.587], [0.114]], np.float32)
    if channels == 3 and values.shape[2] == 1:
        values = np.repeat(values, 3, axis=2)
    low, high = np.percentile(values, [0.5, 99.5])
    unit: Floats = np.clip((values - low) / max(float(high - low), 1e-6), 0, 1)
    return unit.astype(np.float32)


def prepare_picture(picture: NDArray[Any], *, size: int, channels: int) -> Floats:
    """(channels, size, size) in 0..1, aspect kept."""
    # shrink first: percentiles of a large picture cost more than the rest together
    rows, columns = np.asarray(picture).shape[:2]
    scale = 4 * size / max(rows, columns)
    if scale < 0.5:
        picture = resize_area(picture, max(1, round(rows * scale)), max(1, round(columns * scale)))
    fitted = fit_square(unit_picture(picture, channels), size)
    return np.ascontiguousarray(fitted.transpose(2, 0, 1))


def picture_features(picture: NDArray[Any], name: str = BASIC) -> NDArray[np.float64]:
    """A set of `medbench.imaging.features`; colour pictures add statistics of each channel."""
    values = np.asarray(picture, np.float32)
    grey = values if values.ndim == 2 else values @ np.array([0.299, 0.587, 0.114], np.float32)
    vector = features_of(grey, name)
    channels = values if values.ndim == 3 else np.repeat(values[..., None], 3, axis=2)
    scale = max(float(channels.max()), 1e-6)
    colour = channels.reshape(-1, 3) / scale
    extra = np.concatenate(
        [
            colour.mean(0) - colour.mean(),
            colour.std(0),
            np.percentile(colour, [10, 90], axis=0).ravel(),
        ]
    )
    return np.concatenate([vector, extra])


def gate_picture(picture: NDArray[Any]) -> NDArray[np.float64]:
    """A small description of a picture for the in-distribution check."""
    values = np.asarray(picture, np.float32)
    colour = values.ndim == 3
    saturation = (
        float(np.ptp(values, axis=2).mean() / max(float(values.max()), 1.0)) if colour else 0.0
    )
    unit = fit_square(unit_picture(values, 1), 32)[..., 0].astype(np.float64)
    gy, gx = np.gradient(unit)
    histogram = np.histogram(unit, bins=6, range=(0, 1))[0] / unit.size
    y, x = np.mgrid[0:32, 0:32] - 15.5
    ring = (np.hypot(y, x) // 4).astype(int).clip(0, 4)
    rings = np.bincount(ring.ravel(), unit.ravel(), minlength=5) / np.bincount(ring.ravel())
    rows, columns = values.shape[:2]
    return np.array(
        [
            unit.mean(), unit.std(), np.abs(gx).mean(), np.abs(gy).mean(),
            np.abs(unit - unit[:, ::-1]).mean(), np.log(rows / columns), saturation,
            *histogram[:5], *rings,
        ]
    )  # fmt: skip


def prepare_signal(signal: NDArray[Any], length: int) -> Floats:
    """Resampled to ``length`` and scaled to zero mean, unit spread."""
    flat = np.nan_to_num(np.asarray(signal, np.float32)).reshape(len(signal), -1)[:, 0]
    if len(flat) != length:
        at = np.linspace(0, len(flat) - 1, length)
        flat = np.interp(at, np.arange(len(flat)), flat).astype(np.float32)
    unit: Floats = (flat - flat.mean()) / max(float(flat.std()), 1e-6)
    return unit


class Preparer:
    """Turns raw data of one kind into the input of one kind of learner.

    Parameters
    ----------
    task, form : what the data are, and ``pixels`` or ``features``
    settings : stored with the model: size, channels, length
    """

    def __init__(self, task: Task, form: str, settings: dict[str, Any]) -> None:
        self.task = task
        self.form = form
        self.settings = settings

    def raw(self, reader: CaseReader, case: Case) -> NDArray[Any]:
        """Untouched data of a case."""
        if self.task is Task.TABLE:
            return reader.row(case)
        if self.task is Task.SIGNAL:
            return reader.signal(case)
        return reader.image(case)

    def input_of(self, raw: NDArray[Any]) -> NDArray[Any]:
        """Input of the learner for one case."""
        if self.task is Task.TABLE:
            return np.asarray(raw, np.float64)
        if self.form == "sequence":
            return sequence_of(raw, self.settings)
        if self.task is Task.SIGNAL:
            samples = prepare_signal(raw, int(self.settings["length"]))
            if self.settings.get("signal_features") != MEASURED:
                return samples
            return np.concatenate([samples, signal_features(samples)]).astype(np.float32)
        if self.form == "features":  # a model without the name is older than the other sets
            return picture_features(raw, str(self.settings.get("features", BASIC)))
        return prepare_picture(
            raw, size=int(self.settings["size"]), channels=int(self.settings["channels"])
        )

    def gate_of(self, raw: NDArray[Any]) -> NDArray[np.float64]:
        """Vector of the in-distribution check for one case."""
        if self.task is Task.TABLE:
            return np.asarray(raw, np.float64)
        if self.task is Task.SIGNAL:
            values = filled(recorded(raw))[:, 0]
            step = np.diff(values)
            return np.array([values.mean(), values.std(), values.min(), values.max(),
                             np.abs(step).mean(), np.log(len(values))])  # fmt: skip
        return gate_picture(raw)

    def prepare(
        self,
        cohort: Cohort,
        folder: Path,
        cases: Sequence[Case],
        *,
        tick: Callable[[int], None] | None = None,
    ) -> Prepared:
        """All inputs of some cases.

        Raises
        ------
        BadInputError
            None of them can be read.
        """
        reader = CaseReader(cohort, folder)
        inputs, labels, kept, gates, steps = [], [], [], [], []
        unreadable: dict[str, str] = {}
        for i, case in enumerate(cases):
            if tick is not None:
                tick(i)
            try:
                raw = self.raw(reader, case)
                found, gate = self.input_of(raw), self.gate_of(raw)
            except MedbenchError as error:
                unreadable[case.case_id] = str(error)
                continue
            inputs.append(found)
            if self.settings.get("answer") == EACH_STEP:
                steps.append(steps_of(reader.steps(case), self.settings))
            gates.append(gate)
            labels.append(-1 if case.label is None else case.label)
            kept.append(case)
        if not kept:
            reason = next(iter(unreadable.values()), "there is none")
            raise BadInputError(f"None of the {len(cases)} cases can be read: {reason}.")
        return Prepared(
            np.stack(inputs), np.array(labels, np.int64), kept, np.stack(gates), unreadable,
            np.stack(steps) if steps else None,
        )  # fmt: skip
