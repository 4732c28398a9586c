"""A few warm decoder processes, watched: a crash or a hang costs one frame, never the app."""

import base64
import contextlib
import json
import os
import queue
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from medbench.base.errors import DecodeError
from medbench.dicom.decoding.shared import SharedVolume
from medbench.dicom.pixels import PixelFormat

DEADLINE_S = 10.0
FIRST_SHARE = 0.6
"""Of the deadline for the first try; the rest is for the second, so that both keep it together."""
SLOW_PIXELS = 8_000_000
SECONDS_PER_MEGAPIXEL = 0.3
START_DEADLINE_S = 30.0
MAX_REPLY_BYTES = 1 << 30
WIRE_DEADLINE_S = 30
"""Longest time a write or read of a decoder's socket may stand still."""
MAX_PROCESSES = 8
_DECODER_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    # glibc: keep the memory of the last frame for the next one; giving it back and faulting it in
    # again costs as much as unpacking an RLE frame
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(64 << 20),
}


@dataclass(frozen=True)
class FrameJob:
    """One compressed frame that belongs into a slice of a shared volume."""

    path: Path
    ranges: Sequence[tuple[int, int]]
    form: PixelFormat
    slope: float
    intercept: float
    slice_index: int


@dataclass(frozen=True)
class Placed:
    """How a `FrameJob` went."""

    error: str = ""
    """Why the frame could not be decoded; empty when it was."""
    wider: bool = False
    """Its values do not fit into the cells of the volume; nothing was written."""


class _DeathError(Exception):
    """The decoder died or was killed; the text says how."""


class _Decoder:
    """One process and its socket."""

    def __init__(self, start_deadline_s: float) -> None:
        self.start_deadline_s = start_deadline_s
        self.wire, child = socket.socketpair()
        stall = struct.pack("@ll", WIRE_DEADLINE_S, 0)  # struct timeval: a frozen decoder reads
        self.wire.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, stall)  # nothing and writes
        self.wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, stall)  # half an answer
        self.link = Connection(os.dup(self.wire.fileno()))
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            **_DECODER_ENVIRONMENT,
        }
        # -P would hide the checkout; the fd is inherited, nothing else is
        self.process = subprocess.Popen(
            [sys.executable, "-m", "medbench.dicom.decoding.worker", str(child.fileno())],
            pass_fds=(child.fileno(),),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )
        child.close()
        self._ready = False
        self.worn_out = False

    def ask(self, request: dict[str, Any], deadline_s: float) -> np.ndarray:
        """One request; raises `_DeathError` when the process does not answer in time."""
        try:
            self._send(request)
            head = self._answer(deadline_s)
            if "error" in head:
                raise DecodeError(head["error"])
            data = self._receive(self.link, deadline_s)
        except (EOFError, OSError) as error:
            raise _DeathError("the decoder crashed") from error
        return np.frombuffer(bytearray(data), head["dtype"]).reshape(head["shape"])

    def ask_for_all(
        self, request: dict[str, Any], volume: SharedVolume, deadline_s: float
    ) -> list[Placed]:
        """Frames that go straight into the volume."""
        try:
            self._send(request)
            socket.send_fds(self.wire, [b"v"], [volume.fd])
            answers = self._answer(deadline_s)["frames"]
        except (EOFError, OSError) as error:
            raise _DeathError("the decoder crashed") from error
        return [Placed(error=a or "", wider=a is False) for a in answers]

    def wait_ready(self) -> None:
        """Until its libraries are loaded."""
        if not self._ready:
            self._receive(self.link, self.start_deadline_s)
            self._ready = True

    def _send(self, request: dict[str, Any]) -> None:
        self.wait_ready()
        self.link.send_bytes(json.dumps(request).encode())

    def _answer(self, deadline_s: float) -> dict[str, Any]:
        head: dict[str, Any] = json.loads(self._receive(self.link, deadline_s))
        self.worn_out = bool(head.get("last"))
        return head

    def _receive(self, link: Connection, deadline_s: float) -> bytes:
        if not link.poll(deadline_s):
            raise _DeathError(f"the decoder gave no answer within {deadline_s:.1f} s")
        return link.recv_bytes(MAX_REPLY_BYTES)

    def kill(self) -> None:
        """End it and wait for it."""
        with contextlib.suppress(OSError):
            self.link.close()
            self.wire.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def _pdf_request(path: Path, ranges: list[tuple[int, int]], data: bytes) -> dict[str, Any]:
    body = base64.b64encode(data).decode() if data else ""
    return {"kind": "pdf", "path": str(path), "ranges": [list(r) for r in ranges], "data": body}


def _frame_key(path: Path, ranges: Sequence[Sequence[int]]) -> tuple[str, int, int]:
    """A frame of a file, by where it begins; another file under the same name is another one."""
    try:
        changed = path.stat().st_mtime_ns
    except OSError:
        changed = 0
    return str(path), changed, ranges[0][0] if ranges else -1


_STOPPED = "the series was stopped: its frames ended five decoders within a minute"


class DecoderPool:
    """Decoder processes, started on first need; safe to use from several threads.

    Close it, or use it as a context manager.
    """

    def __init__(
        self, processes: int | None = None, *, deadline_s: float = DEADLINE_S,
        start_deadline_s: float = START_DEADLINE_S,
    ) -> None:  # fmt: skip
        self.start_deadline_s = start_deadline_s
        self.size = processes or max(1, min(os.cpu_count() or 1, MAX_PROCESSES))
        self.deadline_s = deadline_s
        self._idle: queue.LifoQueue[_Decoder | None] = queue.LifoQueue()
        for _ in range(self.size):
            self._idle.put(None)
        self._closed = threading.Event()
        self.deaths = 0
        self._poison: dict[tuple[str, int, int], str] = {}
        """Frames that killed two decoders, and how: never tried again by this pool."""

    def warm(self, processes: int = 1, *, wait: bool = False) -> None:
        """Start processes ahead of need; ``wait`` until they can decode."""
        taken = [self._obtain() for _ in range(min(processes, self.size))]
        for decoder in taken:
            if wait:
                with contextlib.suppress(_DeathError, EOFError, OSError):  # the first frame says so
                    decoder.wait_ready()
            self._give(decoder)

    def decode(self, path: Path, ranges: list[tuple[int, int]], form: PixelFormat) -> np.ndarray:
        """Stored values of one compressed frame.

        Raises
        ------
        DecodeError
            The frame is damaged, or its decoder died twice.
        """
        request = {
            "kind": "frame",
            "path": str(path),
            "ranges": [list(r) for r in ranges],
            "format": form.to_json(),
        }
        return self._ask(request, self._deadline(form))

    def _deadline(self, form: PixelFormat) -> float:
        extra = max(0, form.rows * form.columns - SLOW_PIXELS) / 1e6 * SECONDS_PER_MEGAPIXEL
        return self.deadline_s + extra

    def decode_into(self, volume: SharedVolume, jobs: Sequence[FrameJob]) -> list[Placed]:
        """Decode frames straight into the slices of a volume, in one round trip.

        Where the decoder dies, every frame is tried once more, alone in a decoder: only the one
        that kills that too is lost.
        """
        known = [self._poison.get(_frame_key(job.path, job.ranges), "") for job in jobs]
        if any(known):
            rest = [job for job, reason in zip(jobs, known, strict=True) if not reason]
            answers = iter(self.decode_into(volume, rest) if rest else ())
            return [Placed(error=reason) if reason else next(answers) for reason in known]
        placed = self._try_into(volume, jobs, FIRST_SHARE)
        if isinstance(placed, str):
            return [self._alone(volume, job) for job in jobs]
        return placed

    def _alone(self, volume: SharedVolume, job: FrameJob) -> Placed:
        """One frame of a batch whose decoder died; the second death is held against it."""
        key = _frame_key(job.path, job.ranges)
        if volume.stopped:
            return Placed(error=_STOPPED)
        again = self._try_into(volume, [job], 1 - FIRST_SHARE)
        if not isinstance(again, str):
            return again[0]
        self._poison[key] = again
        return Placed(error=again)

    def _try_into(
        self, volume: SharedVolume, jobs: Sequence[FrameJob], share: float
    ) -> list[Placed] | str:
        """How each frame went, or how the decoder died."""
        if volume.stopped:
            return [Placed(error=_STOPPED)] * len(jobs)
        forms: dict[PixelFormat, int] = {}
        frames = [
            [
                str(job.path), list(job.ranges), forms.setdefault(job.form, len(forms)),
                job.slope, job.intercept, job.slice_index * volume.slice_bytes,
            ]
            for job in jobs
        ]  # fmt: skip
        request = {
            "kind": "frames",
            "formats": [form.to_json() for form in forms],
            "dtype": volume.array.dtype.str,
            "slice_bytes": volume.slice_bytes,
            "frames": frames,
        }
        deadline_s = share * max(map(self._deadline, forms))
        decoder = self._obtain()
        try:
            placed = decoder.ask_for_all(request, volume, deadline_s)
        except _DeathError as error:
            self._bury(decoder)
            volume.count_death()
            return str(error)
        except BaseException:
            decoder.kill()
            self._idle.put(None)
            raise
        self._give(decoder)
        return placed

    def decode_picture(self, path: Path) -> np.ndarray:
        """Grey (rows, columns) or RGB (rows, columns, 3) of a PNG, JPEG or TIFF file."""
        return self._ask({"kind": "picture", "path": str(path)}, self.deadline_s)

    def pdf_pages(self, path: Path, ranges: list[tuple[int, int]], data: bytes = b"") -> np.ndarray:
        """Width and height in points of the pages of a PDF inside a file, float64 (pages, 2).

        ``data`` is the document itself where it has no place in the file (deflated objects).
        """
        return self._ask(_pdf_request(path, ranges, data), self.deadline_s)

    def pdf_page(
        self, path: Path, ranges: list[tuple[int, int]], page: int, scale: float,
        data: bytes = b"",
    ) -> np.ndarray:  # fmt: skip
        """One page (from 0) as uint8 (rows, columns, 3), ``scale`` pixels per point.

        Raises
        ------
        DecodeError
            The page is damaged, or takes longer than the deadline.
        """
        request = {**_pdf_request(path, ranges, data), "page": page, "scale": scale}
        return self._ask(request, self.deadline_s)

    def _ask(self, request: dict[str, Any], deadline_s: float) -> np.ndarray:
        key = _frame_key(Path(request["path"]), request.get("ranges", ()))
        death = self._poison.get(key, "")
        if death:
            raise DecodeError(death)
        for share in (FIRST_SHARE, 1 - FIRST_SHARE):  # once more, in a fresh process
            decoder = self._obtain()
            try:
                answer = decoder.ask(request, share * deadline_s)
            except _DeathError as error:
                self._bury(decoder)
                death = str(error)
                continue
            except DecodeError:
                self._give(decoder)
                raise
            except BaseException:
                decoder.kill()
                self._idle.put(None)
                raise
            self._give(decoder)
            return answer
        self._poison[key] = death
        raise DecodeError(death)

    def _take(self) -> _Decoder | None:
        if self._closed.is_set():
            raise DecodeError("the decoders are shut down")
        decoder = self._idle.get()
        if decoder is not None and decoder.process.poll() is not None:  # died while it was idle
            decoder.kill()
            return None
        return decoder

    def _obtain(self) -> _Decoder:
        decoder = self._take()
        if decoder is not None:
            return decoder
        try:
            return _Decoder(self.start_deadline_s)
        except BaseException:
            self._idle.put(None)
            raise

    def _give(self, decoder: _Decoder) -> None:
        if self._closed.is_set() or decoder.worn_out:
            decoder.kill()
            self._idle.put(None)
        else:
            self._idle.put(decoder)

    def _bury(self, decoder: _Decoder) -> None:
        decoder.kill()
        self._idle.put(None)
        self.deaths += 1

    def close(self) -> None:
        """End all processes; waits for frames in work."""
        self._closed.set()
        for _ in range(self.size):
            decoder = self._idle.get()
            if decoder is not None:
                decoder.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
