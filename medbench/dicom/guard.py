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
from typing import Any

from medbench.base.errors import BadInputError, IncompleteError, NotDicomError
from medbench.dicom.file_head import (
    DEFLATED_LE,
    EXPLICIT_BE,
    IMPLICIT_LE,
    LONG_VRS,
    UNCOMPRESSED,
    VRS,
    NeedMoreError,
    read_meta,
)
from medbench.dicom.skim import HEADS, numbers_of, skim, text_of

MAX_NESTING = 64
MAX_INFLATED_BYTES = 512 << 20
_COUNT_FROM_BYTES, _COUNT_STEP_BYTES = 64 << 20, 4 << 20
MAX_FRAGMENTS = 1_000_000
MAX_ITEMS = 500_000
KEEP_VALUE_BYTES = 1 << 16
_FIRST_READ_BYTES = 1 << 15
_INFLATE_STEP_BYTES = 1 << 20
_UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_PIXEL_TAGS = frozenset({0x7FE00010, 0x7FE00008, 0x7FE00009})


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
    items: int = 0
    """Sequence items at all depths: what parsing the data set will cost."""
    planes: Any = None
    """`frame_groups.FramePlanes` of an enhanced object once they were read; () = it has none."""

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
            except NeedMoreError:
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
    start, syntax, warnings, sop_class = read_meta(data, size)
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
    following = _Walk(header, data, fd, size, implicit=implicit).run(start)
    if following:
        _walk_windows(header, fd, size, following, implicit=implicit)
    return header


def _walk_windows(header: Header, fd: int, size: int, base: int, *, implicit: bool) -> None:
    """Go on behind values too large to be kept, in windows of their own."""
    want = _FIRST_READ_BYTES
    while base < size:
        rest = size - base
        window = os.pread(fd, min(want, rest), base)
        try:
            following = _Walk(header, window, fd, rest, implicit=implicit, base=base).run(0)
        except NeedMoreError:
            if want >= rest:
                raise IncompleteError(f"incomplete: {size} bytes, an element is cut") from None
            want *= 8
            continue
        if not following:
            return
        base, want = base + following, _FIRST_READ_BYTES


def _walk_deflated(path: Path, fd: int, start: int, size: int, warnings: list[str]) -> Header:
    packed = os.pread(fd, size - start, start)
    engine, grown, counted = zlib.decompressobj(-zlib.MAX_WBITS), bytearray(), False
    try:
        while packed and not engine.eof:  # in steps: one large call would need the memory twice
            grown += engine.decompress(packed, _INFLATE_STEP_BYTES)
            packed = engine.unconsumed_tail
            if not counted and len(grown) > _COUNT_FROM_BYTES:
                counted = True
                if len(grown) + _rest_bytes(engine.copy(), packed) > MAX_INFLATED_BYTES:
                    raise BadInputError("the deflated data set is larger than 512 MiB")
    except zlib.error as error:
        raise BadInputError(f"the deflated data set is damaged ({error})") from error
    body = bytes(grown)
    del grown
    tail = engine.unused_data if len(engine.unused_data) > 1 else b""  # one byte pads (A.5)
    checksum = struct.pack("<II", zlib.crc32(body), len(body)) if tail else b""  # as gzip has it
    if tail and checksum.startswith(tail) and len(tail) < len(checksum):
        raise IncompleteError(f"incomplete: the checksum is cut ({size} bytes)")
    if tail and not tail.startswith(checksum):
        warnings.append(f"{len(tail)} bytes follow the data set")
    if not engine.eof:
        raise IncompleteError(f"incomplete: the deflated data set ends early ({size} bytes)")
    header = Header(path, size, DEFLATED_LE, True, body=body, warnings=warnings)
    _Walk(header, body, -1, len(body), implicit=False).run(0)
    return header


def _rest_bytes(engine: Any, packed: bytes) -> int:
    """Bytes still to come, counted without keeping them, up to the limit."""
    count = 0
    while packed and not engine.eof and count <= MAX_INFLATED_BYTES:
        count += len(engine.decompress(packed, _COUNT_STEP_BYTES))
        packed = engine.unconsumed_tail
    return count


class _Walk:
    """One pass over the elements, with a stack for sequences and items."""

    def __init__(
        self, header: Header, data: bytes, fd: int, size: int, *, implicit: bool, base: int = 0
    ) -> None:
        self.header, self.data, self.fd, self.size = header, data, fd, size
        self.base = base  # where the buffer begins in the file; all positions count from there
        self.implicit = implicit
        order = "<" if header.little_endian else ">"
        self.tag_of = struct.Struct(order + "HH").unpack_from
        self.long_of = struct.Struct(order + "I").unpack_from
        self.short_of = struct.Struct(order + "H").unpack_from

    def run(self, position: int) -> int:
        """Walk to the end of the file: 0; or to a position that wants another buffer."""
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
                    raise NeedMoreError
                if not stack and self._is_trailing(position):
                    return 0
                raise IncompleteError(
                    f"incomplete: {header.size_bytes} bytes, an element is cut at its header"
                )
            group, element = self.tag_of(data, position)
            tag = group << 16 | element
            if not stack and tag in _PIXEL_TAGS:
                position = self._pixel_data(position, tag)
                if position > available and position < size:
                    self._trailer(position)
                    return 0
                continue
            if not stack and previous > 0 and tag <= previous and self._is_trailing(position):
                return 0
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
                        raise NeedMoreError
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
                    raise NeedMoreError
                header.values[tag] = data[start:end]
            elif end > available and end < size:
                if not stack:
                    return end
                raise NeedMoreError
            position = end
        if any(end == -1 for end, _ in stack):
            raise IncompleteError(f"incomplete: a sequence is not closed after {size} bytes")
        return 0

    def _element_head(self, position: int, tag: int) -> tuple[bytes, int, int]:
        data = self.data
        if self.implicit or tag >> 16 == 0xFFFE:
            return b"", self.long_of(data, position + 4)[0], 8
        vr = data[position + 4 : position + 6]
        if vr in LONG_VRS:
            if position + 12 > len(data):
                if position + 12 > self.size:
                    raise IncompleteError(f"incomplete: {self.size} bytes")
                raise NeedMoreError
            return vr, self.long_of(data, position + 8)[0], 12
        if vr not in VRS:
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
                f"incomplete: element ({tag >> 16:04X},{tag & 0xFFFF:04X}) needs "
                f"{self.base + end} bytes, the file has {self.base + self.size}"
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
            self.header.items += 1
            if self.header.items > MAX_ITEMS:
                raise BadInputError(f"more than {MAX_ITEMS} sequence items")
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
        header.pixel_offset = self.base + start
        if length != _UNDEFINED:
            if start + length > self.size:
                raise IncompleteError(
                    f"incomplete: pixel data needs {self.base + start + length} bytes, "
                    f"the file has {self.base + self.size}"
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
                    f"incomplete: a fragment needs {self.base + position + length} bytes, "
                    f"the file has {self.base + self.size}"
                )
            if first:
                raw = self._bytes(position, min(length, 4 * MAX_FRAGMENTS))
                header.offset_table = struct.unpack(f"<{len(raw) // 4}I", raw[: len(raw) // 4 * 4])
                first = False
            else:
                found.append((self.base + position, length))
                if len(found) > MAX_FRAGMENTS:
                    raise BadInputError("the pixel data hold more than a million fragments")
            position += length
        header.fragments = tuple(found)
        header.pixel_length_bytes = sum(length for _, length in found)
        return position

    def _bytes(self, position: int, count: int) -> bytes:
        if position + count <= len(self.data) or self.fd < 0:
            return self.data[position : position + count]
        return os.pread(self.fd, count, self.base + position)

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
        except NeedMoreError:
            raise IncompleteError("incomplete: an element after the pixel data is cut") from None

    def _is_trailing(self, position: int) -> bool:
        """Zeros, or a second file, behind the data set: kept, warned about, not parsed."""
        rest = self._bytes(position, min(self.size - position, 4096))
        if not any(rest) or rest[128:132] == b"DICM":
            self.header.warnings.append(f"{self.size - position} bytes follow the data set")
            return True
        return False
