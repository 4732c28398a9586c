"""Objects without pixels of their own, read for their own view: waveforms, reports, documents.

A kind of object is one reader and one line in ``_READERS``.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from medbench.base.errors import BadInputError
from medbench.dicom.dataset import damage_named
from medbench.dicom.decoding.pool import DecoderPool
from medbench.dicom.document import DOCUMENT_CLASSES, read_document
from medbench.dicom.report import read_report
from medbench.dicom.waveform import read_waveforms
from medbench.domain.image import DisplayKind, DisplaySet
from medbench.formats.wfdb import read_wfdb
from medbench.formats.wfdb_header import HEADER_SUFFIX

Reader = Callable[[Path, DecoderPool | None], Any]


def _waveforms(path: Path, _pool: DecoderPool | None) -> Any:
    return read_wfdb(path) if path.suffix.lower() == HEADER_SUFFIX else read_waveforms(path)


def _document(path: Path, pool: DecoderPool | None) -> Any:
    return read_document(path, pool)


def _report(path: Path, _pool: DecoderPool | None) -> Any:
    return read_report(path)


_READERS: tuple[tuple[Callable[[DisplaySet], bool], Reader], ...] = (
    (lambda d: d.kind is DisplayKind.WAVEFORM, _waveforms),
    (lambda d: d.sop_class_uid.startswith("1.2.840.10008.5.1.4.1.1.88."), _report),
    (lambda d: d.sop_class_uid.startswith(DOCUMENT_CLASSES), _document),
)


@damage_named("the object")
def read_object(display: DisplaySet, pool: DecoderPool | None = None) -> Any:
    """What a display without pictures holds: a tuple of `Waveform`, a `Report` ...

    Raises
    ------
    BadInputError, DecodeError, IncompleteError
        With the reason in plain words.
    """
    for accepts, read in _READERS:
        if accepts(display):
            return read(display.frames[0].path, pool)
    raise BadInputError(display.reason or "This object cannot be shown.")


def has_view(display: DisplaySet) -> bool:
    """Whether `read_object` has a reader for it."""
    return any(accepts(display) for accepts, _ in _READERS)
