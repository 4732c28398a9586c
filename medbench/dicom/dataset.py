"""The one door to pydicom's parser: behind the guard, without pixels, without a word.

pydicom warns and logs with the values it met; those can be a patient's, and belong nowhere.
"""

import logging
import threading
import warnings
from pathlib import Path
from typing import Any

import pydicom
from pydicom import config

config.settings.reading_validation_mode = config.IGNORE
logging.getLogger("pydicom").setLevel(logging.CRITICAL)

_lock = threading.Lock()


def read_dataset(path: Path) -> Any:
    """The data set without pixels; call only behind the guard.

    Raises whatever pydicom raises for a damaged file: callers name what they expect.
    """
    # filters are global to the process: two threads that save and restore them could swap them
    with _lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pydicom.dcmread(path, stop_before_pixels=True, force=True)
