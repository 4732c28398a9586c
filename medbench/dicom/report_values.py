"""Values of content items, in words (PS3.3 table C.17-5 and the macros it includes)."""

from collections.abc import Iterator
from typing import Any

from medbench.dicom.text import CharacterSet, shown_name
from medbench.dicom.values import iso_date, item_characters, item_text, sop_class_name
from medbench.domain.objects import ImageLink

_SYMBOLS = {
    "1": "", "mm2": "mm²", "cm2": "cm²", "m2": "m²", "mm3": "mm³", "cm3": "cm³",
    "[hnsf'U]": "HU", "Cel": "°C", "deg": "°", "um": "µm", "um2": "µm²", "ug": "µg",
    "{H.B.}/min": "beats/min", "mm[Hg]": "mmHg",
}  # fmt: skip
"""How units of UCUM are usually written."""


def code_text(item: Any, keyword: str, characters: CharacterSet) -> tuple[str, str]:
    """(meaning, 'value, scheme') of the first code of a sequence (PS3.3 8.8); '' when absent."""
    sequence = item.get(keyword)
    if not sequence:
        return "", ""
    code = sequence[0]
    own = item_characters(code, characters)
    value = next(
        (found for key in ("CodeValue", "LongCodeValue", "URNCodeValue")
         if (found := item_text(code, key, own))), "",
    )  # fmt: skip
    meaning = item_text(code, "CodeMeaning", own) or value
    return meaning, ", ".join(
        p for p in (value, item_text(code, "CodingSchemeDesignator", own)) if p
    )


def item_value(item: Any, kind: str, characters: CharacterSet) -> tuple[str, str]:
    """(value, note) of a content item in words; the note says what had to be assumed."""
    if kind == "TEXT":
        text = item_text(item, "TextValue", characters)
        return "\n".join(text.splitlines()).strip(), _note(item, characters)
    if kind == "CODE":
        return code_text(item, "ConceptCodeSequence", characters)[0], ""
    if kind == "NUM":
        return _number(item, characters), ""
    if kind == "PNAME":
        return shown_name(item_text(item, "PersonName", characters)), ""
    if kind in _PLAIN:
        stored = str(item.get(_PLAIN[kind], "") or "").strip()
        return (sop_class_name(stored) if kind == "UIDREF" else _when(stored, kind)), ""
    if kind in ("SCOORD", "SCOORD3D"):
        return _coordinates(item, 2 if kind == "SCOORD" else 3), ""
    if kind == "TCOORD":
        return _times(item), ""
    if kind in ("IMAGE", "COMPOSITE", "WAVEFORM"):
        found = item.get("ReferencedSOPSequence") or ()
        return ", ".join(_reference_words(reference, kind) for reference in found), ""
    return "", ""


_PLAIN = {"DATE": "Date", "TIME": "Time", "DATETIME": "DateTime", "UIDREF": "UID"}


def _note(item: Any, characters: CharacterSet) -> str:
    raw = item.get_item("TextValue") if "TextValue" in item else None
    value = getattr(raw, "value", None)
    return characters.decode(value, "UT").note if isinstance(value, bytes) else ""


def _when(stored: str, kind: str) -> str:
    """DICOM date and time as ISO 8601; anything else as stored."""
    if kind == "DATE":
        return iso_date(stored)
    zone = ""
    body = stored
    for sign in "+-":
        if kind == "DATETIME" and sign in stored[4:]:
            body, _, rest = stored.partition(sign)
            zone = f" {sign}{rest[:2]}:{rest[2:]}" if rest.isdigit() and len(rest) == 4 else ""
            if not zone:
                return stored
    day, clock = (body[:8], body[8:]) if kind == "DATETIME" else ("", body)
    head, _, fraction = clock.partition(".")
    if not (head + day).isdigit() or len(head) % 2:
        return stored
    time = ":".join(head[i : i + 2] for i in range(0, len(head), 2))
    if fraction.strip("0"):
        time += "." + fraction.rstrip("0")
    return f"{iso_date(day)} {time}{zone}".strip()


def _number(item: Any, characters: CharacterSet) -> str:
    """Measured values with units (PS3.3 C.18.1), or why there is none."""
    found = []
    for measured in item.get("MeasuredValueSequence") or ():
        own = item_characters(measured, characters)
        number = item_text(measured, "NumericValue", own)
        if not number and measured.get("FloatingPointValue") is not None:
            number = str(measured.get("FloatingPointValue"))
        meaning, code = code_text(measured, "MeasurementUnitsCodeSequence", own)
        found.append(f"{number.replace(chr(92), ', ')} {_unit(meaning, code)}".strip())
    qualifier = code_text(item, "NumericValueQualifierCodeSequence", characters)[0]
    words = ", ".join(part for part in found if part)
    if qualifier:
        return f"{words} ({qualifier})" if words else qualifier
    return words


def _unit(meaning: str, code: str) -> str:
    value, _, scheme = code.rpartition(", ")
    if scheme != "UCUM" or not value:
        return meaning
    if value in _SYMBOLS:
        return _SYMBOLS[value]
    if value.startswith("{") and value.endswith("}"):
        return value[1:-1]
    return value


def _coordinates(item: Any, dimensions: int) -> str:
    graphic = str(item.get("GraphicType", "") or "").strip().capitalize()
    data = item.get("GraphicData")
    values = [] if data is None else list(data) if hasattr(data, "__len__") else [data]
    count = len(values) // dimensions
    if count <= 1:
        place = ", ".join(f"{float(v):.1f}" for v in values)
        return f"{graphic} {place}".strip()
    return f"{graphic}, {count} points"


def _times(item: Any) -> str:
    """Temporal coordinates (PS3.3 C.18.7)."""
    kind = str(item.get("TemporalRangeType", "") or "").strip().capitalize()
    for keyword, unit in (("ReferencedSamplePositions", "samples"),
                          ("ReferencedTimeOffsets", "s"), ("ReferencedDateTime", "")):  # fmt: skip
        stored = item.get(keyword)
        if stored is None or stored == "":
            continue
        several = hasattr(stored, "__len__") and not isinstance(stored, str)
        values = [str(v) for v in stored] if several else [str(stored)]
        if keyword == "ReferencedDateTime":
            values = [_when(v, "DATETIME") for v in values]
        return f"{kind} {', '.join(values)} {unit}".strip()
    return kind


def references(item: Any) -> Iterator[ImageLink]:
    """Instances (and frames, 1-based) that an item points at (PS3.3 C.18.3 to C.18.5)."""
    for reference in item.get("ReferencedSOPSequence") or ():
        yield ImageLink(
            str(reference.get("ReferencedSOPInstanceUID", "") or ""),
            tuple(_integers(reference.get("ReferencedFrameNumber"))),
        )


def _integers(stored: Any) -> list[int]:
    if stored is None or stored == "":
        return []
    several = hasattr(stored, "__len__") and not isinstance(stored, str)
    return [int(v) for v in stored] if several else [int(stored)]


def _reference_words(reference: Any, kind: str) -> str:
    uid = str(reference.get("ReferencedSOPClassUID", "") or "")
    words = [sop_class_name(uid).removesuffix(" Storage") if uid else kind.title()]
    if frames := _integers(reference.get("ReferencedFrameNumber")):
        words.append(f"frame {', '.join(map(str, frames))}")
    if segments := _integers(reference.get("ReferencedSegmentNumber")):
        words.append(f"segment {', '.join(map(str, segments))}")
    if channels := _integers(reference.get("ReferencedWaveformChannels")):
        pairs = zip(channels[::2], channels[1::2], strict=False)
        words.append("channel " + ", ".join(f"{group}.{channel}" for group, channel in pairs))
    if reference.get("ReferencedSOPSequence"):
        words.append("with presentation state")
    return ", ".join(words)
