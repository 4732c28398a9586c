"""A header as bytes and back: what a scan needs of it, for the index of known files.

Only the tags of `medbench.dicom.tags` are kept. Fixed fields by struct, no pickle.
"""

import json
import struct
from pathlib import Path

from medbench.base.hashing import sha256_json
from medbench.dicom import tags
from medbench.dicom.guard import MAX_FRAGMENTS, Header

KEPT_TAGS = frozenset(
    value for name, value in vars(tags).items() if name.isupper() and isinstance(value, int)
)
_ORDERED = tuple(sorted(KEPT_TAGS))
_SHARED_TAGS = {tag: tag for tag in KEPT_TAGS}
FORMAT = f"3-{sha256_json(sorted(KEPT_TAGS))[:8]}"
"""Names what is stored; raise the number when the guard or the bytes change."""

_HEADER, _REASON = b"H", b"R"
_FIXED = struct.Struct("<QqQII?IIII")
_NOWHERE = ((0, 0),)
_VALUE = struct.Struct("<II")


def slim(header: Header, shared: dict[bytes, bytes]) -> Header:
    """Drop what only reading pixels needs; equal values become one object (`shared`)."""
    found = header.values
    # tags are taken from our own list, so that 100,000 headers do not hold a number each
    header.values = {
        tag: shared.setdefault(value, value)
        for tag in _ORDERED
        if (value := found.get(tag)) is not None
    }
    header.fragments = _NOWHERE * len(header.fragments)  # how many there are is still asked
    header.offset_table = ()
    header.body = None
    return header


def pack(found: Header | str) -> bytes:
    """Bytes of a (slim) header, or of the reason a file was skipped for."""
    if isinstance(found, str):
        return _REASON + found.encode("utf-8", "replace")
    syntax = found.transfer_syntax_uid.encode("latin-1", "replace")
    warnings = [text.encode("utf-8", "replace") for text in found.warnings]
    parts = [
        _HEADER,
        _FIXED.pack(
            found.size_bytes, found.pixel_offset, found.pixel_length_bytes, found.pixel_tag,
            len(found.fragments), found.little_endian, len(syntax), len(found.sequences),
            len(warnings), len(found.values),
        ),
        syntax,
        struct.pack(f"<{len(found.sequences)}I", *sorted(found.sequences)),
    ]  # fmt: skip
    for text in warnings:
        parts += [struct.pack("<I", len(text)), text]
    for tag, value in found.values.items():
        parts += [_VALUE.pack(tag, len(value)), value]
    if found.planes is not None:
        from medbench.dicom.frame_groups import planes_json  # brings pydicom; not for the start

        parts.append(json.dumps(planes_json(found.planes) if found.planes else []).encode())
    return b"".join(parts)


def unpack(path: Path, data: bytes, shared: dict[bytes, bytes]) -> Header | str | None:
    """What `pack` stored; None when the bytes are damaged."""
    try:
        if data[:1] == _REASON:
            return data[1:].decode()
        return _unpack(path, data, shared) if data[:1] == _HEADER else None
    except (struct.error, ValueError, TypeError):  # ValueError: no JSON, no text
        return None


def _unpack(path: Path, data: bytes, shared: dict[bytes, bytes]) -> Header | None:
    (size, offset, length, pixel_tag, fragments, little, syntax_length, sequences, warnings,
     values) = _FIXED.unpack_from(data, 1)  # fmt: skip
    if fragments > MAX_FRAGMENTS:
        return None
    at = 1 + _FIXED.size
    syntax = data[at : at + syntax_length].decode("latin-1")
    at += syntax_length
    header = Header(path, size, syntax, little, pixel_offset=offset, pixel_length_bytes=length,
                    pixel_tag=pixel_tag, fragments=_NOWHERE * fragments)  # fmt: skip
    header.sequences = set(struct.unpack_from(f"<{sequences}I", data, at))
    at += 4 * sequences
    for _ in range(warnings):
        (count,) = struct.unpack_from("<I", data, at)
        header.warnings.append(data[at + 4 : at + 4 + count].decode())
        at += 4 + count
    head = _VALUE.unpack_from
    found = header.values
    for _ in range(values):
        tag, count = head(data, at)
        at += 8
        value = data[at : at + count]
        found[_SHARED_TAGS.get(tag, tag)] = shared.setdefault(value, value)
        at += count
    if at < len(data):
        from medbench.dicom.frame_groups import planes_from_json

        stored = json.loads(data[at:])
        header.planes = planes_from_json(stored) if stored else ()
    return header if at <= len(data) else None
