"""Data of cases as arrays; the same reader serves training, prediction and thumbnails."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from medbench.base.errors import BadInputError, DecodeError, MedbenchError
from medbench.domain.cohort import Case, Cohort, Item, ItemKind

MAX_PIXELS = 200_000_000


def item_path(item: Item, folder: Path) -> Path:
    """Where an item's file is: absolute, or inside the cohort folder."""
    path = Path(item.path)
    return path if path.is_absolute() else folder / path


def read_picture(path: Path) -> np.ndarray[Any, Any]:
    """Grey values of a picture file, float32 (rows, columns) or (rows, columns, 3).

    Raises
    ------
    DecodeError
        No picture, damaged, or larger than 200 million pixels.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise DecodeError(f"{path.name} has more than {MAX_PIXELS // 10**6} million pixels")
            if picture.mode in ("P", "RGBA", "LA", "CMYK", "YCbCr", "PA"):
                has_colour = picture.mode not in ("LA",)
                converted = picture.convert("RGB" if has_colour else "L")
            elif picture.mode == "1":
                converted = picture.convert("L")
            else:
                converted = picture
            values = np.asarray(converted, np.float32)
    except (OSError, ValueError, UnidentifiedImageError, SyntaxError) as error:
        raise DecodeError(f"{path.name} cannot be read as a picture: {error}") from error
    if values.ndim == 3 and (np.ptp(values, axis=2) == 0).all():
        return values[..., 0]
    return values


def read_dicom_frame(path: Path, display_id: str = "", frame: int = 0) -> np.ndarray[Any, Any]:
    """Modality values of one frame, float32, dense = bright whatever the polarity.

    PS3.3 C.7.6.3.1.2: MONOCHROME1 shows its lowest value white, so its values are mirrored.
    Slices of NIfTI and NRRD files are turned as they are shown.
    """
    from medbench.dicom.reader import find_display, open_display
    from medbench.dicom.scan import scan
    from medbench.formats.volumes import is_volume

    if is_volume(path):
        return _volume_frame(path, frame)
    result = scan([path])
    displays = [d for s in result.studies for series in s.series for d in series.displays]
    if not displays:
        reason = result.skipped[0].reason if result.skipped else "it holds no image"
        raise DecodeError(f"{path.name} cannot be used: {reason}")
    with open_display(find_display(displays, display_id or None)) as reader:
        return oriented_values(reader.read(frame), inverted=reader.info(frame).inverted)


def _volume_frame(path: Path, frame: int) -> np.ndarray[Any, Any]:
    from medbench.formats.opening import open_display
    from medbench.formats.volumes import volume_study

    for display in volume_study(path).series[0].displays:
        for index, ref in enumerate(display.frames):
            if ref.frame == frame:
                with open_display(display) as reader:
                    values, info = reader.read(index), reader.info(index)
                turned = np.rot90(values, -(info.rotation_deg // 90))
                shown = turned[:, ::-1] if info.flip_horizontal else turned
                return oriented_values(np.ascontiguousarray(shown), inverted=False)
    raise DecodeError(f"{path.name} has no slice {frame}")


def oriented_values(values: np.ndarray[Any, Any], *, inverted: bool) -> np.ndarray[Any, Any]:
    """Float32 values with dense = bright."""
    picture = np.asarray(values, np.float32)
    if inverted and picture.size:
        picture = picture.max() + picture.min() - picture
    return picture


class CaseReader:
    """Reads items of one cohort; arrays are mapped, never loaded whole."""

    def __init__(self, cohort: Cohort, folder: Path) -> None:
        self.cohort = cohort
        self.folder = Path(folder)
        self._array = lru_cache(maxsize=8)(self._open_array)

    def image(self, case: Case) -> np.ndarray[Any, Any]:
        """Float32 (rows, columns) or (rows, columns, 3) of the case's first item.

        Raises
        ------
        DecodeError
            The picture cannot be read.
        """
        item = case.items[0]
        path = item_path(item, self.folder)
        if item.kind is ItemKind.ARRAY:
            values = np.asarray(self._array(item.path)[item.index], np.float32)
            return values[..., 0] if values.ndim == 3 and values.shape[-1] == 1 else values
        if not path.is_file():
            raise DecodeError(f"{path.name} is gone")
        if item.kind is ItemKind.DICOM:
            return read_dicom_frame(path, item.key, item.index)
        if item.kind is ItemKind.FILE:
            return read_picture(path)
        raise BadInputError(f"Case {case.case_id} holds no picture.")

    def row(self, case: Case) -> np.ndarray[Any, Any]:
        """Float64 vector of a table row; NaN = missing, categories as codes."""
        item = case.items[0]
        if item.kind is not ItemKind.ROW:
            raise BadInputError(f"Case {case.case_id} holds no table row.")
        return np.asarray(self._array(item.path)[item.index], np.float64)

    def signal(self, case: Case) -> np.ndarray[Any, Any]:
        """Float32 (samples,) or (samples, leads)."""
        item = case.items[0]
        if item.kind is not ItemKind.ARRAY:
            raise BadInputError(f"Case {case.case_id} holds no signal.")
        return np.asarray(self._array(item.path)[item.index], np.float32)

    def steps(self, case: Case) -> np.ndarray[Any, Any]:
        """Int64 class per sample of a signal; negative where nobody said."""
        if case.mask is None or case.mask.kind is not ItemKind.ARRAY:
            raise BadInputError(f"The time steps of case {case.case_id} have no labels.")
        return np.asarray(self._array(case.mask.path)[case.mask.index], np.int64)

    def try_image(self, case: Case) -> tuple[np.ndarray[Any, Any] | None, str]:
        """Picture, or None and the reason."""
        try:
            return self.image(case), ""
        except MedbenchError as error:
            return None, str(error)

    def _open_array(self, name: str) -> np.ndarray[Any, Any]:
        if Path(name).name != name:
            raise BadInputError(f"The cohort names an array outside its folder: {name}.")
        try:
            array: np.ndarray[Any, Any] = np.load(
                self.folder / name, mmap_mode="r", allow_pickle=False
            )
        except (OSError, ValueError) as error:
            raise BadInputError(f"{name} of the cohort cannot be read: {error}.") from error
        return array
