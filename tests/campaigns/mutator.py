"""Changes that break DICOM files the way disks, networks and attackers do."""

import random
import struct
from collections.abc import Sequence

_FIELDS = (
    b"\x28\x00\x10\x00US", b"\x28\x00\x11\x00US", b"\x28\x00\x00\x01US", b"\x28\x00\x01\x01US",
    b"\x28\x00\x02\x01US", b"\x28\x00\x02\x00US",
)  # fmt: skip
_FRAMES = b"\x28\x00\x08\x00IS"
_NUMBERS = (0, 1, 3, 7, 32768, 65535)
_LENGTHS = (0xFFFFFFFF, 0xFFFFFFFE, 0x7FFFFFFF, 0x80000000, 0xFFFF, 0)
_VRS = [b"OB", b"OW", b"SQ", b"UN", b"UI", b"US", b"DS", b"IS", b"PN", b"UT", b"AT", b"ZZ", b"\0\0"]


def mutate(data: bytes, rng: random.Random, others: Sequence[bytes] = ()) -> bytes:
    """1, 1, 2, 4 or 8 edits, 70 % of them in bytes 128 to 4224."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 8))):
        if len(out) < 8:
            break
        _edit(out, rng, others)
    return bytes(out)


def mutate_pixels(data: bytes, rng: random.Random) -> bytes:
    """Edits behind the start of the pixel data only: what reaches the codecs.

    The last bytes are hit often, since a stream without its end is a case of its own.
    """
    start = data.find(b"\xe0\x7f\x10\0") + 12
    if start < 12 or start > len(data) - 40:
        return mutate(data, rng)
    out = bytearray(data)
    for _ in range(rng.choice((1, 2, 4, 8, 16))):
        out[rng.randrange(start, len(out))] = rng.randrange(256)
    if rng.random() < 0.3:
        out[len(out) - 8 - rng.randrange(1, 5)] = rng.randrange(256)
    if rng.random() < 0.2:
        at = rng.randrange(start, len(out) - 32)
        out[at : at + 32] = bytes(rng.choice((0, 255)) for _ in range(32))
    return bytes(out)


def _place(out: bytearray, rng: random.Random) -> int:
    if rng.random() < 0.7 and len(out) > 140:
        return rng.randrange(128, min(len(out), 4224))
    return rng.randrange(len(out))


def _edit(out: bytearray, rng: random.Random, others: Sequence[bytes]) -> None:
    at = _place(out, rng)
    kind = rng.randrange(9)
    if kind == 0:
        out[at] ^= 1 << rng.randrange(8)
    elif kind == 1:
        out[at] = rng.randrange(256)
    elif kind == 2:
        value = struct.pack("<I", rng.choice(_LENGTHS))
        out[at : at + 4] = value[: len(out) - at]
    elif kind == 3 and rng.random() < 0.3:  # most cut files stop at the guard: keep some for G2
        del out[at:]
    elif kind == 4:
        out[at : at + 2] = rng.choice(_VRS)
    elif kind == 5:
        del out[at : at + rng.randint(1, 512)]
    elif kind == 6:
        part = bytes(out[at : at + rng.randint(1, 512)])
        out[at:at] = part
    elif kind == 7 and others:
        other = rng.choice(others)
        begin = rng.randrange(max(1, len(other) - 64))
        out[at : at + 64] = other[begin : begin + 64]
    else:
        _rewrite_numbers(out, rng)


def _rewrite_numbers(out: bytearray, rng: random.Random) -> None:
    """Rows, Columns, Frames and Bits with values nobody measured."""
    if rng.random() < 0.2 and (at := out.find(_FRAMES)) >= 0 and at + 10 <= len(out):
        length = out[at + 6] | out[at + 7] << 8
        text = str(rng.choice((*_NUMBERS, 2_000_000_000, -1))).encode()[:length]
        out[at + 8 : at + 8 + length] = text.ljust(length)
        return
    found = [at for field in _FIELDS if (at := out.find(field)) >= 0]
    if found:
        at = rng.choice(found) + 8
        out[at : at + 2] = struct.pack("<H", rng.choice(_NUMBERS))
