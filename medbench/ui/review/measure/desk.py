"""Measurements in Review: tools, marks, panel, commands."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QWidget

from medbench.base.atomic import atomic_write_text
from medbench.domain.measurement import Measurement, MeasurementKind, Place
from medbench.session.measuring import Picture, measurements_csv
from medbench.session.ports import Handle
from medbench.ui.review.commands import register_rows
from medbench.ui.review.feature import Feature, ToolButtonSpec
from medbench.ui.review.measure.book import MeasureBook
from medbench.ui.review.measure.draw import FreehandTool, PointsTool, PolylineTool, TextTool
from medbench.ui.review.measure.editor import InlineEditor
from medbench.ui.review.measure.guide import Guide
from medbench.ui.review.measure.magnifier import MagnifierTool
from medbench.ui.review.measure.marks import MarksLayer
from medbench.ui.review.measure.panel import MeasurePanel
from medbench.ui.review.measure.placing import Ground
from medbench.ui.review.measure.words import all_words, kind_name, label_lines
from medbench.ui.review.pointer import PointerTool

if TYPE_CHECKING:
    from medbench.ui.review.viewport import Viewport
    from medbench.ui.review.workspace import ReviewWorkspace

translate = QCoreApplication.translate
K = MeasurementKind


class MeasureDesk(Feature):
    """What the reader measures, on the pictures and in the tab "Measurements".

    Others may use ``book`` (create, change, select), ``marks_layer.style_of`` (look of a mark) and
    ``guide.jump`` (show the place of a measurement).
    """

    order = 20
    tab_id = "measurements"

    def __init__(self, page: "ReviewWorkspace") -> None:
        super().__init__(page)
        self.book = MeasureBook(page.session, self)
        self.drawing = False
        """Whether a tool holds a half-drawn measurement: marks leave events to it then."""
        self.guide = Guide(page)
        self.marks_layer = MarksLayer(self)
        page.toolbox.add_layer(self.marks_layer)
        for tool in self._make_tools():
            page.toolbox.register(tool)
        self._register()
        self.panel = MeasurePanel(self)
        self.book.changed.connect(self.repaint)
        page.toolbox.changed.connect(self._tool_changed)
        self.session.library.changed.connect(self._studies_changed)

    def _make_tools(self) -> tuple[PointerTool, ...]:
        return (
            PointsTool(self, K.LENGTH), PointsTool(self, K.BIDIRECTIONAL),
            PointsTool(self, K.ANGLE), PointsTool(self, K.COBB),
            PointsTool(self, K.RECTANGLE), PointsTool(self, K.ELLIPSE),
            FreehandTool(self, K.FREEHAND), PolylineTool(self, K.POLYLINE),
            PointsTool(self, K.ARROW), TextTool(self, K.TEXT), PointsTool(self, K.PROBE),
            MagnifierTool(self),
        )  # fmt: skip

    def _register(self) -> None:
        area = translate("Review", "Measure")
        rows = [
            (self.tool_length, kind_name(K.LENGTH), area, "D", "length", ""),
            (self.tool_bidirectional, kind_name(K.BIDIRECTIONAL), area, "Shift+D",
             "bidirectional", translate("Review", "Long axis, then the short one across it")),
            (self.tool_angle, kind_name(K.ANGLE), area, "G", "angle", ""),
            (self.tool_cobb, kind_name(K.COBB), area, "Shift+G", "cobb",
             translate("Review", "Angle of two lines that need not meet")),
            (self.tool_ellipse, kind_name(K.ELLIPSE), area, "E", "ellipse", ""),
            (self.tool_rectangle, kind_name(K.RECTANGLE), area, "Shift+E", "square", ""),
            (self.tool_freehand, kind_name(K.FREEHAND), area, "F", "freehand", ""),
            (self.tool_polyline, kind_name(K.POLYLINE), area, "Shift+F", "pentagon",
             translate("Review", "Corner after corner; a double click or Return closes it")),
            (self.tool_arrow, kind_name(K.ARROW), area, "Shift+A", "move-up-left", ""),
            (self.tool_text, kind_name(K.TEXT), area, "Shift+T", "type", ""),
            (self.tool_probe, kind_name(K.PROBE), area, "Q", "pipette",
             translate("Review", "Value and place of one pixel")),
            (self.tool_magnifier, translate("Review", "Magnifier"), area, "Shift+Q",
             "scan-search", translate("Review", "A lens while the button is held")),
            (self.repeat_tool, translate("Review", "Repeat the last tool"), area, "Ctrl+T",
             "rotate-cw", ""),
            (self.delete_mark, translate("Review", "Delete measurement"), area, "Del",
             "trash-2", ""),
            (self.toggle_marks, translate("Review", "Show measurements"), area, "", "eye", ""),
            (self.copy_measurements, translate("Review", "Copy measurements"), area, "",
             "copy", ""),
            (self.export_csv, translate("Review", "Export measurements as CSV"), area, "",
             "download", ""),
        ]  # fmt: skip
        register_rows(self.page, rows, {"toggle_marks"})
        self.page.actions_registry.action("medbench.review.toggle_marks").setChecked(True)

    def tab(self) -> tuple[str, QWidget] | None:
        return self.tr("Measurements"), self.panel

    def buttons(self) -> tuple[ToolButtonSpec, ...]:
        return (
            ToolButtonSpec(
                "tool_length", "length", ("tool_length", "tool_bidirectional", "tool_arrow")
            ),
            ToolButtonSpec("tool_angle", "angle", ("tool_angle", "tool_cobb")),
            ToolButtonSpec("tool_ellipse", "ellipse", ("tool_ellipse", "tool_rectangle")),
            ToolButtonSpec("tool_freehand", "freehand", ("tool_freehand", "tool_polyline")),
            ToolButtonSpec(
                "tool_probe", "pipette", ("tool_probe", "tool_text", "tool_magnifier"), rank=5
            ),
        )

    # tools

    def tool_length(self) -> None:
        """The left button does this."""
        self.page.toolbox.choose(K.LENGTH.value)

    def tool_bidirectional(self) -> None:
        """The left button does this."""
        self.page.toolbox.choose(K.BIDIRECTIONAL.value)

    def tool_angle(self) -> None:
        """The left button does this."""
        self.page.toolbox.choose(K.ANGLE.value)

    def tool_cobb(self) -> None:
        """The left button does this."""
        self.page.toolbox.choose(K.COBB.value)

    def tool_rectangle(self) -> None:
        """The left button does this."""
        self.page.toolbox.choose(K.RECTANGLE.value)

    def tool_ellipse(self) -> None:
        """The left button does this."""
        self.page.toolbox.choose(K.ELLIPSE.value)

    def tool_freehand(self) -> None:
        """The left button does this."""
        self.page.toolbox.choose(K.FREEHAND.value)

    def tool_polyline(self) -> None:
        """The left button does this."""
        self.page.toolbox.choose(K.POLYLINE.value)

    def tool_arrow(self) -> None:
        """The left button does this."""
        self.page.toolbox.choose(K.ARROW.value)

    def tool_text(self) -> None:
        """The left button does this."""
        self.page.toolbox.choose(K.TEXT.value)

    def tool_probe(self) -> None:
        """The left button does this."""
        self.page.toolbox.choose(K.PROBE.value)

    def tool_magnifier(self) -> None:
        """The left button does this."""
        self.page.toolbox.choose(MagnifierTool.tool_id)

    def repeat_tool(self) -> None:
        """The last drawing tool again."""
        self.page.toolbox.repeat()

    @Slot(str)
    def _tool_changed(self, _tool: str) -> None:
        self.marks_layer.put_down()
        self.repaint()

    # what tools and marks ask

    @property
    def shown(self) -> bool:
        """Whether marks are drawn at all."""
        return self.book.shown

    @property
    def selected(self) -> str:
        """Id of the selected measurement."""
        return self.book.selected

    def marks(self) -> tuple[Measurement, ...]:
        """Measurements to draw."""
        return self.book.marks() if self.book.shown else ()

    def select(self, measurement_id: str) -> None:
        """Select a measurement on the pictures and in the list."""
        self.book.select(measurement_id)

    def is_pending(self, measurement: Measurement) -> bool:
        """Whether its numbers are still being counted."""
        return self.book.is_pending(measurement)

    def label_of(self, measurement: Measurement) -> list[tuple[str, bool]]:
        """Label lines of a mark."""
        lines = label_lines(measurement)
        if self.book.is_pending(measurement):
            lines.append((self.tr("counting ..."), False))
        return lines

    def live_label(self, measurement: Measurement, picture: Picture) -> list[tuple[str, bool]]:
        """Label lines of a measurement that is being drawn."""
        numbers = self.book.live(measurement, picture)
        return label_lines(measurement.moved(measurement.points, numbers))

    def show_moving(
        self, measurement: Measurement, points: tuple[Place, ...], ground: Ground
    ) -> None:
        """A mark is being dragged."""
        self.book.show_moving(measurement, points, ground)

    def stop_moving(self) -> None:
        """The dragged mark goes back."""
        self.book.stop_moving()

    def finish_moving(
        self, measurement: Measurement, points: tuple[Place, ...], ground: Ground
    ) -> None:
        """The dragged mark stays."""
        self.book.finish_moving(measurement, points, ground)

    def finish(
        self, kind: MeasurementKind, points: tuple[Place, ...], ground: Ground, view: "Viewport"
    ) -> None:
        """A measurement is complete."""
        if not self.book.shown:  # what is drawn must be seen
            self.toggle_marks()
        self.book.create(kind, points, ground)

    def write_text(self, view: "Viewport", ground: Ground, place: Place) -> None:
        """Let the reader type words at a place; they are stored once they are written."""
        editor = InlineEditor(view, view.widget_position(*place))

        def keep(words: str) -> None:
            self.book.create(K.TEXT, (place,), ground, words)

        editor.written.connect(keep)

    def edit_text(self, measurement: Measurement, view: "Viewport") -> None:
        """Let the reader type other words for a mark: a text's own, else its name."""
        if measurement.locked or self.book.is_pending(measurement):
            return
        field = "text" if measurement.kind is K.TEXT else "label"
        place = self.guide.places(view, measurement)
        if place is None:
            return
        editor = InlineEditor(view, view.widget_position(*place[0]), getattr(measurement, field))

        def keep(words: str) -> None:
            self.book.change(measurement, self.tr("Rename"), **{field: words})

        editor.written.connect(keep)

    def say_not_there(self) -> None:
        """Nothing can be measured yet."""
        self.session.messages.info(
            self.tr("The picture is still loading: measure when it is complete")
        )

    @Slot()
    def repaint(self) -> None:
        """Draw every viewport again."""
        for view in self.page.views():
            view.update()

    @Slot()
    def _studies_changed(self) -> None:
        self.marks_layer.forget()

    # commands

    def delete_mark(self) -> None:
        """Delete the selected measurement."""
        found = self.book.get(self.book.selected)
        if found is None:
            return
        if found.locked:
            self.session.messages.info(self.tr("It is locked: unlock it before you delete it"))
            return
        self.book.remove(found)

    def toggle_marks(self) -> None:
        """Show or hide every mark."""
        self.book.show_all(shown=not self.book.shown)
        self._mark_shown()

    def _mark_shown(self) -> None:
        self.page.actions_registry.action("medbench.review.toggle_marks").setChecked(
            self.book.shown
        )

    def listed(self) -> tuple[Measurement, ...]:
        """Measurements of the shown study, in the order of the list."""
        return self.panel.listed()

    def copy_measurements(self) -> None:
        """Put the measurements of the shown study on the clipboard as text."""
        QGuiApplication.clipboard().setText(all_words(self.listed()))
        self.session.messages.success(self.tr("Measurements copied"))

    def export_csv(self) -> None:
        """Ask for a file and write the measurements of the shown study."""
        self.ask_and_save("measurements.csv", self.csv())

    def csv(self) -> str:
        """Measurements and ratios of the shown study as a table."""
        return measurements_csv(self.listed(), self.book.ratios(self.panel.rows.study))

    def ask_and_save(self, name: str, text: str) -> None:
        """Ask for a file and write a table into it."""
        chosen, _ = QFileDialog.getSaveFileName(
            self.page, self.tr("Export measurements"), name, self.tr("CSV (*.csv)")
        )
        if chosen:
            self.save_text(Path(chosen), text)

    def save_text(self, path: Path, text: str) -> None:
        """Write a file away from the window."""

        def work(_handle: Handle) -> None:
            atomic_write_text(path, text)

        def done(_nothing: object) -> None:
            self.session.messages.success(self.tr("Saved {0}").format(path.name))

        def failed(sentence: str) -> None:
            self.session.messages.error(
                self.tr("{0} could not be written").format(path.name), sentence
            )

        self.session.objects.compute(f"table {path}", work, done, failed)
