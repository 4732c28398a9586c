"""CSV and whitespace tables as text: encoding, separator, header found; ids stay text."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from medbench.base.errors import BadInputError

MISSING = frozenset({"", "?", "na", "nan", "n/a", "null", "none", "."})
MAX_TABLE_BYTES = 512 << 20
_ENCODINGS = ("utf-8-sig", "gb18030", "latin-1")


@dataclass(frozen=True)
class TextTable:
    """Column names and rows of text, all rows equally long."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    has_header: bool
    notes: tuple[str, ...]

    def column(self, name: str) -> int:
        """Index of a column by name, 1-based number, or the value in a headerless first row."""
        for candidate in (name, name.strip()):
            if candidate in self.columns:
                return self.columns.index(candidate)
        lowered = [c.lower() for c in self.columns]
        if name.lower() in lowered:
            return lowered.index(name.lower())
        if not self.has_header and self.rows and name in self.rows[0]:
            # a table without header line: the value named stands in the first row
            at = [i for i, value in enumerate(self.rows[0]) if value == name]
            return at[-1]
        if name.isdigit() and 1 <= int(name) <= len(self.columns):
            return int(name) - 1
        shown = ", ".join(self.columns[:12])
        raise BadInputError(f"There is no column {name!r}; there are {shown}.")


def is_missing(cell: str) -> bool:
    """Whether a cell says nothing."""
    return cell.strip().lower() in MISSING


def number_of(cell: str) -> float | None:
    """Finite number of a cell, or None."""
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if abs(value) < 1e300 else None


def read_table(path: Path, *, ragged: bool = False) -> TextTable:
    """Read a table; ``ragged``: shorter rows are filled with empty cells at their end.

    Raises
    ------
    BadInputError
        Empty, too large, binary, or rows of different length (with the line number).
    """
    if path.stat().st_size > MAX_TABLE_BYTES:
        raise BadInputError(f"{path.name} is larger than 512 MiB.")
    text, notes = _decode(path)
    rows = [row for row in _split_rows(path, text) if any(cell for cell in row[1])]
    if not rows:
        raise BadInputError(f"{path.name} is empty.")
    width = max(len(row) for _, row in rows) if ragged else len(rows[0][1])
    if ragged:
        rows = [(line, row + [""] * (width - len(row))) for line, row in rows]
    for line, row in rows:
        if len(row) != width:
            raise BadInputError(
                f"{path.name} line {line}: {len(row)} cells, the first line has {width}."
            )
    cells = [row for _, row in rows]
    header = _looks_like_header(cells)
    if header and len(cells) == 1:
        raise BadInputError(f"{path.name} holds a header line and no rows.")
    columns = tuple(cells[0]) if header else tuple(f"column_{i + 1}" for i in range(width))
    if header and len(set(columns)) != len(columns):
        double = next(c for c in columns if columns.count(c) > 1)
        raise BadInputError(f"{path.name}: the column name {double!r} stands twice.")
    return TextTable(columns, tuple(map(tuple, cells[1:] if header else cells)), header, notes)


def _decode(path: Path) -> tuple[str, tuple[str, ...]]:
    data = path.read_bytes()
    if b"\0" in data[:4096] and data[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        raise BadInputError(f"{path.name} is no text table (it holds zero bytes).")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16"), ("Read as UTF-16",)
    for encoding in _ENCODINGS:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return text, () if encoding == "utf-8-sig" else (f"Read as {encoding}, not UTF-8",)
    raise BadInputError(f"{path.name} is in no character set medbench knows.")


def _split_rows(path: Path, text: str) -> list[tuple[int, list[str]]]:
    first = next((line for line in text.splitlines() if line.strip()), "")
    separator = max(",;\t", key=first.count)
    if first.count(separator) == 0:
        return [(i, line.split()) for i, line in enumerate(text.splitlines(), 1) if line.strip()]
    reader = csv.reader(io.StringIO(text), delimiter=separator)
    try:
        return [(reader.line_num, [_bare(cell) for cell in row]) for row in reader]
    except csv.Error as error:
        raise BadInputError(f"{path.name} line {reader.line_num}: {error}.") from error


def _bare(cell: str) -> str:
    """Cell without surrounding blanks and single quotes (ARFF-like exports)."""
    cell = cell.strip()
    return cell[1:-1] if len(cell) > 1 and cell[0] == cell[-1] == "'" else cell


def _looks_like_header(rows: list[list[str]]) -> bool:
    """A first line without numbers above columns that hold numbers, or of unique words."""
    first, body = rows[0], rows[1:20]
    if any(number_of(cell) is not None for cell in first):
        return False
    if any(is_missing(cell) for cell in first):
        return False
    if not body:
        return len(set(first)) == len(first)
    numeric = sum(
        all(number_of(row[i]) is not None or is_missing(row[i]) for row in body)
        for i in range(len(first))
    )
    return numeric > 0 or len(set(first)) == len(first)
