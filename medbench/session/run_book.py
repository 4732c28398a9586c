"""Training runs: plans, live curves, states, results."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from PySide6.QtCore import QObject, Signal, Slot

from medbench.base.ids import new_id
from medbench.domain.model import ModelVersion, PlanRow
from medbench.domain.records import from_json
from medbench.jobs.protocol import PlanSpec, TrainSpec
from medbench.jobs.states import JobState
from medbench.registry.workspace import RunRecord, Workspace
from medbench.session.job_list import JobList
from medbench.session.messages import Messages
from medbench.session.operations.prediction import run_job
from medbench.session.operations.training import prepare_run, read_events, resume_spec
from medbench.session.ports import Handle, Runner


class TrainingPort(Protocol):
    """What the run book needs of the training worker."""

    told: Any
    concluded: Any
    started_engine: Any

    def start(self, spec: TrainSpec) -> None: ...
    def cancel(self, run_id: str) -> None: ...
    def pause(self, run_id: str) -> None: ...
    def resume(self, run_id: str) -> None: ...


@dataclass(frozen=True)
class RunView:
    """A run as the window shows it."""

    run_id: str
    learner: str
    cohort: str
    state: JobState
    reason: str = ""
    model: str = ""
    seed: int = 0
    created: str = ""
    device: str = ""
    fraction: float = 0.0
    eta_s: float | None = None
    place: str = ""
    plan: tuple[PlanRow, ...] = ()
    points: tuple[dict[str, Any], ...] = ()
    """One per epoch (or candidate): ``epoch`` and the values of the metric event."""
    log: tuple[tuple[str, str, str], ...] = ()
    """(time, level, text), oldest first."""
    result: dict[str, Any] = field(default_factory=dict)

    @property
    def live(self) -> bool:
        """Whether it goes on."""
        return self.state in (
            JobState.PENDING, JobState.STARTING, JobState.RUNNING, JobState.PAUSED,
            JobState.CANCELLING,
        )  # fmt: skip


class RunBook(QObject):
    """Runs of the workspace.

    Signals
    -------
    changed
        The list of runs, or a state in it, is another one.
    run_changed : RunView
        One run moved on.
    plan_ready : str, object, str
        Learner, plan rows (empty when it cannot be planned), reason.
    run_concluded : RunView, ModelVersion or None
        A run has ended.
    """

    changed = Signal()
    run_changed = Signal(object)
    plan_ready = Signal(str, object, str)
    run_concluded = Signal(object, object)

    def __init__(
        self, workspace_path: Path, training: TrainingPort, runner: Runner, inference: Runner,
        messages: Messages, jobs: JobList, parent: QObject | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._workspace_path = workspace_path
        self._training = training
        self._runner = runner
        self._inference = inference
        self._messages = messages
        self._jobs = jobs
        self._runs: dict[str, RunView] = {}
        training.told.connect(self._event)
        training.concluded.connect(self._concluded)
        training.started_engine.connect(self._engine)

    @property
    def runs(self) -> tuple[RunView, ...]:
        """Newest first."""
        return tuple(sorted(self._runs.values(), key=lambda r: r.run_id, reverse=True))

    def run(self, run_id: str) -> RunView | None:
        """One run."""
        return self._runs.get(run_id)

    @property
    def live(self) -> RunView | None:
        """The run that goes on, if any."""
        return next((run for run in self.runs if run.live), None)

    def refresh(self) -> None:
        """Read past runs; those that were running when medbench ended are marked lost."""
        own = {run_id for run_id, run in self._runs.items() if run.live}

        def work(handle: Handle) -> list[RunView]:
            with Workspace(self._workspace_path) as workspace:
                for record in workspace.runs():
                    if record.state in ("running", "pending") and record.run_id not in own:
                        workspace.set_run_state(
                            record.run_id, "lost", reason="medbench ended before the run did."
                        )
                return [_past(workspace, record) for record in workspace.runs()[:100]]

        self._runner.run("runs", work, self._listed, self._messages.error, newest=True)

    def _listed(self, runs: list[RunView]) -> None:
        for run in runs:
            if run.run_id not in self._runs or not self._runs[run.run_id].live:
                self._runs[run.run_id] = run
        self.changed.emit()

    def request_plan(
        self, cohort_folder: Path, learner: str, overrides: dict[str, Any], device: str
    ) -> None:
        """Ask the engine what it would do, with reasons."""
        spec = PlanSpec(new_id("plan"), str(cohort_folder), learner, overrides, device)

        def work(handle: Handle) -> tuple[PlanRow, ...]:
            result = run_job(handle.engine(), spec, cancelled=handle.cancelled)
            return tuple(from_json(PlanRow, row) for row in result["rows"])

        def done(rows: tuple[PlanRow, ...]) -> None:
            self.plan_ready.emit(learner, rows, "")

        def failed(sentence: str) -> None:
            if sentence:
                self.plan_ready.emit(learner, (), sentence)

        self._inference.run("plan", work, done, failed, newest=True)

    def start(
        self, cohort_folder: Path, learner: str, overrides: dict[str, Any], device: str,
        seed: int = 0, name: str = "",
    ) -> None:  # fmt: skip
        """Start a run."""

        def work(handle: Handle) -> tuple[TrainSpec, RunRecord]:
            with Workspace(self._workspace_path) as workspace:
                spec = prepare_run(
                    workspace, cohort_folder, learner, overrides=overrides, device=device,
                    seed=seed, model_name=name,
                )  # fmt: skip
                return spec, workspace.run(spec.job_id)

        self._runner.run("start", work, self._begin, self._messages.error)

    def continue_run(self, run_id: str) -> None:
        """Resume an interrupted run from its last checkpoint."""

        def work(handle: Handle) -> tuple[TrainSpec, RunRecord]:
            with Workspace(self._workspace_path) as workspace:
                return resume_spec(workspace, run_id), workspace.run(run_id)

        self._runner.run("start", work, self._begin, self._messages.error)

    def _begin(self, answer: tuple[TrainSpec, RunRecord]) -> None:
        spec, record = answer
        before = self._runs.get(spec.job_id) if spec.resume else None
        view = replace(_view(record), state=JobState.STARTING)
        if before is not None:
            view = replace(view, points=before.points, log=before.log)
        self._runs[spec.job_id] = view
        title = self.tr("Train {0} on {1}").format(spec.learner, record.cohort_name)

        def cancel() -> None:
            self.stop(spec.job_id)

        self._jobs.add(spec.job_id, title, cancel)
        self._jobs.update(spec.job_id, state=JobState.STARTING)
        self._training.start(spec)
        self.changed.emit()
        self.run_changed.emit(view)

    def stop(self, run_id: str) -> None:
        """Stop a run; its checkpoint stays."""
        self._training.cancel(run_id)
        self._update(run_id, state=JobState.CANCELLING)

    def pause(self, run_id: str) -> None:
        """Pause a run after its batch."""
        self._training.pause(run_id)

    def resume(self, run_id: str) -> None:
        """Let a paused run go on."""
        self._training.resume(run_id)

    @Slot(str, object)
    def _engine(self, run_id: str, hello: dict[str, Any]) -> None:
        self._update(run_id, device=str(hello.get("device", "")))

    @Slot(str, object)
    def _event(self, run_id: str, event: dict[str, Any]) -> None:
        view = self._runs.get(run_id)
        if view is None:
            return
        kind = event["type"]
        if kind == "progress":
            self._update(
                run_id, fraction=float(event["fraction"]), eta_s=event.get("eta_s"),
                place=str(event["text"]),
            )  # fmt: skip
        elif kind == "metric":
            point = {"epoch": event["epoch"], **event["values"]}
            kept = tuple(p for p in view.points if p["epoch"] < event["epoch"])
            self._update(run_id, points=(*kept, point))
        elif kind == "plan":
            rows = tuple(from_json(PlanRow, row) for row in event["rows"])
            self._update(run_id, plan=rows, device=str(event["device"]))
        elif kind == "log":
            self._update(run_id, log=(*view.log, (_clock(), str(event["level"]), event["text"])))
        elif kind in ("accepted", "paused", "resumed"):
            state = JobState.PAUSED if kind == "paused" else JobState.RUNNING
            if view.state is not JobState.CANCELLING:
                self._update(run_id, state=state)

    @Slot(str, object, object)
    def _concluded(self, run_id: str, ended: dict[str, Any], version: ModelVersion | None) -> None:
        state = JobState(str(ended["outcome"]))
        reason = str(ended.get("reason", ""))
        self._update(
            run_id, state=state, reason=reason, result=dict(ended.get("result") or {}),
            model="" if version is None else version.label,
            **({"fraction": 1.0} if state is JobState.FINISHED else {}),
        )  # fmt: skip
        view = self._runs[run_id]
        if version is not None:
            self._messages.success(self.tr("{0} is trained").format(version.label))
        elif state in (JobState.FAILED, JobState.LOST):
            self._messages.error(
                self.tr("The run {0} did not finish").format(run_id), reason,
            )  # fmt: skip
        self.changed.emit()
        self.run_concluded.emit(view, version)

    def _update(self, run_id: str, **values: Any) -> None:
        if run_id not in self._runs:
            return
        before = self._runs[run_id]
        view = replace(before, **values)
        self._runs[run_id] = view
        self._jobs.update(
            run_id, state=view.state, fraction=view.fraction, eta_s=view.eta_s, place=view.place,
            reason=view.reason,
        )  # fmt: skip
        if view.state is not before.state:
            self.changed.emit()
        self.run_changed.emit(view)


def _clock() -> str:
    from datetime import datetime

    return f"{datetime.now().astimezone():%H:%M:%S}"


def _view(record: RunRecord) -> RunView:
    return RunView(
        record.run_id, record.learner, record.cohort_name, JobState(record.state), record.reason,
        record.model, record.seed, record.created,
    )  # fmt: skip


def _past(workspace: Workspace, record: RunRecord) -> RunView:
    from medbench.base.atomic import read_json
    from medbench.base.errors import BadInputError

    folder = workspace.run_folder(record.run_id)
    events = read_events(folder)
    points: dict[int, dict[str, Any]] = {}
    for event in events:
        if event.get("type") == "metric":
            points[event["epoch"]] = {"epoch": event["epoch"], **event["values"]}
    log = tuple(
        (str(e.get("when", ""))[11:19], str(e["level"]), str(e["text"]))
        for e in events
        if e.get("type") == "log"
    )
    ends = [e for e in events if e.get("type") == "ended"]
    plan: tuple[PlanRow, ...] = ()
    try:
        plan = tuple(from_json(PlanRow, r) for r in read_json(folder / "plan.json")["rows"])
    except (BadInputError, KeyError):
        plan = ()  # the run ended before it had a plan
    return replace(
        _view(record),
        points=tuple(points[k] for k in sorted(points)),
        log=log,
        plan=plan,
        result=dict((ends[-1].get("result") or {}) if ends else {}),
        fraction=1.0 if record.state == "finished" else 0.0,
    )
