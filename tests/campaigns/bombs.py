"""Small files that ask for the world, made in memory; named after the fault catalogue (F...)."""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np

from tests.campaigns import crafting as c
from tests.campaigns import foreign_bombs as f

Maker = Callable[[Path], Path]
_J2K, _JLS, _HTJ2K = (f"1.2.840.10008.1.2.4.{n}" for n in (90, 80, 201))
_JXL, _JPEG, _LOSSLESS = (f"1.2.840.10008.1.2.4.{n}" for n in (110, 50, 70))
_BIG = 22000
"""22000 x 22000 bytes are just below the 512 MiB that one frame may have."""


def _plain(data: Callable[[], bytes], name: str = "bomb.dcm") -> Maker:
    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(data())
        return path

    return make


def _zeros_deflated(mib: int) -> bytes:
    """A deflate stream of ``mib`` MiB of zeros: one flushed block, repeated."""
    engine = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    first = engine.compress(bytes(1 << 20)) + engine.flush(zlib.Z_FULL_FLUSH)
    again = engine.compress(bytes(1 << 20)) + engine.flush(zlib.Z_FULL_FLUSH)
    return first + again * (mib - 1) + engine.flush()


def deflate_bomb() -> bytes:
    """About 1 MB of file, 1 GiB of data set (F19)."""
    whole = c.part10(b"", c.DEFLATED)
    empty = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return whole.removesuffix(empty.compress(b"") + empty.flush()) + _zeros_deflated(1024)


def _rle(segments: list[int], body: bytes) -> bytes:
    offsets = [*segments, *[0] * (15 - len(segments))]
    return struct.pack("<16I", len(segments), *offsets) + body


def j2k_head(rows: int, columns: int, tile: int) -> bytes:
    """SOC and SIZ of a JPEG 2000 codestream, nothing behind them."""
    siz = struct.pack(">HIIIIIIII", 0, columns, rows, 0, 0, tile, tile, 0, 0)
    siz += struct.pack(">H", 1) + b"\x07\x01\x01"
    cod = b"\xff\x52\x00\x0c\x00\x00\x00\x01\x00\x05\x04\x04\x00\x01"
    qcd = b"\xff\x5c\x00\x13\x40" + b"\x40" * 16
    tail = b"\xff\x90\x00\x0a" + struct.pack(">HIBB", 0, 14, 0, 1) + b"\xff\x93" + b"\xff\xd9"
    return b"\xff\x4f\xff\x51" + struct.pack(">H", len(siz) + 2) + siz + cod + qcd + tail


def _patched_size(data: bytes, marker: bytes, rows: int, columns: int) -> bytes:
    """A JPEG or JPEG-LS stream whose frame header claims another size."""
    at = data.find(marker) + 5
    return data[:at] + struct.pack(">HH", rows, columns) + data[at + 4 :]


def _small_picture() -> np.ndarray:
    return (np.add.outer(np.arange(32), np.arange(32)) * 3).astype(np.uint8)


def _jpeg(rows: int, columns: int) -> bytes:
    data = bytes(imagecodecs.jpeg8_encode(_small_picture()))
    return _patched_size(data, b"\xff\xc0", rows, columns)


def _jpeg_ls(rows: int, columns: int) -> bytes:
    data = bytes(imagecodecs.jpegls_encode(_small_picture()))
    return _patched_size(data, b"\xff\xf7", rows, columns)


def _scan_bomb() -> bytes:
    """A progressive JPEG whose last scan is repeated 20,000 times."""
    from io import BytesIO

    from PIL import Image

    out = BytesIO()
    Image.fromarray(np.zeros((4000, 4000), np.uint8)).save(out, "JPEG", progressive=True)
    data = out.getvalue()
    last = data.rfind(b"\xff\xda")
    return data[:last] + data[last:-2] * 20_000 + b"\xff\xd9"


def _jpeg_xl() -> bytes:
    """A valid stream of one colour: 22000 x 22000 pixels in a few hundred bytes."""
    return bytes(imagecodecs.jpegxl_encode(np.zeros((_BIG, _BIG), np.uint8), lossless=True))


def _compressed(syntax: str, frame: Callable[[], bytes], size: int = _BIG) -> Maker:
    return _plain(lambda: c.image(size, size, c.fragments(frame()), syntax=syntax))


def _overlay_bomb() -> bytes:
    def plane(group: int) -> bytes:
        base = group << 16
        return (
            c.element(base | 0x10, "US", 65535)
            + c.element(base | 0x11, "US", 65535)
            + c.element(base | 0x15, "IS", "2000000000")
            + c.element(base | 0x40, "CS", "G")
            + c.element(base | 0x50, "SS", struct.pack("<hh", 1, 1))
            + c.element(base | 0x3000, "OW", b"\xff" * 512)
        )

    planes = b"".join(plane(group) for group in range(0x6000, 0x6020, 2))
    return c.image(16, 16, planes + c.native(bytes(256)))


def _lut_bomb() -> bytes:
    lut = c.element(0x00283002, "US", struct.pack("<HHH", 0, 0, 65535))
    items = [c.item(lut + c.element(0x00283006, "OW", b"\1\2")) for _ in range(20_000)]
    module = c.sequence(0x00283000, *items[:1])
    return c.image(16, 16, c.native(bytes(256)), after=module + c.sequence(0x00283010, *items))


def _palette(entries: int, data: bytes) -> bytes:
    tables = b"".join(
        c.element(0x00281101 + i, "US", struct.pack("<HHH", entries, 0, 16)) for i in range(3)
    ) + b"".join(c.element(0x00281201 + i, "OW", data) for i in range(3))
    return c.image(16, 16, c.native(bytes(256)), photometric="PALETTE COLOR", after=tables)


def _groups(items: int, frames: int, pixels: int) -> bytes:
    groups = c.element(0x52009230, "SQ", c.item(b"") * items)
    module = {"frames": str(frames)}
    return c.image(1, 1, groups + c.native(bytes(pixels)), **module)


def _waveform() -> bytes:
    sop = "1.2.840.10008.5.1.4.1.1.9.1.1"
    group = c.item(
        c.element(0x003A0005, "US", 65535) + c.element(0x003A0010, "UL", 1 << 31)
        + c.element(0x003A001A, "DS", "500") + c.sequence(0x003A0200, *[c.item(b"")] * 12)
        + c.element(0x54001004, "US", 16) + c.element(0x54001006, "CS", "SS")
        + c.element(0x54001010, "OW", bytes(64))
    )  # fmt: skip
    body = c.identity(sop, "ECG") + c.series() + c.sequence(0x54000100, group)
    return c.part10(body, sop_class=sop)


def _report(depth: int) -> bytes:
    sop = "1.2.840.10008.5.1.4.1.1.88.33"
    leaf = c.element(0x0040A040, "CS", "TEXT")
    body = c.identity(sop, "SR") + c.series() + leaf
    return c.part10(body + c.nested(0x0040A730, depth, leaf), sop_class=sop)


def _wide_report() -> bytes:
    """200,000 nodes of a report."""
    sop = "1.2.840.10008.5.1.4.1.1.88.33"
    node = c.item(c.element(0x0040A040, "CS", "TEXT") + c.element(0x0040A160, "UT", "x "))
    body = c.identity(sop, "SR") + c.series() + c.element(0x0040A040, "CS", "CONTAINER ")
    return c.part10(body + c.element(0x0040A730, "SQ", node * 200_000), sop_class=sop)


def _segmentation() -> bytes:
    sop = "1.2.840.10008.5.1.4.1.1.66.4"
    body = c.identity(sop, "SEG") + c.series()
    body += c.image_pixel(65535, 65535, bits=1, frames="65535")
    body += c.element(0x00620001, "CS", "BINARY")
    groups = c.sequence(0x52009230, *[c.item(b"")] * 4)
    return c.part10(body + groups + c.native(bytes(512)), sop_class=sop)


def _contour() -> bytes:
    """One contour of 1.3 million points: 8 MB of one DS value (implicit, so that it may be)."""
    sop = "1.2.840.10008.5.1.4.1.1.481.3"

    def e(tag: int, value: bytes) -> bytes:
        value += b" " * (len(value) % 2)
        return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, len(value)) + value

    points = e(0x30060050, b"1\\" * (4_000_000 - 1) + b"1")
    contour = e(0x30060040, c.item(e(0x30060042, b"CLOSED_PLANAR") + points))
    roi = e(0x30060020, c.item(e(0x30060022, b"1") + e(0x30060026, b"ROI")))
    drawn = e(0x30060039, c.item(contour + e(0x30060084, b"1")))
    body = (
        e(0x00080016, sop.encode() + b"\0") + e(0x00080018, b"1.2.3.4") + e(0x00080060, b"RTSTRUCT")
    )
    body += e(0x0020000D, b"1.2.3") + e(0x0020000E, b"1.2.3.1") + roi + drawn
    return c.part10(body, "1.2.840.10008.1.2", sop)


def _private(count: int) -> bytes:
    """Private elements by the ten thousand (F45)."""
    body = c.identity() + c.series() + c.element(0x00290010, "LO", "HOSTILE")
    body += b"".join(
        struct.pack("<HH", 0x29, 0x1000 + i % 0xEFFF) + b"LO\x02\0ab" for i in range(count)
    )
    return c.part10(body)


def _large_private(folder: Path) -> Path:
    """500 MB in one private element, as a sparse file (F45)."""
    body = c.identity() + c.series() + c.element(0x00290010, "LO", "HOSTILE")
    head = c.part10(body + c.element(0x00291001, "OB", b"", 500_000_000))
    pixels = c.image_pixel(16, 16) + c.native(bytes(256))
    path = folder / "bomb.dcm"
    with path.open("wb") as handle:
        handle.write(head)
        handle.seek(500_000_000, 1)
        handle.write(b"".join([pixels]))
    return path


def _many_fragments(count: int) -> bytes:
    """A million empty fragments."""
    return c.image(16, 16, c.fragments(*[b""] * count), syntax=_JPEG)


def _character_sets() -> bytes:
    """A character set of 10,000 values, a name of 60 kB made of escapes."""
    body = c.element(0x00080005, "CS", "\\".join(["ISO 2022 IR 87"] * 4000)[:65000])
    body += c.identity() + c.element(0x00100010, "PN", b"\x1b$B\x1b(B^=" * 7000)
    body += c.element(0x0020000D, "UI", "1.2.3") + c.element(0x0020000E, "UI", "1.2.3.1")
    return c.part10(body + c.image_pixel(16, 16) + c.native(bytes(256)))


def _directory() -> bytes:
    """Two records that point at each other (F60)."""
    sop = "1.2.840.10008.1.3.10"

    def record(following: int, lower: int) -> bytes:
        return c.item(
            c.element(0x00041400, "UL", following) + c.element(0x00041410, "US", 0xFFFF)
            + c.element(0x00041420, "UL", lower) + c.element(0x00041430, "CS", "PATIENT ")
            + c.element(0x00041500, "CS", "..\\..\\ETC")
        )  # fmt: skip

    head = c.identity(sop) + c.element(0x00041200, "UL", 0)
    start = len(c.part10(head, sop_class=sop)) + 12
    second = start + len(record(0, 0))
    body = c.element(0x00080016, "UI", sop) + c.element(0x00041200, "UL", start)
    shift = len(c.part10(body, sop_class=sop)) + 12 - start
    start, second = start + shift, second + shift
    body = c.element(0x00080016, "UI", sop) + c.element(0x00041200, "UL", start)
    body += c.sequence(0x00041220, record(second, start), record(start, second))
    return c.part10(body, sop_class=sop)


def _numbers() -> bytes:
    """NumberOfFrames 1e400, spacing NaN, window of infinite width (F28)."""
    body = c.element(0x00281050, "DS", "NaN") + c.element(0x00281051, "DS", "1e400")
    body += c.element(0x00281052, "DS", "1e308") + c.element(0x00281053, "DS", "NaN")
    spacing = c.element(0x00280030, "DS", "NaN\\1e-320")
    return c.image(16, 16, body + c.native(bytes(256)), frames="1e400", before=spacing)


def _short_item() -> bytes:
    """An item longer than its sequence (F18)."""
    inner = b"\xfe\xff\x00\xe0" + struct.pack("<I", 400) + c.element(0x00080060, "CS", "CT")
    return c.part10(c.identity() + c.element(0x00081140, "SQ", inner) + c.series() + bytes(400))


def _polygon() -> bytes:
    """A shutter with 30,000 corners on a large picture."""
    size = 2000
    corners = "\\".join(f"{i % size}" for i in range(12_000))
    shutter = c.element(0x00181600, "CS", "POLYGONAL ") + c.element(0x00181620, "IS", corners)
    return c.image(size, size, c.native(bytes(size * size)), before=shutter)


MAKERS: dict[str, Maker] = {
    "F001 empty": _plain(lambda: b""),
    "F003 preamble only": _plain(lambda: b"\0" * 128 + b"DICM"),
    "F008 length FFFFFFFE": _plain(
        lambda: c.image(4, 4, c.element(0x7FE00010, "OW", b"ab", 0xFFFFFFFE))
    ),
    "F009 pixel data of 4 GiB": _plain(lambda: c.image(16, 16, c.native(bytes(512), 0xFFFFFFF0))),
    "F010 65535 x 65535": _plain(lambda: c.image(65535, 65535, c.native(bytes(512)))),
    "F011 2e9 frames": _plain(lambda: c.image(16, 16, c.native(bytes(512)), frames="2000000000")),
    "F011 2e9 frames, RLE": _plain(
        lambda: c.image(16, 16, c.fragments(_rle([64], bytes(8))), syntax=c.RLE,
                        frames="2000000000")
    ),
    "F011 65535 frames of 65535 x 65535, RLE": _plain(
        lambda: c.image(65535, 65535, c.fragments(_rle([64], bytes(8))), syntax=c.RLE,
                        frames="65535")
    ),
    "F013 Rows of 2^31": _plain(
        lambda: c.image(16, 16, c.native(bytes(256))).replace(
            b"\x28\0\x10\0US\2\0\x10\0", b"\x28\0\x10\0UL\4\0\0\0\0\x80"
        )
    ),
    "F014 65535 bits": _plain(lambda: c.image(16, 16, c.native(bytes(256)), bits=65535)),
    "F017 nesting 200": _plain(lambda: c.part10(c.identity() + c.nested(0x00081140, 200))),
    "F017 nesting 300": _plain(lambda: c.part10(c.identity() + c.nested(0x00081140, 300))),
    "F017 nesting 20000": _plain(lambda: c.part10(c.identity() + c.nested(0x00081140, 20_000))),
    "F017 private nesting 5000": _plain(
        lambda: c.part10(c.identity() + c.nested(0x00291010, 5000))
    ),
    "F018 sequence never closed": _plain(
        lambda: c.part10(c.identity() + c.element(0x00081140, "SQ", b"", c.UNDEFINED))
    ),
    "F018 item longer than its parent": _plain(_short_item),
    "F019 deflate 1 MB to 1 GiB": _plain(deflate_bomb),
    "F020 JP2 box of length 0": _compressed(
        _J2K, lambda: b"\0\0\0\x0cjP  \r\n\x87\n" + b"\0\0\0\0ftyp" + b"\0" * 20, 16
    ),
    "F021 14,540,801 tiles": _compressed(_J2K, lambda: j2k_head(3814, 3813, 1), 3814),
    "F021 J2K 22000 x 22000": _compressed(_J2K, lambda: j2k_head(_BIG, _BIG, _BIG)),
    "F021 J2K 65535 x 65535": _compressed(_J2K, lambda: j2k_head(65535, 65535, 65535), 65535),
    "F021 HTJ2K 22000 x 22000": _compressed(_HTJ2K, lambda: j2k_head(_BIG, _BIG, _BIG)),
    "F023 RLE 65535 x 65535": _compressed(c.RLE, lambda: _rle([64], b"\x81\0" * 400), 65535),
    "F023 RLE offsets backwards": _compressed(
        c.RLE, lambda: _rle(list(range(900, 64, -56)), bytes(900)), 64
    ),
    "F024 a million empty fragments": _plain(lambda: _many_fragments(1_000_001)),
    "F028 numbers beyond numbers": _plain(_numbers),
    "F029 palette of 65536, 2 bytes there": _plain(lambda: _palette(0, b"\1\2")),
    "F040 character sets by the thousand": _plain(_character_sets),
    "F045 100,000 private elements": _plain(lambda: _private(100_000)),
    "F045 500 MB private element": _large_private,
    "F060 DICOMDIR in a circle": _plain(_directory, "DICOMDIR"),
    "JPEG 22000 x 22000": _compressed(_JPEG, lambda: _jpeg(_BIG, _BIG)),
    "JPEG with 20,000 scans": _compressed(_JPEG, _scan_bomb, 4000),
    "JPEG-LS 22000 x 22000": _compressed(_JLS, lambda: _jpeg_ls(_BIG, _BIG)),
    "JPEG lossless 22000 x 22000": _compressed(
        _LOSSLESS,
        lambda: _patched_size(
            bytes(imagecodecs.ljpeg_encode(_small_picture())), b"\xff\xc3", _BIG, _BIG
        ),
    ),
    "JPEG XL 22000 x 22000": _compressed(_JXL, _jpeg_xl),
    "overlays 65535 x 65535": _plain(_overlay_bomb),
    "20,000 VOI LUTs": _plain(_lut_bomb),
    "a million functional groups": _plain(lambda: _groups(1_000_000, 1_000_000, 1_000_000)),
    "1000 frames, 4 functional groups": _plain(lambda: _groups(4, 1000, 1000)),
    "waveform of 2^31 samples": _plain(_waveform),
    "report 60 deep": _plain(lambda: _report(60)),
    "report 300 deep": _plain(lambda: _report(300)),
    "report of 200,000 nodes": _plain(_wide_report),
    "segmentation of 65535 frames": _plain(_segmentation),
    "contour of 8 MB": _plain(_contour),
    "shutter of 6000 corners": _plain(_polygon),
    "F052 zip of 200 MiB in 200 kB": _plain(lambda: f.zip_of_zeros(200), "bomb.zip"),
    "F052 zip in zip in zip": _plain(lambda: f.zip_in_zip(5), "bomb.zip"),
    "F054 zip of 70,000 members": _plain(lambda: f.zip_of_many(70_000), "bomb.zip"),
    "F064 PNG 60000 x 60000": _plain(lambda: f.png(60000, 60000), "bomb.png"),
    "F065 PNG 12000 x 12000": _plain(lambda: f.png(12000, 12000), "bomb.png"),
    "F073 NIfTI 32767^3": _plain(f.huge_nifti, "bomb.nii"),
    "F073 NIfTI, 512 MiB behind 336 voxels": _plain(f.nifti_bomb, "bomb.nii.gz"),
    "F075 record of 2e9 samples": _plain(f.huge_record, "bomb.hea"),
    "NRRD of 10^27 voxels": _plain(f.huge_nrrd, "bomb.nrrd"),
    "BMP 60000 x 60000": _plain(lambda: f.bmp(60000, 60000), "bomb.bmp"),
    "TIFF 22000 x 22000": _plain(lambda: f.tiff(_BIG, _BIG), "bomb.tif"),
}  # fmt: skip
