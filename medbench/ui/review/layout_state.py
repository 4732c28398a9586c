"""A layout as data: what stands where. Saved as hanging protocols, put on the wall by the page."""

from dataclasses import dataclass

from medbench.domain.image import Voi


@dataclass(frozen=True)
class CellState:
    """One cell of the grid."""

    display_key: str = ""
    """`session.library.display_key`; '' = empty."""
    kind: str = "acquired"
    """Value of `PlaneKind`, or 'volume'."""
    voi: Voi | None = None
    """Window the reader chose; None = as the file says."""
    inverted: bool = False
    group: int = -1
    """Cells of one group show planes of one display and follow one point; -1 = on its own."""


@dataclass(frozen=True)
class LayoutState:
    """Rows x columns of cells, row by row."""

    rows: int
    columns: int
    cells: tuple[CellState, ...]
    active: int = 0
    synchronised: bool = False
