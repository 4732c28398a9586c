"""Annotations of WFDB records (annot(5) of the WFDB specification, MIT format)."""

import re
from dataclasses import dataclass
from pathlib import Path

from medbench.base.errors import BadInputError, IncompleteError

MAX_FILE_BYTES = 64 << 20
REFERENCE_FIRST = ("atr", "qrs", "ecg", "ari", "pwave", "wqrs")
"""Annotators that are looked for beside a record, the reference first."""
_SKIP, _NUM, _SUB, _CHN, _AUX = 59, 60, 61, 62, 63
_SYMBOLS = {
    1: "N", 2: "L", 3: "R", 4: "a", 5: "V", 6: "F", 7: "J", 8: "A", 9: "S", 10: "E", 11: "j",
    12: "/", 13: "Q", 14: "~", 16: "|", 18: "s", 19: "T", 20: "*", 21: "D", 22: '"', 23: "=",
    24: "p", 25: "B", 26: "^", 27: "t", 28: "+", 29: "u", 30: "?", 31: "!", 32: "[", 33: "]",
    34: "e", 35: "n", 36: "@", 37: "x", 38: "f", 39: "(", 40: ")", 41: "r",
}  # fmt: skip


@dataclass
class Annotation:
    """One annotation; ``symbol`` is WFDB's letter for the code."""

    sample: int
    symbol: str
    subtype: int = 0
    channel: int = 0
    number: int = 0
    text: str = ""

    @property
    def words(self) -> str:
        """What is written at its tick."""
        return f"{self.symbol} {self.text}".strip() if self.text else self.symbol


def read_annotations(path: Path, frame_hz: float) -> tuple[list[Annotation], float]:
    """Annotations in order, and the samples per second in which their times are counted.

    Raises
    ------
    BadInputError, IncompleteError
        The file is too large, ends inside an annotation, or goes back in time.
    """
    size = path.stat().st_size
    if size > MAX_FILE_BYTES:
        raise BadInputError(f"{path.name}: {size} bytes are too many for annotations.")
    raw = path.read_bytes()
    found: list[Annotation] = []
    hertz, position, time = frame_hz, 0, 0
    channel = number = 0

    def take(count: int) -> bytes:
        nonlocal position
        part = raw[position : position + count]
        if len(part) < count:
            raise IncompleteError(f"incomplete: {path.name} ends inside an annotation")
        position += count
        return part

    while position < len(raw):
        word = int.from_bytes(take(2), "little")
        code, step = word >> 10, word & 0x3FF
        if word == 0:
            break
        if code == _SKIP:
            high, low = take(2), take(2)  # a PDP-11 long: the high word comes first
            time += int.from_bytes(low + high, "little", signed=True)
        elif code in (_NUM, _SUB, _CHN):
            value = (step & 0xFF) - 256 if step & 0x80 else step & 0xFF
            if code == _NUM:
                number = value
            elif code == _CHN:
                channel = step & 0xFF
            if found:
                field = {_NUM: "number", _SUB: "subtype", _CHN: "channel"}[code]
                setattr(found[-1], field, channel if code == _CHN else value)
        elif code == _AUX:
            text = take(step + (step & 1))[:step]
            if found:
                found[-1].text = text.split(b"\0")[0].decode("utf-8", "replace").strip()
        else:
            time += step
            if time < 0:
                raise BadInputError(f"{path.name} holds an annotation before the record begins.")
            symbol = _SYMBOLS.get(code, f"[{code}]")
            # channel and number stay until they are changed; subtype does not
            found.append(Annotation(time, symbol, 0, channel, number))
    kept = []
    for item in found:
        match = re.match(r"^## time resolution: ([0-9]{1,9}(?:\.[0-9]{1,9})?)$", item.text)
        if match and float(match[1]) > 0:
            hertz = float(match[1])
        elif not item.text.startswith("## "):
            kept.append(item)
    return kept, hertz


def annotation_file(header: Path) -> Path | None:
    """The annotations beside a header; the reference annotator is preferred."""
    for suffix in REFERENCE_FIRST:
        candidate = header.with_suffix(f".{suffix}")
        if candidate.is_file() and candidate.resolve().parent == header.resolve().parent:
            return candidate
    return None
