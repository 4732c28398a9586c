"""The tab "Measurements": the list, what can be done with it, and the curve over time."""

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QPoint, Qt, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QListView,
    QMenu,
    QStackedWidget,
    QWidget,
)

from medbench.domain.measurement import Measurement
from medbench.ui.review.measure.curve_card import CurveCard
from medbench.ui.review.measure.histograms import Histograms
from medbench.ui.review.measure.row_painter import RowPainter
from medbench.ui.review.measure.rows import ROW, Grouping, MeasureRows, Row
from medbench.ui.review.measure.words import main_number, title_of
from medbench.ui.widgets import EmptyState, IconButton, hbox, vbox

if TYPE_CHECKING:
    from medbench.ui.review.measure.desk import MeasureDesk

EXPORTS = ("export_csv", "export_sr")
"""Commands of the export menu; those another part registers appear once they are there."""


class MeasureList(QListView):
    """Rows of measurements; Delete deletes, F2 renames."""

    def __init__(self, panel: "MeasurePanel") -> None:
        super().__init__(panel)
        self._panel = panel
        self.setAccessibleName(self.tr("Measurements"))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setMouseTracking(True)
        self.setUniformItemSizes(False)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(
            QAbstractItemView.EditTrigger.EditKeyPressed
            | QAbstractItemView.EditTrigger.DoubleClicked
        )
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            row: Row | None = self.currentIndex().data(ROW)
            if row is not None and row.ratio is not None:
                self._panel.desk.book.remove_ratio(row.ratio)
            else:
                self._panel.desk.delete_mark()
            return
        super().keyPressEvent(event)


class MeasurePanel(QWidget):
    """Measurements of the shown study, grouped; a row leads to its picture."""

    def __init__(self, desk: "MeasureDesk", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.desk = desk
        self._book = desk.book
        self._quiet = False
        self.rows = MeasureRows(desk.book, desk.guide, self)
        column = vbox(spacing=0)
        self.setLayout(column)
        column.addLayout(self._head())
        self.list = MeasureList(self)
        self.list.setModel(self.rows)
        self.list.setItemDelegate(RowPainter(self.list))
        self.list.clicked.connect(self._clicked)
        self.list.customContextMenuRequested.connect(self._menu_asked)
        self.list.selectionModel().currentChanged.connect(self._current_changed)
        self.empty = EmptyState(
            "length",
            self.tr("Nothing measured yet"),
            self.tr("Take a tool and draw on a picture: D measures a length, E an ellipse."),
        )
        self.stack = QStackedWidget()
        self.stack.addWidget(self.empty)
        self.stack.addWidget(self.list)
        column.addWidget(self.stack, 1)
        self.curve = CurveCard(desk)
        column.addWidget(self.curve)
        self.histograms = Histograms(desk.page, self)
        self.histograms.ready.connect(self.rows.set_histogram)
        desk.book.changed.connect(self.refresh)
        desk.book.selected_changed.connect(self._selected)
        desk.page.model_changed.connect(self.refresh)
        desk.session.library.changed.connect(self.refresh)
        desk.page.showing.display_shown.connect(self._display_shown)
        self.refresh()

    def _head(self) -> QHBoxLayout:
        row = hbox(margins=(12, 8, 12, 8), spacing=6)
        self.grouping = QComboBox()
        self.grouping.setAccessibleName(self.tr("Group measurements"))
        for way, words in (
            (Grouping.LESION, self.tr("Group by lesion")),
            (Grouping.TYPE, self.tr("Group by type")),
            (Grouping.SLICE, self.tr("Group by slice")),
        ):  # fmt: skip
            self.grouping.addItem(words, way)
        self.grouping.currentIndexChanged.connect(self._regroup)
        row.addWidget(self.grouping, 1)
        act = self.desk.page.actions_registry.action
        self.eye = IconButton.of(act("medbench.review.toggle_marks"), "eye")
        row.addWidget(self.eye)
        row.addWidget(IconButton.of(act("medbench.review.copy_measurements"), "copy"))
        self.export = IconButton("download", self.tr("Export measurements"))
        self.export.clicked.connect(self._export_asked)
        row.addWidget(self.export)
        return row

    # filling

    @Slot()
    def refresh(self, *_: object) -> None:
        """Take over what the book holds, for the study that is shown now."""
        display = self.desk.page.model.display
        self.rows.study = "" if display is None else display.study_instance_uid
        self._quiet = True
        if self.rows.refresh():
            self._mark_selected()
        self._quiet = False
        self.stack.setCurrentIndex(1 if self.rows.rowCount() else 0)
        chosen = self._chosen()
        self.curve.follow(chosen)
        self.histograms.follow(chosen)

    @Slot(object, object)
    def _display_shown(self, _screen: object, _display: object) -> None:
        self.refresh()

    @Slot(int)
    def _regroup(self, _at: int) -> None:
        self.rows.grouping = Grouping(self.grouping.currentData())
        self.refresh()

    def listed(self) -> tuple[Measurement, ...]:
        """Measurements of the shown study in the order of the list."""
        return self.rows.listed()

    def _chosen(self) -> Measurement | None:
        found = self._book.get(self._book.selected)
        return None if found is None or self._book.is_pending(found) else found

    # selecting

    @Slot(str)
    def _selected(self, _name: str) -> None:
        self._quiet = True
        self._mark_selected()
        self._quiet = False

    def _mark_selected(self) -> None:
        number = self.rows.row_of(self._book.selected)
        model = self.list.selectionModel()
        if number < 0:
            model.clear()
            return
        at = self.rows.index(number)
        self.list.setCurrentIndex(at)
        self.list.scrollTo(at)

    @Slot(QModelIndex)
    def _clicked(self, index: QModelIndex) -> None:
        row: Row = index.data(ROW)
        if row.heading:
            self.rows.fold(row.group)
            self._selected("")
        elif row.measurement is not None:
            self.go_to(row.measurement)

    @Slot(QModelIndex, QModelIndex)
    def _current_changed(self, index: QModelIndex, _before: QModelIndex) -> None:
        if self._quiet or not index.isValid():
            return
        row: Row = index.data(ROW)
        if row.measurement is not None:
            self.go_to(row.measurement)

    def go_to(self, measurement: Measurement) -> None:
        """Select a measurement and show its picture."""
        self._book.select(measurement.measurement_id)
        self.desk.guide.jump(measurement)
        self.histograms.follow(self._chosen())

    # menus

    @Slot(QPoint)
    def _menu_asked(self, place: QPoint) -> None:
        index = self.list.indexAt(place)
        row: Row | None = index.data(ROW) if index.isValid() else None
        if row is None or row.heading:
            return
        if row.measurement is not None:
            menu = self.menu_of(row.measurement)
        elif row.ratio is not None:
            menu = QMenu(self)
            menu.addAction(self.tr("Delete"), partial(self._book.remove_ratio, row.ratio))
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self.list.viewport().mapToGlobal(place))

    def menu_of(self, one: Measurement) -> QMenu:
        """What can be done with a measurement."""
        menu = QMenu(self)
        book, hidden = self._book, self._book.is_hidden(one)
        free = not one.locked and not book.is_pending(one)
        menu.addAction(self.tr("Jump to"), partial(self.go_to, one))
        rename = menu.addAction(self.tr("Rename"), partial(self._rename, one))
        rename.setEnabled(free)
        lesions = menu.addMenu(self.tr("Assign to lesion"))
        lesions.setEnabled(free)
        studies = self.desk.guide.patient_dates(one.study_instance_uid)
        for name in sorted({m.lesion for m in book.of_studies(studies) if m.lesion}):
            action = lesions.addAction(name, partial(book.assign, one, name))
            action.setCheckable(True)
            action.setChecked(name == one.lesion)
        lesions.addSeparator()
        fresh = book.new_lesion(studies)
        lesions.addAction(self.tr("New: {0}").format(fresh), partial(book.assign, one, fresh))
        if one.lesion:
            lesions.addAction(self.tr("None"), partial(book.assign, one, ""))
        if one.quantity("mean") is not None:
            self._offer_ratios(menu.addMenu(self.tr("Ratio to")), one)
        menu.addAction(
            self.tr("Show") if hidden else self.tr("Hide"),
            partial(book.hide, one, hidden=not hidden),
        )
        words = self.tr("Unlock") if one.locked else self.tr("Lock")
        lock = menu.addAction(words, partial(book.change, one, words, locked=not one.locked))
        lock.setEnabled(not book.is_pending(one))
        menu.addSeparator()
        delete = menu.addAction(self.tr("Delete"), partial(book.remove, one))
        delete.setEnabled(free)
        return menu

    def _offer_ratios(self, menu: QMenu, one: Measurement) -> None:
        for other in self.listed():
            if other.measurement_id != one.measurement_id and other.quantity("mean") is not None:
                words = f"{title_of(other)} ({main_number(other)})"
                menu.addAction(words, partial(self._book.add_ratio, one, other))
        menu.setEnabled(not menu.isEmpty())

    def _rename(self, one: Measurement) -> None:
        number = self.rows.row_of(one.measurement_id)
        if number >= 0:
            self.list.edit(self.rows.index(number))

    @Slot()
    def _export_asked(self) -> None:
        menu = self.export_menu()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self.export.mapToGlobal(QPoint(0, self.export.height())))

    def export_menu(self) -> QMenu:
        """Ways out: those that are registered."""
        menu = QMenu(self)
        registry = self.desk.page.actions_registry
        known = {spec.action_id for spec in registry.specs()}
        for name in EXPORTS:
            if f"medbench.review.{name}" in known:
                menu.addAction(registry.action(f"medbench.review.{name}"))
        return menu
