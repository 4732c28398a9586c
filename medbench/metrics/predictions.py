"""Stored predictions: what every number on the dashboard is recomputed from."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from medbench.base.atomic import atomic_file
from medbench.base.errors import BadInputError


@dataclass(frozen=True)
class PredictionSet:
    """Scores of one model version on labelled cases."""

    case_ids: NDArray[np.str_]
    patient_ids: NDArray[np.str_]
    labels: NDArray[np.int64]
    """-1 = unknown."""
    scores: NDArray[np.float64]
    """(cases, classes): calibrated probabilities, or scores, see ``meta``."""
    logits: NDArray[np.float64]
    """(cases, classes), before calibration."""
    roles: NDArray[np.str_]
    meta: Mapping[str, Any] = field(default_factory=dict)
    """classes, positive, threshold, calibrated, model, cohort digests ..."""

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, chosen: NDArray[np.bool_]) -> "PredictionSet":
        """The chosen cases."""
        return PredictionSet(
            self.case_ids[chosen], self.patient_ids[chosen], self.labels[chosen],
            self.scores[chosen], self.logits[chosen], self.roles[chosen], self.meta,
        )  # fmt: skip

    @property
    def labelled(self) -> "PredictionSet":
        """Cases with a known label."""
        return self.take(self.labels >= 0)


def write_predictions(path: Path, predictions: PredictionSet) -> None:
    """Write as .npz, atomically."""

    def write(part: Path) -> None:
        with part.open("wb") as handle:
            np.savez(
                handle,
                case_id=predictions.case_ids,
                patient_id=predictions.patient_ids,
                label=predictions.labels,
                score=predictions.scores,
                logit=predictions.logits,
                role=predictions.roles,
                meta=np.array(json.dumps(dict(predictions.meta), allow_nan=False)),
            )

    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_file(path, write)


def read_predictions(path: Path) -> PredictionSet:
    """Read what `write_predictions` wrote; raises `BadInputError` for anything else."""
    try:
        with path.open("rb") as handle, np.load(handle, allow_pickle=False) as stored:
            found = PredictionSet(
                stored["case_id"],
                stored["patient_id"],
                stored["label"].astype(np.int64),
                stored["score"].astype(np.float64),
                stored["logit"].astype(np.float64),
                stored["role"],
                json.loads(str(stored["meta"])),
            )
    except (OSError, ValueError, KeyError, BadZipFile, EOFError) as error:
        raise BadInputError(f"{path} holds no predictions: {error}.") from error
    n = len(found.labels)
    if any(len(a) != n for a in (found.case_ids, found.patient_ids, found.scores, found.roles)):
        raise BadInputError(f"{path} is damaged: its columns have different lengths.")
    return found
