"""What a compressed frame must be before a codec sees it, and how to tell that it was cut.

Codecs fill what is missing: a cut JPEG stream comes back grey, a cut HTJ2K stream blurred, both
without an error. A picture must not hold pixels that were not in the file, so the ends are
checked here (ITU-T T.81 B.2, T.800 A.4, T.814).
"""

from collections.abc import Callable

import numpy as np

from medbench.base.errors import DecodeError, IncompleteError
from medbench.dicom.pixels import PixelFormat

LARGE_FRAME_BYTES = 64 << 20
MAX_RATIO = 1000
MAX_SCANS = 200
_NOT_ENTROPY = b"\x5a\xa5\x3c\xc3\x69\x96" * 64


def check_ratio(data: bytes, form: PixelFormat) -> None:
    """A large frame from almost nothing is an attack on memory, not a picture.

    Raises
    ------
    DecodeError
        It is one.
    """
    wanted = form.frame_bits // 8
    if wanted > LARGE_FRAME_BYTES and wanted > MAX_RATIO * len(data):
        raise DecodeError(
            f"{len(data)} bytes of compressed data cannot hold a picture of {wanted >> 20} MiB"
        )


def check_jpeg(data: bytes, form: PixelFormat) -> None:
    """Number of scans, and the bits that the picture needs at least.

    A sequential block needs two bits (DC and end of block), a progressive one a bit, a lossless
    sample a bit. Raises `DecodeError`, or `IncompleteError` where the stream stops too early.
    """
    if data.count(b"\xff\xda") > MAX_SCANS:
        raise DecodeError(f"the JPEG stream has more than {MAX_SCANS} scans")
    blocks = -(-form.rows // 8) * -(-form.columns // 8)
    kinds = {b"\xff\xc0": 2 * blocks, b"\xff\xc1": 2 * blocks, b"\xff\xc2": blocks,
             b"\xff\xc3": form.rows * form.columns}  # fmt: skip
    found = [(data.find(mark), bits) for mark, bits in kinds.items() if mark in data[:65536]]
    if found and len(data) * 8 < min(found)[1]:
        raise DecodeError(f"JPEG: {len(data)} bytes are too few for this picture")
    check_end(data)


def check_end(data: bytes) -> None:
    """JPEG and JPEG-LS streams end with EOI; without it charls may search for ever.

    Raises
    ------
    IncompleteError
        There is none.
    """
    if b"\xff\xd9" not in data[-1024:]:
        raise IncompleteError("incomplete: the JPEG stream has no end")


def check_complete_jpeg(
    data: bytes, picture: np.ndarray, bits: int, decode: Callable[[bytes], np.ndarray]
) -> None:
    """Whether the last block came from the stream, or was made up by the decoder.

    A decoder that runs out of bits leaves the rest at mid-grey. Only where the last block is
    exactly that, the stream is decoded once more with other bits behind it: what changes with
    them was never in the file.

    Raises
    ------
    IncompleteError
        Part of the picture is missing.
    """
    corner = picture[-1:, -1:]
    if (corner != 1 << (bits - 1)).any():
        return
    end = data.rfind(b"\xff\xd9")
    again = decode(data[:end] + _NOT_ENTROPY + b"\xff\xd9")
    if again.shape != picture.shape or not np.array_equal(again, picture):
        raise IncompleteError("incomplete: the JPEG stream ends before its picture does")


def check_tile_parts(data: bytes) -> None:
    """Every tile-part of a JPEG 2000 codestream must be there, and the end marker behind them.

    Raises
    ------
    IncompleteError
        The codestream was cut.
    """
    start = data.find(b"\xff\x4f\xff\x51")
    position = start + 2
    while data[position : position + 2] != b"\xff\x90":  # main header up to the first SOT
        if position + 4 > len(data) or data[position] != 0xFF:
            raise IncompleteError("incomplete: the JPEG 2000 header is cut")
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    while data[position : position + 2] == b"\xff\x90":
        length = int.from_bytes(data[position + 6 : position + 10], "big")
        if length == 0:  # the last one goes on to the end marker
            position = max(position + 12, data.rfind(b"\xff\xd9"))
            break
        if length < 14 or position + length > len(data):
            raise IncompleteError("incomplete: a tile of the JPEG 2000 stream is cut")
        position += length
    if data[position : position + 2] != b"\xff\xd9":
        raise IncompleteError("incomplete: the JPEG 2000 stream has no end")


def jpeg_xl_size(data: bytes) -> tuple[int, int] | None:
    """(rows, columns) of a JPEG XL codestream, bare or in its container (ISO 18181-1 D.2)."""
    start = 0
    if data[:12] == b"\0\0\0\x0cJXL \r\n\x87\n":
        at = data.find(b"jxlc")
        if at < 0:
            at = data.find(b"jxlp") + 4
        start = at + 4
    if data[start : start + 2] != b"\xff\x0a":
        return None
    bits = int.from_bytes(data[start + 2 : start + 18], "little")

    def take(count: int) -> int:
        nonlocal bits
        value = bits & (1 << count) - 1
        bits >>= count
        return value

    small = take(1)

    def side() -> int:
        return (take(5) + 1) * 8 if small else take((9, 13, 18, 30)[take(2)]) + 1

    rows = side()
    ratio = take(3)
    ratios = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
    if ratio:
        across, down = ratios[ratio - 1]
        return rows, rows * across // down
    return rows, side()
