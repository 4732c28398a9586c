"""Segmentations that readers draw and correct: label maps on the grid of a display."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, ClassVar

import numpy as np

from medbench.domain.geometry import Geometry
from medbench.domain.image import DisplaySet
from medbench.domain.objects import Colour

MAX_SEGMENTS = 255
"""Labels are uint8; 0 is what belongs to no segment."""
SEGMENT_COLOURS: tuple[Colour, ...] = (
    (86, 180, 233), (230, 159, 0), (204, 121, 167), (0, 158, 115), (213, 94, 0), (240, 228, 66),
    (0, 114, 178), (153, 153, 230),
)  # fmt: skip
"""Okabe and Ito (2008): told apart with any colour vision."""
_SAME_MM = 1e-3


class SegmentState(StrEnum):
    """How far a segment is."""

    EDITING = "editing"
    REVIEWED = "reviewed"


class SegmentMethod(StrEnum):
    """How voxels came into a segment; kept for whoever reviews it."""

    BRUSH = "brush"
    THRESHOLD = "threshold"
    GROWING = "region growing"
    INTERPOLATION = "interpolation"
    FILLING = "filled holes"
    ISLANDS = "islands removed"
    SMOOTHING = "smoothing"
    LOGICAL = "logical"
    COPY = "copy"


@dataclass(frozen=True)
class EditedSegment:
    """One segment; its voxels carry ``number`` in the label map."""

    number: int
    """1 to 255."""
    label: str
    colour: Colour
    state: SegmentState = SegmentState.EDITING
    locked: bool = False
    """Its voxels are neither painted over nor erased."""
    shown: bool = True
    methods: tuple[SegmentMethod, ...] = ()
    """In the order they were used; none twice."""


@dataclass(frozen=True)
class EditedSegmentation:
    """A label map (z, y, x) and its segments; the voxels lie apart (`SegmentBook.labels`)."""

    stored_as: ClassVar[str] = "segmentation"

    segmentation_id: str
    title: str
    study_instance_uid: str
    series_instance_uid: str
    display_key: str
    """The display it was drawn on."""
    geometry: Geometry
    """Its grid; shape is that of the label map."""
    placed: bool = True
    """Whether the grid lies in the patient; False: index to index with its display only."""
    mm_known: bool = True
    """Whether the spacing is in millimetres; False: in pixels."""
    segments: tuple[EditedSegment, ...] = ()
    reader: str = ""
    source: str = ""
    """Title of what it was copied from; '' = drawn here."""
    created: str = ""
    """ISO 8601."""

    @property
    def record_id(self) -> str:
        """Key in the reading book."""
        return self.segmentation_id

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along z, y, x."""
        return self.geometry.shape

    def segment(self, number: int) -> EditedSegment | None:
        """The segment of that number."""
        return next((s for s in self.segments if s.number == number), None)

    def free_number(self) -> int | None:
        """Smallest number without a segment; None when all 255 are taken."""
        taken = {s.number for s in self.segments}
        return next((n for n in range(1, MAX_SEGMENTS + 1) if n not in taken), None)

    def with_segment(self, segment: EditedSegment) -> "EditedSegmentation":
        """Copy with a segment added, or replaced where its number is taken; sorted by number."""
        others = [s for s in self.segments if s.number != segment.number]
        found = sorted([*others, segment], key=_number)
        return replace(self, segments=tuple(found))

    def without_segment(self, number: int) -> "EditedSegmentation":
        """Copy without a segment."""
        return replace(self, segments=tuple(s for s in self.segments if s.number != number))

    def changed_segment(self, number: int, **values: Any) -> "EditedSegmentation":
        """Copy with other fields of one segment; the same where there is none of that number."""
        found = self.segment(number)
        return self if found is None else self.with_segment(replace(found, **values))

    def slice_extents_mm(self) -> np.ndarray:
        """What each slice stands for along the normal, (z,): half way to either neighbour.

        Uniform stacks have their spacing everywhere; the outermost slices of uneven ones reach as
        far outwards as inwards.
        """
        geometry, count = self.geometry, self.shape[0]
        if geometry.uniform or len(geometry.positions_mm) != count or count < 2:
            return np.full(count, geometry.spacing_mm[0])
        depth = np.asarray(geometry.positions_mm, float) @ geometry.normal
        gaps = np.abs(np.diff(depth))
        return np.asarray((np.append(gaps[0], gaps) + np.append(gaps, gaps[-1])) / 2)


def _number(segment: EditedSegment) -> int:
    return segment.number


def grid_of_display(
    display: DisplaySet, calibrated_mm: tuple[float, float] | None = None
) -> tuple[Geometry, bool, bool]:
    """Grid for a label map on a display: geometry, whether it is placed, whether in millimetres.

    Displays without a place in the patient get a grid of their own, in millimetres where the
    pixel size is known (``calibrated_mm``, or what the display says), else in pixels.
    """
    if display.geometry is not None:
        return display.geometry, True, True
    pixel = calibrated_mm or display.pixel_spacing_mm
    spacing = (1.0, *(pixel or (1.0, 1.0)))
    axes = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
    shape = (display.slices, display.rows, display.columns)
    return Geometry(shape, spacing, (0.0, 0.0, 0.0), axes), False, pixel is not None


def same_grid(one: Geometry, other: Geometry) -> bool:
    """Whether two grids have their voxels at the same places (1e-3 mm at every corner).

    Frames of reference that are both named must be equal; slices of uneven stacks are compared one
    by one.
    """
    uids = one.frame_of_reference_uid, other.frame_of_reference_uid
    if one.shape != other.shape or (all(uids) and uids[0] != uids[1]):
        return False
    if one.uniform != other.uniform:
        return False
    corners = [(x, y, z) for x in (0, one.shape[2] - 1) for y in (0, one.shape[1] - 1)
               for z in (0, one.shape[0] - 1)]  # fmt: skip
    for corner in corners:
        apart = one.world_from_index(*corner) - other.world_from_index(*corner)
        if np.abs(apart).max() > _SAME_MM:
            return False
    if one.uniform:
        return True
    ours, theirs = np.asarray(one.positions_mm, float), np.asarray(other.positions_mm, float)
    return ours.shape == theirs.shape and bool(np.abs(ours - theirs).max(initial=0) <= _SAME_MM)


def shown_on(segmentation: EditedSegmentation, display: DisplaySet, key: str) -> bool:
    """Whether a label map may be drawn over a display.

    Over its own always; over others by place, and only inside one named frame of reference (T31).
    """
    if segmentation.display_key == key:
        return True
    if not segmentation.placed or display.geometry is None:
        return False
    own = segmentation.geometry.frame_of_reference_uid
    return bool(own) and own == display.geometry.frame_of_reference_uid
