"""Evaluations: made, stored, opened, recomputed as the threshold moves."""

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from medbench.base.errors import BadInputError
from medbench.base.ids import new_id
from medbench.domain.model import ModelVersion
from medbench.jobs.states import JobState
from medbench.metrics.curves import (
    CalibrationCurve,
    PrecisionRecallCurve,
    RocCurve,
    calibration_curve,
    precision_recall_curve,
    roc_curve,
)
from medbench.metrics.overlap import is_overlap
from medbench.metrics.report import Report, Reporter
from medbench.registry.workspace import EvaluationRecord, Workspace
from medbench.session.job_list import JobList
from medbench.session.messages import Messages
from medbench.session.operations.evaluation import Evaluation, evaluate, load_evaluation
from medbench.session.ports import Handle, Runner


@dataclass(frozen=True, eq=False)
class Dashboard:
    """An evaluation with its curves; ``reporter`` answers for any threshold."""

    evaluation: Evaluation
    version: ModelVersion
    roc: RocCurve
    precision_recall: PrecisionRecallCurve
    calibration: CalibrationCurve
    reporter: Reporter


def dashboard_of(evaluation: Evaluation, version: ModelVersion) -> Dashboard:
    """Curves of an evaluation."""
    known = evaluation.predictions.labelled
    if is_overlap(known):
        raise BadInputError(
            "Overlaps of label maps have no ROC curve: see them with medbench evaluate."
        )
    positive = int(known.meta["positive"])
    truth, score = known.labels == positive, known.scores[:, positive]
    return Dashboard(
        evaluation,
        version,
        roc_curve(truth, score),
        precision_recall_curve(truth, score),
        calibration_curve(truth, score),
        Reporter(known.labels, known.scores, positive=positive, patient_ids=known.patient_ids),
    )


class EvaluationDesk(QObject):
    """Evaluations of the workspace.

    Signals
    -------
    changed
        The list is another one.
    opened : Dashboard
        An evaluation is on the desk.
    report_ready : Report
        Numbers at the threshold last asked for.
    """

    changed = Signal()
    opened = Signal(object)
    report_ready = Signal(object)

    def __init__(
        self, workspace_path: Path, runner: Runner, inference: Runner, messages: Messages,
        jobs: JobList, parent: QObject | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._workspace_path = workspace_path
        self._runner = runner
        self._inference = inference
        self._messages = messages
        self._jobs = jobs
        self._records: tuple[EvaluationRecord, ...] = ()
        self._current: Dashboard | None = None

    @property
    def records(self) -> tuple[EvaluationRecord, ...]:
        """Newest first."""
        return self._records

    @property
    def current(self) -> Dashboard | None:
        """What is on the desk."""
        return self._current

    def refresh(self) -> None:
        """Read the list."""

        def work(handle: Handle) -> tuple[EvaluationRecord, ...]:
            with Workspace(self._workspace_path) as workspace:
                return workspace.evaluations()

        self._runner.run("evaluations", work, self._listed, self._messages.error, newest=True)

    def _listed(self, records: tuple[EvaluationRecord, ...]) -> None:
        self._records = records
        self.changed.emit()

    def evaluate(self, label: str, cohort_folder: Path, role: str, device: str = "auto") -> None:
        """Score a part of a cohort and put the result on the desk."""
        job_id = new_id("evaluate")
        ticket: list[int] = []

        def work(handle: Handle) -> tuple[Dashboard, tuple[EvaluationRecord, ...]]:
            def follow(event: dict[str, object]) -> None:
                if event.get("type") == "progress":
                    handle.progress(float(str(event["fraction"])), str(event["text"]))

            with Workspace(self._workspace_path) as workspace:
                found = evaluate(
                    workspace, handle.engine(), label, cohort_folder, role, device=device,
                    on_event=follow, cancelled=handle.cancelled,
                )  # fmt: skip
                version = workspace.model(label)
                return dashboard_of(found, version), workspace.evaluations()

        def done(answer: tuple[Dashboard, tuple[EvaluationRecord, ...]]) -> None:
            self._jobs.update(job_id, state=JobState.FINISHED, fraction=1.0)
            self._records = answer[1]
            self.changed.emit()
            self._show(answer[0])
            self._messages.success(self.tr("Evaluation of {0} finished").format(label))

        def failed(sentence: str) -> None:
            state = JobState.FAILED if sentence else JobState.CANCELLED
            self._jobs.update(job_id, state=state, reason=sentence)
            if sentence:
                self._messages.error(sentence)

        def progress(fraction: float, text: str) -> None:
            self._jobs.update(job_id, fraction=fraction, place=text)

        def cancel() -> None:
            self._inference.cancel(ticket[0])

        self._jobs.add(job_id, self.tr("Evaluate {0}").format(label), cancel)
        self._jobs.update(job_id, state=JobState.RUNNING)
        ticket.append(self._inference.run(job_id, work, done, failed, progress=progress))

    def open_record(self, record: EvaluationRecord) -> None:
        """Put a stored evaluation on the desk."""

        def work(handle: Handle) -> Dashboard:
            with Workspace(self._workspace_path) as workspace:
                found = load_evaluation(workspace, record)
                return dashboard_of(found, workspace.model(record.model))

        self._runner.run("open", work, self._show, self._messages.error, newest=True)

    def _show(self, dashboard: Dashboard) -> None:
        self._current = dashboard
        self.opened.emit(dashboard)

    def request_report(self, threshold: float) -> None:
        """Numbers at another threshold; only the newest request is answered."""
        dashboard = self._current
        if dashboard is None:
            return

        def work(handle: Handle) -> Report:
            return dashboard.reporter.at(threshold)

        self._runner.run("report", work, self.report_ready.emit, self._messages.error, newest=True)
