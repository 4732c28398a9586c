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

    def part(self, begin: float, end: float, words: str) -> "PartControl":
        """Control of a job inside this one, which takes the given share of its progress."""
        return PartControl(self, begin, end, words)


class PartControl(JobControl):
    """Hands wishes down and progress up; metrics of the part stay with the part."""

    def __init__(self, whole: JobControl, begin: float, end: float, words: str) -> None:
        super().__init__(whole.job_id, whole._send)
        self._whole = whole
        self._begin, self._end, self._words = begin, end, words
        self.metrics: list[dict[str, Any]] = []

    @property
    def paused_s(self) -> float:
        return self._whole.paused_s

    def checkpoint(self) -> None:
        self._whole.checkpoint()

    def progress(
        self, fraction: float, text: str, *, eta_s: float | None = None, **more: Any
    ) -> None:
        share = self._begin + (self._end - self._begin) * min(max(fraction, 0.0), 1.0)
        words = f"{self._words}: {text}" if self._words else text
        # the end of a part is not the end of the job
        self._whole.progress(min(share, 0.999), words)

    def metric(self, epoch: int, values: dict[str, Any]) -> None:
        self.metrics.append({"epoch": epoch, **values})

    def log(self, text: str, level: str = "info") -> None:
        if level != "info":
            self._whole.log(f"{self._words}: {text}" if self._words else text, level)
