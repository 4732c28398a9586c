"""Signals, one a line: the label first (UCR form), then the samples.

Shorter signals end in empty cells or simply sooner; they are stored with NaN at their end.
"""

from pathlib import Path

import numpy as np

from medbench.base.errors import BadInputError
from medbench.base.hashing import sha256_bytes
from medbench.cohorts.source import Imported, Importer, SourceOptions, code_labels
from medbench.cohorts.tabletext import number_of, read_table
from medbench.domain.cohort import Case, Item, ItemKind, Task

ARRAY = "signals.npy"


def _accepts(source: Path, options: SourceOptions) -> bool:
    return options.task is Task.SIGNAL and source.is_file()


def _read(source: Path, options: SourceOptions) -> Imported:
    table = read_table(source, ragged=True)
    label = table.column(options.label) if options.label else 0
    texts = []
    for row in table.rows:
        number = number_of(row[label])
        texts.append(row[label] if number is None else f"{number:g}")
    classes, positive, codes = code_labels(list(texts), options.positive)
    samples = np.array(
        [
            [
                np.nan if (n := number_of(cell)) is None else n
                for i, cell in enumerate(row)
                if i != label
            ]
            for row in table.rows
        ],
        np.float32,
    )
    if samples.shape[1] < 8:
        raise BadInputError(f"{source.name}: {samples.shape[1]} samples a line make no signal.")
    cases = [
        Case(
            f"signal-{i + 1:06d}",
            f"signal-{i + 1:06d}",
            code,
            (Item(ItemKind.ARRAY, ARRAY, i, "", sha256_bytes(samples[i].tobytes())),),
        )
        for i, code in enumerate(codes)
    ]
    return Imported(
        table.columns[label] if table.has_header else "class",
        classes,
        positive,
        cases,
        arrays={ARRAY: samples},
        patient_known=False,
        notes=list(table.notes),
    )


IMPORTER = Importer("signal-table", frozenset({Task.SIGNAL}), _accepts, _read)
