"""The one way to open a display, whatever file it lies in."""

from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Protocol, Self

import numpy as np

from medbench.base.errors import BadInputError
from medbench.dicom.decoding.pool import DecoderPool
from medbench.dicom.reader import open_display as open_dicom
from medbench.domain.image import DisplaySet, FrameInfo, Volume
from medbench.formats.voxel_reader import VoxelReader

OnSlice = Callable[[int, str | None], None]


class FrameReader(Protocol):
    """Frames of one display as values; `medbench.dicom.reader.DisplayReader` is one."""

    display: DisplaySet

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...  # fmt: skip

    def close(self) -> None: ...

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def volume(self) -> Volume: ...

    def info(self, index: int) -> FrameInfo: ...

    def read(self, index: int) -> np.ndarray: ...

    def load(
        self,
        *,
        first: int = 0,
        on_slice: OnSlice | None = None,
        cancelled: Callable[[], bool] | None = None,
        order: Callable[[], Iterable[int]] | None = None,
    ) -> Volume: ...


def open_display(display: DisplaySet, pool: DecoderPool | None = None) -> FrameReader:
    """Reader of one display; give it the app's pool, or it makes one when it needs one.

    Raises
    ------
    BadInputError
        No reader knows such files.
    """
    if display.source in ("dicom", "picture"):  # pictures are wrapped as Secondary Capture
        return open_dicom(display, pool)
    if display.source in ("nifti", "nrrd"):
        return VoxelReader(display)
    raise BadInputError(f"There is no reader for files of the kind {display.source!r}.")
