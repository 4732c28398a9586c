"""A few warm decoder processes, watched: a crash or a hang costs one frame, never the app."""

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from medbench.base.errors import DecodeError
from medbench.dicom.pixels import PixelFormat

DEADLINE_S = 10.0
SLOW_PIXELS = 32_000_000
SECONDS_PER_MEGAPIXEL = 0.3
START_DEADLINE_S = 30.0
MAX_REPLY_BYTES = 1 << 30


class _DeathError(Exception):
    """The decoder died or was killed; the text says how."""


class _Decoder:
    """One process and its pipe."""

    def __init__(self) -> None:
        self.link, child = Pipe()
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
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

    def ask(self, request: dict[str, Any], deadline_s: float) -> np.ndarray:
        """One request; raises `_DeathError` when the process does not answer in time."""
        try:
            if not self._ready:
                self._receive(self.link, START_DEADLINE_S)
                self._ready = True
            self.link.send_bytes(json.dumps(request).encode())
            head = json.loads(self._receive(self.link, deadline_s))
            if "error" in head:
                raise DecodeError(head["error"])
            data = self._receive(self.link, deadline_s)
        except (EOFError, OSError) as error:
            raise _DeathError("the decoder crashed") from error
        return np.frombuffer(bytearray(data), head["dtype"]).reshape(head["shape"])

    def _receive(self, link: Connection, deadline_s: float) -> bytes:
        if not link.poll(deadline_s):
            raise _DeathError(f"the decoder gave no answer within {deadline_s:.0f} s")
        return link.recv_bytes(MAX_REPLY_BYTES)

    def kill(self) -> None:
        """End it and wait for it."""
        with contextlib.suppress(OSError):
            self.link.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class DecoderPool:
    """Decoder processes, started on first need; safe to use from several threads.

    Close it, or use it as a context manager.
    """

    def __init__(self, processes: int | None = None, *, deadline_s: float = DEADLINE_S) -> None:
        self.size = processes or max(1, min(os.cpu_count() or 1, 4))
        self.deadline_s = deadline_s
        self._idle: queue.LifoQueue[_Decoder | None] = queue.LifoQueue()
        for _ in range(self.size):
            self._idle.put(None)
        self._closed = threading.Event()
        self.deaths = 0

    def warm(self) -> None:
        """Start one process ahead of need, without waiting for it."""
        decoder = self._take()
        self._idle.put(decoder if decoder is not None else _Decoder())

    def decode(self, path: Path, ranges: list[tuple[int, int]], form: PixelFormat) -> np.ndarray:
        """Stored values of one compressed frame.

        Raises
        ------
        DecodeError
            The frame is damaged, or its decoder died twice.
        """
        pixels = form.rows * form.columns
        extra = max(0, pixels - SLOW_PIXELS) / 1e6 * SECONDS_PER_MEGAPIXEL
        request = {
            "kind": "frame",
            "path": str(path),
            "ranges": [list(r) for r in ranges],
            "format": form.to_json(),
        }
        return self._ask(request, self.deadline_s + extra)

    def decode_picture(self, path: Path) -> np.ndarray:
        """Grey (rows, columns) or RGB (rows, columns, 3) of a PNG, JPEG or TIFF file."""
        return self._ask({"kind": "picture", "path": str(path)}, self.deadline_s)

    def _ask(self, request: dict[str, Any], deadline_s: float) -> np.ndarray:
        death = ""
        for _attempt in range(2):  # once more, in a fresh process
            decoder = self._take() or _Decoder()
            try:
                answer = decoder.ask(request, deadline_s)
            except _DeathError as error:
                decoder.kill()
                self._idle.put(None)
                self.deaths += 1
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
        raise DecodeError(death)

    def _take(self) -> _Decoder | None:
        if self._closed.is_set():
            raise DecodeError("the decoders are shut down")
        decoder = self._idle.get()
        if decoder is not None and decoder.process.poll() is not None:  # recycled after its quota
            decoder.kill()
            return None
        return decoder

    def _give(self, decoder: _Decoder) -> None:
        if self._closed.is_set():
            decoder.kill()
            self._idle.put(None)
        else:
            self._idle.put(decoder)

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
