"""Whole files to start from: pydicom's own, and small ones for what those lack."""

import random
from functools import cache
from io import BytesIO
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom.data

from tests.campaigns import crafting as c

_ROOT = Path(pydicom.data.__file__).parent
NOT_WHOLE = {
    "MR_truncated.dcm": "cut",
    "rtplan_truncated.dcm": "cut",
    "DICOMDIR-nooffset": "24 bytes were taken out by hand",
    "no_meta.dcm": "starts with a stray byte",
    "chrJapMulti.dcm": "an image whose pixel data were taken out",
    "chrJapMultiExplicitIR6.dcm": "an image whose pixel data were taken out",
    "chrKoreanMulti.dcm": "an image whose pixel data were taken out",
    "chrSQEncoding.dcm": "an image whose pixel data were taken out",
    "chrSQEncoding1.dcm": "an image whose pixel data were taken out",
    "UN_sequence.dcm": "an image whose pixel data were taken out",
    "priv_SQ.dcm": "an image whose pixel data were taken out",
    "no_meta_group_length.dcm": "an image whose pixel data were taken out",
    "IM000000": "an image whose pixel data were taken out",
}
"""pydicom's own broken samples: these must not count as whole."""
MAX_BYTES = 330_000


@cache
def whole_paths() -> tuple[Path, ...]:
    """Every whole DICOM file of 200 bytes to 330 kB that the pydicom wheel carries."""
    found = []
    for folder in ("test_files", "charset_files"):
        for path in sorted((_ROOT / folder).rglob("*")):
            tiny = "TINY_ALPHA" in path.parts and path.name != "DICOMDIR"
            if not path.is_file() or path.name in NOT_WHOLE or tiny:
                continue
            dicom = path.suffix == ".dcm" or (path.suffix == "" and path.name != "README")
            if dicom and 200 <= path.stat().st_size <= MAX_BYTES:
                found.append(path)
    return tuple(found)


@cache
def whole_files() -> dict[str, bytes]:
    """Bytes by name, our own small ones included."""
    files = {path.name: path.read_bytes() for path in whole_paths()}
    return files | made_files()


def _picture(kind: str = "u2") -> np.ndarray:
    rng = np.random.default_rng(7)
    ramp = np.add.outer(np.arange(48), np.arange(48)) * 11
    return (ramp + rng.integers(0, 9, ramp.shape)).astype(kind)


@cache
def made_files() -> dict[str, bytes]:
    """Syntaxes and modules that pydicom's files lack."""
    grey = _picture()
    small = _picture("u1")
    encoded = {
        "made_ljpeg": ("1.2.840.10008.1.2.4.70", imagecodecs.ljpeg_encode(grey, bitspersample=16)),
        "made_htj2k": ("1.2.840.10008.1.2.4.201", imagecodecs.htj2k_encode(grey)),
        "made_jpegxl": ("1.2.840.10008.1.2.4.110", imagecodecs.jpegxl_encode(grey, lossless=True)),
        "made_jpegls": ("1.2.840.10008.1.2.4.80", imagecodecs.jpegls_encode(grey)),
        "made_j2k": ("1.2.840.10008.1.2.4.90", imagecodecs.jpeg2k_encode(grey, level=0)),
    }
    files = {
        name: c.image(48, 48, c.fragments(bytes(data)), syntax=syntax, bits=16)
        for name, (syntax, data) in encoded.items()
    }
    files["made_jpeg8"] = c.image(
        48, 48, c.fragments(bytes(imagecodecs.jpeg8_encode(small))),
        syntax="1.2.840.10008.1.2.4.50",
    )  # fmt: skip
    files["made_rle"] = c.image(48, 48, c.fragments(rle_frame(grey)), syntax=c.RLE, bits=16)
    files["made_enhanced"] = _enhanced(grey)
    files["made_segmentation"] = _segmentation()
    files["made_overlay"] = _overlay(grey)
    return files


def rle_frame(array: np.ndarray) -> bytes:
    """One RLE frame: byte planes, most significant first (PS3.5 annex G)."""
    cells = array.astype(f"<u{array.dtype.itemsize}").view(np.uint8)
    cells = cells.reshape(array.size, array.dtype.itemsize)
    parts, offsets, at = [], [], 64
    for k in reversed(range(array.dtype.itemsize)):
        part = bytes(imagecodecs.packbits_encode(np.ascontiguousarray(cells[:, k]).tobytes()))
        part += b"\0" * (len(part) % 2)
        parts.append(part)
        offsets.append(at)
        at += len(part)
    head = np.zeros(16, "<u4")
    head[0] = len(parts)
    head[1 : 1 + len(parts)] = offsets
    return head.tobytes() + b"".join(parts)


def _plane(z: float) -> bytes:
    return c.item(
        c.sequence(0x00209113, c.item(c.element(0x00200032, "DS", f"0\\0\\{z}")))
    )  # fmt: skip


def _shared() -> bytes:
    return c.item(
        c.sequence(0x00209116, c.item(c.element(0x00200037, "DS", "1\\0\\0\\0\\1\\0")))
        + c.sequence(
            0x00289110,
            c.item(c.element(0x00180050, "DS", "2") + c.element(0x00280030, "DS", "1\\1")),
        )
        + c.sequence(
            0x00289145,
            c.item(c.element(0x00281052, "DS", "-10") + c.element(0x00281053, "DS", "2")),
        )
    )


def _enhanced(grey: np.ndarray) -> bytes:
    sop = "1.2.840.10008.5.1.4.1.1.2.1"
    groups = c.sequence(0x52009229, _shared()) + c.sequence(
        0x52009230, *(_plane(2.0 * i) for i in range(4))
    )
    body = c.identity(sop, "CT") + c.series() + c.image_pixel(48, 48, bits=16, frames="4")
    return c.part10(body + groups + c.native(grey.tobytes() * 4), sop_class=sop)


def _segmentation() -> bytes:
    sop = "1.2.840.10008.5.1.4.1.1.66.4"
    segments = c.sequence(
        0x00620002,
        c.item(c.element(0x00620004, "US", 1) + c.element(0x00620005, "LO", "Lesion")),
    )
    frame = c.sequence(0x0062000A, c.item(c.element(0x0062000B, "US", 1)))
    groups = c.sequence(0x52009229, _shared()) + c.sequence(
        0x52009230,
        *(
            c.item(
                c.sequence(0x00209113, c.item(c.element(0x00200032, "DS", f"0\\0\\{i}"))) + frame
            )
            for i in range(4)
        ),
    )
    pixels = bytes(random.Random(3).randrange(256) for _ in range(48 * 48 * 4 // 8))
    body = c.identity(sop, "SEG") + c.series() + c.image_pixel(48, 48, bits=1, frames="4")
    kind = c.element(0x00620001, "CS", "BINARY")
    return c.part10(body + kind + segments + groups + c.native(pixels), sop_class=sop)


def _overlay(grey: np.ndarray) -> bytes:
    plane = (
        c.element(0x60000010, "US", 48) + c.element(0x60000011, "US", 48)
        + c.element(0x60000040, "CS", "G") + c.element(0x60000050, "SS", struct_pair(1, 1))
        + c.element(0x60000100, "US", 1) + c.element(0x60000102, "US", 0)
        + c.element(0x60003000, "OW", b"\xaa" * 288)
    )  # fmt: skip
    voi = c.sequence(
        0x00283010,
        c.item(
            c.element(0x00283002, "US", struct_triple(256, 0, 16))
            + c.element(0x00283006, "OW", np.arange(256, dtype="<u2").tobytes())
        ),
    )
    return c.image(48, 48, plane + c.native(grey.tobytes()), bits=16, after=voi)


def struct_pair(a: int, b: int) -> bytes:
    """Two 16-bit numbers."""
    return np.array([a, b], "<u2").tobytes()


def struct_triple(a: int, b: int, d: int) -> bytes:
    """Three 16-bit numbers, e.g. a LUT descriptor."""
    return np.array([a, b, d], "<u2").tobytes()


def bytes_of(path: BytesIO | Path) -> bytes:
    """Read it."""
    return path.getvalue() if isinstance(path, BytesIO) else path.read_bytes()
