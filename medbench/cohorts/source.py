"""What an importer is: one file, one `Importer`, one line in `medbench.cohorts.importers`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from medbench.base.errors import BadInputError, CancelledError
from medbench.domain.cohort import Case, Feature, Role, Task


@dataclass(frozen=True)
class SourceOptions:
    """What the user said about a source."""

    task: Task
    label: str | None = None
    positive: tuple[str, ...] = ()
    patient: str | None = None
    structures: tuple[str, ...] = ()
    """Segmentation: names of the mask values 1, 2 ..., where the source names none."""
    on_progress: Callable[[float, str], None] | None = None
    cancelled: Callable[[], bool] | None = None

    def progress(self, fraction: float, text: str) -> None:
        """Report, and stop when the user said so."""
        if self.cancelled is not None and self.cancelled():
            raise CancelledError("Building the cohort was stopped.")
        if self.on_progress is not None:
            self.on_progress(fraction, text)


@dataclass
class Imported:
    """What an importer hands over; arrays are stored under their names."""

    target: str
    classes: tuple[str, ...]
    positive: int
    cases: list[Case]
    features: tuple[Feature, ...] = ()
    arrays: dict[str, np.ndarray[Any, Any]] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=dict)
    patient_known: bool = True
    simulated: bool = False
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Importer:
    """One kind of source."""

    name: str
    tasks: frozenset[Task]
    accepts: Callable[[Path, SourceOptions], bool]
    read: Callable[[Path, SourceOptions], Imported]


def code_labels(
    texts: list[str | None], positive: tuple[str, ...]
) -> tuple[tuple[str, ...], int, list[int | None]]:
    """Classes, index of the positive one, and a code per text (None stays None).

    With ``positive`` values there are two classes: those values together, and the rest. Otherwise
    two classes are sorted so that the second one is positive; common names of disease win.
    """
    known = sorted({t for t in texts if t is not None}, key=_natural)
    if not known:
        raise BadInputError("No case has a label.")
    if positive:
        if unknown := [p for p in positive if p not in known]:
            raise BadInputError(
                f"No case is labelled {unknown[0]!r}; the labels are {', '.join(known[:12])}."
            )
        rest = [k for k in known if k not in positive]
        negative_name = rest[0] if len(rest) == 1 else "other"
        positive_name = positive[0] if len(positive) == 1 else "positive"
        if set(known[:1]) == {"0"} and rest == ["0"]:
            negative_name = "0"
        classes = (negative_name, positive_name)
        return classes, 1, [None if t is None else int(t in positive) for t in texts]
    if len(known) > 100:
        raise BadInputError(
            f"The label column holds {len(known)} different values: it is no class label."
        )
    index = {name: i for i, name in enumerate(known)}
    return tuple(known), _guess_positive(known), [None if t is None else index[t] for t in texts]


_DISEASE = ("pneumonia", "malignant", "opacity", "covid", "positive", "abnormal", "disease", "sick")


def _guess_positive(known: list[str]) -> int:
    for word in _DISEASE:
        for i, name in enumerate(known):
            if name.lower().startswith(word):
                return i
    return len(known) - 1 if len(known) == 2 else min(1, len(known) - 1)


def _natural(text: str) -> tuple[int, float, str]:
    try:
        return 0, float(text), text
    except ValueError:
        return 1, 0.0, text
