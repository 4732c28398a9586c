"""Letters at the edges of a picture, and how turning and flipping moves them (T32 to T35)."""

from medbench.domain.image import Orientation

Letters = tuple[str, str, str, str]
"""Left, right, top, bottom."""

_BIPED = {"L": "R", "R": "L", "A": "P", "P": "A", "H": "F", "F": "H"}
_QUADRUPED = {
    "LE": "RT", "RT": "LE", "CR": "CD", "CD": "CR", "PR": "DI", "DI": "PR", "PA": "D", "PL": "D",
    "D": "V", "V": "D", "M": "L", "L": "M", "R": "CD",
}  # fmt: skip


def opposite(direction: str, *, quadruped: bool = False) -> str:
    """The other side of a direction such as ``AL`` or, in quadrupeds, ``LECD``; '' if unknown."""
    table = _QUADRUPED if quadruped else _BIPED
    found, rest = "", direction.strip().upper()
    while rest:
        token = next((rest[:n] for n in (2, 1) if rest[:n] in table), None)
        if token is None:
            return ""
        found += table[token]
        rest = rest[len(token) :]
    return found


def letters_of(orientation: Orientation) -> Letters:
    """Edge letters of Patient Orientation; a direction that says nothing gives no letters."""
    row, column = orientation.row.strip().upper(), orientation.column.strip().upper()
    flag = orientation.quadruped
    left, top = opposite(row, quadruped=flag), opposite(column, quadruped=flag)
    return left, row if left else "", top, column if top else ""


def turned(letters: Letters, rotation_deg: int = 0, *, flip_horizontal: bool = False) -> Letters:
    """Letters after a clockwise turn by a multiple of 90 degrees, then a left-right flip."""
    left, right, top, bottom = letters
    for _ in range(rotation_deg // 90 % 4):
        left, right, top, bottom = bottom, top, left, right
    return (right, left, top, bottom) if flip_horizontal else (left, right, top, bottom)
