"""Cohort > Case > Item, and the Split by patient."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Task(StrEnum):
    """What the cases are made of."""

    IMAGE = "image"
    TABLE = "table"
    SIGNAL = "signal"
    VOLUME = "volume"
    SEGMENTATION = "segmentation"
    """Pictures or volumes, each with a mask whose values are the classes."""


class Role(StrEnum):
    """Role of a patient in a split."""

    TRAIN = "train"
    VAL = "val"
    TEST = "test"


class ItemKind(StrEnum):
    """How an item's data are reached."""

    FILE = "file"
    """An image, volume or signal file: ``path`` relative to the cohort folder or absolute."""
    DICOM = "dicom"
    """A DICOM display: ``path`` = file or folder, ``key`` = display id or empty."""
    ARRAY = "array"
    """Row ``index`` of the .npy ``path`` inside the cohort folder."""
    ROW = "row"
    """Row ``index`` of the table ``path`` (.npy float64, NaN = missing) in the cohort folder."""


@dataclass(frozen=True)
class Item:
    """One piece of data of a case."""

    kind: ItemKind
    path: str
    index: int = 0
    key: str = ""
    sha256: str = ""
    """Of the file, or of the row's bytes: what the duplicate check and the freeze compare."""


@dataclass(frozen=True)
class Case:
    """One labelled case of one patient."""

    case_id: str
    patient_id: str
    label: int | None
    """Index into the cohort's classes; None = unlabelled."""
    items: tuple[Item, ...]
    attributes: Mapping[str, str] = field(default_factory=dict)
    """Age, sex, view, source and the like, as text."""
    labelled_by: str = ""
    labelled_at: str = ""
    """ISO 8601; '' where the source does not say."""
    ai_seen_first: bool | None = None
    """Whether a model's answer was on the screen before the label was given; None = not known."""
    ai_model: str = ""
    """The version whose answer it was, ``name/number``."""
    mask: Item | None = None
    """Segmentation: the label map; its values are indices into the cohort's classes."""
    structures: tuple[int, ...] = ()
    """Segmentation: classes that the mask holds, background left out; () = an empty mask."""


@dataclass(frozen=True)
class Feature:
    """One column of a table cohort."""

    name: str
    categories: tuple[str, ...] = ()
    """Empty for a number; else the texts, coded 0, 1, 2 ... in the array."""


@dataclass(frozen=True)
class Cohort:
    """A labelled selection of cases: the manifest ``cohort.json``."""

    name: str
    task: Task
    target: str
    """What is predicted, e.g. the column's or finding's name."""
    classes: tuple[str, ...]
    positive: int
    """Index of the positive class; for more than two classes the one shown first."""
    cases: tuple[Case, ...]
    features: tuple[Feature, ...] = ()
    source: str = ""
    """Kind of source and its base name; never a full path."""
    created: str = ""
    patient_known: bool = True
    """False when the source names no patients: each case is then taken as its own patient."""
    simulated: bool = False
    notes: tuple[str, ...] = ()
    """What the importer left out or noticed, in plain words."""
    digest: str = ""
    """SHA-256 over classes, labels, patients and item hashes."""


@dataclass(frozen=True)
class Override:
    """A failed check knowingly overridden."""

    check: str
    reason: str
    who: str
    when: str


@dataclass(frozen=True)
class Split:
    """Frozen assignment of patients to roles: the file ``split.json``."""

    method: str
    """'patient-stratified', 'column:NAME', 'prefix'."""
    seed: int | None
    roles: Mapping[str, Role]
    """case_id -> role."""
    cohort_digest: str
    digest: str = ""
    overrides: tuple[Override, ...] = ()


@dataclass(frozen=True)
class CheckResult:
    """One line of the leakage and quality report."""

    check: str
    """Stable id, e.g. 'same-patient', 'exact-duplicate', 'unreadable', 'one-class'."""
    title: str
    passed: bool
    blocking: bool
    count: int
    detail: str
    case_ids: tuple[str, ...] = ()
    overridden: bool = False


@dataclass(frozen=True)
class Fingerprint:
    """What the training part looks like; the plan is derived from this and nothing else."""

    task: Task
    n_cases: int
    n_patients: int
    class_counts: tuple[int, ...]
    values: Mapping[str, Any] = field(default_factory=dict)
    """Task-specific, JSON-able: image sizes, grey-level statistics, missing cells ..."""
