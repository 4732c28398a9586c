"""Where the hand paints: the segmentation and segment of a viewport, and what it may change."""

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject
from PySide6.QtGui import QMouseEvent

from medbench.domain.geometry import Vector
from medbench.domain.segment_edit import EditedSegmentation
from medbench.imaging.segment_edit import EditRules
from medbench.session.segment_jobs import SegmentJobs
from medbench.session.session import Session
from medbench.ui.review.segments.choice import SegmentChoice, values_on

if TYPE_CHECKING:
    from medbench.ui.review.viewport import Viewport


class SegmentTarget(QObject):
    """Finds what is to be edited; makes a segmentation or segment where there is none yet."""

    def __init__(self, session: Session, choice: SegmentChoice, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self.choice = choice
        self.book = choice.book

    @property
    def jobs(self) -> SegmentJobs:
        """Long edits."""
        return self._session.segment_jobs

    def take(self, view: "Viewport", *, make: bool) -> tuple[EditedSegmentation, int] | None:
        """Segmentation and segment to edit; None, and why in a message, when there is none.

        ``make``: with nothing there yet, an empty segmentation is begun.
        """
        display = view.model.display
        if display is None or view.model.volume is None:
            return None
        if self.jobs.busy:
            self._session.messages.info(self.tr("An edit is running; paint when it has ended"))
            return None
        segmentation = self.choice.for_display(display)
        if segmentation is None:
            if not make:
                self._session.messages.info(self.tr("Begin a segmentation in the Segments tab"))
                return None
            segmentation = self.begin(view)
        if self.book.labels(segmentation.segmentation_id) is None:
            self.book.open(segmentation.segmentation_id)
            self._session.messages.info(self.tr("The segmentation is being read"))
            return None
        number = self.choice.number(segmentation)
        if not number:
            added = self.book.add_segment(segmentation.segmentation_id)
            if added is None:
                return None
            number = added
        found = self.book.get(segmentation.segmentation_id)
        segment = found.segment(number) if found is not None else None
        if found is None or segment is None:
            return None
        if segment.locked:
            self._session.messages.warning(
                self.tr("{0} is locked; unlock it to change it").format(segment.label)
            )
            return None
        if not segment.shown or not self.choice.look.shown:
            self._session.messages.warning(
                self.tr("{0} is hidden; show it to change it").format(segment.label)
            )
            return None
        return found, number

    def begin(self, view: "Viewport", title: str = "") -> EditedSegmentation:
        """An empty segmentation on the shown display, with one segment."""
        display = view.model.display
        assert display is not None
        reader = self._session.settings.value.reader
        name = title or self.new_title(display.study_instance_uid)
        words = self.tr("New segmentation")
        with self.book.readings.together(words):
            made = self.book.create(display, name, reader)
            self.book.add_segment(made.segmentation_id)
        found = self.book.get(made.segmentation_id)
        assert found is not None
        self.choice.choose(found)
        return found

    def new_title(self, study_instance_uid: str) -> str:
        """A title that no segmentation of the study has yet."""
        reader = self._session.settings.value.reader
        titles = {s.title for s in self.book.of(study_instance_uid)}
        stem = self.tr("Segmentation, reader {0}").format(reader) if reader else (
            self.tr("Segmentation"))  # fmt: skip
        number, found = 2, stem
        while found in titles:
            found = f"{stem} {number}"
            number += 1
        return found

    def rules(
        self, view: "Viewport", segmentation: EditedSegmentation, number: int, *, erase: bool,
        keep: bool = True,
    ) -> EditRules | None:  # fmt: skip
        """What an edit from this viewport may change; None, and a message, where limits fail."""
        brush, values = self.choice.brush, None
        limit = brush.keep if keep else None
        if limit is not None:
            values = values_on(view.model, segmentation)
            if values is None:
                self._session.messages.warning(
                    self.tr("The range cannot be kept here"),
                    self.tr("These pictures do not lie on the segmentation's grid. Paint on the "
                            "series it was begun on, or switch the range off."),
                )  # fmt: skip
                return None
        only = self.choice.only_labels(segmentation)
        if brush.only is not None and only is None:
            self._session.messages.warning(
                self.tr("The mask to stay inside of is not on this grid, or is not read yet")
            )
            return None
        return self.book.rules(
            segmentation.segmentation_id, number, erase=erase, over=brush.over, values=values,
            keep=limit, only=only,
        )  # fmt: skip


def point_below(
    view: "Viewport", segmentation: EditedSegmentation, event: QMouseEvent
) -> tuple[Vector, Vector] | None:
    """Patient point (LPS, mm) below the pointer and the normal of the picture there.

    Segmentations without a place have a space of their own, along their voxels.
    """
    row, column = view.picture_position(event.position())
    plane = view.plane
    if plane is None:
        point = segmentation.geometry.world_from_index(column, row, view.index)
        return _triple(point), (0.0, 0.0, 1.0)
    if segmentation.placed:
        normal = np.cross(plane.row_direction, plane.column_direction)
        return _triple(plane.point_of(view.index, row, column)), _triple(normal)
    return None


def _triple(vector: object) -> Vector:
    x, y, z = (float(v) for v in np.asarray(vector, float))
    return x, y, z
