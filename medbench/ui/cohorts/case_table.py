"""The case table: virtual, sorts and filters in place, thumbnails as rows are drawn."""

from functools import cache
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
    QSize,
    QSortFilterProxyModel,
    Qt,
    Slot,
)
from PySide6.QtGui import QColor, QImage, QPixmap

from medbench.domain.cohort import Case, Role, Task
from medbench.session.cohort_shelf import CohortRecord, CohortShelf
from medbench.ui.review.painting import grey_image
from medbench.ui.theme.tokens import class_colour

Index = QModelIndex | QPersistentModelIndex
CASE_ROLE = Qt.ItemDataRole.UserRole + 1
SORT_ROLE = Qt.ItemDataRole.UserRole + 2
THUMBNAIL_PX = 40


class CaseTableModel(QAbstractTableModel):
    """Cases of one cohort."""

    def __init__(self, shelf: CohortShelf) -> None:
        super().__init__()
        self._shelf = shelf
        self._record: CohortRecord | None = None
        self._cases: tuple[Case, ...] = ()
        self._flagged: dict[str, str] = {}
        self._images: dict[str, QPixmap | None] = {}
        self._rows: dict[str, int] = {}
        shelf.thumbnail_ready.connect(self._thumbnail)

    def show_record(self, record: CohortRecord | None) -> None:
        """Show another cohort, or the same in another state."""
        self.beginResetModel()
        if record is None or self._record is None or record.folder != self._record.folder:
            self._images.clear()
        self._record = record
        self._cases = record.cohort.cases if record is not None else ()
        self._rows = {case.case_id: i for i, case in enumerate(self._cases)}
        self._flagged = {}
        for check in reversed(record.checks if record is not None else ()):
            if not check.passed and check.check not in ("patients-unknown",):
                self._flagged.update(dict.fromkeys(check.case_ids, check.title))
        self.endResetModel()

    def columns(self) -> list[str]:
        """Titles."""
        return [
            self.tr("Case"), self.tr("Patient"), self.tr("Age, sex"), self.tr("View"),
            self.tr("Label"), self.tr("Labelled by"), self.tr("Part"), self.tr("Checks"),
        ]  # fmt: skip

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._cases)

    def columnCount(self, parent: Index | None = None) -> int:
        return 8

    def headerData(
        self, section: int, orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:  # fmt: skip
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self.columns()[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        case = self._cases[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, SORT_ROLE):
            return self._text(case, index.column())
        if role == CASE_ROLE:
            return case
        if role == Qt.ItemDataRole.DecorationRole:
            if index.column() == 0:
                return self._image(case)
            if index.column() == 4 and case.label is not None and self._record is not None:
                return _swatch(class_colour(case.label, self._record.cohort.positive))
        if role == Qt.ItemDataRole.SizeHintRole and index.column() == 0:
            return QSize(160, 44)
        return None

    def _text(self, case: Case, column: int) -> str:
        record = self._record
        if record is None:
            return ""
        if column == 4:
            return "–" if case.label is None else record.cohort.classes[case.label]
        if column == 6:
            role = record.split.roles.get(case.case_id) if record.split is not None else None
            return "–" if role is None else self.role_name(role)
        attributes = case.attributes
        age = attributes.get("age", "")
        known = {
            0: case.case_id,
            1: case.patient_id if record.cohort.patient_known else "–",
            2: ", ".join(p for p in (age, attributes.get("sex", "")) if p),
            3: attributes.get("view", ""),
            5: case.labelled_by or self.tr("source"),
            7: self._flagged.get(case.case_id, self.tr("passed")),
        }
        return known[column]

    def role_name(self, role: Role) -> str:
        """Translated name of a part."""
        return {
            Role.TRAIN: self.tr("Train"),
            Role.VAL: self.tr("Validation"),
            Role.TEST: self.tr("Test"),
        }[role]

    def _image(self, case: Case) -> QPixmap | None:
        record = self._record
        if record is None or record.cohort.task is not Task.IMAGE:
            return None
        if case.case_id not in self._images:
            self._images[case.case_id] = None
            self._shelf.request_thumbnail(record, case, THUMBNAIL_PX)
        return self._images[case.case_id]

    @Slot(str, object)
    def _thumbnail(self, case_id: str, picture: Any) -> None:
        row = self._rows.get(case_id)
        if row is None or picture is None:
            return
        image: QImage = grey_image(picture)
        self._images[case_id] = QPixmap.fromImage(image)
        at = self.index(row, 0)
        self.dataChanged.emit(at, at, [Qt.ItemDataRole.DecorationRole])


@cache
def _swatch(colour: str) -> QPixmap:
    """Small square in the colour of a class."""
    pixmap = QPixmap(10, 10)
    pixmap.fill(QColor(colour))
    return pixmap


class CaseFilter(QSortFilterProxyModel):
    """Words, label and part."""

    def __init__(self) -> None:
        super().__init__()
        self._words: list[str] = []
        self._label = ""
        self._part = ""
        self.setSortRole(SORT_ROLE)

    def choose(self, *, words: str | None = None, label: str | None = None,
               part: str | None = None) -> None:  # fmt: skip
        """Set filters; an empty text lets everything through."""
        if words is not None:
            self._words = words.lower().split()
        if label is not None:
            self._label = label
        if part is not None:
            self._part = part
        self.invalidate()

    def filterAcceptsRow(self, row: int, parent: Index) -> bool:
        model = self.sourceModel()

        def cell(column: int) -> str:
            return str(model.data(model.index(row, column)) or "")

        if self._label and cell(4) != self._label:
            return False
        if self._part and cell(6) != self._part:
            return False
        text = f"{cell(0)} {cell(1)}".lower()
        return all(word in text for word in self._words)
