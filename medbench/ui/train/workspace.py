"""Train: recipe and plan, the running run, runs to compare."""

from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from medbench.domain.model import Metric, ModelVersion, PlanRow
from medbench.domain.records import from_json
from medbench.jobs.learners import learner_info
from medbench.jobs.states import JobState
from medbench.session.run_book import RunView
from medbench.session.session import Session
from medbench.ui.actions.registry import ActionRegistry
from medbench.ui.actions.spec import ActionSpec
from medbench.ui.theme.icons import icon
from medbench.ui.train.recipe_panel import RecipePanel
from medbench.ui.train.run_view import RunPanel
from medbench.ui.widgets import (
    Button,
    HLine,
    IntervalBar,
    PanelHeader,
    SectionTitle,
    clear_layout,
    hbox,
    interval_text,
    label,
    metric_text,
    vbox,
)
from medbench.ui.workspace import Workspace

_ICONS = {
    JobState.FINISHED: ("circle-check", "success"), JobState.FAILED: ("circle-x", "error"),
    JobState.LOST: ("circle-x", "error"), JobState.CANCELLED: ("square", "text2"),
    JobState.PAUSED: ("pause", "warning"),
}  # fmt: skip


def auc_of(run: RunView) -> Metric | None:
    """Validation AUC a finished run reported."""
    found = run.result.get("validation", {}).get("auc")
    return None if found is None else from_json(Metric, found)


class TrainWorkspace(Workspace):
    """Training runs."""

    workspace_id = "train"
    icon = "graduation-cap"
    left_width = 336
    right_width = 292

    def __init__(
        self, session: Session, actions: ActionRegistry, parent: QWidget | None = None
    ) -> None:
        super().__init__(session, actions, parent)
        area = self.tr("Train")
        for spec in (
            ActionSpec("medbench.train.start", self.tr("Start run"), self.start, area,
                       "Ctrl+Return", "play", workspace="train"),
            ActionSpec("medbench.train.pause", self.tr("Pause"), self.pause, area, "", "pause"),
            ActionSpec("medbench.train.stop", self.tr("Stop"), self.stop, area, "", "square"),
            ActionSpec("medbench.train.continue", self.tr("Resume"), self.continue_run, area, "",
                       "play", self.tr("Continue an interrupted run from its last checkpoint")),
            ActionSpec("medbench.train.evaluate", self.tr("Evaluate"), self.evaluate, area, "",
                       "chart-line", self.tr("Evaluate the model of the shown run")),
        ):  # fmt: skip
            actions.register(spec)
        self.recipe = RecipePanel(session, actions)
        self.panel = RunPanel(actions)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.panel)
        self.list = QListWidget()
        self.list.setAccessibleName(self.tr("Runs"))
        self.list.currentItemChanged.connect(self._chosen)
        self._forest = vbox(spacing=4)
        self._shown = ""
        self.recipe.recipe_changed.connect(self.request_plan)
        session.cohorts.changed.connect(self._cohorts_changed)
        session.runs.changed.connect(self._runs_changed)
        session.runs.run_changed.connect(self._run_changed)
        session.runs.run_concluded.connect(self._concluded)
        session.runs.plan_ready.connect(self._plan_ready)
        self._cohorts_changed()
        self._runs_changed()

    def title(self) -> str:
        return self.tr("Train")

    def left_panel(self) -> QWidget:
        return self.recipe

    def right_panel(self) -> QWidget:
        panel = QWidget()
        column = QVBoxLayout(panel)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        button = Button.of(
            self.actions_registry.action("medbench.train.evaluate"), "normal", "chart-line"
        )
        column.addWidget(PanelHeader(self.tr("Runs"), [button]))
        column.addWidget(self.list, 1)
        column.addWidget(HLine())
        box = vbox(margins=(12, 10, 12, 12), spacing=6)
        box.addWidget(SectionTitle(self.tr("Validation AUC, 95 % CI")))
        box.addLayout(self._forest)
        column.addLayout(box)
        return panel

    # recipe

    @Slot()
    def _cohorts_changed(self) -> None:
        self.recipe.refresh_cohorts()
        self._enable()

    def show_object(self, payload: object) -> None:
        if isinstance(payload, str):
            self.recipe.choose_cohort(payload)

    def activated(self) -> None:
        self.request_plan()

    @Slot()
    def request_plan(self) -> None:
        """Ask for the plan of the shown recipe."""
        self._enable()
        record = self.recipe.record()
        if record is None or not self.recipe.learner or not self.isVisible():
            return
        self.recipe.show_plan((), "")
        self.session.runs.request_plan(
            record.folder, self.recipe.learner, self.recipe.overrides,
            self.session.settings.value.device,
        )  # fmt: skip

    @Slot(str, object, str)
    def _plan_ready(self, learner: str, rows: tuple[PlanRow, ...], reason: str) -> None:
        if learner == self.recipe.learner:
            self.recipe.show_plan(rows, reason)

    # runs

    def start(self) -> None:
        """Start a run with the shown recipe."""
        record = self.recipe.record()
        if record is None or not self.recipe.learner or self.session.runs.live is not None:
            return
        self.session.runs.start(
            record.folder, self.recipe.learner, dict(self.recipe.overrides),
            self.session.settings.value.device,
        )  # fmt: skip

    def pause(self) -> None:
        """Pause, or let a paused run go on."""
        run = self.session.runs.live
        if run is None:
            return
        if run.state is JobState.PAUSED:
            self.session.runs.resume(run.run_id)
        else:
            self.session.runs.pause(run.run_id)

    def stop(self) -> None:
        """Stop the running run; its checkpoint stays."""
        if (run := self.session.runs.live) is not None:
            self.session.runs.stop(run.run_id)

    def continue_run(self) -> None:
        """Continue the shown run from its last checkpoint."""
        run = self.session.runs.run(self._shown)
        if run is not None and not run.live and self.session.runs.live is None:
            self.session.runs.continue_run(run.run_id)

    def evaluate(self) -> None:
        """Go to Evaluate with the shown run's model."""
        run = self.session.runs.run(self._shown)
        if run is not None and run.model:
            self.session.show_requested.emit("evaluate", run.model)

    @Slot()
    def _runs_changed(self) -> None:
        runs = self.session.runs.runs
        live = self.session.runs.live
        if live is not None:
            self._shown = live.run_id
        elif not self._shown and runs:
            self._shown = runs[0].run_id
        self.list.blockSignals(True)
        self.list.clear()
        for run in runs:
            name, role = _ICONS.get(run.state, ("activity", "accent"))
            found = auc_of(run)
            words = f"{learner_info(run.learner).title}   {metric_text(found, 3)}\n{run.cohort}"
            item = QListWidgetItem(icon(name, role, 16), words)
            item.setData(Qt.ItemDataRole.UserRole, run.run_id)
            item.setToolTip("\n".join(p for p in (run.run_id, run.model, run.reason) if p))
            item.setSizeHint(QSize(200, 48))
            self.list.addItem(item)
            if run.run_id == self._shown:
                self.list.setCurrentItem(item)
        self.list.blockSignals(False)
        self._show(self.session.runs.run(self._shown))
        self._draw_forest(runs)
        self._enable()

    def _draw_forest(self, runs: tuple[RunView, ...]) -> None:
        clear_layout(self._forest)
        for run in runs[:6]:
            found = auc_of(run)
            if found is None or found.value is None:
                continue
            row = hbox()
            name = label(learner_info(run.learner).title.split(" (")[0], "secondary")
            name.setFixedWidth(92)
            row.addWidget(name)
            bar = IntervalBar(run.run_id)
            bar.show_value(found.value, found.low, found.high)
            bar.setToolTip(f"{metric_text(found, 3)} ({interval_text(found, 3)}), n {found.n}")
            row.addWidget(bar, 1)
            self._forest.addLayout(row)

    @Slot(QListWidgetItem, QListWidgetItem)
    def _chosen(self, now: QListWidgetItem | None, _before: QListWidgetItem | None) -> None:
        if now is not None:
            self._shown = str(now.data(Qt.ItemDataRole.UserRole))
            self._show(self.session.runs.run(self._shown))
            self._enable()

    @Slot(object)
    def _run_changed(self, run: RunView) -> None:
        if run.run_id == self._shown:
            self._show(run)

    def _show(self, run: RunView | None) -> None:
        self.panel.show_run(run)
        if run is not None:
            title = learner_info(run.learner).title
            self.context_changed.emit(title, run.cohort)

    @Slot(object, object)
    def _concluded(self, _run: RunView, _version: ModelVersion | None) -> None:
        self.session.models.refresh()

    def _enable(self) -> None:
        act = self.actions_registry.action
        live, shown = self.session.runs.live, self.session.runs.run(self._shown)
        record = self.recipe.record()
        ready = record is not None and record.split is not None and not record.blocked
        act("medbench.train.start").setEnabled(ready and live is None)
        act("medbench.train.pause").setEnabled(live is not None)
        act("medbench.train.stop").setEnabled(live is not None)
        paused = live is not None and live.state is JobState.PAUSED
        act("medbench.train.pause").setText(self.tr("Go on") if paused else self.tr("Pause"))
        interrupted = shown is not None and shown.state in (
            JobState.CANCELLED, JobState.LOST, JobState.FAILED,
        )  # fmt: skip
        act("medbench.train.continue").setEnabled(interrupted and live is None)
        act("medbench.train.evaluate").setEnabled(shown is not None and bool(shown.model))
        self.recipe.lock(live is not None)

    def restyle(self) -> None:
        for chart in (self.panel.loss, self.panel.auc):
            chart.restyle()
