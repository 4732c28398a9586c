"""Volume, mean and SD of every segment, counted in a worker, slice by slice."""

from typing import Any

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal, Slot

from medbench.domain.segment_edit import EditedSegmentation
from medbench.imaging.segment_delta import Labels
from medbench.imaging.segment_statistics import (
    SegmentNumbers,
    SegmentTally,
    SliceTally,
    tally_slice,
)
from medbench.session.ports import Handle, Runner

Padding = tuple[float, float] | None
COUNTED_AFTER_MS = 100
"""First the window shows what changed; counting beside it would make it wait."""


class _Count:
    def __init__(self, segmentation: EditedSegmentation, labels: Labels) -> None:
        geometry = segmentation.geometry
        volumes = None
        if segmentation.placed:
            area = geometry.spacing_mm[1] * geometry.spacing_mm[2]
            volumes = segmentation.slice_extents_mm() * area
        self.labels = labels
        self.tally = SegmentTally(volumes)
        self.stale: set[int] = set()
        self.running = False
        self.taken: set[int] = set()
        """Slices that are being counted."""
        self.values: Any = None
        self.padding: Padding = None


class SegmentCounter(QObject):
    """Keeps the numbers of all open segmentations; only slices that changed are counted again.

    Signals
    -------
    counted : str
        Numbers of a segmentation are up to date again.
    """

    counted = Signal(str)

    def __init__(self, runner: Runner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner = runner
        self._counts: dict[str, _Count] = {}
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(COUNTED_AFTER_MS)
        self._soon.timeout.connect(self._start_all)

    def open(self, segmentation: EditedSegmentation, labels: Labels) -> None:
        """Begin to count a label map."""
        count = _Count(segmentation, labels)
        self._counts[segmentation.segmentation_id] = count
        self._mark(segmentation.segmentation_id, range(labels.shape[0]))

    def set_values(self, segmentation_id: str, values: Any, padding: Padding) -> None:
        """Voxels (z, y, x) on the same grid that mean and SD are taken from; None = none."""
        count = self._counts.get(segmentation_id)
        if count is None or count.values is values:
            return
        count.values, count.padding = values, padding
        self._mark(segmentation_id, list(count.tally.tallies))

    def mark(self, segmentation_id: str, slices: frozenset[int]) -> None:
        """These slices changed."""
        self._mark(segmentation_id, slices)

    def _mark(self, segmentation_id: str, slices: Any) -> None:
        count = self._counts.get(segmentation_id)
        if count is not None:
            count.stale.update(slices)
            if count.stale and not self._soon.isActive():
                self._soon.start()

    @Slot()
    def _start_all(self) -> None:
        for segmentation_id, count in self._counts.items():
            self._start(segmentation_id, count)

    def close(self) -> None:
        """The program ends."""
        self._soon.stop()

    def _start(self, segmentation_id: str, count: _Count) -> None:
        if count.running or not count.stale:
            return
        batch, count.stale = sorted(count.stale), set()
        count.taken = set(batch)
        count.running = True
        labels, values, padding = count.labels, count.values, count.padding

        def work(_handle: Handle) -> list[tuple[int, SliceTally]]:
            flat = values is not None and values.ndim == 3
            return [
                (z, tally_slice(labels[z], values[z] if flat else None, padding)) for z in batch
            ]

        def done(found: list[tuple[int, SliceTally]]) -> None:
            count.running = False
            count.taken = set()
            count.tally.put(found)
            self.counted.emit(segmentation_id)
            self._start(segmentation_id, count)

        def failed(_sentence: str) -> None:
            count.running = False
            count.taken = set()
            count.stale.update(batch)

        self._runner.run(f"count {segmentation_id}", work, done, failed)

    def pending(self, segmentation_id: str) -> frozenset[int]:
        """Slices that are not counted yet."""
        count = self._counts.get(segmentation_id)
        return frozenset() if count is None else frozenset(count.stale | count.taken)

    def up_to_date(self, segmentation_id: str) -> bool:
        """Whether no count is on its way."""
        count = self._counts.get(segmentation_id)
        return count is not None and not count.running and not count.stale

    def numbers(self, segmentation_id: str, number: int) -> SegmentNumbers | None:
        """Of one segment, as last counted."""
        count = self._counts.get(segmentation_id)
        return None if count is None else count.tally.numbers(number)

    def extent(self, segmentation_id: str, number: int, axis: int) -> np.ndarray[Any, Any] | None:
        """Slices along an array axis that hold a segment, bool."""
        count = self._counts.get(segmentation_id)
        if count is None:
            return None
        return count.tally.extent(number, axis, count.labels.shape[axis])
