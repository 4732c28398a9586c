"""What a reader states about a study, what a model suggested, and what became of it."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from medbench.domain.measurement import Place, Site


class Certainty(StrEnum):
    """How sure the reader is of a finding."""

    POSSIBLE = "possible"
    PROBABLE = "probable"
    DEFINITE = "definite"

    @property
    def bars(self) -> int:
        """1 to 3."""
        return list(Certainty).index(self) + 1


class Origin(StrEnum):
    """Where a finding comes from."""

    READER = "reader"
    AI_ACCEPTED = "AI accepted"
    AI_EDITED = "AI edited"


class Verdict(StrEnum):
    """What a reader did with a suggestion."""

    ACCEPTED = "accepted"
    EDITED = "edited"
    REJECTED = "rejected"


class ReadingState(StrEnum):
    """How far a study was read; opening it changes nothing."""

    UNREAD = "unread"
    REVIEWED = "reviewed"
    REPORTED = "reported"


@dataclass(frozen=True)
class ModelMention:
    """The model version behind a finding, as it answered then."""

    model: str
    """``name/number``."""
    weights_sha256: str
    score: float
    threshold: float
    calibrated: bool
    stage: str = ""
    simulated: bool = False


@dataclass(frozen=True)
class Finding:
    """A statement owned by a reader; immutable, replaced by changed copies."""

    stored_as: ClassVar[str] = "finding"

    finding_id: str
    site: Site
    number: int
    """Counts within the study and is never given twice while it exists: F1, F2 ..."""
    text: str = ""
    """In the reader's words: 'Patchy opacity'."""
    label: str = ""
    """Class name it stands for in cohorts and models; '' = none."""
    place: str = ""
    """Side and zone in words: 'right lower zone'."""
    certainty: Certainty = Certainty.PROBABLE
    absent: bool = False
    """The reader states that it is not there."""
    origin: Origin = Origin.READER
    outline: tuple[Place, ...] = ()
    """Closed, (row, column) of the picture of its site; empty = the whole picture."""
    measurement_ids: tuple[str, ...] = ()
    ai: ModelMention | None = None
    suggestion_id: str = ""
    ai_seen_first: bool = False
    """Whether a model's answer for the study was on the screen before this was stated."""
    reader: str = ""
    created: str = ""
    changed: str = ""
    """ISO 8601."""

    @property
    def record_id(self) -> str:
        """Key in the reading book."""
        return self.finding_id

    @property
    def study_instance_uid(self) -> str:
        """Study it belongs to."""
        return self.site.study_instance_uid

    @property
    def tag(self) -> str:
        """What stands beside it on the picture."""
        return f"F{self.number}"

    @property
    def title(self) -> str:
        """Text and place in one line."""
        return ", ".join(part for part in (self.text or self.label, self.place) if part)


@dataclass(frozen=True)
class Region:
    """One part of an attribution map: what drove a score, not the outline of a lesion."""

    outline: tuple[Place, ...]
    share: float
    """Of the map's sum, 0..1."""
    place: str = ""


@dataclass(frozen=True)
class InputCheck:
    """Whether a picture is of the kind that a model reads; ``passed`` None = not stated."""

    key: str
    title: str
    passed: bool | None
    detail: str = ""


@dataclass(frozen=True)
class AiResult:
    """A model's answer for one frame, kept with the study."""

    stored_as: ClassVar[str] = "ai_result"

    result_id: str
    site: Site
    model: str
    weights_sha256: str
    label: str
    """The positive class."""
    score: float
    """Of the positive class; a probability only if ``calibrated``."""
    calibrated: bool
    threshold: float
    decision: str
    in_distribution: bool | None
    percentile: float | None = None
    """Share of known pictures that are more typical, percent."""
    low: float | None = None
    high: float | None = None
    """95 % interval of the score; None where the model gives none."""
    stage: str = ""
    simulated: bool = False
    seconds: float = 0.0
    patient_id: str = ""
    patient_birth_date: str = ""
    study_date: str = ""
    """As in `Study`."""
    regions: tuple[Region, ...] = ()
    checks: tuple[InputCheck, ...] = ()
    created: str = ""
    reader: str = ""
    """Who asked for it, and saw it first."""

    @property
    def record_id(self) -> str:
        """Key in the reading book."""
        return self.result_id

    @property
    def study_instance_uid(self) -> str:
        """Study it belongs to."""
        return self.site.study_instance_uid

    @property
    def above(self) -> bool:
        """Whether the score reaches the operating threshold."""
        return self.score >= self.threshold

    @property
    def outside(self) -> bool:
        """Whether the picture lies outside the training range."""
        return self.in_distribution is False

    @property
    def mention(self) -> ModelMention:
        """The model as findings cite it."""
        return ModelMention(
            self.model, self.weights_sha256, self.score, self.threshold, self.calibrated,
            self.stage, self.simulated,
        )  # fmt: skip

    def suggestions(self) -> tuple["Suggestion", ...]:
        """What the reader decides on: each region above the threshold, else the answer itself."""
        if self.above and self.regions:
            return tuple(Suggestion(self, i, r) for i, r in enumerate(self.regions))
        return (Suggestion(self, 0, None),)


@dataclass(frozen=True)
class Suggestion:
    """One mark of a model that waits for a reader; made from an `AiResult`, never stored."""

    result: AiResult
    number: int
    region: Region | None

    @property
    def suggestion_id(self) -> str:
        """Stable: the same model on the same frame suggests the same."""
        return f"{self.result.result_id}/{self.number}"

    @property
    def uncertainty(self) -> float:
        """Distance of the score from the threshold: 0 is the least certain."""
        return abs(self.result.score - self.result.threshold)


@dataclass(frozen=True)
class AiDecision:
    """What a reader did with a suggestion."""

    stored_as: ClassVar[str] = "ai_decision"

    suggestion_id: str
    study_instance_uid: str
    verdict: Verdict
    model: str
    weights_sha256: str
    score: float
    threshold: float
    reason: str = ""
    """Key of the list of reasons; only of rejections."""
    note: str = ""
    reader: str = ""
    when: str = ""
    finding_id: str = ""

    @property
    def record_id(self) -> str:
        """Key in the reading book."""
        return self.suggestion_id


@dataclass(frozen=True)
class ReadingStatus:
    """How far a study was read, by whom, when."""

    stored_as: ClassVar[str] = "reading_status"

    study_instance_uid: str
    state: ReadingState
    reader: str = ""
    when: str = ""

    @property
    def record_id(self) -> str:
        """Key in the reading book."""
        return self.study_instance_uid


@dataclass(frozen=True)
class ReportPart:
    """A paragraph of a report: composed, or the reader's own."""

    key: str
    """What it was composed from ('finding:...', 'measurement:...', 'ai:...', 'compared',
    'notice'); '' = the reader's own words."""
    composed: str = ""
    text: str = ""
    """What stands there; '' = the reader took it out."""
    newer: str = ""
    """What would be composed now, where the reader's change stands in the way."""

    @property
    def edited(self) -> bool:
        """Whether the reader changed it."""
        return self.text != self.composed


@dataclass(frozen=True)
class ReportDraft:
    """The report text of a study with the reader's changes."""

    stored_as: ClassVar[str] = "report_draft"

    study_instance_uid: str
    parts: tuple[ReportPart, ...] = field(default_factory=tuple)
    reader: str = ""
    changed: str = ""

    @property
    def record_id(self) -> str:
        """Key in the reading book."""
        return self.study_instance_uid

    @property
    def text(self) -> str:
        """Plain text, a paragraph a line."""
        return "\n".join(part.text for part in self.parts if part.text)


REJECTION_REASONS: tuple[str, ...] = (
    "artefact", "normal-anatomy", "device", "known", "wrong-place", "missed", "poor-picture",
    "other",
)  # fmt: skip
"""Keys; the words are the window's. 'missed' rejects an answer below the threshold."""
