"""Objects without pixels that Review shows: read away from the window, newest request wins."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from medbench.dicom.decoding.pool import DecoderPool
from medbench.domain.image import DisplaySet
from medbench.domain.objects import Document
from medbench.session.ports import Done, Failed, Handle, Progress, Runner, Work


class ObjectShelf(QObject):
    """Waveforms, reports, documents.

    Signals
    -------
    opened : DisplaySet, object
        What the display holds (`medbench.formats.objects`).
    failed : DisplaySet, str
        Nothing can be shown, and why.
    """

    opened = Signal(object, object)
    failed = Signal(object, str)

    def __init__(self, runner: Runner, pool: DecoderPool, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner = runner
        self._pool = pool

    def open(self, display: DisplaySet) -> None:
        """Read an object; answers with `opened` or `failed`."""

        def work(_handle: Handle) -> Any:
            from medbench.formats.objects import read_object  # brings pydicom; not for the start

            return read_object(display, self._pool)

        def done(payload: Any) -> None:
            self.opened.emit(display, payload)

        def failed(sentence: str) -> None:
            if sentence:
                self.failed.emit(display, sentence)

        self._runner.run("object", work, done, failed, newest=True)

    def compute(self, key: str, work: Work, done: Done, failed: Failed) -> None:
        """Work on an object that is shown, away from the window; newer work of a key wins."""
        self._runner.run(f"object {key}", work, done, failed, newest=True)

    def with_decoders(
        self, key: str, work: Callable[[Handle, DecoderPool], Any], done: Done, failed: Failed,
        progress: Progress | None = None,
    ) -> int:  # fmt: skip
        """As `compute`, for work that reads frames; returns the ticket, see `cancel`."""
        pool = self._pool

        def run(handle: Handle) -> Any:
            return work(handle, pool)

        return self._runner.run(f"object {key}", run, done, failed, progress=progress, newest=True)

    def cancel(self, ticket: int) -> None:
        """Ask work to stop; it then fails with an empty sentence."""
        self._runner.cancel(ticket)

    def page(self, document: Document, page: int, scale: float, done: Done, failed: Failed) -> None:
        """Draw a page of a PDF in a decoder process; a newer request drops this one.

        ``done`` gets (page, scale, uint8 (rows, columns, 3)); ``scale`` is in pixels per point.
        """

        def work(_handle: Handle) -> Any:
            from medbench.dicom.document import page_image  # brings pydicom; not for the start

            return page, scale, page_image(document, page, scale, self._pool)

        self.compute("page", work, done, failed)

    def save_copy(self, document: Document, target: Path, done: Done, failed: Failed) -> None:
        """Write the embedded file; ``done`` gets the path."""

        def work(_handle: Handle) -> Path:
            from medbench.dicom.document import save_copy

            save_copy(document, target)
            return target

        self._runner.run(f"object copy {target}", work, done, failed)
