"""Pages of PDF documents by PDFium; runs in decoder processes only.

The last document stays open, so that turning pages does not parse it again.
"""

import base64
import math
import os
from collections.abc import Callable
from typing import Any

import numpy as np

from medbench.base.errors import DecodeError

MAX_PAGES = 5000
MAX_PAGE_PIXELS = 40_000_000
_KEPT_BYTES = 64 << 20

_open: dict[Any, Any] = {}


def answer_pdf(
    request: dict[str, Any], read: Callable[[str, list[list[int]]], bytes]
) -> np.ndarray:
    """Answer a decoder request: sizes of all pages, or one page.

    Raises
    ------
    DecodeError, OSError
        The document cannot be read.
    """
    stat = os.stat(request["path"])  # noqa: PTH116  (same call as in the worker: a plain path)
    key = request["path"], str(request["ranges"]), stat.st_mtime_ns, stat.st_size
    document = _open.get(key)
    if document is None:
        packed = request["data"]
        data = base64.b64decode(packed) if packed else read(request["path"], request["ranges"])
        document = _opened(data, key)
    if "page" in request:
        return pdf_page(document, request["page"], request["scale"])
    return pdf_pages(document)


def _opened(data: bytes, key: Any) -> Any:
    import pypdfium2

    while _open:
        _open.popitem()[1].close()
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise DecodeError("it is locked with a password") from error
        raise DecodeError("it is damaged, or no PDF") from error
    if len(data) <= _KEPT_BYTES:
        _open[key] = document
    return document


def pdf_pages(document: Any) -> np.ndarray:
    """Width and height of each page in points, float64 (pages, 2)."""
    count = len(document)
    if not count:
        raise DecodeError("it has no pages")
    if count > MAX_PAGES:
        raise DecodeError(f"it has {count} pages; {MAX_PAGES} are the limit")
    sizes = np.array([document.get_page_size(i) for i in range(count)], np.float64)
    if not np.isfinite(sizes).all() or (sizes <= 0).any():
        raise DecodeError("a page has no size")
    return sizes


def pdf_page(document: Any, page: int, scale: float) -> np.ndarray:
    """A page as RGB, uint8 (rows, columns, 3), ``scale`` pixels per point."""
    import pypdfium2

    if not 0 <= page < len(document):
        raise DecodeError(f"it has no page {page + 1}")
    width, height = document.get_page_size(page)
    if not (math.isfinite(width * height) and width > 0 and height > 0 and scale > 0):
        raise DecodeError("the page has no size")
    scale = min(scale, math.sqrt(MAX_PAGE_PIXELS / (width * height)))
    try:
        loaded = document[page]
        try:
            bitmap = loaded.render(scale=scale, rev_byteorder=True, may_draw_forms=False)
            return np.ascontiguousarray(bitmap.to_numpy()[..., :3])
        finally:
            loaded.close()
    except pypdfium2.PdfiumError as error:
        raise DecodeError("the page is damaged") from error
