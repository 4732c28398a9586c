"""Modality values to grey: VOI, polarity, padding; the one pipeline of window and command line."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from medbench.base.atomic import read_json
from medbench.base.errors import BadInputError
from medbench.base.paths import resource
from medbench.domain.image import FrameInfo, Voi, VoiFunction, VoiLut, VoiWindow

Gray = npt.NDArray[np.uint8]
_FINE_SPAN = 64.0
_TABLE_FROM_PIXELS = 4096
_INDEX_UP_TO_PIXELS = 1 << 22
_ONLY_HERE = 2
"""References to an array that only a list holds: the list's and the one that asks."""


def voi_curve(values: npt.ArrayLike, voi: Voi) -> npt.NDArray[np.float64]:
    """Display values 0..255 before rounding.

    LINEAR as PS3.3 C.11.2.1.2.1, LINEAR_EXACT C.11.2.1.3.2, SIGMOID C.11.2.1.3.1, VOI LUT
    C.11.2.1.1 (first entry below, last entry above).
    """
    x = np.asarray(values, np.float64)
    if isinstance(voi, VoiLut):
        index = np.clip(np.floor(x) - voi.first_mapped, 0, len(voi.data) - 1).astype(np.int64)
        return np.asarray(voi.data[index] * (255.0 / ((1 << voi.bits) - 1)), np.float64)
    c, w = voi.center, voi.width
    if voi.function is VoiFunction.SIGMOID:
        with np.errstate(over="ignore"):
            return np.asarray(255.0 / (1.0 + np.exp(-4.0 * (x - c) / w)))
    if voi.function is VoiFunction.LINEAR_EXACT:
        return np.clip(((x - c) / max(w, 1e-9) + 0.5) * 255.0, 0.0, 255.0)
    if w <= 1:
        return np.where(x > c - 0.5, 255.0, 0.0)
    return np.clip(((x - (c - 0.5)) / (w - 1.0) + 0.5) * 255.0, 0.0, 255.0)


def apply_voi(
    values: npt.NDArray[Any],
    voi: Voi,
    *,
    inverted: bool = False,
    out: Gray | None = None,
) -> Gray:
    """8-bit grey of modality values of any shape; polarity is applied after VOI."""
    kind, size = values.dtype.kind, values.dtype.itemsize
    if kind in "iu" and size <= 2 and values.size >= _TABLE_FROM_PIXELS:
        return _through_table(values, voi, inverted=inverted, out=out)
    grey = _round(voi_curve(values, voi), inverted=inverted)
    if out is None:
        return grey
    out[...] = grey
    return out


def _round(curve: npt.NDArray[np.float64], *, inverted: bool) -> Gray:
    if inverted:
        curve = 255.0 - curve
    if not np.isfinite(curve).all():
        curve = np.nan_to_num(curve, nan=0.0)
    return (curve + 0.5).astype(np.uint8)


def _through_table(values: npt.NDArray[Any], voi: Voi, *, inverted: bool, out: Gray | None) -> Gray:
    """Look every value up: the curve is computed once per possible value, not per pixel."""
    signed = values.dtype.kind == "i"
    bits = values.dtype.itemsize * 8
    inputs = np.arange(1 << bits, dtype=np.int64)
    if signed:  # table index = the bit pattern
        inputs = np.where(inputs >= 1 << (bits - 1), inputs - (1 << bits), inputs)
    table = _round(voi_curve(inputs, voi), inverted=inverted)
    index = values.view(np.dtype(f"u{values.dtype.itemsize}")) if signed else values
    if out is None:
        out = np.empty(values.shape, np.uint8)
    return np.take(table, index, out=out, mode="clip")


class ValueIndex:
    """Where each pixel of one picture stands in a table of the values it holds.

    Made once for a picture whose window changes again and again: each change then costs a short
    table and one look-up a pixel, with the same result as `apply_voi`.
    """

    def __init__(self, values: npt.NDArray[Any]) -> None:
        """Index integers of 16 bits or fewer, of any shape."""
        low, high = int(values.min()), int(values.max())
        self._inputs = np.arange(low, high + 1)
        self._index = np.subtract(values, low, dtype=np.intp)
        self._given: list[Gray] = []

    @staticmethod
    def fits(values: npt.NDArray[Any]) -> bool:
        """Whether it pays: 16-bit integers, and no more pixels than a screen has."""
        return (
            values.dtype.kind in "iu"
            and values.dtype.itemsize <= 2
            and _TABLE_FROM_PIXELS <= values.size <= _INDEX_UP_TO_PIXELS
        )

    def grey(self, voi: Voi, *, inverted: bool = False) -> Gray:
        """What `apply_voi` gives for the values."""
        table = _round(voi_curve(self._inputs, voi), inverted=inverted)
        return np.take(table, self._index, out=self._unused(), mode="clip")

    def _unused(self) -> Gray:
        """Memory of an earlier picture that nobody holds any more, else fresh memory.

        Fresh pages cost a third of a look-up; an array counts as held while anything refers to it
        or to a view of it.
        """
        for at in range(len(self._given)):
            if sys.getrefcount(self._given[at]) <= _ONLY_HERE:
                return self._given[at]
        self._given = [*self._given[-1:], np.empty(self._index.shape, np.uint8)]
        return self._given[-1]


def auto_window(values: npt.NDArray[Any], padding: tuple[float, float] | None = None) -> VoiWindow:
    """Window from the 0.5 to the 99.5 percentile, padding and non-finite values left out."""
    sample = values.ravel()
    if sample.size > 1_000_000:
        sample = sample[:: sample.size // 500_000]
    real = anatomy(sample, padding)
    if not real.size:
        return VoiWindow(127.5, 256.0, VoiFunction.LINEAR, "Auto")
    low, high = np.percentile(real, [0.5, 99.5])
    if high <= low:
        low, high = float(real.min()), float(real.max())
    span = float(high - low)
    if real.dtype.kind == "f" and 0 < span < _FINE_SPAN:
        # LINEAR cannot be narrower than 1: diffusion maps, doses and uptakes would look flat
        return VoiWindow(float(low + high) / 2.0, span, VoiFunction.LINEAR_EXACT, "Auto")
    width = max(1.0, span + 1.0)
    return VoiWindow(float(low + high) / 2.0 + 0.5, width, VoiFunction.LINEAR, "Auto")


def auto_voi(values: npt.NDArray[Any], info: FrameInfo) -> VoiWindow:
    """The automatic window of a frame; lossy compression may have smeared its padding."""
    padding = info.padding
    if padding is not None and "lossy" in info.badges:
        padding = _smeared(values, padding)
    return auto_window(values, padding)


def _smeared(values: npt.NDArray[Any], padding: tuple[float, float]) -> tuple[float, float]:
    """Padding widened by what compression made of it.

    Padding lies outside the anatomy: how far values scatter on its far side tells how far they
    scatter towards the anatomy. Nothing is widened where that would reach half way into it.
    """
    low, high = padding
    flat = values.ravel()
    below, above = flat[flat < low], flat[flat > high]
    if not len(below) or not len(above):
        return padding
    if len(below) < len(above):
        reach, room = low - float(below.min()), float(np.median(above)) - high
    else:
        reach, room = float(above.max()) - high, low - float(np.median(below))
    return (low - reach, high + reach) if 2 * reach < room else padding


def anatomy(values: npt.NDArray[Any], padding: tuple[float, float] | None) -> npt.NDArray[Any]:
    """Values that are neither padding nor non-finite, as a flat array (PS3.3 C.7.5.1.1.2)."""
    flat = values.ravel()
    if flat.dtype.kind == "f":
        flat = flat[np.isfinite(flat)]
    if padding is not None:
        flat = flat[(flat < padding[0]) | (flat > padding[1])]
    return flat


def default_voi(values: npt.NDArray[Any], info: FrameInfo) -> Voi:
    """The file's first VOI, else the automatic window."""
    return info.vois[0] if info.vois else auto_voi(values, info)


def display_frame(
    values: npt.NDArray[Any],
    info: FrameInfo,
    voi: Voi | None = None,
    *,
    inverted: bool | None = None,
    index: ValueIndex | None = None,
) -> Gray:
    """What the screen shows of one frame: (y, x) grey, or (y, x, 3) colour unchanged.

    Padding is black whatever the polarity. ``inverted`` overrides the frame's own polarity;
    ``index`` is that of ``values``, where somebody keeps one.
    """
    if values.ndim == 3:
        return np.asarray(values, np.uint8)
    if voi is None:
        voi = default_voi(values, info)
    flip = info.inverted if inverted is None else inverted
    if index is None:
        grey = apply_voi(values, voi, inverted=flip)
    else:
        grey = index.grey(voi, inverted=flip)
    if info.padding is not None:
        low, high = info.padding
        grey[(values >= low) & (values <= high)] = 0
    return grey


@dataclass(frozen=True)
class WindowPreset:
    """A named window for one modality."""

    preset_id: str
    modality: str
    """'*' for every one."""
    name: str
    window: VoiWindow
    key: str = ""
    """Digit '1' to '9' that applies it on pictures of its modality; bound to the preset, not to
    its place in the list."""


def read_presets(path: Path | None = None) -> tuple[WindowPreset, ...]:
    """The presets of a file, or the bundled ones.

    Raises
    ------
    BadInputError
        The file is no list of presets.
    """
    path = path or resource("presets", "windows.json")
    stored: Any = read_json(path)
    try:
        return tuple(
            preset_of(str(p["id"]), str(p["modality"]), str(p["name"]), float(p["center"]),
                      float(p["width"]), str(p.get("key", "")))
            for p in stored["presets"]
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadInputError(
            f"{path.name} is no list of window presets ({error}); restore the bundled ones."
        ) from error


def preset_of(
    preset_id: str, modality: str, name: str, center: float, width: float, key: str = ""
) -> WindowPreset:
    """A preset with a linear window."""
    window = VoiWindow(center, width, VoiFunction.LINEAR, name)
    return WindowPreset(preset_id, modality, name, window, key)


def grey_histogram(
    values: npt.NDArray[Any], padding: tuple[float, float] | None, bins: int = 128
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Bin edges (bins + 1) and counts (bins) of the anatomy's values."""
    sample = values.ravel()
    if sample.size > 400_000:
        sample = sample[:: sample.size // 200_000]
    real = anatomy(sample, padding).astype(np.float64)
    if not real.size:
        real = np.zeros(1)
    low, high = np.percentile(real, [0.1, 99.9])
    counts, edges = np.histogram(real, bins=bins, range=(low, max(high, low + 1)))
    return edges, counts.astype(np.int64)
