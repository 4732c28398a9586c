"""Earlier studies beside the current one: which, how they lie to it, and whether that is used."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from medbench.base.ids import new_id
from medbench.dicom.decoding.pool import DecoderPool
from medbench.domain.alignment import Alignment, AlignmentQuality, AlignmentSpace, PriorLink
from medbench.domain.image import DisplaySet, Study
from medbench.domain.prior_match import PriorOffer, offers, study_day
from medbench.jobs.states import JobState
from medbench.session.job_list import JobList
from medbench.session.library import Library, display_key
from medbench.session.operations.aligning import align, alignable, pair_fingerprint
from medbench.session.ports import Handle, Runner
from medbench.session.reading_book import ReadingBook

Matrix = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Aligning:
    """A registration that runs."""

    current: DisplaySet
    prior: DisplaySet
    fraction: float = 0.0


class Priors(QObject):
    """Offers priors, registers them in a worker, remembers the transforms with the study.

    Signals
    -------
    changed
        Offers, links or the switch of one of them changed.
    aligning_changed
        A registration began, moved on or ended.
    aligned : PriorLink
        A registration has ended well.
    failed : DisplaySet, DisplaySet, str
        A prior (current, prior) cannot be aligned, and why; '' when it was stopped.
    """

    changed = Signal()
    aligning_changed = Signal()
    aligned = Signal(object)
    failed = Signal(object, object, str)

    def __init__(
        self, runner: Runner, library: Library, readings: ReadingBook, pool: DecoderPool,
        jobs: JobList, parent: QObject | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._runner = runner
        self._library = library
        self._readings = readings
        self._pool = pool
        self._jobs = jobs
        self._links: dict[tuple[str, str], PriorLink] = {}
        self._frames: dict[str, str] = {}
        self._flat: set[str] = set()
        """Keys of pictures without a place in the patient."""
        self._found: dict[tuple[str, str, AlignmentSpace], Matrix | None] = {}
        self._offers: dict[str, tuple[PriorOffer, ...]] = {}
        self.aligning: Aligning | None = None
        self._job_id = ""
        self._ticket = 0
        library.changed.connect(self._studies_changed)
        readings.changed.connect(self._records_changed)

    # offers

    def offers(self, display: DisplaySet) -> tuple[PriorOffer, ...]:
        """Displays of earlier studies of the patient, the first one is to be offered."""
        key = display_key(display)
        if key not in self._offers:
            study = self.study_of(display)
            found = () if study is None else offers(display, study, self._library.studies)
            self._offers[key] = found
        return self._offers[key]

    def study_of(self, display: DisplaySet) -> Study | None:
        """The open study a display belongs to."""
        uid = display.study_instance_uid
        return next((s for s in self._library.studies if s.study_instance_uid == uid), None)

    # alignment

    def link(self, current_key: str, prior_key: str) -> PriorLink | None:
        """What is known of a pair, in this direction."""
        return self._links.get((current_key, prior_key))

    def transform_mm(self, source_key: str, target_key: str) -> Matrix | None:
        """4 x 4 from points of one display to those of another (LPS mm); None when not aligned.

        Works in both directions, and for other displays of the same two frames of reference: what
        was found for one series of a study holds for all that lie in its frame.
        """
        return self._transform(source_key, target_key, AlignmentSpace.PATIENT)

    def transform(self, source_key: str, target_key: str) -> Matrix | None:
        """As `transform_mm`; for two radiographs in the space of `AlignmentSpace.PICTURE`."""
        flat = source_key in self._flat and target_key in self._flat
        space = AlignmentSpace.PICTURE if flat else AlignmentSpace.PATIENT
        return self._transform(source_key, target_key, space)

    def _transform(self, source: str, target: str, space: AlignmentSpace) -> Matrix | None:
        triple = (source, target, space)
        if triple not in self._found:
            self._found[triple] = self._search(*triple)
        return self._found[triple]

    def _search(self, source: str, target: str, space: AlignmentSpace) -> Matrix | None:
        frames = (self._frames.get(source, ""), self._frames.get(target, ""))
        exact = [(source, target), (target, source)]
        for link in [*(self._links[k] for k in exact if k in self._links), *self._links.values()]:
            alignment = link.alignment
            if not link.applied or alignment.space is not space:
                continue
            known = (link.current_key, link.prior_key)
            if known == (source, target) or (all(frames) and link.frames == frames):
                return alignment.array
            if known == (target, source) or (all(frames) and link.frames == frames[::-1]):
                return np.asarray(np.linalg.inv(alignment.array))
        return None

    def align(self, current: DisplaySet, prior: DisplaySet, *, again: bool = False) -> bool:
        """Register a prior in the worker; False where it is known already or cannot be.

        A newer request stops an older one. What is stored for the same geometries is taken.
        """
        pair = (display_key(current), display_key(prior))
        known = self._links.get(pair)
        print_now = pair_fingerprint(current, prior)
        if known is not None and known.fingerprint == print_now and not again:
            return False
        if not alignable(current) or not alignable(prior):
            return False
        if current.reformattable != prior.reformattable:
            return False
        if not current.reformattable and (current.geometry or prior.geometry) is not None:
            return False  # a single slice lies in the patient: turning it in its plane says nothing
        running = self.aligning
        if running is not None:
            if (display_key(running.current), display_key(running.prior)) == pair:
                return True
            self.cancel()
        self._begin(current, prior, print_now)
        return True

    def _begin(self, current: DisplaySet, prior: DisplaySet, fingerprint: str) -> None:
        volumes = self._library.kept(current), self._library.kept(prior)
        job_id = self._job_id = new_id("align")
        study = self.study_of(prior)
        day = study_day(study) if study is not None else None
        self._jobs.add(
            job_id,
            self.tr("Align the prior of {0}").format(day.isoformat() if day else "?"),
            self.cancel,
        )
        self._jobs.update(job_id, state=JobState.RUNNING, fraction=0.0)
        self.aligning = Aligning(current, prior)

        def work(handle: Handle) -> Alignment:
            return align(
                current, prior, pool=self._pool, volumes=volumes, cancelled=handle.cancelled,
                progress=handle.progress, threads=max(1, (os.cpu_count() or 2) - 1),
            )  # fmt: skip

        def done(found: Alignment) -> None:
            self._ended(job_id, JobState.FINISHED, "")
            self._keep(current, prior, found, fingerprint)

        def failed(sentence: str) -> None:
            state = JobState.FAILED if sentence else JobState.CANCELLED
            mine = self._ended(job_id, state, sentence)
            if mine or sentence:
                self.failed.emit(current, prior, sentence)

        def progress(fraction: float, _words: str) -> None:
            if self._job_id == job_id and self.aligning is not None:
                self.aligning = replace(self.aligning, fraction=fraction)
                self._jobs.update(job_id, fraction=fraction)
                self.aligning_changed.emit()

        self._ticket = self._runner.run(
            "align prior", work, done, failed, progress=progress, newest=True
        )
        self.aligning_changed.emit()

    def _ended(self, job_id: str, state: JobState, reason: str) -> bool:
        """Close a job; True where it is the one that is shown as running."""
        self._jobs.update(job_id, state=state, reason=reason)
        if job_id != self._job_id:
            return False
        self._job_id, self.aligning = "", None
        self.aligning_changed.emit()
        return True

    def cancel(self) -> None:
        """Stop the registration that runs."""
        if self.aligning is not None:
            self._runner.cancel(self._ticket)

    def _keep(
        self, current: DisplaySet, prior: DisplaySet, found: Alignment, fingerprint: str
    ) -> None:
        link = PriorLink(
            display_key(current), display_key(prior), current.study_instance_uid, found,
            fingerprint, found.quality is not AlignmentQuality.POOR,
            (_frame_of(current), _frame_of(prior)),
        )  # fmt: skip
        self._readings.store(link)
        self.aligned.emit(link)

    def set_applied(self, link: PriorLink, *, applied: bool) -> None:
        """Follow an alignment, or not."""
        self._readings.store(replace(link, applied=applied))

    # what changed

    @Slot()
    def _studies_changed(self) -> None:
        self._offers.clear()
        displays = {display_key(d): d for d in _displays(self._library.studies)}
        self._frames = {key: _frame_of(d) for key, d in displays.items()}
        self._flat = {key for key, d in displays.items() if d.geometry is None}
        self._found.clear()
        if self.aligning is not None and display_key(self.aligning.prior) not in self._frames:
            self.cancel()
        self.changed.emit()

    @Slot(str)
    def _records_changed(self, kind: str) -> None:
        if kind == PriorLink.stored_as:
            links = self._readings.of(PriorLink)
            self._links = {(link.current_key, link.prior_key): link for link in links}
            self._found.clear()
            self.changed.emit()


def _frame_of(display: DisplaySet) -> str:
    return "" if display.geometry is None else display.geometry.frame_of_reference_uid


def _displays(studies: Iterable[Study]) -> Iterable[DisplaySet]:
    return (d for study in studies for series in study.series for d in series.displays)
