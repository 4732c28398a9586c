"""Evaluate: numbers with intervals, curves, confusion matrix, one threshold for all of them."""

from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QTimer, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QSlider,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from medbench.domain.cohort import Case, ItemKind
from medbench.domain.model import RestsOn
from medbench.metrics.report import Report, decide
from medbench.metrics.threshold import choose_threshold
from medbench.registry.workspace import EvaluationRecord
from medbench.session.cohort_shelf import CohortRecord
from medbench.session.evaluation_desk import Dashboard
from medbench.session.session import Session
from medbench.ui.actions.registry import ActionRegistry
from medbench.ui.actions.spec import ActionSpec
from medbench.ui.evaluate.charts import draw_curves
from medbench.ui.evaluate.confusion import ConfusionCard
from medbench.ui.evaluate.gallery import CaseGallery
from medbench.ui.widgets import (
    Button,
    Card,
    Chip,
    EmptyState,
    HLine,
    KpiCard,
    Scroll,
    SegmentedControl,
    StageChip,
    hbox,
    label,
)
from medbench.ui.widgets.plot import PlotCard
from medbench.ui.workspace import Workspace

_KPIS = ("auc", "accuracy", "precision", "recall", "specificity", "f1")
_RESTS = {
    RestsOn.RESUBSTITUTION: "error", RestsOn.VALIDATION: "warning",
    RestsOn.INTERNAL_TEST: "success", RestsOn.EXTERNAL: "accent",
}  # fmt: skip


class EvaluateWorkspace(Workspace):
    """Metrics dashboard."""

    workspace_id = "evaluate"
    icon = "chart-line"

    def __init__(
        self, session: Session, actions: ActionRegistry, parent: QWidget | None = None
    ) -> None:
        super().__init__(session, actions, parent)
        area = self.tr("Evaluate")
        for spec in (
            ActionSpec("medbench.evaluate.run", self.tr("Evaluate"), self.run, area, "Ctrl+E",
                       "play", self.tr("Score the chosen part with the chosen model"),
                       workspace="evaluate"),
            ActionSpec("medbench.evaluate.open_model", self.tr("Open in Models"),
                       self.open_model, area, "", "boxes"),
        ):  # fmt: skip
            actions.register(spec)
        self._dashboard: Dashboard | None = None
        self._report: Report | None = None
        self._cell: tuple[int, int] | None = None
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.timeout.connect(self._refresh_gallery)
        self._build()
        session.models.changed.connect(self._fill)
        session.cohorts.changed.connect(self._fill)
        session.evaluations.changed.connect(self._fill_records)
        session.evaluations.opened.connect(self._opened)
        session.evaluations.report_ready.connect(self._report_ready)
        self._fill()
        self._fill_records()

    def title(self) -> str:
        return self.tr("Evaluate")

    # construction

    def _build(self) -> None:
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addLayout(self._head())
        outer.addWidget(HLine())
        self._pages = QStackedWidget()
        self._pages.addWidget(
            EmptyState(
                "chart-line", self.tr("Nothing evaluated yet"),
                self.tr("Choose a model, a cohort and a part, and press Evaluate. The test part "
                        "was never seen in training."),
            )
        )  # fmt: skip
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(12)
        row = hbox(spacing=12)
        names = {
            "auc": self.tr("AUC"), "accuracy": self.tr("Accuracy"),
            "precision": self.tr("Precision"), "recall": self.tr("Recall (sensitivity)"),
            "specificity": self.tr("Specificity"), "f1": self.tr("F1"),
        }  # fmt: skip
        self.kpis = {key: KpiCard(names[key]) for key in _KPIS}
        for card in self.kpis.values():
            row.addWidget(card, 1)
        column.addLayout(row)
        column.addLayout(self._charts(), 3)
        column.addLayout(self._threshold_row(), 2)
        self.gallery = CaseGallery(self.session.cohorts)
        self.gallery.case_opened.connect(self._open_case)
        column.addWidget(self.gallery, 2)
        inner.setMinimumHeight(860)
        self._pages.addWidget(Scroll(inner))
        outer.addWidget(self._pages, 1)

    def _head(self) -> Any:
        row = hbox(margins=(12, 8, 12, 8))
        self.model_box = _combo(self.tr("Model"))
        self.cohort_box = _combo(self.tr("Cohort"))
        self.part_box = _combo(self.tr("Part"))
        for key, name in (
            ("test", self.tr("Test part")),
            ("val", self.tr("Validation part")),
            ("train", self.tr("Training part")),
            ("all", self.tr("All cases")),
        ):
            self.part_box.addItem(name, key)
        self.stage = StageChip()
        self.stage.hide()
        row.addWidget(self.model_box)
        row.addWidget(self.stage)
        row.addWidget(label(self.tr("on"), "secondary"))
        row.addWidget(self.cohort_box)
        row.addWidget(self.part_box)
        act = self.actions_registry.action
        row.addWidget(Button.of(act("medbench.evaluate.run"), "primary", "play"))
        row.addSpacing(12)
        self.rests = Chip("")
        self.rests.hide()
        self.simulated = Chip(self.tr("Simulated"), "warning")
        self.simulated.hide()
        row.addWidget(self.rests)
        row.addWidget(self.simulated)
        row.addStretch(1)
        self.record_box = _combo(self.tr("Stored evaluations"))
        self.record_box.activated.connect(self._record_chosen)
        row.addWidget(self.record_box)
        row.addWidget(Button.of(act("medbench.evaluate.open_model"), "normal", "boxes"))
        return row

    def _charts(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setSpacing(12)
        self.roc = PlotCard(self.tr("ROC"), self.tr("1 − specificity"), self.tr("Recall"))
        self.pr = PlotCard(self.tr("Precision and recall"), self.tr("Recall"), self.tr("Precision"))
        self.calibration = PlotCard(
            self.tr("Calibration"), self.tr("Mean score"), self.tr("Observed share")
        )
        self.confusion = ConfusionCard()
        self.confusion.cell_chosen.connect(self._cell_chosen)
        for i, card in enumerate((self.roc, self.pr, self.calibration, self.confusion)):
            grid.addWidget(card, 0, i)
            grid.setColumnStretch(i, 1)
        for chart in (self.roc, self.pr, self.calibration):
            chart.set_range((0, 1), (0, 1))
            chart.setMinimumHeight(230)
        return grid

    def _threshold_row(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setSpacing(12)
        self.histogram = PlotCard(
            self.tr("Threshold"), self.tr("Score of the positive class"), self.tr("Cases")
        )
        self.histogram.setMinimumHeight(210)
        self.histogram.marker_moved.connect(self.set_threshold)
        bar = hbox()
        self.rules = SegmentedControl(
            [("stored", self.tr("Stored")), ("youden", self.tr("Youden")),
             ("sensitivity-0.95", self.tr("Recall .95")), ("half", "0.50")],
            self.tr("Threshold rule"),
        )  # fmt: skip
        self.rules.changed.connect(self._rule_chosen)
        bar.addWidget(self.rules)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setAccessibleName(self.tr("Threshold"))
        self.slider.setRange(0, 1000)
        self.slider.valueChanged.connect(self._slid)
        bar.addWidget(self.slider, 1)
        self.threshold_text = label("", "strong")
        bar.addWidget(self.threshold_text)
        self.histogram.body.insertLayout(0, bar)
        grid.addWidget(self.histogram, 0, 0)
        facts = Card(self.tr("What it rests on"))
        self.facts = label("", "secondary", wrap=True)
        facts.body.addWidget(self.facts)
        self.more = label("", wrap=True)
        facts.body.addWidget(self.more)
        facts.body.addStretch(1)
        grid.addWidget(facts, 0, 1)
        grid.setColumnStretch(0, 3)
        grid.setColumnStretch(1, 1)
        return grid

    # choosing

    @Slot()
    def _fill(self) -> None:
        _refill(self.model_box, [(f"{v.name} {v.number}", v.label)
                                 for v in self.session.models.versions])  # fmt: skip
        _refill(self.cohort_box, [(r.cohort.name, r.folder.name)
                                  for r in self.session.cohorts.records])  # fmt: skip
        can = self.model_box.count() > 0 and self.cohort_box.count() > 0
        self.actions_registry.action("medbench.evaluate.run").setEnabled(can)
        self.actions_registry.action("medbench.evaluate.open_model").setEnabled(can)

    @Slot()
    def _fill_records(self) -> None:
        records = self.session.evaluations.records
        self.record_box.clear()
        self.record_box.addItem(self.tr("{0} stored").format(len(records)), None)
        for record in records[:50]:
            words = f"{record.model} · {record.cohort_name} · {record.role}"
            self.record_box.addItem(f"{words} · {record.created[:16].replace('T', ' ')}", record)
        self.record_box.setEnabled(bool(records))

    @Slot(int)
    def _record_chosen(self, index: int) -> None:
        record = self.record_box.itemData(index)
        if isinstance(record, EvaluationRecord):
            self.session.evaluations.open_record(record)

    def show_object(self, payload: object) -> None:
        """A model's label: choose it with the cohort it was trained on."""
        if not isinstance(payload, str):
            return
        self.model_box.setCurrentIndex(max(0, self.model_box.findData(payload)))
        version = next((v for v in self.session.models.versions if v.label == payload), None)
        if version is not None:
            at = self.cohort_box.findText(version.cohort_name)
            self.cohort_box.setCurrentIndex(max(0, at))

    def run(self) -> None:
        """Evaluate the chosen model on the chosen part."""
        record = self._cohort(str(self.cohort_box.currentData()))
        model = self.model_box.currentData()
        if record is not None and model:
            self.session.evaluations.evaluate(
                str(model), record.folder, str(self.part_box.currentData()),
                self.session.settings.value.device,
            )  # fmt: skip

    def open_model(self) -> None:
        """Show the model in Models."""
        self.session.show_requested.emit("models", self.model_box.currentData())

    def _cohort(self, name: str) -> CohortRecord | None:
        return next((r for r in self.session.cohorts.records if r.folder.name == name), None)

    # the dashboard

    @Slot(object)
    def _opened(self, dashboard: Dashboard) -> None:
        self._dashboard = dashboard
        self._cell = None
        record, version = dashboard.evaluation.record, dashboard.version
        meta = dashboard.evaluation.predictions.meta
        self._pages.setCurrentIndex(1)
        self.stage.show_stage(version.stage)
        self.stage.show()
        words = {
            RestsOn.RESUBSTITUTION: self.tr("Rests on training cases"),
            RestsOn.VALIDATION: self.tr("Rests on validation"),
            RestsOn.INTERNAL_TEST: self.tr("Internal test"),
            RestsOn.EXTERNAL: self.tr("External"),
        }
        self.rests.set_state(words[record.rests_on], _RESTS[record.rests_on])
        self.rests.show()
        self.simulated.setVisible(bool(meta["simulated"]))
        self.context_changed.emit(f"{version.name} {version.number}", words[record.rests_on])
        draw_curves(dashboard, self.roc, self.pr, self.calibration, self.histogram)
        self.rules.choose("stored")
        self._show_report(dashboard.evaluation.report)
        positive = int(meta["positive"])
        negative = next(i for i in range(len(meta["classes"])) if i != positive)
        self.confusion.choose(positive, negative)

    def _show_report(self, report: Report) -> None:
        dashboard = self._dashboard
        if dashboard is None:
            return
        self._report = report
        for key, card in self.kpis.items():
            card.show_metric(report.metrics[key])
        meta = dashboard.evaluation.predictions.meta
        self.confusion.show_report(report, tuple(meta["classes"]), int(meta["positive"]))
        recall, specificity = report.metrics["recall"].value, report.metrics["specificity"].value
        if recall is not None and specificity is not None:
            self.roc.set_point(1 - specificity, recall)
        precision = report.metrics["precision"].value
        if recall is not None and precision is not None:
            self.pr.set_point(recall, precision)
        self.histogram.set_marker_line(report.threshold, movable=True)
        self.slider.blockSignals(True)
        self.slider.setValue(round(report.threshold * 1000))
        self.slider.blockSignals(False)
        self.threshold_text.setText(f"{report.threshold:.2f}")
        self._show_facts(dashboard, report)
        self._settle.start(150)

    def _show_facts(self, dashboard: Dashboard, report: Report) -> None:
        record = dashboard.evaluation.record
        meta = dashboard.evaluation.predictions.meta
        kind = self.tr("calibrated probabilities") if meta["calibrated"] else self.tr("scores")
        self.facts.setText(
            self.tr("{0}, part {1}: {2} cases of {3} patients, {4} positive. The answers are {5}. "
                    "{6}.").format(
                record.cohort_name, record.role, report.n, report.n_patients, report.events, kind,
                report.intervals,
            )
        )  # fmt: skip
        lines = []
        for key, name in (("npv", self.tr("NPV")), ("balanced_accuracy", self.tr("Balanced "
                          "accuracy")), ("average_precision", self.tr("Average precision")),
                          ("brier", self.tr("Brier score, lower is better"))):  # fmt: skip
            metric = report.metrics[key]
            if metric.value is not None and metric.low is not None and metric.high is not None:
                lines.append(f"{name} {metric.value:.2f} ({metric.low:.2f} – {metric.high:.2f})")
        self.more.setText("\n".join(lines))

    @Slot(object)
    def _report_ready(self, report: Report) -> None:
        self._show_report(report)

    @Slot(float)
    def set_threshold(self, threshold: float) -> None:
        """Ask for the numbers at another threshold; everything moves together."""
        threshold = min(1.0, max(0.0, threshold))
        self.threshold_text.setText(f"{threshold:.2f}")
        self.session.evaluations.request_report(threshold)

    @Slot(int)
    def _slid(self, value: int) -> None:
        self.set_threshold(value / 1000)

    @Slot(str)
    def _rule_chosen(self, rule: str) -> None:
        dashboard = self._dashboard
        if dashboard is None:
            return
        if rule == "stored":
            self.set_threshold(dashboard.version.threshold)
            return
        known = dashboard.evaluation.predictions.labelled
        positive = int(known.meta["positive"])
        truth, score = known.labels == positive, known.scores[:, positive]
        self.set_threshold(choose_threshold(truth, score, rule))

    @Slot(int, int)
    def _cell_chosen(self, true: int, called: int) -> None:
        self._cell = (true, called)
        self._refresh_gallery()

    @Slot()
    def _refresh_gallery(self) -> None:
        dashboard, report = self._dashboard, self._report
        if dashboard is None or report is None or self._cell is None:
            return
        known = dashboard.evaluation.predictions.labelled
        positive = int(known.meta["positive"])
        decided = decide(known.scores, positive=positive, threshold=report.threshold)
        cohort = next(
            (r for r in self.session.cohorts.records
             if r.cohort.digest == dashboard.evaluation.record.cohort_digest), None,
        )  # fmt: skip
        self.gallery.show_cell(dashboard, cohort, decided, *self._cell)

    def hideEvent(self, event: Any) -> None:
        self._settle.stop()
        super().hideEvent(event)

    @Slot(object)
    def _open_case(self, case: Case) -> None:
        item = case.items[0]
        if item.kind in (ItemKind.DICOM, ItemKind.FILE):
            self.session.show_requested.emit("review", [Path(item.path)])
        else:
            self.session.messages.info(self.tr("Only image files open in Review"))

    def restyle(self) -> None:
        for chart in (self.roc, self.pr, self.calibration, self.histogram):
            chart.restyle()
        if self._report is not None:
            self._show_report(self._report)


def _combo(name: str) -> QComboBox:
    combo = QComboBox()
    combo.setAccessibleName(name)
    combo.setMinimumWidth(110)
    combo.setMaximumWidth(260)
    return combo


def _refill(combo: QComboBox, entries: list[tuple[str, str]]) -> None:
    before = combo.currentData()
    combo.clear()
    for words, key in entries:
        combo.addItem(words, key)
    if (at := combo.findData(before)) >= 0:
        combo.setCurrentIndex(at)
