"""Everything long that runs or ran: the Jobs page and the status bar read this."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from PySide6.QtCore import QObject, Signal

from medbench.jobs.states import TERMINAL, JobState


@dataclass(frozen=True)
class JobInfo:
    """What the user sees of one job."""

    job_id: str
    title: str
    """E.g. 'Train cnn on chest-xray'."""
    place: str = ""
    """Where in the job: 'epoch 3 of 20'."""
    state: JobState = JobState.PENDING
    fraction: float | None = None
    """0..1; None while unknown."""
    eta_s: float | None = None
    reason: str = ""
    started: datetime | None = None
    ended: datetime | None = None
    cancellable: bool = True

    @property
    def live(self) -> bool:
        """Whether it has not ended."""
        return self.state not in TERMINAL


class JobList(QObject):
    """Registry of jobs, newest last.

    Signals
    -------
    job_changed : JobInfo
        A job was added, moved on or ended.
    """

    job_changed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs: dict[str, JobInfo] = {}
        self._cancel: dict[str, Callable[[], None]] = {}

    @property
    def jobs(self) -> tuple[JobInfo, ...]:
        """All jobs, oldest first."""
        return tuple(self._jobs.values())

    @property
    def running(self) -> tuple[JobInfo, ...]:
        """Jobs that have not ended."""
        return tuple(job for job in self._jobs.values() if job.live)

    def add(self, job_id: str, title: str, cancel: Callable[[], None] | None = None) -> None:
        """Register a job; ``cancel`` is called on the GUI thread when the user says so."""
        now = datetime.now().astimezone()
        job = JobInfo(job_id, title, started=now, cancellable=cancel is not None)
        self._jobs[job_id] = job
        if cancel is not None:
            self._cancel[job_id] = cancel
        self.job_changed.emit(job)

    def update(self, job_id: str, **values: object) -> None:
        """Change fields of a job (see `JobInfo`)."""
        job = replace(self._jobs[job_id], **values)  # type: ignore[arg-type]
        if not job.live and job.ended is None:
            job = replace(job, ended=datetime.now().astimezone())
            self._cancel.pop(job_id, None)
        self._jobs[job_id] = job
        self.job_changed.emit(job)

    def cancel(self, job_id: str) -> None:
        """Ask a job to stop; does nothing when it has ended or cannot be stopped."""
        if cancel := self._cancel.get(job_id):
            cancel()
