"""What the Segments tab has chosen: segmentation, segment, brush, limits, look."""

from dataclasses import dataclass, replace
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from medbench.domain.geometry import Geometry
from medbench.domain.image import DisplaySet
from medbench.domain.segment_edit import EditedSegment, EditedSegmentation, same_grid, shown_on
from medbench.imaging.segment_delta import Labels
from medbench.session.library import display_key
from medbench.session.segment_book import SegmentBook
from medbench.ui.review.view_model import ViewModel

SIZES_MM = (0.5, 100.0)
SIZE_STEP = 1.15
BODY = ("body", 1)
"""In place of a segment to stay inside of: the patient, found by itself."""
_KEPT_BODIES = 2


@dataclass(frozen=True)
class BrushChoice:
    """How the brush paints; changed by replacing it."""

    size_mm: float = 6.0
    """Diameter."""
    sphere: bool = False
    over: bool = True
    """Whether other segments are painted over."""
    keep: tuple[float, float] | None = None
    """Only values of this inclusive range, in modality units."""
    only: tuple[str, int] | None = None
    """Only inside this segment: segmentation, number."""
    tolerance: float = 60.0
    """Of growing: around the value that was clicked; used where there is no range."""
    reach_mm: float | None = 40.0
    """Of growing: radius; None = as far as it goes."""
    smooth_mm: float = 1.0
    """Sigma of smoothing."""
    smallest_ml: float = 0.05
    """Islands below are removed."""


@dataclass(frozen=True)
class LabelLook:
    """How segments are drawn."""

    shown: bool = True
    fill: float = 0.26
    outline_px: float = 1.5


class SegmentChoice(QObject):
    """Shared by tools, panel and what is drawn.

    Signals
    -------
    changed
        Another segmentation or segment was chosen.
    brush_changed
        The brush is another.
    look_changed
        Segments are drawn another way.
    """

    changed = Signal()
    brush_changed = Signal()
    look_changed = Signal()

    def __init__(self, book: SegmentBook, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.book = book
        self.brush = BrushChoice()
        self.look = LabelLook()
        self._of_study: dict[str, str] = {}
        self._number_of: dict[str, int] = {}
        self.beside = ""
        """Segmentation whose outlines are shown too, dashed: the one compared with."""
        self._bodies: list[tuple[Geometry, Labels]] = []
        book.changed.connect(self._book_changed)

    @Slot()
    def _book_changed(self) -> None:
        self.changed.emit()

    def set_brush(self, **values: Any) -> None:
        """Replace fields of the brush."""
        changed = replace(self.brush, **values)
        if changed != self.brush:
            if changed.only is not None and changed.only != BODY:
                self.book.open(changed.only[0])
            self.brush = changed
            self.brush_changed.emit()

    def set_look(self, **values: Any) -> None:
        """Replace fields of the look."""
        changed = replace(self.look, **values)
        if changed != self.look:
            self.look = changed
            self.look_changed.emit()

    def scale_brush(self, factor: float) -> None:
        """Larger or smaller, between the limits."""
        low, high = SIZES_MM
        self.set_brush(size_mm=round(min(high, max(low, self.brush.size_mm * factor)), 1))

    def set_beside(self, segmentation_id: str) -> None:
        """Show the outlines of another segmentation too ('' = none)."""
        if segmentation_id != self.beside:
            if segmentation_id:
                self.book.open(segmentation_id)
            self.beside = segmentation_id
            self.look_changed.emit()

    # what is edited

    def for_display(self, display: DisplaySet | None) -> EditedSegmentation | None:
        """The segmentation drawn over a display: the chosen one of its study, else the last."""
        if display is None:
            return None
        key = display_key(display)
        found = self.book.of(display.study_instance_uid)
        chosen = self._of_study.get(display.study_instance_uid)
        for segmentation in found:
            if segmentation.segmentation_id == chosen and shown_on(segmentation, display, key):
                return segmentation
        fitting = [s for s in found if shown_on(s, display, key)]
        return fitting[-1] if fitting else None

    def choose(self, segmentation: EditedSegmentation) -> None:
        """Edit this segmentation."""
        self._of_study[segmentation.study_instance_uid] = segmentation.segmentation_id
        self.book.open(segmentation.segmentation_id)
        self.changed.emit()

    def number(self, segmentation: EditedSegmentation) -> int:
        """Number of the chosen segment; 0 where there is none."""
        chosen = self._number_of.get(segmentation.segmentation_id, 0)
        if segmentation.segment(chosen) is not None:
            return chosen
        return segmentation.segments[0].number if segmentation.segments else 0

    def segment(self, segmentation: EditedSegmentation) -> EditedSegment | None:
        """The chosen segment."""
        return segmentation.segment(self.number(segmentation))

    def choose_segment(self, segmentation: EditedSegmentation, number: int) -> None:
        """Paint with this segment."""
        if self._number_of.get(segmentation.segmentation_id) != number:
            self._number_of[segmentation.segmentation_id] = number
            self.changed.emit()

    # limits of the brush

    def body(self, geometry: Geometry) -> Labels | None:
        """The patient on a grid, where it was found."""
        return next((b for own, b in self._bodies if same_grid(own, geometry)), None)

    def keep_body(self, geometry: Geometry, labels: Labels) -> None:
        """The patient was found; the two last ones are kept."""
        self._bodies = [*self._bodies[1 - _KEPT_BODIES :], (geometry, labels)]

    def only_labels(self, segmentation: EditedSegmentation) -> tuple[Labels, int] | None:
        """The mask that painting keeps inside of; None where there is none on this grid."""
        if self.brush.only is None:
            return None
        if self.brush.only == BODY:
            body = self.body(segmentation.geometry)
            return None if body is None else (body, BODY[1])
        key, number = self.brush.only
        other, labels = self.book.get(key), self.book.labels(key)
        if other is None or labels is None or other.segment(number) is None:
            return None
        return (labels, number) if same_grid(other.geometry, segmentation.geometry) else None


def values_on(model: ViewModel, segmentation: EditedSegmentation) -> Any:
    """Voxels of the shown display where they lie on a segmentation's grid, else None."""
    display, volume = model.display, model.volume
    if display is None or volume is None or volume.voxels.ndim != 3 or not volume.ready.all():
        return None
    if segmentation.display_key == model.key:
        return volume.voxels
    if display.geometry is None or not segmentation.placed:
        return None
    return volume.voxels if same_grid(display.geometry, segmentation.geometry) else None
