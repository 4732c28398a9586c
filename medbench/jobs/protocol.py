"""Messages between app and engine: JSON objects, one per ``send_bytes``.

To the engine: ``submit{job}``, ``cancel{job_id}``, ``pause{job_id}``, ``resume{job_id}``,
``ping``, ``shutdown``. From the engine: ``hello``, ``accepted``, ``progress``, ``metric``,
``artifact``, ``log``, ``paused``, ``resumed``, ``ended``, ``pong``.

``progress`` is sent at most ten times a second and the latest wins; all others are never dropped.
"""

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from medbench.base.errors import EngineError

PROTOCOL = 1
MAX_MESSAGE_BYTES = 16 << 20


class Outcome(StrEnum):
    """How a job ended, as its engine says."""

    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class TrainSpec:
    """One training run; everything the engine needs, by value or by path."""

    job_id: str
    """The run id."""
    run_folder: str
    cohort_folder: str
    learner: str
    overrides: dict[str, Any] = field(default_factory=dict)
    """Plan rows the user changed: key -> value."""
    device: str = "auto"
    seed: int = 0
    threads: int = 0
    """0 = all cores but one."""
    resume: bool = False
    """Continue from ``checkpoints/last`` of the run folder."""
    model_name: str = ""
    folds: int = 0
    """Cross-validate with so many folds by patient before the model is trained; 0 = don't."""
    repeats: int = 1
    """How often the folds are drawn anew."""
    trials: int = 0
    """Settings to try in a search by successive halving; 0 = keep the plan."""
    embedder_folder: str = ""
    """Registered network whose features replace the measured ones."""
    kind: str = "train"


@dataclass(frozen=True)
class PlanSpec:
    """Ask for the plan (rows with reasons) without training."""

    job_id: str
    cohort_folder: str
    learner: str
    overrides: dict[str, Any] = field(default_factory=dict)
    device: str = "auto"
    kind: str = "plan"


@dataclass(frozen=True)
class PredictSpec:
    """Run one model version on inputs."""

    job_id: str
    model_folder: str
    inputs: list[dict[str, Any]]
    """Each {"id"} and one of "path" (+ "display", "frame"), "npy" (modality values, 2-D), "row"."""
    out_folder: str
    explain: bool = False
    device: str = "auto"
    kind: str = "predict"


@dataclass(frozen=True)
class EvaluateSpec:
    """Score a model version on a cohort; writes ``predictions.npz`` into ``out_folder``."""

    job_id: str
    model_folder: str
    cohort_folder: str
    role: str
    """train, val, test or all."""
    out_folder: str
    device: str = "auto"
    kind: str = "evaluate"


JobSpec = TrainSpec | PlanSpec | PredictSpec | EvaluateSpec


def encode(message: dict[str, Any]) -> bytes:
    """JSON bytes of a message; NaN and infinity are refused (send None)."""
    return json.dumps(message, separators=(",", ":"), allow_nan=False).encode()


def decode(data: bytes) -> dict[str, Any]:
    """Message of JSON bytes; raises `EngineError` for anything else."""
    try:
        message = json.loads(data)
    except ValueError as error:
        raise EngineError(f"The engine sent something that is no message: {error}.") from error
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise EngineError("The engine sent a message without a type.")
    return message
