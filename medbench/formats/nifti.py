"""NIfTI-1 and NIfTI-2 headers: single files, compressed ones, pairs (nifti1.h, nifti2.h).

Coordinates are RAS there and become LPS. The sform is used where its code is set, else the
qform; a form that is set but damaged is an error, never a reason to take the other one, and a
file with neither has no orientation.
"""

import gzip
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from medbench.base.errors import BadInputError, IncompleteError
from medbench.formats.voxel_file import (
    VoxelFile,
    check_complete,
    check_matrix,
    lps_fields,
)

_DATATYPES = {
    2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8",
    1280: "u8",
}  # fmt: skip
_COLOURS = {128: 3, 2304: 4}
_REFUSED = {
    1: "single bits", 32: "complex numbers", 1536: "numbers of 128 bits", 1792: "complex numbers",
    2048: "complex numbers",
}  # fmt: skip
_UNIT_MM = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}
_LPS_FROM_RAS = np.diag([-1.0, -1.0, 1.0])
_SINGLE, _PAIR = (b"n+1\0", b"n+2\0"), (b"ni1\0", b"ni2\0")
_DISAGREE_MM = 0.1


@dataclass(frozen=True)
class _Fields:
    """Raw fields, the same for both versions."""

    dim: tuple[int, ...]
    datatype: int
    bitpix: int
    pixdim: tuple[float, ...]
    vox_offset: float
    slope: float
    intercept: float
    cal_max: float
    cal_min: float
    units: int
    description: bytes
    qform_code: int
    sform_code: int
    quaternion: tuple[float, ...]
    offset: tuple[float, ...]
    srow: tuple[float, ...]
    magic: bytes
    order: str
    header_bytes: int


def is_nifti(path: Path) -> bool:
    """By name: ``.nii``, ``.nii.gz``, ``.hdr`` (with its ``.img`` beside it)."""
    name = path.name.lower()
    return name.endswith((".nii", ".nii.gz", ".hdr"))


def header_of_image(path: Path) -> Path | None:
    """The ``.hdr`` beside an ``.img`` or ``.img.gz``; None where there is none."""
    name = path.name.lower().removesuffix(".gz")
    if not name.endswith(".img"):
        return None
    header = path.with_name(path.name[: len(name) - 4] + ".hdr")
    return header if header.is_file() else None


def nifti_stem(path: Path) -> str:
    """File name without ``.nii``, ``.nii.gz`` or ``.hdr``."""
    name = path.name
    for suffix in (".nii.gz", ".nii", ".hdr"):
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return path.stem


def read_nifti(path: Path) -> VoxelFile:
    """Read and check a header.

    Raises
    ------
    BadInputError, IncompleteError
        What the header says is impossible, not shown here, or not there.
    """
    name = path.name
    compressed = name.lower().endswith(".gz")
    fields = _fields(_head(path, compressed=compressed), name)
    single = fields.magic in _SINGLE
    data_path = path if single else _image_of(path)
    encoding = "gzip" if data_path.name.lower().endswith(".gz") else "raw"
    axes, sizes, dtype = _cells(fields, name)
    skip, warnings = _data_start(fields, name, single=single)
    slope, intercept = fields.slope, fields.intercept
    if slope == 0 or not (np.isfinite(slope) and np.isfinite(intercept)):
        slope, intercept = 1.0, 0.0  # nifti1.h: 0 means unscaled; some writers store NaN for it
    low, high = fields.cal_min, fields.cal_max
    placed, said = _placed(fields, sizes[axes.index("z")], name)
    file = VoxelFile(
        path=path,
        data_path=data_path,
        source="nifti",
        encoding=encoding,
        start_bytes=0,
        skip_bytes=skip,
        dtype=dtype,
        axes=axes,
        sizes=sizes,
        slope=float(slope),
        intercept=float(intercept),
        window=(low, high) if np.isfinite([low, high]).all() and high > low else None,
        time_step_s=_time_step_s(fields),
        description=fields.description.split(b"\0")[0].decode("utf-8", "replace").strip(),
        warnings=(*warnings, *said),
        **placed,
    )
    check_complete(file)
    return file


def _head(path: Path, *, compressed: bool) -> bytes:
    if not compressed:
        with path.open("rb") as handle:
            return handle.read(544)
    try:
        with gzip.open(path, "rb") as stream:
            return stream.read(544)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BadInputError(f"{path.name} is no whole gzip file ({error})") from error


def _fields(data: bytes, name: str) -> _Fields:
    for order in ("<", ">"):
        if len(data) >= 348 and struct.unpack_from(order + "i", data)[0] == 348:
            return _version_1(data, order, name)
        if len(data) >= 540 and struct.unpack_from(order + "i", data)[0] == 540:
            return _version_2(data, order, name)
    if len(data) < 348:
        raise IncompleteError(f"{name} is incomplete: {len(data)} of 348 header bytes are there")
    raise BadInputError(f"{name} is no NIfTI file (the header's size is wrong)")


def _version_1(data: bytes, order: str, name: str) -> _Fields:
    magic = data[344:348]
    if magic not in (_SINGLE[0], _PAIR[0]):
        raise BadInputError(
            f"{name} is an Analyze header, which does not tell left from right; convert it to NIfTI"
        )

    def get(code: str, at: int) -> Any:
        return struct.unpack_from(order + code, data, at)

    return _Fields(
        dim=get("8h", 40), datatype=get("h", 70)[0], bitpix=get("h", 72)[0], pixdim=get("8f", 76),
        vox_offset=get("f", 108)[0], slope=get("f", 112)[0], intercept=get("f", 116)[0],
        units=data[123], cal_max=get("f", 124)[0], cal_min=get("f", 128)[0],
        description=data[148:228], qform_code=get("h", 252)[0], sform_code=get("h", 254)[0],
        quaternion=get("3f", 256), offset=get("3f", 268), srow=get("12f", 280), magic=magic,
        order=order, header_bytes=348,
    )  # fmt: skip


def _version_2(data: bytes, order: str, name: str) -> _Fields:
    magic = data[4:8]
    if magic not in (_SINGLE[1], _PAIR[1]) or data[8:12] != b"\r\n\x1a\n":
        raise BadInputError(f"{name} has a damaged NIfTI-2 signature")

    def get(code: str, at: int) -> Any:
        return struct.unpack_from(order + code, data, at)

    return _Fields(
        dim=get("8q", 16), datatype=get("h", 12)[0], bitpix=get("h", 14)[0], pixdim=get("8d", 104),
        vox_offset=float(get("q", 168)[0]), slope=get("d", 176)[0], intercept=get("d", 184)[0],
        cal_max=get("d", 192)[0], cal_min=get("d", 200)[0], description=data[240:320],
        qform_code=get("i", 344)[0], sform_code=get("i", 348)[0], quaternion=get("3d", 352),
        offset=get("3d", 376), srow=get("12d", 400), units=get("i", 500)[0] & 0xFF, magic=magic,
        order=order, header_bytes=540,
    )  # fmt: skip


def _image_of(path: Path) -> Path:
    """The ``.img`` of a pair: same folder, same stem."""
    stem = path.name[: -len(".hdr")]
    for suffix in (".img", ".img.gz", ".IMG"):
        if (found := path.with_name(stem + suffix)).is_file():
            return found
    raise BadInputError(f"{path.name}: its voxels ({stem}.img) are not in the folder")


def _cells(fields: _Fields, name: str) -> tuple[str, tuple[int, ...], np.dtype]:
    """Axes, their lengths, type of a cell."""
    dims = fields.dim
    if not 1 <= dims[0] <= 7:
        raise BadInputError(f"{name}: {dims[0]} dimensions, 1 to 7 belong")
    used = dims[1 : dims[0] + 1]
    if min(used) < 1:
        raise BadInputError(f"{name}: an axis has {min(used)} voxels")
    if any(n > 1 for n in used[4:]):
        raise BadInputError(f"{name}: several numbers a voxel (5 dimensions) are not shown")
    x, y, z, t = (*used[:4], *(1,) * (4 - len(used[:4])))
    if fields.datatype in _COLOURS:
        components = _COLOURS[fields.datatype]
        if fields.bitpix != 8 * components:
            raise BadInputError(f"{name}: {fields.bitpix} bits do not belong to its type")
        return "cxyzt", (components, x, y, z, t), np.dtype("u1")
    if fields.datatype not in _DATATYPES:
        what = _REFUSED.get(fields.datatype, f"voxels of type {fields.datatype}")
        raise BadInputError(f"{name}: {what} are not shown")
    dtype = np.dtype(fields.order + _DATATYPES[fields.datatype])
    if fields.bitpix != dtype.itemsize * 8:
        raise BadInputError(f"{name}: {fields.bitpix} bits do not belong to its type")
    return "xyzt", (x, y, z, t), dtype


def _data_start(fields: _Fields, name: str, *, single: bool) -> tuple[int, tuple[str, ...]]:
    offset = fields.vox_offset
    least = fields.header_bytes + 4 if single else 0
    if not np.isfinite(offset) or offset != int(offset) or offset < 0 or offset > 1 << 40:
        raise BadInputError(f"{name}: the voxels start at no possible place")
    if single and offset == 0:
        return least, (f"the header does not say where the voxels start; {least} is used",)
    if offset < least:
        raise BadInputError(f"{name}: the voxels would start inside the header")
    return int(offset), ()


def _time_step_s(fields: _Fields) -> float | None:
    """Step of the fourth axis (nifti1.h: xyzt_units, bits 3 to 5)."""
    unit = {8: 1.0, 16: 1e-3, 24: 1e-6}.get(fields.units & 0x38)
    step = float(fields.pixdim[4])
    return None if unit is None or not np.isfinite(step) or step <= 0 else step * unit


def _placed(fields: _Fields, slices: int, name: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Geometry fields of the `VoxelFile`, and warnings."""
    scale = _UNIT_MM.get(fields.units & 7)
    if scale is None:
        raise BadInputError(f"{name}: the unit of length is unknown ({fields.units & 7})")
    warnings = [] if fields.units & 7 else ["the file names no unit of length: mm are taken"]
    if fields.sform_code > 0:
        ras = check_matrix(np.asarray(fields.srow, float).reshape(3, 4), name, "sform")
        if fields.qform_code > 0:
            warnings += _compared(ras, fields, name)
    elif fields.qform_code > 0:
        ras = check_matrix(_from_quaternion(fields, name), name, "qform")
    else:
        spacing = [abs(float(v)) * scale for v in fields.pixdim[1:3]]
        known = all(np.isfinite(spacing)) and min(spacing) > 1e-6
        return {
            "spacing_mm": (spacing[1], spacing[0]) if known else None,
            "silent": "the file does not say how it lies in the patient (no qform, no sform)",
        }, tuple(warnings)
    matrix = _LPS_FROM_RAS @ ras * scale
    return lps_fields(matrix, slices), tuple(warnings)


def _from_quaternion(fields: _Fields, name: str) -> np.ndarray:
    """3 x 4 RAS matrix of the qform (nifti1.h, method 2)."""
    b, c, d = (float(v) for v in fields.quaternion)
    rest = 1.0 - (b * b + c * c + d * d)
    if not np.isfinite(rest) or rest < -1e-4:
        raise BadInputError(f"{name}: the qform's quaternion is none")
    a = float(np.sqrt(max(0.0, rest)))
    norm = float(np.sqrt(a * a + b * b + c * c + d * d))
    a, b, c, d = a / norm, b / norm, c / norm, d / norm
    rotation = np.array([
        [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
        [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
        [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
    ])  # fmt: skip
    size = np.asarray(fields.pixdim[1:4], float)
    if not np.isfinite(size).all() or size.min() <= 0:
        raise BadInputError(f"{name}: the voxel size is {tuple(fields.pixdim[1:4])}")
    hand = -1.0 if fields.pixdim[0] < 0 else 1.0
    return np.column_stack([rotation * size * [1.0, 1.0, hand], fields.offset])


def _compared(ras: np.ndarray, fields: _Fields, name: str) -> list[str]:
    """What to say where both forms are set."""
    try:
        other = check_matrix(_from_quaternion(fields, name), name, "qform")
    except BadInputError:
        return ["the qform is damaged; the sform is used"]
    x, y, z = (n - 1 if axis < fields.dim[0] else 0 for axis, n in enumerate(fields.dim[1:4]))
    corners = np.array([[i, j, k, 1] for i in (0, x) for j in (0, y) for k in (0, z)], float)
    apart = float(np.abs(corners @ (ras - other).T).max())
    if apart > _DISAGREE_MM:
        return [f"sform and qform disagree by up to {apart:.1f} mm; the sform is used"]
    return []
