"""Waveforms: channels in physical units (PS3.3 C.10.9, PS3.5 8.3), annotations (C.10.10)."""

import re
from pathlib import Path
from typing import Any

import numpy as np

from medbench.base.errors import BadInputError, DecodeError, IncompleteError
from medbench.dicom.dataset import damage_named, read_dataset
from medbench.dicom.frame_info import corner_texts
from medbench.dicom.guard import Header, read_header
from medbench.domain.objects import Channel, Waveform

_TYPES = {"SB": "i1", "UB": "u1", "SS": "i2", "US": "u2", "SL": "i4", "UL": "u4",
          "SV": "i8", "UV": "u8", "MB": "u1", "AB": "u1"}  # fmt: skip
_MAX_BYTES = 1 << 30
_MAX_MARKS = 200_000
_MAX_CHANNELS = 512
_MAX_SKEW_S = 60.0
_TO_MILLIVOLT = {"V": 1000.0, "mV": 1.0, "uV": 1e-3, "nV": 1e-6}
# UCUM code -> what a reader expects to see (PS3.16 CID 3082)
_SHOWN_UNITS = {"mm[Hg]": "mmHg", "cm[H2O]": "cmH2O", "Cel": "°C", "Ohm": "ohm", "1": "", "{1}": ""}
_LEADS = {n.upper(): n for n in ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4",
                                 "V5", "V6")}  # fmt: skip


@damage_named("the waveform")
def read_waveforms(path: Path) -> tuple[Waveform, ...]:
    """All multiplex groups of a waveform object, values in the channels' own units.

    Raises
    ------
    BadInputError, DecodeError, IncompleteError
        There is none, or its data do not fit the description.
    """
    header = read_header(path)
    dataset = read_dataset(path)
    items = dataset.get("WaveformSequence") or ()
    if not items:
        raise BadInputError(f"{path.name} holds no waveform.")
    found = []
    for index, item in enumerate(items):
        try:
            found.append(_group(item, index, header, dataset))
        except (AttributeError, TypeError, KeyError, IndexError, OverflowError) as error:
            words = f"waveform group {index + 1} is damaged ({type(error).__name__})"
            raise DecodeError(words) from error
        except ValueError as error:
            raise DecodeError(f"waveform group {index + 1}: {error}") from error
    return tuple(found)


def _group(item: Any, index: int, header: Header, dataset: Any) -> Waveform:
    rate = float(item.SamplingFrequency)
    stored, padding = _stored(item, rate, little=header.little_endian)
    definitions = list(item.ChannelDefinitionSequence)
    if len(definitions) != len(stored):
        raise ValueError(f"{len(definitions)} channel definitions for {len(stored)} channels")
    channels, shifts, warnings = [], [], []
    rows = []
    for i, definition in enumerate(definitions):
        channel, factor, baseline = _channel(definition, i)
        values = (stored[i].astype(np.float64) * factor + baseline).astype(np.float32)
        if padding is not None:
            values[stored[i] == padding] = np.nan
        channels.append(channel)
        rows.append(values)
        shifts.append(_shift(definition, rate))
    first = min(shifts)
    shifts = [shift - first for shift in shifts]
    if max(shifts):
        warnings.append("channels were sampled one after the other: moved by whole samples")
    samples = np.full((len(rows), stored.shape[1] + max(shifts)), np.nan, np.float32)
    for row, values, shift in zip(samples, rows, shifts, strict=True):
        row[shift : shift + len(values)] = values
    samples.setflags(write=False)
    return Waveform(
        label=str(item.get("MultiplexGroupLabel", "") or f"Group {index + 1}"),
        sampling_hz=rate,
        channels=tuple(channels),
        samples=samples,
        marks=tuple((at - first / rate, text) for at, text in _marks(dataset, index + 1, rate)),
        texts=_statements(dataset),
        warnings=tuple(warnings),
        annotations=_corners(header, dataset),
        start_s=_number(item, "MultiplexGroupTimeOffset", 0.0) / 1000 + first / rate,
    )


def _corners(header: Header, dataset: Any) -> dict[str, str]:
    age = re.match(r"^0*(\d+)([DWMY])$", str(dataset.get("PatientAge", "") or ""))
    texts = {**corner_texts(header), "patient_age": f"{age[1]} {age[2].lower()}" if age else ""}
    return {key: value for key, value in texts.items() if value}


def _stored(item: Any, rate: float, *, little: bool) -> tuple[np.ndarray, int | None]:
    """Stored values (channels, samples), and the value that means 'nothing was recorded'."""
    channels, samples = int(item.NumberOfWaveformChannels), int(item.NumberOfWaveformSamples)
    code = str(item.WaveformSampleInterpretation).strip()
    if code not in _TYPES:
        raise ValueError(f"sample interpretation {code} is not supported")
    if not (1 <= channels <= _MAX_CHANNELS and samples >= 1 and 0 < rate < 1e7):
        raise ValueError(f"{channels} channels, {samples} samples at {rate} Hz make no trace")
    kind = np.dtype(("<" if little else ">") + _TYPES[code])
    bits = int(item.get("WaveformBitsAllocated") or kind.itemsize * 8)
    if bits != kind.itemsize * 8:
        raise ValueError(f"{bits} bits are allocated for samples of type {code}")
    needed = channels * samples * kind.itemsize
    if channels * samples * 4 > _MAX_BYTES:
        raise ValueError("more than 1 GiB of samples")
    element = item["WaveformData"]
    raw = bytes(element.value)
    if len(raw) < needed:
        raise IncompleteError(f"incomplete: {needed} bytes of samples belong, {len(raw)} are there")
    raw = _in_byte_order(raw, element.VR, kind.itemsize, little=little)
    stored = np.frombuffer(raw[:needed], kind).reshape(samples, channels).T
    padding = _padding(item, kind, little=little)
    if code not in ("MB", "AB"):
        return stored, padding
    table = mu_law() if code == "MB" else a_law()
    opened = table[stored].astype(np.int32)
    if padding is not None:  # compared as stored: two codes may mean one value
        opened[stored == padding] = padding = np.iinfo(np.int32).min
    return opened, padding


def _in_byte_order(raw: bytes, vr: str, size: int, *, little: bool) -> bytes:
    """Bytes of 8-bit samples in words of a big-endian file are swapped in pairs (PS3.5 8.3)."""
    if little or size != 1 or vr != "OW" or len(raw) % 2:
        return raw
    return np.frombuffer(raw, np.uint8).reshape(-1, 2)[:, ::-1].tobytes()


def _padding(item: Any, kind: np.dtype[Any], *, little: bool) -> int | None:
    value = item.get("WaveformPaddingValue")
    if value is None or value == b"":
        return None
    if isinstance(value, (bytes, bytearray)):
        vr = item["WaveformPaddingValue"].VR
        raw = _in_byte_order(bytes(value), vr, kind.itemsize, little=little)
        if len(raw) < kind.itemsize:
            return None
        return int(np.frombuffer(raw[: kind.itemsize], kind)[0])
    return int(value)


def mu_law() -> np.ndarray:
    """Linear 16-bit value of each mu-law code, int16 (256,) (ITU-T G.711, table 2)."""
    code = ~np.arange(256, dtype=np.uint8)
    exponent, mantissa = (code >> 4 & 7).astype(np.int32), (code & 15).astype(np.int32)
    size = ((mantissa << 3) + 132 << exponent) - 132
    return np.where(code & 128, -size, size).astype(np.int16)


def a_law() -> np.ndarray:
    """Linear 16-bit value of each A-law code, int16 (256,) (ITU-T G.711, table 1)."""
    code = np.arange(256, dtype=np.uint8) ^ 0x55
    exponent, mantissa = (code >> 4 & 7).astype(np.int32), (code & 15).astype(np.int32)
    size = np.where(
        exponent > 0, (mantissa << 4) + 264 << np.maximum(exponent - 1, 0), (mantissa << 4) + 8
    )
    return np.where(code & 128, size, -size).astype(np.int16)


def _number(item: Any, keyword: str, otherwise: float) -> float:
    value = item.get(keyword)
    if value in (None, ""):
        return otherwise
    number = float(value)
    if not np.isfinite(number):
        raise ValueError(f"{keyword} is no number")
    return number


def _shift(definition: Any, rate: float) -> int:
    """Whole samples after the group's start (C.10.9.1.4.4: one of the two skews is given)."""
    skew_s = _number(definition, "ChannelTimeSkew", 0.0)
    if not skew_s:
        skew_s = _number(definition, "ChannelSampleSkew", 0.0) / rate
    if abs(skew_s) > _MAX_SKEW_S:
        raise ValueError(f"a channel is {skew_s:g} s away from its group")
    return round(skew_s * rate)


def _channel(item: Any, index: int) -> tuple[Channel, float, float]:
    """Channel, factor and baseline: stored x sensitivity x correction + baseline."""
    source = (item.get("ChannelSourceSequence") or [None])[0]
    name = str(item.get("ChannelLabel", "") or "")
    if not name and source is not None:
        name = str(source.get("CodeMeaning", "") or source.get("CodeValue", "") or "")
    units = (item.get("ChannelSensitivityUnitsSequence") or [None])[0]
    unit = str(units.get("CodeValue", "") or "") if units is not None else ""
    sensitivity = _number(item, "ChannelSensitivity", 1.0)
    correction = _number(item, "ChannelSensitivityCorrectionFactor", 1.0)
    baseline = _number(item, "ChannelBaseline", 0.0)
    scale = _TO_MILLIVOLT.get(unit)
    shown = "mV" if scale is not None else _SHOWN_UNITS.get(unit, unit) or "stored"

    def hertz(keyword: str) -> float | None:
        value = _number(item, keyword, 0.0)
        return value if value > 0 else None

    return (
        Channel(
            lead_name(name) or f"Channel {index + 1}",
            shown,
            f"{sensitivity * correction:g} {unit}".strip(),
            hertz("FilterLowFrequency"),
            hertz("FilterHighFrequency"),
            hertz("NotchFilterFrequency"),
        ),
        sensitivity * correction * (scale or 1.0),
        baseline * (scale or 1.0),
    )


def lead_name(text: str) -> str:
    """``Lead aVR (Einthoven)`` -> ``aVR``; standard leads in their usual spelling."""
    word = text.strip()
    short = re.sub(r"^(MDC_ECG_LEAD_|Lead\b|ECG lead\b)", "", word, flags=re.IGNORECASE)
    short = short.split("(")[0].strip()
    if short.upper() in _LEADS:
        return _LEADS[short.upper()]
    return word if short == word or not short else short


def _concept(item: Any) -> str:
    name = (item.get("ConceptNameCodeSequence") or [None])[0]
    return "" if name is None else str(name.get("CodeMeaning", "") or "")


def _statements(dataset: Any) -> tuple[str, ...]:
    """What the object says without pointing at a time: sentences and measured values."""
    found = []
    for item in dataset.get("WaveformAnnotationSequence") or ():
        if _positions(item) is not None:
            continue
        name, text = _concept(item), str(item.get("UnformattedTextValue", "") or "").strip()
        value = item.get("NumericValue")
        if value not in (None, ""):
            units = (item.get("MeasurementUnitsCodeSequence") or [None])[0]
            unit = "" if units is None else str(units.get("CodeValue", "") or "")
            number = float(value[0] if isinstance(value, (list, tuple)) else value)
            text = f"{number:g} {unit}".strip()
        elif not text:
            code = (item.get("ConceptCodeSequence") or [None])[0]
            text = "" if code is None else str(code.get("CodeMeaning", "") or "")
        if text:
            found.append(f"{name}: {text}" if name else text)
    return tuple(found)


def _positions(item: Any) -> tuple[str, list[float]] | None:
    """Temporal coordinates of an annotation: sample numbers (from 1) or seconds (C.10.10)."""
    for keyword in ("ReferencedSamplePositions", "ReferencedTimeOffsets"):
        value = item.get(keyword)
        if value not in (None, ""):
            places = value if hasattr(value, "__iter__") else [value]
            return keyword, [float(place) for place in places]
    return None


def _marks(dataset: Any, group: int, rate: float) -> tuple[tuple[float, str], ...]:
    found: list[tuple[float, str]] = []
    for item in dataset.get("WaveformAnnotationSequence") or ():
        placed = _positions(item)
        if placed is None or not _concerns(item, group):
            continue
        keyword, places = placed
        text = str(item.get("UnformattedTextValue", "") or "").strip() or _concept(item)
        # the first sample of a multiplex group is number 1
        by_sample = keyword == "ReferencedSamplePositions"
        seconds = [(place - 1) / rate if by_sample else place for place in places]
        segment = str(item.get("TemporalRangeType", "") or "") == "SEGMENT" and len(seconds) == 2
        found.extend(
            (second, f"{text} (end)" if segment and i == 1 else text)
            for i, second in enumerate(seconds)
            if np.isfinite(second)
        )
        if len(found) > _MAX_MARKS:
            raise ValueError(f"more than {_MAX_MARKS} annotations")
    return tuple(sorted(found))


def _concerns(item: Any, group: int) -> bool:
    """Whether the annotation's (group, channel) pairs name this group; all where it has none."""
    pairs = item.get("ReferencedWaveformChannels")
    if pairs in (None, ""):
        return True
    numbers = [int(n) for n in pairs] if hasattr(pairs, "__iter__") else [int(pairs)]
    return group in numbers[::2]
