"""DICOM bytes made with struct: what no library would write."""

import struct
import zlib

EXPLICIT = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
RLE = "1.2.840.10008.1.2.5"
CT = "1.2.840.10008.5.1.4.1.1.2"
SC = "1.2.840.10008.5.1.4.1.1.7"
_LONG = (b"OB", b"OD", b"OF", b"OL", b"OW", b"SQ", b"UC", b"UN", b"UT")
UNDEFINED = 0xFFFFFFFF


def element(tag: int, vr: str, value: bytes | str | int, length: int | None = None) -> bytes:
    """One explicit little endian element; ``length`` may lie."""
    code = vr.encode()
    if isinstance(value, str):
        value = value.encode("latin-1")
    elif isinstance(value, int):
        value = struct.pack({"US": "<H", "UL": "<I", "SS": "<h"}[vr], value)
    if len(value) % 2:
        value += b"\0" if vr in ("UI", "OB", "UN") else b" "
    length = len(value) if length is None else length
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + code
    if code in _LONG:
        return head + b"\0\0" + struct.pack("<I", length) + value
    return head + struct.pack("<H", length & 0xFFFF) + value


def item(body: bytes) -> bytes:
    """An item of defined length."""
    return b"\xfe\xff\x00\xe0" + struct.pack("<I", len(body)) + body


def open_item(body: bytes) -> bytes:
    """An item of undefined length."""
    return b"\xfe\xff\x00\xe0\xff\xff\xff\xff" + body + b"\xfe\xff\x0d\xe0\0\0\0\0"


def sequence(tag: int, *items: bytes) -> bytes:
    """A sequence of defined length."""
    return element(tag, "SQ", b"".join(items))


def open_sequence(tag: int, *items: bytes) -> bytes:
    """A sequence of undefined length."""
    return element(tag, "SQ", b"".join(items) + b"\xfe\xff\xdd\xe0\0\0\0\0", UNDEFINED)


def nested(tag: int, depth: int, inner: bytes = b"") -> bytes:
    """Sequences of undefined length, one inside the other."""
    head = element(tag, "SQ", b"", UNDEFINED) + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    tail = b"\xfe\xff\x0d\xe0\0\0\0\0" + b"\xfe\xff\xdd\xe0\0\0\0\0"
    return head * depth + inner + tail * depth


def fragments(*parts: bytes) -> bytes:
    """Encapsulated pixel data with an empty offset table (PS3.5 A.4)."""
    body = item(b"") + b"".join(item(p + b"\0" * (len(p) % 2)) for p in parts)
    return element(0x7FE00010, "OB", body + b"\xfe\xff\xdd\xe0\0\0\0\0", UNDEFINED)


def part10(body: bytes, syntax: str = EXPLICIT, sop_class: str = SC) -> bytes:
    """Preamble, meta group and data set."""
    meta = (
        element(0x00020001, "OB", b"\0\1")
        + element(0x00020002, "UI", sop_class)
        + element(0x00020003, "UI", "1.2.3.4")
        + element(0x00020010, "UI", syntax)
    )
    head = element(0x00020000, "UL", len(meta)) + meta
    if syntax == DEFLATED:
        engine = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
        body = engine.compress(body) + engine.flush()
    return b"\0" * 128 + b"DICM" + head + body


def identity(sop_class: str = SC, modality: str = "OT") -> bytes:
    """The elements of group 0008 that every object has."""
    return (
        element(0x00080016, "UI", sop_class)
        + element(0x00080018, "UI", "1.2.3.4")
        + element(0x00080060, "CS", modality)
    )


def series() -> bytes:
    """Patient, study and series identifiers."""
    return (
        element(0x00100010, "PN", "Hostile^File")
        + element(0x00100020, "LO", "H1")
        + element(0x0020000D, "UI", "1.2.3")
        + element(0x0020000E, "UI", "1.2.3.1")
    )


def image_pixel(
    rows: int, columns: int, *, bits: int = 8, samples: int = 1, frames: str = "",
    photometric: str = "MONOCHROME2", extra: bytes = b"",
) -> bytes:  # fmt: skip
    """Image Pixel Module (PS3.3 C.7.6.3), any values."""
    body = element(0x00280002, "US", samples) + element(0x00280004, "CS", photometric)
    if samples > 1:
        body += element(0x00280006, "US", 0)
    if frames:
        body += element(0x00280008, "IS", frames)
    return (
        body
        + element(0x00280010, "US", rows)
        + element(0x00280011, "US", columns)
        + element(0x00280100, "US", bits)
        + element(0x00280101, "US", bits)
        + element(0x00280102, "US", (bits - 1) & 0xFFFF)
        + element(0x00280103, "US", 0)
        + extra
    )


def image(
    rows: int, columns: int, pixels: bytes, *, syntax: str = EXPLICIT, before: bytes = b"",
    after: bytes = b"", **module: object,
) -> bytes:  # fmt: skip
    """A Secondary Capture; ``before`` and ``after`` stand around the Image Pixel Module."""
    body = identity() + series() + before + image_pixel(rows, columns, **module)  # type: ignore[arg-type]
    return part10(body + after + pixels, syntax)


def native(pixels: bytes, length: int | None = None) -> bytes:
    """Uncompressed pixel data."""
    return element(0x7FE00010, "OW", pixels, length)
