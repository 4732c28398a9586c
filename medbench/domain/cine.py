"""How frames are played: seconds of each, order, and which frame is due (PS3.3 C.7.6.5)."""

import bisect
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

DEFAULT_RATE = 10.0
"""Frames a second where a file says nothing."""
RATE_LIMITS = (0.5, 120.0)
SLOWEST_RATE = 1.0
"""Slower acquisitions begin at the default: nobody waits half a minute for a frame."""


class CineOrder(StrEnum):
    """What comes after the last frame."""

    LOOP = "loop"
    """The first: Preferred Playback Sequencing (0018,1244) = 0."""
    BOUNCE = "bounce"
    """Backwards to the first: Preferred Playback Sequencing = 1."""
    ONCE = "once"
    """Nothing."""


class CineSource(StrEnum):
    """Where the seconds come from."""

    VECTOR = "Frame Time Vector"
    RECOMMENDED = "Recommended Display Frame Rate"
    FRAME_TIME = "Frame Time"
    CINE_RATE = "Cine Rate"
    DURATION = "Actual Frame Duration"
    MOMENTS = "Frame Reference Date Time"
    NONE = ""


@dataclass(frozen=True)
class CineTiming:
    """What a file says of playing its frames."""

    durations_s: tuple[float, ...] = ()
    """Seconds each frame of the display is shown; empty where the file does not say."""
    source: CineSource = CineSource.NONE
    order: CineOrder = CineOrder.LOOP
    first: int = 0
    last: int | None = None
    """Frames that are worth playing (Start and Stop Trim), 0-based; None: to the end."""

    @property
    def rate(self) -> float:
        """Mean frames a second in the file; 0 where it does not say."""
        total = sum(self.durations_s)
        return len(self.durations_s) / total if total > 0 else 0.0

    @property
    def begin_rate(self) -> float:
        """Frames a second to begin with."""
        rate = self.rate
        return min(rate, RATE_LIMITS[1]) if rate >= SLOWEST_RATE else DEFAULT_RATE

    def at_rate(self, count: int, rate: float) -> tuple[float, ...]:
        """Seconds of ``count`` frames played at a mean rate; their proportions stay."""
        if len(self.durations_s) != count or self.rate <= 0:
            return (1 / rate,) * count
        scale = self.rate / rate
        return tuple(seconds * scale for seconds in self.durations_s)


@dataclass(frozen=True)
class Due:
    """What is to be shown at a moment."""

    frame: int
    passed: int
    """Frames that were due since the start, this one not counted."""
    next_s: float
    """Seconds until the next frame is due; 0 at the end."""
    ended: bool = False


class CineTrack:
    """Frames of one way through a range, on a time line: late frames are dropped, never delayed.

    Parameters
    ----------
    durations_s
        Seconds of every frame of the display.
    first, last
        Frames to be played, 0-based, both included.
    """

    def __init__(
        self, durations_s: Sequence[float], first: int, last: int, order: CineOrder
    ) -> None:
        last = min(max(last, first), len(durations_s) - 1)
        frames = list(range(first, last + 1))
        if order is CineOrder.BOUNCE:
            frames += frames[-2:0:-1]
        self.frames = tuple(frames)
        self.order = order
        self._ends = list(itertools.accumulate(max(durations_s[f], 1e-4) for f in frames))

    @property
    def period_s(self) -> float:
        """Seconds of one way through."""
        return self._ends[-1]

    def start_of(self, frame: int) -> float:
        """When a frame is due the first time; the start of the range for others."""
        if frame not in self.frames:
            return 0.0
        at = self.frames.index(frame)
        return self._ends[at - 1] if at else 0.0

    def due(self, elapsed_s: float) -> Due:
        """What is to be shown ``elapsed_s`` after the first frame came."""
        rounds, within = divmod(max(0.0, elapsed_s), self.period_s)
        if self.order is CineOrder.ONCE and (rounds >= 1 or len(self.frames) == 1):
            return Due(self.frames[-1], len(self.frames) - 1, 0.0, ended=True)
        at = min(bisect.bisect_right(self._ends, within), len(self.frames) - 1)
        passed = int(rounds) * len(self.frames) + at
        ended = self.order is CineOrder.ONCE and at == len(self.frames) - 1
        return Due(self.frames[at], passed, self._ends[at] - within, ended)
