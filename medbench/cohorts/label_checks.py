"""Checks of classes and columns: what cannot be learned, named with its rows before training."""

from collections import Counter, defaultdict
from pathlib import Path

import numpy as np

from medbench.domain.cohort import Case, CheckResult, Cohort, ItemKind, Role, Split, Task

FEW = 5
"""A class with fewer cases than this is named."""
_CONFOUNDERS = (
    "view", "viewposition", "view_position", "projection", "position", "source", "site",
    "hospital", "institution", "device", "machine", "manufacturer", "scanner", "model", "format",
    "size", "original_size", "original_mode", "folder", "modality", "year",
)  # fmt: skip
_LEANS = 0.3
_CHI2 = 10.83
"""0.999 quantile of chi-squared with one degree of freedom: the least that counts as a leaning."""
_NAMED = 6


def label_checks(cohort: Cohort, split: Split | None, folder: Path) -> list[CheckResult]:
    """Rare and unlearnable classes, empty and unlearned values of columns, leaning attributes."""
    found = [_rare(cohort, split), _leaning(cohort)]
    if split is not None:
        found.insert(0, _unlearned(cohort, split))
    if cohort.task is Task.TABLE:
        found += _columns(cohort, split, folder)
    return found


def cramers_v(first: list[str], second: list[str]) -> float:
    """Association of two categorical columns, 0 to 1 (Cramér 1946)."""
    n = len(first)
    joint, rows, columns = Counter(zip(first, second, strict=True)), Counter(first), Counter(second)
    if min(len(rows), len(columns)) < 2:
        return 0.0
    chi2 = sum(
        (joint[a, b] - rows[a] * columns[b] / n) ** 2 / (rows[a] * columns[b] / n)
        for a in rows
        for b in columns
    )
    return float((chi2 / (n * (min(len(rows), len(columns)) - 1))) ** 0.5)


def _some(ids: list[str]) -> str:
    more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
    return ", ".join(ids[:_NAMED]) + more


def _unlearned(cohort: Cohort, split: Split) -> CheckResult:
    """Classes that validation or test hold and the training part does not."""
    holders: dict[int, dict[Role, list[str]]] = defaultdict(lambda: defaultdict(list))
    for case in cohort.cases:
        if case.label is not None and case.case_id in split.roles:
            holders[case.label][split.roles[case.case_id]].append(case.case_id)
    words, ids = [], []
    for label in sorted(holders):
        parts = holders[label]
        if Role.TRAIN in parts:
            continue
        own = [case_id for role in parts for case_id in parts[role]]
        where = " and ".join(role.value for role in (Role.VAL, Role.TEST) if role in parts)
        words.append(f"{cohort.classes[label]} is in {where} only ({_some(own)})")
        ids += own
    detail = (
        f"{'; '.join(words)}: no training case shows it, so it can never be answered."
        if words
        else "Every class of the validation and test parts is in the training part."
    )
    return CheckResult(
        "class-not-in-training", "Every class can be learned", not words, True, len(ids), detail,
        tuple(ids),
    )  # fmt: skip


def _rare(cohort: Cohort, split: Split | None) -> CheckResult:
    """Classes with a handful of cases: they are learned, but nothing about them can be measured."""
    by_class: dict[int, list[Case]] = defaultdict(list)
    for case in cohort.cases:
        if case.label is not None and (
            split is None or split.roles.get(case.case_id) in (Role.TRAIN, Role.VAL)
        ):
            by_class[case.label].append(case)
    words, ids = [], []
    for label in sorted(by_class):
        own = [case.case_id for case in by_class[label]]
        if len(own) < FEW:
            words.append(f"{cohort.classes[label]} has {len(own)} cases ({_some(own)})")
            ids += own
    detail = (
        f"{'; '.join(words)}: too few to measure anything."
        if words
        else f"Every class has at least {FEW} cases."
    )
    return CheckResult(
        "rare-class", "Enough cases a class", not words, False, len(ids), detail, tuple(ids)
    )


def _leaning(cohort: Cohort) -> CheckResult:
    """Attributes of acquisition that lean with the label: confounders to look inside of."""
    labelled = [case for case in cohort.cases if case.label is not None]
    labels = [str(case.label) for case in labelled]
    words = []
    for key in sorted({key for case in labelled for key in case.attributes}):
        if key.lower().replace(" ", "_") not in _CONFOUNDERS:
            continue
        cells = [case.attributes.get(key, "") for case in labelled]
        if not 2 <= len(set(cells)) <= 12:
            continue
        strength = cramers_v(cells, labels)
        if strength >= _LEANS and strength**2 * len(labelled) >= _CHI2:
            words.append(f"{key} ({strength:.2f})")
    detail = (
        f"The label leans with {', '.join(words)}: a confounder. Compare the numbers inside each "
        "of its values."
        if words
        else "No view, source, device or file form leans with the label."
    )
    views = {"view", "viewposition", "view_position", "projection"}
    if cohort.task is Task.IMAGE and not any(
        key.lower().replace(" ", "_") in views for case in labelled for key in case.attributes
    ):
        detail += " The view of the pictures is not recorded: it cannot be looked into."
    return CheckResult(
        "confounder", "No confounder of acquisition", not words, False, len(words), detail
    )


def _columns(cohort: Cohort, split: Split | None, folder: Path) -> list[CheckResult]:
    train, other = [], []
    for case in cohort.cases:
        if case.label is None or not case.items or case.items[0].kind is not ItemKind.ROW:
            continue
        role = None if split is None else split.roles.get(case.case_id)
        if split is None or role is Role.TRAIN:
            train.append(case)
        elif role is not None:
            other.append(case)
    try:
        rows, rest = _rows(train, folder, cohort), _rows(other, folder, cohort)
    except (OSError, ValueError, IndexError):
        return []  # the check 'unreadable' names the file
    where = "the cohort" if split is None else "the training part"
    empty = [
        feature.name
        for feature, column in zip(cohort.features, rows.T, strict=True)
        if len(rows) and np.isnan(column).all()
    ]
    result = CheckResult(
        "empty-column", "No empty column", not empty, False, len(empty),
        f"{_some(empty)}: not one value in {where}; nothing is learned from it."
        if empty
        else f"Every column has values in {where}.",
    )  # fmt: skip
    words, ids = [], []
    for k, feature in enumerate(cohort.features):
        if not feature.categories:
            continue
        known = set(rows[:, k][~np.isnan(rows[:, k])].tolist())
        strange = [
            (case.case_id, feature.categories[int(value)])
            for case, value in zip(other, rest[:, k], strict=True)
            if not np.isnan(value) and value not in known
        ]
        if strange:
            texts = sorted({text for _, text in strange})
            words.append(f"{feature.name}: {_some(texts)} ({_some([i for i, _ in strange])})")
            ids += [case_id for case_id, _ in strange]
    unseen = CheckResult(
        "unseen-category", "Every category can be learned", not words, False, len(set(ids)),
        f"{'; '.join(words)}: in no training case; treated like a missing value."
        if words
        else "Every category of later parts is in the training part.",
        tuple(sorted(set(ids))),
    )  # fmt: skip
    return [result, unseen]


def _rows(cases: list[Case], folder: Path, cohort: Cohort) -> np.ndarray:
    """(cases, columns) of the stored table; NaN = missing."""
    found = np.full((len(cases), len(cohort.features)), np.nan)
    places: dict[str, list[int]] = defaultdict(list)
    for at, case in enumerate(cases):
        places[case.items[0].path].append(at)
    for name, own in places.items():
        if Path(name).name != name:
            raise ValueError(name)
        table = np.load(folder / name, mmap_mode="r", allow_pickle=False)
        found[own] = table[[cases[at].items[0].index for at in own]]
    return found
