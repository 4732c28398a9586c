"""Segmentations in and out: copies of layers to correct, NIfTI label maps to keep."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog

from medbench.base.ids import slugify
from medbench.domain.objects import Layer, Segmentation, StructureSet
from medbench.domain.segment_edit import (
    EditedSegment,
    EditedSegmentation,
    SegmentMethod,
    grid_of_display,
)
from medbench.jobs.states import JobState
from medbench.session.late_job import LateJob
from medbench.session.ports import Handle
from medbench.session.session import Session
from medbench.ui.review.segments.agreement_box import object_labels
from medbench.ui.review.segments.choice import SegmentChoice

if TYPE_CHECKING:
    from medbench.ui.review.viewport import Viewport


class SegmentTransfer(QObject):
    """Copies and exports, in the worker."""

    def __init__(self, session: Session, choice: SegmentChoice, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._choice = choice
        self._job = LateJob(session.jobs, "segments", self)
        self._ticket = 0

    # in

    def copy_layer(self, view: "Viewport", layer: Layer) -> None:
        """An editable copy of a layer on the grid of the shown display; the layer is hidden."""
        display, payload = view.model.display, layer.payload
        if display is None or not isinstance(payload, (Segmentation, StructureSet)):
            return
        geometry, placed, _ = grid_of_display(display)
        instances = tuple((ref.sop_instance_uid, ref.frame) for ref in display.frames)

        def work(handle: Handle) -> Any:
            from medbench.imaging.segment_place import labels_of_object

            return labels_of_object(
                payload, geometry, instances, placed=placed, cancelled=handle.cancelled,
                progress=lambda part: handle.progress(part, ""),
            )  # fmt: skip

        def done(found: Any) -> None:
            self._job.end(JobState.FINISHED)
            labels, numbers, overlaps = found
            segments = tuple(
                EditedSegment(number, name, colour, methods=(SegmentMethod.COPY,))
                for number, name, colour in zip(
                    numbers, object_labels(payload), _colours(payload), strict=True
                )
            )
            reader = self._session.settings.value.reader
            words = self.tr("{0}, edited by {1}") if reader else self.tr("{0}, edited")
            made = self._choice.book.create(
                display, words.format(layer.title, reader), reader, labels=labels,
                segments=segments, source=layer.title,
            )  # fmt: skip
            self._choice.choose(made)
            self._session.layers.change(layer.key, shown=False)
            if overlaps:
                self._session.messages.warning(
                    self.tr("{0} voxels lay in several segments: the last one has them").format(
                        overlaps
                    )
                )

        self._run(self.tr("Copy {0}").format(layer.title), work, done)

    def _run(self, title: str, work: Any, done: Any) -> None:
        def failed(sentence: str) -> None:
            self._job.end(JobState.FAILED if sentence else JobState.CANCELLED, sentence)
            if sentence:
                self._session.messages.error(title, sentence)

        self._job.begin(title, self.cancel)
        self._ticket = self._choice.book.comparer.run(
            f"segments {title}", work, done, failed, progress=self._job.progress
        )

    def cancel(self) -> None:
        """Stop what runs: nothing is left of it."""
        self._choice.book.comparer.cancel(self._ticket)
        self._job.end(JobState.CANCELLED)

    # out

    def ask_nifti(self, segmentation: EditedSegmentation, parent: Any) -> None:
        """Ask where to, then write."""
        name, _ = QFileDialog.getSaveFileName(
            parent, self.tr("Export segmentation"), f"{slugify(segmentation.title)}.nii.gz",
            self.tr("NIfTI label map (*.nii.gz)"),
        )  # fmt: skip
        if name:
            path = Path(name)
            if not path.name.lower().endswith(".nii.gz"):
                path = path.with_name(f"{path.name.removesuffix('.nii')}.nii.gz")
            self.write_nifti(segmentation, path)

    def write_nifti(self, segmentation: EditedSegmentation, path: Path) -> None:
        """Write the label map as it is now."""
        if not segmentation.placed:
            self._session.messages.warning(
                self.tr("These images have no place in the patient, which a NIfTI file would need")
            )
            return
        snapshot = self._choice.book.snapshot(segmentation.segmentation_id)

        def work(_handle: Handle) -> Path:
            from medbench.formats.nifti_write import write_label_nifti

            write_label_nifti(path, snapshot.labels, snapshot.geometry, snapshot.segments)
            return path

        def done(written: Path) -> None:
            self._job.end(JobState.FINISHED)
            self._session.messages.success(self.tr("Segmentation written to {0}").format(written))

        self._run(self.tr("Export segmentation"), work, done)


def _colours(payload: Segmentation | StructureSet) -> list[tuple[int, int, int]]:
    if isinstance(payload, Segmentation):
        return [segment.colour for segment in payload.segments]
    return [structure.segment.colour for structure in payload.structures]
