"""Models: registry on the left, model card in the middle, gate and audit on the right."""

from typing import Any

from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtWidgets import (
    QGridLayout,
    QHeaderView,
    QPlainTextEdit,
    QStackedWidget,
    QTableWidget,
    QTableWidgetItem,
    QTabWidget,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from medbench.domain.model import Metric, ModelVersion, Stage
from medbench.domain.records import from_json
from medbench.session.model_shelf import ModelDetail
from medbench.session.session import Session
from medbench.ui.actions.registry import ActionRegistry
from medbench.ui.actions.spec import ActionSpec
from medbench.ui.models.gate_panel import GatePanel
from medbench.ui.models.lineage import Lineage
from medbench.ui.theme.icons import icon
from medbench.ui.widgets import (
    Button,
    Card,
    Chip,
    EmptyState,
    HLine,
    LabelledRow,
    PanelHeader,
    Scroll,
    SearchField,
    SegmentedControl,
    StageChip,
    hbox,
    interval_text,
    label,
    metric_text,
)
from medbench.ui.widgets.ask import ReasonDialog
from medbench.ui.workspace import Workspace

_TASK_ICONS = {"image": "image", "table": "table-2", "signal": "activity", "volume": "box",
               "segmentation": "brush"}  # fmt: skip


class ModelsWorkspace(Workspace):
    """Registry."""

    workspace_id = "models"
    icon = "boxes"
    left_width = 304
    right_width = 372

    def __init__(
        self, session: Session, actions: ActionRegistry, parent: QWidget | None = None
    ) -> None:
        super().__init__(session, actions, parent)
        area = self.tr("Models")
        for spec in (
            ActionSpec("medbench.models.approve", self.tr("Approve ..."), self.ask_approve, area,
                       "", "shield-check", self.tr("Allow this version to run in Review")),
            ActionSpec("medbench.models.retire", self.tr("Retire ..."), self.ask_retire, area, "",
                       "archive", self.tr("Take this version out of use; it is never deleted")),
            ActionSpec("medbench.models.evaluate", self.tr("Evaluate model"), self.evaluate, area,
                       "", "chart-line"),
        ):  # fmt: skip
            actions.register(spec)
        self._label = ""
        self._detail: ModelDetail | None = None
        self.gate = GatePanel(actions)
        self._build()
        session.models.changed.connect(self._list_changed)
        session.models.detail_ready.connect(self._show)
        session.evaluations.changed.connect(self._reload)
        self._list_changed()

    def title(self) -> str:
        return self.tr("Models")

    # construction

    def _build(self) -> None:
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        self._pages = QStackedWidget()
        outer.addWidget(self._pages)
        self._pages.addWidget(
            EmptyState(
                "boxes", self.tr("No model yet"),
                self.tr("A finished training run becomes the first version of a model."),
                Button.of(self.actions_registry.action("medbench.go.train"), "primary",
                          "graduation-cap"),
            )
        )  # fmt: skip
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(12, 10, 12, 12)
        column.setSpacing(10)
        head = hbox()
        self._name = label("", "page")
        self._stage = StageChip()
        self._simulated = Chip(self.tr("Simulated"), "warning")
        self._made = label("", "secondary")
        for part in (self._name, self._stage, self._simulated, self._made):
            head.addWidget(part)
        head.addStretch(1)
        head.addWidget(
            Button.of(self.actions_registry.action("medbench.models.evaluate"), "normal",
                      "chart-line")
        )  # fmt: skip
        column.addLayout(head)
        self.tabs = QTabWidget()
        self.tabs.setAccessibleName(self.tr("About the version"))
        self.tabs.tabBar().setAccessibleName(self.tr("Tabs"))
        self.tabs.addTab(Scroll(self._overview()), self.tr("Overview"))
        self.card_text = QPlainTextEdit()
        self.card_text.setAccessibleName(self.tr("Model card"))
        self.card_text.setReadOnly(True)
        self.tabs.addTab(self.card_text, self.tr("Model card"))
        self.plan_table = _table([self.tr("Choice"), self.tr("Value"), self.tr("Reason")],
                                 self.tr("Plan"))  # fmt: skip
        self.tabs.addTab(self.plan_table, self.tr("Plan"))
        column.addWidget(self.tabs, 1)
        self._pages.addWidget(page)

    def _overview(self) -> QWidget:
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 12, 4, 4)
        column.setSpacing(12)
        performance = Card(self.tr("Performance"))
        self.performance = _table(
            [self.tr("Rests on"), self.tr("Cohort"), self.tr("events / n"), "AUC",
             self.tr("95 % CI"), self.tr("Recall"), self.tr("Specificity")],
            self.tr("Performance"),
        )  # fmt: skip
        self.performance.setMinimumHeight(190)
        performance.body.addWidget(self.performance)
        column.addWidget(performance)
        lineage = Card(self.tr("Lineage"))
        lineage.head.addWidget(
            label(self.tr("Every step is stored with its hash and settings"), "secondary")
        )
        self.lineage = Lineage()
        lineage.body.addWidget(self.lineage)
        column.addWidget(lineage)
        package = Card(self.tr("Package"))
        self._hash = label("", "mono")
        package.head.addWidget(self._hash)
        grid = QGridLayout()
        grid.setHorizontalSpacing(24)
        self._facts: dict[str, LabelledRow] = {}
        for i, (key, name) in enumerate(
            (
                ("learner", self.tr("Learner")), ("input", self.tr("Input")),
                ("output", self.tr("Output")), ("calibration", self.tr("Calibration")),
                ("threshold", self.tr("Threshold")), ("seed", self.tr("Seed")),
                ("device", self.tr("Trained on")), ("size", self.tr("Size")),
                ("epochs", self.tr("Best epoch")),
            )
        ):  # fmt: skip
            self._facts[key] = LabelledRow(name, "–")
            grid.addWidget(self._facts[key], i // 3, i % 3)
        package.body.addLayout(grid)
        column.addWidget(package)
        column.addStretch(1)
        return inner

    def left_panel(self) -> QWidget:
        panel = QWidget()
        column = QVBoxLayout(panel)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(PanelHeader(self.tr("Model registry")))
        box = QVBoxLayout()
        box.setContentsMargins(10, 8, 10, 8)
        self._search = SearchField(self.tr("Find a model"))
        self._search.textChanged.connect(self._list_changed)
        box.addWidget(self._search)
        self._stages = SegmentedControl(
            [("", self.tr("All")), ("candidate", self.tr("Candidate")),
             ("approved", self.tr("Approved")), ("retired", self.tr("Retired"))],
            self.tr("Stage"),
        )  # fmt: skip
        self._stages.changed.connect(self._list_changed)
        box.addWidget(self._stages)
        column.addLayout(box)
        column.addWidget(HLine())
        column.addWidget(self.tree, 1)
        column.addWidget(HLine())
        self._foot = label("", "secondary")
        self._foot.setContentsMargins(12, 6, 12, 6)
        column.addWidget(self._foot)
        self._list_changed()
        return panel

    @property
    def tree(self) -> QTreeWidget:
        """Models and versions."""
        if not hasattr(self, "_tree"):
            self._tree = QTreeWidget()
            self._tree.setAccessibleName(self.tr("Models and versions"))
            self._tree.setHeaderHidden(True)
            self._tree.setColumnCount(3)
            self._tree.setIndentation(14)
            header = self._tree.header()
            header.setStretchLastSection(False)
            header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
            header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
            header.setSectionResizeMode(2, QHeaderView.ResizeMode.ResizeToContents)
            self._tree.currentItemChanged.connect(self._chosen)
        return self._tree

    def right_panel(self) -> QWidget:
        return Scroll(self.gate)

    # list

    @Slot()
    def _list_changed(self, *_: object) -> None:
        versions = self.session.models.versions
        self._pages.setCurrentIndex(1 if versions else 0)
        words = self._search.text().lower() if hasattr(self, "_search") else ""
        stage = self._stages.key if hasattr(self, "_stages") else ""
        if versions and not any(v.label == self._label for v in versions):
            self._label = max(versions, key=lambda v: v.created).label
        self.tree.blockSignals(True)
        self.tree.clear()
        groups: dict[str, QTreeWidgetItem] = {}
        for version in versions:
            if words not in version.name.lower() or (stage and version.stage.value != stage):
                continue
            if version.name not in groups:
                group = QTreeWidgetItem([version.name])
                group.setIcon(0, icon(_TASK_ICONS[version.task], "text2", 16))
                group.setFlags(Qt.ItemFlag.ItemIsEnabled)
                self.tree.addTopLevelItem(group)
                group.setFirstColumnSpanned(True)
                group.setExpanded(True)
                groups[version.name] = group
            auc = version.validation.get("auc")
            item = QTreeWidgetItem(
                [str(version.number), self._stage_name(version.stage), f"AUC {metric_text(auc)}"]
            )
            name, role = {
                Stage.CANDIDATE: ("circle-dashed", "warning"),
                Stage.APPROVED: ("shield-check", "success"),
                Stage.RETIRED: ("archive", "text2"),
            }[version.stage]
            item.setIcon(1, icon(name, role, 14))
            item.setData(0, Qt.ItemDataRole.UserRole, version.label)
            item.setSizeHint(0, QSize(60, 30))
            groups[version.name].addChild(item)
            if version.label == self._label:
                self.tree.setCurrentItem(item)
        self.tree.blockSignals(False)
        if hasattr(self, "_foot"):
            names = len({v.name for v in versions})
            self._foot.setText(self.tr("{0} models, {1} versions").format(names, len(versions)))
        self._reload()

    def _stage_name(self, stage: Stage) -> str:
        return {
            Stage.CANDIDATE: self.tr("Candidate"), Stage.APPROVED: self.tr("Approved"),
            Stage.RETIRED: self.tr("Retired"),
        }[stage]  # fmt: skip

    @Slot(QTreeWidgetItem, QTreeWidgetItem)
    def _chosen(self, now: QTreeWidgetItem | None, _before: QTreeWidgetItem | None) -> None:
        if now is not None and (chosen := now.data(0, Qt.ItemDataRole.UserRole)):
            self._label = str(chosen)
            self._reload()

    @Slot()
    def _reload(self) -> None:
        if self._label:
            self.session.models.request_detail(self._label)
        else:
            for name in ("approve", "retire", "evaluate"):
                self.actions_registry.action(f"medbench.models.{name}").setEnabled(False)

    def show_object(self, payload: object) -> None:
        if isinstance(payload, str) and payload:
            self._label = payload
            self._list_changed()

    # one version

    @Slot(object)
    def _show(self, detail: ModelDetail) -> None:
        if detail.version.label != self._label:
            return
        self._detail = detail
        version, values = detail.version, detail.values
        self._name.setText(f"{version.name} {version.number}")
        self._stage.show_stage(version.stage)
        self._simulated.setVisible(version.simulated)
        made = version.created[:16].replace("T", " ")
        self._made.setText(self.tr("made {0} from {1}").format(made, version.run_id))
        self.card_text.setPlainText(detail.card)
        rows = [[r["title"], str(r["value"]), r["reason"]] for r in values["plan"]]
        _fill(self.plan_table, rows)
        self._show_performance(version, values)
        self._show_lineage(version, values)
        self._show_package(detail)
        self.gate.show_detail(detail)
        act = self.actions_registry.action
        act("medbench.models.approve").setEnabled(
            version.stage is Stage.CANDIDATE and values["gate"][0]["passed"]
        )
        act("medbench.models.retire").setEnabled(version.stage is not Stage.RETIRED)
        act("medbench.models.evaluate").setEnabled(True)
        self.context_changed.emit(f"{version.name} {version.number}", version.stage.value)

    def _show_performance(self, version: ModelVersion, values: dict[str, Any]) -> None:
        def row(base: str, cohort: str, metrics: dict[str, Any]) -> list[str]:
            auc = from_json(Metric, metrics["auc"])
            return [
                base, cohort, f"{auc.events} / {auc.n}", metric_text(auc), interval_text(auc),
                metric_text(from_json(Metric, metrics["recall"])),
                metric_text(from_json(Metric, metrics["specificity"])),
            ]  # fmt: skip

        rows = [row(self.tr("validation, at training"), version.cohort_name, values["validation"])]
        rows += [
            row(e["rests_on"], f"{e['cohort_name']}, {e['role']}", e["report"]["metrics"])
            for e in values["evaluations"]
        ]
        _fill(self.performance, rows)

    def _show_lineage(self, version: ModelVersion, values: dict[str, Any]) -> None:
        origin = values["provenance"]
        steps = [
            ("table-2", self.tr("Cohort"), version.cohort_name, version.cohort_digest[:12]),
            ("split", self.tr("Split"), origin["split_method"],
             self.tr("{0} train, {1} val").format(origin["n_train"], origin["n_val"])),
            ("activity", self.tr("Run"), values["learner"], version.run_id),
            ("boxes", self.tr("Version"), f"{version.number}", version.weights_sha256[:12]),
        ]  # fmt: skip
        ends = []
        for e in values["evaluations"][:3]:
            auc = from_json(Metric, e["report"]["metrics"]["auc"])
            ends.append(
                ("chart-line", self.tr("Evaluation"), f"{e['rests_on']} {metric_text(auc)}",
                 self.tr("n {0}, {1} events").format(auc.n, auc.events))
            )  # fmt: skip
        self.lineage.show_steps(steps, ends, 3)

    def _show_package(self, detail: ModelDetail) -> None:
        version, values = detail.version, detail.values
        digest = version.weights_sha256
        self._hash.setText(f"sha256 {digest[:8]} … {digest[-8:]}")
        self._hash.setToolTip(digest)
        form = values["preprocessing"]
        settings = ", ".join(f"{k} {v}" for k, v in form["settings"].items())
        calibration = values["calibration"]
        shown = calibration["method"]
        if shown != "none":
            shown = f"{shown} {calibration['temperature']:.2f}"
        output = self.tr("probability") if version.calibrated else self.tr("score")
        origin = values["provenance"]
        for key, value in {
            "learner": values["learner"], "input": f"{form['form']} {settings}".strip(),
            "output": output, "calibration": shown, "threshold": f"{version.threshold:.3f}",
            "seed": str(origin["seed"]), "device": origin["device"],
            "size": f"{detail.size_bytes / 2**20:.1f} MB",
            "epochs": f"{origin['best_epoch']} / {origin['epochs']}",
        }.items():  # fmt: skip
            self._facts[key].value.setText(value)

    # commands

    def ask_approve(self) -> None:
        """Ask for who and why, and approve."""
        words = self.tr("The version may then run in Review. Research use only.")
        self._ask(Stage.APPROVED, self.tr("Approve"), words)

    def ask_retire(self) -> None:
        """Ask for who and why, and retire."""
        words = self.tr("The version no longer runs in Review; it is never deleted.")
        self._ask(Stage.RETIRED, self.tr("Retire"), words)

    def _ask(self, stage: Stage, word: str, text: str) -> None:
        if self._detail is None:
            return
        who = self.session.settings.value.reader
        title = f"{word} {self._label}"
        dialog = ReasonDialog(title, text, who, word, self)
        if dialog.exec():
            self.change_stage(stage, *dialog.answer)

    def change_stage(self, stage: Stage, who: str, why: str) -> None:
        """Change the stage of the shown version; open points of the gate go with the reason."""
        if self._detail is not None and stage is Stage.APPROVED:
            missing = [p["title"].lower() for p in self._detail.values["gate"] if not p["passed"]]
            if missing:
                why += f" [open: {'; '.join(missing)}]"
        self.session.models.move(self._label, stage, who, why)

    def evaluate(self) -> None:
        """Go to Evaluate with this version."""
        self.session.show_requested.emit("evaluate", self._label)


def _table(columns: list[str], name: str) -> QTableWidget:
    table = QTableWidget(0, len(columns))
    table.setAccessibleName(name)
    table.setHorizontalHeaderLabels(columns)
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(30)
    table.setShowGrid(False)
    table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
    table.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
    header = table.horizontalHeader()
    header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    header.setStretchLastSection(True)
    return table


def _fill(table: QTableWidget, rows: list[list[str]]) -> None:
    table.setRowCount(len(rows))
    for i, row in enumerate(rows):
        for j, text in enumerate(row):
            item = QTableWidgetItem(text)
            item.setToolTip(text)
            table.setItem(i, j, item)
