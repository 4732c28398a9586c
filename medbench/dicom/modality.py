"""From stored to modality values in the cells of a volume (PS3.3 C.11.1)."""

from typing import Any

import numpy as np

from medbench.dicom.pixels import PixelFormat
from medbench.dicom.voi import Rescale


def range_after(form: PixelFormat, rescale: Rescale) -> tuple[int, int]:
    """Smallest and largest modality value the bits allow."""
    bits = form.bits_stored
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if form.signed else (0, (1 << bits) - 1)
    return low + int(rescale.intercept), high + int(rescale.intercept)


def shifted_dtype(low: int, high: int) -> np.dtype[Any]:
    """Signed cells that hold both."""
    small = np.iinfo(np.int16)
    return np.dtype(np.int16 if small.min <= low and high <= small.max else np.int32)


def shifted(stored: np.ndarray, intercept: int) -> np.ndarray:
    """Integers plus an integer intercept, in signed cells that hold the result."""
    low, high = int(stored.min(initial=0)) + intercept, int(stored.max(initial=0)) + intercept
    return stored.astype(shifted_dtype(low, high)) + shifted_dtype(low, high).type(intercept)


def fitted(stored: np.ndarray, rescale: Rescale, dtype: np.dtype[Any]) -> np.ndarray | None:
    """Modality values in cells of ``dtype``; None when they do not fit into it.

    Nothing is clipped or rounded: integers go into integer cells only where every value fits.
    """
    if stored.dtype.kind == "f" or not rescale.integer:
        if dtype.kind != "f":
            return None
        return rescale.apply(stored).astype(dtype, copy=False)
    intercept = int(rescale.intercept)
    if dtype.kind == "f":
        return stored.astype(dtype) if not intercept else shifted(stored, intercept).astype(dtype)
    if dtype != stored.dtype or intercept:
        limits = np.iinfo(dtype)
        low, high = int(stored.min()) + intercept, int(stored.max()) + intercept
        if low < limits.min or high > limits.max:
            return None
    cells = stored.astype(dtype, copy=False)  # wraps where needed and comes back with the sum
    if not intercept:
        return cells
    step = np.array(intercept, np.int64).astype(dtype)
    return cells + step
