"""The workspace's cohorts: built, split, checked, chosen."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from medbench.base.errors import MedbenchError
from medbench.base.ids import new_id, slugify
from medbench.cohorts.build import build_cohort
from medbench.cohorts.checks import blocking, run_checks
from medbench.cohorts.collect import LabelledFrame, add_labelled
from medbench.cohorts.reading import CaseReader
from medbench.cohorts.split import override, resolve_duplicates, split_by_patient
from medbench.cohorts.store import read_cohort, read_split, write_split
from medbench.domain.cohort import Case, CheckResult, Cohort, Split, Task
from medbench.imaging.resize import thumbnail
from medbench.jobs.states import JobState
from medbench.session.job_list import JobList
from medbench.session.messages import Messages
from medbench.session.ports import Handle, Runner


@dataclass(frozen=True)
class CohortRecord:
    """A cohort with its split and the results of its checks."""

    folder: Path
    cohort: Cohort
    split: Split | None
    checks: tuple[CheckResult, ...]

    @property
    def blocked(self) -> list[CheckResult]:
        """Checks that stand in the way of training."""
        return blocking(self.checks)


@dataclass(frozen=True)
class BuildRequest:
    """What the user wants a cohort made of."""

    source: Path
    task: Task
    label: str | None = None
    positive: tuple[str, ...] = ()
    patient: str | None = None
    name: str = ""


def read_record(folder: Path) -> CohortRecord:
    """Read a cohort folder and run its checks."""
    cohort = read_cohort(folder)
    split = read_split(folder, cohort)
    return CohortRecord(folder, cohort, split, run_checks(cohort, split, folder))


class CohortShelf(QObject):
    """Cohorts of the workspace.

    Signals
    -------
    changed
        The list is another one.
    selected_changed : CohortRecord or None
        Another cohort is chosen, or the chosen one changed.
    thumbnail_ready : str, object
        Case id, uint8 picture or None.
    """

    changed = Signal()
    selected_changed = Signal(object)
    thumbnail_ready = Signal(str, object)

    def __init__(
        self, root: Path, runner: Runner, thumbnails: Runner, messages: Messages, jobs: JobList,
        parent: QObject | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._root = root
        self._runner = runner
        self._thumbnails = thumbnails
        self._messages = messages
        self._jobs = jobs
        self._records: dict[str, CohortRecord] = {}
        self._selected = ""

    @property
    def root(self) -> Path:
        """Folder that holds the cohorts."""
        return self._root

    @property
    def records(self) -> tuple[CohortRecord, ...]:
        """Cohorts by name."""
        return tuple(self._records[key] for key in sorted(self._records))

    @property
    def selected(self) -> CohortRecord | None:
        """The chosen cohort."""
        return self._records.get(self._selected)

    def select(self, name: str) -> None:
        """Choose a cohort by its folder's name."""
        if name in self._records and name != self._selected:
            self._selected = name
            self.selected_changed.emit(self.selected)

    def refresh(self) -> None:
        """Read the list from the disk."""

        def work(handle: Handle) -> tuple[dict[str, CohortRecord], list[str]]:
            found, broken = {}, []
            for file in sorted(self._root.glob("*/cohort.json")):
                try:
                    found[file.parent.name] = read_record(file.parent)
                except MedbenchError as error:
                    broken.append(str(error))
            return found, broken

        self._runner.run("cohorts", work, self._listed, self._messages.error, newest=True)

    def _listed(self, answer: tuple[dict[str, CohortRecord], list[str]]) -> None:
        self._records, broken = answer
        for sentence in broken:
            self._messages.error(sentence)
        if self._selected not in self._records:
            self._selected = next(iter(sorted(self._records)), "")
        self.changed.emit()
        self.selected_changed.emit(self.selected)

    def build(self, request: BuildRequest, then: Callable[[str], None] | None = None) -> None:
        """Build a cohort, split it by patient if its source has no split, and choose it."""
        name = slugify(request.name or request.source.stem, "cohort")
        number = 2
        folder = self._root / name
        while folder.exists():
            folder = self._root / f"{name}-{number}"
            number += 1
        job_id = new_id("cohort")
        tickets: list[int] = []

        def work(handle: Handle) -> CohortRecord:
            cohort = build_cohort(
                request.source, task=request.task, out=folder, label=request.label,
                positive=request.positive, patient=request.patient, name=folder.name,
                on_progress=handle.progress, cancelled=handle.cancelled,
            )  # fmt: skip
            if read_split(folder, cohort) is None and len(cohort.classes) > 1:
                write_split(folder, split_by_patient(cohort))
            return read_record(folder)

        def done(record: CohortRecord) -> None:
            self._jobs.update(job_id, state=JobState.FINISHED, fraction=1.0)
            self._put(record, select=True)
            words = self.tr("Cohort {0}: {1} cases").format(
                record.cohort.name, len(record.cohort.cases)
            )
            self._messages.success(words)
            if then is not None:
                then(record.folder.name)

        def failed(sentence: str) -> None:
            state = JobState.FAILED if sentence else JobState.CANCELLED
            self._jobs.update(job_id, state=state, reason=sentence)
            if sentence:
                self._messages.error(sentence)

        def progress(fraction: float, text: str) -> None:
            self._jobs.update(job_id, fraction=fraction, place=text)

        def cancel() -> None:
            self._runner.cancel(tickets[0])

        self._jobs.add(job_id, self.tr("Build cohort {0}").format(folder.name), cancel)
        self._jobs.update(job_id, state=JobState.RUNNING)
        tickets.append(self._runner.run(job_id, work, done, failed, progress=progress))

    def split_again(self, val: float, test: float, seed: int) -> None:
        """Split the chosen cohort by patient."""

        def change(folder: Path) -> None:
            cohort = read_cohort(folder)
            write_split(folder, split_by_patient(cohort, val=val, test=test, seed=seed))

        self._change(change, self.tr("Split by patient, seed {0}").format(seed))

    def resolve_duplicates(self) -> None:
        """Take exact duplicates out of the training part."""
        self._change(resolve_duplicates, self.tr("Duplicates taken out of the training part"))

    def override(self, check: str, reason: str, who: str) -> None:
        """Knowingly accept a failed check."""

        def change(folder: Path) -> None:
            override(folder, check, reason, who)

        self._change(change, self.tr("Check overridden: {0}").format(check))

    def _change(self, change: Callable[[Path], Any], words: str) -> None:
        record = self.selected
        if record is None:
            return

        def work(handle: Handle) -> CohortRecord:
            change(record.folder)
            return read_record(record.folder)

        def done(changed: CohortRecord) -> None:
            self._put(changed, select=False)
            self._messages.success(words)

        self._runner.run("change", work, done, self._messages.error)

    def _put(self, record: CohortRecord, *, select: bool) -> None:
        self._records[record.folder.name] = record
        if select:
            self._selected = record.folder.name
        self.changed.emit()
        if self._selected == record.folder.name:
            self.selected_changed.emit(record)

    def add_frame(self, name: str, frame: LabelledFrame) -> None:
        """Add the open image to a cohort, which is made if there is none of that name."""

        def work(handle: Handle) -> CohortRecord:
            add_labelled(self._root / name, frame)
            return read_record(self._root / name)

        def done(record: CohortRecord) -> None:
            self._put(record, select=False)
            self._messages.success(
                self.tr("Added to {0} as {1}").format(record.cohort.name, frame.label)
            )

        self._runner.run("add", work, done, self._messages.error)

    def request_thumbnail(self, record: CohortRecord, case: Case, size: int = 72) -> None:
        """Thumbnail of an image case; answers with `thumbnail_ready`."""

        def work(handle: Handle) -> Any:
            from medbench.imaging.window import apply_voi, auto_window

            picture = CaseReader(record.cohort, record.folder).image(case)
            if picture.ndim == 2:
                grey = apply_voi(picture, auto_window(picture))
            else:
                grey = picture.clip(0, 255).astype("uint8")
            return thumbnail(grey, size, size)

        def done(picture: Any) -> None:
            self.thumbnail_ready.emit(case.case_id, picture)

        def failed(_sentence: str) -> None:
            self.thumbnail_ready.emit(case.case_id, None)

        self._thumbnails.run(f"case {case.case_id}", work, done, failed)
