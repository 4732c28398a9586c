"""What is known of the waveform that is shown: its beats and numbers, and the reader's marks."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal, Slot

from medbench.domain.ecg_marks import EcgMark, EcgMarkKind, EcgValue, Fiducials, Place
from medbench.domain.image import DisplaySet
from medbench.domain.objects import Waveform
from medbench.imaging.ecg_beats import beats_between, pieces
from medbench.imaging.ecg_intervals import EcgAnalysis, finish, leads_of, values_of
from medbench.jobs.states import JobState
from medbench.session.library import display_key
from medbench.session.ports import Handle
from medbench.session.session import Session


def now() -> str:
    """ISO 8601, UTC, seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass
class _Run:
    """A record that is being measured."""

    waveform: Waveform
    leads: tuple[int, ...]
    left: list[tuple[int, int]]
    parts: list[NDArray[np.int64]] = field(default_factory=list)


class EcgDesk(QObject):
    """Measures in a worker; keeps marks in the reading book, each change one step to undo.

    Signals
    -------
    measured
        Beats and numbers of the shown group are there, or it holds none.
    marks_changed
        Marks, or points of the median beat, are others.
    """

    measured = Signal()
    marks_changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self._book = session.readings
        self.waveform: Waveform | None = None
        self.analysis: EcgAnalysis | None = None
        self.busy = False
        self._study, self._key, self._group = "", "", 0
        self._dragged: Fiducials | None = None
        self.share = 0.0
        """How much of a long record was searched."""
        self._run: _Run | None = None
        self._job = ""
        session.readings.changed.connect(self._changed)

    def show(self, display: DisplaySet, group: int, waveform: Waveform) -> None:
        """Another group of channels."""
        self.waveform, self.analysis = waveform, None
        self._study, self._key, self._group = (
            display.study_instance_uid, display_key(display), group
        )  # fmt: skip
        self._dragged = None
        self._end_job(JobState.CANCELLED)
        self.busy, self.share = True, 0.0
        self._book.open_studies([self._study])
        leads, total = leads_of(waveform), waveform.samples.shape[1]
        run = _Run(waveform, leads, list(pieces(len(leads), total, waveform.sampling_hz)))
        self._run = run
        if len(run.left) > 1:  # a long record: seen and stopped on the Jobs page
            self._job = f"ecg-{uuid4().hex}"
            self.session.jobs.add(self._job, self.tr("Measure ECG"), self.stop)
            self.session.jobs.update(self._job, state=JobState.RUNNING, fraction=0.0)
        self._next(run)
        self.measured.emit()
        self.marks_changed.emit()

    def _next(self, run: "_Run") -> None:
        """One piece of the record at a time: other work of the lane comes between."""
        waveform, leads, rate = run.waveform, run.leads, run.waveform.sampling_hz
        if run.left:
            first, last = run.left[0]

            def work(handle: Handle) -> object:
                return beats_between(waveform.samples, leads, rate, first, last, handle.cancelled)
        else:

            def work(handle: Handle) -> object:
                return finish(waveform, run.parts, handle.cancelled)

        def done(found: object) -> None:
            if self._run is run:
                self._arrived(run, found)

        def failed(sentence: str) -> None:
            if self._run is run and sentence:
                self.busy, self._run = False, None
                self._end_job(JobState.FAILED, sentence)
                self.session.messages.error(sentence)
                self.measured.emit()

        self.session.objects.compute("ecg", work, done, failed)

    def _arrived(self, run: "_Run", found: object) -> None:
        if isinstance(found, EcgAnalysis):
            self.busy, self.analysis, self._run = False, found, None
            self._end_job(JobState.FINISHED)
            self.measured.emit()
            return
        run.parts.append(np.asarray(found, np.int64))
        run.left.pop(0)
        self.share = len(run.parts) / (len(run.parts) + len(run.left) + 1)
        if self._job:
            self.session.jobs.update(self._job, fraction=self.share)
        self.measured.emit()
        self._next(run)

    def stop(self) -> None:
        """Measure no more of this record."""
        if self.busy:
            self.busy, self._run = False, None
            self._end_job(JobState.CANCELLED)
            self.measured.emit()

    def _end_job(self, state: JobState, reason: str = "") -> None:
        job, self._job = self._job, ""
        if job:
            self.session.jobs.update(job, state=state, reason=reason)

    @Slot(str)
    def _changed(self, kind: str) -> None:
        if kind == EcgMark.stored_as:
            self._dragged = None
            self.marks_changed.emit()

    # marks

    def _mine(self) -> tuple[EcgMark, ...]:
        if self.waveform is None:
            return ()
        return tuple(
            mark for mark in self._book.of(EcgMark, self._study)
            if mark.display_key == self._key and mark.group == self._group
        )  # fmt: skip

    @property
    def marks(self) -> tuple[EcgMark, ...]:
        """Marks on the trace, in the order they were made."""
        return tuple(mark for mark in self._mine() if mark.kind is not EcgMarkKind.BEAT)

    def mark(self, mark_id: str) -> EcgMark | None:
        """One mark."""
        return next((mark for mark in self.marks if mark.mark_id == mark_id), None)

    def made(
        self, kind: EcgMarkKind, lead: str, unit: str, points: tuple[Place, ...], text: str = ""
    ) -> EcgMark:
        """A new mark, not yet kept."""
        when = now()
        return EcgMark(
            uuid4().hex, kind, self._study, self._key, self._group, lead, unit, points, text,
            reader=self.session.settings.value.reader, created=when, changed=when,
        )  # fmt: skip

    def put(self, mark: EcgMark, words: str) -> None:
        """Keep a mark."""
        self._book.put(mark, words)

    def remove(self, mark: EcgMark, words: str) -> None:
        """Take a mark away."""
        self._book.remove(mark, words)

    # the median beat

    def _beat(self) -> EcgMark | None:
        return next((mark for mark in self._mine() if mark.kind is EcgMarkKind.BEAT), None)

    @property
    def points(self) -> Fiducials:
        """Points of the median beat: the reader's, else the measured ones."""
        if self._dragged is not None:
            return self._dragged
        own = self._beat()
        if own is not None:
            return own.beat
        return self.analysis.points if self.analysis is not None else Fiducials()

    @property
    def points_moved(self) -> frozenset[str]:
        """Points (field names) that the reader put elsewhere."""
        if self.analysis is None:
            return frozenset()
        here, there = self.points, self.analysis.points
        return frozenset(
            name for name in ("p_on_s", "qrs_on_s", "j_s", "t_end_s")
            if getattr(here, name) != getattr(there, name)
        )  # fmt: skip

    @property
    def values(self) -> tuple[EcgValue, ...]:
        """The numbers that belong to the points."""
        return () if self.analysis is None else values_of(self.analysis, self.points)

    def drag_point(self, name: str, second: float) -> None:
        """A point is being moved: numbers follow, nothing is kept yet."""
        self._dragged = replace(self.points, **{name: second})
        self.marks_changed.emit()

    def drop_point(self) -> None:
        """Keep what was dragged, as one step."""
        dragged, self._dragged = self._dragged, None
        if dragged is None:
            return
        own = self._beat()
        if own is None:
            own = self.made(EcgMarkKind.BEAT, "", "", ())
        self.put(replace(own, beat=dragged, changed=now()), self.tr("Point of the median beat"))
        self.marks_changed.emit()

    def reset_points(self) -> None:
        """Back to the measured points."""
        own = self._beat()
        if own is not None:
            self.remove(own, self.tr("Measured points"))
