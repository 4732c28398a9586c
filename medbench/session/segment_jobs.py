"""Long edits of segments: computed in a worker, applied as one step, with progress and cancel."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from medbench.domain.segment_edit import SegmentMethod
from medbench.imaging.segment_brush import Mask
from medbench.imaging.segment_delta import Box, LabelDelta, Labels
from medbench.imaging.segment_edit import EditRules, edit_delta, replace_delta
from medbench.jobs.states import JobState
from medbench.session.job_list import JobList
from medbench.session.late_job import LateJob
from medbench.session.messages import Messages
from medbench.session.ports import Handle
from medbench.session.segment_book import SegmentBook

Found = tuple[Box, Mask] | None
MakeMask = Callable[[Labels, Handle], Found]


class SegmentJobs(QObject):
    """One long edit at a time.

    Signals
    -------
    busy_changed : bool
        An edit has begun or ended; nothing else may change the labels meanwhile.
    finished : str, int
        Segmentation and number of voxels that changed.
    """

    busy_changed = Signal(bool)
    finished = Signal(str, int)

    def __init__(
        self, book: SegmentBook, jobs: JobList, messages: Messages, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._book = book
        self._job = LateJob(jobs, "edit", self)
        self._messages = messages
        self._running: object | None = None
        self._ticket = 0

    @property
    def busy(self) -> bool:
        """Whether an edit is on its way."""
        return self._running is not None

    def add(
        self, segmentation_id: str, words: str, method: SegmentMethod, rules: EditRules,
        make: MakeMask, *, noted: int | None = None,
    ) -> bool:  # fmt: skip
        """Give voxels of a mask the label of ``rules``; False while another edit runs.

        ``make`` runs in the worker with the labels, which it must not change. ``noted`` is the
        segment that remembers the method, if not the one of the rules.
        """

        def work(labels: Labels, handle: Handle) -> LabelDelta | None:
            found = make(labels, handle)
            return None if found is None else edit_delta(labels, *found, rules)

        return self._start(segmentation_id, words, method, noted or rules.number, work)

    def replace(
        self, segmentation_id: str, words: str, method: SegmentMethod, rules: EditRules,
        make: MakeMask,
    ) -> bool:  # fmt: skip
        """Make a segment that mask inside its box: it may lose voxels too."""

        def work(labels: Labels, handle: Handle) -> LabelDelta | None:
            found = make(labels, handle)
            return None if found is None else replace_delta(labels, *found, rules)

        return self._start(segmentation_id, words, method, rules.number, work)

    def _start(
        self, segmentation_id: str, words: str, method: SegmentMethod, number: int,
        work: Callable[[Labels, Handle], LabelDelta | None],
    ) -> bool:  # fmt: skip
        labels = self._book.labels(segmentation_id)
        if self.busy or labels is None:
            return False
        if self._book.stroking:
            self._book.end_stroke(number)
        token, revision = object(), self._book.revision[segmentation_id]
        self._running = token
        self._job.begin(words, self.cancel)
        self.busy_changed.emit(True)

        def done(delta: LabelDelta | None) -> None:
            if self._running is not token:
                return
            self._end(JobState.FINISHED)
            if delta is None:
                self._messages.info(self.tr("{0}: nothing to change").format(words))
                return
            if self._book.revision[segmentation_id] != revision:
                self._messages.warning(
                    self.tr("{0} was dropped: the segments were changed meanwhile").format(words)
                )
                return
            with self._book.readings.together(words):
                self._book.note_method(segmentation_id, number, method, words)
                self._book.apply(segmentation_id, delta, words)
            self.finished.emit(segmentation_id, len(delta.changes))

        def failed(sentence: str) -> None:
            if self._running is token:
                self._end(JobState.FAILED if sentence else JobState.CANCELLED, sentence)
                if sentence:
                    self._messages.warning(words, sentence)

        self._ticket = self._book.runner.run(
            f"edit {segmentation_id}", lambda handle: work(labels, handle), done, failed,
            progress=self._job.progress,
        )  # fmt: skip
        return True

    def cancel(self) -> None:
        """Drop the running edit: nothing has been changed."""
        if self.busy:
            self._book.runner.cancel(self._ticket)
            self._end(JobState.CANCELLED)

    def _end(self, state: JobState, reason: str = "") -> None:
        self._running = None
        self._job.end(state, reason)
        self.busy_changed.emit(False)

    def close(self) -> None:
        """The program ends."""
        self._job.close()
