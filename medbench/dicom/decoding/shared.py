"""Memory of one volume that decoder processes write into by file descriptor.

An anonymous file (``memfd_create``) instead of a pipe: a decoded frame is copied once, by the
decoder's ``pwrite``, into the pages the app shows. The size is sealed, so no store or load of the
app can fall behind the end (a cut file would be SIGBUS, the end of the app). All pages are
allocated by `allocate`, which may fail with an error instead; only the slice that is looked at may
be decoded before, so that its picture does not wait for the memory of all the others. Where the
system has no such files, frames come back through the decoder's pipe.
"""

import contextlib
import mmap
import os
import threading
import time
import weakref
from typing import Any

import numpy as np

try:
    import fcntl
except ImportError:  # Windows: the pipe is used
    fcntl = None  # type: ignore[assignment]


MAX_DEATHS, DEATHS_WITHIN_S = 5, 60.0

_SMALL_BYTES = 4 << 20
_STEP_BYTES = 2 << 20


class SharedVolume:
    """One array whose memory other processes can fill.

    ``close`` gives the descriptor back; the array stays valid as long as anybody holds it.
    """

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        """Make the file; OSError when the system cannot do it."""
        size_bytes = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        if not available() or size_bytes < 1:
            raise OSError("shared volumes are not possible here")
        self.fd = os.memfd_create("medbench-volume", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        self.close = weakref.finalize(self, os.close, self.fd)
        try:
            os.ftruncate(self.fd, size_bytes)
            seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
            fcntl.fcntl(self.fd, fcntl.F_ADD_SEALS, seals)
            pages = mmap.mmap(self.fd, size_bytes)
        except (OSError, ValueError):
            self.close()
            raise
        self.array = np.frombuffer(pages, dtype).reshape(shape)
        self._size_bytes = size_bytes
        self._allocating = threading.Lock()
        self._allocated = False
        self._deaths: list[float] = []
        self.stopped = False
        """Whether its frames killed so many decoders that no more are risked."""
        self.slice_bytes = size_bytes // shape[0]

    def allocate(self) -> None:
        """Get every page; from any thread, once. OSError when the memory is not there.

        In steps, since the system lets no decoder write while one of them lasts.
        """
        with self._allocating:
            if self._allocated or not self.usable:
                return
            for begin in range(0, self._size_bytes, _STEP_BYTES):
                length = min(_STEP_BYTES, self._size_bytes - begin)
                os.posix_fallocate(self.fd, begin, length)
            self._allocated = True

    def count_death(self) -> None:
        """A decoder died over one of the frames; too many in a row stop the series."""
        now = time.monotonic()
        self._deaths = [then for then in self._deaths if now - then < DEATHS_WITHIN_S] + [now]
        self.stopped = self.stopped or len(self._deaths) >= MAX_DEATHS

    @property
    def usable(self) -> bool:
        """Whether decoders can still be given the descriptor."""
        return self.close.alive


def private_volume(shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray:
    """Zeros of this process alone, in small pages where the system can be asked for them.

    A volume is written once, front to back. Small pages are the ones that were in use a moment
    ago; huge ones have to be found, and in a virtual machine often fetched from the host first:
    0.11 to 0.35 s for 150 MiB instead of 0.15 s.
    """
    size_bytes = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if size_bytes < _SMALL_BYTES or not hasattr(mmap, "MADV_NOHUGEPAGE"):
        return np.zeros(shape, dtype)
    try:
        pages = mmap.mmap(-1, size_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    except OSError as error:
        raise MemoryError(f"{size_bytes >> 20} MiB for the voxels are not there") from error
    with contextlib.suppress(OSError):  # a kernel without huge pages has nothing to turn off
        pages.madvise(mmap.MADV_NOHUGEPAGE)
    return np.frombuffer(pages, dtype).reshape(shape)


def available() -> bool:
    """Whether this system has sealable anonymous files."""
    return fcntl is not None and hasattr(fcntl, "F_ADD_SEALS") and hasattr(os, "memfd_create")
