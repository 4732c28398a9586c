"""PALETTE COLOR: stored index -> RGB, never windowed (PS3.3 C.7.6.3.1.5, .6)."""

from typing import Any

import numpy as np

from medbench.base.errors import BadInputError


def palette_tables(dataset: Any) -> tuple[int, np.ndarray]:
    """First mapped value, and the table (entries, 3) uint8.

    Raises
    ------
    BadInputError
        A table is missing or too short.
    """
    columns = []
    first = 0
    for colour in ("Red", "Green", "Blue"):
        descriptor = dataset.get(f"{colour}PaletteColorLookupTableDescriptor")
        data = dataset.get(f"{colour}PaletteColorLookupTableData")
        if descriptor is None or not data:
            raise BadInputError(f"the {colour.lower()} palette table is missing")
        entries = int(descriptor[0]) or 65536
        first = int(descriptor[1])
        raw = np.frombuffer(bytes(data), np.uint8)
        if len(raw) >= 2 * entries:  # 16-bit entries, also where 8 bits are declared: high byte
            order = "<" if dataset.is_little_endian is not False else ">"
            column = (raw[: 2 * entries].view(f"{order}u2") >> 8).astype(np.uint8)
            if int(descriptor[2]) <= 8 and not column.any():
                column = raw[: 2 * entries : 2].copy()
        elif len(raw) >= entries:
            column = raw[:entries].copy()
        else:
            raise BadInputError(f"the {colour.lower()} palette table is too short")
        columns.append(column)
    return first, np.stack(columns, axis=-1)


def apply_palette(stored: np.ndarray, first: int, table: np.ndarray) -> np.ndarray:
    """(rows, columns) -> (rows, columns, 3) uint8; indices are clamped."""
    index = np.clip(stored.astype(np.int64) - first, 0, len(table) - 1)
    return table[index]
