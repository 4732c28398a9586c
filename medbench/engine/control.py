"""What a running job may say and must obey."""

import threading
import time
from collections.abc import Callable
from typing import Any

from medbench.base.errors import CancelledError

_PROGRESS_PERIOD_S = 0.1


class JobControl:
    """Reports of one job to the app, and the app's wishes to the job."""

    def __init__(self, job_id: str, send: Callable[[dict[str, Any]], None]) -> None:
        self.job_id = job_id
        self._send = send
        self._cancelled = threading.Event()
        self._running = threading.Event()
        self._running.set()
        self._last_progress = 0.0
        self._paused_s = 0.0

    def cancel(self) -> None:
        """Set the flag that `checkpoint` reads."""
        self._cancelled.set()
        self._running.set()

    def pause(self) -> None:
        """Let the job wait at its next `checkpoint`."""
        self._running.clear()

    def resume(self) -> None:
        """Let it go on."""
        self._running.set()

    @property
    def paused_s(self) -> float:
        """How long the job has stood still so far."""
        return self._paused_s

    def checkpoint(self) -> None:
        """Called at least once a batch: waits while paused, raises when cancelled."""
        if not self._running.is_set() and not self._cancelled.is_set():
            self.say("paused")
            begin = time.monotonic()
            self._running.wait()
            self._paused_s += time.monotonic() - begin
            if not self._cancelled.is_set():
                self.say("resumed")
        if self._cancelled.is_set():
            raise CancelledError("Stopped.")

    def say(self, kind: str, **fields: Any) -> None:
        """Send an event of this job."""
        self._send({"type": kind, "job_id": self.job_id, **fields})

    def progress(
        self, fraction: float, text: str, *, eta_s: float | None = None, **more: Any
    ) -> None:
        """Report where the job is; at most ten times a second, the end always."""
        now = time.monotonic()
        if now - self._last_progress < _PROGRESS_PERIOD_S and fraction < 1:
            return
        self._last_progress = now
        self.say("progress", fraction=min(1.0, max(0.0, fraction)), text=text, eta_s=eta_s, **more)

    def metric(self, epoch: int, values: dict[str, float | None]) -> None:
        """Report a point of the live curves."""
        self.say("metric", epoch=epoch, values=values)

    def log(self, text: str, level: str = "info") -> None:
        """Report something worth reading."""
        self.say("log", level=level, text=text)
