"""The commands of segmentation: tools, sizes, edits, lists."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from medbench.ui.review.commands import register_rows
from medbench.ui.review.segments.choice import SIZE_STEP, SegmentChoice
from medbench.ui.review.segments.operations import SegmentOperations
from medbench.ui.review.segments.target import SegmentTarget

if TYPE_CHECKING:
    from medbench.ui.review.segments.desk import SegmentDesk
    from medbench.ui.review.workspace import ReviewWorkspace


class SegmentCommands(QObject):
    """What the commands do; each works on the active viewport."""

    def __init__(
        self, page: "ReviewWorkspace", desk: "SegmentDesk", choice: SegmentChoice,
        target: SegmentTarget, operations: SegmentOperations,
    ) -> None:  # fmt: skip
        super().__init__(desk)
        self._page = page
        self._desk = desk
        self._choice = choice
        self._target = target
        self._do = operations
        area = self.tr("Segments")
        rows = [
            (self.tool_brush, self.tr("Brush"), area, "B", "brush",
             self.tr("Paint the chosen segment; Shift erases")),
            (self.tool_eraser, self.tr("Eraser"), area, "Shift+B", "eraser", ""),
            (self.tool_grow, self.tr("Region growing"), area, "Shift+R", "sprout",
             self.tr("A click takes what is connected and alike")),
            (self.tool_threshold, self.tr("Threshold tool"), area, "Shift+W", "sliders-horizontal",
             self.tr("Shows what the range takes; a click takes the range from below the circle, "
                     "Return applies it to the slice")),
            (self.brush_larger, self.tr("Larger brush"), area, "Ctrl+]", "", ""),
            (self.brush_smaller, self.tr("Smaller brush"), area, "Ctrl+[", "", ""),
            (self.brush_sphere, self.tr("Paint in 3D or 2D"), area, "", "", ""),
            (self.segmentation_new, self.tr("New segmentation"), area, "", "plus", ""),
            (self.segment_new, self.tr("New segment"), area, "", "plus", ""),
            (self.segment_next, self.tr("Next segment"), area, "", "", ""),
            (self.segment_previous, self.tr("Previous segment"), area, "", "", ""),
            (self.segments_toggle, self.tr("Show or hide segments"), area, "", "eye", ""),
            (self.segment_interpolate, self.tr("Interpolate slices"), area, "Alt+I", "layers",
             self.tr("Fill the slices between drawn ones (shape-based)")),
            (self.segment_threshold_slice, self.tr("Threshold this slice"), area, "", "", ""),
            (self.segment_threshold_volume, self.tr("Threshold the volume"), area, "", "", ""),
            (self.segment_threshold_inside, self.tr("Threshold inside the segment"), area, "", "",
             self.tr("Keep only what of the segment lies in the range")),
            (self.segment_fill_holes, self.tr("Fill holes in each slice"), area, "", "", ""),
            (self.segment_fill_holes_3d, self.tr("Fill holes in space"), area, "", "", ""),
            (self.segment_keep_largest, self.tr("Keep largest part"), area, "", "", ""),
            (self.segment_remove_islands, self.tr("Remove small islands"), area, "", "", ""),
            (self.segment_smooth, self.tr("Smooth segment"), area, "", "", ""),
            (self.segment_copy, self.tr("Make equal to a segment ..."), area, "", "", ""),
            (self.segment_union, self.tr("Add a segment ..."), area, "", "", ""),
            (self.segment_subtract, self.tr("Subtract a segment ..."), area, "", "", ""),
            (self.segment_intersect, self.tr("Intersect with a segment ..."), area, "", "", ""),
            (self.segment_erase, self.tr("Erase segment"), area, "", "eraser", ""),
            (self.segmentation_nifti, self.tr("Export segmentation as NIfTI ..."), area, "",
             "download", ""),
        ]  # fmt: skip
        register_rows(page, rows)

    # tools

    def tool_brush(self) -> None:
        """The left button paints."""
        self._page.toolbox.choose("brush")

    def tool_eraser(self) -> None:
        """The left button erases."""
        self._page.toolbox.choose("eraser")

    def tool_grow(self) -> None:
        """The left button grows regions."""
        self._page.toolbox.choose("grow")

    def tool_threshold(self) -> None:
        """The left button takes ranges."""
        self._page.toolbox.choose("threshold")

    def brush_larger(self) -> None:
        """A larger brush."""
        self._choice.scale_brush(SIZE_STEP)

    def brush_smaller(self) -> None:
        """A smaller brush."""
        self._choice.scale_brush(1 / SIZE_STEP)

    def brush_sphere(self) -> None:
        """Paint spheres, or circles."""
        self._choice.set_brush(sphere=not self._choice.brush.sphere)

    # lists

    def segmentation_new(self) -> None:
        """An empty segmentation on the shown images."""
        if self._page.model.volume is not None:
            self._target.begin(self._page.active)

    def segment_new(self) -> None:
        """Another segment, which is chosen."""
        found = self._choice.for_display(self._page.model.display)
        if found is None:
            self.segmentation_new()
            return
        number = self._choice.book.add_segment(found.segmentation_id)
        if number is not None:
            self._choice.choose_segment(found, number)

    def segment_next(self) -> None:
        """Paint with the next segment."""
        self._step(1)

    def segment_previous(self) -> None:
        """Paint with the segment before."""
        self._step(-1)

    def _step(self, by: int) -> None:
        found = self._choice.for_display(self._page.model.display)
        if found is not None and found.segments:
            numbers = [s.number for s in found.segments]
            at = numbers.index(self._choice.number(found)) + by
            self._choice.choose_segment(found, numbers[at % len(numbers)])

    def segments_toggle(self) -> None:
        """Show or hide all segments."""
        self._choice.set_look(shown=not self._choice.look.shown)

    # edits

    def segment_interpolate(self) -> None:
        """Fill the slices between drawn ones."""
        self._do.interpolate(self._page.active)

    def segment_threshold_slice(self) -> None:
        """Take the range from the shown slice."""
        self._do.threshold(self._page.active)

    def segment_threshold_volume(self) -> None:
        """Take the range from the volume."""
        self._do.threshold(self._page.active, whole=True)

    def segment_threshold_inside(self) -> None:
        """Keep what of the segment lies in the range."""
        self._do.threshold(self._page.active, inside=True)

    def segment_fill_holes(self) -> None:
        """In each slice of the shown plane."""
        self._do.fill_holes(self._page.active)

    def segment_fill_holes_3d(self) -> None:
        """What is enclosed on all sides."""
        self._do.fill_holes(self._page.active, in_space=True)

    def segment_keep_largest(self) -> None:
        """Drop all parts but the largest."""
        self._do.remove_islands(self._page.active, largest=True)

    def segment_remove_islands(self) -> None:
        """Drop small parts."""
        self._do.remove_islands(self._page.active, largest=False)

    def segment_smooth(self) -> None:
        """Round the surface."""
        self._do.smooth(self._page.active)

    def segment_copy(self) -> None:
        """Make the segment equal to another."""
        self._desk.ask_combine("copy")

    def segment_union(self) -> None:
        """Add another segment."""
        self._desk.ask_combine("union")

    def segment_subtract(self) -> None:
        """Take another segment away."""
        self._desk.ask_combine("subtract")

    def segment_intersect(self) -> None:
        """Keep what lies in another segment too."""
        self._desk.ask_combine("intersect")

    def segment_erase(self) -> None:
        """Empty the chosen segment."""
        found = self._choice.for_display(self._page.model.display)
        if found is not None and not self._target.jobs.busy:
            self._choice.book.erase_segment(found.segmentation_id, self._choice.number(found))

    def segmentation_nifti(self) -> None:
        """Ask where to and write."""
        self._desk.ask_nifti()
