"""Walk tags and lengths before any library sees the file: limits, completeness, pixel ranges.

The walk is non-recursive, skips pixel data by length and keeps the raw values of the top level.
Limits follow PS3.5 section 7 and the program's own caps; nothing is allocated from a length that
the file merely claims.
"""

import os
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path

from medbench.base.errors import BadInputError, IncompleteError, NotDicomError
from medbench.dicom.skim import HEADS, numbers_of, skim, text_of

IMPLICIT_LE = "1.2.840.10008.1.2"
EXPLICIT_LE = "1.2.840.10008.1.2.1"
DEFLATED_LE = "1.2.840.10008.1.2.1.99"
EXPLICIT_BE = "1.2.840.10008.1.2.2"
UNCOMPRESSED = frozenset({IMPLICIT_LE, EXPLICIT_LE, DEFLATED_LE, EXPLICIT_BE})

MAX_NESTING = 64
MAX_INFLATED_BYTES = 512 << 20
MAX_FRAGMENTS = 1_000_000
KEEP_VALUE_BYTES = 1 << 16
_FIRST_READ_BYTES = 1 << 15
_UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_PIXEL_TAGS = frozenset({0x7FE00010, 0x7FE00008, 0x7FE00009})
_LONG_VRS = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
_VRS = _LONG_VRS | frozenset(
    b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split()
)


@dataclass(slots=True)
class Header:
    """What the walk found; ``values`` are raw top-level values by integer tag."""

    path: Path
    size_bytes: int
    transfer_syntax_uid: str
    little_endian: bool
    values: dict[int, bytes] = field(default_factory=dict)
    sequences: set[int] = field(default_factory=set)
    pixel_offset: int = -1
    """Start of the pixel data value in the file (or in ``body``); -1 without pixel data."""
    pixel_length_bytes: int = 0
    pixel_tag: int = 0
    fragments: tuple[tuple[int, int], ...] = ()
    """(offset, length) of each fragment of encapsulated pixel data, offset table excluded."""
    offset_table: tuple[int, ...] = ()
    body: bytes | None = None
    """The inflated data set of a deflated file; offsets then point into it."""
    warnings: list[str] = field(default_factory=list)

    @property
    def compressed(self) -> bool:
        """Whether frames need a decoder."""
        return self.transfer_syntax_uid not in UNCOMPRESSED

    def text(self, tag: int) -> str:
        """ASCII value of a tag, padding removed; '' when absent."""
        return text_of(self.values.get(tag, b""))

    def number(self, tag: int) -> float | None:
        """First number of a DS or IS value; None when absent or no number."""
        numbers = self.numbers(tag)
        return numbers[0] if numbers else None

    def numbers(self, tag: int) -> tuple[float, ...]:
        """All numbers of a DS or IS value; () when any is no finite number."""
        return numbers_of(self.values.get(tag, b""))

    def short(self, tag: int, *, signed: bool = False) -> int | None:
        """A US or SS value; None when absent."""
        raw = self.values.get(tag, b"")
        if len(raw) < 2:
            return None
        code = ("<" if self.little_endian else ">") + ("h" if signed else "H")
        return int(struct.unpack(code, raw[:2])[0])


class _NeedMoreError(Exception):
    """The buffer ends before the header does."""


def read_header(path: Path) -> Header:
    """Walk one file.

    Raises
    ------
    NotDicomError
        No DICOM object, or none this walk can follow.
    IncompleteError
        Bytes are missing.
    """
    fd = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        size = os.fstat(fd).st_size
        want = _FIRST_READ_BYTES
        while True:
            data = os.pread(fd, min(want, size), 0) if hasattr(os, "pread") else _read(path, want)
            try:
                return _walk_file(path, fd, data, size)
            except _NeedMoreError:
                if want >= size:
                    raise IncompleteError(
                        f"incomplete: the data set goes on after the last of {size} bytes"
                    ) from None
                want = min(want * 8, size)
    finally:
        os.close(fd)


def _read(path: Path, want: int) -> bytes:
    with path.open("rb") as handle:
        return handle.read(want)


def _walk_file(path: Path, fd: int, data: bytes, size: int) -> Header:
    if size == 0:
        raise NotDicomError("the file is empty")
    start, syntax, warnings, sop_class = _meta(data, size)
    if start >= size:
        raise IncompleteError(f"incomplete: no data set after the DICOM header ({size} bytes)")
    if syntax == DEFLATED_LE:
        return _walk_deflated(path, fd, start, size, warnings)
    little = syntax != EXPLICIT_BE
    header = Header(path, size, syntax, little, warnings=warnings)
    if sop_class:
        header.values[0x00080016] = sop_class
    implicit = syntax == IMPLICIT_LE
    if syntax not in UNCOMPRESSED and not data[start + 4 : start + 6].isalpha():
        implicit = True  # seen in the wild: implicit elements around compressed pixel data
        warnings.append("the data set is implicit although its transfer syntax is explicit")
    _Walk(header, data, fd, size, implicit=implicit).run(start)
    return header


def _walk_deflated(path: Path, fd: int, start: int, size: int, warnings: list[str]) -> Header:
    packed = os.pread(fd, size - start, start)
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        body = engine.decompress(packed, MAX_INFLATED_BYTES)
    except zlib.error as error:
        raise BadInputError(f"the deflated data set is damaged ({error})") from error
    if engine.unconsumed_tail:
        raise BadInputError("the deflated data set is larger than 512 MiB")
    if not engine.eof:
        raise IncompleteError(f"incomplete: the deflated data set ends early ({size} bytes)")
    header = Header(path, size, DEFLATED_LE, True, body=body, warnings=warnings)
    _Walk(header, body, -1, len(body), implicit=False).run(0)
    return header


def _meta(data: bytes, size: int) -> tuple[int, str, list[str], bytes]:
    """Offset of the data set, its transfer syntax, warnings, media storage SOP class."""
    warnings: list[str] = []
    if data[128:132] == b"DICM":
        if data[:2] == b"MZ" or data[:4] == b"\x7fELF" or data[:2] == b"#!":
            warnings.append("the preamble looks like a program")
        position = 132
    elif data[:2] == b"\x02\x00" and data[4:6] in _VRS:
        position = 0
        warnings.append("no preamble")
    else:
        return _headless(data, size)
    if position >= size:
        raise IncompleteError("incomplete: no DICOM object, nothing after the preamble")
    syntax, sop_class = "", b""
    while True:
        if position + 8 > len(data):
            if position >= size:
                break
            raise _NeedMoreError
        if data[position : position + 2] != b"\x02\x00":
            break
        element, vr = (
            data[position + 2] | data[position + 3] << 8,
            data[position + 4 : position + 6],
        )
        if vr in _LONG_VRS:
            length, head = int.from_bytes(data[position + 8 : position + 12], "little"), 12
        else:
            length, head = int.from_bytes(data[position + 6 : position + 8], "little"), 8
        end = position + head + length
        if end > size:
            raise IncompleteError(f"incomplete: the header needs {end} of {size} bytes")
        if end > len(data):
            raise _NeedMoreError
        value = data[position + head : end]
        if element == 0x0010:
            syntax = value.decode("latin-1").strip(" \0")
        elif element == 0x0002:
            sop_class = value
        position = end
    if not syntax:
        explicit = data[position + 4 : position + 6] in _VRS
        syntax = EXPLICIT_LE if explicit else IMPLICIT_LE
        warnings.append("no transfer syntax in the header; guessed from the bytes")
    elif position + 6 <= len(data) and syntax not in (DEFLATED_LE, EXPLICIT_BE):
        syntax = _corrected(syntax, data[position + 4 : position + 6], warnings)
    return position, syntax, warnings, sop_class


def _corrected(syntax: str, vr: bytes, warnings: list[str]) -> str:
    """Explicit bytes under the implicit UID, or the other way round."""
    explicit = vr in _VRS
    if syntax == IMPLICIT_LE and explicit:
        warnings.append("the data set is explicit although its header says implicit")
        return EXPLICIT_LE
    if syntax == EXPLICIT_LE and not explicit:
        warnings.append("the data set is implicit although its header says explicit")
        return IMPLICIT_LE
    return syntax


def _headless(data: bytes, size: int) -> tuple[int, str, list[str], bytes]:
    """A data set without preamble and meta group: accepted only if it starts like one."""
    if size < 132 and not any(data[:128]) and b"DICM".startswith(data[128:]):
        raise IncompleteError(f"incomplete: the file ends inside its preamble ({size} bytes)")
    if len(data) < 8:
        raise NotDicomError("not DICOM (no DICM marker, too short)")
    group, vr = data[:2], data[4:6]
    length_implicit = int.from_bytes(data[4:8], "little")
    if group in (b"\x08\x00", b"\x10\x00", b"\x04\x00") and data[3] < 0x80:
        if vr in _VRS:
            return 0, EXPLICIT_LE, ["no DICOM header; explicit little endian guessed"], b""
        if length_implicit <= size - 8:
            return 0, IMPLICIT_LE, ["no DICOM header; implicit little endian guessed"], b""
    if group == b"\x00\x08" and data[2] < 0x80 and vr in _VRS:
        return 0, EXPLICIT_BE, ["no DICOM header; explicit big endian guessed"], b""
    raise NotDicomError("not DICOM (no DICM marker)")


class _Walk:
    """One pass over the elements, with a stack for sequences and items."""

    def __init__(self, header: Header, data: bytes, fd: int, size: int, *, implicit: bool) -> None:
        self.header, self.data, self.fd, self.size = header, data, fd, size
        self.implicit = implicit
        order = "<" if header.little_endian else ">"
        self.tag_of = struct.Struct(order + "HH").unpack_from
        self.long_of = struct.Struct(order + "I").unpack_from
        self.short_of = struct.Struct(order + "H").unpack_from

    def run(self, position: int) -> None:
        """Walk to the end of the file."""
        data, size, header = self.data, self.size, self.header
        available = len(data)
        stack: list[tuple[int, bool]] = []  # (end or -1, is_sequence)
        previous = -1
        heads = HEADS[header.little_endian]
        unknown_depth = -1  # where a UN sequence began whose inside is implicit (PS3.5 6.2.2)
        while True:
            while stack and stack[-1][0] == position:
                stack.pop()
            if len(stack) <= unknown_depth:
                unknown_depth, self.implicit = -1, False
            if not stack and not self.implicit:
                position, previous = skim(data, position, previous, header.values, heads)
            if position >= size:
                break
            if position + 8 > available:
                if position + 8 <= size:
                    raise _NeedMoreError
                if not stack and self._is_trailing(position):
                    return
                raise IncompleteError(f"incomplete: {size} bytes, an element is cut at its header")
            group, element = self.tag_of(data, position)
            tag = group << 16 | element
            if not stack and tag in _PIXEL_TAGS:
                position = self._pixel_data(position, tag)
                if position > available and position < size:
                    self._trailer(position)
                    return
                continue
            if not stack and previous > 0 and tag <= previous and self._is_trailing(position):
                return
            vr, length, head = self._element_head(position, tag)
            if group == 0xFFFE:
                position = self._delimiter(stack, tag, length, position)
                continue
            if not stack:
                previous = tag
            start = position + head
            is_sequence = vr == b"SQ" or (length == _UNDEFINED and vr in (b"", b"UN"))
            if is_sequence:
                if not stack:
                    header.sequences.add(tag)
                if len(stack) >= 2 * MAX_NESTING:
                    raise BadInputError(f"nesting deeper than {MAX_NESTING} sequences")
                if length != _UNDEFINED:
                    self._check_end(start + length, stack, tag)
                    if start + length > available:
                        raise _NeedMoreError
                elif vr == b"UN" and not self.implicit:
                    unknown_depth, self.implicit = len(stack), True
                stack.append((start + length if length != _UNDEFINED else -1, True))
                position = start
                continue
            if length in (_UNDEFINED, 0xFFFFFFFE):
                raise BadInputError(f"element ({group:04X},{element:04X}) has an impossible length")
            end = start + length
            self._check_end(end, stack, tag)
            if not stack and length <= KEEP_VALUE_BYTES:
                if end > available:
                    raise _NeedMoreError
                header.values[tag] = data[start:end]
            elif end > available and end < size:
                raise _NeedMoreError
            position = end
        if any(end == -1 for end, _ in stack):
            raise IncompleteError(f"incomplete: a sequence is not closed after {size} bytes")

    def _element_head(self, position: int, tag: int) -> tuple[bytes, int, int]:
        data = self.data
        if self.implicit or tag >> 16 == 0xFFFE:
            return b"", self.long_of(data, position + 4)[0], 8
        vr = data[position + 4 : position + 6]
        if vr in _LONG_VRS:
            if position + 12 > len(data):
                if position + 12 > self.size:
                    raise IncompleteError(f"incomplete: {self.size} bytes")
                raise _NeedMoreError
            return vr, self.long_of(data, position + 8)[0], 12
        if vr not in _VRS:
            if tag >> 16 == 0 and tag == 0:
                raise BadInputError("the data set is followed by bytes that are no elements")
            # implicit element inside an explicit data set (seen in the wild), or a damaged VR
            length = self.long_of(data, position + 4)[0]
            if position + 8 + length <= self.size and not vr.isalpha():
                return b"UN", length, 8
            self.header.warnings.append(
                f"element ({tag >> 16:04X},{tag & 0xFFFF:04X}) has a bad VR"
            )
        return vr, self.short_of(data, position + 6)[0], 8

    def _check_end(self, end: int, stack: list[tuple[int, bool]], tag: int) -> None:
        if end > self.size:
            raise IncompleteError(
                f"incomplete: element ({tag >> 16:04X},{tag & 0xFFFF:04X}) needs {end} bytes, "
                f"the file has {self.size}"
            )
        limits = [limit for limit, _ in stack if limit >= 0]
        if limits and end > limits[-1]:
            raise BadInputError(f"element ({tag >> 16:04X},{tag & 0xFFFF:04X}) leaves its item")

    def _delimiter(
        self, stack: list[tuple[int, bool]], tag: int, length: int, position: int
    ) -> int:
        start = position + 8
        if tag == _ITEM:
            if not stack or not stack[-1][1]:
                raise BadInputError("an item stands outside a sequence")
            if length != _UNDEFINED:
                self._check_end(start + length, stack, tag)
            stack.append((start + length if length != _UNDEFINED else -1, False))
        elif tag in (_ITEM_END, _SEQUENCE_END):
            if stack and stack[-1][1] == (tag == _SEQUENCE_END):
                stack.pop()
            else:
                raise BadInputError("a delimiter stands where none belongs")
        else:
            raise BadInputError("an unknown delimiter stands in the data set")
        return start

    def _pixel_data(self, position: int, tag: int) -> int:
        header = self.header
        vr, length, head = self._element_head(position, tag)
        start = position + head
        header.pixel_tag = tag
        header.pixel_offset = start
        if length != _UNDEFINED:
            if start + length > self.size:
                raise IncompleteError(
                    f"incomplete: pixel data needs {start + length} bytes, the file has {self.size}"
                )
            header.pixel_length_bytes = length
            return start + length
        del vr
        return self._fragments(start)

    def _fragments(self, position: int) -> int:
        header, found = self.header, []
        first = True
        while True:
            head = self._bytes(position, 8)
            if len(head) < 8:
                raise IncompleteError(
                    f"incomplete: the pixel data are not closed after {self.size} bytes"
                )
            group, element = self.tag_of(head, 0)
            length = self.long_of(head, 4)[0]
            position += 8
            tag = group << 16 | element
            if tag == _SEQUENCE_END:
                break
            if tag != _ITEM:
                raise BadInputError("the pixel data hold something that is no fragment")
            if position + length > self.size:
                raise IncompleteError(
                    f"incomplete: a fragment needs {position + length} bytes, "
                    f"the file has {self.size}"
                )
            if first:
                raw = self._bytes(position, min(length, 4 * MAX_FRAGMENTS))
                header.offset_table = struct.unpack(f"<{len(raw) // 4}I", raw[: len(raw) // 4 * 4])
                first = False
            else:
                found.append((position, length))
                if len(found) > MAX_FRAGMENTS:
                    raise BadInputError("the pixel data hold more than a million fragments")
            position += length
        header.fragments = tuple(found)
        header.pixel_length_bytes = sum(length for _, length in found)
        return position

    def _bytes(self, position: int, count: int) -> bytes:
        if position + count <= len(self.data) or self.fd < 0:
            return self.data[position : position + count]
        return os.pread(self.fd, count, position)

    def _trailer(self, position: int) -> None:
        """Elements after the pixel data: walked in a buffer of their own, or named as trailing."""
        rest = self.size - position
        tail = self._bytes(position, min(rest, 1 << 20))
        if len(tail) < rest or not any(tail):
            self.header.warnings.append(f"{rest} bytes follow the data set")
            return
        follower = _Walk(self.header, tail, -1, rest, implicit=self.implicit)
        try:
            follower.run(0)
        except _NeedMoreError:
            raise IncompleteError("incomplete: an element after the pixel data is cut") from None

    def _is_trailing(self, position: int) -> bool:
        """Zeros, or a second file, behind the data set: kept, warned about, not parsed."""
        rest = self._bytes(position, min(self.size - position, 4096))
        if not any(rest) or rest[128:132] == b"DICM":
            self.header.warnings.append(f"{self.size - position} bytes follow the data set")
            return True
        return False
