"""Waveforms: channels in physical units (PS3.3 C.10.9, PS3.5 8.3)."""

from pathlib import Path
from typing import Any

import numpy as np

from medbench.base.errors import BadInputError, DecodeError, IncompleteError
from medbench.dicom.frame_info import corner_texts, read_dataset
from medbench.dicom.guard import read_header
from medbench.domain.objects import Channel, Waveform

_TYPES = {"SB": "i1", "UB": "u1", "SS": "i2", "US": "u2", "SL": "i4", "UL": "u4",
          "MB": "u1", "AB": "u1"}  # fmt: skip
_MAX_BYTES = 1 << 30
# mu-law and A-law are for audio; no clinical trace uses them
_COMPANDED = ("MB", "AB")


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
    texts = tuple(
        str(a.UnformattedTextValue)
        for a in dataset.get("WaveformAnnotationSequence") or ()
        if a.get("UnformattedTextValue") and a.get("ReferencedSamplePositions") is None
    )
    little = header.little_endian
    found = []
    for index, item in enumerate(items):
        try:
            marks = _marks(dataset, index + 1, float(item.SamplingFrequency))
            found.append(_group(item, index, little, marks, texts, corner_texts(header)))
        except (AttributeError, TypeError, KeyError, IndexError) as error:
            words = f"waveform group {index + 1} is damaged ({type(error).__name__})"
            raise DecodeError(words) from error
        except ValueError as error:
            raise DecodeError(f"waveform group {index + 1}: {error}") from error
    return tuple(found)


def _group(
    item: Any, index: int, little: bool, marks: tuple[tuple[float, str], ...],
    texts: tuple[str, ...], corners: dict[str, str],
) -> Waveform:  # fmt: skip
    channels, samples = int(item.NumberOfWaveformChannels), int(item.NumberOfWaveformSamples)
    rate = float(item.SamplingFrequency)
    code = str(item.WaveformSampleInterpretation)
    if code in _COMPANDED or code not in _TYPES:
        raise ValueError(f"sample interpretation {code} is not supported")
    if channels < 1 or samples < 1 or not 0 < rate < 1e7:
        raise ValueError(f"{channels} channels, {samples} samples at {rate} Hz make no trace")
    kind = np.dtype(("<" if little else ">") + _TYPES[code])
    needed = channels * samples * kind.itemsize
    raw = bytes(item.WaveformData)
    if needed > _MAX_BYTES:
        raise ValueError("more than 1 GiB of samples")
    if len(raw) < needed:
        raise IncompleteError(f"incomplete: {needed} bytes of samples belong, {len(raw)} are there")
    stored = np.frombuffer(raw[:needed], kind).reshape(samples, channels).T
    values = stored.astype(np.float32)
    padding = item.get("WaveformPaddingValue")
    if padding is not None:
        value = (
            np.frombuffer(bytes(padding)[: kind.itemsize], kind)
            if isinstance(padding, bytes)
            else np.array([int(padding)])
        )
        if len(value):
            values[stored == value[0]] = np.nan
    definitions = list(item.ChannelDefinitionSequence)
    if len(definitions) != channels:
        raise ValueError(f"{len(definitions)} channel definitions for {channels} channels")
    found = []
    for i, definition in enumerate(definitions):
        channel, factor, baseline = _channel(definition, i)
        values[i] = values[i] * np.float32(factor) + np.float32(baseline)
        found.append(channel)
    label = str(item.get("MultiplexGroupLabel", "") or f"Group {index + 1}")
    values.setflags(write=False)
    return Waveform(label, rate, tuple(found), values, marks, texts, (), corners)


def _channel(item: Any, index: int) -> tuple[Channel, float, float]:
    """Channel, factor and baseline: (stored + baseline) x sensitivity x correction."""
    source = (item.get("ChannelSourceSequence") or [None])[0]
    name = str(item.get("ChannelLabel", "") or "")
    if not name and source is not None:
        name = str(source.get("CodeMeaning", "") or source.get("CodeValue", "") or "")
    units = (item.get("ChannelSensitivityUnitsSequence") or [None])[0]
    unit = str(units.get("CodeValue", "") or "") if units is not None else ""
    sensitivity = float(item.get("ChannelSensitivity") or 1.0)
    correction = float(item.get("ChannelSensitivityCorrectionFactor") or 1.0)
    baseline = float(item.get("ChannelBaseline") or 0.0)
    scale = {"uV": 0.001, "V": 1000.0, "nV": 1e-6}.get(unit)
    shown = "mV" if scale is not None or unit == "mV" else unit or "stored"
    factor = sensitivity * correction * (scale or 1.0)

    def hertz(keyword: str) -> float | None:
        value = item.get(keyword)
        return float(value) if value not in (None, "") and float(value) > 0 else None

    return (
        Channel(
            lead_name(name) or f"Channel {index + 1}",
            shown,
            f"{sensitivity * correction:g} {unit}".strip(),
            hertz("FilterLowFrequency"),
            hertz("FilterHighFrequency"),
            hertz("NotchFilterFrequency"),
        ),
        factor,
        baseline * (scale or 1.0),
    )


def lead_name(text: str) -> str:
    """``Lead aVR (Einthoven)`` -> ``aVR``; standard leads in their usual spelling."""
    word = text.replace("Lead", "").replace("lead", "").split("(")[0].strip()
    known = {n.upper(): n for n in ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4",
                                    "V5", "V6")}  # fmt: skip
    return known.get(word.upper(), word)


def _marks(dataset: Any, group: int, rate: float) -> tuple[tuple[float, str], ...]:
    found: list[tuple[float, str]] = []
    for item in dataset.get("WaveformAnnotationSequence") or ():
        positions = item.get("ReferencedSamplePositions")
        channels = item.get("ReferencedWaveformChannels")
        if positions is None or (channels is not None and int(next(iter(channels))) != group):
            continue
        name = (item.get("ConceptNameCodeSequence") or [None])[0]
        text = str(item.get("UnformattedTextValue", "") or "")
        if not text and name is not None:
            text = str(name.get("CodeMeaning", "") or "")
        places = positions if hasattr(positions, "__len__") else [positions]
        found.extend((float(p) / rate, text) for p in places)
    return tuple(sorted(found))
