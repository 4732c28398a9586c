"""Fill one volume with the frames of a display, several at a time, nearest to the eye first.

Uncompressed grey frames are read in place by the app (PS3.5 8.1); compressed ones are written into
the same memory by the decoder processes, a few milliseconds of work in one request; whatever fits
neither way goes through `DisplayReader.read`.
"""

import contextlib
import math
import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil

from medbench.base.errors import BadInputError, IncompleteError, MedbenchError
from medbench.dicom.decoding.pool import FrameJob
from medbench.dicom.decoding.shared import SharedVolume, private_volume
from medbench.dicom.decoding.streams import LARGE_FRAME_BYTES, MAX_RATIO
from medbench.dicom.modality import range_after, shifted_dtype
from medbench.dicom.order import PendingSlices
from medbench.dicom.pixels import clean_bits, float_pixels, needs_cleaning
from medbench.dicom.source_file import SourceFile
from medbench.domain.image import FrameInfo, Volume

if TYPE_CHECKING:
    from medbench.dicom.reader import DisplayReader

_BATCH_S = 0.008
_BATCH_FRAMES = 16
_EXPECTED = (MedbenchError, OSError, ValueError, MemoryError)
OnSlice = Callable[[int, str | None], None]


class VolumeFiller:
    """The volume of one display and what fills it; safe to use from several threads."""

    def __init__(self, reader: "DisplayReader", infos: Sequence[FrameInfo]) -> None:
        self._reader = reader
        self._display = reader.display
        self._lock = threading.Lock()
        self._shared: SharedVolume | None = None
        self._frame_s = 0.0
        self._buffer = self._new_buffer(self._first_dtype())
        self.volume = Volume(
            reader.display, _read_only(self._buffer), np.zeros(reader.display.slices, bool), {},
            infos,
        )  # fmt: skip
        """What is filled; another one once a frame needed wider cells."""

    def close(self) -> None:
        """Give the descriptor of the shared memory back; the volume stays."""
        if self._shared is not None:
            self._shared.close()

    def load(
        self,
        first: int,
        on_slice: OnSlice | None,
        cancelled: Callable[[], bool] | None,
        order: Callable[[], Iterable[int]] | None,
        threads: int,
    ) -> Volume:
        """Fill every slice; see `DisplayReader.load`."""
        pending = PendingSlices(self._display.slices, first, order)
        volume = self.volume
        failed: dict[int, str] = volume.failed  # type: ignore[assignment]

        def work() -> None:
            while batch := pending.take_some(self._batch_frames()):
                if cancelled is not None and cancelled():
                    return
                if first not in batch:  # the first picture waits for its own memory only
                    self._allocate()
                for index, error in self._fill_all(batch).items():
                    if error:
                        failed[index] = error
                    if on_slice is not None:
                        on_slice(index, error or None)

        if self._shared is not None and self._shared.usable:
            threads = min(threads, self._reader.decoders().size)
        threads = min(threads, self._display.slices)
        try:
            if threads <= 1:
                work()
            else:
                with ThreadPoolExecutor(threads, thread_name_prefix="load") as executor:
                    for task in [executor.submit(work) for _ in range(threads)]:
                        task.result()
        finally:
            self.close()
        return self.volume

    def _allocate(self) -> None:
        if self._shared is not None:
            try:
                self._shared.allocate()
            except OSError as error:
                words = f"the memory of the volume is not there: {error.strerror}"
                raise BadInputError(words) from error

    def _batch_frames(self) -> int:
        """Frames a decoder is asked for at once: few milliseconds, so that a jump waits for none.

        A round trip costs about a tenth of a millisecond, a quick frame not much more.
        """
        if not self._frame_s:
            return 1
        return min(_BATCH_FRAMES, max(1, int(_BATCH_S / self._frame_s)))

    def _fill_all(self, indices: Sequence[int]) -> dict[int, str]:
        """Fill slices; the reason of each that failed, '' for the others."""
        errors: dict[int, str] = {}
        jobs: list[FrameJob] = []
        shared = self._shared
        for index in indices:
            try:
                job = self._job(index, shared)
                if job is None:
                    self._fill(index)
                    errors[index] = ""
                else:
                    jobs.append(job)
            except _EXPECTED as problem:
                errors[index] = _reason(problem)
        if jobs and shared is not None:
            errors.update(self._decode_all(jobs, shared))
        return errors

    def _job(self, index: int, shared: SharedVolume | None) -> FrameJob | None:
        """What a decoder needs to write the slice itself; None where it cannot."""
        if shared is None or not shared.usable:
            return None
        ref = self._display.frames[index]
        file = self._reader.file(ref.path)
        form = file.form
        if not file.header.compressed or form.photometric == "PALETTE COLOR":
            return None
        if (form.rows, form.columns) != (self._display.rows, self._display.columns):
            return None
        slope, intercept = 1.0, 0.0
        if not form.colour:
            rescale = file.rescale(ref.frame)
            if rescale.lut is not None:
                return None
            slope, intercept = rescale.slope, rescale.intercept
        ranges = file.fragments_of(ref.frame)
        return FrameJob(ref.path, ranges, form, slope, intercept, index)

    def _decode_all(self, jobs: Sequence[FrameJob], shared: SharedVolume) -> dict[int, str]:
        begin = time.perf_counter()
        try:
            placed = self._reader.decoders().decode_into(shared, jobs)
        except _EXPECTED as problem:
            return {job.slice_index: _reason(problem) for job in jobs}
        per_frame = (time.perf_counter() - begin) / len(jobs)
        self._frame_s = per_frame if not self._frame_s else (self._frame_s + per_frame) / 2
        errors: dict[int, str] = {}
        for job, result in zip(jobs, placed, strict=True):
            error = result.error
            if not error and (result.wider or not self._done(job.slice_index, shared.array)):
                try:
                    self._fill(job.slice_index)
                except _EXPECTED as problem:
                    error = _reason(problem)
            errors[job.slice_index] = error
        return errors

    def _fill(self, index: int) -> None:
        """Read one slice here; again where another frame widened the cells meanwhile."""
        ref = self._display.frames[index]
        file = self._reader.file(ref.path)
        while True:
            buffer = self._buffer
            if not self._read_in_place(file, ref.frame, buffer[index]):
                values = self._reader.read(index)
                if values.shape != buffer.shape[1:]:
                    raise BadInputError(
                        f"the frame is {values.shape}, the display {buffer.shape[1:]}"
                    )
                if not np.can_cast(values.dtype, buffer.dtype, "safe"):
                    buffer = self._promote(values.dtype)
                buffer[index] = values
            if self._done(index, buffer):
                return

    def _done(self, index: int, buffer: np.ndarray) -> bool:
        """Mark the slice ready, if what was filled is still the volume's memory."""
        with self._lock:
            if buffer is not self._buffer:
                return False
            self.volume.ready[index] = True
            return True

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
            low, high = range_after(form, rescale)
            info = np.iinfo(target.dtype)
            if low < info.min or high > info.max:
                return False
            np.add(target, target.dtype.type(int(rescale.intercept)), out=target)
        return True

    def _first_dtype(self) -> np.dtype[Any]:
        """Type of the volume, from the first readable frame; widened later where needed."""
        if self._display.colour:
            return np.dtype(np.uint8)
        for ref in self._display.frames:
            try:
                file = self._reader.file(ref.path)
                rescale = file.rescale(ref.frame)
            except MedbenchError:
                continue
            form = file.form
            if float_pixels(file.header) or not rescale.integer or form.bits_allocated > 32:
                return np.dtype(np.float32)
            if form.bits_allocated == 1:
                return np.dtype(np.uint8)
            low, high = range_after(form, rescale)
            stored = form.stored_dtype.newbyteorder("=")
            info = np.iinfo(stored)
            if info.min <= low and high <= info.max:
                return stored
            return shifted_dtype(low, high)
        return np.dtype(np.int16)

    def _new_buffer(self, dtype: np.dtype[Any]) -> np.ndarray:
        """Memory decoders can write into where the first readable frame needs a decoder."""
        for ref in self._display.frames:
            try:
                compressed = self._reader.file(ref.path).header.compressed
            except MedbenchError:
                continue
            return self._memory(dtype, shared=compressed)
        return self._memory(dtype, shared=False)

    def _memory(self, dtype: np.dtype[Any], *, shared: bool) -> np.ndarray:
        """Memory of the volume, if what the headers promise can be true and there is room.

        Raises
        ------
        BadInputError
            It cannot, or there is none.
        """
        self._shared = None
        wanted = math.prod(self._reader.shape) * dtype.itemsize
        paths = {ref.path for ref in self._display.frames}
        stored = sum(path.stat().st_size for path in paths if path.exists())
        if wanted > LARGE_FRAME_BYTES and wanted > MAX_RATIO * stored:
            raise BadInputError(
                f"{stored} bytes of files cannot hold a volume of {wanted >> 20} MiB"
            )
        free = psutil.virtual_memory().available
        if wanted > free:
            raise BadInputError(
                f"the volume needs {wanted >> 20} MiB of memory, {free >> 20} MiB are free"
            )
        if shared:
            # where it cannot be had the frames come through the decoders' pipes
            with contextlib.suppress(OSError):
                self._shared = SharedVolume(self._reader.shape, dtype)
                return self._shared.array
        return private_volume(self._reader.shape, dtype)

    def _promote(self, dtype: np.dtype[Any]) -> np.ndarray:
        """A frame needs wider cells than the first one did: copy what is there, once."""
        with self._lock:
            old, volume = self._buffer, self.volume
            wider = np.promote_types(old.dtype, dtype)
            if wider.kind == "f":
                wider = np.dtype(np.float32)
            if wider == old.dtype:
                return old
            self._buffer = self._memory(wider, shared=self._shared is not None)
            self._buffer[...] = old
            self.volume = Volume(
                self._display, _read_only(self._buffer), volume.ready, volume.failed, volume.infos
            )
            return self._buffer


def _read_only(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.setflags(write=False)
    return view


def _reason(problem: BaseException) -> str:
    return (
        str(problem)
        if isinstance(problem, MedbenchError)
        else (f"{type(problem).__name__}: {problem}")
    )
