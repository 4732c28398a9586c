"""Segmentations that readers draw: label maps in memory and on disk, every edit undoable."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from medbench.base.errors import BadInputError
from medbench.base.ids import new_id, now_iso
from medbench.domain.geometry import Geometry
from medbench.domain.image import DisplaySet
from medbench.domain.segment_edit import (
    SEGMENT_COLOURS,
    EditedSegment,
    EditedSegmentation,
    SegmentMethod,
    SegmentState,
    grid_of_display,
)
from medbench.imaging.segment_brush import Brush, LabelGrid
from medbench.imaging.segment_delta import Box, LabelDelta, Labels, erase_delta
from medbench.imaging.segment_edit import EditRules, Stroke, writable_labels
from medbench.session.history import Step
from medbench.session.library import display_key
from medbench.session.messages import Messages
from medbench.session.ports import Runner
from medbench.session.reading_book import ReadingBook
from medbench.session.segment_counter import SegmentCounter
from medbench.session.segment_files import SegmentFiles


@dataclass(frozen=True, eq=False)
class SegmentSnapshot:
    """A segmentation as it was at one moment, for export: nothing in it changes any more."""

    segmentation: EditedSegmentation
    labels: Labels
    """(z, y, x) on ``geometry``."""
    geometry: Geometry
    segments: tuple[EditedSegment, ...]
    reference_display_key: str
    """The display it was drawn on (`session.library.display_key`)."""


class SegmentBook(QObject):
    """Label maps of the open studies.

    Signals
    -------
    changed
        Segmentations or segments were added, removed, renamed, or look different.
    opened : str
        The voxels of a segmentation are there.
    edited : str, Box
        Voxels of a segmentation changed inside a box.
    """

    changed = Signal()
    opened = Signal(str)
    edited = Signal(str, object)

    def __init__(
        self, workspace: Path, readings: ReadingBook, runner: Runner, saver: Runner,
        comparer: Runner, messages: Messages, parent: QObject | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self.readings = readings
        self.runner = runner
        self.comparer = comparer
        """For what may take long and must not hold up edits."""
        self._messages = messages
        self.files = SegmentFiles(workspace, saver, messages, self)
        self.counter = SegmentCounter(runner, self)
        self._labels: dict[str, Labels] = {}
        self._grids: dict[str, LabelGrid] = {}
        self._opening: set[str] = set()
        self.revision: dict[str, int] = {}
        """Counts the edits of each label map."""
        self._stroke: tuple[str, Stroke, str] | None = None
        readings.changed.connect(self._records_changed)

    # what there is

    def of(self, study_instance_uid: str) -> tuple[EditedSegmentation, ...]:
        """Segmentations of a study, in the order they were made."""
        return self.readings.of(EditedSegmentation, study_instance_uid)

    def get(self, segmentation_id: str) -> EditedSegmentation | None:
        """One segmentation."""
        return self.readings.get(EditedSegmentation, segmentation_id)

    def labels(self, segmentation_id: str) -> Labels | None:
        """Its label map (z, y, x), to look at; None while it is not read (`open`)."""
        return self._labels.get(segmentation_id)

    def grid(self, segmentation_id: str) -> LabelGrid | None:
        """Where its voxels lie; None while it is not read."""
        return self._grids.get(segmentation_id)

    def snapshot(self, segmentation_id: str) -> SegmentSnapshot:
        """Copy for an export; call `open` before, and wait for `opened`.

        Raises
        ------
        BadInputError
            There is no such segmentation, or it is not read yet.
        """
        found, labels = self.get(segmentation_id), self._labels.get(segmentation_id)
        if found is None or labels is None:
            raise BadInputError("The segmentation is not open: choose it in the Segments tab.")
        return SegmentSnapshot(
            found, labels.copy(), found.geometry, found.segments, found.display_key
        )

    def open(self, segmentation_id: str) -> None:
        """Read the voxels, unless they are there or on their way; answers with `opened`."""
        found = self.get(segmentation_id)
        if found is None or segmentation_id in self._labels or segmentation_id in self._opening:
            return
        self._opening.add(segmentation_id)

        def done(labels: Labels) -> None:
            self._opening.discard(segmentation_id)
            self._keep(found, labels)
            self.opened.emit(segmentation_id)

        def failed(sentence: str) -> None:
            self._opening.discard(segmentation_id)
            if sentence:
                words = self.tr("{0} cannot be opened").format(found.title)
                self._messages.error(words, sentence)

        self.files.read(self.runner, segmentation_id, found.shape, done, failed)

    def _keep(self, segmentation: EditedSegmentation, labels: Labels) -> None:
        key = segmentation.segmentation_id
        self._labels[key] = labels
        self._grids[key] = LabelGrid(segmentation.geometry)
        self.revision.setdefault(key, 0)
        self.counter.open(segmentation, labels)

    @Slot(str)
    def _records_changed(self, kind: str) -> None:
        if kind == EditedSegmentation.stored_as:
            self.changed.emit()

    # segmentations and segments

    def create(
        self, display: DisplaySet, title: str, reader: str, *, labels: Labels | None = None,
        segments: tuple[EditedSegment, ...] = (), source: str = "",
        calibrated_mm: tuple[float, float] | None = None,
    ) -> EditedSegmentation:  # fmt: skip
        """A new segmentation on the grid of a display, empty or with labels, as one step."""
        geometry, placed, mm_known = grid_of_display(display, calibrated_mm)
        made = EditedSegmentation(
            new_id("seg"), title, display.study_instance_uid, display.series_instance_uid,
            display_key(display), geometry, placed, mm_known, segments, reader, source, now_iso(),
        )  # fmt: skip
        filled = labels is not None
        self._keep(made, labels if labels is not None else np.zeros(geometry.shape, np.uint8))
        self.readings.put(made, self.tr("New segmentation"))
        if filled:
            self.files.mark(
                made.segmentation_id, self._labels[made.segmentation_id],
                frozenset(range(geometry.shape[0])),
            )  # fmt: skip
        self.opened.emit(made.segmentation_id)
        return made

    def change(self, segmentation: EditedSegmentation, words: str) -> None:
        """Replace title, names, colours, locks ..., as one step."""
        self.readings.put(segmentation, words)

    def look(self, segmentation: EditedSegmentation) -> None:
        """Replace what is no edit (what is shown): kept, but nothing to undo."""
        self.readings.store(segmentation)

    def remove(self, segmentation_id: str) -> None:
        """Remove a segmentation with its voxels, as one step."""
        found = self.get(segmentation_id)
        if found is None:
            return
        words = self.tr("Delete segmentation")
        with self.readings.together(words):
            self._erase(found, None, words)
            self.readings.remove(found, words)

    def add_segment(self, segmentation_id: str, label: str = "") -> int | None:
        """Add an empty segment; its number, or None when all 255 are taken."""
        found = self.get(segmentation_id)
        number = found.free_number() if found is not None else None
        if found is None or number is None:
            return None
        colour = SEGMENT_COLOURS[(number - 1) % len(SEGMENT_COLOURS)]
        name = label or self.tr("Segment {0}").format(number)
        segment = EditedSegment(number, name, colour)
        self.change(found.with_segment(segment), self.tr("New segment"))
        return number

    def change_segment(self, segmentation_id: str, number: int, words: str, **values: Any) -> None:
        """Replace fields of a segment, as one step."""
        found = self.get(segmentation_id)
        if found is not None:
            self.change(found.changed_segment(number, **values), words)

    def remove_segment(self, segmentation_id: str, number: int) -> None:
        """Remove a segment with its voxels, as one step."""
        found = self.get(segmentation_id)
        if found is not None and found.segment(number) is not None:
            words = self.tr("Delete segment")
            with self.readings.together(words):
                self._erase(found, number, words)
                self.change(found.without_segment(number), words)

    def erase_segment(self, segmentation_id: str, number: int) -> None:
        """Empty a segment, as one step; locked ones stay."""
        found = self.get(segmentation_id)
        segment = found.segment(number) if found is not None else None
        if found is not None and segment is not None and not segment.locked:
            self._erase(found, number, self.tr("Erase segment"))

    def _erase(self, segmentation: EditedSegmentation, number: int | None, words: str) -> None:
        key = segmentation.segmentation_id
        labels = self._labels.get(key)
        if labels is None:
            return
        numbers = [s.number for s in segmentation.segments] if number is None else [number]
        boxes = {n: box for n in numbers if (box := self.extent_box(key, n)) is not None}
        delta = erase_delta(labels, boxes)
        if delta is not None:
            self.apply(key, delta, words)

    def extent_box(self, segmentation_id: str, number: int) -> Box | None:
        """A box around a segment; slices that are not counted yet belong to it whole."""
        pending = self.counter.pending(segmentation_id)
        low, high = [], []
        for axis in range(3):
            line = self.counter.extent(segmentation_id, number, axis)
            assert line is not None
            if axis == 0:
                line[list(pending)] = True
            elif pending:
                line[:] = True
            at = np.flatnonzero(line)
            if not len(at):
                return None
            low.append(int(at[0]))
            high.append(int(at[-1]) + 1)
        return Box((low[0], low[1], low[2]), (high[0], high[1], high[2]))

    # edits

    def rules(
        self, segmentation_id: str, number: int, *, erase: bool = False, over: bool = True,
        values: Any = None, keep: tuple[float, float] | None = None,
        only: tuple[Labels, int] | None = None,
    ) -> EditRules:  # fmt: skip
        """What painting with a segment may change now: its locks and limits."""
        found = self.get(segmentation_id)
        locked = [s.number for s in found.segments if s.locked] if found is not None else []
        writable = writable_labels(locked, number=number, erase=erase, over=over)
        return EditRules(0 if erase else number, writable, values, keep, only)

    @property
    def stroking(self) -> bool:
        """Whether a stroke is being painted."""
        return self._stroke is not None

    def begin_stroke(self, segmentation_id: str, words: str) -> None:
        """The brush touches the picture."""
        self.end_stroke(0)
        labels, grid = self._labels[segmentation_id], self._grids[segmentation_id]
        self._stroke = (segmentation_id, Stroke(labels, grid), words)

    def dab(self, brush: Brush, rules: EditRules) -> None:
        """The brush moves on; tells with `edited` what changed."""
        if self._stroke is None:
            return
        key, stroke, _ = self._stroke
        box = stroke.dab(brush, rules)
        if box is not None:
            self.edited.emit(key, box)

    def end_stroke(self, number: int, method: SegmentMethod = SegmentMethod.BRUSH) -> None:
        """The brush lifts: one step to undo, saved at once. Does nothing without a stroke."""
        if self._stroke is None:
            return
        (key, stroke, words), self._stroke = self._stroke, None
        delta = stroke.finish()
        if delta is not None:
            with self.readings.together(words):
                self.note_method(key, number, method, words)
                self._remember(key, delta, words)
            self._touched(key, delta)

    def drop_stroke(self) -> None:
        """Take back what the running stroke painted."""
        if self._stroke is None:
            return
        (key, stroke, _), self._stroke = self._stroke, None
        box = stroke.drop()
        if box is not None:
            self.edited.emit(key, box)

    def apply(self, segmentation_id: str, delta: LabelDelta, words: str) -> None:
        """Do an edit that was prepared, as one step; at most 20 ms for a whole volume."""
        delta.apply(self._labels[segmentation_id])
        self._remember(segmentation_id, delta, words)
        self._touched(segmentation_id, delta)
        self.edited.emit(segmentation_id, delta.box)

    def note_method(
        self, segmentation_id: str, number: int, method: SegmentMethod, words: str
    ) -> None:
        """Remember how a segment was made; one that was reviewed is being edited again."""
        found = self.get(segmentation_id)
        segment = found.segment(number) if found is not None else None
        if found is None or segment is None:
            return
        methods = segment.methods if method in segment.methods else (*segment.methods, method)
        changed = replace(segment, methods=methods, state=SegmentState.EDITING)
        if changed != segment:
            self.change(found.with_segment(changed), words)

    def _remember(self, segmentation_id: str, delta: LabelDelta, words: str) -> None:
        def turn() -> None:
            labels = self._labels.get(segmentation_id)
            self.drop_stroke()  # its patches would not fit to what lies below them then
            if labels is not None:
                delta.apply(labels)
                self._touched(segmentation_id, delta)
                self.edited.emit(segmentation_id, delta.box)

        self.readings.history.push(Step(words, turn, turn, delta.bytes_held))

    def _touched(self, segmentation_id: str, delta: LabelDelta) -> None:
        self.revision[segmentation_id] = self.revision.get(segmentation_id, 0) + 1
        self.files.mark(segmentation_id, self._labels[segmentation_id], delta.slices)
        self.counter.mark(segmentation_id, delta.slices)

    def close(self) -> None:
        """Write the rest, after the workers have ended; the program ends."""
        if self._stroke is not None:
            self.end_stroke(0)
        self.counter.close()
        self.files.close()
