"""Documents inside DICOM objects: PDF, CDA and other files (PS3.3 A.45, C.24.2)."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from medbench.base.atomic import atomic_file
from medbench.base.errors import BadInputError, DecodeError
from medbench.dicom.decoding.pool import DecoderPool
from medbench.dicom.elements import Element, ElementFile, read_elements
from medbench.dicom.text import CharacterSet, character_set
from medbench.dicom.values import iso_date
from medbench.domain.objects import Document, DocumentKind

DOCUMENT_CLASSES = "1.2.840.10008.5.1.4.1.1.104."
MAX_TEXT_BYTES = 2 << 20
_CHUNK_BYTES = 1 << 20

_DOCUMENT, _LENGTH, _MEDIA_TYPE, _TITLE = 0x00420011, 0x00420015, 0x00420012, 0x00420010
_CODED_TITLE, _MEANING = 0x0040A043, 0x00080104
_CHARACTERS, _CONTENT_DATE = 0x00080005, 0x00080023
_SERIES_DESCRIPTION = 0x0008103E

_KINDS: dict[str, tuple[DocumentKind, str]] = {
    "application/pdf": (DocumentKind.PDF, ".pdf"),
    "text/xml": (DocumentKind.TEXT, ".xml"),
    "application/xml": (DocumentKind.TEXT, ".xml"),
    "text/plain": (DocumentKind.TEXT, ".txt"),
    "model/stl": (DocumentKind.MODEL, ".stl"),
    "application/sla": (DocumentKind.MODEL, ".stl"),
    "model/obj": (DocumentKind.MODEL, ".obj"),
    "model/mtl": (DocumentKind.MODEL, ".mtl"),
}


def read_document(path: Path, pool: DecoderPool | None = None) -> Document:
    """What is encapsulated, where it lies, and its pages.

    Raises
    ------
    BadInputError
        There is no document in the file.
    DecodeError
        It claims to be a PDF and cannot be opened as one.
    """
    found = read_elements(path)
    by_tag = {element.tag: element for element in found.body.elements}
    element = by_tag.get(_DOCUMENT)
    if element is None or element.length <= 0:
        raise BadInputError(f"{path.name} holds no document.")
    characters = character_set(_text(found, by_tag.get(_CHARACTERS), None))
    length = _length(found, by_tag.get(_LENGTH), element)
    media = _text(found, by_tag.get(_MEDIA_TYPE), characters).lower()
    head = found.value(element, 1024)
    kind, suffix, warnings = _kind(media, head)
    deflated = found.header.body is not None
    document = Document(
        title=_title(found, by_tag, characters),
        kind=kind,
        media_type=media or "unknown type",
        suffix=suffix,
        path=path,
        ranges=() if deflated else ((element.offset, length),),
        length_bytes=length,
        date=iso_date(_text(found, by_tag.get(_CONTENT_DATE), characters)),
        warnings=tuple(warnings),
        text=_readable(found.value(element, MAX_TEXT_BYTES), length)
        if kind is DocumentKind.TEXT
        else "",
    )
    if kind is not DocumentKind.PDF or pool is None:
        return document
    return replace(document, pages_pt=page_sizes(document, pool))


def page_sizes(document: Document, pool: DecoderPool) -> tuple[tuple[float, float], ...]:
    """Width and height of each page in points.

    Raises
    ------
    DecodeError
        The PDF is damaged or asks for a password.
    """
    try:
        sizes = pool.pdf_pages(document.path, list(document.ranges), document_bytes(document))
    except DecodeError as error:
        raise DecodeError(f"The PDF in {document.path.name} cannot be opened: {error}") from error
    return tuple((float(width), float(height)) for width, height in sizes)


def page_image(document: Document, page: int, scale: float, pool: DecoderPool) -> np.ndarray:
    """One page (from 0) as uint8 (rows, columns, 3), ``scale`` pixels per point.

    Raises
    ------
    DecodeError
        The page is damaged, or takes longer than the decoder's deadline.
    """
    return pool.pdf_page(
        document.path, list(document.ranges), page, scale, document_bytes(document)
    )


def document_bytes(document: Document) -> bytes:
    """The document itself where it has no place in the file (deflated objects); else b""."""
    if document.ranges:
        return b""
    found = read_elements(document.path)
    element = next((e for e in found.body.elements if e.tag == _DOCUMENT), None)
    if element is None:
        raise DecodeError(f"{document.path.name} has changed since it was opened.")
    return found.value(element, document.length_bytes)


def save_copy(document: Document, target: Path) -> None:
    """Write the embedded file, unchanged; nothing half-written stays behind.

    Raises
    ------
    DecodeError
        The object became shorter since it was opened.
    OSError
        The target cannot be written.
    """
    whole = document_bytes(document)

    def write(path: Path) -> None:
        with path.open("wb") as out:
            if whole:
                out.write(whole)
                return
            with document.path.open("rb") as source:
                for offset, length in document.ranges:
                    source.seek(offset)
                    _copy(source.read, out.write, length, document.path.name)

    atomic_file(target, write)


def _copy(
    read: Callable[[int], bytes], write: Callable[[bytes], int], length: int, name: str
) -> None:
    left = length
    while left:
        part = read(min(left, _CHUNK_BYTES))
        if not part:
            raise DecodeError(f"{name} became shorter since it was opened.")
        write(part)
        left -= len(part)


def _length(found: ElementFile, stated: Element | None, element: Element) -> int:
    """Encapsulated Document Length (0042,0015) where it is sound; else without the padding."""
    if stated is not None and stated.length == 4:
        order = "little" if found.little_endian else "big"
        length = int.from_bytes(found.value(stated), order)  # type: ignore[arg-type]
        if element.length - 1 <= length <= element.length:
            return length
    last = found.value(element)[-1:] if element.length % 2 == 0 else b""
    return element.length - (last == b"\0")


def _kind(media: str, head: bytes) -> tuple[DocumentKind, str, list[str]]:
    kind, suffix = _KINDS.get(media, (DocumentKind.OTHER, ".bin"))
    is_pdf = b"%PDF-" in head
    if is_pdf and kind is not DocumentKind.PDF:
        return DocumentKind.PDF, ".pdf", [f"says it is {media or 'of no type'} and is a PDF"]
    return kind, suffix, []


def _title(found: ElementFile, by_tag: dict[int, Element], characters: CharacterSet) -> str:
    if title := _text(found, by_tag.get(_TITLE), characters):
        return title
    coded = by_tag.get(_CODED_TITLE)
    for item in (coded.items or ()) if coded is not None else ():
        for element in item.elements:
            if element.tag == _MEANING and (title := _text(found, element, characters)):
                return title
    return _text(found, by_tag.get(_SERIES_DESCRIPTION), characters)


def _text(found: ElementFile, element: Element | None, characters: CharacterSet | None) -> str:
    if element is None:
        return ""
    raw = found.value(element, 1 << 16)
    return characters.decode(raw).text if characters else raw.decode("latin-1").strip(" \0")


def _readable(raw: bytes, length: int) -> str:
    """A text document as it is: no parser, so no entity is ever resolved.

    XML on one line is broken between its elements.
    """
    raw = raw[:length].rstrip(b"\0")
    for mark, codec in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"),
                        (b"\xfe\xff", "utf-16")):  # fmt: skip
        if raw.startswith(mark):
            text = raw.decode(codec, "replace")
            break
    else:
        text = raw.decode(_declared_codec(raw), "replace")
    text = text.replace("\0", "\ufffd")
    if text.count("\n") * 400 < len(text):
        text = text.replace("><", ">\n<")
    return text


def _declared_codec(raw: bytes) -> str:
    """Encoding of the XML declaration, when Python knows it and it is no transformation."""
    head = raw[:200].decode("latin-1")
    name = head.partition("encoding=")[2][1:].split("'")[0].split('"')[0].strip().lower()
    known = {
        "utf-8", "iso-8859-1", "iso-8859-2", "iso-8859-5", "iso-8859-15", "windows-1252",
        "us-ascii", "gb18030", "gbk", "gb2312", "big5", "shift_jis", "euc-jp", "euc-kr",
    }  # fmt: skip
    return name if head.startswith("<?xml") and name in known else "utf-8"
