"""The wall as a `LayoutState`, and a `LayoutState` on the wall."""

from medbench.domain.image import DisplaySet
from medbench.ui.review.layout_state import CellState, LayoutState
from medbench.ui.review.screen import Screen
from medbench.ui.review.showing import Cell, Showing


def layout_of(showing: Showing, *, synchronised: bool = False) -> LayoutState:
    """What stands on the wall, as data."""
    groups = {screen: number for number, screen in enumerate(showing.screens)}
    cells = []
    for cell in showing.cells:
        model = cell.screen.model
        alone = sum(c.screen is cell.screen for c in showing.cells) == 1
        voi = model.voi if model.voi_chosen else None
        key = model.key if model.display is not None else ""
        group = -1 if alone else groups[cell.screen]
        cells.append(CellState(key, cell.kind, voi, model.invert, group))
    rows, columns = showing.grid
    return LayoutState(rows, columns, tuple(cells), showing.active_cell, synchronised)


def put_layout(showing: Showing, state: LayoutState, displays: dict[str, DisplaySet]) -> None:
    """Put a layout on the wall; ``displays`` by key, cells of unknown ones stay empty."""
    groups: dict[int, Screen] = {}
    cells: list[Cell] = []
    begun: list[tuple[Screen, CellState]] = []
    reuse = list(showing.screens)
    for wanted in state.cells[: state.rows * state.columns]:
        screen = groups.get(wanted.group)
        if screen is None:
            same = [s for s in reuse if s.model.key == wanted.display_key and s.display]
            screen = same[0] if same else showing.new_screen()
            if screen in reuse:
                reuse.remove(screen)
            begun.append((screen, wanted))
        if wanted.group >= 0:
            groups[wanted.group] = screen
        cells.append(Cell(screen, wanted.kind))
    if not cells:
        cells = [Cell(showing.screen)]
    showing.take(state.rows, state.columns, cells, state.active)
    for screen, wanted in begun:
        display = displays.get(wanted.display_key)
        if display is None:
            continue
        showing.begin(screen, display)
        if wanted.voi is not None:
            screen.model.set_voi(wanted.voi)
        screen.model.invert = wanted.inverted
    showing.arrange()
    showing.load()
