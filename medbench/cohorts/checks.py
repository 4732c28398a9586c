"""Leakage and quality checks: what would make the numbers lie, one result a check."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

from medbench.base.errors import LeakageError
from medbench.cohorts.label_checks import cramers_v, label_checks
from medbench.cohorts.mask_checks import mask_checks
from medbench.cohorts.reading import item_path
from medbench.cohorts.signal_checks import is_step_labelled, signal_checks
from medbench.domain.cohort import Case, CheckResult, Cohort, Item, ItemKind, Role, Split, Task

_SHOWN = 200
_FOLLOWS = 0.9
_SMALL = 10


def run_checks(cohort: Cohort, split: Split | None, folder: Path) -> tuple[CheckResult, ...]:
    """All checks; without a split those that need one are left out."""
    masks = cohort.task is Task.SEGMENTATION
    results = [_unreadable(cohort, folder)]
    steps = cohort.task is Task.SIGNAL and is_step_labelled(cohort)
    results += mask_checks(cohort, split) if masks else []
    results += [] if masks or steps else [_one_class(cohort, split)]
    if split is not None:
        results += [_same_patient(cohort, split), _exact_duplicate(cohort, split)]
        results += [] if masks or steps else [_class_in_every_part(cohort, split)]
    results += [] if masks or steps else label_checks(cohort, split, folder)
    results += signal_checks(cohort, folder) if cohort.task is Task.SIGNAL else []
    results += [
        _repeated(cohort),
        _contradicting(cohort),
        _label_follows_attribute(cohort),
        _patients_known(cohort),
        _unlabelled(cohort),
    ]
    if split is None:
        return tuple(results)
    overridden = {o.check for o in split.overrides}
    return tuple(
        CheckResult(
            r.check, r.title, r.passed, r.blocking, r.count, r.detail, r.case_ids[:_SHOWN],
            r.check in overridden and not r.passed,
        )
        for r in results
    )  # fmt: skip


def blocking(results: Iterable[CheckResult]) -> list[CheckResult]:
    """Results that stand in the way of training."""
    return [r for r in results if not r.passed and r.blocking and not r.overridden]


def require_clean(results: Iterable[CheckResult]) -> None:
    """Raise `LeakageError` naming the first result that blocks."""
    if found := blocking(results):
        first = found[0]
        more = f" ({len(found) - 1} more checks fail)" if len(found) > 1 else ""
        raise LeakageError(
            f"Training is blocked: {first.detail}{more} Resolve it, or override the check "
            f"'{first.check}' with a reason."
        )


def _result(
    check: str, title: str, ids: Iterable[str], bad: str, good: str, *, blocks: bool
) -> CheckResult:
    found = tuple(sorted(set(ids)))
    return CheckResult(check, title, not found, blocks, len(found), bad if found else good, found)


def _one_class(cohort: Cohort, split: Split | None) -> CheckResult:
    part = [
        c
        for c in cohort.cases
        if c.label is not None and (split is None or split.roles.get(c.case_id) is Role.TRAIN)
    ]
    counts = Counter(c.label for c in part)
    where = "cohort" if split is None else "training part"
    passed = len(counts) >= 2
    names = ", ".join(cohort.classes[i] for i in sorted(k for k in counts if k is not None))
    detail = (
        f"The {where} holds {len(counts)} classes ({names})."
        if passed
        else f"The {where} holds only the class {names or 'none'}: nothing can be told apart."
    )
    return CheckResult("one-class", "At least two classes", passed, True, int(not passed), detail)


def _unreadable(cohort: Cohort, folder: Path) -> CheckResult:
    missing = [
        case.case_id
        for case in cohort.cases
        for item in _items(case)
        if item.kind in (ItemKind.FILE, ItemKind.DICOM) and not item_path(item, folder).exists()
    ]
    arrays = {i.path for c in cohort.cases for i in _items(c) if i.kind is ItemKind.ARRAY}
    arrays |= {i.path for c in cohort.cases for i in c.items if i.kind is ItemKind.ROW}
    gone = [name for name in sorted(arrays) if not (folder / name).is_file()]
    return _result(
        "unreadable",
        "Every file is there",
        [*missing, *gone],
        f"{len(missing) + len(gone)} files of the cohort are gone.",
        "Every file of the cohort is there.",
        blocks=True,
    )


def _items(case: Case) -> tuple[Item, ...]:
    """Everything that must be there for a case to take part."""
    if case.mask is None:
        return case.items
    return (*case.items, case.mask)


def _same_patient(cohort: Cohort, split: Split) -> CheckResult:
    roles: dict[str, set[Role]] = defaultdict(set)
    for case in cohort.cases:
        if case.case_id in split.roles:
            roles[case.patient_id].add(split.roles[case.case_id])
    several = {patient for patient, found in roles.items() if len(found) > 1}
    ids = [c.case_id for c in cohort.cases if c.patient_id in several and c.case_id in split.roles]
    return _result(
        "same-patient",
        "No patient in two parts",
        ids,
        f"{len(several)} patients are in more than one part of the split.",
        "Each patient is in one part of the split only.",
        blocks=True,
    )


def _by_hash(cases: Iterable[Case]) -> dict[str, list[Case]]:
    found: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        for item in case.items:
            if item.sha256:
                found[item.sha256].append(case)
    return {digest: group for digest, group in found.items() if len(group) > 1}


def _exact_duplicate(cohort: Cohort, split: Split) -> CheckResult:
    ids: list[str] = []
    in_split = [c for c in cohort.cases if c.case_id in split.roles]
    for group in _by_hash(in_split).values():
        if len({split.roles[c.case_id] for c in group}) > 1:
            ids += [c.case_id for c in group]
    return _result(
        "exact-duplicate",
        "No exact duplicate across parts",
        ids,
        f"{len(set(ids))} cases are byte for byte the same across parts of the split.",
        "No case of one part is byte for byte in another.",
        blocks=True,
    )


def _class_in_every_part(cohort: Cohort, split: Split) -> CheckResult:
    counts: dict[Role, Counter[int]] = {role: Counter() for role in Role}
    for case in cohort.cases:
        if case.case_id in split.roles and case.label is not None:
            counts[split.roles[case.case_id]][case.label] += 1
    lacking = [
        f"{role.value}: {cohort.classes[i]}"
        for role in (Role.TRAIN, Role.VAL, Role.TEST)
        for i in range(len(cohort.classes))
        if counts[role][i] == 0 and (role is not Role.TEST or counts[role].total())
    ]
    passed = not lacking
    # without both classes in validation there is no threshold and no AUC
    blocks = any(counts[Role.VAL][i] == 0 for i in range(len(cohort.classes))) and (
        len(cohort.classes) == 2
    )
    detail = (
        "Every class is in every part."
        if passed
        else f"Classes without a case: {'; '.join(lacking)}."
    )
    return CheckResult(
        "class-missing", "Every class in every part", passed, blocks, len(lacking), detail
    )


def _repeated(cohort: Cohort) -> CheckResult:
    groups = _by_hash(cohort.cases)
    extra = sum(len(group) - 1 for group in groups.values())
    ids = [case.case_id for group in groups.values() for case in group[1:]]
    return _result(
        "repeated",
        "No repeated case",
        ids,
        f"{extra} cases repeat another one byte for byte; they count more than others.",
        "No case repeats another one.",
        blocks=False,
    )


def _contradicting(cohort: Cohort) -> CheckResult:
    ids = [
        case.case_id
        for group in _by_hash(c for c in cohort.cases if c.label is not None).values()
        if len({c.label for c in group}) > 1
        for case in group
    ]
    return _result(
        "contradicting-labels",
        "Same data, same label",
        ids,
        f"{len(set(ids))} identical cases carry different labels.",
        "Identical cases carry identical labels.",
        blocks=False,
    )


def _label_follows_attribute(cohort: Cohort) -> CheckResult:
    """Shortcut: an attribute of the file (source, format, view) that tells the label."""
    labelled = [c for c in cohort.cases if c.label is not None]
    keys = sorted({key for case in labelled for key in case.attributes})
    telling = []
    for key in keys:
        cells = [case.attributes.get(key, "") for case in labelled]
        kinds = set(cells)
        if not 2 <= len(kinds) <= 12:
            continue
        strength = cramers_v(cells, [str(c.label) for c in labelled])
        if strength >= _FOLLOWS:
            telling.append(f"{key} ({strength:.2f})")
    passed = not telling
    detail = (
        "No attribute tells the label."
        if passed
        else f"The label almost follows from {', '.join(telling)}: a model may learn that instead."
    )
    return CheckResult(
        "label-follows-attribute", "No shortcut attribute", passed, False, len(telling), detail
    )


def _patients_known(cohort: Cohort) -> CheckResult:
    detail = (
        "The source names the patients."
        if cohort.patient_known
        else "The source names no patients: each case counts as its own, which may hide leakage."
    )
    return CheckResult(
        "patients-unknown", "Patients are known", cohort.patient_known, False,
        0 if cohort.patient_known else len(cohort.cases), detail,
    )  # fmt: skip


def _unlabelled(cohort: Cohort) -> CheckResult:
    ids = [case.case_id for case in cohort.cases if case.label is None]
    return _result(
        "unlabelled",
        "Every case has a label",
        ids,
        f"{len(ids)} cases have no label and take no part.",
        "Every case has a label.",
        blocks=False,
    )
