"""Rows that every learner's plan shares."""

from medbench.domain.cohort import Fingerprint, Task
from medbench.engine.plan.builder import PlanBuilder
from medbench.imaging.features import DEEP, SETS
from medbench.metrics.threshold import RULES


def imbalance(fingerprint: Fingerprint) -> float:
    """Largest class over smallest present class."""
    present = [n for n in fingerprint.class_counts if n]
    return max(present) / min(present)


def add_class_weights(plan: PlanBuilder, fingerprint: Fingerprint) -> None:
    """Weigh classes when one is rarer."""
    ratio = imbalance(fingerprint)
    plan.row(
        "class_weights",
        "Class weights",
        "balanced" if ratio > 1.2 else "equal",
        f"The largest class has {ratio:.1f} times the cases of the smallest"
        + (": rare cases count more." if ratio > 1.2 else ": no weighing needed."),
        choices=("balanced", "equal"),
    )


def add_threshold_rule(plan: PlanBuilder) -> None:
    """How the operating threshold is chosen."""
    plan.row(
        "threshold_rule",
        "Operating threshold",
        "youden",
        "Largest recall + specificity on validation; stored with the model.",
        choices=RULES,
    )


def add_input_rows(plan: PlanBuilder, fingerprint: Fingerprint) -> None:
    """What the features are made of."""
    values = fingerprint.values
    if fingerprint.task is Task.TABLE:
        missing = values["columns_with_missing"]
        plan.row(
            "missing",
            "Missing cells",
            "median",
            f"{len(missing)} of {values['features']} columns have gaps "
            f"({values['missing_cells']:.1%} of cells): filled with the training median."
            if missing
            else "No cell of the training part is missing; the median would fill one.",
            choices=("median", "zero"),
        )
        partly = [name for name in missing if name not in values["columns_empty"]]
        plan.row(
            "mark_missing",
            "Marks of missing cells",
            "marked" if partly else "unmarked",
            f"That {', '.join(partly[:4])} is missing may tell something: a column of its own says "
            "so where five rows or more lack it."
            if partly
            else "No column has gaps in some of its rows.",
            choices=("marked", "unmarked"),
        )
        if empty := values["columns_empty"]:
            plan.row(
                "empty_columns",
                "Empty columns",
                "left out",
                f"{', '.join(empty[:8])}: not one value in the training part.",
                choices=("left out",),
            )
        coded = values.get("columns_coded", [])
        plan.row(
            "codes",
            "Small whole numbers",
            "categories" if coded else "numbers",
            f"{', '.join(coded[:8])} hold three to five different whole numbers, most likely codes "
            "of a form: each code gets a column."
            if coded
            else "No column looks like the codes of a form.",
            choices=("categories", "numbers"),
        )
        plan.row(
            "scaling",
            "Scaling",
            "standard",
            "Columns have different units: each gets mean 0 and spread 1 of the training part.",
            choices=("standard", "none"),
        )
    elif fingerprint.task is Task.SIGNAL:
        plan.row(
            "length",
            "Samples a signal",
            int(min(512, values["samples_median"])),
            f"Signals have {values['samples_median']} samples (median).",
            low=8,
            high=4096,
        )
        plan.row(
            "signal_features",
            "Features",
            "samples and measures",
            "Slopes, extremes, spectrum and parts beside the samples: forms that are shifted a "
            "little still look alike.",
            choices=("samples and measures", "samples"),
        )
    else:
        plan.row(
            "features",
            "Features",
            DEEP,
            "This learner needs measured numbers: histogram, co-occurrence, binary patterns, "
            "oriented edges, bands of the spectrum, a grid.",
            choices=SETS,
        )
