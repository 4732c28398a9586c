"""Texts, dates and numbers of headers: character sets, person names, and what is shown of them."""

from pydicom import charset
from pydicom.uid import UID

from medbench.dicom import tags
from medbench.dicom.guard import Header

_CHINESE_ESCAPE = b"\x1b$)A"


def encodings(header: Header) -> list[str]:
    """Python codecs of Specific Character Set; unknown terms fall back to Latin-1."""
    terms = [term.strip() for term in header.text(tags.SPECIFIC_CHARACTER_SET).split("\\")]
    found = [charset.python_encoding.get(term or "ISO_IR 6", "iso8859") for term in terms]
    return found or ["iso8859"]


def decode_text(raw: bytes, codecs: list[str], delimiters: set[int] | None = None) -> str:
    """Text of a raw value; never raises, undecodable bytes become U+FFFD."""
    raw = raw.rstrip(b" \0")
    if not raw:
        return ""
    if _CHINESE_ESCAPE in raw:  # ISO 2022 IR 58, which pydicom keeps as escapes
        return _decode_ir58(raw)
    try:
        return str(charset.decode_bytes(raw, codecs, delimiters or set())).strip()
    except (UnicodeDecodeError, LookupError):
        return raw.decode(codecs[0] if codecs else "iso8859", "replace").strip()


def _decode_ir58(raw: bytes) -> str:
    """Strip the designator and read the high half as GB 2312."""
    return raw.replace(_CHINESE_ESCAPE, b"").replace(b"\x1b(B", b"").decode("gb2312", "replace")


def header_text(header: Header, tag: int) -> str:
    """Decoded text of a tag, first value."""
    return decode_text(header.values.get(tag, b""), encodings(header)).split("\\")[0]


def person_name(header: Header) -> str:
    """Patient's Name as 'Family, Given': the ideographic group first where there is one."""
    raw = header.values.get(tags.PATIENT_NAME, b"")
    groups = decode_text(raw, encodings(header), {0x5E, 0x3D}).split("=")
    shown = [_one_name(group) for group in groups if group.strip("^ ")]
    if not shown:
        return ""
    return f"{shown[1]} ({shown[0]})" if len(shown) > 1 else shown[0]


def _one_name(group: str) -> str:
    parts = [part.strip() for part in group.split("^")]
    family, rest = parts[0], " ".join(part for part in parts[1:3] if part)
    return f"{family}, {rest}" if rest else family


def iso_date(text: str) -> str:
    """YYYYMMDD -> YYYY-MM-DD; anything else unchanged."""
    digits = text.replace(".", "").strip()
    if len(digits) == 8 and digits.isdigit():
        return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"
    return text.strip()


def iso_time(text: str) -> str:
    """HHMMSS.ffffff -> HH:MM; anything else unchanged."""
    digits = text.split(".")[0].replace(":", "").strip()
    return f"{digits[:2]}:{digits[2:4]}" if len(digits) >= 4 and digits.isdigit() else text.strip()


def sop_class_name(uid: str) -> str:
    """Name of a SOP class, or its UID."""
    return UID(uid).name if uid else "object without SOP class"
