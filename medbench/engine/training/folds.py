"""Folds by patient, stratified by class; identical cases stay together like one patient."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from medbench.base.errors import BadInputError
from medbench.cohorts.split import groups_of
from medbench.domain.cohort import Case

Indices = NDArray[np.int64]


def group_numbers(cases: Sequence[Case]) -> Indices:
    """A number per case; equal for cases of one patient and for byte-identical ones."""
    number = {
        case.case_id: at for at, group in enumerate(groups_of(tuple(cases))) for case in group
    }
    return np.array([number[case.case_id] for case in cases], np.int64)


def grouped_folds(
    labels: Indices, groups: Indices, count: int, seed: int
) -> list[tuple[Indices, Indices]]:
    """(learned, held-out) indices of ``count`` folds; no group is in both.

    Raises
    ------
    BadInputError
        A class has fewer independent patients than there are folds.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    for k in np.unique(labels):
        if (patients := len(np.unique(groups[labels == k]))) < 2:
            raise BadInputError(
                f"Class number {k + 1} has {patients} independent patient: "
                "folds need two of each class at least."
            )
    if len(np.unique(groups)) < count:
        raise BadInputError(
            f"{len(np.unique(groups))} independent patients cannot be cut into {count} folds."
        )
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    return [
        (np.asarray(a, np.int64), np.asarray(b, np.int64))
        for a, b in splitter.split(np.zeros(len(labels)), labels, groups)
    ]


def inner_count(labels: Indices, groups: Indices, wanted: int) -> int:
    """Folds the smallest class can fill, at most ``wanted``; below 2 there are none."""
    smallest = min(len(np.unique(groups[labels == k])) for k in np.unique(labels))
    return min(wanted, smallest)
