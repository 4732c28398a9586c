"""Every element of a data set with its place in the file, nested ones too.

For the tag browser and for values that are too long for the header guard. A damaged element ends
the walk of its level with a reason; nothing raises for what the bytes say.
"""

import struct
from dataclasses import dataclass, field
from pathlib import Path

from pydicom.datadict import dictionary_VR

from medbench.base.errors import BadInputError, NotDicomError
from medbench.dicom.guard import DEFLATED_LE, EXPLICIT_BE, IMPLICIT_LE, Header, read_header

MAX_ELEMENTS = 200_000
_TOO_MANY = f"more than {MAX_ELEMENTS:,} elements and items: the rest is not listed"
MAX_DEPTH = 128
MAX_TAIL_BYTES = 64 << 20
_UNDEFINED = 0xFFFFFFFF
_LONG = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD


@dataclass(slots=True)
class Element:
    """One element; ``offset`` and ``length`` frame its value."""

    tag: int
    vr: str
    offset: int
    length: int
    """-1 when undefined and not closed."""
    items: list["Item"] | None = None
    fragments: int = 0
    """Of encapsulated pixel data, offset table excluded."""


@dataclass(slots=True)
class Item:
    """One item of a sequence."""

    elements: list[Element] = field(default_factory=list)
    problem: str = ""
    """Why it ends early."""


@dataclass(slots=True)
class ElementFile:
    """A whole file as elements."""

    header: Header
    parts: tuple[tuple[int, bytes], ...]
    """(offset, bytes) of what was read: all but the pixel data. The data set of a deflated file
    stands inflated behind its meta group."""
    meta: Item
    body: Item
    little_endian: bool

    def value(self, element: Element, limit: int | None = None) -> bytes:
        """Bytes of a value, at most ``limit``; b"" for pixel data."""
        length = element.length if limit is None else min(element.length, limit)
        for start, data in self.parts:
            at = element.offset - start
            if 0 <= at <= len(data) - length:
                return data[at : at + max(0, length)]
        return b""


def read_elements(path: Path, *, tolerant: bool = False) -> ElementFile:
    """Walk a file that the header guard accepts.

    With ``tolerant`` also one that it refuses as damaged or cut: up to where it is readable.

    Raises
    ------
    BadInputError
        It is no DICOM file, or cut, or cannot be read.
    """
    try:
        header = read_header(path)
    except NotDicomError:
        raise
    except BadInputError as error:
        if not tolerant:
            raise
        return _damaged(path, error)
    little = header.transfer_syntax_uid != EXPLICIT_BE
    deflated = header.body is not None and header.transfer_syntax_uid == DEFLATED_LE
    try:
        with path.open("rb") as handle:
            if header.pixel_offset < 0 or deflated:
                data, tail_start, tail = handle.read(), 0, b""
            else:
                data = handle.read(header.pixel_offset)
                tail_start = _pixel_end(header)
                handle.seek(tail_start)
                tail = handle.read(MAX_TAIL_BYTES)
    except OSError as error:
        raise BadInputError(f"the file cannot be read: {error.strerror}") from error
    meta, start = _meta(data)
    if deflated and header.body is not None:
        data = data[:start] + header.body
    implicit = (
        header.transfer_syntax_uid == IMPLICIT_LE or not data[start + 4 : start + 6].isalpha()
    )
    body = Item()
    if header.pixel_offset < 0 or deflated:
        _Walk(data, little).item(body, start, len(data), implicit, 0, top=True)
        return ElementFile(header, ((0, data),), meta, body, little)
    head = 8 if implicit else 12
    end = header.pixel_offset - head
    _Walk(data, little).item(body, start, end, implicit, 0, top=True)
    vr = "OW" if implicit else data[end + 4 : end + 6].decode("latin-1")
    body.elements.append(
        Element(header.pixel_tag, vr, header.pixel_offset, header.pixel_length_bytes,
                fragments=len(header.fragments))
    )  # fmt: skip
    if tail:
        after = Item()
        _Walk(tail, little).item(after, 0, len(tail), implicit, 0, top=True)
        _shift(after, tail_start)
        body.elements += after.elements
        body.problem = body.problem or after.problem
    return ElementFile(header, ((0, data), (tail_start, tail)), meta, body, little)


def _damaged(path: Path, reason: BadInputError) -> ElementFile:
    """What can be read of a file that the guard refuses, for looking at its elements only."""
    with path.open("rb") as handle:
        data = handle.read(MAX_TAIL_BYTES)
    meta, start = _meta(data)
    syntax = next((e for e in meta.elements if e.tag == 0x00020010), None)
    uid = "" if syntax is None else data[syntax.offset :][: syntax.length].decode("latin-1")
    uid = uid.strip(" \0")
    if uid == DEFLATED_LE:
        raise reason
    header = Header(path, len(data), uid, uid != EXPLICIT_BE, warnings=[str(reason)])
    implicit = uid == IMPLICIT_LE or not data[start + 4 : start + 6].isalpha()
    body = Item()
    walk = _Walk(data, header.little_endian)
    walk.item(body, start, len(data), implicit, 0, top=True)
    body.problem = body.problem or str(reason)
    return ElementFile(header, ((0, data),), meta, body, header.little_endian)


def _pixel_end(header: Header) -> int:
    """First byte after the pixel data, its sequence delimiter included."""
    if header.fragments:
        offset, length = header.fragments[-1]
        return offset + length + 8
    return header.pixel_offset + header.pixel_length_bytes


def _shift(item: Item, by: int) -> None:
    for element in item.elements:
        element.offset += by
        for inner in element.items or ():
            _shift(inner, by)


def _meta(data: bytes) -> tuple[Item, int]:
    start = 132 if data[128:132] == b"DICM" else 0
    item = Item()
    if data[start : start + 2] != b"\x02\x00":
        return item, start
    walk = _Walk(data, little=True)
    return item, walk.item(item, start, len(data), implicit=False, depth=0, only_group=2)


class _Walk:
    def __init__(self, data: bytes, little: bool) -> None:
        self.data = data
        order = "<" if little else ">"
        self.tags = struct.Struct(order + "HH").unpack_from
        self.long = struct.Struct(order + "I").unpack_from
        self.short = struct.Struct(order + "H").unpack_from
        self.count = 0

    def item(
        self, into: Item, position: int, end: int, implicit: bool, depth: int, *,
        only_group: int = -1, top: bool = False, closed: bool = True,
    ) -> int:  # fmt: skip
        """Read elements up to ``end`` (or a delimiter when not ``closed``); returns the end."""
        data, previous = self.data, -1
        while position + 8 <= end:
            group, number = self.tags(data, position)
            tag = group << 16 | number
            if only_group >= 0 and group != only_group:
                break
            if tag == _ITEM_END and not closed:
                return position + 8
            if top and tag <= previous and previous >= 0x7FE00000:
                into.problem = f"{end - position} bytes follow the data set"
                return end
            previous = tag
            self.count += 1
            if self.count > MAX_ELEMENTS:
                into.problem = _TOO_MANY
                return end
            position = self._element(into, tag, position, end, implicit, depth)
            if into.problem:
                return end
        if position < end and only_group < 0 and any(data[position:end]):
            into.problem = f"{end - position} bytes are no element"
            return end
        if not closed:
            into.problem = "the item is not closed"
        return position

    def _element(
        self, into: Item, tag: int, position: int, end: int, implicit: bool, depth: int
    ) -> int:
        data = self.data
        raw = b"" if implicit else data[position + 4 : position + 6]
        if raw and not (raw.isalpha() and raw.isupper()):
            raw = b"" if tag >> 16 != 0xFFFE else raw
            length, start = self.long(data, position + 4)[0], position + 8
        elif raw in _LONG:
            if position + 12 > end:
                into.problem = "an element is cut"
                return end
            length, start = self.long(data, position + 8)[0], position + 12
        elif raw:
            length, start = self.short(data, position + 6)[0], position + 8
        else:
            length, start = self.long(data, position + 4)[0], position + 8
        vr = raw.decode("latin-1") or implied_vr(tag)
        element = Element(tag, vr, start, -1 if length == _UNDEFINED else length)
        into.elements.append(element)
        if length != _UNDEFINED and start + length > end:
            element.length = end - start
            into.problem = f"{length} bytes are claimed, {end - start} are there"
            return end
        if tag == 0x7FE00010 and length == _UNDEFINED:
            return self._fragments(into, element, end)
        hidden = vr == "UN" and self._is_sequence(tag, start, length)
        if vr == "SQ" or hidden or (length == _UNDEFINED and vr in ("UN", "")):
            if depth >= MAX_DEPTH:
                into.problem = "nested too deeply"
                return end
            element.vr = "SQ" if vr != "UN" else "UN"
            stop = end if length == _UNDEFINED else start + length
            inner = implicit or vr == "UN"  # PS3.5 6.2.2 note 2
            position = self._sequence(element, start, stop, inner, depth, length == _UNDEFINED)
            if element.length < 0:
                element.length = position - start
            return position
        if length == _UNDEFINED:
            into.problem = "the length is undefined where it must not be"
            return end
        return start + length

    def _is_sequence(self, tag: int, start: int, length: int) -> bool:
        """A sequence that was stored as UN with a length."""
        if length == _UNDEFINED or length < 8 or implied_vr(tag) != "SQ":
            return False
        group, number = self.tags(self.data, start)
        return bool(group << 16 | number == _ITEM)

    def _sequence(
        self, element: Element, position: int, end: int, implicit: bool, depth: int, open_end: bool
    ) -> int:
        items = element.items = []
        while position + 8 <= end:
            group, number = self.tags(self.data, position)
            tag, length = group << 16 | number, self.long(self.data, position + 4)[0]
            if tag == _SEQUENCE_END and open_end:
                return position + 8
            item = Item()
            items.append(item)
            self.count += 1
            if self.count > MAX_ELEMENTS:
                item.problem = _TOO_MANY
                return end
            if tag != _ITEM:
                item.problem = "something that is no item stands in the sequence"
                return end
            position += 8
            if length != _UNDEFINED:
                stop = min(position + length, end)
                self.item(item, position, stop, implicit, depth + 1)
                position = stop
            else:
                position = self.item(item, position, end, implicit, depth + 1, closed=False)
        return end

    def _fragments(self, into: Item, element: Element, end: int) -> int:
        position, count = element.offset, -1
        while position + 8 <= end:
            group, number = self.tags(self.data, position)
            length = self.long(self.data, position + 4)[0]
            position += 8
            if group << 16 | number == _SEQUENCE_END:
                break
            if group << 16 | number != _ITEM or position + length > end:
                into.problem = "the pixel data are damaged"
                return end
            position += length
            count += 1
        element.fragments = max(0, count)
        element.length = position - element.offset
        return position


def implied_vr(tag: int) -> str:
    """Value representation of an implicit element by the data dictionary; 'UN' when unknown."""
    if tag & 0xFFFF == 0:
        return "UL"
    if (tag >> 16) & 1:
        return "LO" if 0x10 <= tag & 0xFFFF <= 0xFF else "UN"
    try:
        return dictionary_VR(tag).split(" or ")[0]
    except KeyError:
        return "UN"
