"""Rows of a table: numbers and categories, missing cells kept as missing."""

from pathlib import Path

import numpy as np

from medbench.base.errors import BadInputError
from medbench.base.hashing import sha256_bytes
from medbench.cohorts.roles import role_of_word
from medbench.cohorts.source import Imported, Importer, SourceOptions, code_labels
from medbench.cohorts.tabletext import TextTable, is_missing, number_of, read_table
from medbench.domain.cohort import Case, Feature, Item, ItemKind, Task

_PATIENT_NAMES = ("patient_id", "patientid", "patient", "subject_id")
_ID_NAMES = frozenset({"id", "index", "case_id", "row", "sample code number"})
ARRAY = "table.npy"


def patient_column(table: TextTable, asked: str | None) -> int | None:
    """Column of the patient id: as asked, or by its usual names."""
    if asked is not None:
        return table.column(asked)
    for i, name in enumerate(table.columns):
        if name.lower().replace(" ", "_") in _PATIENT_NAMES:
            return i
    return None


def _accepts(source: Path, options: SourceOptions) -> bool:
    return options.task is Task.TABLE and source.is_file()


def _read(source: Path, options: SourceOptions) -> Imported:
    table = read_table(source)
    label = table.column(options.label) if options.label else len(table.columns) - 1
    patient = patient_column(table, options.patient)
    notes = list(table.notes)
    if not table.has_header:
        notes.append("No header line: columns are numbered")
    roles = [i for i in range(len(table.columns)) if i != label and _is_role_column(table, i)]
    names = [
        i
        for i, name in enumerate(table.columns)
        if i not in (label, patient, *roles) and not _is_row_id(table, i)
    ]
    if dropped := [
        table.columns[i]
        for i in range(len(table.columns))
        if i not in (*names, *roles, label, patient)
    ]:
        notes.append(f"Left out as row ids: {', '.join(dropped)}")
    if not names:
        raise BadInputError(f"{source.name} holds no column besides label and ids.")
    texts = [None if is_missing(row[label]) else row[label] for row in table.rows]
    classes, positive, codes = code_labels(texts, options.positive)
    if unlabelled := codes.count(None):
        notes.append(f"{unlabelled} rows without label")
    features, values = _features(table, names)
    cases = []
    for i, (row, code) in enumerate(zip(table.rows, codes, strict=True)):
        case_id = f"row-{i + 1:06d}"
        cases.append(
            Case(
                case_id=case_id,
                patient_id=row[patient] if patient is not None else case_id,
                label=code,
                items=(Item(ItemKind.ROW, ARRAY, i, "", sha256_bytes(values[i].tobytes())),),
                attributes={table.columns[r]: row[r] for r in roles},
            )
        )
    constant = [f.name for f, column in zip(features, values.T, strict=True) if _constant(column)]
    if constant:
        notes.append(f"Constant columns: {', '.join(constant[:8])}")
    return Imported(
        target=table.columns[label],
        classes=classes,
        positive=positive,
        cases=cases,
        features=tuple(features),
        arrays={ARRAY: values},
        patient_known=patient is not None,
        notes=notes,
    )


def _is_row_id(table: TextTable, index: int) -> bool:
    """A column named like an id whose values never repeat."""
    if table.columns[index].lower() not in _ID_NAMES:
        return False
    values = [row[index] for row in table.rows]
    return len(set(values)) > 0.9 * len(values)


def _is_role_column(table: TextTable, index: int) -> bool:
    """A column of train, val and test: a split, not a feature."""
    return all(role_of_word(row[index]) is not None for row in table.rows)


def _features(table: TextTable, columns: list[int]) -> tuple[list[Feature], np.ndarray]:
    """Typed columns; text columns become categories coded 0, 1, 2 ..."""
    features: list[Feature] = []
    values = np.full((len(table.rows), len(columns)), np.nan)
    for at, column in enumerate(columns):
        cells = [row[column] for row in table.rows]
        numbers = [None if is_missing(cell) else number_of(cell) for cell in cells]
        known = [cell for cell in cells if not is_missing(cell)]
        unreadable = sum(n is None for n in numbers) - (len(cells) - len(known))
        if unreadable == 0:
            features.append(Feature(table.columns[column]))
            values[:, at] = [np.nan if n is None else n for n in numbers]
            continue
        categories = tuple(sorted(set(known)))
        if len(categories) > 200:
            raise BadInputError(
                f"Column {table.columns[column]!r} holds {len(categories)} different texts: "
                "leave it out, or name it with --patient if it is an id."
            )
        index = {name: i for i, name in enumerate(categories)}
        features.append(Feature(table.columns[column], categories))
        values[:, at] = [np.nan if is_missing(cell) else index[cell] for cell in cells]
    return features, values


def _constant(column: np.ndarray) -> bool:
    known = column[~np.isnan(column)]
    return len(known) == 0 or bool((known == known[0]).all())


IMPORTER = Importer("value-table", frozenset({Task.TABLE}), _accepts, _read)
