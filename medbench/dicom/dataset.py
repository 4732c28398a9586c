"""The one door to pydicom's parser: behind the guard, without pixels, without a word.

pydicom warns and logs with the values it met; those can be a patient's, and belong nowhere.
"""

import logging
import struct
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pydicom
from pydicom import config
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.hooks import hooks

from medbench.base.errors import DecodeError
from medbench.dicom.element_text import decoded_value

config.settings.reading_validation_mode = config.IGNORE
hooks.register_callback("raw_element_value", decoded_value)
logging.getLogger("pydicom").setLevel(logging.CRITICAL)

DAMAGE: tuple[type[Exception], ...] = (
    ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError,
    NotImplementedError, MemoryError, EOFError, OSError, struct.error, InvalidDicomError,
    BytesLengthException,
)  # fmt: skip
"""All that pydicom was seen to raise for damaged bytes, at once or when a value is asked for."""
LARGE_FILE_BYTES = 64 << 20
LARGE_VALUE_BYTES = 1 << 20

_lock = threading.Lock()


@contextmanager
def damage_named(what: str) -> Iterator[None]:
    """Around code that asks a data set for values; also a decorator.

    Raises
    ------
    DecodeError
        Naming ``what``, where pydicom could not read a value.
    """
    try:
        yield
    except DAMAGE as error:
        raise DecodeError(f"{what} cannot be read: damaged ({type(error).__name__})") from error


def read_dataset(path: Path) -> Any:
    """The data set without pixels; call only behind the guard.

    Raises one of `DAMAGE` for a damaged file; so may every later look at a value. Large values
    of large files stay on the disk until they are asked for.
    """
    defer = LARGE_VALUE_BYTES if path.stat().st_size > LARGE_FILE_BYTES else None
    # filters are global to the process: two threads that save and restore them could swap them
    with _lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pydicom.dcmread(path, stop_before_pixels=True, force=True, defer_size=defer)
