"""Headers of WFDB records (header(5) of the WFDB specification): text, one line a signal."""

import math
import re
from dataclasses import dataclass, replace
from pathlib import Path

from medbench.base.errors import BadInputError

HEADER_SUFFIX = ".hea"
MAX_HEADER_BYTES = 1 << 20
MAX_SIGNALS = 512
MAX_SEGMENTS = 10_000
DEFAULT_HZ = 250.0
DEFAULT_GAIN = 200.0
FORMATS = (0, 8, 16, 24, 32, 61, 80, 160, 212, 310, 311, 508, 516, 524)

_MOST_DIGITS = 20
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_RATE = re.compile(rf"^({_NUMBER})(?:/{_NUMBER}(?:\({_NUMBER}\))?)?$")
_GAIN = re.compile(rf"^({_NUMBER})(?:\(([-+]?\d{{1,18}})\))?(?:/(\S+))?$")
_FORMATS = "|".join(str(f) for f in sorted(FORMATS, reverse=True))
_SIGNAL = re.compile(
    rf"^(?P<file>\S.*?)\s+(?P<format>{_FORMATS})(?:x(?P<per>\d{{1,18}}))?(?::(?P<skew>\d{{1,18}}))?"
    r"(?:\+(?P<offset>\d{1,18}))?(?:\s+(?P<rest>.*))?$"
)
_RECORD = re.compile(
    r"^(?P<name>\S.*?)(?:/(?P<segments>\d{1,18}))?\s+(?P<signals>\d{1,18})(?:\s+(?P<rest>.*))?$"
)


@dataclass(frozen=True)
class Signal:
    """One line of the header: where a signal is stored, and what its numbers mean."""

    file: str
    format: int
    name: str
    samples_per_frame: int = 1
    skew: int = 0
    """Frames that lie before frame 0."""
    offset_bytes: int = 0
    """What precedes the samples in the file, e.g. the head of a MATLAB file."""
    gain: float = DEFAULT_GAIN
    """Stored steps per unit."""
    baseline: int = 0
    """Stored value of 0 units."""
    unit: str = "mV"
    calibrated: bool = True
    initial: int | None = None
    checksum: int | None = None
    block_size: int = 0


@dataclass(frozen=True)
class RecordHeader:
    """What a .hea file says."""

    path: Path
    name: str
    frame_hz: float
    frames: int | None
    """Samples of a signal with one sample per frame; None where the header does not say."""
    signals: tuple[Signal, ...]
    segments: tuple[tuple[str, int], ...] = ()
    """Name ("~" is a gap) and frames of each part of a multi-segment record."""
    time: str = ""
    date: str = ""
    """ISO, or empty."""
    comments: tuple[str, ...] = ()


def read_record_header(path: Path) -> RecordHeader:
    """Read a .hea file.

    Raises
    ------
    BadInputError
        It is no WFDB header, or says what cannot be.
    """
    size = path.stat().st_size
    if size > MAX_HEADER_BYTES:
        raise BadInputError(f"{path.name} is no WFDB header: {size} bytes are too many for one.")
    raw = path.read_bytes()
    if b"\0" in raw:
        raise BadInputError(f"{path.name} is no WFDB header: it is not text.")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    lines: list[str] = []
    comments: list[str] = []
    for line in (part.strip() for part in text.splitlines()):
        if line.startswith("#"):
            if lines and (words := line.lstrip("# \t")):
                comments.append(words)
        elif line:
            lines.append(line)
    if not lines:
        raise BadInputError(f"{path.name} is no WFDB header: it has no record line.")
    header, count, parts = _record_line(lines[0], path)
    body = lines[1:]
    if len(body) < (parts or count):
        raise BadInputError(
            f"{path.name} names {parts or count} {'segments' if parts else 'signals'} "
            f"and describes {len(body)}."
        )
    if parts:
        segments = tuple(_segment_line(line, path) for line in body[:parts])
        return replace(header, segments=segments, comments=tuple(comments))
    signals = tuple(_signal_line(line, i, path) for i, line in enumerate(body[:count]))
    return replace(header, signals=signals, comments=tuple(comments))


def _record_line(line: str, path: Path) -> tuple[RecordHeader, int, int]:
    """Header without signals, number of signals, number of segments (0 in a plain record)."""
    bad = BadInputError(f"{path.name} is no WFDB header: its first line names no record.")
    own = line.startswith((path.stem + " ", path.stem + "/"))  # names may hold spaces and digits
    match = _RECORD.match("r" + line[len(path.stem) :] if own else line)
    if match is None:
        raise bad
    name = path.stem if own else match["name"]
    count, parts = int(match["signals"]), int(match["segments"] or 0)
    if count > MAX_SIGNALS or parts > MAX_SEGMENTS:
        raise BadInputError(f"{path.name} names {count} signals in {parts} segments: too many.")
    if count == 0:
        raise BadInputError(f"{path.name} describes no signal; there is nothing to show.")
    rest = (match["rest"] or "").split()
    rate, frames, time, date = DEFAULT_HZ, None, "", ""
    if rest:
        found = _RATE.match(rest[0])
        if found is None:
            raise bad
        rate = float(found[1])
    if len(rest) > 1:
        if not rest[1].isdecimal() or len(rest[1]) > _MOST_DIGITS:
            raise bad
        frames = int(rest[1]) or None
    if len(rest) > 2:
        time = rest[2] if re.match(r"^\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?$", rest[2]) else ""
    if len(rest) > 3 and (day := re.match(r"^(\d{1,2})/(\d{1,2})/(\d{4})$", rest[3])):
        date = f"{day[3]}-{int(day[2]):02d}-{int(day[1]):02d}"
    if not (math.isfinite(rate) and 0 < rate < 1e7):
        raise BadInputError(f"{path.name} says {rate} samples per second: no trace can be made.")
    return RecordHeader(path, name, rate, frames, (), (), time, date), count, parts


def _segment_line(line: str, path: Path) -> tuple[str, int]:
    name, _, length = line.rpartition(" ")
    if not name.strip() or not length.isdecimal() or len(length) > _MOST_DIGITS:
        raise BadInputError(f"{path.name} has a segment line that cannot be read: {line[:60]!r}.")
    return name.strip(), int(length)


def _signal_line(line: str, index: int, path: Path) -> Signal:
    match = _SIGNAL.match(line)
    if match is None:
        raise BadInputError(f"{path.name}: the line of signal {index + 1} cannot be read.")
    per_frame = int(match["per"] or 1)
    if not 1 <= per_frame <= 10_000:
        raise BadInputError(f"{path.name}: signal {index + 1} has {per_frame} samples per frame.")
    tokens = (match["rest"] or "").split(None, 6)
    gain, baseline, unit = DEFAULT_GAIN, None, "mV"
    calibrated = False
    if tokens and (found := _GAIN.match(tokens[0])):
        tokens = tokens[1:]
        unit = found[3] or "mV"
        baseline = None if found[2] is None else int(found[2])
        stated = float(found[1])
        if stated and math.isfinite(stated):
            gain, calibrated = stated, True
    numbers: list[int | None] = []
    while tokens and len(numbers) < 5 and re.match(r"^[-+]?\d{1,12}$", tokens[0]):
        numbers.append(int(tokens.pop(0)))
    numbers += [None] * (5 - len(numbers))
    _resolution, zero, initial, checksum, block = numbers
    return Signal(
        file=match["file"],
        format=int(match["format"]),
        name=" ".join(tokens) or f"Signal {index + 1}",
        samples_per_frame=per_frame,
        skew=int(match["skew"] or 0),
        offset_bytes=int(match["offset"] or 0),
        gain=gain,
        baseline=(zero or 0) if baseline is None else baseline,
        unit=unit,
        calibrated=calibrated,
        initial=initial,
        checksum=checksum,
        block_size=block or 0,
    )


def beside(path: Path, name: str) -> Path:
    """A file that a header names: it must lie in the header's own folder (BadInputError)."""
    bad = BadInputError(
        f"{path.name} points at {name[:80]!r}, which is no file of its own folder; "
        "copy the record's files into one folder."
    )
    if not name or Path(name).name != name or name in (".", "..") or re.search(r"[\\/:]", name):
        raise bad
    folder = path.resolve().parent
    found = path.parent / name
    if found.resolve().parent != folder:
        raise bad
    return found
