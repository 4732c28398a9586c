"""Stored pixel values of one object, frame by frame, without any presentation."""

from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from medbench.dicom.decoding.pool import DecoderPool
from medbench.dicom.pixels import PixelFormat
from medbench.dicom.reader import DisplayReader
from medbench.domain.image import DisplayKind, DisplaySet, FrameRef


class PixelSource:
    """Stored values of all frames of one file."""

    def __init__(self, path: Path, pool: DecoderPool | None = None) -> None:
        frames = (FrameRef(path),)
        display = DisplaySet("", DisplayKind.MULTIFRAME, "", "", 0, 0, frames)
        self._reader = DisplayReader(display, pool)
        self._path = path

    @property
    def form(self) -> PixelFormat:
        """Pixel description."""
        return self._reader.form(self._path)

    def stored(self, frame: int) -> np.ndarray:
        """Stored values (rows, columns) of a frame."""
        return self._reader.stored(self._path, frame)

    def close(self) -> None:
        """End decoders that were started for it."""
        self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.close()
