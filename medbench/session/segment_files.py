"""Label maps on disk: changed slices are written after each edit, in the lane that saves."""

import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal, Slot

from medbench.base.errors import IntegrityError
from medbench.imaging.segment_delta import Labels
from medbench.registry.reading_store import ReadingStore
from medbench.session.messages import Messages
from medbench.session.ports import Handle, Runner

Batch = tuple[str, Labels, frozenset[int]]
RETRY_MS = 60_000
_LEVEL = 1
_MANY_SLICES, LATER_MS = 16, 150
"""Strokes are written at once; what touches many slices, when the window has shown it."""


def packed_slices(labels: Labels, indices: frozenset[int]) -> dict[int, bytes | None]:
    """Slices as the store keeps them; None for empty ones."""
    found: dict[int, bytes | None] = {}
    for z in sorted(indices):
        part = labels[z]
        found[z] = zlib.compress(part.tobytes(), _LEVEL) if part.any() else None
    return found


def read_labels(workspace: Path, segmentation_id: str, shape: tuple[int, int, int]) -> Labels:
    """A stored label map (z, y, x).

    Raises
    ------
    IntegrityError
        A slice is damaged, or of another size than the segmentation says.
    """
    labels = np.zeros(shape, np.uint8)
    with ReadingStore(workspace) as store:
        stored = store.read_slices(segmentation_id)
    for z, body in stored.items():
        try:
            raw = zlib.decompress(body)
        except zlib.error as error:
            raise IntegrityError(
                f"Slice {z + 1} of a stored segmentation is damaged ({error})."
            ) from error
        if not 0 <= z < shape[0] or len(raw) != shape[1] * shape[2]:
            raise IntegrityError(f"Slice {z + 1} of a stored segmentation has another size.")
        labels[z] = np.frombuffer(raw, np.uint8).reshape(shape[1:])
    return labels


class SegmentFiles(QObject):
    """Writes what changed; tries again every minute while the disk refuses.

    Signals
    -------
    saved
        Everything is on disk.
    """

    saved = Signal()

    def __init__(
        self, workspace: Path, runner: Runner, messages: Messages, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._runner = runner
        self._messages = messages
        self._dirty: dict[str, tuple[Labels, set[int]]] = {}
        self._writing: list[list[Batch]] = []
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(0)
        self._soon.timeout.connect(self.save)
        self._again = QTimer(self)
        self._again.setSingleShot(True)
        self._again.setInterval(RETRY_MS)
        self._again.timeout.connect(self.save)

    @property
    def waiting(self) -> bool:
        """Whether something is not on disk yet."""
        return bool(self._dirty or self._writing)

    def mark(self, segmentation_id: str, labels: Labels, slices: frozenset[int]) -> None:
        """These slices changed."""
        known = self._dirty.setdefault(segmentation_id, (labels, set()))
        known[1].update(slices)
        wait = LATER_MS if len(slices) > _MANY_SLICES else 0
        if not self._soon.isActive() or wait < self._soon.remainingTime():
            self._soon.start(wait)

    def _take(self) -> list[Batch]:
        batch = [(key, labels, frozenset(at)) for key, (labels, at) in self._dirty.items()]
        self._dirty = {}
        return batch

    @Slot()
    def save(self) -> None:
        """Write what changed, in the worker."""
        batch = self._take()
        if not batch:
            return
        self._writing.append(batch)

        def work(_handle: Handle) -> None:
            self._write(batch)

        def done(_nothing: object) -> None:
            self._writing.remove(batch)
            if not self.waiting:
                self.saved.emit()

        def failed(sentence: str) -> None:
            self._writing.remove(batch)
            for key, labels, at in batch:
                self._dirty.setdefault(key, (labels, set()))[1].update(at)
            self._again.start()
            self._messages.error(
                self.tr("What you painted could not be saved; it is tried again in a minute"),
                sentence,
            )

        self._runner.run("save segments", work, done, failed)

    def _write(self, batch: list[Batch]) -> None:
        with ReadingStore(self._workspace) as store:
            for key, labels, at in batch:
                store.write_slices(key, packed_slices(labels, at))

    def read(
        self, runner: Runner, segmentation_id: str, shape: tuple[int, int, int],
        done: Callable[[Labels], None], failed: Callable[[str], None],
    ) -> None:  # fmt: skip
        """Read a label map in a worker."""

        def work(_handle: Handle) -> Labels:
            return read_labels(self._workspace, segmentation_id, shape)

        runner.run(f"open segmentation {segmentation_id}", work, done, failed)

    def close(self) -> None:
        """Write the rest, after the workers have ended; the program ends."""
        self._soon.stop()
        self._again.stop()
        batch = [part for written in self._writing for part in written] + self._take()
        self._writing = []
        if batch:
            self._write(batch)
