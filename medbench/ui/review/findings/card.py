"""The card of one model answer: what it is, how sure, how it was tested, whether it applies."""

from PySide6.QtCore import QCoreApplication, Slot
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from medbench.domain.finding import AiResult, InputCheck
from medbench.domain.model import Metric, ModelVersion, RestsOn
from medbench.domain.records import from_json
from medbench.registry.workspace import EvaluationRecord
from medbench.session.session import Session
from medbench.ui.review.findings.gauges import (
    TYPICAL_BELOW,
    ProbabilityBar,
    TypicalityGauge,
)
from medbench.ui.widgets import (
    Chip,
    IconButton,
    Notice,
    StageChip,
    hbox,
    icon_label,
    label,
    percent,
    vbox,
)

translate = QCoreApplication.translate


def number_words(value: float, *, calibrated: bool) -> str:
    """A probability in percent, a score as it is."""
    return percent(value) if calibrated else f"{value:.2f}"


class AiCard(QWidget):
    """Everything a reader must know before relying on a score."""

    def __init__(
        self, session: Session, result: AiResult, version: ModelVersion | None,
        parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._session = session
        self.result = result
        column = vbox(spacing=6)
        self.setLayout(column)
        self.setAccessibleName(self.tr("AI answer"))
        line = hbox()
        line.addWidget(icon_label("brain", "accent", 18))
        self.title = label(result.label.replace("_", " ").capitalize(), "page")
        line.addWidget(self.title)
        line.addStretch(1)
        self.side = self._side(result)
        line.addWidget(self.side)
        column.addLayout(line)
        column.addLayout(self._model_line(result, version))
        column.addLayout(self._number_line(result))
        bar = ProbabilityBar(self.tr("Answer and threshold"))
        interval = None
        if result.low is not None and result.high is not None:
            interval = (result.low, result.high)
        bar.show_score(
            result.score, interval, result.threshold,
            self.tr("Threshold {0}").format(
                number_words(result.threshold, calibrated=result.calibrated)
            ),
            muted=result.outside,
        )  # fmt: skip
        column.addWidget(bar)
        self.figures = label(self._figures(result, version), "secondary", wrap=True)
        column.addWidget(self.figures)
        self._typicality(column, result)
        if result.checks:
            column.addLayout(self._checks(result.checks))
        if result.simulated:
            column.addWidget(
                Notice("warning", self.tr("Trained on simulated data: says nothing about patients"))
            )

    def _side(self, result: AiResult) -> Chip:
        if result.outside:
            return Chip(self.tr("Withheld"), "error")
        if result.above:
            return Chip("↑ " + self.tr("Above threshold"), "warning")
        return Chip("↓ " + self.tr("Below threshold"), "success")

    def _model_line(self, result: AiResult, version: ModelVersion | None) -> QHBoxLayout:
        line = hbox(spacing=6)
        name, _, number = result.model.partition("/")
        model = label(f"{name} {number}", "secondary", wrap=True)
        line.addWidget(model, 1)
        if version is not None:
            line.addWidget(StageChip(version.stage))
        digest = label(result.weights_sha256[:8], "mono")
        digest.setToolTip(result.weights_sha256)
        digest.setAccessibleName(self.tr("Hash of the weights"))
        line.addWidget(digest)
        link = IconButton("external-link", self.tr("Model card"), size=16)
        link.setEnabled(version is not None)
        link.clicked.connect(self._open_model)
        line.addWidget(link)
        return line

    @Slot()
    def _open_model(self) -> None:
        self._session.show_requested.emit("models", self.result.model)

    def _number_line(self, result: AiResult) -> QHBoxLayout:
        line = hbox(spacing=12)
        number = label(number_words(result.score, calibrated=result.calibrated), "probability")
        number.setEnabled(not result.outside)
        number.setAccessibleName(self.tr("Answer"))
        self.number = number
        line.addWidget(number)
        kind = (
            self.tr("Calibrated probability") if result.calibrated
            else self.tr("Score, not a probability")
        )  # fmt: skip
        both = vbox(spacing=0)
        both.addWidget(label(kind, "secondary"))
        if result.low is not None and result.high is not None:
            words = self.tr("95 % interval {0} to {1}").format(
                number_words(result.low, calibrated=result.calibrated).removesuffix(" %"),
                number_words(result.high, calibrated=result.calibrated),
            )
        else:
            words = self.tr("No interval from this model")
        both.addWidget(label(words, "secondary", wrap=True))
        line.addLayout(both, 1)
        return line

    def _figures(self, result: AiResult, version: ModelVersion | None) -> str:
        """How the threshold did where it was tested; validation only where nothing better is."""
        at = number_words(result.threshold, calibrated=result.calibrated)
        best = best_evaluation(self._session.evaluations.records, result.model)
        if best is not None:
            metrics = best.report["metrics"]
            recall = from_json(Metric, metrics["recall"])
            specificity = from_json(Metric, metrics["specificity"])
            place = {
                RestsOn.EXTERNAL: self.tr("on external data"),
                RestsOn.INTERNAL_TEST: self.tr("on the internal test"),
            }[best.rests_on]
            n, events = int(best.report["n"]), int(best.report["events"])
        elif version is not None and "recall" in version.validation:
            recall = version.validation["recall"]
            specificity = version.validation.get("specificity", recall)
            auc = version.validation.get("auc")
            place = self.tr("on validation only")
            n, events = (recall.n if auc is None else auc.n), recall.events
        else:
            return self.tr("No test of this threshold is stored.")
        return self.tr("At {0} {1}: sensitivity {2}, specificity {3} (n = {4}, {5} events)").format(
            at, place, _two(recall), _two(specificity), n, events
        )

    def _typicality(self, column: QVBoxLayout, result: AiResult) -> None:
        line = hbox()
        line.addWidget(label(self.tr("Like the training images?"), wrap=True), 1)
        line.addWidget(self._typical_words(result))
        column.addLayout(line)
        if result.in_distribution is not None:
            gauge = TypicalityGauge(self.tr("Typicality"))
            gauge.show_percentile(result.percentile, outside=result.outside)
            column.addWidget(gauge)
        if result.outside:
            self.refusal = Notice(
                "error",
                self.tr("Outside the training range: grey levels and shape of this picture differ "
                        "from those of every training image. The answer cannot be accepted."),
            )  # fmt: skip
            column.addWidget(self.refusal)

    def _typical_words(self, result: AiResult) -> QWidget:
        if result.in_distribution is None:
            return label(self.tr("The model cannot tell"), "secondary")
        if result.outside:
            return label(self.tr("Outside"), "error")
        percentile = result.percentile or 0.0
        words = self.tr("percentile {0:.0f}").format(percentile)
        if percentile < TYPICAL_BELOW:
            return label("✓ " + self.tr("Typical, {0}").format(words), "success")
        return label("⚠ " + self.tr("Unusual, {0}").format(words), "warning")

    def _checks(self, checks: tuple[InputCheck, ...]) -> QGridLayout:
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(2)
        for i, check in enumerate(checks):
            mark, kind = {True: ("✓ ", "success"), False: ("⚠ ", "warning"),
                          None: ("– ", "secondary")}[check.passed]  # fmt: skip
            words = label(mark + check_words(check), kind)
            words.setAccessibleName(check_words(check))
            grid.addWidget(words, i // 2, i % 2)
        return grid


def _two(metric: Metric) -> str:
    return "–" if metric.value is None else f"{metric.value:.2f}"


def best_evaluation(records: tuple[EvaluationRecord, ...], model: str) -> EvaluationRecord | None:
    """The newest test of a version, external before internal; None where there is only less."""
    for wanted in (RestsOn.EXTERNAL, RestsOn.INTERNAL_TEST):
        found = next((r for r in records if r.model == model and r.rests_on is wanted), None)
        if found is not None:
            return found
    return None


def check_words(check: InputCheck) -> str:
    """One input check in words."""
    title = {
        "view": translate("AiCard", "Frontal view"),
        "age": translate("AiCard", "Adult"),
        "exposure": translate("AiCard", "Exposure"),
        "turned": translate("AiCard", "Upright"),
    }.get(check.key, check.title)
    if check.passed is None:
        return translate("AiCard", "{0}: not stated").format(title)
    if check.key == "view" and check.passed:
        return translate("AiCard", "Frontal {0}").format(check.detail)
    if check.passed:
        return title
    return {
        "view": translate("AiCard", "Not frontal: {0}"),
        "age": translate("AiCard", "Not adult: {0} years"),
        "exposure": translate("AiCard", "Burnt out: {0} %"),
        "turned": translate("AiCard", "Turned: {0}"),
    }.get(check.key, "{0}").format(check.detail)
