"""Cohorts: list on the left, case table in the middle, what it rests on at the right."""

from pathlib import Path

from PySide6.QtCore import QModelIndex, QSize, Qt, Slot
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHeaderView,
    QListWidget,
    QListWidgetItem,
    QStackedWidget,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from medbench.base.paths import resource
from medbench.domain.cohort import Case, ItemKind, Task
from medbench.session.cohort_shelf import BuildRequest, CohortRecord
from medbench.session.session import Session
from medbench.ui.actions.registry import ActionRegistry
from medbench.ui.actions.spec import ActionSpec
from medbench.ui.cohorts.case_table import CASE_ROLE, THUMBNAIL_PX, CaseFilter, CaseTableModel
from medbench.ui.cohorts.new_cohort import NewCohortDialog
from medbench.ui.cohorts.side_panel import CohortSidePanel
from medbench.ui.theme.icons import icon
from medbench.ui.widgets import (
    Button,
    Chip,
    EmptyState,
    HLine,
    IconButton,
    PanelHeader,
    Scroll,
    SearchField,
    hbox,
    label,
)
from medbench.ui.widgets.ask import ReasonDialog, SplitDialog
from medbench.ui.workspace import Workspace

_ICONS = {Task.IMAGE: "image", Task.TABLE: "table-2", Task.SIGNAL: "activity", Task.VOLUME: "box",
          Task.SEGMENTATION: "brush"}  # fmt: skip


class CohortsWorkspace(Workspace):
    """Labelled cases."""

    workspace_id = "cohorts"
    icon = "table-2"
    left_width = 216
    right_width = 344

    def __init__(
        self, session: Session, actions: ActionRegistry, parent: QWidget | None = None
    ) -> None:
        super().__init__(session, actions, parent)
        area = self.tr("Cohorts")
        for spec in (
            ActionSpec("medbench.cohorts.new", self.tr("New cohort"), self.ask_new, area,
                       "Ctrl+N", "plus"),
            ActionSpec("medbench.cohorts.sample", self.tr("Wisconsin sample table"),
                       self.add_sample, area, "", "table-2",
                       self.tr("Breast masses: 569 rows that come with medbench")),
            ActionSpec("medbench.cohorts.split", self.tr("Split again ..."), self.ask_split, area,
                       "", "split"),
            ActionSpec("medbench.cohorts.train", self.tr("Train on this"), self.train, area,
                       "Ctrl+T", "graduation-cap", workspace="cohorts"),
        ):  # fmt: skip
            actions.register(spec)
        self._build()
        session.cohorts.changed.connect(self._list_changed)
        session.cohorts.selected_changed.connect(self._selected)
        self._list_changed()
        self._selected(session.cohorts.selected)

    def title(self) -> str:
        return self.tr("Cohorts")

    def _build(self) -> None:
        act = self.actions_registry.action
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        self._pages = QStackedWidget()
        outer.addWidget(self._pages)
        empty = EmptyState(
            "table-2", self.tr("No cohort yet"),
            self.tr("Build one from a folder, a CSV or an .npz, or label images in Review."),
            Button.of(act("medbench.cohorts.new"), "primary", "plus"),
        )  # fmt: skip
        self._pages.addWidget(empty)
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        head = hbox(margins=(12, 8, 12, 8))
        self._name = label("", "page")
        self._state = Chip("")
        self._simulated = Chip(self.tr("Simulated"), "warning")
        for part in (self._name, self._state, self._simulated):
            head.addWidget(part)
        head.addStretch(1)
        head.addWidget(Button.of(act("medbench.cohorts.new"), "normal", "folder-open"))
        self._train_button = Button.of(act("medbench.cohorts.train"), "primary", "graduation-cap")
        head.addWidget(self._train_button)
        column.addLayout(head)
        column.addWidget(HLine())
        bar = hbox(margins=(12, 8, 12, 8))
        self._search = SearchField(self.tr("Case or patient"))
        self._search.setFixedWidth(190)
        bar.addWidget(self._search)
        self._label_filter = QComboBox()
        self._label_filter.setAccessibleName(self.tr("Label filter"))
        self._part_filter = QComboBox()
        self._part_filter.setAccessibleName(self.tr("Part filter"))
        bar.addWidget(self._label_filter)
        bar.addWidget(self._part_filter)
        bar.addStretch(1)
        self._count = label("", "secondary")
        bar.addWidget(self._count)
        column.addLayout(bar)
        self.table_model = CaseTableModel(self.session.cohorts)
        self.filter = CaseFilter()
        self.filter.setSourceModel(self.table_model)
        self.table = self._table()
        column.addWidget(self.table, 1)
        self._pages.addWidget(page)
        self._search.textChanged.connect(self._filter_words)
        self._label_filter.activated.connect(self._filter_label)
        self._part_filter.activated.connect(self._filter_part)
        self.side = CohortSidePanel(self.actions_registry)
        self.side.override_requested.connect(self.ask_override)
        self.side.resolve_requested.connect(self._resolve)
        self.list = QListWidget()
        self.list.setAccessibleName(self.tr("Cohorts of this workspace"))
        self.list.currentItemChanged.connect(self._chosen)

    def _table(self) -> QTableView:
        table = QTableView()
        table.setAccessibleName(self.tr("Cases"))
        table.setModel(self.filter)
        table.setSortingEnabled(True)
        table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        table.setShowGrid(False)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(44)
        table.setIconSize(QSize(THUMBNAIL_PX, THUMBNAIL_PX))
        header = table.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setHighlightSections(False)
        for column, width in enumerate((240, 110, 100, 60, 130, 110, 96, 170)):
            table.setColumnWidth(column, width)
        table.doubleClicked.connect(self._open_case)
        return table

    def left_panel(self) -> QWidget:
        panel = QWidget()
        column = QVBoxLayout(panel)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        act = self.actions_registry.action
        buttons = [IconButton.of(act("medbench.cohorts.new"), "plus")]
        column.addWidget(PanelHeader(self.tr("Cohorts"), buttons))
        column.addWidget(self.list, 1)
        column.addWidget(HLine())
        foot = hbox(margins=(8, 8, 8, 8))
        foot.addWidget(Button.of(act("medbench.cohorts.sample"), "ghost", "table-2"), 1)
        column.addLayout(foot)
        return panel

    def right_panel(self) -> QWidget:
        return Scroll(self.side)

    # list and selection

    @Slot()
    def _list_changed(self) -> None:
        self.list.blockSignals(True)
        self.list.clear()
        chosen = self.session.cohorts.selected
        for record in self.session.cohorts.records:
            cohort = record.cohort
            words = f"{cohort.name}\n{len(cohort.cases)} · {cohort.task.value}"
            item = QListWidgetItem(icon(_ICONS[cohort.task], "text2", 18), words)
            item.setData(Qt.ItemDataRole.UserRole, record.folder.name)
            item.setSizeHint(QSize(180, 48))
            self.list.addItem(item)
            if chosen is not None and record.folder == chosen.folder:
                self.list.setCurrentItem(item)
        self.list.blockSignals(False)

    @Slot(QListWidgetItem, QListWidgetItem)
    def _chosen(self, now: QListWidgetItem | None, _before: QListWidgetItem | None) -> None:
        if now is not None:
            self.session.cohorts.select(str(now.data(Qt.ItemDataRole.UserRole)))

    @Slot(object)
    def _selected(self, record: CohortRecord | None) -> None:
        self._pages.setCurrentIndex(0 if record is None else 1)
        self.side.show_record(record)
        self.table_model.show_record(record)
        for name in ("split", "train"):
            action = self.actions_registry.action(f"medbench.cohorts.{name}")
            action.setEnabled(record is not None and (name == "split" or not record.blocked))
        if record is None:
            self.context_changed.emit("", "")
            return
        cohort = record.cohort
        for i in range(self.list.count()):
            if self.list.item(i).data(Qt.ItemDataRole.UserRole) == record.folder.name:
                self.list.blockSignals(True)
                self.list.setCurrentRow(i)
                self.list.blockSignals(False)
        self._name.setText(cohort.name)
        if record.blocked:
            self._state.set_state(self.tr("Training blocked"), "error")
        elif record.split is None:
            self._state.set_state(self.tr("No split"), "warning")
        else:
            self._state.set_state(self.tr("Frozen split"), "success")
        self._simulated.setVisible(cohort.simulated)
        patients = len({c.patient_id for c in cohort.cases})
        unit = self.tr("patients") if cohort.patient_known else self.tr("cases, patients unknown")
        self._count.setText(
            self.tr("{0} cases · {1} {2}").format(len(cohort.cases), patients, unit)
        )
        _fill(self._label_filter, self.tr("Label: any"), list(cohort.classes))
        parts = [self.tr("Train"), self.tr("Validation"), self.tr("Test")]
        _fill(self._part_filter, self.tr("Part: any"), parts)
        self.filter.choose(label="", part="")
        image = cohort.task is Task.IMAGE
        known = {key for case in cohort.cases[:2000] for key in case.attributes}
        self.table.setColumnHidden(2, not image or not known & {"age", "sex"})
        self.table.setColumnHidden(3, not image or "view" not in known)
        self.context_changed.emit(cohort.name, cohort.task.value)

    def show_object(self, payload: object) -> None:
        if isinstance(payload, str):
            self.session.cohorts.select(payload)

    @Slot(str)
    def _filter_words(self, text: str) -> None:
        self.filter.choose(words=text)

    @Slot(int)
    def _filter_label(self, index: int) -> None:
        self.filter.choose(label=self._label_filter.itemData(index) or "")

    @Slot(int)
    def _filter_part(self, index: int) -> None:
        self.filter.choose(part=self._part_filter.itemData(index) or "")

    @Slot(QModelIndex)
    def _open_case(self, index: QModelIndex) -> None:
        record = self.session.cohorts.selected
        case: Case = index.data(CASE_ROLE)
        item = case.items[0]
        if record is None or item.kind not in (ItemKind.DICOM, ItemKind.FILE):
            self.session.messages.info(
                self.tr("Only image files open in Review; this case is {0}").format(item.kind.value)
            )
            return
        self.session.show_requested.emit("review", [Path(item.path)])

    # commands

    def ask_new(self) -> None:
        """Ask for a source and build a cohort."""
        dialog = NewCohortDialog(self)
        if dialog.exec():
            self.session.show_requested.emit("cohorts", None)
            self.session.cohorts.build(dialog.request())

    def add_sample(self) -> None:
        """The Wisconsin breast table that comes with medbench."""
        request = BuildRequest(
            resource("samples", "wisconsin.csv"), Task.TABLE, "diagnosis", ("malignant",),
            name="wisconsin-breast",
        )  # fmt: skip
        self.session.show_requested.emit("cohorts", None)
        self.session.cohorts.build(request)

    def ask_split(self) -> None:
        """Ask for parts and seed, and split."""
        dialog = SplitDialog(self)
        if dialog.exec():
            self.session.cohorts.split_again(*dialog.answer)

    @Slot(str)
    def ask_override(self, check: str) -> None:
        """Ask for a reason to accept a failed check."""
        dialog = ReasonDialog(
            self.tr("Override a check"),
            self.tr("The reason stays with every model trained on this split."),
            self.session.settings.value.reader, self.tr("Override"), self,
        )  # fmt: skip
        if dialog.exec():
            who, why = dialog.answer
            self.session.cohorts.override(check, why, who)

    @Slot(str)
    def _resolve(self, _check: str) -> None:
        self.session.cohorts.resolve_duplicates()

    def train(self) -> None:
        """Go to Train with this cohort."""
        record = self.session.cohorts.selected
        if record is not None:
            self.session.show_requested.emit("train", record.folder.name)


def _fill(combo: QComboBox, first: str, names: list[str]) -> None:
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
    combo.setMinimumWidth(130)
    combo.clear()
    combo.addItem(first, "")
    for name in names:
        combo.addItem(name, name)
