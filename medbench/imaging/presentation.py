"""A frame as it is shown: grey, shutter, overlays, shape and turn; window and files share it."""

from typing import Any

import numpy as np
import numpy.typing as npt

from medbench.domain.image import FrameInfo, Voi
from medbench.imaging.window import display_frame

OVERLAY_COLOUR = (255, 214, 64)


def compose(
    values: npt.NDArray[Any],
    info: FrameInfo,
    voi: Voi | None = None,
    *,
    inverted: bool | None = None,
    overlays: bool = True,
    shutter: bool = True,
) -> npt.NDArray[np.uint8]:
    """8-bit picture of a frame, native size: (y, x), or (y, x, 3) with colour.

    The shutter lies over the image, overlay planes over the shutter (PS3.4 N.2.3).
    """
    picture = display_frame(values, info, voi, inverted=inverted)
    return decorate(picture, info, overlays=overlays, shutter=shutter)


def decorate(
    picture: npt.NDArray[np.uint8],
    info: FrameInfo,
    *,
    overlays: bool = True,
    shutter: bool = True,
    rows: npt.NDArray[np.intp] | None = None,
    columns: npt.NDArray[np.intp] | None = None,
) -> npt.NDArray[np.uint8]:
    """Shutter and overlays on a picture.

    A reduced picture names the first image row and column of each of its pixels in ``rows`` and
    ``columns`` (ascending): an overlay bit anywhere in a reduced pixel is shown, so that thin lines
    survive.
    """

    def sampled(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        return mask if rows is None or columns is None else mask[rows][:, columns]

    def pooled(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        if rows is None or columns is None:
            return mask
        by_row = np.logical_or.reduceat(mask, rows, axis=0)
        return np.asarray(np.logical_or.reduceat(by_row, columns, axis=1))

    if shutter and info.shutter is not None:
        picture = picture.copy() if not picture.flags.writeable else picture
        picture[sampled(info.shutter.hidden)] = info.shutter.grey
    if overlays and info.overlays:
        if picture.ndim == 2:
            picture = np.repeat(picture[..., None], 3, axis=2)
        for plane in info.overlays:
            picture[pooled(plane.mask)] = OVERLAY_COLOUR
    return picture


def stretched(
    picture: npt.NDArray[np.uint8], pixel_aspect: tuple[float, float] | None
) -> npt.NDArray[np.uint8]:
    """Square pixels: the shorter side of a pixel is repeated (PS3.3 C.7.6.3.1.7, T25)."""
    if pixel_aspect is None:
        return picture
    vertical, horizontal = pixel_aspect
    rows, columns = picture.shape[:2]
    if vertical > horizontal:
        rows = round(rows * vertical / horizontal)
    else:
        columns = round(columns * horizontal / vertical)
    if rows * columns > 1 << 28:
        return picture
    at_row = (np.arange(rows) * picture.shape[0] // rows).astype(np.intp)
    at_column = (np.arange(columns) * picture.shape[1] // columns).astype(np.intp)
    return np.asarray(picture[at_row][:, at_column])


def oriented(
    picture: npt.NDArray[np.uint8], rotation_deg: int = 0, *, flip_horizontal: bool = False
) -> npt.NDArray[np.uint8]:
    """Turned clockwise by a multiple of 90 degrees, then flipped left to right."""
    turned = np.rot90(picture, -(rotation_deg // 90))
    return np.ascontiguousarray(turned[:, ::-1] if flip_horizontal else turned)


def final_picture(
    values: npt.NDArray[Any],
    info: FrameInfo,
    voi: Voi | None = None,
    *,
    inverted: bool | None = None,
    overlays: bool = True,
    shutter: bool = True,
) -> npt.NDArray[np.uint8]:
    """The frame as ``medbench render`` writes it and the viewport shows it at its own size.

    Modality values (y, x), or RGB (y, x, 3), through VOI and polarity, shutter and overlays, square
    pixels, and the turn a presentation state asks for (PS3.4 N.2).
    """
    native = compose(values, info, voi, inverted=inverted, overlays=overlays, shutter=shutter)
    square = stretched(native, info.pixel_aspect)
    return oriented(square, info.rotation_deg, flip_horizontal=info.flip_horizontal)


def shown_place(
    row: float, column: float, size: tuple[int, int], info: FrameInfo
) -> tuple[float, float]:
    """(row, column) in `final_picture` of a place in the frame; pixel centres at whole numbers.

    ``size`` is the frame's (rows, columns).
    """
    rows, columns = (float(n) for n in size)
    r, c = row + 0.5, column + 0.5
    if info.pixel_aspect is not None:
        vertical, horizontal = info.pixel_aspect
        tall, wide = max(1.0, vertical / horizontal), max(1.0, horizontal / vertical)
        r, c, rows, columns = r * tall, c * wide, rows * tall, columns * wide
    for _ in range(info.rotation_deg // 90 % 4):
        r, c, rows, columns = c, rows - r, columns, rows
    if info.flip_horizontal:
        c = columns - c
    return r - 0.5, c - 0.5
