"""Checks of cohorts with masks: what a mask holds, and whether it belongs to its image."""

from collections.abc import Iterable

from medbench.domain.cohort import Case, CheckResult, Cohort, Role, Split


def mask_checks(cohort: Cohort, split: Split | None) -> list[CheckResult]:
    """Checks of a segmentation cohort; those of every cohort are elsewhere."""
    results = [_structure_to_learn(cohort, split), _mask_problems(cohort), _empty_masks(cohort)]
    if split is not None:
        results.append(_structure_in_every_part(cohort, split))
    return results


def _structure_to_learn(cohort: Cohort, split: Split | None) -> CheckResult:
    part = _part(cohort.cases, split, Role.TRAIN) if split is not None else list(cohort.cases)
    held = sorted({s for case in part for s in case.structures})
    where = "cohort" if split is None else "training part"
    detail = (
        f"The masks of the {where} hold {', '.join(cohort.classes[s] for s in held)}."
        if held
        else f"No mask of the {where} holds a structure: there is nothing to learn."
    )
    return CheckResult("one-class", "A structure to learn", bool(held), True, int(not held), detail)


def _mask_problems(cohort: Cohort) -> CheckResult:
    """Pairs that were refused when the cohort was built, each with its row."""
    found = [case for case in cohort.cases if case.attributes.get("problem")]
    missing = [c for c in found if "no mask" in c.attributes["problem"]]
    wrong = [c for c in found if c not in missing]
    words = "; ".join(f"{c.case_id}, {c.attributes['problem']}" for c in (*wrong, *missing)[:5])
    detail = (
        f"{len(found)} images have no mask that fits and take no part: {words}"
        + (f" and {len(found) - 5} more." if len(found) > 5 else ".")
        if found
        else "Every image has a mask that fits it."
    )
    # an image nobody has drawn on is left out knowingly; a mask that does not fit is a mistake
    return CheckResult(
        "mask-mismatch", "Masks fit their images", not found, bool(wrong), len(found), detail,
        tuple(c.case_id for c in found),
    )  # fmt: skip


def _empty_masks(cohort: Cohort) -> CheckResult:
    ids = tuple(c.case_id for c in cohort.cases if c.label == 0)
    detail = (
        f"{len(ids)} masks are empty ({', '.join(ids[:5])}): if nobody drew there, remove them; "
        "if the structure is absent, they teach that."
        if ids
        else "Every mask holds a structure."
    )
    return CheckResult("empty-mask", "No empty mask", not ids, False, len(ids), detail, ids)


def _structure_in_every_part(cohort: Cohort, split: Split) -> CheckResult:
    lacking, blocks = [], False
    for role in Role:
        part = _part(cohort.cases, split, role)
        held = {s for case in part for s in case.structures}
        gaps = [i for i in range(1, len(cohort.classes)) if i not in held]
        if not part:
            gaps = [] if role is Role.TEST else gaps
        lacking += [f"{role.value}: {cohort.classes[i]}" for i in gaps]
        # what validation or test ask for but training never shows cannot be learned
        blocks = blocks or (role is Role.TRAIN and bool(gaps))
    detail = (
        f"Structures without a case: {'; '.join(lacking)}."
        if lacking
        else "Every structure is in every part."
    )
    return CheckResult(
        "class-missing", "Every structure in every part", not lacking, blocks, len(lacking), detail
    )


def _part(cases: Iterable[Case], split: Split, role: Role) -> list[Case]:
    return [c for c in cases if c.label is not None and split.roles.get(c.case_id) is role]
