"""Overlay planes 60xx and bitmap shutters (PS3.3 C.9.2, PS3.5 8.1.2)."""

from collections.abc import Callable
from typing import Any

import numpy as np

from medbench.domain.image import OverlayPlane

_GROUPS = range(0x6000, 0x6020, 2)


def overlay_planes(
    dataset: Any, frame: int, raw_pixels: Callable[[], np.ndarray | None], bits_stored: int,
    size: tuple[int, int] | None = None,
) -> tuple[tuple[OverlayPlane, ...], tuple[str, ...]]:  # fmt: skip
    """Planes of one frame, placed on the image, and warnings.

    ``size`` is the image's (rows, columns) where the data set is no image. ``raw_pixels`` gives the
    unmasked cells of the frame for the retired overlays that live in unused bits; it is asked only
    where there is one.
    """
    planes, warnings = [], []
    image = size or (int(dataset.get("Rows") or 0), int(dataset.get("Columns") or 0))
    for group in _GROUPS:
        if _value(dataset, group, 0x10) is None:
            continue
        try:
            mask = _one(dataset, group, frame, raw_pixels, bits_stored)
        except (ValueError, TypeError, IndexError) as error:
            warnings.append(f"overlay {group:04X} cannot be read: {error}")
            continue
        if mask is None:
            continue
        origin = [int(v) for v in _value(dataset, group, 0x50) or (1, 1)]
        label = str(_value(dataset, group, 0x1500) or _value(dataset, group, 0x22) or "")
        kind = str(_value(dataset, group, 0x40) or "G").strip()
        planes.append(
            OverlayPlane(f"{group:04X}", place(mask, origin, image), label.strip(), kind,
                         int(mask.sum()))
        )  # fmt: skip
    return tuple(planes), tuple(warnings)


def activated_groups(dataset: Any) -> frozenset[str]:
    """Overlay groups a presentation state switches on (PS3.3 C.11.7)."""
    return frozenset(f"{g:04X}" for g in _GROUPS if _value(dataset, g, 0x1001) is not None)


def _one(
    dataset: Any, group: int, frame: int, raw_pixels: Callable[[], np.ndarray | None], stored: int
) -> np.ndarray | None:
    rows, columns = int(_value(dataset, group, 0x10)), int(_value(dataset, group, 0x11) or 0)
    if rows < 1 or columns < 1 or rows * columns > 1 << 28:
        raise ValueError(f"{rows} x {columns} is no size")
    frames = int(_value(dataset, group, 0x15) or 1)
    first = int(_value(dataset, group, 0x51) or 1) - 1
    index = frame - first if frames > 1 else 0
    if not 0 <= index < frames:
        return None
    data = _value(dataset, group, 0x3000)
    if data is None:
        position = int(_value(dataset, group, 0x102) or 0)
        cells = raw_pixels() if position >= stored else None
        if cells is None:
            return None
        return (cells.astype(np.uint32) >> position & 1).astype(bool)
    bits = unpack_bits(bytes(data), rows * columns * index, rows * columns)
    return bits.reshape(rows, columns)


def unpack_bits(data: bytes, start: int, count: int) -> np.ndarray:
    """``count`` bits from bit ``start``, least significant bit first, no padding (T29).

    Raises
    ------
    ValueError
        There are fewer.
    """
    begin, end = start // 8, -(-(start + count) // 8)
    if len(data) < end:
        raise ValueError(f"{count} bits belong, {8 * len(data) - start} are there")
    bits = np.unpackbits(np.frombuffer(data[begin:end], np.uint8), bitorder="little")
    return bits[start - 8 * begin : start - 8 * begin + count].astype(bool)


def place(mask: np.ndarray, origin: list[int], image: tuple[int, int]) -> np.ndarray:
    """The mask on the image's grid; origin (row, column), (1, 1) is the first pixel."""
    out = np.zeros(image, bool)
    top, left = origin[0] - 1, origin[1] - 1
    rows = slice(max(0, top), min(image[0], top + mask.shape[0]))
    columns = slice(max(0, left), min(image[1], left + mask.shape[1]))
    if rows.start < rows.stop and columns.start < columns.stop:
        out[rows, columns] = mask[
            rows.start - top : rows.stop - top, columns.start - left : columns.stop - left
        ]
    return out


def _value(dataset: Any, group: int, element: int) -> Any:
    found = dataset.get((group, element))
    if found is None or found.value in (None, "", b""):
        return None
    return found.value
