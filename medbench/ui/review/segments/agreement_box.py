"""Dice and HD95 against another reader's segments, computed away from the window."""

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QCheckBox, QComboBox, QGridLayout, QWidget

from medbench.domain.objects import Layer, Segmentation, StructureSet
from medbench.domain.segment_edit import EditedSegmentation, same_grid
from medbench.imaging.segment_pairs import PairedAgreement
from medbench.jobs.states import JobState
from medbench.session.late_job import LateJob
from medbench.session.library import display_key
from medbench.session.ports import Handle
from medbench.session.session import Session
from medbench.ui.review.segments.choice import SegmentChoice
from medbench.ui.review.segments.words import agreement_words
from medbench.ui.widgets import IconButton, clear_layout, hbox, label, vbox

Other = EditedSegmentation | Layer


class AgreementBox(QWidget):
    """Chooses whom to compare with and shows the table."""

    def __init__(
        self, session: Session, choice: SegmentChoice, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._choice = choice
        self._segmentation: EditedSegmentation | None = None
        self._others: list[Other] = []
        self._asked: object | None = None
        self._ticket = 0
        self._job = LateJob(session.jobs, "agreement", self)
        self._revision: Any = None
        column = vbox(spacing=7)
        self.setLayout(column)
        head = hbox()
        head.addWidget(label(self.tr("Agreement with"), "section"))
        self.other = QComboBox()
        self.other.setAccessibleName(self.tr("Segmentation to compare with"))
        self.other.activated.connect(self.compute)
        head.addWidget(self.other, 1)
        self.again = IconButton("rotate-cw", self.tr("Compute agreement"), size=16)
        self.again.clicked.connect(self.compute)
        head.addWidget(self.again)
        column.addLayout(head)
        self.table = QGridLayout()
        self.table.setHorizontalSpacing(16)
        self.table.setVerticalSpacing(6)
        self.table.setColumnStretch(0, 1)
        column.addLayout(self.table)
        self.outlines = QCheckBox(self.tr("Show its outlines (dashed)"))
        self.outlines.setAccessibleName(self.outlines.text())
        self.outlines.clicked.connect(self._beside)
        column.addWidget(self.outlines)
        self.note = label("", "caption", wrap=True)
        column.addWidget(self.note)
        self.results: tuple[PairedAgreement, ...] = ()
        choice.book.edited.connect(self._edited)

    def offer(self, segmentation: EditedSegmentation | None, others: Sequence[Other]) -> None:
        """Whom the shown segmentation can be compared with."""
        same = (
            self._segmentation is not None
            and segmentation is not None
            and segmentation.segmentation_id == self._segmentation.segmentation_id
        )
        chosen = self.other.currentText()
        self._segmentation, self._others = segmentation, list(others)
        titles = [other.title for other in others]
        if titles != [self.other.itemText(i) for i in range(self.other.count())]:
            self.other.clear()
            self.other.addItems(titles)
        at = self.other.findText(chosen)
        self.other.setCurrentIndex(max(0, at) if others else -1)
        self.setVisible(segmentation is not None and bool(others))
        self._beside()
        if not same or at < 0:
            self._show(())

    @Slot()
    def _beside(self, *_: object) -> None:
        """Layers are drawn by their own tab; segmentations here."""
        at = self.other.currentIndex()
        other = self._others[at] if 0 <= at < len(self._others) else None
        drawn = isinstance(other, EditedSegmentation)
        self.outlines.setVisible(drawn)
        wanted = drawn and self.outlines.isChecked()
        self._choice.set_beside(
            other.segmentation_id if wanted and isinstance(other, EditedSegmentation) else ""
        )

    @Slot(str, object)
    def _edited(self, _segmentation_id: str, _box: object) -> None:
        if self.results and not self.note.text():
            self.note.setText(self.tr("Segments were changed since; compute again"))

    @Slot()
    def compute(self, *_: object) -> None:
        """Compare now; an earlier comparison that still runs is dropped."""
        self._beside()
        segmentation, at = self._segmentation, self.other.currentIndex()
        book = self._choice.book
        labels = None if segmentation is None else book.labels(segmentation.segmentation_id)
        if segmentation is None or labels is None or not 0 <= at < len(self._others):
            return
        current = book.get(segmentation.segmentation_id)
        theirs = self._other_labels(current or segmentation, self._others[at])
        if current is None or theirs is None:
            return
        ours = [(s.number, s.label) for s in current.segments]
        self.cancel()
        token = self._asked = object()
        self.note.setText(self.tr("Computing ..."))
        job = self._job

        def work(handle: Handle) -> list[PairedAgreement]:
            from medbench.imaging.segment_pairs import compare, paired

            other, names = theirs(handle)
            return compare(
                labels, other, paired(ours, names), current.geometry.spacing_mm,
                mm_known=current.mm_known and current.placed, cancelled=handle.cancelled,
                progress=lambda part: handle.progress(part, ""),
            )  # fmt: skip

        def done(found: list[PairedAgreement]) -> None:
            if self._asked is token:
                self._asked = None
                job.end(JobState.FINISHED)
                self._show(tuple(found), "" if found else self.tr("No segments of equal name"))

        def failed(sentence: str) -> None:
            if self._asked is token:
                self._asked = None
                job.end(JobState.FAILED if sentence else JobState.CANCELLED, sentence)
                self._show((), sentence)

        job.begin(self.tr("Agreement of segments"), self.cancel)
        self._ticket = book.comparer.run(
            "agreement", work, done, failed, progress=job.progress, newest=True
        )

    def _other_labels(
        self, segmentation: EditedSegmentation, other: Other
    ) -> Callable[[Handle], tuple[Any, list[tuple[int, str]]]] | None:
        """How the worker gets the other's labels on our grid, with numbers and names."""
        if isinstance(other, EditedSegmentation):
            labels = self._choice.book.labels(other.segmentation_id)
            if labels is None:
                self._choice.book.open(other.segmentation_id)
                self.note.setText(self.tr("The other segmentation is being read; compute again"))
                return None
            names = [(s.number, s.label) for s in other.segments]

            def placed(handle: Handle) -> tuple[Any, list[tuple[int, str]]]:
                from medbench.imaging.segment_pairs import placed_labels

                if same_grid(other.geometry, segmentation.geometry):
                    return labels, names
                target = segmentation.geometry
                return placed_labels(labels, other.geometry, target, handle.cancelled), names

            return placed
        payload = other.payload
        if not isinstance(payload, (Segmentation, StructureSet)):
            return None
        found = self._display_frames(segmentation)

        def drawn(handle: Handle) -> tuple[Any, list[tuple[int, str]]]:
            from medbench.imaging.segment_place import labels_of_object

            cells, numbers, _ = labels_of_object(
                payload, segmentation.geometry, found, placed=segmentation.placed,
                cancelled=handle.cancelled,
            )  # fmt: skip
            return cells, list(zip(numbers, object_labels(payload), strict=True))

        return drawn

    def _display_frames(self, segmentation: EditedSegmentation) -> tuple[tuple[str, int], ...]:
        for study in self._session.library.studies:
            for display in (d for series in study.series for d in series.displays):
                if display_key(display) == segmentation.display_key:
                    return tuple((ref.sop_instance_uid, ref.frame) for ref in display.frames)
        return ()

    def cancel(self) -> None:
        """Drop the running comparison."""
        if self._asked is not None:
            self._asked = None
            self._choice.book.comparer.cancel(self._ticket)
            self._job.end(JobState.CANCELLED)
            self.note.setText("")

    def _show(self, results: tuple[PairedAgreement, ...], note: str = "") -> None:
        self.results = results
        self.note.setText(note)
        clear_layout(self.table)
        if not results:
            return
        right = Qt.AlignmentFlag.AlignRight
        for column, words in ((1, self.tr("Dice")), (2, self.tr("HD95"))):
            head = label(words, "secondary")
            if column == 2:
                tip = self.tr("95th percentile of surface distances, the larger direction")
                head.setToolTip(tip)
            self.table.addWidget(head, 0, column, right)
        for row, found in enumerate(results, 1):
            self.table.addWidget(label(found.label), row, 0)
            for column, words in enumerate(agreement_words(found.agreement), 1):
                value = label(words)
                value.setAccessibleName(f"{found.label} {words}")
                self.table.addWidget(value, row, column, right)


def object_labels(payload: Segmentation | StructureSet) -> list[str]:
    """Names of the segments of an object, in order."""
    if isinstance(payload, Segmentation):
        return [segment.label for segment in payload.segments]
    return [structure.segment.label for structure in payload.structures]
