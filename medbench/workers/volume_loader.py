"""Loads one display at a time: nearest slice first, a newer request drops an older one."""

import threading
import time
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QThread, Signal, Slot

from medbench.base.errors import CancelledError, MedbenchError
from medbench.dicom.decoding.pool import DecoderPool
from medbench.domain.image import DisplaySet, Volume

if TYPE_CHECKING:
    from medbench.formats.opening import FrameReader

_PERIOD_S = 0.03


class _Load(QThread):
    opened = Signal(object, object)
    slices = Signal(object, object)
    loaded = Signal(object, object)
    failed = Signal(object, str)

    def __init__(
        self, display: DisplaySet, first: int, pool: DecoderPool, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.display = display
        self._eye = first
        self._pool = pool
        self.stop = threading.Event()
        self._lock = threading.Lock()
        self._ready: list[int] = []
        self._sent = 0.0
        self._reader: FrameReader | None = None
        self._volume: Volume | None = None

    def run(self) -> None:
        from medbench.formats.opening import open_display  # brings pydicom; not for the start

        try:
            with open_display(self.display, self._pool) as reader:
                self._reader = reader
                self._show_volume()
                volume = reader.load(
                    first=self._eye, on_slice=self._on_slice, cancelled=self.stop.is_set,
                    order=self._order,
                )  # fmt: skip
        except CancelledError:
            return
        except (MedbenchError, OSError, MemoryError) as error:
            self.failed.emit(self, str(error) or type(error).__name__)
            return
        if not self.stop.is_set():
            self._flush()
            self.loaded.emit(self, volume)

    def look_at(self, index: int) -> None:
        """From now on this slice and its neighbours first; what was wanted before is forgotten."""
        self._eye = index

    def _order(self) -> tuple[int]:
        return (self._eye,)

    def _on_slice(self, index: int, _error: str | None) -> None:
        now = time.monotonic()
        with self._lock:
            self._ready.append(index)
            at_once = self._sent == 0.0 or index == self._eye
            if not at_once and now - self._sent < _PERIOD_S:
                return
            self._sent = now
        self._flush()

    def _show_volume(self) -> None:
        """Tell of the buffer; a frame that needs wider cells gets the volume a new one."""
        reader = self._reader
        if reader is not None and reader.volume is not self._volume:
            self._volume = reader.volume
            self.opened.emit(self, self._volume)

    def _flush(self) -> None:
        self._show_volume()
        with self._lock:
            ready, self._ready = tuple(self._ready), []
        if ready:
            self.slices.emit(self, ready)


class VolumeLoader(QObject):
    """Implements the loader port of `medbench.session.library`.

    Signals
    -------
    opened : DisplaySet, Volume
        The buffer exists, nothing in it is ready yet.
    slices_ready : DisplaySet, tuple of int
        These slices may be drawn (or have failed).
    loaded : DisplaySet, Volume
        Everything is read.
    failed : DisplaySet, str
        Nothing can be shown, and why.
    """

    opened = Signal(object, object)
    slices_ready = Signal(object, object)
    loaded = Signal(object, object)
    failed = Signal(object, str)

    def __init__(self, pool: DecoderPool, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = pool
        self._current: _Load | None = None
        self._leaving: set[_Load] = set()

    def load(self, display: DisplaySet, first: int = 0) -> None:
        """Load a display; what was loading is dropped."""
        self.drop()
        load = _Load(display, first, self._pool, self)
        load.opened.connect(self._opened)
        load.slices.connect(self._slices)
        load.loaded.connect(self._loaded)
        load.failed.connect(self._failed)
        load.finished.connect(self._finished)
        self._current = load
        load.start()

    def focus(self, index: int) -> None:
        """Another slice is shown: it and its neighbours come next."""
        if self._current is not None:
            self._current.look_at(index)

    def drop(self) -> None:
        """Stop the running load, without waiting for it."""
        if self._current is not None:
            self._current.stop.set()
            if self._current.isRunning():
                self._leaving.add(self._current)
            self._current = None

    @Slot(object, object)
    def _opened(self, load: _Load, volume: Any) -> None:
        if load is self._current:
            self.opened.emit(load.display, volume)

    @Slot(object, object)
    def _slices(self, load: _Load, indices: Any) -> None:
        if load is self._current:
            self.slices_ready.emit(load.display, indices)

    @Slot(object, object)
    def _loaded(self, load: _Load, volume: Any) -> None:
        if load is self._current:
            self.loaded.emit(load.display, volume)

    @Slot(object, str)
    def _failed(self, load: _Load, reason: str) -> None:
        if load is self._current:
            self.failed.emit(load.display, reason)

    @Slot()
    def _finished(self) -> None:
        load = self.sender()
        if isinstance(load, _Load):
            self._leaving.discard(load)
            if load is self._current:
                self._current = None
            load.deleteLater()

    def close(self) -> None:
        """Stop everything and wait."""
        current = self._current
        self.drop()
        for load in [*self._leaving, *([current] if current is not None else [])]:
            load.stop.set()
            load.wait(15_000)
        self._leaving.clear()
