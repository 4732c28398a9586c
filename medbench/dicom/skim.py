"""The quick part of the header walk: runs of plain elements, which nearly all of a header is."""

import struct
from functools import lru_cache

_SHORT_VRS = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
_LAST_PLAIN = 0x7FDFFFFF
"""What lies above is pixel data, padding and delimiters."""
HEADS = {little: struct.Struct(("<" if little else ">") + "HH2sH") for little in (True, False)}


def skim(
    data: bytes, position: int, previous: int, values: dict[int, bytes], head: struct.Struct
) -> tuple[int, int]:
    """Keep explicit top-level elements of the short form (PS3.5 7.1.2) that rise and are complete.

    Stops before the first that is anything else; returns its position and the last tag kept. The
    caller's own walk judges it: this one refuses nothing and lets nothing pass that it would not.
    """
    end, last = position, len(data) - 8
    unpack = head.unpack_from
    while end <= last:
        group, element, vr, length = unpack(data, end)
        tag = group << 16 | element
        start = end + 8
        if (
            vr not in _SHORT_VRS
            or tag <= previous
            or tag > _LAST_PLAIN
            or start + length > last + 8
        ):
            break
        end = start + length
        values[tag] = data[start:end]
        previous = tag
    return end, previous


@lru_cache(maxsize=1 << 14)
def text_of(raw: bytes) -> str:
    """ASCII value, padding removed; the same few values come back in every file of a series."""
    return raw.decode("latin-1").strip(" \0")


@lru_cache(maxsize=1 << 14)
def numbers_of(raw: bytes) -> tuple[float, ...]:
    """All numbers of a DS or IS value; () when any is no finite number."""
    try:
        found = tuple(float(part) for part in text_of(raw).split("\\") if part.strip())
    except ValueError:
        return ()
    return found if all(abs(n) < 1e30 for n in found) else ()
