"""Review: studies on the left, viewports in the middle, AI and image facts on the right."""

from typing import Any

import numpy as np
from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QMenu,
    QTabWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from medbench.base.ids import slugify
from medbench.cohorts.collect import LabelledFrame
from medbench.domain.image import DisplaySet, ScanResult, Study, Volume
from medbench.domain.objects import Report
from medbench.imaging.reslice import PlaneKind
from medbench.session.layer_shelf import is_layer_display
from medbench.session.library import display_key
from medbench.session.model_shelf import PredictionView
from medbench.session.session import Session
from medbench.ui.actions.registry import ActionRegistry
from medbench.ui.review.ai_panel import AiPanel
from medbench.ui.review.browser import StudyBrowser
from medbench.ui.review.commands import register_commands
from medbench.ui.review.documents.fonts import FontWatch
from medbench.ui.review.feature import Feature, ToolButtonSpec
from medbench.ui.review.features import FEATURES
from medbench.ui.review.image_panel import ImagePanel
from medbench.ui.review.layer_desk import LayerDesk
from medbench.ui.review.notes_bar import NotesBar
from medbench.ui.review.object_stage import ObjectStage
from medbench.ui.review.pointer import Toolbox
from medbench.ui.review.tags_tab import TagsTab
from medbench.ui.review.time_bar import TimeBar
from medbench.ui.review.tools import ReviewTools
from medbench.ui.review.view_model import Tool, ViewModel
from medbench.ui.review.viewport import Viewport
from medbench.ui.review.window_box import WindowBox
from medbench.ui.widgets import Scroll, ToolButton
from medbench.ui.workspace import Workspace


def _first_choice(display: DisplaySet) -> tuple[bool, bool, int]:
    """Images before layers before other objects; then the one with most slices."""
    pictures = not display.kind.without_pictures
    return pictures and not is_layer_display(display), pictures, display.slices


def _order(feature: Feature) -> int:
    return feature.order


_MPR = (PlaneKind.AXIAL, PlaneKind.CORONAL, PlaneKind.SAGITTAL, PlaneKind.ACQUIRED)


class ReviewWorkspace(Workspace):
    """Stack or three planes of one display.

    Signals
    -------
    model_changed : ViewModel
        Another viewport is active, and it shows another display.
    """

    model_changed = Signal(object)

    workspace_id = "review"
    icon = "scan-eye"
    left_width = 256
    right_width = 348

    def __init__(
        self, session: Session, actions: ActionRegistry, parent: QWidget | None = None
    ) -> None:
        super().__init__(session, actions, parent)
        self.toolbox = Toolbox(self)
        self.model = ViewModel(self.toolbox, self)
        self.model.show_patient = session.settings.value.show_patient
        self._mpr = False
        self._maximised: Viewport | None = None
        self.tools = ReviewTools(self)
        register_commands(self)
        self.features = [make(self) for make in FEATURES]
        self._build()
        self.toolbox.changed.connect(self.tools.mark_tool)
        self.tools.mark_tool()
        library = session.library
        library.volume_opened.connect(self._volume_opened)
        library.slices_ready.connect(self._slices_ready)
        library.volume_loaded.connect(self._volume_loaded)
        library.volume_failed.connect(self._volume_failed)
        library.scan_finished.connect(self._scanned)
        session.shaper.shaped.connect(self._shaped)
        session.shaper.failed.connect(self._shape_failed)
        session.models.predicted.connect(self._predicted)
        session.models.changed.connect(self._enable)
        session.settings.changed.connect(self._settings_changed)
        self._enable()

    # construction

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.image_tools = self._toolbar()
        column.addWidget(self.image_tools)
        grid_box = QWidget()
        grid_box.setObjectName("viewports")
        grid_box.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._grid = QGridLayout(grid_box)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(2)
        self.viewports = {kind: Viewport(self.model, kind) for kind in _MPR}
        for view in self.viewports.values():
            view.activated.connect(self._activate)
            view.maximise_requested.connect(self._maximise)
        self.active = self.viewports[PlaneKind.ACQUIRED]
        self.stage = ObjectStage(self.session, grid_box)
        self.stage.link_requested.connect(self.show_instance)
        self.notes = NotesBar(self.session.library)
        column.addWidget(self.notes)
        column.addWidget(self.stage, 1)
        self.time_bar = TimeBar(self.session.library)
        self.time_bar.display_wanted.connect(self.show_display)
        column.addWidget(self.time_bar)
        for feature in self.features:
            if (strip := feature.strip()) is not None:
                column.addWidget(strip)
        self.browser = StudyBrowser(self.session.library, self.actions_registry)
        self.browser.display_chosen.connect(self.show_display)
        self.image_panel = ImagePanel(self.model, self.actions_registry)
        self.ai_panel = AiPanel(self.session, self.model, self.actions_registry)
        self.ai_panel.add_requested.connect(self.add_to_cohort)
        self.layer_desk = LayerDesk(self.session, self.model, self)
        for view in self.viewports.values():
            view.probed.connect(self.image_panel.show_probe)
        self.viewports[PlaneKind.ACQUIRED].index_changed.connect(self._index_changed)
        self._arrange()

    def _toolbar(self) -> QWidget:
        bar = QFrame()
        bar.setObjectName("toolbar")
        bar.setFixedHeight(49)
        row = QHBoxLayout(bar)
        row.setContentsMargins(6, 2, 8, 2)
        row.setSpacing(2)
        act = self.actions_registry.action
        icons = {"window": "sun", "pan": "hand", "zoom": "zoom-in", "scroll": "layers",
                 "crosshair": "crosshair"}  # fmt: skip
        for tool in Tool:
            row.addWidget(ToolButton(act(f"medbench.review.tool_{tool.value}"), icons[tool.value]))
        row.addSpacing(12)
        for name, icon in (("invert", "contrast"), ("rotate_right", "rotate-cw"),
                           ("flip_horizontal", "flip-horizontal"), ("toggle_mpr", "layout-grid"),
                           ("reset", "rotate-ccw"), ("toggle_overlay", "eye"),
                           ("run_ai", "brain")):  # fmt: skip
            row.addWidget(ToolButton(act(f"medbench.review.{name}"), icon))
        for feature in sorted(self.features, key=_order):
            row.addSpacing(12)
            for button in feature.buttons():
                row.addWidget(self._tool_button(button))
        row.addStretch(1)
        self.preset = WindowBox(self.model)
        row.addWidget(self.preset)
        return bar

    def _tool_button(self, spec: ToolButtonSpec) -> ToolButton:
        act = self.actions_registry.action
        button = ToolButton(act(f"medbench.review.{spec.command}"), spec.icon)
        if spec.variants:
            menu = QMenu(button)
            for name in spec.variants:
                menu.addAction(act(f"medbench.review.{name}"))
            button.setMenu(menu)
            button.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        return button

    def views(self) -> tuple[Viewport, ...]:
        """Viewports on the screen."""
        return tuple(view for view in self.viewports.values() if view.isVisible())

    def title(self) -> str:
        return self.tr("Review")

    def left_panel(self) -> QWidget:
        return self.browser

    def right_panel(self) -> QWidget:
        tabs = QTabWidget()
        tabs.setAccessibleName(self.tr("Image information"))
        tabs.tabBar().setAccessibleName(self.tr("Tabs"))
        for feature in sorted(self.features, key=_order):
            if (tab := feature.tab()) is not None:
                tabs.addTab(Scroll(tab[1]), tab[0])
        tabs.addTab(Scroll(self.ai_panel), self.tr("AI"))
        tabs.addTab(Scroll(self.image_panel), self.tr("Image"))
        tabs.addTab(Scroll(self.layer_desk.panel), self.tr("Layers"))
        self._fonts = FontWatch(self.session, self)
        stack = self.viewports[PlaneKind.ACQUIRED]
        self.tags_tab = TagsTab(self.session, self.model, stack)
        tabs.addTab(self.tags_tab, self.tr("Tags"))
        self.tabs = tabs
        return tabs

    # what is shown

    @Slot(object)
    def _scanned(self, result: ScanResult) -> None:
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
        """Load a display; the shown slice comes first."""
        if self.model.display is not None and display_key(display) == self.model.key:
            return
        self.session.shaper.forget()
        self.model.begin(display, display_key(display))
        self.time_bar.show_display(display)
        self.notes.show_display(display)
        if self._mpr and not display.reformattable:
            self._mpr = False
        self._arrange()
        self.preset.fill(self.viewports[PlaneKind.ACQUIRED].index)
        self._enable()
        self.browser.mark(display)
        study = self._study_of(display)
        if study is not None:
            name = study.patient_name.replace("^", ", ") or study.patient_id
            shown = name if self.model.show_patient else self.tr("Patient hidden")
            self.context_changed.emit(shown, display.description or study.description)
        pictures = not self.stage.show_display(display)
        self.image_tools.setVisible(pictures)
        if pictures:
            self.session.library.show(display, self.viewports[PlaneKind.ACQUIRED].index)

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
                        self.viewports[PlaneKind.ACQUIRED].set_index(index)
                        self.model.set_report(report if isinstance(report, Report) else None)
                        return
        self.session.messages.warning(self.tr("The picture it points at is not open"))

    def _study_of(self, display: DisplaySet) -> Study | None:
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

    def _mine(self, display: DisplaySet) -> bool:
        return display_key(display) == self.model.key

    @Slot(object, object)
    def _volume_opened(self, display: DisplaySet, volume: Volume) -> None:
        if self._mine(display):
            self.model.set_volume(volume)

    @Slot(object, object)
    def _slices_ready(self, display: DisplaySet, indices: tuple[int, ...]) -> None:
        if self._mine(display):
            self.model.slices_arrived(indices)
            self.model.follow_file(self.viewports[PlaneKind.ACQUIRED].index)
            if self.viewports[PlaneKind.ACQUIRED].index in indices:
                self.image_panel.show_slice(self.viewports[PlaneKind.ACQUIRED].index)
                self._enable()

    @Slot(object, object)
    def _volume_loaded(self, display: DisplaySet, volume: Volume) -> None:
        if not self._mine(display):
            return
        self.model.set_volume(volume)
        self.model.slices_arrived(tuple(range(len(volume.ready))))
        self.image_panel.show_slice(self.viewports[PlaneKind.ACQUIRED].index)
        self._enable()
        self.preset.fill(self.viewports[PlaneKind.ACQUIRED].index)
        self._shape()
        if volume.failed:
            index, reason = min(volume.failed.items())
            self.session.messages.warning(
                self.tr("{0} of {1} frames could not be decoded").format(
                    len(volume.failed), display.slices
                ),
                self.tr("Frame {0}: {1}").format(index + 1, reason),
            )

    @Slot(object, str)
    def _volume_failed(self, display: DisplaySet, reason: str) -> None:
        if self._mine(display):
            self.model.fail(reason)

    def _shape(self) -> None:
        """Ask for a right grid once planes are wanted and every slice is there."""
        volume = self.model.volume
        if self._mpr and self.model.waits_for_shape and volume is not None and volume.ready.all():
            self.session.shaper.shape(volume)

    @Slot(object, object, object)
    def _shaped(self, display: DisplaySet, voxels: Any, geometry: Any) -> None:
        if self._mine(display):
            self.model.set_shaped(voxels, geometry)

    @Slot(object, str)
    def _shape_failed(self, display: DisplaySet, reason: str) -> None:
        if self._mine(display):
            self._mpr = False
            self._arrange()
            self.session.messages.warning(self.tr("The series cannot be resampled"), reason)

    @Slot(int)
    def _index_changed(self, index: int) -> None:
        self.model.follow_file(index)
        self.image_panel.show_slice(index)
        if self.model.display is not None:
            self.session.library.focus(self.model.display, index)

    # layout

    def _arrange(self) -> None:
        self.model.linked = self._mpr
        for view in self.viewports.values():
            self._grid.removeWidget(view)
            view.hide()
        if self._maximised is not None and self._mpr:
            shown = [(self._maximised, 0, 0)]
        elif self._mpr:
            shown = [(self.viewports[kind], i // 2, i % 2) for i, kind in enumerate(_MPR)]
        else:
            shown = [(self.viewports[PlaneKind.ACQUIRED], 0, 0)]
        for view, row, column in shown:
            self._grid.addWidget(view, row, column)
            view.show()
        if self.active not in [view for view, _, _ in shown]:
            self._activate(shown[0][0])
        self._activate(self.active)
        self.actions_registry.action("medbench.review.toggle_mpr").setChecked(self._mpr)

    @Slot(object)
    def _activate(self, view: Viewport) -> None:
        self.active = view
        for other in self.viewports.values():
            other.set_active(other is view and self._mpr)

    @Slot(object)
    def _maximise(self, view: Viewport) -> None:
        self._maximised = None if self._maximised is not None else view
        self._arrange()

    def next_time(self) -> None:
        """The next time point; after the last comes the first."""
        self.time_bar.step(1)

    def previous_time(self) -> None:
        """The time point before."""
        self.time_bar.step(-1)

    def toggle_mpr(self) -> None:
        """Stack or three planes."""
        display = self.model.display
        if display is None or not display.reformattable:
            self._mpr = False
            if display is not None:
                self.session.messages.info(
                    self.tr("This series cannot be cut into planes without distorting it")
                )
        else:
            self._mpr = not self._mpr
        self._maximised = None
        self._arrange()
        self._shape()
        stack = self.viewports[PlaneKind.ACQUIRED]
        plane, point = stack.plane, self.model.point_mm
        if self._mpr and plane is not None and point is not None:  # stay on the slice being read
            _, row, column = plane.place_of(point)
            self.model.set_point(plane.point_of(stack.index, row, column))

    # tools

    def next_display(self) -> None:
        """The next series of the browser."""
        displays = [row.display for row in self.browser.model.rows if row.display is not None]
        keys = [display_key(d) for d in displays]
        if displays:
            at = keys.index(self.model.key) + 1 if self.model.key in keys else 0
            self.show_display(displays[at % len(displays)])

    # AI and cohorts

    def _frame(self) -> tuple[int, np.ndarray[Any, Any]] | None:
        volume = self.model.volume
        index = self.viewports[PlaneKind.ACQUIRED].index
        if volume is None or index >= len(volume.ready) or not volume.ready[index]:
            return None
        return index, volume.voxels[index]

    @Slot()
    def _enable(self) -> None:
        can = bool(self.session.models.approved()) and self._frame() is not None
        self.actions_registry.action("medbench.review.run_ai").setEnabled(can)
        display = self.model.display
        self.actions_registry.action("medbench.review.toggle_mpr").setEnabled(
            display is not None and display.reformattable
        )

    def run_ai(self) -> None:
        """Run the chosen approved model on the shown image."""
        frame, label = self._frame(), self.ai_panel.chosen
        if frame is None or not label:
            return
        index, values = frame
        self.session.models.predict(
            label, f"{self.model.key}#{index}", values,
            inverted=self.model.info(index).inverted, device=self.session.settings.value.device,
        )  # fmt: skip

    @Slot(object)
    def _predicted(self, view: PredictionView) -> None:
        key, _, index = view.key.rpartition("#")
        if key == self.model.key:
            self.model.set_overlay(view.overlay, int(index))

    @Slot(str, str)
    def add_to_cohort(self, cohort: str, label: str) -> None:
        """Add the shown image as a labelled case."""
        display, frame = self.model.display, self._frame()
        if display is None or frame is None:
            self.session.messages.warning(self.tr("Open an image first"))
            return
        if not cohort or not label:
            self.session.messages.warning(self.tr("Name the cohort and the label"))
            return
        reference = display.frames[frame[0]]
        study = self._study_of(display)
        self.session.cohorts.add_frame(
            slugify(cohort),
            LabelledFrame(
                reference.path, display.display_id, reference.frame,
                study.patient_id if study is not None else "", label,
                self.session.settings.value.reader, study is not None and study.simulated,
                self.session.library.is_unpacked(reference.path),
            ),
        )  # fmt: skip

    @Slot(object)
    def _settings_changed(self, _settings: object) -> None:
        self.model.show_patient = self.session.settings.value.show_patient
        for view in self.viewports.values():
            view.update()

    def restyle(self) -> None:
        for view in self.viewports.values():
            view.update()
