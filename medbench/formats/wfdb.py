"""WFDB records: PhysioNet's waveforms, a .hea header beside files of samples and annotations."""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medbench.base.errors import BadInputError, MedbenchError
from medbench.dicom.waveform import lead_name
from medbench.domain.image import DisplayKind, DisplaySet, FrameRef, Instance, Series, Study
from medbench.domain.objects import Channel, Waveform
from medbench.formats.wfdb_annotations import REFERENCE_FIRST, annotation_file, read_annotations
from medbench.formats.wfdb_header import (
    HEADER_SUFFIX,
    RecordHeader,
    Signal,
    beside,
    read_record_header,
)
from medbench.formats.wfdb_samples import MAX_SAMPLES, invalid_value, read_signal_file

SUFFIXES = (HEADER_SUFFIX, ".dat", *(f".{name}" for name in REFERENCE_FIRST))
"""What may be opened to see a record."""
_TO_MILLIVOLT = {"V": 1000.0, "mV": 1.0, "uV": 1e-3, "nV": 1e-6}


def header_of(path: Path) -> Path:
    """The header of a record, given any of its files (BadInputError when there is none)."""
    found = path if path.suffix.lower() == HEADER_SUFFIX else path.with_suffix(HEADER_SUFFIX)
    if not found.is_file():
        raise BadInputError(f"{path.name}: there is no header {found.name} beside it.")
    return found


def read_wfdb(path: Path) -> tuple[Waveform, ...]:
    """A record in physical units; one waveform for each sampling rate in it.

    A signal whose checksum or first value differs from the header's gets a warning.

    Raises
    ------
    BadInputError, IncompleteError
        The header or the samples cannot be used; the sentence says which.
    """
    header = read_record_header(header_of(path))
    marks, notes = _marks(header)
    texts = header.comments
    found = []
    for rate, part in _by_rate(header):
        warnings: list[str] = []
        if header.segments:
            channels, samples = _segments(header, warnings)
        else:
            channels, samples = _signals(header, part, warnings)
        samples.setflags(write=False)
        several = len({s.samples_per_frame for s in header.signals}) > 1
        found.append(
            Waveform(
                label=f"{rate:g} Hz" if several else header.name,
                sampling_hz=rate,
                channels=tuple(channels),
                samples=samples,
                marks=marks,
                warnings=(*warnings, *notes),
                annotations=_corners(header),
                comments=texts,
            )
        )
    return tuple(found)


def _by_rate(header: RecordHeader) -> list[tuple[float, list[int]]]:
    """Sampling rates in order of appearance, and the signals of each."""
    if header.segments:
        return [(header.frame_hz, [])]
    groups: dict[int, list[int]] = {}
    for index, signal in enumerate(header.signals):
        groups.setdefault(signal.samples_per_frame, []).append(index)
    return [(header.frame_hz * per_frame, part) for per_frame, part in groups.items()]


def _signals(
    header: RecordHeader, wanted: Sequence[int], warnings: list[str]
) -> tuple[list[Channel], NDArray[np.float32]]:
    """Some signals of a plain record, (signals, samples)."""
    stored: dict[int, NDArray[np.int32]] = {}
    for members in _files(header.signals):
        if not set(members) & set(wanted):
            continue
        signals = [header.signals[i] for i in members]
        source = beside(header.path, signals[0].file)
        read = zip(members, read_signal_file(source, signals, header.frames), strict=True)
        stored |= {index: values for index, values in read if index in wanted}
    length = max(len(stored[i]) for i in wanted)
    if length * len(wanted) > MAX_SAMPLES:
        raise BadInputError(f"{header.path.name}: more than {MAX_SAMPLES} samples are not opened.")
    out = np.full((len(wanted), length), np.nan, np.float32)
    channels = []
    for row, index in zip(out, wanted, strict=True):
        signal, values = header.signals[index], stored.pop(index)
        _verify(signal, values, warnings)
        channel, factor = _channel(signal)
        channels.append(channel)
        physical = ((values - float(signal.baseline)) * factor).astype(np.float32)
        missing = invalid_value(signal.format)
        if missing is not None:
            physical[values == missing] = np.nan
        shift = signal.skew * signal.samples_per_frame
        physical = physical[shift:]
        row[: len(physical)] = physical
    return channels, out


def _files(signals: Sequence[Signal]) -> list[list[int]]:
    """Neighbouring signals that share a file: they are interleaved in it."""
    groups: list[list[int]] = []
    for index, signal in enumerate(signals):
        if groups and signals[groups[-1][0]].file == signal.file:
            groups[-1].append(index)
        else:
            groups.append([index])
    return groups


def _channel(signal: Signal) -> tuple[Channel, float]:
    """The channel, and units per stored step (microvolts are shown as millivolts)."""
    scale = _TO_MILLIVOLT.get(signal.unit)
    unit = "mV" if scale is not None else signal.unit
    words = f"{signal.gain:g} per {signal.unit}"
    return Channel(lead_name(signal.name), unit, words), (scale or 1.0) / signal.gain


def _verify(signal: Signal, values: NDArray[np.int32], warnings: list[str]) -> None:
    """Compare the 16-bit sum and the first value with the header's."""
    if not signal.calibrated:
        warnings.append(f"{signal.name}: no gain is stated, 200 steps per {signal.unit} assumed")
    if signal.checksum is not None:
        total = int(values.sum(dtype=np.int64)) & 0xFFFF
        if total != signal.checksum & 0xFFFF:
            warnings.append(
                f"{signal.name}: the samples are not the ones the header was written for "
                f"(checksum {total}, header {signal.checksum & 0xFFFF})"
            )
    if signal.initial is not None and int(values[0]) != signal.initial:
        warnings.append(
            f"{signal.name}: the first sample is {int(values[0])}, the header says {signal.initial}"
        )


def _segments(
    header: RecordHeader, warnings: list[str]
) -> tuple[list[Channel], NDArray[np.float32]]:
    """A multi-segment record, put together by the names of its signals; gaps are NaN."""
    parts = [
        (None if name == "~" else read_record_header(beside(header.path, f"{name}.hea")), frames)
        for name, frames in header.segments
    ]
    described = [part for part, _ in parts if part is not None]
    if not described:
        raise BadInputError(f"{header.path.name}: every segment of the record is empty.")
    if any(part.segments for part in described):
        raise BadInputError(f"{header.path.name}: a segment consists of segments itself.")
    if any(s.samples_per_frame != 1 for part in described for s in part.signals):
        raise BadInputError(f"{header.path.name}: segments with several rates are not supported.")
    layout = described[0].signals
    names = [lead_name(s.name) for s in layout]
    channels = [_channel(s)[0] for s in layout]
    total = sum(frames for _, frames in parts)
    if total < 1 or total * len(names) > MAX_SAMPLES:
        raise BadInputError(f"{header.path.name}: {total} samples in all segments together.")
    out = np.full((len(names), total), np.nan, np.float32)
    at = 0
    for part, frames in parts:
        if part is not None and frames:
            if part.frames is not None and part.frames != frames:
                raise BadInputError(
                    f"{part.path.name} holds {part.frames} samples, {header.path.name} "
                    f"expects {frames}."
                )
            _fill(out[:, at : at + frames], part, names, channels, warnings)
        at += frames
    return channels, out


def _fill(
    out: NDArray[np.float32], part: RecordHeader, names: list[str], channels: list[Channel],
    warnings: list[str],
) -> None:  # fmt: skip
    known = [i for i, s in enumerate(part.signals) if s.file != "~" and s.format != 0]
    if not known:
        return
    found, samples = _signals(part, known, warnings)
    for channel, values in zip(found, samples, strict=True):
        if channel.name not in names:
            warnings.append(f"{part.path.name}: {channel.name} is in no other segment, left out")
            continue
        row = names.index(channel.name)
        if channel.unit != channels[row].unit:
            raise BadInputError(f"{part.path.name}: {channel.name} has another unit than before.")
        count = min(len(values), out.shape[1])
        out[row, :count] = values[:count]


def _marks(header: RecordHeader) -> tuple[tuple[tuple[float, str], ...], tuple[str, ...]]:
    """Annotations beside the record, and what went wrong with them."""
    source = annotation_file(header.path)
    if source is None:
        return (), ()
    try:
        found, hertz = read_annotations(source, header.frame_hz)
    except MedbenchError as error:  # the trace is worth showing without them
        return (), (f"annotations are left out: {error}",)
    return tuple((item.sample / hertz, item.words) for item in found), ()


def _corners(header: RecordHeader) -> dict[str, str]:
    age, sex = _comment(header, "age", r"\d{1,3}"), _comment(header, "sex", r"[A-Za-z]+")
    texts = {
        "patient_id": header.name,
        "patient_sex": sex[:1].upper(),
        "patient_age": f"{age} y" if age else "",
        "study_date": header.date,
        "study_time": header.time,
    }
    return {key: value for key, value in texts.items() if value}


def _comment(header: RecordHeader, key: str, form: str) -> str:
    for line in header.comments:
        match = re.search(rf"(?:^|<){key}>?\s*:\s*({form})", line, re.IGNORECASE)
        if match:
            return match[1]
    return ""


def wfdb_study(path: Path) -> Study:
    """A record as a study with one waveform display; only headers and file sizes are looked at.

    Raises
    ------
    BadInputError
        There is no header, or a file that it names is missing.
    """
    header = read_record_header(header_of(path))
    for name in dict.fromkeys(s.file for s in header.signals):
        if not beside(header.path, name).is_file():
            raise BadInputError(f"{name}, which holds the samples, is not in the folder.")
    for name in dict.fromkeys(name for name, _ in header.segments if name != "~"):
        if not beside(header.path, f"{name}.hea").is_file():
            raise BadInputError(f"{name}.hea, a segment of the record, is not in the folder.")
    source = header.path
    uid = "wfdb." + hashlib.sha256(str(source.resolve()).encode()).hexdigest()[:24]
    seconds = (header.frames or 0) / header.frame_hz
    whole = round(seconds)
    length = f"{seconds:.1f} s" if seconds < 120 else f"{whole // 60}:{whole % 60:02d} min"
    words = f"{header.frame_hz:g} Hz" + (f", {length}" if seconds else "")
    corners = _corners(header)
    description = f"WFDB record {header.name}"
    display = DisplaySet(
        display_id="1.1.1",
        kind=DisplayKind.WAVEFORM,
        modality="ECG",
        description=words,
        rows=0,
        columns=0,
        frames=(FrameRef(source, 0, uid),),
        source="wfdb",
        study_instance_uid=uid,
        series_instance_uid=uid,
    )
    instance = Instance(source, uid, "", "")
    return Study(
        study_instance_uid=uid,
        patient_id=header.name,
        patient_name="",
        patient_sex=corners.get("patient_sex", ""),
        patient_birth_date="",
        study_date=header.date,
        study_time=header.time[:5],
        description=description,
        institution="",
        series=(Series(uid, "ECG", words, 1, (instance,), (display,)),),
    )
