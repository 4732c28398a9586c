"""Cohort folders: ``cohort.json``, ``split.json`` and cached arrays; written atomically."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from medbench.base.atomic import atomic_write_json, read_json
from medbench.base.errors import BadInputError
from medbench.base.hashing import sha256_json
from medbench.domain.cohort import Cohort, Split
from medbench.domain.records import from_json, to_json

SCHEMA = 1


def cohort_digest(cohort: Cohort) -> str:
    """SHA-256 over task, classes, features and each case's patient, label and item hashes."""
    rows = [
        [case.case_id, case.patient_id, case.label, [item.sha256 for item in case.items]]
        + ([] if case.mask is None else [case.mask.sha256])
        for case in cohort.cases
    ]
    features = [[f.name, list(f.categories)] for f in cohort.features]
    return sha256_json(
        [cohort.task.value, list(cohort.classes), cohort.positive, features, sorted(rows, key=str)]
    )


def split_digest(split: Split) -> str:
    """SHA-256 over who plays which role."""
    roles = {case: role.value for case, role in split.roles.items()}
    return sha256_json([split.method, split.seed, split.cohort_digest, sorted(roles.items())])


def write_cohort(folder: Path, cohort: Cohort) -> Cohort:
    """Write the manifest with its digest; returns the cohort as stored."""
    folder.mkdir(parents=True, exist_ok=True)
    cohort = replace(cohort, digest=cohort_digest(cohort))
    atomic_write_json(folder / "cohort.json", {"schema": SCHEMA, **to_json(cohort)})
    return cohort


def read_cohort(folder: Path) -> Cohort:
    """Read and check a manifest.

    Raises
    ------
    BadInputError
        No cohort there, a newer schema, or labels changed without the digest.
    """
    file = Path(folder) / "cohort.json"
    if not file.exists():
        raise BadInputError(f"{folder} holds no cohort (cohort.json is missing).")
    stored = read_json(file)
    _check_schema(stored, file)
    cohort = from_json(Cohort, stored)
    if cohort.digest != cohort_digest(cohort):
        raise BadInputError(
            f"{file} was changed by hand: its digest no longer fits. Build the cohort again."
        )
    return cohort


def write_split(folder: Path, split: Split) -> Split:
    """Write the split with its digest; returns it as stored."""
    split = replace(split, digest=split_digest(split))
    atomic_write_json(folder / "split.json", {"schema": SCHEMA, **to_json(split)})
    return split


def read_split(folder: Path, cohort: Cohort | None = None) -> Split | None:
    """The frozen split, or None when there is none yet.

    Raises
    ------
    BadInputError
        It was edited, or belongs to another state of the cohort.
    """
    file = Path(folder) / "split.json"
    if not file.exists():
        return None
    stored = read_json(file)
    _check_schema(stored, file)
    split = from_json(Split, stored)
    if split.digest != split_digest(split):
        raise BadInputError(f"{file} was changed by hand: split the cohort again.")
    if cohort is not None and split.cohort_digest != cohort.digest:
        raise BadInputError(f"{file} belongs to another state of the cohort: split it again.")
    return split


def _check_schema(stored: Any, file: Path) -> None:
    if not isinstance(stored, dict) or not isinstance(stored.get("schema"), int):
        raise BadInputError(f"{file} is no cohort file.")
    if stored["schema"] > SCHEMA:
        raise BadInputError(f"{file} was made by a newer medbench; update this one to open it.")
