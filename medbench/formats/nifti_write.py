"""Label maps as NIfTI-1 (nifti1.h): one file, gzip, in RAS as the format wants it."""

import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from medbench.base.atomic import atomic_write
from medbench.base.errors import BadInputError
from medbench.domain.geometry import Geometry
from medbench.domain.segment_edit import EditedSegment

_RAS_FROM_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
_HEADER_BYTES, _COMMENT_CODE, _LABEL_INTENT, _SCANNER = 348, 6, 1002, 1
_UINT8, _MM = 2, 2
_GZIP, _LEVEL, _CHUNK_BYTES = 31, 4, 1 << 22


def write_label_nifti(
    path: Path, labels: Any, geometry: Geometry, segments: tuple[EditedSegment, ...]
) -> None:
    """Write labels (z, y, x) uint8 as ``.nii.gz``; names and colours go into a comment extension.

    The sform holds the affine exactly; the qform the same as a rotation.

    Raises
    ------
    BadInputError
        The slices stand unevenly: a NIfTI file cannot say so.
    OSError
        The disk refuses; an older file stays.
    """
    if not geometry.uniform:
        raise BadInputError(
            "The slices stand unevenly or lean, which NIfTI cannot express; export as DICOM SEG."
        )
    cells = np.ascontiguousarray(labels, np.uint8)
    names = [{"number": s.number, "name": s.label, "colour": s.colour} for s in segments]
    words = json.dumps({"medbench_segments": names}, ensure_ascii=False).encode()
    extension = _extension(words)
    header = _header(cells.shape, geometry, _HEADER_BYTES + 4 + len(extension))
    atomic_write(path, _packed(header + b"\1\0\0\0" + extension, cells))


def _packed(head: bytes, cells: Any) -> Iterator[bytes]:
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    yield packer.compress(head)
    flat = memoryview(cells).cast("B")  # x runs fastest, as NIfTI wants it
    for start in range(0, len(flat), _CHUNK_BYTES):
        yield packer.compress(flat[start : start + _CHUNK_BYTES])
    yield packer.flush()


def _extension(words: bytes) -> bytes:
    size = (8 + len(words) + 15) // 16 * 16
    return struct.pack("<2i", size, _COMMENT_CODE) + words.ljust(size - 8, b"\0")


def _header(shape: tuple[int, ...], geometry: Geometry, offset: int) -> bytes:
    affine = _RAS_FROM_LPS @ geometry.matrix
    size_z, size_y, size_x = geometry.spacing_mm
    rotation = affine[:3, :3] / [size_x, size_y, size_z]
    hand = 1.0 if np.linalg.det(rotation) > 0 else -1.0
    quaternion = _quaternion(rotation * [1.0, 1.0, hand])
    data = bytearray(_HEADER_BYTES)
    struct.pack_into("<i", data, 0, _HEADER_BYTES)
    struct.pack_into("<8h", data, 40, 3, shape[2], shape[1], shape[0], 1, 1, 1, 1)
    struct.pack_into("<3h", data, 68, _LABEL_INTENT, _UINT8, 8)
    struct.pack_into("<8f", data, 76, hand, size_x, size_y, size_z, 1, 1, 1, 1)
    struct.pack_into("<3f", data, 108, offset, 1.0, 0.0)
    data[123] = _MM
    struct.pack_into("<24s", data, 148, b"medbench label map")
    struct.pack_into("<2h", data, 252, _SCANNER, _SCANNER)
    struct.pack_into("<3f", data, 256, *quaternion)
    struct.pack_into("<3f", data, 268, *affine[:3, 3])
    struct.pack_into("<12f", data, 280, *affine[:3].ravel())
    data[344:348] = b"n+1\0"
    return bytes(data)


def _quaternion(rotation: np.ndarray) -> tuple[float, float, float]:
    """(b, c, d) with a >= 0 of the rotation nearest to a matrix (nifti1.h, method 2)."""
    left, _, right = np.linalg.svd(rotation)
    r = left @ right
    # the eigenvector of this symmetric matrix is the quaternion (Bar-Itzhack 2000): no branches
    k = np.array([
        [r[0, 0] + r[1, 1] + r[2, 2], r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]],
        [0, r[0, 0] - r[1, 1] - r[2, 2], r[0, 1] + r[1, 0], r[0, 2] + r[2, 0]],
        [0, 0, r[1, 1] - r[0, 0] - r[2, 2], r[1, 2] + r[2, 1]],
        [0, 0, 0, r[2, 2] - r[0, 0] - r[1, 1]],
    ])  # fmt: skip
    _, vectors = np.linalg.eigh(k, "U")
    a, b, c, d = (float(v) for v in vectors[:, -1])
    sign = -1.0 if a < 0 else 1.0
    return sign * b, sign * c, sign * d
