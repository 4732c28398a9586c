"""Right panel, tab AI: an approved model's answer for the open image, and the way to a cohort."""

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QComboBox, QLineEdit, QSlider, QVBoxLayout, QWidget

from medbench.domain.model import Metric, ModelVersion, Prediction
from medbench.session.model_shelf import PredictionView
from medbench.session.session import Session
from medbench.ui.actions.registry import ActionRegistry
from medbench.ui.review.following import ModelLink
from medbench.ui.review.view_model import ViewModel
from medbench.ui.widgets import (
    Button,
    Card,
    Chip,
    EmptyState,
    HLine,
    IconButton,
    IntervalBar,
    Notice,
    SectionTitle,
    StageChip,
    clear_layout,
    hbox,
    label,
    percent,
    vbox,
)


class TypicalityGauge(IntervalBar):
    """Where the input lies among the training images, 0 to 100 %."""


class AiPanel(QWidget):
    """Model picker, answer card, overlay controls, add to cohort.

    Signals
    -------
    add_requested : str, str
        Cohort name and label for the open image.
    """

    add_requested = Signal(str, str)

    def __init__(
        self, session: Session, model: ViewModel, actions: ActionRegistry,
        parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._session = session
        self._model = model
        self._shown: PredictionView | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(10)
        row = hbox()
        self.picker = QComboBox()
        self.picker.setAccessibleName(self.tr("Approved model"))
        row.addWidget(self.picker, 1)
        self.run_button = Button.of(actions.action("medbench.review.run_ai"), "primary", "brain")
        row.addWidget(self.run_button)
        column.addLayout(row)
        self._answer = vbox(spacing=8)
        column.addLayout(self._answer)
        column.addWidget(HLine())
        column.addWidget(SectionTitle(self.tr("Explanation")))
        line = hbox()
        line.addWidget(label(self.tr("Opacity"), "secondary"))
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setAccessibleName(self.tr("Overlay opacity"))
        self.opacity.setRange(0, 100)
        self.opacity.setValue(50)
        self.opacity.valueChanged.connect(self._opacity_changed)
        line.addWidget(self.opacity, 1)
        line.addWidget(IconButton.of(actions.action("medbench.review.toggle_overlay"), "eye"))
        column.addLayout(line)
        column.addWidget(
            label(self.tr("Shows what drove the score. It is not a lesion outline."), "secondary",
                  wrap=True)
        )  # fmt: skip
        column.addWidget(HLine())
        column.addWidget(SectionTitle(self.tr("Add to cohort as ...")))
        self.cohort_field = QComboBox()
        self.cohort_field.setEditable(True)
        self.cohort_field.setAccessibleName(self.tr("Cohort"))
        self.cohort_field.setPlaceholderText(self.tr("Cohort name"))
        self.label_field = QLineEdit()
        self.label_field.setAccessibleName(self.tr("Label"))
        self.label_field.setPlaceholderText(self.tr("Label, e.g. opacity"))
        self.label_field.returnPressed.connect(self._add)
        column.addWidget(self.cohort_field)
        line = hbox()
        line.addWidget(self.label_field, 1)
        self.add_button = Button(self.tr("Add"), "normal", "plus")
        self.add_button.clicked.connect(self._add)
        line.addWidget(self.add_button)
        column.addLayout(line)
        column.addStretch(1)
        session.models.changed.connect(self.refresh)
        session.cohorts.changed.connect(self._cohorts_changed)
        session.models.predicted.connect(self._predicted)
        session.models.prediction_failed.connect(self._failed)
        self._link = ModelLink(model, display_changed=self._display_changed)
        self.refresh()
        self._cohorts_changed()

    def follow(self, model: ViewModel) -> None:
        """Speak of another screen."""
        if self._link.follow(model):
            self._model = model
            self._display_changed()

    @property
    def chosen(self) -> str:
        """Label of the chosen version, or nothing."""
        return str(self.picker.currentData() or "")

    @Slot()
    def refresh(self) -> None:
        """List approved versions."""
        before = self.chosen
        versions = self._session.models.approved()
        self.picker.clear()
        for version in versions:
            self.picker.addItem(f"{version.name} {version.number}", version.label)
        self.picker.setEnabled(bool(versions))
        if (at := self.picker.findData(before)) >= 0:
            self.picker.setCurrentIndex(at)
        if self._shown is None:
            self._say_nothing()

    def _say_nothing(self) -> None:
        clear_layout(self._answer)
        if self.picker.count():
            text = self.tr("Run the model on the shown image. Answers come with version, threshold "
                           "and limits.")  # fmt: skip
            title = self.tr("No answer yet")
        else:
            title = self.tr("No approved image model")
            text = self.tr("Train one, evaluate it, and approve it in Models.")
        self._answer.addWidget(EmptyState("brain", title, text))

    @Slot()
    def _display_changed(self) -> None:
        self._shown = None
        self._say_nothing()

    @Slot(object)
    def _predicted(self, view: PredictionView) -> None:
        self._shown = view
        clear_layout(self._answer)
        self._answer.addWidget(self._card(view.prediction))

    @Slot(str, str)
    def _failed(self, _key: str, sentence: str) -> None:
        clear_layout(self._answer)
        self._answer.addWidget(Notice("error", sentence or self.tr("Stopped")))

    def _version(self, label_: str) -> ModelVersion | None:
        return next((v for v in self._session.models.versions if v.label == label_), None)

    def _card(self, found: Prediction) -> QWidget:
        positive = found.classes[found.positive]
        score = found.scores[found.positive]
        version = self._version(found.model)
        outside = found.in_distribution is False
        card = Card(positive.replace("_", " ").capitalize())
        above = score >= found.threshold
        words = self.tr("Above threshold") if above else self.tr("Below threshold")
        card.head.addWidget(Chip(words, "plain" if outside else "warning" if above else "success"))
        line = hbox()
        line.addWidget(label(found.model, "secondary"))
        if version is not None:
            line.addWidget(StageChip(version.stage))
        line.addStretch(1)
        hash_ = label(f"{found.weights_sha256[:8]} … {found.weights_sha256[-4:]}", "mono")
        hash_.setToolTip(found.weights_sha256)
        line.addWidget(hash_)
        card.body.addLayout(line)
        line = hbox()
        number = label(percent(score) if found.calibrated else f"{score:.2f}", "probability")
        number.setEnabled(not outside)
        number.setAccessibleName(self.tr("Answer"))
        line.addWidget(number)
        kind = self.tr("Calibrated probability") if found.calibrated else self.tr(
            "Score, not a probability"
        )  # fmt: skip
        both = vbox(spacing=0)
        both.addWidget(label(kind, "secondary"))
        decision = self.tr("Called {0} at {1:.2f}").format(
            found.decision.replace("_", " "), found.threshold
        )
        both.addWidget(label(decision, "secondary"))
        line.addLayout(both, 1)
        card.body.addLayout(line)
        bar = IntervalBar(self.tr("Answer and threshold"), ticks=True)
        bar.show_value(score, threshold=found.threshold, muted=outside)
        card.body.addWidget(bar)
        if version is not None:
            card.body.addWidget(label(self._operating(version), "secondary", wrap=True))
        card.body.addWidget(self._typicality(found))
        if found.simulated:
            card.body.addWidget(
                Notice("warning", self.tr("Trained on simulated data: says nothing about patients"))
            )
        return card

    def _operating(self, version: ModelVersion) -> str:
        def shown(metric: Metric | None) -> str:
            return "–" if metric is None or metric.value is None else f"{metric.value:.2f}"

        recall = version.validation.get("recall")
        return self.tr(
            "At this threshold on validation: recall {0}, specificity {1} (n {2}, {3} events)"
        ).format(
            shown(recall), shown(version.validation.get("specificity")),
            0 if (auc := version.validation.get("auc")) is None else auc.n,
            0 if recall is None else recall.events,
        )  # fmt: skip

    def _typicality(self, found: Prediction) -> QWidget:
        if found.in_distribution is None:
            return label(self.tr("The model stores nothing to tell whether the image is like its "
                                 "training images."), "secondary", wrap=True)  # fmt: skip
        percentile = found.in_distribution_percentile or 0.0
        if found.in_distribution:
            words = self.tr("Like the training images ({0:.0f} % of them are more typical)").format(
                percentile
            )
            return Notice("success", words)
        return Notice(
            "error",
            self.tr("Outside the training range: the image differs from what the model has seen. "
                    "Do not rely on the number."),
        )  # fmt: skip

    @Slot(int)
    def _opacity_changed(self, value: int) -> None:
        self._model.overlay_opacity = value / 100
        self._model.overlay_changed.emit()

    @Slot()
    def _cohorts_changed(self) -> None:
        text = self.cohort_field.currentText()
        self.cohort_field.clear()
        for record in self._session.cohorts.records:
            if record.cohort.task.value == "image":
                self.cohort_field.addItem(record.folder.name)
        self.cohort_field.setEditText(text)

    @Slot()
    def _add(self) -> None:
        self.add_requested.emit(
            self.cohort_field.currentText().strip(), self.label_field.text().strip()
        )
