"""Files that go out: written in a worker, listed as jobs, told when they are there."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from medbench.base.ids import new_id
from medbench.jobs.states import JobState
from medbench.session.job_list import JobList
from medbench.session.messages import Messages
from medbench.session.ports import Handle, Runner

Answer = Callable[[Any], None]


class Exporter(QObject):
    """Writes one thing after the other.

    Signals
    -------
    saved : Path
        A file (or folder) is there.
    failed : str
        It is not, and why; '' = it was cancelled.
    """

    saved = Signal(object)
    failed = Signal(str)

    def __init__(
        self, runner: Runner, jobs: JobList, messages: Messages, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._runner = runner
        self._jobs = jobs
        self._messages = messages
        self._tickets: dict[str, int] = {}

    @property
    def busy(self) -> bool:
        """Whether something is being written."""
        return bool(self._tickets)

    def save(
        self, title: str, target: Path, work: Callable[[Handle], Any], note: Answer | None = None
    ) -> None:
        """Let ``work`` write ``target``; ``title`` is the job's, ``note`` hears its answer."""
        job = new_id("export")

        def done(answer: Any) -> None:
            self._end(job, JobState.FINISHED)
            words = self.tr("Saved {0} in {1}").format(target.name, target.parent)
            self._messages.success(words)
            if note is not None:
                note(answer)
            self.saved.emit(target)

        self._run(job, title, work, done, self.tr("{0} was not saved").format(target.name))

    def read(self, title: str, work: Callable[[Handle], Any], done: Answer, words: str) -> None:
        """Read something in; ``words`` say that it failed."""
        job = new_id("import")

        def answered(answer: Any) -> None:
            self._end(job, JobState.FINISHED)
            done(answer)

        self._run(job, title, work, answered, words)

    def _run(
        self, job: str, title: str, work: Callable[[Handle], Any], done: Answer, words: str
    ) -> None:
        def failed(sentence: str) -> None:
            if job not in self._tickets:  # cancelled, and told already
                return
            state = JobState.FAILED if sentence else JobState.CANCELLED
            self._end(job, state, sentence)
            if sentence:
                self._messages.error(words, sentence)
            self.failed.emit(sentence)

        def progress(fraction: float, text: str) -> None:
            self._jobs.update(job, fraction=fraction, place=text)

        self._jobs.add(job, title, self._canceller(job))
        self._jobs.update(job, state=JobState.RUNNING)
        self._tickets[job] = self._runner.run(job, work, done, failed, progress=progress)

    def _canceller(self, job: str) -> Callable[[], None]:
        def cancel() -> None:
            if (ticket := self._tickets.get(job)) is not None:
                self._runner.cancel(ticket)
                self._end(job, JobState.CANCELLED)
                self.failed.emit("")

        return cancel

    def _end(self, job: str, state: JobState, reason: str = "") -> None:
        self._tickets.pop(job, None)
        fraction = 1.0 if state is JobState.FINISHED else None
        self._jobs.update(job, state=state, reason=reason, fraction=fraction)
