"""A job that is listed only when it takes long enough to be seen."""

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Slot

from medbench.base.ids import new_id
from medbench.jobs.states import JobState
from medbench.session.job_list import JobList

LISTED_AFTER_MS = 500


class LateJob(QObject):
    """One at a time: `begin`, `progress`, `end`."""

    def __init__(self, jobs: JobList, prefix: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._prefix = prefix
        self._job = ""
        self._title = ""
        self._cancel: Callable[[], None] | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(LISTED_AFTER_MS)
        self._timer.timeout.connect(self._list)

    def begin(self, title: str, cancel: Callable[[], None]) -> None:
        """Work has begun; ``cancel`` is called on the GUI thread when the user says stop."""
        self._title, self._cancel, self._job = title, cancel, ""
        self._timer.start()

    @Slot()
    def _list(self) -> None:
        self._job = new_id(self._prefix)
        self._jobs.add(self._job, self._title, self._cancel)
        self._jobs.update(self._job, state=JobState.RUNNING)

    def progress(self, fraction: float, text: str) -> None:
        """It moved on."""
        if self._job:
            self._jobs.update(self._job, fraction=fraction, place=text)

    def end(self, state: JobState, reason: str = "") -> None:
        """It is over."""
        self._timer.stop()
        if self._job:
            job, self._job = self._job, ""
            self._jobs.update(job, state=state, reason=reason)

    def close(self) -> None:
        """The program ends."""
        self._timer.stop()
