"""Long edits: what each command asks the worker to do."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QObject

from medbench.domain.segment_edit import EditedSegmentation, SegmentMethod
from medbench.imaging.segment_brush import Mask
from medbench.imaging.segment_delta import Box, Labels
from medbench.imaging.segment_edit import EditRules
from medbench.session.ports import Handle
from medbench.session.segment_jobs import Found
from medbench.session.session import Session
from medbench.ui.review.segments.choice import values_on
from medbench.ui.review.segments.label_picture import axes_on
from medbench.ui.review.segments.target import SegmentTarget

if TYPE_CHECKING:
    from medbench.ui.review.viewport import Viewport

LOGICAL = ("copy", "union", "subtract", "intersect")


class SegmentOperations(QObject):
    """Edits of the chosen segment; every one is one step to undo."""

    def __init__(self, session: Session, target: SegmentTarget, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._target = target

    # by value

    def _values(self, view: "Viewport", segmentation: EditedSegmentation) -> Any:
        values = values_on(view.model, segmentation)
        if values is None:
            self._session.messages.warning(
                self.tr("These pictures have no values on the segmentation's grid"),
                self.tr("Show the grey series it was begun on, wholly loaded, and try again."),
            )
        return values

    def _slice_axis(
        self, view: "Viewport", segmentation: EditedSegmentation
    ) -> tuple[int, int] | None:
        """Array axis across the shown plane and the place on it; None for oblique pictures."""
        axes = axes_on(view, segmentation)
        if axes is None:
            self._session.messages.warning(
                self.tr("This plane does not lie along the segmentation's voxels: take the stack")
            )
            return None
        axis, flip = axes[0][0], axes[1][0]
        size = segmentation.shape[axis]
        return axis, size - 1 - view.index if flip else view.index

    def threshold(self, view: "Viewport", *, whole: bool = False, inside: bool = False) -> None:
        """Give the segment all voxels in the range: of the shown slice, or of the volume.

        ``inside``: keep only what of the segment itself lies in the range.
        """
        keep = self._target.choice.brush.keep
        if keep is None:
            self._session.messages.info(
                self.tr("Choose a range first: move its ends, or click with the threshold tool")
            )
            return
        found = self._target.take(view, make=True)
        if found is None:
            return
        segmentation, number = found
        values, axis = self._values(view, segmentation), None
        rules = self._target.rules(view, segmentation, number, erase=False)
        if values is None or rules is None:
            return
        if not whole and not inside:
            axis = self._slice_axis(view, segmentation)
            if axis is None:
                return
        key, words = segmentation.segmentation_id, self.tr("Threshold")
        if inside:
            free = replace(rules, keep=None, values=None, only=None)

            def kept(labels: Labels, _handle: Handle) -> Found:
                mask = labels == number
                mask &= values >= keep[0]
                mask &= values <= keep[1]
                return Box.whole(segmentation.shape), mask

            self._target.jobs.replace(key, words, SegmentMethod.THRESHOLD, free, kept)
            return
        box = Box.whole(segmentation.shape) if axis is None else _slab(segmentation, *axis)

        def taken(_labels: Labels, _handle: Handle) -> Found:
            return box, np.ones(box.shape, bool)  # the rules keep the range

        self._target.jobs.add(key, words, SegmentMethod.THRESHOLD, rules, taken)

    def grow(
        self, view: "Viewport", segmentation: EditedSegmentation, number: int,
        seed: tuple[int, int, int],
    ) -> None:  # fmt: skip
        """Give the segment what is connected with a voxel and alike."""
        brush = self._target.choice.brush
        values = self._values(view, segmentation)
        rules = self._target.rules(view, segmentation, number, erase=False, keep=False)
        if values is None or rules is None:
            return
        axis = None
        if not brush.sphere or not segmentation.placed:
            found = self._slice_axis(view, segmentation)
            if found is None:
                return
            axis = found[0]
        spacing = segmentation.geometry.spacing_mm

        def grown(_labels: Labels, handle: Handle) -> Found:
            from medbench.imaging.segment_tools import grow, seed_range

            keep = brush.keep or seed_range(values, seed, brush.tolerance)
            return grow(
                values, seed, keep, spacing_mm=spacing, radius_mm=brush.reach_mm, axis=axis,
                cancelled=handle.cancelled,
            )  # fmt: skip

        self._target.jobs.add(
            segmentation.segmentation_id, self.tr("Region growing"), SegmentMethod.GROWING, rules,
            grown,
        )  # fmt: skip

    # by shape

    def _chosen(self, view: "Viewport") -> tuple[EditedSegmentation, int, EditRules] | None:
        found = self._target.take(view, make=False)
        if found is None:
            return None
        rules = self._target.rules(view, *found, erase=False, keep=False)
        return None if rules is None else (*found, rules)

    def interpolate(self, view: "Viewport") -> None:
        """Fill the slices between drawn ones, along the axis across the shown plane."""
        found = self._chosen(view)
        across = self._slice_axis(view, found[0]) if found is not None else None
        if found is None or across is None:
            return
        segmentation, number, rules = found
        axis = across[0]
        positions = _positions(segmentation, axis)
        spacing = list(segmentation.geometry.spacing_mm)
        del spacing[axis]

        def between(labels: Labels, handle: Handle) -> Found:
            from medbench.imaging.segment_tools import fill_between

            pixel = (spacing[0], spacing[1])
            whole = fill_between(labels == number, positions, pixel, axis, handle.cancelled)
            return Box.whole(segmentation.shape), whole

        self._target.jobs.add(
            segmentation.segmentation_id, self.tr("Interpolate slices"),
            SegmentMethod.INTERPOLATION, rules, between,
        )  # fmt: skip

    def fill_holes(self, view: "Viewport", *, in_space: bool = False) -> None:
        """Fill what the segment encloses, in each slice of the shown plane, or in space."""
        found = self._chosen(view)
        across = None
        if found is not None and not in_space:
            across = self._slice_axis(view, found[0])
        if found is None or (across is None and not in_space):
            return
        segmentation, number, rules = found
        axis = across[0] if across is not None else None

        def filled(labels: Labels, _handle: Handle) -> Found:
            from medbench.imaging.segment_tools import cropped, fill_holes

            return cropped(labels == number, (1, 1, 1), lambda mask: fill_holes(mask, axis))

        self._target.jobs.add(
            segmentation.segmentation_id, self.tr("Fill holes"), SegmentMethod.FILLING, rules,
            filled,
        )  # fmt: skip

    def remove_islands(self, view: "Viewport", *, largest: bool) -> None:
        """Keep the largest part, or drop those below the smallest volume."""
        found = self._chosen(view)
        if found is None:
            return
        segmentation, number, rules = found
        least = None
        if not largest:
            voxel = float(np.prod(segmentation.geometry.spacing_mm)) / 1000
            least = max(2, int(np.ceil(self._target.choice.brush.smallest_ml / voxel)))

        def kept(labels: Labels, _handle: Handle) -> Found:
            from medbench.imaging.segment_tools import cropped, keep_islands

            return cropped(
                labels == number, (0, 0, 0), lambda mask: keep_islands(mask, smallest_voxels=least)
            )

        words = self.tr("Keep largest part") if largest else self.tr("Remove islands")
        self._replace(segmentation, words, SegmentMethod.ISLANDS, rules, kept)

    def smooth(self, view: "Viewport") -> None:
        """Round the surface."""
        found = self._chosen(view)
        if found is None:
            return
        segmentation, number, rules = found
        sigma, spacing = self._target.choice.brush.smooth_mm, segmentation.geometry.spacing_mm
        z, y, x = (int(np.ceil(3 * sigma / mm)) + 1 for mm in spacing)

        def smoothed(labels: Labels, _handle: Handle) -> Found:
            from medbench.imaging.segment_tools import cropped, smooth

            return cropped(labels == number, (z, y, x), lambda mask: smooth(mask, spacing, sigma))

        self._replace(segmentation, self.tr("Smooth"), SegmentMethod.SMOOTHING, rules, smoothed)

    def _replace(
        self, segmentation: EditedSegmentation, words: str, method: SegmentMethod,
        rules: EditRules, make: Any,
    ) -> None:  # fmt: skip
        self._target.jobs.replace(segmentation.segmentation_id, words, method, rules, make)

    def combine(self, view: "Viewport", how: str, other: str, number_there: int) -> None:
        """Copy, union, subtract or intersect with a segment of any segmentation on this grid.

        Copy makes the segment equal to the other one; a label map holds one label a voxel, so what
        another unlocked segment of the same map had goes over to this one.
        """
        found = self._chosen(view)
        source = self._target.book.labels(other)
        if found is None or source is None:
            return
        segmentation, number, rules = found
        if source.shape != segmentation.shape:
            self._session.messages.warning(self.tr("Both segments must lie on one grid"))
            return

        def combined(labels: Labels, _handle: Handle) -> Found:
            there = source == number_there
            mask = joined(how, labels == number, there)
            return Box.whole(segmentation.shape), mask

        words = {
            "copy": self.tr("Copy segment"), "union": self.tr("Join segments"),
            "subtract": self.tr("Subtract segment"), "intersect": self.tr("Intersect segments"),
        }[how]  # fmt: skip
        self._replace(segmentation, words, SegmentMethod.LOGICAL, rules, combined)


def joined(how: str, own: Mask, other: Mask) -> Mask:
    """The segment after a logical operation with another."""
    if how == "copy":
        return other
    if how == "union":
        return own | other
    return own & ~other if how == "subtract" else own & other


def _slab(segmentation: EditedSegmentation, axis: int, at: int) -> Box:
    low, high = [0, 0, 0], list(segmentation.shape)
    low[axis], high[axis] = at, at + 1
    return Box((low[0], low[1], low[2]), (high[0], high[1], high[2]))


def _positions(segmentation: EditedSegmentation, axis: int) -> np.ndarray[Any, Any]:
    """Places of the slices along an array axis, mm."""
    geometry = segmentation.geometry
    count = segmentation.shape[axis]
    uneven = axis == 0 and not geometry.uniform and len(geometry.positions_mm) == count
    if uneven:
        return np.asarray(np.asarray(geometry.positions_mm, float) @ geometry.normal)
    return np.arange(count) * geometry.spacing_mm[axis]
