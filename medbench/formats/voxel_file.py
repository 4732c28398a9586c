"""What a NIfTI or NRRD header says, checked: where the voxels are and where they lie.

The readers of these formats fill a `VoxelFile`; `medbench.formats.volumes` makes displays of it
and `medbench.formats.voxel_reader` reads it. Nothing is assumed silently: what a file does not
say stays unsaid, and a file whose size, numbers or matrix disagree is refused.
"""

import bz2
import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from medbench.base.errors import BadInputError, IncompleteError

MAX_VOXEL_BYTES = 16 << 30
MAX_TIME_POINTS = 20_000
MAX_DEFLATE_RATIO = 1032
"""Deflate cannot expand a byte to more (two bits a run of 258 bytes)."""
STEP_BYTES = 1 << 20


@dataclass(frozen=True, eq=False)
class VoxelFile:
    """One volume, or several of one shape (time points), in one file."""

    path: Path
    """The file that was opened (the header's)."""
    data_path: Path
    """Where the voxels are; the same file unless they are detached."""
    source: str
    """``nifti`` or ``nrrd``."""
    encoding: str
    """``raw``, ``gzip`` or ``bzip2``."""
    start_bytes: int
    """Where the (compressed) stream begins in the data file."""
    skip_bytes: int
    """Bytes of the stream before the first voxel."""
    dtype: np.dtype
    """Stored cells, with byte order."""
    axes: str
    """Letters of ``cxyzt``, fastest first."""
    sizes: tuple[int, ...]
    """Length of each axis."""
    slope: float = 1.0
    intercept: float = 0.0
    positions_mm: tuple[tuple[float, float, float], ...] = ()
    """LPS point of the first voxel of each slice, in file order; () where the file is silent."""
    orientation: tuple[float, ...] = ()
    """Unit vectors along x and along y, six numbers, LPS; () where the file is silent."""
    spacing_mm: tuple[float, float] | None = None
    """Between rows, between columns; None where no millimetres are known."""
    window: tuple[float, float] | None = None
    """Values the file wants shown as black and white."""
    time_step_s: float | None = None
    """Between time points; None where the file names no unit of time."""
    description: str = ""
    silent: str = ""
    """Why there is no orientation."""
    warnings: tuple[str, ...] = ()

    def size(self, axis: str) -> int:
        """Length of an axis; 1 where there is none."""
        return self.sizes[self.axes.index(axis)] if axis in self.axes else 1

    @property
    def colour(self) -> bool:
        """Whether voxels are RGB or RGBA."""
        return self.size("c") > 1

    @property
    def voxel_bytes(self) -> int:
        """Bytes of all voxels."""
        return int(np.prod(self.sizes, dtype=object)) * self.dtype.itemsize

    @property
    def contiguous(self) -> bool:
        """Whether a slice is one piece of the stream."""
        return self.axes in ("xyz", "xyzt", "cxyz", "cxyzt")

    def stream(self) -> IO[bytes]:
        """The decoded stream from its beginning; read it in steps, close it.

        Only the standard library decodes (zlib, bz2), and only as much as is read.
        """
        handle = self.data_path.open("rb")
        handle.seek(self.start_bytes)
        if self.encoding == "raw":
            return handle
        opened: IO[bytes] = (
            gzip.GzipFile(fileobj=handle, mode="rb")  # type: ignore[assignment]
            if self.encoding == "gzip"
            else bz2.BZ2File(handle)
        )
        return _Owning(opened, handle)  # type: ignore[return-value]


class _Owning:
    """A decoding stream that closes the file under it."""

    def __init__(self, stream: IO[bytes], under: IO[bytes]) -> None:
        self._stream, self._under = stream, under

    def read(self, count: int) -> bytes:
        return self._stream.read(count)

    def __enter__(self) -> "_Owning":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        self._stream.close()
        self._under.close()


def read_exactly(stream: IO[bytes], count: int, name: str) -> bytearray:
    """``count`` bytes in steps.

    Raises
    ------
    IncompleteError
        The stream ends before.
    BadInputError
        The compressed data are damaged.
    """
    out = bytearray(count)
    got = 0
    try:
        while got < count:
            part = stream.read(min(STEP_BYTES, count - got))
            if not part:
                break
            out[got : got + len(part)] = part
            got += len(part)
    except EOFError:
        pass  # a cut gzip member: told below
    except (zlib.error, gzip.BadGzipFile, OSError, ValueError) as error:
        raise BadInputError(f"{name}: the compressed data are damaged ({error})") from error
    if got < count:
        raise IncompleteError(f"{name} is incomplete: {got} of {count} bytes are there")
    return out


def skip(stream: IO[bytes], count: int, name: str) -> None:
    """Read and forget ``count`` bytes."""
    while count > 0:
        count -= len(read_exactly(stream, min(STEP_BYTES, count), name))


def check_complete(file: VoxelFile) -> None:
    """All voxels the header promises must be there before anything is allocated for them.

    Raises
    ------
    BadInputError
        The header promises more than such a file can hold.
    IncompleteError
        Bytes are missing.
    """
    name = file.data_path.name
    need = file.skip_bytes + file.voxel_bytes
    if file.voxel_bytes > MAX_VOXEL_BYTES:
        raise BadInputError(f"{name}: the header asks for {file.voxel_bytes >> 30} GiB of voxels")
    if file.size("t") > MAX_TIME_POINTS:
        raise BadInputError(f"{name}: the header asks for {file.size('t')} time points")
    there = file.data_path.stat().st_size - file.start_bytes
    if file.encoding == "raw":
        if there < need:
            raise IncompleteError(
                f"{name} is incomplete: the header needs {file.start_bytes + need} bytes, the "
                f"file has {file.start_bytes + there}"
            )
        return
    if file.encoding == "gzip":
        if need > MAX_DEFLATE_RATIO * there:
            raise IncompleteError(
                f"{name} is incomplete: {there} compressed bytes cannot hold the {need} that the "
                "header needs"
            )
        if _declared_size(file) == need % (1 << 32):
            return
    # the trailer says something else (or nothing): only reading tells
    with file.stream() as stream:
        skip(stream, need, name)


def _declared_size(file: VoxelFile) -> int:
    """ISIZE of the last gzip member (RFC 1952)."""
    with file.data_path.open("rb") as handle:
        handle.seek(-4, 2)
        return int.from_bytes(handle.read(4), "little")


def inside_folder(header: Path, name: str) -> Path:
    """Path of a detached data file, which must be a plain file of the header's folder.

    Raises
    ------
    BadInputError
        The name leads elsewhere, or there is no such file.
    """
    parts = name.replace("\\", "/").split("/")
    if any(part in ("", "..") for part in parts) or ":" in name or "\0" in name:
        raise BadInputError(
            f"{header.name} names data outside its folder ({name[:80]}): they are not read"
        )
    target = header.parent.joinpath(*(part for part in parts if part != "."))
    if not target.is_file():
        raise BadInputError(f"{header.name} names {name[:80]}, which is not there")
    if not target.resolve().is_relative_to(header.parent.resolve()):
        raise BadInputError(
            f"{header.name} names data outside its folder ({name[:80]}): they are not read"
        )
    return target


def check_matrix(matrix: np.ndarray, name: str, what: str) -> np.ndarray:
    """3 x 4 matrix, finite and invertible, or an error."""
    if not np.isfinite(matrix).all():
        raise BadInputError(f"{name}: the {what} holds numbers that are not finite")
    lengths = np.linalg.norm(matrix[:, :3], axis=0)
    if lengths.min() < 1e-6 or lengths.max() > 1e6:
        raise BadInputError(f"{name}: the {what} has no sensible voxel size")
    if abs(np.linalg.det(matrix[:, :3] / lengths)) < 1e-3:
        raise BadInputError(f"{name}: the {what} cannot be inverted")
    return matrix


def lps_fields(matrix: np.ndarray, slices: int) -> dict[str, object]:
    """Positions, orientation and spacing of a `VoxelFile` from a 3 x 4 LPS matrix (mm)."""
    lengths = np.linalg.norm(matrix[:, :3], axis=0)
    row, column = matrix[:, 0] / lengths[0], matrix[:, 1] / lengths[1]
    spacing = float(lengths[1]), float(lengths[0])
    if abs(float(row @ column)) > 1e-3:
        words = "rows and columns are not perpendicular: no millimetres, no planes"
        return {"silent": words, "spacing_mm": None}
    points = matrix[:, 3] + np.arange(slices)[:, None] * matrix[:, 2]
    return {
        "positions_mm": tuple((float(x), float(y), float(z)) for x, y, z in points),
        "orientation": (*(float(v) for v in row), *(float(v) for v in column)),
        "spacing_mm": spacing,
    }
