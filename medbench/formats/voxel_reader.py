"""Reads a display of a NIfTI or NRRD file: the interface of `medbench.dicom.reader.DisplayReader`.

Integer voxels stay integers (label volumes must), scaled ones become float32. Raw files are read
slice by slice, nearest to the shown one first; a compressed stream is read from its beginning.
"""

from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Self

import numpy as np

from medbench.base.errors import BadInputError, IncompleteError, MedbenchError
from medbench.dicom.order import PendingSlices
from medbench.dicom.reader import FrameInfos
from medbench.domain.calibration import Calibration, MmSource
from medbench.domain.geometry import edge_letters
from medbench.domain.image import DisplaySet, FrameInfo, Orientation, VoiWindow, Volume
from medbench.formats.volumes import read_voxel_file, upright_turn
from medbench.formats.voxel_file import read_exactly, skip

OnSlice = Callable[[int, str | None], None]
_DIRECT = {"u1": "u1", "i2": "i2", "u2": "u2", "i4": "i4", "f4": "f4", "f8": "f4", "i1": "i2"}
_INT32 = np.iinfo(np.int32)


class VoxelReader:
    """Slices of one display; use it from one thread at a time."""

    def __init__(self, display: DisplaySet) -> None:
        self.display = display
        self._file = read_voxel_file(display.frames[0].path)
        found = (self._file.size("y"), self._file.size("x"))
        last = max(ref.frame for ref in display.frames)
        if found != (display.rows, display.columns) or last >= self._frames:
            raise BadInputError(f"{self._file.path.name} changed since it was opened: open it anew")
        self._infos: dict[int, FrameInfo] = {}
        self._whole: np.ndarray | None = None
        self._volume: Volume | None = None
        self._buffer: np.ndarray | None = None
        self._dtype: np.dtype[Any] | None = None

    @property
    def _frames(self) -> int:
        return self._file.size("z") * self._file.size("t")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.close()

    def close(self) -> None:
        """Forget what was decoded."""
        self._whole = None

    @property
    def shape(self) -> tuple[int, ...]:
        """(z, y, x), or (z, y, x, 3) for colour."""
        plain = (self.display.slices, self.display.rows, self.display.columns)
        return (*plain, 3) if self.display.colour else plain

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values handed out."""
        if self._dtype is None:
            self._dtype = self._value_type()
        return self._dtype

    @property
    def volume(self) -> Volume:
        """The volume `load` fills; empty before."""
        if self._volume is None:
            self._buffer = np.zeros(self.shape, self.dtype)
            view = self._buffer.view()
            view.setflags(write=False)
            ready = np.zeros(self.display.slices, bool)
            self._volume = Volume(
                self.display, view, ready, {}, FrameInfos(self.display.slices, self.info)
            )
        return self._volume

    def info(self, index: int) -> FrameInfo:
        """Presentation of one slice; cached."""
        if index not in self._infos:
            self._infos[index] = self._new_info(index)
        return self._infos[index]

    def _new_info(self, index: int) -> FrameInfo:
        file, display = self._file, self.display
        spacing = file.spacing_mm
        turn, flip = upright_turn(file.orientation)
        # patient space where the file has one; else pixel sizes of unknown origin, or none
        source = MmSource.PATIENT if file.orientation else MmSource.UNKNOWN
        calibration = Calibration(source, *spacing) if spacing is not None else Calibration()
        window = (file.window[0] + file.window[1]) / 2 if file.window else 0.0
        vois = (
            (VoiWindow(window, max(file.window[1] - file.window[0], 1e-6), explanation="File"),)
            if file.window and not file.colour
            else ()
        )
        texts = {
            "patient_name": _stem(display),
            "study_description": file.description,
            "series_description": display.description,
            "instance_number": str(display.frames[index].instance_number or ""),
        }
        limits = _limits(file.dtype)
        return FrameInfo(
            vois=vois,
            annotations={key: value for key, value in texts.items() if value},
            calibration=calibration,
            orientation=Orientation(
                row=edge_letters(file.orientation[:3]), column=edge_letters(file.orientation[3:])
            )
            if file.orientation
            else Orientation(),
            rotation_deg=turn,
            flip_horizontal=flip,
            stored_line=(file.slope, file.intercept),
            stored_range=limits,
            warnings=file.warnings,
        )

    def read(self, index: int) -> np.ndarray:
        """Values of one slice: (y, x), or (y, x, 3) uint8.

        Raises
        ------
        IncompleteError, BadInputError
            With the reason in plain words.
        """
        frame = self.display.frames[index].frame
        if self._whole is not None or not self._file.contiguous:
            return self._values(self._decoded()[frame])
        if self._file.encoding == "raw":
            return self._values(self._slice(self._raw_slice(frame)))
        with self._file.stream() as stream:
            name = self._file.data_path.name
            skip(stream, self._file.skip_bytes + frame * self._slice_bytes, name)
            return self._values(self._slice(read_exactly(stream, self._slice_bytes, name)))

    def load(
        self,
        *,
        first: int = 0,
        on_slice: OnSlice | None = None,
        cancelled: Callable[[], bool] | None = None,
        order: Callable[[], Iterable[int]] | None = None,
        threads: int = 1,
    ) -> Volume:
        """Read every slice into one volume; see `medbench.dicom.reader.DisplayReader.load`.

        A compressed stream has one order only, so there ``first`` and ``order`` wait for it.
        """
        del threads
        if self._whole is None and self._file.contiguous and self._file.encoding != "raw":
            return self._load_stream(on_slice, cancelled)
        pending = PendingSlices(self.display.slices, first, order)
        while (index := pending.take()) is not None:
            if cancelled is not None and cancelled():
                break
            self._fill(index, lambda index=index: self.read(index), on_slice)  # type: ignore[misc]
        return self.volume

    # -- reading -------------------------------------------------------------------------------

    def _fill(self, index: int, read: Callable[[], np.ndarray], on_slice: OnSlice | None) -> None:
        volume, buffer = self.volume, self._buffer
        assert buffer is not None
        error = None
        try:
            buffer[index] = read()
            volume.ready[index] = True
        except (MedbenchError, OSError) as problem:
            error = str(problem)
            volume.failed[index] = error  # type: ignore[index]
        if on_slice is not None:
            on_slice(index, error)

    def _load_stream(
        self, on_slice: OnSlice | None, cancelled: Callable[[], bool] | None
    ) -> Volume:
        """One pass through the compressed stream, in file order."""
        name = self._file.data_path.name
        places = {ref.frame: index for index, ref in enumerate(self.display.frames)}
        wanted = sorted(places)
        volume = self.volume
        with self._file.stream() as stream:
            skip(stream, self._file.skip_bytes + wanted[0] * self._slice_bytes, name)
            for at, frame in enumerate(wanted):
                if cancelled is not None and cancelled():
                    return volume
                index = places[frame]
                self._fill(
                    index,
                    lambda: self._values(
                        self._slice(read_exactly(stream, self._slice_bytes, name))
                    ),
                    on_slice,
                )
                if index in volume.failed:  # the stream is broken: nothing after it is true
                    for later in wanted[at + 1 :]:
                        self._lost(places[later], volume.failed[index], on_slice)
                    return volume
            if wanted[-1] == self._frames - 1:
                self._check_end(stream, volume, on_slice)
        return volume

    def _lost(self, index: int, reason: str, on_slice: OnSlice | None) -> None:
        self.volume.failed[index] = reason  # type: ignore[index]
        if on_slice is not None:
            on_slice(index, reason)

    def _check_end(self, stream: Any, volume: Volume, on_slice: OnSlice | None) -> None:
        """The checksum comes last: voxels of a stream that fails it are not shown."""
        try:
            read_exactly(stream, 1, "")
        except IncompleteError:
            return  # the end, where it belongs
        except BadInputError as error:
            volume.ready[:] = False
            for index in range(self.display.slices):
                self._lost(index, f"{self._file.data_path.name}{error}", on_slice)

    @property
    def _slice_bytes(self) -> int:
        file = self._file
        return file.size("c") * file.size("x") * file.size("y") * file.dtype.itemsize

    def _raw_slice(self, frame: int) -> bytes:
        file = self._file
        with file.data_path.open("rb", buffering=0) as handle:
            handle.seek(file.start_bytes + file.skip_bytes + frame * self._slice_bytes)
            data = handle.read(self._slice_bytes)
        if len(data) < self._slice_bytes:
            raise IncompleteError(f"{file.data_path.name} became shorter while it was read")
        return data

    def _slice(self, data: bytes | bytearray) -> np.ndarray:
        file = self._file
        cells = np.frombuffer(data, file.dtype)
        plain = (file.size("y"), file.size("x"))
        return cells.reshape((*plain, file.size("c")) if file.colour else plain)

    def _decoded(self) -> np.ndarray:
        """All frames as (t * z, y, x[, c]), for files whose slices lie scattered."""
        if self._whole is None:
            file = self._file
            with file.stream() as stream:
                name = file.data_path.name
                skip(stream, file.skip_bytes, name)
                data = read_exactly(stream, file.voxel_bytes, name)
            cells = np.frombuffer(data, file.dtype).reshape(file.sizes[::-1])
            names = file.axes[::-1]
            wanted = [a for a in "tzyxc" if a in names]
            cells = cells.transpose([names.index(a) for a in wanted])
            plain = (self._frames, file.size("y"), file.size("x"))
            self._whole = cells.reshape((*plain, file.size("c")) if file.colour else plain)
        return self._whole

    # -- values --------------------------------------------------------------------------------

    def _values(self, cells: np.ndarray) -> np.ndarray:
        """Stored cells -> values: scaled where the file scales."""
        file = self._file
        if file.colour:
            return cells[..., :3]
        if file.slope == 1.0 and file.intercept == 0.0:
            return cells.astype(self.dtype)
        if self.dtype.kind == "i":
            return cells.astype(self.dtype) + self.dtype.type(int(file.intercept))
        return (cells.astype(np.float64) * file.slope + file.intercept).astype(np.float32)

    def _value_type(self) -> np.dtype[Any]:
        file = self._file
        if file.colour:
            return np.dtype(np.uint8)
        code = f"{file.dtype.kind}{file.dtype.itemsize}"
        scaled = file.slope != 1.0 or file.intercept != 0.0
        if scaled:
            whole = file.slope == 1.0 and file.intercept == int(file.intercept)
            if not whole or code not in ("u1", "i1", "u2", "i2"):
                return np.dtype(np.float32)
            limits = np.iinfo(file.dtype)
            low, high = int(limits.min + file.intercept), int(limits.max + file.intercept)
            if np.iinfo(np.int16).min <= low and high <= np.iinfo(np.int16).max:
                return np.dtype(np.int16)
            fits = _INT32.min <= low and high <= _INT32.max
            return np.dtype(np.int32 if fits else np.float32)
        if code in _DIRECT:
            return np.dtype(_DIRECT[code])
        # 64-bit and unsigned 32-bit integers: labels mostly, and then they fit
        cells = self._decoded()
        fits = int(cells.min()) >= _INT32.min and int(cells.max()) <= _INT32.max
        return np.dtype(np.int32 if fits else np.float32)


def _stem(display: DisplaySet) -> str:
    return display.frames[0].path.name.partition(".")[0]


def _limits(dtype: np.dtype[Any]) -> tuple[float, float]:
    if dtype.kind == "f":
        return 0.0, 255.0
    limits = np.iinfo(dtype)
    return float(limits.min), float(limits.max)
