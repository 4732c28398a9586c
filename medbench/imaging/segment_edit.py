"""Edits of label maps: what they may change, strokes dab by dab, and masks at once."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from medbench.imaging.segment_brush import Brush, LabelGrid, Mask, brush_mask
from medbench.imaging.segment_delta import Box, LabelDelta, Labels, box_of

_FEW = 4


@dataclass(frozen=True, eq=False)
class EditRules:
    """What an edit may change."""

    number: int
    """Label that voxels get; 0 erases."""
    writable: Mask
    """bool (256,): labels that may be changed."""
    values: npt.NDArray[Any] | None = None
    """Modality values on the grid, for ``keep``."""
    keep: tuple[float, float] | None = None
    """Only voxels with values in this inclusive range."""
    only: tuple[Labels, int] | None = None
    """Only voxels that carry a label of a label map on the same grid."""

    def allowed(self, labels: Labels, box: Box, mask: Mask) -> Mask:
        """Voxels of a box that the edit changes."""
        here = labels[box.slices]
        found = np.asarray(mask & (here != self.number))
        closed = np.flatnonzero(~self.writable)
        if len(closed) <= _FEW:
            for number in closed.tolist():
                found &= here != number
        elif self.writable.sum() == 1:
            found &= here == np.argmax(self.writable)
        else:
            found &= self.writable[here]
        if self.keep is not None and self.values is not None:
            values = self.values[box.slices]
            found &= values >= self.keep[0]
            found &= values <= self.keep[1]
        if self.only is not None:
            found &= self.only[0][box.slices] == self.only[1]
        return found


def writable_labels(locked: Iterable[int], *, number: int, erase: bool, over: bool) -> Mask:
    """Labels an edit may change: erasing takes the segment's own, painting what is not locked.

    ``over`` False: painting leaves every other segment as it is.
    """
    found = np.zeros(256, bool)
    if erase:
        found[number] = True
    else:
        found[:] = over
        found[0] = True
    for n in locked:
        found[n] = False
    return found


class Stroke:
    """One stroke of the brush, painted dab by dab into the labels."""

    def __init__(self, labels: Labels, grid: LabelGrid) -> None:
        self._labels = labels
        self._grid = grid
        self._patches: list[tuple[Box, Labels]] = []

    def dab(self, brush: Brush, rules: EditRules) -> Box | None:
        """Paint; the box that changed, or None."""
        found = brush_mask(self._grid, brush)
        if found is None:
            return None
        box, mask = found
        change = rules.allowed(self._labels, box, mask)
        own = box_of(change)
        if own is None:
            return None
        inner = own.slices
        moved = own.moved(box.low)
        here = self._labels[moved.slices]
        self._patches.append((moved, here.copy()))
        np.copyto(here, np.uint8(rules.number), where=change[inner])
        return moved

    @property
    def box(self) -> Box | None:
        """What was touched so far."""
        found: Box | None = None
        for box, _ in self._patches:
            found = box if found is None else found.union(box)
        return found

    def finish(self) -> LabelDelta | None:
        """What the stroke changed; None where it changed nothing."""
        box = self.box
        if box is None:
            return None
        after = self._labels[box.slices]
        before = after.copy()
        for own, patch in reversed(self._patches):
            before[own.within(box)] = patch
        return LabelDelta.of(before, after, box.low)

    def drop(self) -> Box | None:
        """Take the whole stroke back."""
        box = self.box
        for own, patch in reversed(self._patches):
            self._labels[own.slices] = patch
        self._patches.clear()
        return box


def edit_delta(labels: Labels, box: Box, mask: Mask, rules: EditRules) -> LabelDelta | None:
    """What it would change to give a box's voxels a label; the labels stay as they are."""
    before = labels[box.slices]
    change = rules.allowed(labels, box, mask)
    after = np.where(change, np.uint8(rules.number), before)
    return LabelDelta.of(before, after, box.low)


def replace_delta(labels: Labels, box: Box, mask: Mask, rules: EditRules) -> LabelDelta | None:
    """What it would change if the segment were ``mask`` inside a box: it loses what is outside."""
    before = labels[box.slices]
    after = np.where((before == rules.number) & ~mask, np.uint8(0), before)
    after[rules.allowed(labels, box, mask)] = rules.number
    return LabelDelta.of(before, after, box.low)
