"""The traditional cipher of ZIP archives (APPNOTE.TXT 6.1), for many members at once.

Its keys depend on every byte before, so one member is one long chain; but members are independent,
and archives of studies hold hundreds of nearly equal length. They are decrypted side by side, a
byte of each per step.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

HEAD_BYTES = 12
"""Random bytes before the data; the last one repeats a byte of the CRC or of the time."""
_FEW = 40
"""Below that many a plain loop over one member after the other is quicker."""
_MULTIPLIER = 134775813


def _crc_table() -> Iterator[int]:
    for value in range(256):
        crc = value
        for _ in range(8):
            crc = (crc >> 1) ^ 0xEDB88320 if crc & 1 else crc >> 1
        yield crc


_TABLE = list(_crc_table())
_TABLE_ARRAY = np.array(_TABLE, np.uint32)
Keys = tuple[int, int, int]


def _advanced(keys: Keys, plain: int) -> Keys:
    k0, k1, k2 = keys
    k0 = (k0 >> 8) ^ _TABLE[(k0 ^ plain) & 255]
    k1 = ((k1 + (k0 & 255)) * _MULTIPLIER + 1) & 0xFFFFFFFF
    k2 = (k2 >> 8) ^ _TABLE[(k2 ^ (k1 >> 24)) & 255]
    return k0, k1, k2


def first_keys(password: bytes) -> Keys:
    """Keys before the first byte."""
    keys = 0x12345678, 0x23456789, 0x34567890
    for byte in password:
        keys = _advanced(keys, byte)
    return keys


def check_byte(head: bytes, keys: Keys) -> int:
    """Last of the `HEAD_BYTES` decrypted: tells most wrong passwords."""
    return _one(head[:HEAD_BYTES], keys)[-1]


def decrypt(
    members: Sequence[bytes], keys: Keys, stopped: Callable[[], bool] = lambda: False
) -> list[bytes]:
    """Plain bytes of whole members, their heads left out; [] when it was stopped.

    Give members of similar length: memory is their number times the longest.
    """
    if len(members) < _FEW:
        found = []
        for data in members:
            if stopped():
                return []
            found.append(bytes(_one(data, keys)[HEAD_BYTES:]))
        return found
    order = sorted(range(len(members)), key=lambda i: -len(members[i]))
    lengths = [len(members[i]) for i in order]
    lanes = np.zeros((lengths[0], len(order)), np.uint8)
    for lane, index in enumerate(order):
        lanes[: lengths[lane], lane] = np.frombuffer(members[index], np.uint8)
    state = [np.full(len(order), key, np.uint32) for key in keys]
    begin = 0
    for end in sorted(set(lengths)):  # lanes end one after the other, the shortest first
        count = sum(length >= end for length in lengths)
        state = [key[:count].copy() for key in state]
        for at in range(begin, end, 4096):
            if stopped():
                return []
            _side_by_side(lanes[at : min(end, at + 4096), :count], state)
        begin = end
    plain: list[bytes] = [b""] * len(members)
    for lane, index in enumerate(order):
        plain[index] = lanes[HEAD_BYTES : lengths[lane], lane].tobytes()
    return plain


def _side_by_side(rows: np.ndarray, state: list[np.ndarray]) -> None:
    """Decrypt (steps, lanes) in place; the three key arrays are advanced in place."""
    k0, k1, k2 = state
    half, other = np.empty_like(k0), np.empty_like(k0)
    for row in rows:
        np.bitwise_or(k2, 2, out=half)
        np.bitwise_and(half, 0xFFFF, out=half)
        np.bitwise_xor(half, 1, out=other)
        np.multiply(half, other, out=half)
        np.right_shift(half, 8, out=half)
        row ^= half.astype(np.uint8)
        np.bitwise_xor(k0, row, out=half)
        np.bitwise_and(half, 255, out=half)
        np.right_shift(k0, 8, out=k0)
        k0 ^= _TABLE_ARRAY[half]
        np.bitwise_and(k0, 255, out=half)
        k1 += half
        k1 *= np.uint32(_MULTIPLIER)
        k1 += np.uint32(1)
        np.right_shift(k1, 24, out=half)
        np.bitwise_xor(k2, half, out=half)
        np.bitwise_and(half, 255, out=half)
        np.right_shift(k2, 8, out=k2)
        k2 ^= _TABLE_ARRAY[half]


def _one(data: bytes, keys: Keys) -> bytearray:
    """One member, byte after byte."""
    k0, k1, k2 = keys
    table, out = _TABLE, bytearray(data)
    for i, byte in enumerate(data):
        half = (k2 | 2) & 0xFFFF
        plain = byte ^ ((half * (half ^ 1) >> 8) & 255)
        out[i] = plain
        k0 = (k0 >> 8) ^ table[(k0 ^ plain) & 255]
        k1 = ((k1 + (k0 & 255)) * 134775813 + 1) & 0xFFFFFFFF
        k2 = (k2 >> 8) ^ table[(k2 ^ (k1 >> 24)) & 255]
    return out
