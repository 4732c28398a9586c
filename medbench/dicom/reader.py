"""Open one display: frames to modality values, nearest to what is shown first.

Uncompressed frames are read straight into the volume (PS3.5 8.1, own length checks); compressed
ones go through the decoder processes. Only slices whose ``ready`` flag is set may be drawn.
"""

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from medbench.base.errors import BadInputError, IncompleteError, MedbenchError
from medbench.dicom.decoding.pool import DecoderPool
from medbench.dicom.frame_info import frame_info
from medbench.dicom.order import PendingSlices
from medbench.dicom.palette import apply_palette
from medbench.dicom.pixels import (
    PixelFormat,
    clean_bits,
    float_pixels,
    needs_cleaning,
    swap_pairs,
    to_eight_bits,
    to_rgb,
    unpack_frame,
)
from medbench.dicom.source_file import SourceFile
from medbench.dicom.voi import Rescale
from medbench.domain.image import DisplaySet, FrameInfo, Volume

_THREADS = max(2, min(os.cpu_count() or 2, 8))
OnSlice = Callable[[int, str | None], None]


def open_display(display: DisplaySet, pool: DecoderPool | None = None) -> "DisplayReader":
    """Reader of one display; give it the app's pool, or it makes one when it needs one."""
    return DisplayReader(display, pool)


class DisplayReader:
    """Frames of one display as modality values; safe to use from several threads."""

    def __init__(self, display: DisplaySet, pool: DecoderPool | None = None) -> None:
        self.display = display
        self._pool = pool
        self._own_pool: DecoderPool | None = None
        self._files: dict[Path, SourceFile] = {}
        self._lock = threading.Lock()
        self._infos: dict[int, FrameInfo] = {}
        self._volume: Volume | None = None
        self._buffer: np.ndarray | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop decoder processes this reader started itself."""
        if self._own_pool is not None:
            self._own_pool.close()
            self._own_pool = None

    @property
    def shape(self) -> tuple[int, ...]:
        """(z, y, x), or (z, y, x, 3) for colour."""
        plain = (self.display.slices, self.display.rows, self.display.columns)
        return (*plain, 3) if self.display.colour else plain

    @property
    def volume(self) -> Volume:
        """The volume `load` fills; empty before."""
        if self._volume is None:
            self._volume = self._new_volume(self._first_dtype())
        return self._volume

    def info(self, index: int) -> FrameInfo:
        """Presentation of one frame; cached."""
        if index not in self._infos:
            ref = self.display.frames[index]
            file = self._file(ref.path)
            raw = partial(self._raw_cells, file, ref.frame)
            self._infos[index] = frame_info(file.header, ref, file.form, raw)
        return self._infos[index]

    def read(self, index: int) -> np.ndarray:
        """Modality values of one frame: (y, x), or (y, x, 3) uint8.

        Raises
        ------
        DecodeError, IncompleteError, BadInputError
            With the reason in plain words.
        """
        ref = self.display.frames[index]
        file = self._file(ref.path)
        stored = self._stored(file, ref.frame)
        if file.form.photometric == "PALETTE COLOR":
            return apply_palette(clean_bits(stored, file.form), *file.palette())
        if file.form.colour:
            return stored
        rescale = file.rescale(ref.frame)
        if rescale.identity:
            return stored
        if rescale.integer and stored.dtype.kind in "iu":
            return _shifted(stored, int(rescale.intercept))
        return rescale.apply(stored)

    def load(
        self,
        *,
        first: int = 0,
        on_slice: OnSlice | None = None,
        cancelled: Callable[[], bool] | None = None,
        order: Callable[[], Iterable[int]] | None = None,
        threads: int = _THREADS,
    ) -> Volume:
        """Read every frame into one volume, ``first`` and its neighbours first.

        ``on_slice(index, error)`` is called from loader threads; ``order()`` may be given to be
        asked again and again for the next wanted indices (priority follows the reader's eye).
        """
        pending = PendingSlices(self.display.slices, first, order)
        volume = self.volume
        failed: dict[int, str] = volume.failed  # type: ignore[assignment]

        def work() -> None:
            while (index := pending.take()) is not None:
                if cancelled is not None and cancelled():
                    return
                error = None
                try:
                    self._fill(index)
                except MedbenchError as problem:
                    error = str(problem)
                except (OSError, ValueError, MemoryError) as problem:
                    error = f"{type(problem).__name__}: {problem}"
                if error is not None:
                    failed[index] = error
                if on_slice is not None:
                    on_slice(index, error)

        if threads <= 1 or self.display.slices == 1:
            work()
        else:
            with ThreadPoolExecutor(threads, thread_name_prefix="load") as executor:
                for task in [executor.submit(work) for _ in range(threads)]:
                    task.result()
        return self.volume

    def form(self, path: Path) -> PixelFormat:
        """Pixel description of one of the display's files."""
        return self._file(path).form

    def stored(self, path: Path, frame: int) -> np.ndarray:
        """Stored values of a frame: cleaned, no modality transformation."""
        return self._stored(self._file(path), frame)

    # -- one slice -----------------------------------------------------------------------------

    def _fill(self, index: int) -> None:
        ref = self.display.frames[index]
        volume = self.volume
        file = self._file(ref.path)
        buffer = self._buffer
        assert buffer is not None
        if self._read_in_place(file, ref.frame, buffer[index]):
            volume.ready[index] = True
            return
        values = self.read(index)
        if values.shape != buffer.shape[1:]:
            raise BadInputError(f"the frame is {values.shape}, the display {buffer.shape[1:]}")
        if not np.can_cast(values.dtype, buffer.dtype, "safe"):
            buffer = self._promote(values.dtype)
        buffer[index] = values
        self.volume.ready[index] = True

    def _read_in_place(self, file: SourceFile, frame: int, target: np.ndarray) -> bool:
        """The fast path: grey, uncompressed, same cells as the volume: one ``preadv``."""
        form, header = file.form, file.header
        if (
            header.compressed
            or header.body is not None
            or file.swapped
            or form.samples != 1
            or form.bits_allocated == 1
            or form.photometric == "PALETTE COLOR"
            or form.stored_dtype != target.dtype
            or target.shape != (form.rows, form.columns)
            or not hasattr(os, "preadv")
        ):
            return False
        rescale = file.rescale(frame)
        if not (rescale.identity or rescale.integer):
            return False
        size = form.frame_bits // 8
        fd = os.open(header.path, os.O_RDONLY)
        try:
            got = os.preadv(fd, [target.data.cast("B")], header.pixel_offset + frame * size)
        finally:
            os.close(fd)
        if got < size:
            raise IncompleteError(f"incomplete: {got} of {size} bytes of the frame could be read")
        if needs_cleaning(form):
            target[...] = clean_bits(target, form)
        if not rescale.identity:
            low, high = _range_after(form, rescale)
            info = np.iinfo(target.dtype)
            if low < info.min or high > info.max:
                return False
            np.add(target, target.dtype.type(int(rescale.intercept)), out=target)
        return True

    def _stored(self, file: SourceFile, frame: int) -> np.ndarray:
        """Stored values, cleaned; colour as RGB uint8."""
        form, header = file.form, file.header
        if header.compressed:
            return self._decoders().decode(header.path, file.fragments_of(frame), form)
        if float_pixels(header):
            form = PixelFormat(**{**form.to_json(), "signed": False})
            raw, _ = self._raw(file, form, frame)
            order = "<" if header.little_endian else ">"
            return np.frombuffer(raw, f"{order}f{form.bits_allocated // 8}").reshape(
                form.rows, form.columns
            )
        raw, bit = self._raw(file, form, frame)
        stored = unpack_frame(raw, form, bit_offset=bit)
        if not form.colour:
            return clean_bits(stored.astype(stored.dtype.newbyteorder("="), copy=False), form)
        cells = np.ascontiguousarray(stored.astype(stored.dtype.newbyteorder("="), copy=False))
        return to_rgb(to_eight_bits(cells, form), form.photometric)

    def _raw(self, file: SourceFile, form: PixelFormat, frame: int) -> tuple[bytes, int]:
        """Bytes that hold one frame, and the bit where it starts."""
        begin_bit = form.frame_bits * frame
        end = -(-(begin_bit + form.frame_bits) // 8)
        begin = begin_bit // 8
        if file.swapped:  # whole words, so that their bytes can change places
            return self._words(file, begin, end), begin_bit % 8
        return self._bytes(file, begin, end), begin_bit % 8

    def _words(self, file: SourceFile, begin: int, end: int) -> bytes:
        first = begin - begin % 2
        raw = swap_pairs(self._bytes(file, first, end + end % 2))
        return raw[begin - first : end - first]

    def _bytes(self, file: SourceFile, begin: int, end: int) -> bytes:
        header = file.header
        if header.body is not None:
            raw = header.body[header.pixel_offset + begin : header.pixel_offset + end]
        else:
            fd = os.open(header.path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
            try:
                raw = os.pread(fd, end - begin, header.pixel_offset + begin)
            finally:
                os.close(fd)
        if len(raw) < end - begin:
            raise IncompleteError(
                f"incomplete: {len(raw)} of {end - begin} bytes of the frame could be read"
            )
        return raw

    def _raw_cells(self, file: SourceFile, frame: int) -> np.ndarray | None:
        """Cells with all their bits, for overlays in the unused ones; None without such bits."""
        form = file.form
        if form.samples != 1 or form.bits_allocated not in (8, 16, 32):
            return None
        if file.header.compressed:
            all_bits = {"bits_stored": form.bits_allocated, "high_bit": form.bits_allocated - 1}
            whole = PixelFormat(**{**form.to_json(), **all_bits, "signed": False})
            return self._decoders().decode(file.header.path, file.fragments_of(frame), whole)
        raw, _ = self._raw(file, form, frame)
        cells = unpack_frame(raw, file.form)
        return cells.astype(cells.dtype.newbyteorder("=")).view(f"u{cells.dtype.itemsize}")

    # -- shared state --------------------------------------------------------------------------

    def _file(self, path: Path) -> SourceFile:
        file = self._files.get(path)
        if file is None:
            file = self._files[path] = SourceFile(path)
        return file

    def _decoders(self) -> DecoderPool:
        if self._pool is not None:
            return self._pool
        with self._lock:
            if self._own_pool is None:
                self._own_pool = DecoderPool()
            return self._own_pool

    def _first_dtype(self) -> np.dtype[Any]:
        """Type of the volume, from the first readable frame; widened later where needed."""
        if self.display.colour:
            return np.dtype(np.uint8)
        for ref in self.display.frames:
            try:
                file = self._file(ref.path)
                rescale = file.rescale(ref.frame)
            except MedbenchError:
                continue
            form = file.form
            if float_pixels(file.header) or not rescale.integer or form.bits_allocated > 32:
                return np.dtype(np.float32)
            if form.bits_allocated == 1:
                return np.dtype(np.uint8)
            low, high = _range_after(form, rescale)
            stored = form.stored_dtype.newbyteorder("=")
            info = np.iinfo(stored)
            if info.min <= low and high <= info.max:
                return stored
            return _shifted_dtype(low, high)
        return np.dtype(np.int16)

    def _new_volume(self, dtype: np.dtype[Any]) -> Volume:
        self._buffer = np.zeros(self.shape, dtype)
        view = self._buffer.view()
        view.setflags(write=False)
        infos = _Infos(self)
        return Volume(self.display, view, np.zeros(self.display.slices, bool), {}, infos)

    def _promote(self, dtype: np.dtype[Any]) -> np.ndarray:
        """A frame needs wider cells than the first one did: copy what is there, once."""
        with self._lock:
            old, volume = self._buffer, self._volume
            assert old is not None
            assert volume is not None
            wider = np.promote_types(old.dtype, dtype)
            if wider.kind == "f":
                wider = np.dtype(np.float32)
            if wider == old.dtype:
                return old
            self._buffer = old.astype(wider)
            view = self._buffer.view()
            view.setflags(write=False)
            self._volume = Volume(self.display, view, volume.ready, volume.failed, volume.infos)
            return self._buffer


def _range_after(form: PixelFormat, rescale: Rescale) -> tuple[int, int]:
    """Smallest and largest modality value the bits allow."""
    bits = form.bits_stored
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if form.signed else (0, (1 << bits) - 1)
    return low + int(rescale.intercept), high + int(rescale.intercept)


def _shifted_dtype(low: int, high: int) -> np.dtype[Any]:
    small = np.iinfo(np.int16)
    return np.dtype(np.int16 if small.min <= low and high <= small.max else np.int32)


def _shifted(stored: np.ndarray, intercept: int) -> np.ndarray:
    low, high = int(stored.min(initial=0)) + intercept, int(stored.max(initial=0)) + intercept
    return stored.astype(_shifted_dtype(low, high)) + _shifted_dtype(low, high).type(intercept)


class _Infos(Sequence[FrameInfo]):
    """Presentation of frames, read when first asked for; unreadable ones have none."""

    def __init__(self, reader: DisplayReader) -> None:
        self._reader = reader

    def __len__(self) -> int:
        return self._reader.display.slices

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not 0 <= index < len(self):
            raise IndexError(index)
        try:
            return self._reader.info(index)
        except (MedbenchError, OSError):
            return FrameInfo()


def find_display(displays: Sequence[DisplaySet], display_id: str | None) -> DisplaySet:
    """The display of that id, or the one with most slices that holds pixels.

    Raises
    ------
    BadInputError
        There is none.
    """
    if display_id is not None:
        for display in displays:
            if display.display_id == display_id:
                return display
        ids = ", ".join(d.display_id for d in displays[:12])
        raise BadInputError(f"There is no display {display_id!r} here; there are {ids or 'none'}.")
    pictures = [d for d in displays if d.rows and d.kind.value in ("volume", "stack", "multiframe")]
    if not pictures:
        reasons = sorted({d.reason for d in displays if d.reason})
        raise BadInputError(f"Nothing here holds a picture: {'; '.join(reasons) or 'no display'}.")
    return max(pictures, key=lambda d: d.slices)
