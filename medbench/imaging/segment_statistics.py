"""Numbers of the segments of a label map, kept slice by slice so that an edit costs its slices."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class SegmentNumbers:
    """Of one segment; None where there is no such number."""

    voxels: int
    slices: int
    volume_ml: float | None
    mean: float | None
    sd: float | None
    """Population standard deviation, as `roi_statistics` shows it."""
    valued: int
    """Voxels behind mean and SD: padding and what is not finite are left out."""


@dataclass(frozen=True, eq=False)
class SliceTally:
    """Counts and sums of one slice by label, and the rows and columns each label lies in."""

    counts: npt.NDArray[np.int64]
    valued: npt.NDArray[np.int64]
    sums: npt.NDArray[np.float64]
    squares: npt.NDArray[np.float64]
    rows: dict[int, npt.NDArray[np.bool_]]
    columns: dict[int, npt.NDArray[np.bool_]]


def tally_slice(
    labels: Labels, values: npt.NDArray[Any] | None, padding: tuple[float, float] | None = None
) -> SliceTally:
    """Count one slice (rows, columns); ``values`` in modality units, or None (colour, not read)."""
    nothing, none = np.zeros(256), np.zeros(256, np.int64)
    if not labels.any():
        return SliceTally(none, none, nothing, nothing, {}, {})
    counts = np.bincount(labels.ravel(), minlength=256)
    present = np.flatnonzero(counts[1:]) + 1
    rows, columns = {}, {}
    for number in present.tolist():
        mask = labels == number
        rows[number], columns[number] = mask.any(axis=1), mask.any(axis=0)
    if values is None:
        return SliceTally(counts, none, nothing, nothing, rows, columns)
    inside = labels > 0
    found, at = np.asarray(values[inside], np.float64), labels[inside]
    good = np.isfinite(found) & (np.abs(found) < 1e38)
    if padding is not None:
        good &= (found < padding[0]) | (found > padding[1])
    found, at = found[good], at[good]
    return SliceTally(
        counts,
        np.bincount(at, minlength=256),
        np.asarray(np.bincount(at, found, minlength=256), np.float64),
        np.asarray(np.bincount(at, found * found, minlength=256), np.float64),
        rows,
        columns,
    )


@dataclass(eq=False)
class SegmentTally:
    """Tallies of all slices; `put` replaces some, the numbers are sums over them."""

    slice_volumes_mm3: npt.NDArray[np.float64] | None
    """Volume of a voxel of each slice, (z,); None where no millimetre is known."""
    tallies: dict[int, SliceTally] = field(default_factory=dict)

    def put(self, found: Iterable[tuple[int, SliceTally]]) -> None:
        """Take newly counted slices; empty ones are forgotten."""
        for z, tally in found:
            if tally.rows:
                self.tallies[z] = tally
            else:
                self.tallies.pop(z, None)

    def numbers(self, number: int) -> SegmentNumbers:
        """Of one segment."""
        own = [(z, t) for z, t in self.tallies.items() if t.counts[number]]
        voxels = sum(int(t.counts[number]) for _, t in own)
        volume = None
        if self.slice_volumes_mm3 is not None:
            volume = sum(float(t.counts[number] * self.slice_volumes_mm3[z]) for z, t in own) / 1000
        valued = sum(int(t.valued[number]) for _, t in own)
        mean = sd = None
        if valued:
            mean = sum(float(t.sums[number]) for _, t in own) / valued
            square = sum(float(t.squares[number]) for _, t in own) / valued
            sd = float(np.sqrt(max(0.0, square - mean * mean)))
        return SegmentNumbers(voxels, len(own), volume, mean, sd, valued)

    def extent(self, number: int, axis: int, size: int) -> npt.NDArray[np.bool_]:
        """Slices along an array axis (0 = z, 1 = y, 2 = x) that hold the segment, (size,)."""
        found = np.zeros(size, bool)
        for z, tally in self.tallies.items():
            if axis == 0:
                found[z] = tally.counts[number] > 0
            elif (line := (tally.rows if axis == 1 else tally.columns).get(number)) is not None:
                found |= line
        return found
