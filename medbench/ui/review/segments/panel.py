"""Right panel, tab Segments."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QMenu,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from medbench.domain.objects import Layer, Segmentation, StructureSet
from medbench.domain.segment_edit import (
    EditedSegment,
    EditedSegmentation,
    grid_of_display,
    same_grid,
)
from medbench.session.session import Session
from medbench.ui.actions.registry import ActionRegistry
from medbench.ui.review.segments.agreement_box import AgreementBox
from medbench.ui.review.segments.brush_box import BrushBox, DisplayBox
from medbench.ui.review.segments.choice import SegmentChoice
from medbench.ui.review.segments.rows import SegmentRow
from medbench.ui.widgets import (
    Button,
    EmptyState,
    HLine,
    IconButton,
    clear_layout,
    hbox,
    label,
    vbox,
)

if TYPE_CHECKING:
    from medbench.ui.review.view_model import ViewModel


class SegmentPanel(QWidget):
    """List of segments, brush, edits, display, agreement.

    Signals
    -------
    menu_wanted : int, QPoint
        More of a segment, at a place on the screen.
    eye_clicked, lock_clicked : int
        Of a segment.
    add_menu_wanted : QPoint
        What can be added, at a place on the screen.
    """

    menu_wanted = Signal(int, QPoint)
    eye_clicked = Signal(int)
    lock_clicked = Signal(int)
    add_menu_wanted = Signal(QPoint)

    def __init__(
        self, session: Session, choice: SegmentChoice, actions: ActionRegistry,
        parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._session = session
        self._choice = choice
        self._actions = actions
        self._model: ViewModel | None = None
        self._segmentation: EditedSegmentation | None = None
        self._offered: list[EditedSegmentation] = []
        self.rows: dict[int, SegmentRow] = {}
        self.unit = ""
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 12, 0, 12)
        column.setSpacing(12)
        column.addLayout(self._head())
        self._list = vbox(spacing=0)
        column.addLayout(self._list)
        self.empty = EmptyState(
            "brush", self.tr("Nothing is outlined yet"),
            self.tr("Take the brush and paint on the images, or copy a segmentation that is "
                    "drawn over them."),
            Button.of(actions.action("medbench.review.segmentation_new"), "normal", "plus"),
        )  # fmt: skip
        column.addWidget(self.empty)
        column.addWidget(HLine())
        self.brush = BrushBox(choice)
        column.addLayout(_padded(self.brush))
        column.addWidget(HLine())
        column.addLayout(_padded(self._edits()))
        column.addWidget(HLine())
        self.display = DisplayBox(choice)
        column.addLayout(_padded(self.display))
        column.addWidget(HLine())
        self.agreement = AgreementBox(session, choice)
        column.addLayout(_padded(self.agreement))
        column.addStretch(1)
        choice.changed.connect(self.refresh)
        choice.book.counter.counted.connect(self._counted)
        session.layers.changed.connect(self.refresh)

    def _head(self) -> QHBoxLayout:
        row = hbox(margins=(12, 0, 12, 0), spacing=6)
        self.which = QComboBox()
        self.which.setAccessibleName(self.tr("Segmentation"))
        self.which.setMinimumWidth(80)
        self.which.activated.connect(self._chosen)
        row.addWidget(self.which, 1)
        self.add = IconButton("plus", self.tr("New segment, or a copy of what is drawn"))
        self.add.clicked.connect(self._add_clicked)
        row.addWidget(self.add)
        self.undo = IconButton("undo-2", self.tr("Undo"))
        self.undo.clicked.connect(self._session.history.undo)
        row.addWidget(self.undo)
        export = self._actions.action("medbench.review.segmentation_nifti")
        self.export = IconButton("download", self.tr("Export the segmentation"))
        self.export_menu = QMenu(self.export)
        self.export_menu.addAction(export)
        self.export.setMenu(self.export_menu)
        self.export.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        row.addWidget(self.export)
        self._session.history.changed.connect(self._history_changed)
        self._history_changed()
        return row

    def _edits(self) -> QWidget:
        box = QWidget()
        column = vbox(spacing=7)
        box.setLayout(column)
        column.addWidget(label(self.tr("Edit the segment"), "section"))
        grid = QGridLayout()
        grid.setSpacing(6)
        edits = (
            (self.tr("Interpolate slices"), ("segment_interpolate",)),
            (self.tr("Threshold"), ("segment_threshold_slice", "segment_threshold_volume",
                                    "segment_threshold_inside")),
            (self.tr("Fill holes"), ("segment_fill_holes", "segment_fill_holes_3d")),
            (self.tr("Islands"), ("segment_keep_largest", "segment_remove_islands")),
            (self.tr("Smooth"), ("segment_smooth",)),
            (self.tr("Combine"), ("segment_copy", "segment_union", "segment_subtract",
                                  "segment_intersect")),
        )  # fmt: skip
        for at, (title, names) in enumerate(edits):
            grid.addWidget(self._edit_button(title, names), at // 2, at % 2)
        column.addLayout(grid)
        return box

    def _edit_button(self, title: str, names: tuple[str, ...]) -> QWidget:
        actions = [self._actions.action(f"medbench.review.{name}") for name in names]
        button = Button(title)
        if len(actions) == 1:
            button.setToolTip(actions[0].toolTip())
            button.clicked.connect(actions[0].trigger)
            return button
        menu = QMenu(button)
        menu.addActions(actions)
        button.setMenu(menu)
        return button

    # what is shown

    def follow(self, model: "ViewModel") -> None:
        """Another display is active."""
        self._model = model
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Segmentations, segments or their names changed."""
        model = self._model
        display = model.display if model is not None else None
        segmentation = self._choice.for_display(display)
        self._segmentation = segmentation
        study = display.study_instance_uid if display is not None else ""
        self._offered = list(self._choice.book.of(study)) if study else []
        titles = [found.title for found in self._offered]
        if titles != [self.which.itemText(i) for i in range(self.which.count())]:
            self.which.clear()
            self.which.addItems(titles)
        ids = [found.segmentation_id for found in self._offered]
        if segmentation is not None:
            self.which.setCurrentIndex(ids.index(segmentation.segmentation_id))
        self.which.setEnabled(bool(self._offered))
        self.export.setEnabled(segmentation is not None)
        self._list_segments()
        self.brush.offer_masks(self.other_segments())
        if display is not None:
            self.brush.show_unit(mm=grid_of_display(display)[2])
        self.agreement.offer(segmentation, self._comparable())

    def _list_segments(self) -> None:
        found = self._segmentation
        self.empty.setVisible(found is None)
        segments = found.segments if found is not None else ()
        if [s.number for s in segments] != list(self.rows):
            self._new_rows(segments)
        for segment in segments:
            assert found is not None
            chosen = segment.number == self._choice.number(found)
            self.rows[segment.number].show_segment(segment, selected=chosen)
        self._show_numbers()

    def _new_rows(self, segments: tuple[EditedSegment, ...]) -> None:
        """Rows are made when segments come or go; else they only change."""
        focused = next((n for n, row in self.rows.items() if row.hasFocus()), None)
        clear_layout(self._list)
        self.rows.clear()
        for segment in segments:
            row = SegmentRow(segment)
            row.chosen.connect(self._segment_chosen)
            row.eye_clicked.connect(self.eye_clicked)
            row.lock_clicked.connect(self.lock_clicked)
            row.menu_wanted.connect(self.menu_wanted)
            row.stepped.connect(self._stepped)
            self.rows[segment.number] = row
            self._list.addWidget(row)
        if focused in self.rows:
            self.rows[focused].setFocus(Qt.FocusReason.OtherFocusReason)

    def _show_numbers(self) -> None:
        found = self._segmentation
        for number, row in self.rows.items() if found is not None else ():
            assert found is not None
            numbers = self._choice.book.counter.numbers(found.segmentation_id, number)
            row.show_numbers(found, numbers, self.unit)

    @Slot(str)
    def _counted(self, segmentation_id: str) -> None:
        if self._segmentation is not None and segmentation_id == self._segmentation.segmentation_id:
            self._show_numbers()

    def other_segments(self) -> list[tuple[str, str, int]]:
        """(words, segmentation, number) of every segment on this grid but the chosen one."""
        own, out = self._segmentation, []
        if own is None:
            return []
        for found in self._offered:
            if not same_grid(found.geometry, own.geometry):
                continue
            for segment in found.segments:
                mine = found.segmentation_id == own.segmentation_id
                if not (mine and segment.number == self._choice.number(own)):
                    words = segment.label if mine else f"{segment.label} ({found.title})"
                    out.append((words, found.segmentation_id, segment.number))
        return out

    def _comparable(self) -> list[EditedSegmentation | Layer]:
        """Segmentations and layers in the same place as the shown one."""
        own = self._segmentation
        if own is None:
            return []
        reference = own.geometry.frame_of_reference_uid
        found: list[EditedSegmentation | Layer] = []
        for other in self._offered:
            near = bool(reference) and other.geometry.frame_of_reference_uid == reference
            if other.segmentation_id != own.segmentation_id and (
                near or same_grid(other.geometry, own.geometry)
            ):
                found.append(other)
        found += [
            layer for layer in self._session.layers.layers
            if isinstance(layer.payload, (Segmentation, StructureSet))
        ]  # fmt: skip
        return found

    def show_unit(self, unit: str) -> None:
        """Unit of the shown images' values."""
        self.unit = unit
        self._show_numbers()

    # what was clicked

    @Slot(int)
    def _chosen(self, at: int) -> None:
        self._choice.choose(self._offered[at])

    @Slot(int)
    def _segment_chosen(self, number: int) -> None:
        if self._segmentation is not None:
            self._choice.choose_segment(self._segmentation, number)

    @Slot(int, int)
    def _stepped(self, number: int, by: int) -> None:
        numbers = list(self.rows)
        at = numbers.index(number) + by
        if 0 <= at < len(numbers):
            self.rows[numbers[at]].setFocus(Qt.FocusReason.OtherFocusReason)
            self._segment_chosen(numbers[at])

    @Slot()
    def _add_clicked(self) -> None:
        self.add_menu_wanted.emit(self.add.mapToGlobal(QPoint(0, self.add.height())))

    @Slot()
    def _history_changed(self) -> None:
        words = self._session.history.undo_words
        self.undo.setEnabled(bool(words))
        self.undo.setToolTip(self.tr("Undo: {0}").format(words) if words else self.tr("Undo"))

    @property
    def chosen(self) -> tuple[EditedSegmentation, EditedSegment] | None:
        """The shown segmentation and its chosen segment."""
        found = self._segmentation
        segment = self._choice.segment(found) if found is not None else None
        return None if found is None or segment is None else (found, segment)


def _padded(widget: QWidget) -> QHBoxLayout:
    row = hbox(margins=(12, 0, 12, 0))
    row.addWidget(widget, 1)
    return row
