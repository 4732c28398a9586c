"""Segments: the part of Review that outlines."""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPoint, Slot
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QColorDialog, QInputDialog, QLineEdit, QMenu, QWidget

from medbench.domain.image import Volume
from medbench.domain.objects import Segmentation, StructureSet
from medbench.domain.segment_edit import (
    EditedSegment,
    EditedSegmentation,
    SegmentState,
    grid_of_display,
)
from medbench.jobs.states import JobState
from medbench.session.late_job import LateJob
from medbench.session.ports import Handle
from medbench.ui.review.feature import Feature, ToolButtonSpec
from medbench.ui.review.segments.choice import BODY, SegmentChoice, values_on
from medbench.ui.review.segments.commands import SegmentCommands
from medbench.ui.review.segments.label_picture import axes_on
from medbench.ui.review.segments.layer import SegmentLayer
from medbench.ui.review.segments.operations import SegmentOperations
from medbench.ui.review.segments.panel import SegmentPanel
from medbench.ui.review.segments.target import SegmentTarget
from medbench.ui.review.segments.tools import BrushTool, EraserTool, GrowTool, ThresholdTool
from medbench.ui.review.segments.transfer import SegmentTransfer
from medbench.ui.review.view_model import ViewModel

if TYPE_CHECKING:
    from medbench.ui.review.workspace import ReviewWorkspace


class SegmentDesk(Feature):
    """Tools, what is drawn, panel."""

    order = 30
    tab_id = "segments"

    def __init__(self, page: "ReviewWorkspace") -> None:
        super().__init__(page)
        self.book = self.session.segments
        self.choice = SegmentChoice(self.book, self)
        self.target = SegmentTarget(self.session, self.choice, self)
        self.operations = SegmentOperations(self.session, self.target, self)
        self.transfer = SegmentTransfer(self.session, self.choice, self)
        self.layer = SegmentLayer(page, self.choice, self)
        page.toolbox.add_layer(self.layer)
        for tool in (
            BrushTool(self.target), EraserTool(self.target),
            GrowTool(self.target, self.operations), ThresholdTool(self.target, self.operations),
        ):  # fmt: skip
            page.toolbox.register(tool)
        self.commands = SegmentCommands(page, self, self.choice, self.target, self.operations)
        self._ranged: Any = None
        self._seeking: Any = None
        self._body_job = LateJob(self.session.jobs, "patient", self)
        self._menu: QMenu | None = None
        self._dialog: Any = None
        self.panel = self._panel()
        self.choice.changed.connect(self._values)
        self.choice.brush_changed.connect(self.find_body)
        self.book.opened.connect(self._opened)
        page.model_changed.connect(self._follow)
        page.toolbox.changed.connect(self._tool_changed)
        self.session.library.volume_loaded.connect(self._loaded)
        self._model: ViewModel | None = None
        self._follow(page.model)

    def _panel(self) -> SegmentPanel:
        panel = SegmentPanel(self.session, self.choice, self.page.actions_registry)
        panel.brush.tool_wanted.connect(self._tool_wanted)
        panel.menu_wanted.connect(self._segment_menu)
        panel.add_menu_wanted.connect(self._add_menu)
        panel.eye_clicked.connect(self._eye)
        panel.lock_clicked.connect(self._lock)
        return panel

    def tab(self) -> tuple[str, QWidget] | None:
        return self.tr("Segments"), self.panel

    def buttons(self) -> tuple[ToolButtonSpec, ...]:
        variants = ("tool_brush", "tool_eraser", "tool_grow", "tool_threshold")
        return (ToolButtonSpec("tool_brush", "brush", variants),)

    # what is active

    @Slot(object)
    def _follow(self, model: ViewModel) -> None:
        if self._model is not None:
            self._model.display_changed.disconnect(self._display_changed)
        self._model = model
        model.display_changed.connect(self._display_changed)
        self.panel.follow(model)
        self._values()

    @Slot()
    def _display_changed(self) -> None:
        self.panel.refresh()
        self._values()

    @Slot(object, object)
    def _loaded(self, _display: object, _volume: Volume) -> None:
        self._values()

    @Slot(str)
    def _opened(self, _segmentation_id: str) -> None:
        self._values()

    @Slot()
    def _values(self) -> None:
        """Mean and SD are those of the shown images, where they lie on the same grid."""
        model = self.page.model
        volume = model.volume
        if volume is None or not volume.ready.all() or volume.voxels.ndim != 3:
            return
        info = volume.infos[0]
        self.panel.show_unit(info.value_unit)
        segmentation = self.choice.for_display(model.display)
        if segmentation is not None:
            values = values_on(model, segmentation)
            if values is not None:
                key = segmentation.segmentation_id
                self.book.counter.set_values(key, values, info.padding)
        self.find_body()
        if self._ranged is not volume:
            self._ranged = volume
            self._ask_range(volume)

    def _ask_range(self, volume: Volume) -> None:
        """Smallest and largest value, for the ends of the range."""

        def work(_handle: Handle) -> tuple[float, float]:
            return float(volume.voxels.min()), float(volume.voxels.max())

        def done(found: tuple[float, float]) -> None:
            if self._ranged is volume:
                self.panel.brush.set_limits(*found)

        def failed(sentence: str) -> None:
            if sentence:
                self.session.messages.warning(sentence)

        self.book.runner.run("value range", work, done, failed, newest=True)

    @Slot()
    def find_body(self) -> None:
        """Look for the patient once the brush is to stay inside of it."""
        display, volume = self.page.model.display, self.page.model.volume
        if self.choice.brush.only != BODY or display is None or volume is None:
            return
        grey = volume.voxels.ndim == 3 and volume.ready.all()
        geometry = grid_of_display(display)[0]
        if not grey or self.choice.body(geometry) is not None or self._seeking is volume:
            return
        self._seeking = volume

        def work(handle: Handle) -> Any:
            from medbench.imaging.segment_tools import body_mask

            return body_mask(volume.voxels, handle.cancelled).view("uint8")

        def done(found: Any) -> None:
            self._seeking = None
            self._body_job.end(JobState.FINISHED)
            self.choice.keep_body(geometry, found)
            self.session.messages.info(self.tr("The patient was found; the brush stays inside"))

        def failed(sentence: str) -> None:
            self._seeking = None
            self._body_job.end(JobState.FAILED if sentence else JobState.CANCELLED, sentence)
            if sentence:
                self.session.messages.warning(sentence)

        ticket = self.book.comparer.run("body", work, done, failed)

        def cancel() -> None:
            self._seeking = None
            self.book.comparer.cancel(ticket)
            self._body_job.end(JobState.CANCELLED)

        self._body_job.begin(self.tr("Find the patient"), cancel)

    @Slot(str)
    def _tool_wanted(self, tool_id: str) -> None:
        self.page.toolbox.choose(tool_id)

    @Slot(str)
    def _tool_changed(self, tool_id: str) -> None:
        self.panel.brush.show_tool(tool_id)

    # lists

    def _own(self, number: int) -> tuple[EditedSegmentation, EditedSegment] | None:
        found = self.choice.for_display(self.page.model.display)
        segment = found.segment(number) if found is not None else None
        return None if found is None or segment is None else (found, segment)

    @Slot(int)
    def _eye(self, number: int) -> None:
        if (own := self._own(number)) is not None:
            self.book.look(own[0].changed_segment(number, shown=not own[1].shown))

    @Slot(int)
    def _lock(self, number: int) -> None:
        if (own := self._own(number)) is not None:
            words = self.tr("Unlock segment") if own[1].locked else self.tr("Lock segment")
            key = own[0].segmentation_id
            self.book.change_segment(key, number, words, locked=not own[1].locked)

    @Slot(int)
    def _review(self, number: int) -> None:
        if (own := self._own(number)) is not None:
            reviewed = own[1].state is SegmentState.REVIEWED
            state = SegmentState.EDITING if reviewed else SegmentState.REVIEWED
            words = self.tr("State of segment")
            self.book.change_segment(own[0].segmentation_id, number, words, state=state)

    def rename_segment(self, number: int, name: str) -> None:
        """Another name, as one step."""
        own = self._own(number)
        if own is not None and name.strip():
            words = self.tr("Rename segment")
            key = own[0].segmentation_id
            self.book.change_segment(key, number, words, label=name.strip())

    def rename_segmentation(self, name: str) -> None:
        """Another title, as one step."""
        found = self.choice.for_display(self.page.model.display)
        if found is not None and name.strip():
            changed = replace(found, title=name.strip())
            self.book.change(changed, self.tr("Rename segmentation"))

    def go_to_segment(self, number: int) -> None:
        """Show the middle slice of a segment in every viewport of the screen."""
        own = self._own(number)
        for view in self.page.views() if own is not None else ():
            assert own is not None
            axes = axes_on(view, own[0])
            if view.model is not self.page.model or axes is None:
                continue
            line = self.book.counter.extent(own[0].segmentation_id, number, axes[0][0])
            if line is not None and line.any():
                places = line.nonzero()[0]
                at = int(places[len(places) // 2])
                view.set_index(view.count - 1 - at if axes[1][0] else at)

    # menus and questions: none of them stops the program while it is open

    @Slot(int, QPoint)
    def _segment_menu(self, number: int, place: QPoint) -> None:
        own = self._own(number)
        if own is None:
            return
        segment = own[1]
        menu = self._new_menu()
        reviewed = segment.state is SegmentState.REVIEWED
        state = self.tr("Mark as being edited") if reviewed else self.tr("Mark as reviewed")
        menu.addAction(self.tr("Go to segment"), lambda: self.go_to_segment(number))
        menu.addAction(self.tr("Rename ..."), lambda: self._ask_name(number))
        menu.addAction(self.tr("Colour ..."), lambda: self._ask_colour(number))
        menu.addAction(state, lambda: self._review(number))
        lock = self.tr("Unlock") if segment.locked else self.tr("Lock")
        menu.addAction(lock, lambda: self._lock(number))
        menu.addSeparator()
        erase = menu.addAction(
            self.tr("Erase voxels"),
            lambda: self.book.erase_segment(own[0].segmentation_id, number),
        )
        erase.setEnabled(not segment.locked and not self.target.jobs.busy)
        delete = menu.addAction(
            self.tr("Delete segment"),
            lambda: self.book.remove_segment(own[0].segmentation_id, number),
        )
        delete.setEnabled(not segment.locked and not self.target.jobs.busy)
        menu.popup(place)

    @Slot(QPoint)
    def _add_menu(self, place: QPoint) -> None:
        menu = self._new_menu()
        act = self.page.actions_registry.action
        menu.addAction(act("medbench.review.segment_new"))
        menu.addAction(act("medbench.review.segmentation_new"))
        view = self.page.active
        for layer in self.session.layers.layers:
            if isinstance(layer.payload, (Segmentation, StructureSet)):
                words = self.tr("Copy {0} to edit it").format(layer.title)
                menu.addAction(words, partial(self.transfer.copy_layer, view, layer))
        found = self.choice.for_display(self.page.model.display)
        if found is not None:
            menu.addSeparator()
            menu.addAction(self.tr("Rename segmentation ..."), lambda: self._ask_name(0))
            delete = menu.addAction(
                self.tr("Delete segmentation"), lambda: self.book.remove(found.segmentation_id)
            )
            delete.setEnabled(not self.target.jobs.busy)
        menu.popup(place)

    def ask_combine(self, how: str) -> None:
        """Choose the other segment of a logical operation."""
        others = self.panel.other_segments()
        if not others:
            self.session.messages.info(self.tr("There is no other segment on these images"))
            return
        menu, view = self._new_menu(), self.page.active
        for words, key, number in others:
            self.book.open(key)
            menu.addAction(words, partial(self.operations.combine, view, how, key, number))
        menu.popup(self.panel.mapToGlobal(QPoint(40, 200)))

    def _new_menu(self) -> QMenu:
        if self._menu is not None:
            self._menu.deleteLater()
        self._menu = QMenu(self.panel)
        return self._menu

    def _ask_name(self, number: int) -> None:
        own = self._own(number)
        found = self.choice.for_display(self.page.model.display)
        if found is None:
            return
        dialog = QInputDialog(self.panel)
        dialog.setWindowTitle(self.tr("Rename"))
        dialog.setLabelText(self.tr("Name"))
        dialog.setTextValue(own[1].label if own is not None else found.title)
        if (field := dialog.findChild(QLineEdit)) is not None:
            field.setAccessibleName(self.tr("Name"))
        if own is not None:
            dialog.textValueSelected.connect(lambda text: self.rename_segment(number, text))
        else:
            dialog.textValueSelected.connect(self.rename_segmentation)
        self._open(dialog)

    def _ask_colour(self, number: int) -> None:
        own = self._own(number)
        if own is None:
            return
        dialog = QColorDialog(QColor(*own[1].colour), self.panel)
        dialog.colorSelected.connect(lambda colour: self.colour_segment(number, colour))
        self._open(dialog)

    def colour_segment(self, number: int, colour: QColor) -> None:
        """Another colour, as one step."""
        if (own := self._own(number)) is not None and colour.isValid():
            rgb = (colour.red(), colour.green(), colour.blue())
            words = self.tr("Colour of segment")
            self.book.change_segment(own[0].segmentation_id, number, words, colour=rgb)

    def _open(self, dialog: Any) -> None:
        self._dialog = dialog
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def ask_nifti(self) -> None:
        """Ask where the shown segmentation is to be written."""
        found = self.choice.for_display(self.page.model.display)
        if found is None or self.book.labels(found.segmentation_id) is None:
            self.session.messages.info(self.tr("There is no segmentation to export"))
            return
        self.transfer.ask_nifti(found, self.panel)
