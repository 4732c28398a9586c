"""Open one display: frames to modality values, nearest to what is shown first.

Uncompressed frames are read straight into the volume (PS3.5 8.1, own length checks); compressed
ones are written into it by the decoder processes. Only slices whose ``ready`` flag is set may be
drawn.
"""

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from medbench.base.errors import BadInputError, IncompleteError, MedbenchError
from medbench.dicom.decoding.pool import DecoderPool
from medbench.dicom.frame_info import frame_info
from medbench.dicom.modality import shifted
from medbench.dicom.palette import apply_palette
from medbench.dicom.pixels import (
    PixelFormat,
    clean_bits,
    float_pixels,
    swap_pairs,
    to_eight_bits,
    to_rgb,
    unpack_frame,
)
from medbench.dicom.source_file import SourceFile
from medbench.dicom.volume_fill import OnSlice, VolumeFiller
from medbench.domain.image import DisplaySet, FrameInfo, Volume

_THREADS = max(2, min(os.cpu_count() or 2, 8))


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
        self._filler: VolumeFiller | None = None

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
        if self._filler is not None:
            self._filler.close()

    @property
    def shape(self) -> tuple[int, ...]:
        """(z, y, x), or (z, y, x, 3) for colour."""
        plain = (self.display.slices, self.display.rows, self.display.columns)
        return (*plain, 3) if self.display.colour else plain

    @property
    def volume(self) -> Volume:
        """The volume `load` fills; empty before."""
        return self.filler.volume

    @property
    def filler(self) -> VolumeFiller:
        """What fills the volume; made when first asked for."""
        with self._lock:
            if self._filler is None:
                self._filler = VolumeFiller(self, FrameInfos(self.display.slices, self.info))
            return self._filler

    def info(self, index: int) -> FrameInfo:
        """Presentation of one frame; cached."""
        if index not in self._infos:
            ref = self.display.frames[index]
            file = self.file(ref.path)
            raw = partial(self._raw_cells, file, ref.frame)
            self._infos[index] = frame_info(file.header, ref, file.form, raw, file.dataset)
        return self._infos[index]

    def read(self, index: int) -> np.ndarray:
        """Modality values of one frame: (y, x), or (y, x, 3) uint8.

        Raises
        ------
        DecodeError, IncompleteError, BadInputError
            With the reason in plain words.
        """
        ref = self.display.frames[index]
        file = self.file(ref.path)
        stored = self._stored(file, ref.frame)
        if file.form.photometric == "PALETTE COLOR":
            return apply_palette(clean_bits(stored, file.form), *file.palette())
        if file.form.colour:
            return stored
        rescale = file.rescale(ref.frame)
        if rescale.identity:
            return stored
        if rescale.integer and stored.dtype.kind in "iu":
            return shifted(stored, int(rescale.intercept))
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
        asked again and again for the next wanted indices (priority follows the reader's eye); the
        first of them is the centre the others follow by distance.
        """
        return self.filler.load(first, on_slice, cancelled, order, threads)

    def form(self, path: Path) -> PixelFormat:
        """Pixel description of one of the display's files."""
        return self.file(path).form

    def stored(self, path: Path, frame: int) -> np.ndarray:
        """Stored values of a frame: cleaned, no modality transformation."""
        return self._stored(self.file(path), frame)

    # -- one slice -----------------------------------------------------------------------------

    def _stored(self, file: SourceFile, frame: int) -> np.ndarray:
        """Stored values, cleaned; colour as RGB uint8."""
        form, header = file.form, file.header
        if header.compressed:
            return self.decoders().decode(header.path, file.fragments_of(frame), form)
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
            return self.decoders().decode(file.header.path, file.fragments_of(frame), whole)
        raw, _ = self._raw(file, form, frame)
        cells = unpack_frame(raw, file.form)
        return cells.astype(cells.dtype.newbyteorder("=")).view(f"u{cells.dtype.itemsize}")

    # -- shared state --------------------------------------------------------------------------

    def file(self, path: Path) -> SourceFile:
        """Header and description of one of the display's files; read once."""
        file = self._files.get(path)
        if file is None:
            file = self._files[path] = SourceFile(path)
        return file

    def decoders(self) -> DecoderPool:
        """The pool it was given, or one of its own."""
        if self._pool is not None:
            return self._pool
        with self._lock:
            if self._own_pool is None:
                self._own_pool = DecoderPool()
            return self._own_pool


class FrameInfos(Sequence[FrameInfo]):
    """Presentation of a reader's frames, read when first asked for; unreadable ones have none."""

    def __init__(self, count: int, info: Callable[[int], FrameInfo]) -> None:
        self._count = count
        self._info = info

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not 0 <= index < len(self):
            raise IndexError(index)
        try:
            return self._info(index)
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
