"""Study browser: patients, studies and displays with thumbnails, only visible rows are drawn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PySide6.QtCore import (
    QAbstractListModel,
    QCoreApplication,
    QMimeData,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QColor, QFont, QImage, QPainter
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from medbench.domain.finding import ReadingState, ReadingStatus
from medbench.domain.image import DisplayKind, DisplaySet, Study
from medbench.session.layer_shelf import is_layer_display, layer_key
from medbench.session.library import Library, display_key
from medbench.ui.actions.registry import ActionRegistry
from medbench.ui.review.annotations import date_text
from medbench.ui.review.painting import grey_image
from medbench.ui.review.time_bar import time_place
from medbench.ui.review.wall import DISPLAY_MIME, display_mime
from medbench.ui.theme.current import current
from medbench.ui.theme.icons import icon_pixmap
from medbench.ui.theme.tokens import TOKENS
from medbench.ui.widgets import HLine, IconButton, PanelHeader, SearchField, label

Index = QModelIndex | QPersistentModelIndex
ROW_ROLE = Qt.ItemDataRole.UserRole + 1
_TILE_PX = 56


_STATUS_ICONS = {
    ReadingState.UNREAD: ("circle-dashed", "text2"),
    ReadingState.REVIEWED: ("circle-dot", "accent"),
    ReadingState.REPORTED: ("circle-check", "success"),
}


def status_words(status: ReadingStatus) -> str:
    """Unread, reviewed or reported."""
    return {
        ReadingState.UNREAD: QCoreApplication.translate("StudyBrowser", "Unread"),
        ReadingState.REVIEWED: QCoreApplication.translate("StudyBrowser", "Reviewed"),
        ReadingState.REPORTED: QCoreApplication.translate("StudyBrowser", "Reported"),
    }[status.state]


@dataclass(frozen=True)
class Row:
    """One line: a patient, a study, a display, or a skipped file."""

    kind: str
    title: str
    subtitle: str
    display: DisplaySet | None = None
    study: Study | None = None


def _display_words(display: DisplaySet, tr: Any) -> str:
    count = tr("{0} images").format(display.slices) if display.slices > 1 else ""
    times = tr("{0} times").format(display.time_count) if display.time_count > 1 else ""
    size = f"{display.columns} × {display.rows}" if display.rows else ""
    return " · ".join(part for part in (display.modality, count, times, size) if part)


def _icon_of(display: DisplaySet) -> str:
    """Icon of an object that has no picture; '' where a thumbnail is made."""
    if not display.kind.without_pictures:
        return ""
    if display.kind is DisplayKind.WAVEFORM:
        return "activity"
    return "layers" if display.modality in ("RTSTRUCT", "PR") else "file"


StatusOf = Callable[[str], ReadingStatus]


def _unread(study: str) -> ReadingStatus:
    return ReadingStatus(study, ReadingState.UNREAD)


def rows_of(
    studies: tuple[Study, ...], skipped: tuple[Any, ...], words: str, tr: Any,
    status_of: StatusOf = _unread, state: str = "",
) -> list[Row]:  # fmt: skip
    """Rows that match the search words and the reading state ('' = any)."""
    found: list[Row] = []
    patient = ""
    wanted = words.lower().split()
    for study in sorted(studies, key=lambda s: (s.patient_id, s.study_date)):
        if state and status_of(study.study_instance_uid).state != state:
            continue
        name = study.patient_name.replace("^", ", ") or study.patient_id
        text = f"{name} {study.patient_id} {study.description} {study.study_date}".lower()
        displays = [
            (series, display)
            for series in study.series
            for display in series.displays
            if all(w in f"{text} {series.modality} {display.description}".lower() for w in wanted)
        ]
        if not displays:
            continue
        if study.patient_id != patient:
            patient = study.patient_id
            person = " · ".join(p for p in (study.patient_id, study.patient_sex) if p)
            found.append(Row("patient", name, person, study=study))
        found.append(
            Row("study", study.description or tr("Study"), date_text(study.study_date), study=study)
        )
        drawn: set[str] = set()
        for series, display in displays:
            if display.time_index > 0:
                continue  # the slider below the viewports leads to the other time points
            if is_layer_display(display):
                if layer_key(display) in drawn:
                    continue  # one object, split by segment: drawn as a whole
                drawn.add(layer_key(display))
            title = display.description or series.description or display.modality
            words = _display_words(display, tr)
            found.append(Row("display", title, words, display, study))
    if not wanted and not state:
        found += [Row("skipped", item.path.name, item.reason) for item in skipped[:50]]
        if len(skipped) > 50:
            found.append(Row("skipped", tr("and {0} more files").format(len(skipped) - 50), ""))
    return found


def _same_row(row: DisplaySet, display: DisplaySet) -> bool:
    if display.time_count > 1:
        return time_place(row) == time_place(display)
    return display_key(row) == display_key(display)


class BrowserModel(QAbstractListModel):
    """Rows of open studies; asks for thumbnails as rows are drawn."""

    def __init__(self, library: Library) -> None:
        super().__init__()
        self._library = library
        self.rows: list[Row] = []
        self.status_of: StatusOf = _unread
        self.starred: frozenset[str] = frozenset()
        """Keys of displays with key images."""
        self._images: dict[str, QImage | None] = {}
        library.thumbnail_ready.connect(self._thumbnail)

    def set_rows(self, rows: list[Row]) -> None:
        """Replace all rows."""
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def star(self, keys: frozenset[str]) -> None:
        """Mark the displays that have key images."""
        if keys != self.starred and self.rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.rows) - 1, 0))
        self.starred = keys

    def rowCount(self, parent: Index | None = None) -> int:
        return len(self.rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = self.rows[index.row()]
        if role == ROW_ROLE:
            return row
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            parts = [row.title, row.subtitle]
            if row.kind == "study" and row.study is not None:
                parts.append(status_words(self.status_of(row.study.study_instance_uid)))
            return " ".join(parts)
        if role == Qt.ItemDataRole.ToolTipRole:
            notes = [row.title, row.subtitle]
            if row.kind == "study" and row.study is not None:
                status = self.status_of(row.study.study_instance_uid)
                notes += [status_words(status), " ".join((status.reader, status.when)).strip()]
            if row.display is not None:
                notes += [row.display.reason, *row.display.warnings]
            return "\n".join(n for n in notes if n)
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        if self.rows[index.row()].kind == "display":
            plain = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
            return plain | Qt.ItemFlag.ItemIsDragEnabled
        return Qt.ItemFlag.ItemIsEnabled

    def mimeTypes(self) -> list[str]:  # noqa: N802 - Qt's name
        return [DISPLAY_MIME]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:  # noqa: N802 - Qt's name
        rows = (self.rows[index.row()] for index in indexes)
        return display_mime(next(display_key(r.display) for r in rows if r.display is not None))

    def image(self, display: DisplaySet) -> QImage | None:
        """Thumbnail, or None while it is made (or cannot be)."""
        key = display_key(display)
        if key not in self._images:
            self._images[key] = None
            self._library.request_thumbnail(display)
        return self._images[key]

    @Slot(str, object)
    def _thumbnail(self, key: str, picture: np.ndarray[Any, Any] | None) -> None:
        self._images[key] = None if picture is None else grey_image(picture)
        for i, row in enumerate(self.rows):
            if row.display is not None and display_key(row.display) == key:
                self.dataChanged.emit(self.index(i), self.index(i))


class _Delegate(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        row: Row = index.data(ROW_ROLE)
        return QSize(200, {"patient": 44, "study": 46, "display": 68, "skipped": 40}[row.kind])

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        row: Row = index.data(ROW_ROLE)
        rect: QRect = option.rect
        state: QStyle.StateFlag = option.state
        tokens = current()
        painter.save()
        if row.kind == "patient":
            painter.fillRect(rect, QColor(tokens.raised))
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, QColor(tokens.selection))
            painter.fillRect(QRect(rect.x(), rect.y(), 3, rect.height()), QColor(tokens.accent))
        elif state & QStyle.StateFlag.State_MouseOver and row.kind == "display":
            painter.fillRect(rect, QColor(tokens.hover))
        left = rect.x() + 12
        if row.display is not None:
            tile = QRect(left, rect.y() + 6, _TILE_PX, _TILE_PX)
            self._tile(painter, tile, row.display, index)
            left += _TILE_PX + 10
        model = index.model()
        if row.kind == "study" and row.study is not None and isinstance(model, BrowserModel):
            self._status(painter, rect, model.status_of(row.study.study_instance_uid))
            rect = QRect(rect.x(), rect.y() + 2, rect.width(), 24)
        self._words(painter, rect, left, row)
        painter.restore()

    def _status(self, painter: QPainter, rect: QRect, status: ReadingStatus) -> None:
        """Icon and word of the reading status, and who set it."""
        tokens = current()
        name, role = _STATUS_ICONS[status.state]
        colour = getattr(tokens, role)
        painter.drawPixmap(rect.x() + 12, rect.y() + 26, icon_pixmap(name, colour, 14))
        font = QFont(painter.font())
        font.setPixelSize(12)
        painter.setFont(font)
        painter.setPen(QColor(colour))
        words = status_words(status)
        if status.reader:
            words += " · " + "".join(part[0] for part in status.reader.split()[:2]).upper()
        painter.drawText(
            QRect(rect.x() + 31, rect.y() + 24, rect.width() - 40, 18),
            Qt.AlignmentFlag.AlignVCenter, words,
        )  # fmt: skip

    def _tile(self, painter: QPainter, tile: QRect, display: DisplaySet, index: Index) -> None:
        painter.fillRect(tile, QColor("#000000"))
        model = index.model()
        image = model.image(display) if isinstance(model, BrowserModel) else None
        if image is not None:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(tile, image)
        elif name := _icon_of(display):
            painter.drawPixmap(tile.center().x() - 11, tile.center().y() - 11,
                               icon_pixmap(name, current().disabled, 24))  # fmt: skip
        painter.setPen(QColor(current().divider))
        painter.drawRect(tile)
        if display.warnings or (display.reason and not _icon_of(display)):
            painter.drawPixmap(tile.right() - 15, tile.y() + 2,
                               icon_pixmap("triangle-alert", current().warning, 14))  # fmt: skip
        if isinstance(model, BrowserModel) and display_key(display) in model.starred:
            star = icon_pixmap("star", TOKENS["dark"].orientation, 14)
            painter.drawPixmap(tile.x() + 2, tile.y() + 2, star)

    def _words(self, painter: QPainter, rect: QRect, left: int, row: Row) -> None:
        tokens = current()
        font = QFont(painter.font())
        width = rect.right() - left - 8
        font.setPixelSize(13)
        bold = row.kind == "patient"
        font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
        painter.setFont(font)
        colour = {"skipped": tokens.warning, "study": tokens.text2}.get(row.kind, tokens.text)
        painter.setPen(QColor(tokens.strong if bold else colour))
        metrics = painter.fontMetrics()
        middle = Qt.AlignmentFlag.AlignVCenter
        if row.kind == "study":
            date = metrics.horizontalAdvance(row.subtitle) + 8
            title = metrics.elidedText(row.title, Qt.TextElideMode.ElideRight, width - date)
            painter.drawText(QRect(left, rect.y(), width, rect.height()), middle, title)
            painter.drawText(
                QRect(left, rect.y(), width, rect.height()), middle | Qt.AlignmentFlag.AlignRight,
                row.subtitle,
            )  # fmt: skip
            return
        y = rect.y() + rect.height() // 2
        title = metrics.elidedText(row.title, Qt.TextElideMode.ElideRight, width)
        painter.drawText(left, y - 3, title)
        font.setPixelSize(12)
        font.setWeight(QFont.Weight.Normal)
        painter.setFont(font)
        painter.setPen(QColor(tokens.text2))
        metrics = painter.fontMetrics()
        painter.drawText(
            left, y + 14, metrics.elidedText(row.subtitle, Qt.TextElideMode.ElideRight, width)
        )


class StudyBrowser(QWidget):
    """Left panel of Review.

    Signals
    -------
    display_chosen : DisplaySet
        The user wants to see it.
    """

    display_chosen = Signal(object)

    def __init__(
        self, library: Library, actions: ActionRegistry, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._library = library
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        buttons = [
            IconButton.of(actions.action("medbench.file.open_folder"), "folder-open"),
            IconButton.of(actions.action("medbench.file.close_studies"), "x"),
        ]
        column.addWidget(PanelHeader(self.tr("Studies"), buttons))
        box = QVBoxLayout()
        box.setContentsMargins(10, 8, 10, 8)
        box.setSpacing(6)
        self._search = SearchField(self.tr("Patient, ID, modality, date"))
        self._search.textChanged.connect(self.refresh)
        box.addWidget(self._search)
        self.state_filter = QComboBox()
        self.state_filter.setAccessibleName(self.tr("Reading status"))
        for text, state in ((self.tr("Any reading status"), ""),
                            (self.tr("Unread"), ReadingState.UNREAD.value),
                            (self.tr("Reviewed"), ReadingState.REVIEWED.value),
                            (self.tr("Reported"), ReadingState.REPORTED.value)):  # fmt: skip
            self.state_filter.addItem(text, state)
        self.state_filter.currentIndexChanged.connect(self.refresh)
        box.addWidget(self.state_filter)
        column.addLayout(box)
        self.model = BrowserModel(library)
        self._list = QListView()
        self._list.setAccessibleName(self.tr("Studies and series"))
        self._list.setModel(self.model)
        self._list.setItemDelegate(_Delegate(self._list))
        self._list.setMouseTracking(True)
        self._list.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self._list.setDragEnabled(True)
        self._list.setDragDropMode(QListView.DragDropMode.DragOnly)
        self._list.selectionModel().currentChanged.connect(self._chosen)
        self._list.clicked.connect(self._clicked)
        column.addWidget(self._list, 1)
        column.addWidget(HLine())
        self._foot = label("", "secondary")
        self._foot.setContentsMargins(12, 6, 12, 6)
        column.addWidget(self._foot)
        library.changed.connect(self.refresh)
        self.refresh()

    @Slot()
    def refresh(self, *_: object) -> None:
        """Show what is open."""
        chosen = self._current()
        self.model.set_rows(
            rows_of(
                self._library.studies,
                self._library.skipped,
                self._search.text(),
                self.tr,
                self.model.status_of,
                str(self.state_filter.currentData() or ""),
            )
        )
        if chosen is not None:
            self.mark(chosen)
        studies = self._library.studies
        patients = len({s.patient_id for s in studies})
        self._foot.setText(self.tr("Patients: {0} · studies: {1}").format(patients, len(studies)))

    def show_statuses(self, status_of: StatusOf) -> None:
        """Draw (and filter by) the reading status of each study."""
        self.model.status_of = status_of
        if self.state_filter.currentData():
            self.refresh()
        else:
            self._list.viewport().update()

    def _current(self) -> DisplaySet | None:
        index = self._list.currentIndex()
        return self.model.rows[index.row()].display if index.isValid() else None

    def mark(self, display: DisplaySet) -> None:
        """Select the row of a display without a signal."""
        for i, row in enumerate(self.model.rows):
            if row.display is not None and _same_row(row.display, display):
                selection = self._list.selectionModel()
                selection.blockSignals(True)
                self._list.setCurrentIndex(self.model.index(i))
                selection.blockSignals(False)
                self._list.viewport().update()
                return

    @Slot(QModelIndex, QModelIndex)
    def _chosen(self, now: QModelIndex, _before: QModelIndex) -> None:
        if QApplication.mouseButtons() & Qt.MouseButton.LeftButton:
            return  # a click shows it when the button goes up; until then it may be dragged
        self._clicked(now)

    @Slot(QModelIndex)
    def _clicked(self, index: QModelIndex) -> None:
        if index.isValid() and (display := self.model.rows[index.row()].display) is not None:
            self.display_chosen.emit(display)
