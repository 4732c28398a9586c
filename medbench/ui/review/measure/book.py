"""What is measured right now: the stored measurements, and the one that is being changed."""

from collections.abc import Container, Sequence
from dataclasses import replace

from PySide6.QtCore import QObject, Signal, Slot

from medbench.base.ids import new_id, now_iso
from medbench.domain.measurement import Measurement, MeasurementKind, Place, Quantity
from medbench.domain.roi_ratio import RoiRatio
from medbench.imaging.roi import outline
from medbench.session.lesions import next_lesion_name
from medbench.session.measuring import Picture, quantities_of
from medbench.session.ports import Handle
from medbench.session.session import Session
from medbench.ui.review.measure.placing import Ground
from medbench.ui.review.measure.words import kind_name

AT_ONCE_PX = 200_000
"""Regions in a larger box are counted in a worker: 12 million pixels take half a second."""
Numbers = tuple[Quantity, ...]


class MeasureBook(QObject):
    """Creates, changes and removes measurements through the reading book.

    Signals
    -------
    changed
        Something looks different: stored, being dragged, hidden.
    selected_changed : str
        Another measurement is selected ('' = none).
    """

    changed = Signal()
    selected_changed = Signal(str)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._readings = session.readings
        self._pending: dict[str, Measurement] = {}
        self._moving: Measurement | None = None
        self._hidden: set[str] = set()
        self.selected = ""
        self.shown = True
        session.readings.changed.connect(self._stored)

    @Slot(str)
    def _stored(self, kind: str) -> None:
        if kind in (Measurement.stored_as, RoiRatio.stored_as):
            if self.selected and self.get(self.selected) is None:
                self.select("")
            self.changed.emit()

    # asking

    def all(self) -> tuple[Measurement, ...]:
        """Every stored measurement of the open studies, and those still being counted."""
        stored = self._readings.of(Measurement)
        return (*(self._pending.get(m.measurement_id, m) for m in stored), *self._new())

    def _new(self) -> tuple[Measurement, ...]:
        return tuple(
            m for m in self._pending.values()
            if self._readings.get(Measurement, m.measurement_id) is None
        )  # fmt: skip

    def marks(self) -> tuple[Measurement, ...]:
        """What is drawn: the dragged one where it is now, without hidden ones."""
        moving = self._moving
        return tuple(
            moving if moving is not None and m.measurement_id == moving.measurement_id else m
            for m in self.all()
            if m.measurement_id not in self._hidden
        )

    def get(self, measurement_id: str) -> Measurement | None:
        """One of them."""
        found = self._pending.get(measurement_id)
        return found or self._readings.get(Measurement, measurement_id)

    def is_pending(self, measurement: Measurement) -> bool:
        """Whether its numbers are still being counted."""
        return measurement.measurement_id in self._pending

    def is_hidden(self, measurement: Measurement) -> bool:
        """Whether the reader put it out of sight."""
        return measurement.measurement_id in self._hidden

    # choosing and hiding

    def select(self, measurement_id: str) -> None:
        """Select one, or none."""
        if measurement_id != self.selected:
            self.selected = measurement_id
            self.selected_changed.emit(measurement_id)
            self.changed.emit()

    def hide(self, measurement: Measurement, *, hidden: bool) -> None:
        """Put one out of sight, or back."""
        change = self._hidden.add if hidden else self._hidden.discard
        change(measurement.measurement_id)
        self.changed.emit()

    def show_all(self, *, shown: bool) -> None:
        """Show or hide every mark."""
        self.shown = shown
        if shown:
            self._hidden.clear()
        self.changed.emit()

    # making and changing

    def create(
        self, kind: MeasurementKind, points: Sequence[Place], ground: Ground, text: str = ""
    ) -> str:
        """Store a finished measurement; large regions follow when they are counted."""
        now = now_iso()
        made = Measurement(
            new_id("m"), kind, ground.site, tuple(points), text=text,
            reader=self._session.settings.value.reader, created=now, changed=now,
        )  # fmt: skip
        self._count(made, ground.picture, kind_name(kind))
        self.select(made.measurement_id)
        return made.measurement_id

    def show_moving(self, measurement: Measurement, points: Sequence[Place], to: Ground) -> None:
        """Show where a measurement is dragged to; nothing is stored."""
        there = replace(measurement, site=to.site, points=tuple(points))
        self._moving = replace(there, quantities=self.live(there, to.picture))
        self.changed.emit()

    def stop_moving(self) -> None:
        """Leave it where it was."""
        if self._moving is not None:
            self._moving = None
            self.changed.emit()

    def finish_moving(self, measurement: Measurement, points: Sequence[Place], to: Ground) -> None:
        """Store it where it was dragged to, with the numbers of that picture."""
        self._moving = None
        there = replace(measurement, site=to.site, points=tuple(points), changed=now_iso())
        self._count(there, to.picture, self.tr("Move {0}").format(kind_name(measurement.kind)))

    def change(self, measurement: Measurement, words: str, **values: object) -> None:
        """Store it with other fields (label, text, lesion, locked)."""
        changed = replace(measurement, changed=now_iso(), **values)  # type: ignore[arg-type]
        self._readings.put(changed, words)

    def remove(self, measurement: Measurement) -> None:
        """Delete one; not one that is locked."""
        if measurement.locked or self.is_pending(measurement):
            return
        words = self.tr("Delete {0}").format(kind_name(measurement.kind))
        self._readings.remove(measurement, words)

    def assign(self, measurement: Measurement, lesion: str) -> None:
        """Make it a measurement of a lesion ('' = of none)."""
        self.change(measurement, self.tr("Assign to lesion"), lesion=lesion)

    def of_studies(self, studies: Container[str]) -> tuple[Measurement, ...]:
        """Measurements of some studies (of one patient)."""
        return tuple(m for m in self.all() if m.study_instance_uid in studies)

    def new_lesion(self, studies: Container[str]) -> str:
        """A lesion name that no measurement of these studies has."""
        return next_lesion_name(self.of_studies(studies), self.tr("Lesion"))

    def ratios(self, study_instance_uid: str) -> tuple[RoiRatio, ...]:
        """Ratios of a study, in the order they were made."""
        return self._readings.of(RoiRatio, study_instance_uid)

    def add_ratio(self, above: Measurement, below: Measurement) -> None:
        """Show the ratio of two regions' means from now on."""
        ratio = RoiRatio(
            new_id("r"), above.study_instance_uid, above.measurement_id, below.measurement_id,
            now_iso(),
        )  # fmt: skip
        self._readings.put(ratio, self.tr("Ratio of regions"))

    def remove_ratio(self, ratio: RoiRatio) -> None:
        """Show it no more."""
        self._readings.remove(ratio, self.tr("Delete ratio"))

    def rename_lesion(self, measurements: Sequence[Measurement], name: str) -> None:
        """Call a lesion something else, in all these measurements, as one step."""
        with self._readings.together(self.tr("Rename lesion")):
            for one in measurements:
                self.change(one, self.tr("Rename lesion"), lesion=name)

    # numbers

    def live(self, measurement: Measurement, picture: Picture) -> Numbers:
        """Numbers while the hand moves; the values of a large region wait until it rests."""
        if not measurement.kind.is_roi or _box_px(measurement) <= AT_ONCE_PX:
            return quantities_of(measurement.kind, measurement.points, picture)
        size = replace(picture, values=None, shape=(0, 0))
        found = quantities_of(measurement.kind, measurement.points, size)
        return tuple(q for q in found if q.name in ("outline area", "perimeter"))

    def _count(self, measurement: Measurement, picture: Picture, words: str) -> None:
        kind, points = measurement.kind, measurement.points
        if not kind.is_roi or _box_px(measurement) <= AT_ONCE_PX:
            found = quantities_of(kind, points, picture)
            self._readings.put(measurement.moved(points, found), words)
            return
        name = measurement.measurement_id
        self._pending[name] = measurement.moved(points, self.live(measurement, picture))
        self.changed.emit()

        def work(_handle: Handle) -> Numbers:
            return quantities_of(kind, points, picture)

        def done(numbers: Numbers) -> None:
            if self._pending.pop(name, None) is not None:
                self._readings.put(measurement.moved(points, numbers), words)

        def failed(sentence: str) -> None:
            self._pending.pop(name, None)
            if sentence:
                self._session.messages.error(sentence)
            self.changed.emit()

        self._session.objects.compute(f"measure {name}", work, done, failed)


def _box_px(measurement: Measurement) -> float:
    around = outline(measurement.kind, measurement.points)
    high, wide = around.max(axis=0) - around.min(axis=0)
    return float(high * wide)
