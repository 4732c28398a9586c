"""Run > Checkpoint > ModelVersion, metrics with intervals, predictions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Stage(StrEnum):
    """Stage of a model version; only `APPROVED` ones run in Review."""

    CANDIDATE = "candidate"
    APPROVED = "approved"
    RETIRED = "retired"


class RestsOn(StrEnum):
    """What an evaluation rests on, worst first."""

    RESUBSTITUTION = "resubstitution"
    VALIDATION = "validation"
    INTERNAL_TEST = "internal test"
    EXTERNAL = "external"


@dataclass(frozen=True)
class Metric:
    """A number with its 95 % interval and what it was counted over.

    ``value`` is None where it is undefined (no such cases); it is never NaN.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    """Cases the denominator counts."""
    events: int
    """Cases of the positive class in the evaluated set."""


@dataclass(frozen=True)
class PlanRow:
    """One choice of a training plan with its reason in plain words."""

    key: str
    """Stable id, also the key of ``--set key=value``."""
    title: str
    value: Any
    """JSON-able."""
    reason: str
    set_by_user: bool = False
    choices: tuple[Any, ...] = ()
    """Allowed values, empty when free."""
    unit: str = ""


@dataclass(frozen=True)
class ModelVersion:
    """An immutable, registered model: the folder ``models/<name>/<number>``."""

    name: str
    number: int
    stage: Stage
    learner: str
    task: str
    classes: tuple[str, ...]
    positive: int
    threshold: float
    calibrated: bool
    weights_sha256: str
    run_id: str
    cohort_name: str
    cohort_digest: str
    split_digest: str
    created: str
    validation: Mapping[str, Metric] = field(default_factory=dict)
    simulated: bool = False
    trusted: bool = True

    @property
    def label(self) -> str:
        """``name/number``, as the command line takes it."""
        return f"{self.name}/{self.number}"


@dataclass(frozen=True)
class Transition:
    """One line of a version's history."""

    when: str
    who: str
    from_stage: str
    to_stage: str
    reason: str


@dataclass(frozen=True)
class Prediction:
    """Output of a ModelVersion for one input; a statement of a model, not of a reader."""

    model: str
    """``name/number``."""
    weights_sha256: str
    input_id: str
    classes: tuple[str, ...]
    scores: tuple[float, ...]
    """Calibrated probabilities if ``calibrated``, else scores."""
    calibrated: bool
    threshold: float
    positive: int
    decision: str
    """Class name at the stored threshold; empty when withheld."""
    in_distribution: bool | None
    """None when the model stores no statistics to tell."""
    in_distribution_percentile: float | None = None
    overlay_path: str = ""
    """.npy float32 0..1 (rows, columns) of the attribution map at the input's size."""
    stage: str = ""
    simulated: bool = False
    seconds: float = 0.0
    reason: str = ""
    """Why the answer was withheld or the input refused."""
    label_map_path: str = ""
    """Segmentation: the label map on the input's own grid, NIfTI, or PNG of a picture."""
    volumes: Mapping[str, float] = field(default_factory=dict)
    """Segmentation: size of each structure in ``volume_unit``."""
    volume_unit: str = ""
    """``mL``, or ``px`` where the input has no millimetres."""
    explanation: Mapping[str, Any] = field(default_factory=dict)
    """Of a table row: base, value and the columns' contributions, which add up; else empty."""
