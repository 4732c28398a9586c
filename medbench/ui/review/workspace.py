"""Review: studies on the left, viewports in the middle, AI and image facts on the right."""

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QTabWidget, QVBoxLayout, QWidget

from medbench.domain.image import DisplaySet, ScanResult, Study
from medbench.domain.objects import Report
from medbench.session.layer_shelf import is_layer_display
from medbench.session.library import display_key
from medbench.session.session import Session
from medbench.ui.actions.registry import ActionRegistry
from medbench.ui.review.ai_desk import AiDesk
from medbench.ui.review.ai_panel import AiPanel
from medbench.ui.review.bar_row import BarRow
from medbench.ui.review.browser import StudyBrowser
from medbench.ui.review.commands import register_commands
from medbench.ui.review.documents.fonts import FontWatch
from medbench.ui.review.feature import Feature
from medbench.ui.review.features import FEATURES
from medbench.ui.review.feeding import Feeding
from medbench.ui.review.image_panel import ImagePanel
from medbench.ui.review.layer_desk import LayerDesk
from medbench.ui.review.layout_state import LayoutState
from medbench.ui.review.layouts import layout_of, put_layout
from medbench.ui.review.notes_bar import NotesBar
from medbench.ui.review.object_stage import ObjectStage
from medbench.ui.review.pointer import Toolbox
from medbench.ui.review.screen import Screen, Views
from medbench.ui.review.showing import Showing
from medbench.ui.review.sync import SyncDesk
from medbench.ui.review.tags_tab import TagsTab
from medbench.ui.review.time_bar import TimeBar
from medbench.ui.review.tool_bar import ReviewToolBar
from medbench.ui.review.tools import ReviewTools
from medbench.ui.review.view_model import ViewModel
from medbench.ui.review.viewport import Viewport
from medbench.ui.review.wall import Wall
from medbench.ui.review.window_box import WindowBox
from medbench.ui.review.window_panel import WindowPanel
from medbench.ui.widgets import Scroll
from medbench.ui.workspace import Workspace


def _first_choice(display: DisplaySet) -> tuple[bool, bool, int]:
    """Images before layers before other objects; then the one with most slices."""
    pictures = not display.kind.without_pictures
    return pictures and not is_layer_display(display), pictures, display.slices


def _order(feature: Feature) -> int:
    return feature.order


def _stacked(*panels: QWidget) -> QWidget:
    box = QWidget()
    column = QVBoxLayout(box)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    for panel in panels:
        column.addWidget(panel)
    column.addStretch(1)
    return box


class ReviewWorkspace(Workspace):
    """The wall of viewports and what stands around it.

    Signals
    -------
    model_changed : ViewModel
        Another viewport is active, and it belongs to another screen.
    active_changed : Viewport
        Another viewport is active.
    """

    model_changed = Signal(object)
    active_changed = Signal(object)

    workspace_id = "review"
    icon = "scan-eye"
    left_width = 256
    right_width = 348

    def __init__(
        self, session: Session, actions: ActionRegistry, parent: QWidget | None = None
    ) -> None:
        super().__init__(session, actions, parent)
        self.toolbox = Toolbox(self)
        self.wall = Wall(self)
        self.showing = Showing(session, self.toolbox, self.wall, self)
        self.showing.defaults["show_patient"] = session.settings.value.show_patient
        self.model.show_patient = session.settings.value.show_patient
        self.feeding = Feeding(session, self.showing)
        self.tools = ReviewTools(self)
        self.ai_desk = AiDesk(self)
        self.sync = SyncDesk(self)
        register_commands(self)
        self.features = sorted((make(self) for make in FEATURES), key=_order)
        self._build()
        self.toolbox.changed.connect(self.tools.mark_tool)
        self.tools.mark_tool()
        session.library.scan_finished.connect(self._scanned)
        session.models.changed.connect(self._enable)
        session.settings.changed.connect(self._settings_changed)
        self.feeding.arrived.connect(self._arrived)
        self.feeding.loaded.connect(self._loaded)
        self.feeding.shape_failed.connect(self._shape_failed)
        showing = self.showing
        showing.display_shown.connect(self._display_shown)
        showing.emptied.connect(self._emptied)
        showing.model_changed.connect(self._follow)
        showing.active_changed.connect(self._active_changed)
        showing.arranged.connect(self._arranged)
        showing.arrange()
        self._enable()

    # construction

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.preset = WindowBox(self.model)
        self.image_tools = ReviewToolBar(self.actions_registry, self.features, self.preset)
        column.addWidget(self.image_tools)
        self.stage = ObjectStage(self.session, self.wall)
        self.stage.link_requested.connect(self.show_instance)
        self.notes = NotesBar(self.session.library)
        column.addWidget(self.notes)
        column.addWidget(BarRow(bar for f in self.features if (bar := f.bar()) is not None))
        column.addWidget(self.stage, 1)
        self.time_bar = TimeBar(self.session.library)
        self.time_bar.display_wanted.connect(self.show_display)
        column.addWidget(self.time_bar)
        for feature in self.features:
            if (strip := feature.strip()) is not None:
                column.addWidget(strip)
        self.browser = StudyBrowser(self.session.library, self.actions_registry)
        self.browser.display_chosen.connect(self.show_display)
        self.image_panel = ImagePanel(self.model)
        self.window_panel = WindowPanel(self.model, self.actions_registry)
        self.ai_panel = AiPanel(self.session, self.model, self.actions_registry)
        self.ai_panel.add_requested.connect(self.ai_desk.add_to_cohort)
        self.layer_desk = LayerDesk(self.session, self)
        self.showing.view_made.connect(self._view_made)
        for view in self.showing.every_view():
            self._view_made(view)

    @Slot(object)
    def _view_made(self, view: Viewport) -> None:
        view.probed.connect(self.window_panel.show_probe)
        view.index_changed.connect(self._index_changed)
        self.layer_desk.watch(view)

    def title(self) -> str:
        return self.tr("Review")

    def left_panel(self) -> QWidget:
        return self.browser

    def right_panel(self) -> QWidget:
        tabs = QTabWidget()
        tabs.setAccessibleName(self.tr("Image information"))
        tabs.tabBar().setAccessibleName(self.tr("Tabs"))
        self._fonts = FontWatch(self.session, self)
        self.tags_tab = TagsTab(self.session, self.model, self.stack)
        rows: list[tuple[str, str, QWidget]] = [
            (feature.tab_id, tab[0], Scroll(tab[1]))
            for feature in self.features if (tab := feature.tab()) is not None
        ]  # fmt: skip
        rows += [
            ("image", self.tr("Image"), Scroll(_stacked(self.layer_desk.panel, self.image_panel))),
            ("tags", self.tr("Tags"), self.tags_tab),
        ]
        for tab_id, title, widget in rows:
            widget.setObjectName(tab_id)
            tabs.addTab(widget, title)
        tabs.setUsesScrollButtons(True)
        self.tabs = tabs
        for feature in self.features:
            feature.tabs_ready(tabs)
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(tabs, 1)
        column.addWidget(self.window_panel)
        return side

    def show_tab(self, tab_id: str) -> None:
        """Bring a tab of the right side to the front."""
        for index in range(self.tabs.count()):
            widget = self.tabs.widget(index)
            if widget is not None and widget.objectName() == tab_id:
                self.tabs.setCurrentIndex(index)

    # what is active

    @property
    def model(self) -> ViewModel:
        """Model of the active screen."""
        return self.showing.screen.model

    @property
    def active(self) -> Viewport:
        """The active viewport."""
        return self.showing.active_view

    @property
    def stack(self) -> Viewport:
        """The acquired pictures of the active screen."""
        return self.showing.screen.stack

    @property
    def viewports(self) -> Views:
        """Viewports of the active screen, by plane."""
        return self.showing.screen.views

    def views(self) -> tuple[Viewport, ...]:
        """Viewports on the wall."""
        return self.showing.views()

    @Slot(object)
    def _active_changed(self, _widget: object) -> None:
        self.active_changed.emit(self.active)

    @Slot(object)
    def _follow(self, model: ViewModel) -> None:
        """The panels speak of another screen."""
        self.preset.follow(model)
        self.image_panel.follow(model)
        self.window_panel.follow(model)
        self.ai_panel.follow(model)
        self.tags_tab.follow(model, self.stack)
        self.model_changed.emit(model)
        if model.display is not None:
            self._speak_of(model.display)
        self.layer_desk.refresh()
        self._show_facts(self.stack.index)

    def _show_facts(self, index: int) -> None:
        self.image_panel.show_slice(index)
        self.window_panel.show_slice(index)

    @Slot()
    def _arranged(self) -> None:
        self.actions_registry.action("medbench.review.toggle_mpr").setChecked(
            self.showing.planes_shown
        )

    # what is shown

    @Slot(object)
    def _scanned(self, result: ScanResult) -> None:
        self.session.readings.open_studies(s.study_instance_uid for s in result.studies)
        displays = [d for s in result.studies for series in s.series for d in series.displays]
        if displays:
            self.show_display(max(displays, key=_first_choice))

    @Slot(object)
    def show_display(self, display: DisplaySet) -> None:
        """Show a display; what belongs over other images is drawn over them."""
        if not self.layer_desk.takes(display):
            self.show_images(display)

    def show_alone(self, display: DisplaySet) -> bool:
        """Show a layer's own frames as pictures; False when it has none."""
        if display.kind.without_pictures:
            return False
        self.show_images(display)
        return True

    def show_images(self, display: DisplaySet) -> None:
        """Show a display in the active cell; the shown slice loads first."""
        self.showing.show(display)

    def show_beside(self, display: DisplaySet) -> Screen:
        """The active display on the left, this one on the right."""
        return self.showing.show_beside(display)

    def layout_state(self) -> LayoutState:
        """The layout on the wall, as data."""
        return layout_of(self.showing, synchronised=self.sync.on)

    def apply_layout(self, state: LayoutState) -> None:
        """Put a layout on the wall; displays that are not open leave their cells empty."""
        keys = {cell.display_key for cell in state.cells}
        found = {key: display for key in keys if (display := self.showing.find(key)) is not None}
        put_layout(self.showing, state, found)
        self.sync.set_on(on=state.synchronised)

    @Slot(object, object)
    def _display_shown(self, screen: Screen, display: DisplaySet) -> None:
        if screen is self.showing.screen:
            self._speak_of(display)

    @Slot()
    def _emptied(self) -> None:
        """Studies were closed: bars, stage and title tell of nothing."""
        if self.model.display is None:
            self.stage.empty()
            self.image_tools.setVisible(True)
            self.time_bar.hide()
            self.context_changed.emit("", self.tr("No study open"))
            self._enable()

    def _speak_of(self, display: DisplaySet) -> None:
        """Bars, browser, title and stage tell of the active display."""
        self.time_bar.show_display(display)
        self.notes.show_display(display)
        self.preset.fill(self.stack.index)
        self._enable()
        self.browser.mark(display)
        study = self.study_of(display)
        if study is not None:
            name = study.patient_name.replace("^", ", ") or study.patient_id
            shown = name if self.model.show_patient else self.tr("Patient hidden")
            self.context_changed.emit(shown, display.description or study.description)
        self.image_tools.setVisible(not self.stage.show_display(display))

    @Slot(str, int)
    def show_instance(self, sop_instance_uid: str, frame: int) -> None:
        """Show the picture a report points at."""
        for study in self.session.library.studies:
            for display in (d for series in study.series for d in series.displays):
                for index, ref in enumerate(display.frames):
                    if ref.sop_instance_uid == sop_instance_uid and (
                        ref.frame == frame or display.slices == 1
                    ):
                        report = self.stage.payload
                        self.show_display(display)
                        self.stack.set_index(index)
                        self.model.set_report(report if isinstance(report, Report) else None)
                        return
        self.session.messages.warning(self.tr("The picture it points at is not open"))

    def study_of(self, display: DisplaySet) -> Study | None:
        """The open study a display belongs to."""
        uid = display.study_instance_uid
        return next((s for s in self.session.library.studies if s.study_instance_uid == uid), None)

    def show_object(self, payload: object) -> None:
        """A study, or files of a case."""
        if isinstance(payload, Study):
            displays = [d for series in payload.series for d in series.displays]
            if displays:
                self.show_display(max(displays, key=_first_choice))
        elif isinstance(payload, list):
            self.session.library.open_paths(payload)

    @Slot(object, object)
    def _arrived(self, screen: Screen, indices: tuple[int, ...]) -> None:
        if screen is self.showing.screen and screen.stack.index in indices:
            self._show_facts(screen.stack.index)
            self._enable()

    @Slot(object)
    def _loaded(self, screen: Screen) -> None:
        volume = screen.model.volume
        if screen is self.showing.screen:
            self._show_facts(screen.stack.index)
            self._enable()
            self.preset.fill(screen.stack.index)
        if volume is not None and volume.failed:
            index, reason = min(volume.failed.items())
            self.session.messages.warning(
                self.tr("{0} of {1} frames could not be decoded").format(
                    len(volume.failed), volume.display.slices
                ),
                self.tr("Frame {0}: {1}").format(index + 1, reason),
            )

    @Slot(object, str)
    def _shape_failed(self, screen: Screen, reason: str) -> None:
        if screen is self.showing.screen:
            self.showing.leave_planes()
        self.session.messages.warning(self.tr("The series cannot be resampled"), reason)

    @Slot(int)
    def _index_changed(self, index: int) -> None:
        if self.sender() is self.stack:
            self._show_facts(index)

    # commands

    def next_time(self) -> None:
        """The next time point; after the last comes the first."""
        self.time_bar.step(1)

    def previous_time(self) -> None:
        """The time point before."""
        self.time_bar.step(-1)

    def toggle_mpr(self) -> None:
        """Stack or three planes."""
        if not self.showing.toggle_planes() and self.model.display is not None:
            self.session.messages.info(
                self.tr("This series cannot be cut into planes without distorting it")
            )

    def next_display(self) -> None:
        """The next series of the browser."""
        displays = [row.display for row in self.browser.model.rows if row.display is not None]
        keys = [display_key(d) for d in displays]
        if displays:
            at = keys.index(self.model.key) + 1 if self.model.key in keys else 0
            self.show_display(displays[at % len(displays)])

    @Slot()
    def _enable(self) -> None:
        can = bool(self.session.models.approved()) and self.ai_desk.frame() is not None
        self.actions_registry.action("medbench.review.run_ai").setEnabled(can)
        display = self.model.display
        self.actions_registry.action("medbench.review.toggle_mpr").setEnabled(
            display is not None and display.reformattable
        )

    @Slot(object)
    def _settings_changed(self, _settings: object) -> None:
        shown = self.session.settings.value.show_patient
        self.showing.defaults["show_patient"] = shown
        for screen in self.showing.every_screen():
            screen.model.show_patient = shown
        self.restyle()

    def restyle(self) -> None:
        for view in self.showing.every_view():
            view.update()
