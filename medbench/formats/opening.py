"""The one way to open a display, whatever file it lies in."""

from medbench.dicom.decoding.pool import DecoderPool
from medbench.dicom.reader import DisplayReader
from medbench.dicom.reader import open_display as open_dicom
from medbench.domain.image import DisplaySet


def open_display(display: DisplaySet, pool: DecoderPool | None = None) -> DisplayReader:
    """Reader of one display; give it the app's pool, or it makes one when it needs one."""
    return open_dicom(display, pool)
