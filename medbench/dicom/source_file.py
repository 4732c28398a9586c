"""One file of a display: its header, its pixel description, where its frames lie."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from medbench.base.errors import BadInputError, DecodeError
from medbench.dicom.dataset import damage_named, read_dataset
from medbench.dicom.frame_info import frame_rescale
from medbench.dicom.guard import EXPLICIT_BE, Header, read_header
from medbench.dicom.palette import palette_tables
from medbench.dicom.pixels import PixelFormat, pixel_format
from medbench.dicom.voi import Rescale


class SourceFile:
    """One file of the display: its header, format and whatever needs the data set."""

    def __init__(self, path: Path) -> None:
        try:
            self.header: Header = read_header(path)
        except OSError as error:
            raise BadInputError(f"the file cannot be read: {error.strerror}") from error
        if self.header.pixel_offset < 0:
            raise BadInputError("the object holds no pixels")
        self.form: PixelFormat = pixel_format(self.header)
        self._rescale: dict[int, Rescale] = {}
        self._palette: tuple[int, np.ndarray] | None = None
        self._dataset: Any = None
        self._starts: list[int] | None = None
        self.swapped = self.header.transfer_syntax_uid == EXPLICIT_BE and self._is_ow()
        """Whether cells of up to 8 bits lie in big-endian 16-bit words (PS3.5 A.3, 8.2)."""

    def _is_ow(self) -> bool:
        if self.form.bits_allocated > 8:
            return False
        fd = os.open(self.header.path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        try:
            # explicit OB and OW: VR, two reserved bytes, four of length, then the value
            return os.pread(fd, 2, self.header.pixel_offset - 8) == b"OW"
        finally:
            os.close(fd)

    def dataset(self) -> Any:
        """The data set without pixels; kept for multi-frame objects, whose frames share it."""
        if self._dataset is not None:
            return self._dataset
        found = read_dataset(self.header.path)
        if self.form.frames > 1:
            self._dataset = found
        return found

    @damage_named("the modality transformation")
    def rescale(self, frame: int) -> Rescale:
        """Modality transformation of a frame."""
        if frame not in self._rescale:
            many = self.header.sequences and self.form.frames > 1
            dataset = self.dataset() if many else None
            self._rescale[frame] = frame_rescale(self.header, frame, self.form, dataset)
        return self._rescale[frame]

    @damage_named("the palette")
    def palette(self) -> tuple[int, np.ndarray]:
        """Palette of a PALETTE COLOR instance."""
        if self._palette is None:
            self._palette = palette_tables(read_dataset(self.header.path), signed=self.form.signed)
        return self._palette

    def fragments_of(self, frame: int) -> list[tuple[int, int]]:
        """Byte ranges of one compressed frame (PS3.5 A.4)."""
        fragments, frames = self.header.fragments, self.form.frames
        if frames == 1:
            return list(fragments)
        table = self.header.offset_table
        if len(table) == frames and fragments:
            base = fragments[0][0] - 8
            bounds = [*(base + offset for offset in table), 1 << 62]
            found = [f for f in fragments if bounds[frame] <= f[0] - 8 < bounds[frame + 1]]
            if found and found[0][0] - 8 == bounds[frame]:
                return found
        if len(fragments) == frames:
            return [fragments[frame]]
        starts = self._frame_starts()
        if len(starts) != frames:
            raise DecodeError(f"{len(fragments)} fragments for {frames} frames, no offset table")
        return list(fragments[starts[frame] : [*starts, len(fragments)][frame + 1]])

    def _frame_starts(self) -> list[int]:
        """Fragments that begin a codestream (JPEG SOI, JPEG 2000 SOC)."""
        if self._starts is None:
            fd = os.open(self.header.path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
            try:
                heads = [os.pread(fd, 4, offset) for offset, _ in self.header.fragments]
            finally:
                os.close(fd)
            marks = (b"\xff\xd8\xff", b"\xff\x4f\xff", b"\x00\x00\x00\x0c")
            self._starts = [i for i, head in enumerate(heads) if head.startswith(marks)]
        return self._starts
