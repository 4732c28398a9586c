"""Waveforms of any kind of file that medbench opens, and their beats with what was said of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medbench.base.errors import BadInputError
from medbench.domain.objects import Waveform
from medbench.formats.wfdb_header import HEADER_SUFFIX

AAMI: dict[str, str] = {
    **dict.fromkeys("NLRej", "N"),
    **dict.fromkeys("AaJS", "S"),
    **dict.fromkeys("VE", "V"),
    "F": "F",
    **dict.fromkeys("/fQ", "Q"),
}
"""Annotated beat -> its class of ANSI/AAMI EC57: normal and bundle branch, supraventricular,
ventricular, fusion, and paced or not classifiable."""
WAVES = {"p": "P", "N": "QRS", "t": "T"}
BEFORE_S, AFTER_S = 0.45, 0.55
"""Around the R peak: with the end of the beat before, which shows how early this one is."""
PIECE_S = 4.0
QRS_S = 0.06
LONGEST_S = 30.0
"""Of a whole record."""


@dataclass(frozen=True)
class MarkedBeat:
    """One beat: the sample of its R peak, and its AAMI class ('' where nobody said)."""

    sample: int
    kind: str


def is_record(path: Path) -> bool:
    """Whether a file is a WFDB header, or starts as a DICOM file does (PS3.10 7.1)."""
    if path.suffix.lower() == HEADER_SUFFIX:
        return True
    with path.open("rb") as handle:
        return handle.read(132)[128:] == b"DICM"


def records_in(folder: Path) -> Iterator[Path]:
    """WFDB headers and DICOM files of a folder, in the order of their names."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.startswith(".") and is_record(path):
            yield path


def read_record(path: Path) -> Waveform:
    """The waveform with the most ECG leads of a WFDB record or a DICOM waveform object.

    Raises
    ------
    BadInputError, DecodeError, IncompleteError
        It holds none, or is damaged.
    """
    from medbench.dicom.waveform import read_waveforms
    from medbench.imaging.ecg_beats import ecg_channels

    if path.suffix.lower() == HEADER_SUFFIX or path.with_suffix(HEADER_SUFFIX).is_file():
        from medbench.formats.wfdb import header_of, read_wfdb  # brings pydicom

        found = read_wfdb(header_of(path))
    else:
        found = read_waveforms(path)

    def leads(wave: Waveform) -> tuple[int, int]:
        names, units = [c.name for c in wave.channels], [c.unit for c in wave.channels]
        return len(ecg_channels(names, units)), wave.samples.shape[1]

    best = max(found, key=leads)
    if not leads(best)[0]:
        raise BadInputError(f"{path.name} holds no lead in millivolts.")
    return best


def leads_of(wave: Waveform) -> dict[str, int]:
    """ECG leads by name, in the order of the standard."""
    from medbench.imaging.ecg_beats import ecg_channels

    names, units = [c.name for c in wave.channels], [c.unit for c in wave.channels]
    found: dict[str, int] = {}
    for index in ecg_channels(names, units):
        found.setdefault(names[index], index)
    return found


def annotated_beats(wave: Waveform) -> list[MarkedBeat]:
    """Beats among the marks of a record, with their AAMI classes."""
    return [
        MarkedBeat(round(seconds * wave.sampling_hz), AAMI[words.split()[0]])
        for seconds, words in wave.marks
        if words.split() and words.split()[0] in AAMI
    ]


def beats_of(wave: Waveform) -> list[MarkedBeat]:
    """Annotated beats; where there are none, the ones that are found in the signal."""
    from medbench.imaging.ecg_beats import find_beats

    if marked := annotated_beats(wave):
        return marked
    rows = list(leads_of(wave).values())
    found = find_beats(wave.samples[rows], wave.sampling_hz)
    return [MarkedBeat(int(sample), "") for sample in found.samples]


def wave_marks(wave: Waveform) -> NDArray[np.int16]:
    """Class per sample from annotated waves "( p )": 0 nothing, then P, QRS, T; -1 outside.

    Outside are the samples before the first and after the last annotated wave.
    """
    out = np.full(wave.samples.shape[1], -1, np.int16)
    begin, kind, spans = None, None, []
    for seconds, words in wave.marks:
        sign = words.split()[0] if words.split() else ""
        at = round(seconds * wave.sampling_hz)
        if sign == "(":
            begin, kind = at, None
        elif sign in WAVES:
            kind = list(WAVES).index(sign) + 1
        elif sign == ")" and begin is not None and kind is not None:
            spans.append((begin, at, kind))
            begin = None
    if spans:
        out[spans[0][0] : spans[-1][1] + 1] = 0
    for first, last, number in spans:
        out[first : last + 1] = number
    return out


def cut(
    samples: NDArray[np.floating], centre: int, before: int, after: int, rows: Sequence[int]
) -> NDArray[np.float32]:
    """(before + after, leads) around a sample; NaN beyond the record's ends."""
    out = np.full((before + after, len(rows)), np.nan, np.float32)
    first, last = centre - before, centre + after
    low, high = max(first, 0), min(last, samples.shape[1])
    if low < high:
        out[low - first : high - first] = samples[list(rows), low:high].T
    return out
