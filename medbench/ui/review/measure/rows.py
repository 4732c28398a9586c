"""The list of measurements as rows: groups that fold, and what belongs to each measurement."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import (
    QAbstractListModel,
    QCoreApplication,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
)

from medbench.domain.measurement import Measurement, MeasurementKind
from medbench.domain.roi_ratio import RoiRatio
from medbench.session.lesions import Visit, history
from medbench.ui.review.measure.book import MeasureBook
from medbench.ui.review.measure.guide import Guide
from medbench.ui.review.measure.words import (
    detail_words,
    kind_name,
    label_lines,
    main_number,
    number,
    reason_words,
    title_of,
)

translate = QCoreApplication.translate
Index = QModelIndex | QPersistentModelIndex
ROW = Qt.ItemDataRole.UserRole
Histogram = tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]


class Grouping(StrEnum):
    """How the list is divided."""

    LESION = "lesion"
    TYPE = "type"
    SLICE = "slice"


@dataclass(frozen=True, eq=False)
class Row:
    """A heading, or one measurement."""

    group: str
    title: str
    count: int = 0
    """Of a heading: measurements below it."""
    folded: bool = False
    measurement: Measurement | None = None
    main: str = ""
    detail: str = ""
    visits: tuple[Visit, ...] = ()
    hidden: bool = False
    pending: bool = False
    ratio: RoiRatio | None = None
    """Of a row that compares two regions."""

    @property
    def heading(self) -> bool:
        """Whether it only heads a group."""
        return self.measurement is None and self.ratio is None


class MeasureRows(QAbstractListModel):
    """Measurements of one study in groups."""

    def __init__(self, book: MeasureBook, guide: Guide, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._book = book
        self._guide = guide
        self._rows: list[Row] = []
        self._stamp: Any = None
        self._folded: set[str] = set()
        self.grouping = Grouping.LESION
        self.study = ""
        self.histogram: tuple[str, Histogram] | None = None
        """Of the selected region: its id, bin edges and counts."""

    # filling

    def refresh(self) -> bool:
        """Take over what the book holds; False where nothing is new."""
        mine = [m for m in self._book.all() if m.study_instance_uid == self.study]
        flags = [(self._book.is_hidden(m), self._book.is_pending(m)) for m in mine]
        others = self._book.all() if any(m.lesion for m in mine) else ()
        ratios = self._book.ratios(self.study)
        stamp = (
            tuple(id(m) for m in mine), ratios, tuple(id(m) for m in others), tuple(flags),
            self.grouping, self.study, frozenset(self._folded),
        )  # fmt: skip
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        self._kept = (mine, others)  # ids in the stamp stay theirs
        self.beginResetModel()
        self._rows = self._made(mine)
        self.endResetModel()
        return True

    def _made(self, mine: Sequence[Measurement]) -> list[Row]:
        groups: dict[str, list[Measurement]] = {}
        for one in mine:
            groups.setdefault(self._group_of(one), []).append(one)
        names = sorted(groups, key=lambda n: (n == "", n)) if (
            self.grouping is Grouping.LESION) else list(groups)  # fmt: skip
        dates = self._guide.patient_dates(self.study)
        rows = []
        for name in names:
            found = groups[name]
            title = name or translate("Measure", "Not assigned to a lesion")
            folded = name in self._folded
            ratios = self._ratios_of(name, found)
            rows.append(Row(name, title, len(found) + len(ratios), folded))
            if not folded:
                rows += [self._row(name, one, dates) for one in found]
                rows += ratios
        return rows

    def _ratios_of(self, group: str, found: Sequence[Measurement]) -> list[Row]:
        """A ratio stands in the group of the region it divides by."""
        names = {one.measurement_id for one in found}
        known = {m.measurement_id: m for m in self._book.all()}
        rows = []
        for ratio in self._book.ratios(self.study):
            above, below = known.get(ratio.above), known.get(ratio.below)
            if ratio.below not in names or above is None or below is None:
                continue
            value = ratio.quantity(known)
            title = f"{title_of(above)} / {title_of(below)}"
            detail = reason_words(value.badge) or translate("Measure", "Ratio of ROI means")
            rows.append(Row(group, title, main=number(value.value), detail=detail, ratio=ratio))
        return rows

    def _group_of(self, one: Measurement) -> str:
        if self.grouping is Grouping.TYPE:
            return kind_name(one.kind)
        if self.grouping is Grouping.SLICE:
            return self._guide.slice_words(one.site) or translate("Measure", "Picture")
        return one.lesion

    def _row(self, group: str, one: Measurement, dates: dict[str, str]) -> Row:
        return Row(
            group, title_of(one), measurement=one, main=main_number(one),
            detail=detail_words(one, self._guide.slice_words(one.site)),
            visits=history(one, self._book.all(), dates),
            hidden=self._book.is_hidden(one), pending=self._book.is_pending(one),
        )  # fmt: skip

    def fold(self, group: str) -> None:
        """Fold a group, or unfold it."""
        self._folded.symmetric_difference_update({group})
        self.refresh()

    def set_histogram(self, name: str, found: Histogram | None) -> None:
        """Values of the selected region."""
        self.histogram = None if found is None else (name, found)
        row = self.row_of(name)
        if row >= 0:
            at = self.index(row)
            self.dataChanged.emit(at, at, [Qt.ItemDataRole.SizeHintRole])

    # asking

    def row_of(self, measurement_id: str) -> int:
        """Number of its row; -1 where it is folded away."""
        return next(
            (
                i for i, row in enumerate(self._rows)
                if row.measurement is not None
                and row.measurement.measurement_id == measurement_id
            ),
            -1,
        )  # fmt: skip

    def row(self, number: int) -> Row:
        """One row."""
        return self._rows[number]

    def listed(self) -> tuple[Measurement, ...]:
        """Measurements in the order of the list, folded ones too."""
        folded, self._folded = self._folded, set()
        mine = [m for m in self._book.all() if m.study_instance_uid == self.study]
        rows = self._made(mine)
        self._folded = folded
        return tuple(row.measurement for row in rows if row.measurement is not None)

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row = self._rows[index.row()]
        one = row.measurement
        if role == ROW:
            return row
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return ", ".join(part for part in (row.title, row.main, row.detail) if part)
        if role == Qt.ItemDataRole.EditRole:
            if one is None:
                return row.group if self.grouping is Grouping.LESION else row.title
            return one.text if one.kind is MeasurementKind.TEXT else one.label
        if role == Qt.ItemDataRole.ToolTipRole and one is not None:
            return "\n".join((row.title, *(text for text, _ in label_lines(one))))
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = Qt.ItemFlag.ItemIsEnabled
        if not index.isValid() or index.row() >= len(self._rows):
            return flags
        row = self._rows[index.row()]
        if row.ratio is not None:
            flags |= Qt.ItemFlag.ItemIsSelectable
        elif row.measurement is not None:
            flags |= Qt.ItemFlag.ItemIsSelectable
            if not row.measurement.locked and not row.pending:
                flags |= Qt.ItemFlag.ItemIsEditable
        elif self.grouping is Grouping.LESION and row.group:
            flags |= Qt.ItemFlag.ItemIsEditable
        return flags

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        if role != Qt.ItemDataRole.EditRole or not index.isValid():
            return False
        row, words = self._rows[index.row()], str(value).strip()
        one = row.measurement
        if row.ratio is not None:
            return False
        if one is None:
            dates = self._guide.patient_dates(self.study)  # the prior's lesion is the same one
            members = [m for m in self._book.of_studies(dates) if m.lesion == row.group]
            if words and words != row.group:
                self._book.rename_lesion(members, words)
        elif one.kind is MeasurementKind.TEXT:
            if words:
                self._book.change(one, translate("Measure", "Rename"), text=words)
        elif words != one.label:
            self._book.change(one, translate("Measure", "Rename"), label=words)
        return True
