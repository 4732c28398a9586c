"""Samples of WFDB records (signal(5) of the WFDB specification): packed integers to arrays."""

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medbench.base.errors import BadInputError, IncompleteError
from medbench.formats.wfdb_header import Signal

MAX_SAMPLES = 1 << 28
"""A gibibyte once they are float32."""
_INVALID = {16: -(1 << 15), 24: -(1 << 23), 32: -(1 << 31), 61: -(1 << 15), 80: -(1 << 7),
            160: -(1 << 15), 212: -(1 << 11), 310: -(1 << 9), 311: -(1 << 9)}  # fmt: skip
_BITS = {8: 8, 16: 16, 24: 24, 32: 32, 61: 16, 80: 8, 160: 16, 212: 12}


def invalid_value(form: int) -> int | None:
    """The stored value that says nothing was recorded."""
    return _INVALID.get(form)


def bytes_of(form: int, count: int) -> int:
    """Fewest bytes that hold ``count`` samples of a format."""
    if form in _BITS:
        return -(-count * _BITS[form] // 8)
    whole, rest = divmod(count, 3)  # 310 and 311: three samples in four bytes
    return whole * 4 + (rest * 2 if form == 310 else -(-rest * 10 // 8))


def samples_in(form: int, size_bytes: int) -> int:
    """Samples of a format that fit into so many bytes."""
    if form in _BITS:
        return size_bytes * 8 // _BITS[form]
    whole, rest = divmod(size_bytes, 4)
    return whole * 3 + (rest // 2 if form == 310 else rest * 8 // 10)


def read_signal_file(
    path: Path, signals: Sequence[Signal], frames: int | None
) -> list[NDArray[np.int32]]:
    """Stored values of the signals that share a file, each (frames x samples per frame,).

    ``frames`` None: as many whole frames as the file holds. Nothing is allocated before the
    file's size has been compared with what the header claims.

    Raises
    ------
    BadInputError, IncompleteError
        The file is missing, of a form that is not read, or shorter than the header says.
    """
    form, offset = signals[0].format, signals[0].offset_bytes
    if any(s.format != form for s in signals):
        raise BadInputError(f"{path.name}: its signals have different formats in one file.")
    if form not in _BITS and form not in (310, 311):
        raise BadInputError(f"{path.name}: signal format {form} is not supported.")
    if any(s.block_size for s in signals):
        raise BadInputError(f"{path.name}: signals in blocks are not supported.")
    if not path.exists():
        raise BadInputError(f"{path.name}, which holds the samples, is not in the folder.")
    per_frame = sum(s.samples_per_frame for s in signals)
    with path.open("rb") as handle:
        status = os.fstat(handle.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise BadInputError(f"{path.name} is no regular file.")
        available = max(0, status.st_size - offset)
        if frames is None:
            frames = samples_in(form, available) // per_frame
        needed = bytes_of(form, frames * per_frame)
        if needed > available:
            raise IncompleteError(
                f"incomplete: {needed} bytes of samples belong into {path.name}, "
                f"{available} are there"
            )
        if frames < 1:
            raise BadInputError(f"{path.name} holds no whole sample.")
        if frames * per_frame > MAX_SAMPLES:
            raise BadInputError(f"{path.name}: more than {MAX_SAMPLES} samples are not opened.")
        handle.seek(offset)
        raw = handle.read(needed)
    if len(raw) < needed:
        raise IncompleteError(f"incomplete: {path.name} ended while it was read")
    stored = decode(form, raw, frames * per_frame).reshape(frames, per_frame)
    found, column = [], 0
    for signal in signals:
        part = stored[:, column : column + signal.samples_per_frame].reshape(-1)
        column += signal.samples_per_frame
        if form == 8:
            part = (np.cumsum(part, dtype=np.int64) + (signal.initial or 0)).astype(np.int32)
        found.append(part)
    return found


def decode(form: int, raw: bytes, count: int) -> NDArray[np.int32]:
    """Integers of one format (format 8: the differences), int32 (count,)."""
    if form in (310, 311, 24, 212):
        return _packed(form, raw)[:count]
    kinds: dict[int, Any] = {8: "i1", 16: "<i2", 32: "<i4", 61: ">i2", 80: "u1", 160: "<u2"}
    values = np.frombuffer(raw, kinds[form], count).astype(np.int32)
    return values - {80: 128, 160: 32768}.get(form, 0)


def _packed(form: int, raw: bytes) -> NDArray[np.int32]:
    size = 4 if form in (310, 311) else 3
    data = np.frombuffer(raw + b"\0" * (-len(raw) % size), np.uint8).reshape(-1, size)
    byte = data.astype(np.int32).T
    if form == 24:
        return _signed(byte[0] | byte[1] << 8 | byte[2] << 16, 24)
    out = np.empty((len(data), 2 if form == 212 else 3), np.int32)
    if form == 212:
        out[:, 0] = byte[0] | (byte[1] & 0x0F) << 8
        out[:, 1] = byte[2] | (byte[1] & 0xF0) << 4
        return _signed(out.reshape(-1), 12)
    low, high = byte[0] | byte[1] << 8, byte[2] | byte[3] << 8
    if form == 310:  # the third sample fills the top five bits of both words
        out[:, 0] = low >> 1 & 0x3FF
        out[:, 1] = high >> 1 & 0x3FF
        out[:, 2] = low >> 11 | (high >> 11) << 5
    else:  # 311: thirty bits in a row
        out[:, 0] = low & 0x3FF
        out[:, 1] = low >> 10 | (high & 0x0F) << 6
        out[:, 2] = high >> 4 & 0x3FF
    return _signed(out.reshape(-1), 10)


def _signed(values: NDArray[np.int32], bits: int) -> NDArray[np.int32]:
    half = np.int32(1 << bits - 1)
    return (values ^ half) - half
