"""Plays frames by the clock: what is late is dropped, the speed stays."""

import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from medbench.domain.cine import CineOrder, CineTrack

_MEASURE_S = 2.0
_SHORTEST_MS = 1
_RETRY_S = 0.02


class Target(Protocol):
    """Something that shows one of several frames."""

    @property
    def count(self) -> int: ...

    @property
    def index(self) -> int: ...

    def show(self, index: int) -> None: ...

    def ready(self, index: int) -> bool: ...


class CinePlayer(QObject):
    """Shows the frame that is due; the clock runs on whatever the screen does.

    Signals
    -------
    changed
        It began or stopped.
    measured : float, int
        Frames a second that were shown, and how many were dropped since the start.
    """

    changed = Signal()
    measured = Signal(float, int)

    def __init__(
        self, parent: QObject | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(parent)
        self._clock = clock
        self._target: Target | None = None
        self._track: CineTrack | None = None
        self._began = 0.0
        self._last_shown = -1
        self._passed = -1
        self._dropped = 0
        self._times: deque[float] = deque()
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.tick)

    @property
    def playing(self) -> bool:
        """Whether it runs."""
        return self._target is not None

    @property
    def target(self) -> Target | None:
        """What it plays."""
        return self._target

    @property
    def dropped(self) -> int:
        """Frames that came too late to be shown."""
        return self._dropped

    @property
    def rate(self) -> float:
        """Frames a second over the last two seconds; 0 before two were shown."""
        if len(self._times) < 2:
            return 0.0
        span = self._times[-1] - self._times[0]
        return (len(self._times) - 1) / span if span > 0 else 0.0

    def play(self, target: Target, track: CineTrack) -> None:
        """Begin at the frame that is shown (of a range that is over: at its start)."""
        self._target, self._track = target, track
        self._dropped = 0
        self._times.clear()
        start = track.start_of(target.index)
        if track.order is CineOrder.ONCE and target.index == track.frames[-1]:
            start = 0.0
        self._anchor(start)
        self.changed.emit()
        self.tick()

    def retime(self, track: CineTrack) -> None:
        """Another speed, range or order, from the frame that is shown."""
        if self._target is not None:
            self._track = track
            self._times.clear()
            self._anchor(track.start_of(self._target.index))
            self.tick()

    def _anchor(self, at_s: float) -> None:
        self._began = self._clock() - at_s
        self._last_shown = -1
        self._passed = -1

    def stop(self) -> None:
        """Stop at the frame that is shown."""
        self._timer.stop()
        if self._target is not None:
            self._target = None
            self.changed.emit()

    @Slot()
    def tick(self) -> None:
        """Show what is due now, and come back when the next one is."""
        target, track = self._target, self._track
        if target is None or track is None:
            return
        if self._last_shown >= 0 and target.index != self._last_shown:
            self._anchor(track.start_of(target.index))  # the reader scrolled: go on from there
        due = track.due(self._clock() - self._began)
        wait, ended = due.next_s, due.ended
        if due.frame != target.index and not target.ready(due.frame):
            wait, ended = _RETRY_S, False
        elif due.passed != self._passed:
            if self._passed >= 0:
                self._dropped += max(0, due.passed - self._passed - 1)
            self._passed = due.passed
            if due.frame != target.index:
                target.show(due.frame)
            self._last_shown = target.index
            self._note()
        if ended:
            self.stop()
            return
        self._timer.start(max(_SHORTEST_MS, round(wait * 1000)))

    def _note(self) -> None:
        now = self._clock()
        self._times.append(now)
        while self._times and now - self._times[0] > _MEASURE_S:
            self._times.popleft()
        self.measured.emit(self.rate, self._dropped)
