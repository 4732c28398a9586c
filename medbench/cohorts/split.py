"""Splits: patients to roles, stratified by class, frozen; overrides and repairs.

Patients are never cut apart, and neither are exact duplicates: patients who share identical bytes
are assigned together, so that no picture or row is both learned and tested.
"""

import random
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from medbench.base.errors import BadInputError
from medbench.base.ids import now_iso
from medbench.cohorts.roles import role_of_word
from medbench.cohorts.store import read_cohort, read_split, write_split
from medbench.domain.cohort import Case, Cohort, Override, Role, Split


def groups_of(cases: tuple[Case, ...]) -> list[list[Case]]:
    """Cases that must stay together: same patient, or identical bytes of an item."""
    parent: dict[str, str] = {}

    def root(key: str) -> str:
        while parent.setdefault(key, key) != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for case in cases:
        patient = root(f"p:{case.patient_id}")
        for item in case.items:
            if item.sha256:
                parent[root(f"h:{item.sha256}")] = patient
                patient = root(patient)
    groups: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        groups[root(f"p:{case.patient_id}")].append(case)
    return [groups[key] for key in sorted(groups)]


def split_by_patient(
    cohort: Cohort, *, val: float = 0.15, test: float = 0.15, seed: int = 0
) -> Split:
    """Assign groups of patients, stratified by their most frequent class.

    Raises
    ------
    BadInputError
        The parts make no sense, or too few patients are labelled.
    """
    if not (0 <= test < 1 and 0 < val < 1 and val + test < 1):
        raise BadInputError(
            f"val {val} and test {test} must be parts of 1 that leave something to train on."
        )
    labelled = tuple(case for case in cohort.cases if case.label is not None)
    groups = groups_of(labelled)
    if len(groups) < 3:
        raise BadInputError(
            f"{len(groups)} independent patients are labelled; a split by patient needs at least 3."
        )
    strata: dict[int, list[list[Case]]] = defaultdict(list)
    for group in groups:
        labels = [case.label for case in group if case.label is not None]
        strata[max(sorted(set(labels)), key=labels.count)].append(group)
    shares = {Role.TRAIN: 1 - val - test, Role.VAL: val, Role.TEST: test}
    roles: dict[str, Role] = {}
    dice = random.Random(seed)
    for label in sorted(strata):
        stratum = sorted(strata[label], key=_group_name)
        dice.shuffle(stratum)
        total = sum(len(group) for group in stratum)
        # the part that lacks most of its share is served next; at a tie train, then val
        need = {role: share * total for role, share in shares.items() if share > 0}
        for group in stratum:
            fitting = [r for r in need if len(group) <= max(1.0, shares[r] * total)]
            role = max(fitting or [Role.TRAIN], key=lambda r: need[r] / (shares[r] * total))
            need[role] -= len(group)
            roles.update({case.case_id: role for case in group})
    return Split("patient-stratified", seed, roles, cohort.digest)


def _group_name(group: list[Case]) -> str:
    return min(case.case_id for case in group)


def split_from_column(cohort: Cohort, column: str) -> Split:
    """Take the roles that the source itself names in an attribute.

    Raises
    ------
    BadInputError
        No case has the attribute, or a cell is no role.
    """
    labelled = [case for case in cohort.cases if case.label is not None]
    if not any(column in case.attributes for case in labelled):
        known = sorted({key for case in labelled for key in case.attributes})
        raise BadInputError(
            f"The cohort has no column {column!r} with train, val and test; "
            f"it has {', '.join(known) or 'none'}."
        )
    roles: dict[str, Role] = {}
    for case in labelled:
        cell = case.attributes.get(column, "")
        role = role_of_word(cell)
        if role is None:
            raise BadInputError(
                f"Case {case.case_id}: {cell!r} in column {column!r} is none of train, val, test."
            )
        roles[case.case_id] = role
    return Split(f"column:{column}", None, roles, cohort.digest)


def extend_split(split: Split, cohort: Cohort) -> Split:
    """Keep every role of a frozen split; patients it does not know join the training part."""
    by_patient: dict[str, Role] = {}
    for case in cohort.cases:
        if case.case_id in split.roles:
            by_patient.setdefault(case.patient_id, split.roles[case.case_id])
    roles = {
        case.case_id: split.roles.get(case.case_id, by_patient.get(case.patient_id, Role.TRAIN))
        for case in cohort.cases
        if case.label is not None
    }
    return replace(split, roles=roles, cohort_digest=cohort.digest)


def drop_duplicates(cohort: Cohort, roles: Mapping[str, Role]) -> tuple[dict[str, Role], int]:
    """Take cases out of the training (then validation) part that a later part also holds."""
    order = [Role.TEST, Role.VAL, Role.TRAIN]
    seen: set[str] = set()
    kept: dict[str, Role] = {}
    by_role: dict[Role, list[Case]] = defaultdict(list)
    for case in cohort.cases:
        if case.case_id in roles:
            by_role[roles[case.case_id]].append(case)
    for role in order:
        hashes: set[str] = set()
        for case in by_role[role]:
            own = {item.sha256 for item in case.items if item.sha256}
            if own & seen:
                continue
            kept[case.case_id] = role
            hashes |= own
        seen |= hashes
    return {c: r for c, r in roles.items() if c in kept}, len(roles) - len(kept)


def resolve_duplicates(folder: Path) -> int:
    """Repair a split in place; returns how many cases left it."""
    cohort = read_cohort(folder)
    split = _required_split(folder, cohort)
    roles, dropped = drop_duplicates(cohort, split.roles)
    if dropped:
        write_split(folder, replace(split, roles=roles, method=f"{split.method}, duplicates out"))
    return dropped


def override(folder: Path, check: str, reason: str, who: str) -> Split:
    """Record that a failed check is knowingly accepted; stays with every model trained on it.

    Raises
    ------
    BadInputError
        No split, or no reason or name was given.
    """
    if not reason.strip() or not who.strip():
        raise BadInputError("An override needs a reason and the name of who takes it.")
    split = _required_split(folder, read_cohort(folder))
    entry = Override(check, reason.strip(), who.strip(), now_iso())
    return write_split(folder, replace(split, overrides=(*split.overrides, entry)))


def _required_split(folder: Path, cohort: Cohort) -> Split:
    split = read_split(folder, cohort)
    if split is None:
        raise BadInputError(f"{folder} has no split yet. Run: medbench cohort split {folder}")
    return split
