"""Modality LUT, VOI alternatives and padding of a data set (PS3.3 C.11.1, C.11.2, C.7.5.1.1.2)."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from medbench.domain.image import Voi, VoiFunction, VoiLut, VoiWindow

_MAX_LUTS = 64
"""VOI LUTs offered; a file with thousands means no reader any good."""


@dataclass(frozen=True, eq=False)
class Rescale:
    """Stored -> modality: a line, or a table."""

    slope: float = 1.0
    intercept: float = 0.0
    lut: VoiLut | None = None
    warning: str = ""

    @property
    def integer(self) -> bool:
        """Whether integers stay integers."""
        return self.lut is None and self.slope == 1.0 and self.intercept == int(self.intercept)

    @property
    def identity(self) -> bool:
        """Whether nothing changes."""
        return self.lut is None and self.slope == 1.0 and self.intercept == 0.0

    def apply(self, stored: np.ndarray) -> np.ndarray:
        """Modality values, float32 unless `integer`."""
        if self.lut is not None:
            index = np.clip(
                stored.astype(np.int64) - self.lut.first_mapped, 0, len(self.lut.data) - 1
            )
            return self.lut.data[index].astype(np.float32)
        if self.identity:
            return stored
        return stored.astype(np.float32) * np.float32(self.slope) + np.float32(self.intercept)


def line(slope: float | None, intercept: float | None) -> Rescale:
    """Rescale of slope and intercept; slope 0 is missing data, not a flat picture (T17)."""
    if slope is None and intercept is None:
        return Rescale()
    if slope == 0 or slope is None:
        text = "Rescale Slope is 0: not applied" if slope == 0 else ""
        return Rescale(1.0, 0.0 if slope == 0 else float(intercept or 0.0), None, text)
    return Rescale(float(slope), float(intercept or 0.0))


def lut_item(item: Any, *, signed_input: bool) -> VoiLut | None:
    """One item of a Modality or VOI LUT Sequence; None when it makes no sense (T16).

    Declared bits are not reliable. White is the end of the declared range, with two exceptions:
    entries that exceed it, and entries that need at least three bits less (a 12-bit table in 16
    declared bits); then white is the end of the range the largest entry needs.
    """
    descriptor = item.get("LUTDescriptor")
    data = item.get("LUTData")
    if descriptor is None or data is None or len(descriptor) != 3:
        return None
    entries = int(descriptor[0]) & 0xFFFF or 65536
    first = int(descriptor[1])
    if signed_input and first > 32767:
        first -= 65536
    elif not signed_input and first < 0:
        first += 65536
    if isinstance(data, bytes):
        order = ">" if getattr(item, "original_encoding", (0, True))[1] is False else "<"
        values = np.frombuffer(data, f"{order}u2" if len(data) >= 2 * entries else np.uint8)
    else:
        values = np.atleast_1d(np.asarray(data, np.int64)) & 0xFFFF
    values = values[:entries].astype(np.uint16)
    if not len(values):
        return None
    values.setflags(write=False)
    declared = int(descriptor[2]) or 16
    needed = max(1, int(values.max()).bit_length())
    bits = declared if declared - 3 < needed <= declared else needed
    return VoiLut(first, values, bits, str(item.get("LUTExplanation", "") or ""))


def voi_alternatives(source: Any, *, signed_input: bool) -> tuple[tuple[Voi, ...], tuple[str, ...]]:
    """Windows first (pairs, with explanations), then LUTs; and warnings (T14, T15)."""
    centers, widths = _floats(source.get("WindowCenter")), _floats(source.get("WindowWidth"))
    texts = source.get("WindowCenterWidthExplanation") or ()
    texts = [texts] if isinstance(texts, str) else list(texts)
    warnings: list[str] = []
    if len(centers) != len(widths):
        warnings.append("Window Center and Window Width do not pair up: the first pair is used")
    try:
        function = VoiFunction(str(source.get("VOILUTFunction", "") or "LINEAR").strip())
    except ValueError:
        function = VoiFunction.LINEAR
        warnings.append("unknown VOI LUT Function: LINEAR is used")
    found: list[Voi] = []
    for i, (center, width) in enumerate(zip(centers, widths, strict=False)):
        if not np.isfinite([center, width]).all() or width <= 0:
            warnings.append("a window of the file has no positive width: left out")
            continue
        if function is VoiFunction.LINEAR and width < 1:
            warnings.append("a window narrower than 1 was widened to 1")
            width = 1.0
        found.append(VoiWindow(center, width, function, str(texts[i]) if i < len(texts) else ""))
    stored = (source.get("VOILUTSequence") or ())[:_MAX_LUTS]
    luts = (lut_item(i, signed_input=signed_input) for i in stored)
    found.extend(lut for lut in luts if lut is not None)
    return tuple(found), tuple(warnings)


def _floats(value: Any) -> list[float]:
    if value is None or value == "":
        return []
    try:
        if isinstance(value, (str, int, float)):
            return [float(value)]
        return [float(v) for v in value]
    except (TypeError, ValueError):
        return []


def padding_range(
    value: int | None, limit: int | None, rescale: Rescale
) -> tuple[float, float] | None:
    """Padding as an inclusive range of modality values; stored value and limit in any order."""
    if value is None or rescale.lut is not None:
        return None
    ends = sorted((value, value if limit is None else limit))
    mapped = sorted(end * rescale.slope + rescale.intercept for end in ends)
    return mapped[0], mapped[1]
