"""The decoder chain: one compressed frame -> stored values. Runs only in decoder processes.

imagecodecs reads every syntax; what only the DICOM header knows stays here: sign, colour, and
whether the codestream's size is the one the header promises.
"""

import struct
import zlib
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import imagecodecs
import numpy as np

from medbench.base.errors import DecodeError
from medbench.dicom.decoding.streams import (
    check_complete_jpeg,
    check_end,
    check_jpeg,
    check_ratio,
    check_tile_parts,
    jpeg_xl_size,
)
from medbench.dicom.pixels import (
    PixelFormat,
    clean_bits,
    to_eight_bits,
    to_rgb,
    unpack_frame,
)

RLE = "1.2.840.10008.1.2.5"
_JPEG8 = {"1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"}
_JPEG_LOSSLESS = {"1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"}
_JPEG_LS = {"1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"}
_JPEG2000 = {f"1.2.840.10008.1.2.4.9{i}" for i in range(4)}
_HTJ2K = {f"1.2.840.10008.1.2.4.20{i}" for i in range(1, 4)}
_JPEG_XL = {f"1.2.840.10008.1.2.4.11{i}" for i in range(3)}
_DEFLATED_FRAME = "1.2.840.10008.1.2.8.1"
_VIDEO = {
    **{f"1.2.840.10008.1.2.4.{n}": "MPEG-2 video" for n in ("100", "100.1", "101", "101.1")},
    **{
        f"1.2.840.10008.1.2.4.{n}{part}": "MPEG-4 (H.264) video"
        for n in range(102, 107)
        for part in ("", ".1")
    },
    **{f"1.2.840.10008.1.2.4.{n}": "HEVC (H.265) video" for n in (107, 108)},
    "1.2.840.10008.1.2.7.1": "SMPTE ST 2110-20 video stream",
    "1.2.840.10008.1.2.7.2": "SMPTE ST 2110-20 video stream",
    "1.2.840.10008.1.2.7.3": "SMPTE ST 2110-30 audio stream",
    "1.2.840.10008.1.2.4.94": "JPIP: the pixels lie on a server",
    "1.2.840.10008.1.2.4.95": "JPIP: the pixels lie on a server",
    "1.2.840.10008.1.2.4.204": "JPIP: the pixels lie on a server",
    "1.2.840.10008.1.2.4.205": "JPIP: the pixels lie on a server",
}


def decode_frame(data: bytes, form: PixelFormat) -> np.ndarray:
    """Stored values (rows, columns) or RGB uint8 (rows, columns, 3).

    Raises
    ------
    DecodeError
        The stream is damaged, disagrees with the header, or its syntax is not supported.
    """
    syntax = form.transfer_syntax_uid
    refused = refusal(syntax)
    if refused:
        raise DecodeError(refused)
    _check_size(data, form)
    _check_stream(data, form)
    array = _DECODERS[syntax](data, form)
    if array.ndim == 3 and array.shape[-1] == 1:
        array = array[..., 0]
    expected = (form.rows, form.columns) if form.samples == 1 else (form.rows, form.columns, 3)
    if array.shape != expected:
        raise DecodeError(f"decoded to {array.shape}, the header says {expected}")
    array = np.ascontiguousarray(array)
    if form.samples > 1:
        eight = to_eight_bits(array, form)
        return to_rgb(eight, form.photometric) if _still_ybr(data, form) else eight
    return _stored(array, form)


def refusal(syntax: str) -> str:
    """Why frames of a transfer syntax cannot be decoded; '' when they can."""
    if syntax in _DECODERS:
        return ""
    if syntax in _VIDEO:
        return f"{_VIDEO[syntax]} (transfer syntax {syntax}) is not shown"
    return f"the transfer syntax {syntax} is not supported"


def _still_ybr(data: bytes, form: PixelFormat) -> bool:
    """Whether a decoder left the file's colour space as it was (T28).

    JPEG, JPEG XL and the colour transforms inside JPEG 2000 are undone by their decoders;
    RLE, JPEG lossless and JPEG-LS know no colour, nor does JPEG 2000 without its transform.
    """
    syntax = form.transfer_syntax_uid
    if syntax in _JPEG2000 | _HTJ2K:
        at = data.find(b"\xff\x52")  # COD: length, style, progression, layers, transform
        return at >= 0 and at + 9 <= len(data) and data[at + 8] == 0
    return syntax in {RLE, _DEFLATED_FRAME} | _JPEG_LOSSLESS | _JPEG_LS


def _stored(array: np.ndarray, form: PixelFormat) -> np.ndarray:
    """Mask and sign-extend by Bits Stored: codecs hand out unsigned cells (PS3.5 8.1.1)."""
    if array.dtype.kind not in "iu" or form.bits_allocated > 32:
        return array
    wanted = np.dtype(f"u{max(form.bits_allocated, 8) // 8}")
    cells = array.astype(wanted, copy=False)
    if form.signed:
        cells = cells.view(np.dtype(f"i{wanted.itemsize}"))
    if form.transfer_syntax_uid not in (RLE, _DEFLATED_FRAME):
        # only these two keep whole cells; elsewhere the stream holds Bits Stored from bit 0
        form = PixelFormat(**{**form.to_json(), "high_bit": form.bits_stored - 1})
    return clean_bits(cells, form)


def _check_size(data: bytes, form: PixelFormat) -> None:
    """Width and height in the codestream must be those of the header: never fabricate rows."""
    size = stream_size(data, form.transfer_syntax_uid)
    if size is not None and size != (form.rows, form.columns):
        raise DecodeError(
            f"the compressed picture is {size[1]} x {size[0]}, the header says "
            f"{form.columns} x {form.rows}"
        )


def _check_stream(data: bytes, form: PixelFormat) -> None:
    """What would make a codec take memory, or fill in what is missing."""
    syntax = form.transfer_syntax_uid
    check_ratio(data, form)
    if syntax in _JPEG8 | _JPEG_LOSSLESS:
        check_jpeg(data, form)
    elif syntax in _JPEG_LS:
        check_end(data)
    elif syntax in _JPEG2000 | _HTJ2K:
        check_tile_parts(data)


def stream_size(data: bytes, syntax: str) -> tuple[int, int] | None:
    """(rows, columns) that a JPEG-family codestream declares; None where it cannot be told."""
    if syntax in _JPEG8 | _JPEG_LOSSLESS | _JPEG_LS:
        return _jpeg_size(data)
    if syntax in _JPEG2000 | _HTJ2K:
        start = data.find(b"\xff\x4f\xff\x51")
        if start < 0 or start + 24 > len(data):
            raise DecodeError("no JPEG 2000 codestream")
        _check_boxes(data)
        xsiz, ysiz, xo, yo, tw, th, txo, tyo = struct.unpack(">8I", data[start + 8 : start + 40])
        if tw == 0 or th == 0:
            raise DecodeError("the JPEG 2000 tiles have no size")
        tiles = -(-(xsiz - txo) // tw) * -(-(ysiz - tyo) // th)
        if tiles > 65535 or tiles < 1:
            raise DecodeError(f"the JPEG 2000 stream asks for {tiles} tiles")
        return ysiz - yo, xsiz - xo
    return jpeg_xl_size(data) if syntax in _JPEG_XL else None


def _check_boxes(data: bytes) -> None:
    """JP2 boxes: a length below 8 loops for ever in some readers."""
    if data[4:8] != b"jP  ":
        return
    position = 0
    while position + 8 <= len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        if length == 0:
            return
        if length == 1:
            length = int.from_bytes(data[position + 8 : position + 16], "big")
            if length < 16:
                raise DecodeError("a JP2 box has an impossible length")
        elif length < 8:
            raise DecodeError("a JP2 box has an impossible length")
        position += length


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(marker, content) of a JPEG stream's segments up to the first scan."""
    position = 2
    while position + 4 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF:
            position += 1
        elif marker in (0xD8, 0x01) or 0xD0 <= marker <= 0xD7:
            position += 2
        else:
            length = int.from_bytes(data[position + 2 : position + 4], "big")
            yield marker, data[position + 4 : position + 2 + length]
            if marker == 0xDA:
                return
            position += 2 + max(length, 2)


def _is_frame(marker: int) -> bool:
    return (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)) or marker == 0xF7


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    for marker, content in _jpeg_segments(data):
        if _is_frame(marker) and len(content) >= 5:
            rows, columns = struct.unpack(">HH", content[1:5])
            return rows, columns
    return None


def _jpeg(data: bytes, form: PixelFormat) -> np.ndarray:
    def decode(stream: bytes) -> np.ndarray:
        if form.samples == 1:
            return np.asarray(imagecodecs.jpeg_decode(stream))
        space = "RGB" if _is_rgb_jpeg(stream, form) else "YCBCR"
        return np.asarray(imagecodecs.jpeg8_decode(stream, colorspace=space, outcolorspace="RGB"))

    picture = decode(data)
    check_complete_jpeg(data, picture, 8 if picture.itemsize == 1 else 12, decode)
    return picture


def _is_rgb_jpeg(data: bytes, form: PixelFormat) -> bool:
    """Adobe marker first, then component ids 'RGB', then what the header says."""
    jfif = False
    for marker, content in _jpeg_segments(data):
        if marker == 0xEE and content.startswith(b"Adobe") and len(content) >= 12:
            return content[11] == 0  # a shorter marker says nothing (SC_rgb_jpeg has one)
        if marker == 0xE0 and content.startswith(b"JFIF\0"):
            jfif = True
        if _is_frame(marker) and content[6:13:3] == b"RGB":
            return True
    return form.photometric == "RGB" and not jfif


def _jpeg_lossless(data: bytes, form: PixelFormat) -> np.ndarray:
    if form.samples == 1:
        return np.asarray(imagecodecs.ljpeg_decode(data))
    # asking for the same colour space twice keeps any colour transform away
    return np.asarray(imagecodecs.jpeg8_decode(data, colorspace="RGB", outcolorspace="RGB"))


def _jpeg_ls(data: bytes, _form: PixelFormat) -> np.ndarray:
    return np.asarray(imagecodecs.jpegls_decode(data))


def _jpeg2000(data: bytes, form: PixelFormat) -> np.ndarray:
    array = np.asarray(imagecodecs.jpeg2k_decode(data))
    if form.samples == 1 and array.dtype.kind == "i" and not form.signed:
        # the header is unsigned, the stream signed: keep the bits (J2K_pixelrep_mismatch)
        unsigned = np.dtype(f"u{array.dtype.itemsize}")
        return array.view(unsigned) & unsigned.type((1 << form.bits_stored) - 1)
    return array


def _htj2k(data: bytes, _form: PixelFormat) -> np.ndarray:
    return np.asarray(imagecodecs.htj2k_decode(data))


def _jpeg_xl(data: bytes, _form: PixelFormat) -> np.ndarray:
    return np.asarray(imagecodecs.jpegxl_decode(data))


def _rle(data: bytes, form: PixelFormat) -> np.ndarray:
    """PackBits segments, most significant byte plane first (PS3.5 annex G)."""
    if form.bits_allocated < 8:
        raise DecodeError("RLE: pixels of one bit cannot be run-length encoded")
    planes = form.samples * (form.bits_allocated // 8)
    bounds = rle_segments(data, form)
    if len(bounds) != planes:
        raise DecodeError(f"RLE: {len(bounds)} segments, {planes} belong")
    pixels = form.rows * form.columns
    width = form.bits_allocated // 8
    cells = np.zeros((form.samples, pixels), np.dtype(f"<u{width}"))
    for i, (begin, end) in enumerate(bounds):
        plane = _packbits(data[begin:end], pixels)[:pixels]
        if i % width:  # whole cells are shifted: quicker than writing every other byte
            np.left_shift(cells[i // width], 8, out=cells[i // width])
            np.bitwise_or(cells[i // width], plane, out=cells[i // width])
        else:
            cells[i // width] = plane
    if form.samples == 1:
        return cells[0].reshape(form.rows, form.columns)
    return np.moveaxis(cells, 0, -1).reshape(form.rows, form.columns, form.samples)


def _deflated(data: bytes, form: PixelFormat) -> np.ndarray:
    """Deflated Image Frame Compression: one deflate stream a frame (PS3.5 A.4.13)."""
    size = -(-form.frame_bits // 8)
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        raw = engine.decompress(data, size + 1)
    except zlib.error as error:
        raise DecodeError(f"the deflated frame is damaged ({error})") from error
    if len(raw) < size:
        raise DecodeError(f"the deflated frame holds {len(raw)} of {size} bytes")
    return unpack_frame(raw[:size], form)


def _packbits(data: bytes, pixels: int) -> np.ndarray:
    """One segment; a padding byte that looks like a cut literal run is forgiven."""
    for body in (data, data[:-1]):
        try:
            plane = np.frombuffer(imagecodecs.packbits_decode(body), np.uint8)
        except RuntimeError:  # imagecodecs.ImcdError
            continue
        if len(plane) >= pixels:
            return plane
    raise DecodeError(f"RLE: a segment does not hold {pixels} bytes")


def rle_segments(data: bytes, form: PixelFormat) -> list[tuple[int, int]]:
    """(begin, end) of each RLE segment, checked before any decoder runs.

    PackBits expands a byte pair to 128 bytes at most, so more than 64 times is a lie.
    """
    if len(data) < 64:
        raise DecodeError("RLE: the header is cut")
    count, *offsets = struct.unpack("<16I", data[:64])
    if not 1 <= count <= 15:
        raise DecodeError(f"RLE: {count} segments, 1 to 15 belong")
    used = offsets[:count]
    if used[0] < 64 or any(b <= a for a, b in pairwise(used)):
        raise DecodeError("RLE: the segment offsets do not rise")
    if used[-1] >= len(data):
        raise DecodeError("RLE: a segment starts behind the end")
    if form.frame_bits // 8 > 64 * len(data):
        raise DecodeError("RLE: the fragment is too short for this picture")
    return list(zip(used, [*used[1:], len(data)], strict=True))


_DECODERS: dict[str, Callable[[bytes, PixelFormat], np.ndarray]] = {
    RLE: _rle,
    _DEFLATED_FRAME: _deflated,
    **dict.fromkeys(_JPEG8, _jpeg),
    **dict.fromkeys(_JPEG_LOSSLESS, _jpeg_lossless),
    **dict.fromkeys(_JPEG_LS, _jpeg_ls),
    **dict.fromkeys(_JPEG2000, _jpeg2000),
    **dict.fromkeys(_HTJ2K, _htj2k),
    **dict.fromkeys(_JPEG_XL, _jpeg_xl),
}


_MAX_PICTURE_BYTES = 1 << 29


def decode_picture(path: str) -> np.ndarray:
    """PNG, JPEG, TIFF or BMP -> (pages, rows, columns) uint8 or uint16, or RGB (..., 3) uint8.

    Only TIFF files have several pages; reduced copies of a page are left out.
    """
    from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = 200_000_000
    try:
        with Image.open(path) as opened:
            if opened.format != "TIFF":
                return _picture_page(ImageOps.exif_transpose(opened))[None]
            pages: list[np.ndarray] = []
            for page in ImageSequence.Iterator(opened):
                subfile = getattr(page, "tag_v2", {}).get(254, 0)  # NewSubfileType
                if pages and int(subfile) & 1:  # a reduced copy
                    continue
                pages.append(_picture_page(page))
                if len(pages) * pages[0].nbytes > _MAX_PICTURE_BYTES:
                    raise DecodeError("the pages are larger than 512 MiB together")
            if len({(p.shape, p.dtype) for p in pages}) > 1:
                raise DecodeError("the pages differ in size or type: save them one by one")
            return np.stack(pages)
    except (
        UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError,
    ) as error:  # fmt: skip
        raise DecodeError(f"the picture cannot be read: {error}") from error


def _picture_page(picture: Any) -> np.ndarray:
    """One page; values are never clipped or scaled."""
    if picture.mode in ("I;16", "I;16B", "I;16L", "I"):
        values = np.asarray(picture)
        if values.min() < 0 or values.max() > 65535:
            raise DecodeError("the picture has values outside 0 to 65535")
        return values.astype(np.uint16)
    if picture.mode == "F":
        raise DecodeError("the picture holds fractions: save it as NIfTI or NRRD")
    if picture.mode in ("1", "L"):
        return np.asarray(picture.convert("L"))
    return np.asarray(picture.convert("RGB"))
