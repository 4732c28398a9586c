"""Upper part of the tab Findings: an approved model's answer and what the reader does with it."""

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QCheckBox, QComboBox, QLineEdit, QSlider, QVBoxLayout, QWidget

from medbench.domain.finding import AiDecision, AiResult, Suggestion, Verdict
from medbench.domain.model import ModelVersion
from medbench.session.session import Session
from medbench.ui.actions.registry import ActionRegistry
from medbench.ui.review.findings.card import AiCard
from medbench.ui.review.findings.dialogs import reason_words
from medbench.ui.review.view_model import ViewModel
from medbench.ui.widgets import (
    Button,
    EmptyState,
    IconButton,
    Notice,
    clear_layout,
    hbox,
    label,
    vbox,
)


class AiPanel(QWidget):
    """Model picker, answer, explanation, decision, add to cohort.

    Signals
    -------
    add_requested : str, str
        Cohort name and label for the open image.
    contour_switched : bool
        Outlines of the map at half its peak are wanted, or not.
    """

    add_requested = Signal(str, str)
    contour_switched = Signal(bool)

    def __init__(
        self, session: Session, model: ViewModel, actions: ActionRegistry,
        parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._session = session
        self._model = model
        self._actions = actions
        self._failure = ""
        self.card: AiCard | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(8)
        row = hbox()
        self.picker = QComboBox()
        self.picker.setAccessibleName(self.tr("Approved model"))
        self.picker.setMinimumWidth(80)
        row.addWidget(self.picker, 1)
        self.run_button = Button.of(actions.action("medbench.review.run_ai"), "normal", "brain")
        row.addWidget(self.run_button)
        column.addLayout(row)
        self._answer = vbox(spacing=8)
        column.addLayout(self._answer)
        self._body = QWidget()
        self._body_column = vbox(spacing=8)
        self._body.setLayout(self._body_column)
        self._explanation()
        self._decision()
        column.addWidget(self._body)
        self._cohort_row(column)
        self._body.hide()
        session.models.changed.connect(self.refresh)
        session.cohorts.changed.connect(self._cohorts_changed)
        session.models.prediction_failed.connect(self._failed)
        self.refresh()
        self._cohorts_changed()

    def _explanation(self) -> None:
        line = hbox()
        line.addWidget(label(self.tr("Explanation")))
        self.method = QComboBox()
        self.method.setAccessibleName(self.tr("Kind of explanation"))
        self.method.addItem(self.tr("Grad-CAM"), "gradcam")
        line.addWidget(self.method, 1)
        eye = IconButton.of(self._actions.action("medbench.review.toggle_overlay"), "eye")
        line.addWidget(eye)
        self._body_column.addLayout(line)
        line = hbox()
        line.addWidget(label(self.tr("Opacity"), "secondary"))
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setAccessibleName(self.tr("Overlay opacity"))
        self.opacity.setRange(0, 100)
        self.opacity.setValue(round(self._model.overlay_opacity * 100))
        self.opacity.valueChanged.connect(self._opacity_changed)
        line.addWidget(self.opacity, 1)
        self._opacity_words = label(f"{self.opacity.value()} %")
        self._opacity_words.setFixedWidth(40)
        line.addWidget(self._opacity_words)
        self.contour = QCheckBox(self.tr("50 % contour"))
        self.contour.setAccessibleName(self.tr("Outline at half of the map's peak"))
        self.contour.setChecked(True)
        self.contour.toggled.connect(self.contour_switched.emit)
        line.addWidget(self.contour)
        self._body_column.addLayout(line)
        self._body_column.addWidget(
            label(self.tr("Shows what drove the score. It is not a lesion outline."), "secondary",
                  wrap=True)
        )  # fmt: skip

    def _decision(self) -> None:
        line = hbox(spacing=4)
        self.queue_words = label("", "secondary", wrap=True)
        line.addWidget(self.queue_words, 1)
        for name, icon in (("previous_suggestion", "chevron-left"),
                           ("next_suggestion", "chevron-right")):  # fmt: skip
            line.addWidget(IconButton.of(self._actions.action(f"medbench.review.{name}"), icon))
        self._body_column.addLayout(line)
        self._decided = vbox()
        self._body_column.addLayout(self._decided)
        line = hbox()
        for name, kind, icon in (("accept_suggestion", "primary", "check"),
                                 ("edit_suggestion", "normal", "pencil"),
                                 ("reject_suggestion", "danger", "x")):  # fmt: skip
            action = self._actions.action(f"medbench.review.{name}")
            line.addWidget(Button.of(action, kind, icon), 1)
        self._body_column.addLayout(line)

    def _cohort_row(self, column: QVBoxLayout) -> None:
        self.cohort_field = QComboBox()
        self.cohort_field.setEditable(True)
        self.cohort_field.setAccessibleName(self.tr("Cohort"))
        if (typed := self.cohort_field.lineEdit()) is not None:
            typed.setPlaceholderText(self.tr("Cohort name"))
        self.cohort_field.setMinimumWidth(60)
        self.label_field = QLineEdit()
        self.label_field.setAccessibleName(self.tr("Label"))
        self.label_field.setPlaceholderText(self.tr("Label, e.g. opacity"))
        self.label_field.returnPressed.connect(self._add)
        line = hbox()
        self.add_button = Button(self.tr("Add to cohort as …"), "normal", "plus")
        self.add_button.clicked.connect(self._add)
        line.addWidget(self.add_button)
        line.addWidget(self.label_field, 1)
        column.addLayout(line)
        column.addWidget(self.cohort_field)

    @property
    def chosen(self) -> str:
        """Label of the chosen version, or nothing."""
        return str(self.picker.currentData() or "")

    def follow(self, model: ViewModel) -> None:
        """Another screen is active: the slider is about its map."""
        self._model = model
        self.opacity.blockSignals(True)
        self.opacity.setValue(round(model.overlay_opacity * 100))
        self.opacity.blockSignals(False)
        self._opacity_words.setText(f"{self.opacity.value()} %")

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
        if self.card is None:
            self.show_nothing()

    def show_nothing(self) -> None:
        """No answer for what is open."""
        clear_layout(self._answer)
        self.card = None
        self._body.hide()
        if self._failure:
            self._answer.addWidget(Notice("error", self._failure))
            return
        if self.picker.count():
            text = self.tr("Run the model on the shown image. Answers come with version, threshold "
                           "and limits.")  # fmt: skip
            title = self.tr("No answer yet")
        else:
            title = self.tr("No approved image model")
            text = self.tr("Train one, evaluate it, and approve it in Models.")
        self._answer.addWidget(EmptyState("brain", title, text))

    def show_result(self, result: AiResult) -> None:
        """The card of an answer."""
        self._failure = ""
        if self.card is not None and self.card.result == result:
            return
        clear_layout(self._answer)
        self.card = AiCard(self._session, result, self._version(result.model))
        self._answer.addWidget(self.card)
        if not self.label_field.text():
            self.label_field.setText(result.label)
        self._body.show()

    def show_decision(
        self,
        suggestion: Suggestion,
        decision: AiDecision | None,
        tag: str,
        waiting: int,
        marks: int,
    ) -> None:
        """Where the reader is in the queue, and what was decided about this mark."""
        if suggestion.region is not None:
            words = self.tr("Mark {0} of {1}, {2}").format(
                suggestion.number + 1, marks, suggestion.region.place or self.tr("place unknown")
            )
        else:
            words = self.tr("The answer itself, without a mark")
        self.queue_words.setText(self.tr("{0} · waiting: {1}").format(words, waiting))
        clear_layout(self._decided)
        if decision is not None:
            who = decision.reader or "–"
            text = {
                Verdict.ACCEPTED: self.tr("Accepted as {0} by {1}").format(tag, who),
                Verdict.EDITED: self.tr("Accepted with another outline as {0} by {1}").format(
                    tag, who
                ),
                Verdict.REJECTED: self.tr("Rejected by {0}: {1}").format(
                    who, decision.note or reason_words(decision.reason)
                ),
            }[decision.verdict]
            kind = "info" if decision.verdict is Verdict.REJECTED else "success"
            self._decided.addWidget(Notice(kind, text))

    def _version(self, label_: str) -> ModelVersion | None:
        return next((v for v in self._session.models.versions if v.label == label_), None)

    @Slot(str, str)
    def _failed(self, _key: str, sentence: str) -> None:
        self._failure = sentence or self.tr("Stopped")
        self.show_nothing()
        self._failure = ""

    @Slot(int)
    def _opacity_changed(self, value: int) -> None:
        self._opacity_words.setText(f"{value} %")
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
