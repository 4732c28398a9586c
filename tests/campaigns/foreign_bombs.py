"""Bombs that are not DICOM: archives, volumes, records, pictures."""

import gzip
import io
import struct
import zipfile
import zlib

from tests.campaigns.g01b_foreign import nifti


def png(rows: int, columns: int) -> bytes:
    """A PNG that claims a size and holds nothing (F64)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        length, check = struct.pack(">I", len(data)), struct.pack(">I", zlib.crc32(kind + data))
        return length + kind + data + check

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, 2, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(bytes(64)))
    return b"\x89PNG\r\n\x1a\n" + head + data + chunk(b"IEND", b"")


def bmp(rows: int, columns: int) -> bytes:
    """A BMP of a header alone."""
    head = struct.pack("<IiiHHIIiiII", 40, columns, rows, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + head


def tiff(rows: int, columns: int) -> bytes:
    """A TIFF whose one strip is not there."""
    tags = [(256, 4, columns), (257, 4, rows), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8),
            (277, 3, 1), (278, 4, rows), (279, 4, 0xFFFFFFFF)]  # fmt: skip
    body = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + body + b"\0\0\0\0"


def zip_of_zeros(mib: int) -> bytes:
    """One member that expands a thousand times (F52)."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target,
        target.open("zeros.dcm", "w") as member,
    ):
        for _ in range(mib):
            member.write(bytes(1 << 20))
    return out.getvalue()


def zip_in_zip(depth: int) -> bytes:
    """An archive in an archive in an archive (F52)."""
    data = zip_of_zeros(1)
    for level in range(depth):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
            target.writestr(f"inner{level}.zip", data)
        data = out.getvalue()
    return data


def zip_of_many(count: int) -> bytes:
    """Empty members by the ten thousand (F54)."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        for index in range(count):
            target.writestr(f"{index}", b"")
    return out.getvalue()


def huge_nifti() -> bytes:
    """A NIfTI of 32767 x 32767 x 32767 voxels in 1 kB (F73)."""
    data = bytearray(nifti())
    struct.pack_into("<8h", data, 40, 3, 32767, 32767, 32767, 1, 1, 1, 1)
    return bytes(data)


def nifti_bomb() -> bytes:
    """A gzip stream of 512 MiB behind a header of 336 voxels (F73)."""
    engine = zlib.compressobj(9, zlib.DEFLATED, 31)
    first = engine.compress(nifti()) + engine.flush(zlib.Z_FULL_FLUSH)
    block = engine.compress(bytes(1 << 20)) + engine.flush(zlib.Z_FULL_FLUSH)
    return first + block * 512  # no trailer: the sizes in it could not be true anyway


def huge_nrrd() -> bytes:
    """An NRRD of 10^27 voxels in 200 bytes."""
    head = (
        "NRRD0004\ntype: short\ndimension: 3\nsizes: 1000000000 1000000000 1000000000\n"
        "endian: little\nencoding: gzip\n\n"
    )
    return head.encode() + gzip.compress(bytes(64), mtime=0)


def huge_record() -> bytes:
    """A WFDB header of 2,000,000,000 samples and 999 signals (F75)."""
    lines = "".join("record.dat 16 200 16 0 0 0 0 I\n" for _ in range(999))
    return b"record 999 360 2000000000\n" + lines.encode()
