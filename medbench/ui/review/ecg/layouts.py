"""Which lead stands where on the page, and which seconds it shows there."""

from dataclasses import dataclass
from enum import StrEnum

from medbench.domain.objects import Waveform

LIMB = ("I", "II", "III", "aVR", "aVL", "aVF")
CHEST = ("V1", "V2", "V3", "V4", "V5", "V6")
TWELVE = LIMB + CHEST
_ENOUGH_LEADS = 8
"""I, II, V1 to V6 make a 12-lead ECG; the other four follow from I and II."""


class Layout(StrEnum):
    """Arrangement of a page."""

    THREE_BY_FOUR = "3x4"
    """Three rows of four leads, and lead II below."""
    SIX_BY_TWO = "6x2"
    TWELVE_ROWS = "12x1"
    CHANNELS = "channels"
    """Every channel of the record in a row of its own."""


@dataclass(frozen=True)
class Strip:
    """One lead in one place: the ``column``-th of ``columns`` equal parts of a row."""

    name: str
    channel: int | None
    """None: the record does not hold this lead."""
    row: int
    column: int = 0
    columns: int = 1


def is_twelve_lead(waveform: Waveform) -> bool:
    """Whether the record holds most of the twelve standard leads, in millivolts."""
    names = {c.name for c in waveform.channels if c.unit == "mV"}
    return len(names & set(TWELVE)) >= _ENOUGH_LEADS


def layouts_of(waveform: Waveform) -> tuple[Layout, ...]:
    """Layouts that make sense for a record; the first is the default."""
    return tuple(Layout) if is_twelve_lead(waveform) else (Layout.CHANNELS,)


def strips_of(waveform: Waveform, layout: Layout) -> tuple[Strip, ...]:
    """Every strip of a page."""
    channels: dict[str, int] = {}
    for index, channel in enumerate(waveform.channels):
        channels.setdefault(channel.name, index)

    def strip(name: str, row: int, column: int = 0, columns: int = 1) -> Strip:
        return Strip(name, channels.get(name), row, column, columns)

    if layout is Layout.CHANNELS:
        return tuple(Strip(c.name, i, i) for i, c in enumerate(waveform.channels))
    if layout is Layout.TWELVE_ROWS:
        return tuple(strip(name, row) for row, name in enumerate(TWELVE))
    if layout is Layout.SIX_BY_TWO:
        return tuple(strip(name, i % 6, i // 6, 2) for i, name in enumerate(TWELVE))
    grid = tuple(strip(name, i % 3, i // 3, 4) for i, name in enumerate(TWELVE))
    return (*grid, strip("II", 3))


def rows_of(strips: tuple[Strip, ...]) -> int:
    """Rows of a page."""
    return 1 + max((s.row for s in strips), default=0)


def simultaneous(duration_s: float, page_s: float) -> bool:
    """Whether all columns begin at the same time.

    A record shorter than the page would leave the later columns empty otherwise.
    """
    return duration_s < 0.98 * page_s


def times_of(strip: Strip, start_s: float, page_s: float, *, together: bool) -> tuple[float, float]:
    """First and last second that a strip shows."""
    width = page_s / strip.columns
    begin = start_s + (0.0 if together else strip.column * width)
    return begin, begin + width
