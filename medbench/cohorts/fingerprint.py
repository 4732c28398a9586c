"""What the training part looks like; validation and test cases are never looked at."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from medbench.base.errors import BadInputError
from medbench.cohorts.mask_fingerprint import mask_values
from medbench.cohorts.reading import CaseReader
from medbench.domain.cohort import Case, Cohort, Fingerprint, Role, Split, Task

_SAMPLED = 64
_MOST_CODES = 5


def cases_of(cohort: Cohort, split: Split, role: Role) -> list[Case]:
    """Labelled cases of one part, in the cohort's order."""
    return [c for c in cohort.cases if c.label is not None and split.roles.get(c.case_id) is role]


def fingerprint(cohort: Cohort, split: Split, folder: Path) -> Fingerprint:
    """Fingerprint of the training part.

    Raises
    ------
    BadInputError
        The training part is empty or none of its cases can be read.
    """
    cases = cases_of(cohort, split, Role.TRAIN)
    if not cases:
        raise BadInputError("The training part of the split is empty.")
    counts = [0] * len(cohort.classes)
    for case in cases:
        if case.label is not None:
            counts[case.label] += 1
    reader = CaseReader(cohort, folder)
    measure = {
        Task.IMAGE: _image_values,
        Task.VOLUME: _image_values,
        Task.TABLE: _table_values,
        Task.SIGNAL: _signal_values,
        Task.SEGMENTATION: _mask_values,
    }[cohort.task]
    return Fingerprint(
        task=cohort.task,
        n_cases=len(cases),
        n_patients=len({case.patient_id for case in cases}),
        class_counts=tuple(counts),
        values=measure(cohort, reader, cases),
    )


def _spread(cases: Sequence[Case], count: int) -> list[Case]:
    picked = np.unique(np.linspace(0, len(cases) - 1, min(count, len(cases))).astype(int))
    return [cases[i] for i in picked]


def _image_values(cohort: Cohort, reader: CaseReader, cases: list[Case]) -> dict[str, Any]:
    rows, columns, lows, highs, colour, unreadable = [], [], [], [], 0, 0
    sampled = _spread(cases, _SAMPLED)
    for case in sampled:
        picture, _ = reader.try_image(case)
        if picture is None:
            unreadable += 1
            continue
        rows.append(picture.shape[0])
        columns.append(picture.shape[1])
        colour += picture.ndim == 3
        low, high = np.percentile(picture, [0.5, 99.5])
        lows.append(float(low))
        highs.append(float(high))
    if not rows:
        raise BadInputError("None of the pictures of the training part can be read.")
    return {
        "sampled": len(sampled),
        "unreadable": unreadable,
        "rows_median": int(np.median(rows)),
        "columns_median": int(np.median(columns)),
        "rows_min": min(rows),
        "rows_max": max(rows),
        "channels": 3 if colour > len(rows) / 2 else 1,
        "grey_low": float(np.median(lows)),
        "grey_high": float(np.median(highs)),
        "same_size": len(set(zip(rows, columns, strict=True))) == 1,
    }


def _table_values(cohort: Cohort, reader: CaseReader, cases: list[Case]) -> dict[str, Any]:
    values = np.stack([reader.row(case) for case in cases])
    missing = np.isnan(values).mean(axis=0)
    names = [feature.name for feature in cohort.features]
    codes = small_codes(values)
    return {
        "features": len(names),
        "categorical": sum(bool(f.categories) for f in cohort.features),
        "missing_cells": float(missing.mean()),
        "columns_with_missing": [n for n, m in zip(names, missing, strict=True) if m > 0],
        "columns_empty": [n for n, m in zip(names, missing, strict=True) if m == 1],
        "columns_coded": [
            f.name
            for f, c in zip(cohort.features, codes, strict=True)
            if len(c) > 2 and not f.categories
        ],
    }


def small_codes(values: np.ndarray[Any, Any]) -> list[list[float]]:
    """Per column (of rows x columns) its values when they are few whole numbers, else nothing.

    Three to five different whole numbers, each in at least one row: what a form's tick boxes look
    like once they were coded. Two need no spreading.
    """
    found: list[list[float]] = []
    for column in values.T:
        known = np.unique(column[~np.isnan(column)])
        few = 2 < len(known) <= _MOST_CODES and bool((known == np.round(known)).all())
        found.append([float(v) for v in known] if few else [])
    return found


def _mask_values(cohort: Cohort, reader: CaseReader, cases: list[Case]) -> dict[str, Any]:
    return mask_values(cohort, reader.folder, cases)


def _signal_values(cohort: Cohort, reader: CaseReader, cases: list[Case]) -> dict[str, Any]:
    lengths, leads, rates, gaps = [], [], [], 0
    for case in _spread(cases, _SAMPLED):
        values = reader.signal(case)
        values = values.reshape(len(values), -1)
        known = np.flatnonzero(np.isfinite(values).any(axis=1))
        length = int(known[-1]) + 1 if len(known) else 0  # shorter ones end in NaN
        lengths.append(length)
        leads.append(values.shape[1])
        gaps += not np.isfinite(values[:length]).all()
        rates.append(float(case.attributes.get("hz", 0)))
    return {
        "samples_median": int(np.median(lengths)),
        "samples_min": min(lengths),
        "samples_max": max(lengths),
        "leads": max(leads),
        "hz": max(rates) if len(set(rates)) == 1 else 0.0,
        "with_gaps": gaps,
        "cut": cases[0].attributes.get("cut", "signal"),
        "step_labels": any(case.mask is not None for case in cases),
    }
