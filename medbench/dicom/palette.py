"""PALETTE COLOR: stored index -> RGB, never windowed (PS3.3 C.7.6.3.1.5, .6, C.7.9.2)."""

from typing import Any

import numpy as np

from medbench.base.errors import BadInputError

_DISCRETE, _LINEAR, _INDIRECT = 0, 1, 2
_MAX_ENTRIES = 65536


def palette_tables(dataset: Any, *, signed: bool = False) -> tuple[int, np.ndarray]:
    """First mapped value, and the table (entries, 3) uint8; ``signed`` as the stored values are.

    Raises
    ------
    BadInputError
        A table is missing or too short.
    """
    columns = []
    first = 0
    order = "<" if _little_endian(dataset) else ">"
    for colour in ("Red", "Green", "Blue"):
        descriptor = dataset.get(f"{colour}PaletteColorLookupTableDescriptor")
        data = dataset.get(f"{colour}PaletteColorLookupTableData")
        segments = dataset.get(f"Segmented{colour}PaletteColorLookupTableData")
        if descriptor is None or len(descriptor) != 3 or not (data or segments):
            raise BadInputError(f"the {colour.lower()} palette table is missing")
        entries = int(descriptor[0]) & 0xFFFF or _MAX_ENTRIES
        first = int(descriptor[1])
        if signed and first > 32767:
            first -= 65536
        bits = int(descriptor[2])
        column = (
            _entries(bytes(data), entries, bits, order)
            if data
            else _expanded(bytes(segments), entries, bits, order)
        )
        if len(column) < entries:
            raise BadInputError(
                f"the {colour.lower()} palette table is too short: {len(column)} of {entries}"
            )
        columns.append(column[:entries])
    return first, np.stack(columns, axis=-1)


def _little_endian(dataset: Any) -> bool:
    encoding = getattr(dataset, "original_encoding", (None, True))
    return encoding[1] is not False


def _entries(data: bytes, entries: int, bits: int, order: str) -> np.ndarray:
    """Entries as 8 bits: of 16-bit ones the high byte, also where 8 bits are declared (T40)."""
    raw = np.frombuffer(data, np.uint8)
    padded = entries + entries % 2
    if len(raw) >= 2 * entries and not (bits <= 8 and len(raw) == padded):
        words = raw[: 2 * entries].view(f"{order}u2")
        high = (words >> 8).astype(np.uint8)
        # 8-bit entries one to a word have nothing in their high bytes
        return words.astype(np.uint8) if bits <= 8 and not high.any() else high
    if order == ">" and len(raw) % 2 == 0:  # two entries to a word, low byte first
        raw = raw.reshape(-1, 2)[:, ::-1].ravel()
    return raw[:entries].copy()


def _expanded(data: bytes, entries: int, bits: int, order: str) -> np.ndarray:
    """Segmented table: runs of values, straight lines, and references to earlier segments."""
    wide = bits > 8
    values = np.frombuffer(data[: len(data) // 2 * 2] if wide else data, f"{order}u2" if wide else
                           np.uint8).tolist()  # fmt: skip
    try:
        out = _segments(values, wide=wide)
    except IndexError as error:
        raise BadInputError("a segmented palette table is damaged") from error
    column = np.asarray(out[:entries], np.uint16)
    return (column >> 8 if wide else column).astype(np.uint8)


def _segments(values: list[int], *, wide: bool) -> list[int]:
    out: list[int] = []
    position = 0
    while position < len(values) - 1:
        kind, length = values[position], values[position + 1]
        if kind == _INDIRECT:
            # a byte offset in 32 bits, least significant part first
            parts, size = (2, 16) if wide else (4, 8)
            offset = values[position + 2 : position + 2 + parts]
            start = sum(v << size * i for i, v in enumerate(offset)) // (2 if wide else 1)
            position += 2 + parts
            for _ in range(length):
                start = _one_segment(values, start, out)
        else:
            position = _one_segment(values, position, out)
    return out


def _one_segment(values: list[int], position: int, out: list[int]) -> int:
    """Append a discrete or linear segment; returns where the next one starts."""
    kind, length = values[position], values[position + 1]
    if len(out) > _MAX_ENTRIES:  # a reference may repeat long segments 65535 times
        raise IndexError
    if kind == _DISCRETE:
        run = values[position + 2 : position + 2 + length]
        if len(run) < length:
            raise IndexError
        out.extend(run)
        return position + 2 + length
    if kind != _LINEAR or not out:
        raise IndexError
    end, begin = values[position + 2], out[-1]
    out.extend(round(begin + (end - begin) * i / length) for i in range(1, length + 1))
    return position + 3


def apply_palette(stored: np.ndarray, first: int, table: np.ndarray) -> np.ndarray:
    """(rows, columns) -> (rows, columns, 3) uint8; indices are clamped."""
    index = np.clip(stored.astype(np.int64) - first, 0, len(table) - 1)
    return table[index]
