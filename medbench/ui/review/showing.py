"""What stands on the wall: screens, cells, layouts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QWidget

from medbench.domain.image import DisplaySet
from medbench.imaging.reslice import PlaneKind
from medbench.session.layer_shelf import is_layer_display
from medbench.session.library import display_key
from medbench.session.session import Session
from medbench.ui.review.pointer import Toolbox
from medbench.ui.review.screen import VOLUME, Screen
from medbench.ui.review.view_model import ViewModel
from medbench.ui.review.viewport import Viewport
from medbench.ui.review.wall import MOST, Wall

MakeVolumeView = Callable[[ViewModel], QWidget]
PLANES = (PlaneKind.AXIAL, PlaneKind.CORONAL, PlaneKind.SAGITTAL)


@dataclass
class Cell:
    """A place on the wall."""

    screen: Screen
    kind: str = PlaneKind.ACQUIRED.value
    """Value of `PlaneKind`, or `VOLUME`."""


@dataclass
class _Arrangement:
    rows: int
    columns: int
    cells: list[Cell]
    active: int


class Showing(QObject):
    """Screens and cells of one wall.

    Signals
    -------
    active_changed : QWidget
        Another cell is active.
    model_changed : ViewModel
        The active cell shows another screen.
    arranged
        Cells changed.
    screen_made : Screen
        A screen was made.
    view_made : Viewport
        A viewport was made.
    display_shown : Screen, DisplaySet
        A screen begins to show another display.
    emptied
        Screens show nothing any more: their studies were closed.
    """

    active_changed = Signal(object)
    model_changed = Signal(object)
    arranged = Signal()
    screen_made = Signal(object)
    view_made = Signal(object)
    display_shown = Signal(object, object)
    emptied = Signal()

    def __init__(
        self, session: Session, toolbox: Toolbox, wall: Wall, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._toolbox = toolbox
        self.wall = wall
        self.make_volume_view: MakeVolumeView | None = None
        """How a 3-D view is made; None where there is none."""
        self.fourth = PlaneKind.ACQUIRED.value
        """What stands beside the three planes: the stack, or (where there is one) a 3-D view."""
        self.defaults: dict[str, Any] = {}
        """Attributes every new model starts with."""
        self._arrangement = _Arrangement(1, 1, [Cell(self.new_screen())], 0)
        self.defaults["beside"] = True
        self._before_planes: _Arrangement | None = None
        self._maximised: int | None = None
        wall.dropped.connect(self._dropped)
        session.library.changed.connect(self.forget_closed)

    # what there is

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Cells, row by row."""
        return tuple(self._arrangement.cells)

    @property
    def screens(self) -> tuple[Screen, ...]:
        """Screens on the wall, each once."""
        return tuple(dict.fromkeys(cell.screen for cell in self._arrangement.cells))

    @property
    def screen(self) -> Screen:
        """The active screen."""
        return self._arrangement.cells[self._arrangement.active].screen

    @property
    def active(self) -> QWidget:
        """The active cell's widget."""
        return self.widget(self._arrangement.cells[self._arrangement.active])

    @property
    def active_view(self) -> Viewport:
        """The active viewport; while a 3-D view is active, its screen's stack."""
        found = self.active
        return found if isinstance(found, Viewport) else self.screen.stack

    @property
    def planes_shown(self) -> bool:
        """Whether the planes of one display fill the wall."""
        return self._before_planes is not None

    def widget(self, cell: Cell) -> QWidget:
        """What a cell shows."""
        if cell.kind != VOLUME:
            return cell.screen.views[PlaneKind(cell.kind)]
        if cell.screen.volume_view is None:
            if self.make_volume_view is None:
                return cell.screen.stack
            view: Any = self.make_volume_view(cell.screen.model)
            view.activated.connect(self.activate)
            view.maximise_requested.connect(self.maximise)
            cell.screen.volume_view = view
        return cell.screen.volume_view

    def views(self) -> tuple[Viewport, ...]:
        """Viewports on the wall."""
        return tuple(w for w in self.wall.shown if isinstance(w, Viewport))

    def every_view(self) -> tuple[Viewport, ...]:
        """Viewports of all screens, also those not on the wall now."""
        return tuple(view for screen in self.every_screen() for view in screen.views.values())

    def every_screen(self) -> tuple[Screen, ...]:
        """Screens on the wall, and those that come back when the planes go."""
        before = [] if self._before_planes is None else self._before_planes.cells
        cells = [*self._arrangement.cells, *before]
        return tuple(dict.fromkeys(cell.screen for cell in cells))

    def new_screen(self) -> Screen:
        """A screen that shows nothing yet."""
        screen = Screen(self._toolbox, self._made, self)
        for name, value in self.defaults.items():
            setattr(screen.model, name, value)
        self.screen_made.emit(screen)
        return screen

    def _made(self, view: Viewport) -> None:
        view.activated.connect(self.activate)
        view.maximise_requested.connect(self.maximise)
        self.view_made.emit(view)

    # which one is active

    @Slot(object)
    def activate(self, widget: QWidget) -> None:
        """Make the cell with this widget the active one."""
        found = [i for i, c in enumerate(self._arrangement.cells) if self.widget(c) is widget]
        if found:
            self._activate(found[0])

    def _activate(self, at: int) -> None:
        before = self.screen
        self._arrangement.active = at
        self._mark()
        self.active_changed.emit(self.active)
        if self.screen is not before:
            self.model_changed.emit(self.screen.model)

    def step_active(self, by: int) -> None:
        """The next or previous cell becomes the active one."""
        count = len(self._arrangement.cells)
        self._activate((self._arrangement.active + by) % count)
        self.active.setFocus()

    def _mark(self) -> None:
        several = len(self._arrangement.cells) > 1 and self._maximised is None
        for number, cell in enumerate(self._arrangement.cells):
            widget: Any = self.widget(cell)
            widget.set_active(several and number == self._arrangement.active)

    @Slot(object)
    def maximise(self, widget: QWidget) -> None:
        """Let one cell fill the wall, or show all again."""
        if self._maximised is not None or len(self._arrangement.cells) == 1:
            self._maximised = None
        else:
            self.activate(widget)
            self._maximised = self._arrangement.active
        self.arrange()

    # layouts

    def arrange(self) -> None:
        """Put the cells on the wall."""
        now = self._arrangement
        for screen in self.screens:
            kinds = {cell.kind for cell in now.cells if cell.screen is screen}
            screen.model.several = len(kinds) > 1
            screen.model.linked = kinds != {PlaneKind.ACQUIRED.value}
        if self._maximised is not None:
            self.wall.arrange([self.widget(now.cells[self._maximised])], 1, 1)
        else:
            self.wall.arrange([self.widget(cell) for cell in now.cells], now.rows, now.columns)
        self._mark()
        self.arranged.emit()

    def replace(self, rows: int, columns: int, cells: list[Cell], active: int = 0) -> None:
        """Another arrangement; screens that stand nowhere any more are disposed of."""
        known = self.every_screen()
        before = self.screen
        self._arrangement = _Arrangement(rows, columns, cells, min(active, len(cells) - 1))
        self._maximised = None
        self.arrange()
        kept = self.every_screen()
        changed = self.screen is not before
        self.active_changed.emit(self.active)
        if changed:
            self.model_changed.emit(self.screen.model)
        for screen in known:
            if screen not in kept:
                screen.dispose()

    def set_grid(self, rows: int, columns: int) -> None:
        """Another grid of stacks; new cells take the next series of the study."""
        rows, columns = min(max(rows, 1), MOST), min(max(columns, 1), MOST)
        first = self.screen
        if self._before_planes is not None:
            self._restore_cells(first)
        cells = [c for c in self._arrangement.cells if c.screen is first]
        cells += [c for c in self._arrangement.cells if c.screen is not first and c.screen.display]
        cells = cells[: rows * columns]
        fresh = [Cell(self.new_screen()) for _ in range(rows * columns - len(cells))]
        shown = {c.screen.model.key for c in cells}
        self.replace(rows, columns, cells + fresh)
        for cell, display in zip(fresh, self._next_displays(shown), strict=False):
            self.begin(cell.screen, display)
        self.load()

    def _restore_cells(self, first: Screen) -> None:
        before = self._before_planes
        self._before_planes = None
        if before is not None and any(c.screen is first for c in before.cells):
            self._arrangement = before
        else:
            self._arrangement = _Arrangement(1, 1, [Cell(first)], 0)

    def _next_displays(self, shown: set[str]) -> list[DisplaySet]:
        """Pictures of the shown study that stand nowhere yet, after the active one."""
        current = self.screen.display
        if current is None:
            return []
        found = [
            display
            for study in self._session.library.studies
            if study.study_instance_uid == current.study_instance_uid
            for series in study.series
            for display in series.displays
            if not display.kind.without_pictures
            and display.time_index == 0
            and not is_layer_display(display)
        ]
        keys = [display_key(d) for d in found]
        start = keys.index(self.screen.model.key) + 1 if self.screen.model.key in keys else 0
        ordered = found[start:] + found[:start]
        return [d for d in ordered if display_key(d) not in shown]

    def toggle_planes(self) -> bool:
        """The active display's three planes, or the layout before; False where it has none."""
        screen = self.screen
        if self._before_planes is not None:
            before = self._before_planes
            self._restore_cells(screen)
            restored = self._arrangement
            self._arrangement = _Arrangement(1, 1, [Cell(screen)], 0)
            at = next(i for i, c in enumerate(restored.cells) if c.screen is screen)
            self.replace(restored.rows, restored.columns, restored.cells, at)
            for other in {c.screen for c in before.cells} - set(self.every_screen()):
                other.dispose()
            return True
        if screen.display is None or not screen.display.reformattable:
            return False
        self._before_planes = self._arrangement
        kinds = [kind.value for kind in PLANES] + [self.fourth]
        active = next((i for i, kind in enumerate(kinds) if kind == "acquired"), 0)
        self._arrangement = _Arrangement(1, 1, [Cell(screen)], 0)
        self.replace(2, 2, [Cell(screen, kind) for kind in kinds], active)
        self._keep_place(screen)
        return True

    def leave_planes(self) -> None:
        """Back to the layout before the planes."""
        if self._before_planes is not None:
            self.toggle_planes()

    def _keep_place(self, screen: Screen) -> None:
        """Planes begin on the slice that was being read."""
        model, stack = screen.model, screen.stack
        plane, point = stack.plane, model.point_mm
        if plane is not None and point is not None:
            _, row, column = plane.place_of(point)
            model.set_point(plane.point_of(stack.index, row, column))

    def change_kind(self, widget: QWidget, kind: str) -> None:
        """Show another plane (or the volume) in a cell."""
        for number, cell in enumerate(self._arrangement.cells):
            if self.widget(cell) is not widget:
                continue
            taken = [c for c in self._arrangement.cells if c.screen is cell.screen]
            other = next((c for c in taken if c.kind == kind and c is not cell), None)
            if other is not None:  # a plane stands once for each screen: they change places
                other.kind = cell.kind
            cell.kind = kind
            self.arrange()
            self._activate(number)
            return

    def show_beside(self, display: DisplaySet) -> Screen:
        """The active display on the left, this one on the right; returns the right screen."""
        first = self.screen
        if self._before_planes is not None:
            self._restore_cells(first)
        other = next((s for s in self.screens if s.shows(display)), None) or self.new_screen()
        self.replace(1, 2, [Cell(first), Cell(other)])
        self.begin(other, display)
        self.load()
        return other

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of cells."""
        return self._arrangement.rows, self._arrangement.columns

    @property
    def active_cell(self) -> int:
        """Number of the active cell."""
        return self._arrangement.active

    def take(self, rows: int, columns: int, cells: list[Cell], active: int) -> None:
        """Put other cells on the wall; the planes that filled it are left for good."""
        self._before_planes = None
        self.replace(rows, columns, cells, active)

    # displays

    def show(self, display: DisplaySet, at: int | None = None) -> bool:
        """Show a display in a cell (the active one); False where it is there already."""
        if at is not None and at < len(self._arrangement.cells):
            self._activate(at)
        screen = self.screen
        if screen.shows(display):
            return False
        self._one_patient(display)
        if self.planes_shown and not display.reformattable:
            self.leave_planes()
        self.begin(screen, display)
        self.arrange()
        if not display.kind.without_pictures:
            self.load()
        return True

    def _one_patient(self, display: DisplaySet) -> None:
        """A layout never mixes two patients: what belongs to another one leaves the wall."""
        patient = self._patient(display)
        others = [s for s in self.every_screen() if s is not self.screen]
        shown = [s.display for s in others if s.display is not None]
        if all(self._patient(other) == patient for other in shown):
            return
        if self._before_planes is None:
            self.replace(1, 1, [Cell(self.screen)])
            return
        self._before_planes = _Arrangement(1, 1, [Cell(self.screen)], 0)
        for screen in others:
            screen.dispose()

    @Slot()
    def forget_closed(self) -> None:
        """Studies were closed: what showed them shows nothing, one empty cell is left of many."""
        open_uids = {study.study_instance_uid for study in self._session.library.studies}
        gone = [
            screen for screen in self.every_screen()
            if screen.display is not None and screen.display.study_instance_uid not in open_uids
        ]  # fmt: skip
        if not gone:
            return
        if self._toolbox.tool is not None:
            self._toolbox.tool.put_down()
        for screen in gone:
            screen.model.begin(None)
        if all(screen.display is None for screen in self.every_screen()):
            others = [screen for screen in self.every_screen() if screen is not self.screen]
            self._before_planes = None
            self.replace(1, 1, [Cell(self.screen)])
            for screen in others:
                if screen not in self.screens:
                    screen.dispose()
        self.emptied.emit()

    def _patient(self, display: DisplaySet) -> str:
        uid = display.study_instance_uid
        studies = self._session.library.studies
        return next((s.patient_id for s in studies if s.study_instance_uid == uid), uid)

    def begin(self, screen: Screen, display: DisplaySet) -> None:
        """Let a screen show a display; `load` then brings its pixels."""
        if screen.shows(display):
            return
        screen.model.begin(display, display_key(display))
        self.display_shown.emit(screen, display)

    def load(self) -> None:
        """Load what is not there yet: the active screen first, then the others."""
        rest = [s for s in self.screens if not s.loaded and s.display is not None]
        rest.sort(key=lambda screen: screen is not self.screen)
        if rest:
            requests = [(s.display, s.stack.index) for s in rest if s.display is not None]
            self._session.library.show(*requests[0], beside=requests[1:])

    @Slot(int, str)
    def _dropped(self, cell: int, key: str) -> None:
        display = self.find(key)
        if display is not None:
            widget = self.wall.shown[cell]
            self.activate(widget)
            self.show(display)

    def find(self, key: str) -> DisplaySet | None:
        """An open display by its key."""
        studies = self._session.library.studies
        displays = (d for study in studies for series in study.series for d in series.displays)
        return next((d for d in displays if display_key(d) == key), None)
