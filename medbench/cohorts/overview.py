"""Counts of a cohort and its split, as the command line and the window show them."""

from collections.abc import Iterable
from typing import Any

from medbench.domain.cohort import Case, Cohort, Role, Split, Task


def class_counts(cohort: Cohort, cases: Iterable[Case]) -> dict[str, int]:
    """Cases per class name, or whose mask holds it; unlabelled ones are left out."""
    counts = dict.fromkeys(cohort.classes, 0)
    for case in cases:
        if cohort.task is Task.SEGMENTATION:  # a mask holds several
            for structure in case.structures:
                counts[cohort.classes[structure]] += 1
        elif case.label is not None:
            counts[cohort.classes[case.label]] += 1
    return counts


def overview_json(cohort: Cohort, split: Split | None) -> dict[str, Any]:
    """JSON-able summary."""
    return {
        "name": cohort.name,
        "task": cohort.task.value,
        "target": cohort.target,
        "classes": list(cohort.classes),
        "positive": cohort.classes[cohort.positive] if cohort.classes else None,
        "cases": len(cohort.cases),
        "patients": len({case.patient_id for case in cohort.cases}),
        "patient_known": cohort.patient_known,
        "class_counts": class_counts(cohort, cohort.cases),
        "unlabelled": sum(case.label is None for case in cohort.cases),
        "features": [feature.name for feature in cohort.features],
        "simulated": cohort.simulated,
        "notes": list(cohort.notes),
        "digest": cohort.digest,
        "split": None if split is None else split_json(cohort, split),
    }


def split_json(cohort: Cohort, split: Split) -> dict[str, Any]:
    """Counts per role, method and overrides."""
    roles = {}
    for role in Role:
        cases = [case for case in cohort.cases if split.roles.get(case.case_id) is role]
        roles[role.value] = {
            "cases": len(cases),
            "patients": len({case.patient_id for case in cases}),
            "class_counts": class_counts(cohort, cases),
        }
    return {
        "method": split.method,
        "seed": split.seed,
        "digest": split.digest,
        "roles": roles,
        "overrides": [
            {"check": o.check, "reason": o.reason, "who": o.who, "when": o.when}
            for o in split.overrides
        ],
    }
