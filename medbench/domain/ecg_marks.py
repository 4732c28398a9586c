"""What is marked and measured on an ECG: calipers of readers, points of the beat, intervals."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import ClassVar

Place = tuple[float, float]
"""(second of the record, value in the channel's unit)."""


class EcgMarkKind(StrEnum):
    """What a reader put on a trace."""

    CALIPER = "caliper"
    """2 points: time and amplitude between them."""
    MARCH = "march"
    """2 points: an interval, repeated along the strip."""
    SLOPE = "slope"
    """2 points: a straight line and its rise."""
    NOTE = "note"
    """1 point and a text."""
    BEAT = "beat"
    """No points; ``beat`` holds where the reader put the points of the median beat."""


@dataclass(frozen=True)
class Fiducials:
    """Points of the median beat, seconds after its R peak; None where there is none."""

    p_on_s: float | None = None
    qrs_on_s: float | None = None
    j_s: float | None = None
    t_end_s: float | None = None


@dataclass(frozen=True)
class EcgMark:
    """One mark; immutable, replaced by `changed` copies."""

    stored_as: ClassVar[str] = "ecg_mark"

    mark_id: str
    kind: EcgMarkKind
    study_instance_uid: str
    display_key: str
    group: int
    """Multiplex group of the object, from 0."""
    lead: str = ""
    """Name of the channel."""
    unit: str = "mV"
    points: tuple[Place, ...] = ()
    text: str = ""
    """Of a note; of a caliper what it measures ('QRS')."""
    beat: Fiducials = Fiducials()
    reader: str = ""
    created: str = ""
    changed: str = ""
    """ISO 8601."""

    @property
    def record_id(self) -> str:
        """Key in the reading book."""
        return self.mark_id

    @property
    def duration_s(self) -> float:
        """Time between the two points, positive."""
        return abs(self.points[1][0] - self.points[0][0]) if len(self.points) == 2 else 0.0

    @property
    def rise(self) -> float:
        """Value of the later point less that of the earlier one, in ``unit``."""
        if len(self.points) != 2:
            return 0.0
        first, last = sorted(self.points, key=lambda point: point[0])
        return last[1] - first[1]

    @property
    def per_minute(self) -> float | None:
        """Rate that the interval stands for; None for none."""
        return 60.0 / self.duration_s if self.duration_s > 0 else None

    @property
    def slope_per_s(self) -> float | None:
        """Rise by time, ``unit``/s; None where no time lies between the points."""
        return self.rise / self.duration_s if self.duration_s > 0 else None

    def moved(self, points: tuple[Place, ...], when: str) -> "EcgMark":
        """Copy with other points."""
        return replace(self, points=points, changed=when)


@dataclass(frozen=True)
class EcgValue:
    """One number of a record; ``value`` is None where there is none, and ``reason`` says why."""

    name: str
    """rate, pr, qrs, qt, qtc_fridericia, qtc_bazett, axis."""
    value: float | None
    unit: str
    low: float | None = None
    """Lower end of the usual range; None where it has none."""
    high: float | None = None
    reason: str = ""

    @property
    def side(self) -> int:
        """-1 below the usual range, 1 above, 0 inside or unknown."""
        if self.value is None:
            return 0
        if self.low is not None and self.value < self.low:
            return -1
        return 1 if self.high is not None and self.value > self.high else 0
