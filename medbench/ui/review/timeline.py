"""Timeline strip below the viewports: the patient's studies by date, as tiles."""

from collections.abc import Sequence
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
from PySide6.QtGui import QAction, QColor, QFont, QImage, QPainter, QPen
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from medbench.domain.image import DisplayKind, DisplaySet, Study
from medbench.domain.prior_match import same_patient, scored, study_day, study_moment
from medbench.session.layer_shelf import is_layer_display
from medbench.session.library import display_key
from medbench.session.session import Session
from medbench.ui.review.painting import grey_image
from medbench.ui.review.prior_words import ago_words, title_words
from medbench.ui.review.showing import Showing
from medbench.ui.review.wall import DISPLAY_MIME, display_mime
from medbench.ui.theme.current import current
from medbench.ui.theme.icons import icon_pixmap
from medbench.ui.widgets import IconButton, hbox, icon_label, label, vbox

translate = QCoreApplication.translate
Index = QModelIndex | QPersistentModelIndex
TILE_ROLE = Qt.ItemDataRole.UserRole + 1
HEIGHT_PX = 114
_TILE = QSize(206, 92)
_PICTURE_PX = 72


@dataclass(frozen=True)
class Tile:
    """One study on the line."""

    study: Study
    display: DisplaySet
    """The one that a click shows."""
    date: str
    title: str
    when: str
    """'22 days ago', 'Current'."""
    score: str
    """'AI 78 %'; what the model said of it."""
    strong_score: bool = False
    place: str = ""
    """Where on the wall it stands: Left, Right, Current; '' = nowhere."""
    active: bool = False

    @property
    def words(self) -> str:
        """All of it in one line."""
        parts = (self.date, self.title, self.when, self.score, self.place)
        return " · ".join(part for part in parts if part)


def tiles_of(
    session: Session, shown: DisplaySet, showing: Showing, modality: str = ""
) -> list[Tile]:
    """Tiles of the patient's open studies, oldest first, of one modality or all."""
    priors = session.priors
    own = priors.study_of(shown)
    if own is None:
        return []
    studies = [s for s in session.library.studies if s is own or same_patient(own, s)[0]]
    tiles = []
    for study in sorted(studies, key=study_moment):
        on_wall = _on_wall(study, session, showing)
        display = on_wall[0][1] if on_wall else _telling(study, shown, own)
        if display is None or (modality and display.modality != modality):
            continue
        score, strong = _score(session, study)
        day, today = study_day(study), study_day(own)
        when = translate("Timeline", "No date")
        if study is own:
            when = translate("Timeline", "Current")
        elif day is not None and today is not None:
            when = ago_words((today - day).days)
        tiles.append(
            Tile(
                study, display, day.isoformat() if day else "–", title_words(display), when, score,
                strong, on_wall[0][0] if on_wall else "",
                any(d is showing.screen.display for _, d in on_wall),
            )
        )  # fmt: skip
    return tiles


def _on_wall(study: Study, session: Session, showing: Showing) -> list[tuple[str, DisplaySet]]:
    """(place, display) of what the wall shows of a study."""
    found = []
    screens = showing.screens
    for number, screen in enumerate(screens):
        display = screen.display
        if display is None or display.study_instance_uid != study.study_instance_uid:
            continue
        if len(screens) == 1:
            place = ""
        elif showing.wall.rows == 1 and showing.wall.columns == 2:
            sides = (translate("Timeline", "Left"), translate("Timeline", "Right"))
            place = sides[min(number, 1)]
        else:
            place = translate("Timeline", "View {0}").format(number + 1)
        found.append((place, display))
    return found


def _telling(study: Study, shown: DisplaySet, own: Study) -> DisplaySet | None:
    """The display that stands for a study: the likest to the shown one, else the largest."""
    displays = [
        d for series in study.series for d in series.displays
        if d.time_index == 0 and not is_layer_display(d)
    ]  # fmt: skip

    def rank(display: DisplaySet) -> tuple[float, bool, int]:
        score, _ = scored(shown, own, display, study)
        return score, not display.kind.without_pictures, display.slices

    return max(displays, key=rank, default=None)


def _score(session: Session, study: Study) -> tuple[str, bool]:
    """What a model said of the study: the highest of its latest answers."""
    results = session.findings.results(study.study_instance_uid)
    if not results:
        return translate("Timeline", "No AI result"), False
    newest = max(results, key=lambda r: r.created)
    same = [r for r in results if r.weights_sha256 == newest.weights_sha256]
    if all(r.outside for r in same):
        return translate("Timeline", "AI: outside its range"), False
    best = max((r for r in same if not r.outside), key=lambda r: r.score)
    text = translate("Timeline", "AI {0} %").format(round(best.score * 100))
    return text, best.score >= best.threshold


class TimelineModel(QAbstractListModel):
    """Tiles; asks for thumbnails as they are drawn."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._library = session.library
        self.tiles: list[Tile] = []
        self._images: dict[str, QImage | None] = {}
        self._library.thumbnail_ready.connect(self._thumbnail)

    def set_tiles(self, tiles: Sequence[Tile]) -> None:
        """Replace all tiles; nothing happens where they are the same."""
        if list(tiles) == self.tiles:
            return
        if [t.study for t in tiles] == [t.study for t in self.tiles]:
            self.tiles = list(tiles)
            self.dataChanged.emit(self.index(0), self.index(len(tiles) - 1))
            return
        self.beginResetModel()
        self.tiles = list(tiles)
        self.endResetModel()

    def rowCount(self, parent: Index | None = None) -> int:
        return len(self.tiles)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        tile = self.tiles[index.row()]
        if role == TILE_ROLE:
            return tile
        texts = (Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole)
        return tile.words if role == Qt.ItemDataRole.DisplayRole or role in texts else None

    def flags(self, index: Index) -> Qt.ItemFlag:
        base = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        tile = self.tiles[index.row()] if index.isValid() else None
        if tile is not None and not tile.display.kind.without_pictures:
            return base | Qt.ItemFlag.ItemIsDragEnabled
        return base

    def mimeTypes(self) -> list[str]:  # noqa: N802 - Qt's name
        return [DISPLAY_MIME]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:  # noqa: N802 - Qt's name
        return display_mime(display_key(self.tiles[indexes[0].row()].display))

    def image(self, display: DisplaySet) -> QImage | None:
        """Thumbnail, or None while it is made (or cannot be)."""
        key = display_key(display)
        if key not in self._images:
            self._images[key] = None
            if not display.kind.without_pictures:
                self._library.request_thumbnail(display)
        return self._images[key]

    @Slot(str, object)
    def _thumbnail(self, key: str, picture: np.ndarray[Any, Any] | None) -> None:
        self._images[key] = None if picture is None else grey_image(picture)
        for row, tile in enumerate(self.tiles):
            if display_key(tile.display) == key:
                self.dataChanged.emit(self.index(row), self.index(row))


class _TileDelegate(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return _TILE

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        tile: Tile = index.data(TILE_ROLE)
        rect: QRect = option.rect
        state: QStyle.StateFlag = option.state
        tokens = current()
        painter.save()
        if state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(rect, QColor(tokens.hover))
        side = _PICTURE_PX
        box = QRect(rect.x() + 6, rect.y() + (rect.height() - side) // 2, side, side)
        painter.fillRect(box, QColor("#000000"))
        model = index.model()
        image = model.image(tile.display) if isinstance(model, TimelineModel) else None
        if image is not None:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(box, image)
        elif tile.display.kind.without_pictures:
            wave = tile.display.kind is DisplayKind.WAVEFORM
            pixmap = icon_pixmap("activity" if wave else "file", tokens.disabled, 28)
            painter.drawPixmap(box.center().x() - 13, box.center().y() - 13, pixmap)
        framed = tile.active or bool(tile.place)
        colour = tokens.accent if tile.active else tokens.outline if framed else tokens.divider
        focus = bool(state & QStyle.StateFlag.State_HasFocus)
        painter.setPen(QPen(QColor(tokens.accent if focus else colour), 2 if framed else 1))
        painter.drawRect(box)
        self._words(painter, rect, box.right() + 10, tile)
        painter.restore()

    def _words(self, painter: QPainter, rect: QRect, left: int, tile: Tile) -> None:
        tokens = current()
        width = rect.right() - left - 4
        lines = (
            (tile.date, tokens.strong, True), (tile.title, tokens.text, False),
            (tile.when, tokens.text2, False),
            (tile.score, tokens.strong if tile.strong_score else tokens.text2, tile.strong_score),
        )  # fmt: skip
        font = QFont(painter.font())
        y = rect.y() + 23
        for number, (text, colour, bold) in enumerate(lines):
            font.setPixelSize(13 if number == 0 else 12)
            font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
            painter.setFont(font)
            painter.setPen(QColor(colour))
            metrics = painter.fontMetrics()
            room = width
            if number == 3 and tile.place:
                room -= metrics.horizontalAdvance(tile.place) + 18
            painter.drawText(left, y, metrics.elidedText(text, Qt.TextElideMode.ElideRight, room))
            if number == 3 and tile.place:
                wide = metrics.horizontalAdvance(tile.place)
                start = left + min(room, metrics.horizontalAdvance(text)) + 6
                tag = QRect(start, y - 13, wide + 10, 17)
                painter.setPen(QColor(tokens.divider))
                painter.setBrush(QColor(tokens.raised))
                painter.drawRoundedRect(tag, 3, 3)
                painter.setPen(QColor(tokens.text))
                painter.drawText(tag, Qt.AlignmentFlag.AlignCenter, tile.place)
            y += 18


class _TileList(QListView):
    """One row; the wheel goes sideways."""

    def __init__(self) -> None:
        super().__init__()
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(False)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setDragEnabled(True)
        self.setDragDropMode(QListView.DragDropMode.DragOnly)
        self.setHorizontalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QFrame.Shape.NoFrame)

    def wheelEvent(self, event: Any) -> None:
        steps = event.angleDelta().y() or event.angleDelta().x()
        bar = self.horizontalScrollBar()
        bar.setValue(bar.value() - steps)
        event.accept()


class TimelineStrip(QFrame):
    """Hidden where the patient has only one study.

    Signals
    -------
    display_wanted : DisplaySet
        Show it in the active view.
    """

    display_wanted = Signal(object)

    def __init__(self, session: Session, switch: QAction, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.wanted = True
        """Whether the reader wants to see it at all."""
        self._shown: tuple[DisplaySet, Showing] | None = None
        self.setObjectName("statusbar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(HEIGHT_PX)
        self.setAccessibleName(self.tr("Timeline"))
        row = hbox(margins=(12, 8, 8, 8), spacing=12)
        self.setLayout(row)
        head = vbox(spacing=6)
        title = hbox(spacing=6)
        title.addWidget(icon_label("history", "text2", 16))
        title.addWidget(label(self.tr("Timeline"), "section"))
        title.addStretch(1)
        title.addWidget(IconButton.of(switch, "chevron-down"))
        head.addLayout(title)
        self.types = QComboBox()
        self.types.setAccessibleName(self.tr("Type of study"))
        self.types.addItem(self.tr("All types"), "")
        self.types.setFixedWidth(124)
        self.types.currentIndexChanged.connect(self._filter)
        head.addWidget(self.types)
        self.count = label("", "secondary")
        head.addWidget(self.count)
        head.addStretch(1)
        row.addLayout(head)
        self.model = TimelineModel(session)
        self.list = _TileList()
        self.list.setAccessibleName(self.tr("Studies of the patient by date"))
        self.list.setModel(self.model)
        self.list.setItemDelegate(_TileDelegate(self.list))
        self.list.clicked.connect(self._clicked)
        self.list.activated.connect(self._clicked)
        row.addWidget(self.list, 1)
        self.hide()

    def refresh(self, shown: DisplaySet | None, showing: Showing) -> None:
        """The studies of the shown one's patient."""
        self._shown = None if shown is None else (shown, showing)
        tiles = [] if shown is None else tiles_of(self._session, shown, showing)
        self.setVisible(self.wanted and len(tiles) > 1)
        self._fill_types(sorted({tile.display.modality for tile in tiles}))
        wanted = self.types.currentData()
        kept = [tile for tile in tiles if not wanted or tile.display.modality == wanted]
        self.model.set_tiles(kept)
        words = self.tr("{0} studies").format(len(tiles))
        if len(kept) < len(tiles):
            words = self.tr("{0} of {1} studies").format(len(kept), len(tiles))
        self.count.setText(words)
        at = next((i for i, tile in enumerate(kept) if tile.active), -1)
        if at >= 0:
            self.list.scrollTo(self.model.index(at))

    def _fill_types(self, modalities: list[str]) -> None:
        have = [self.types.itemData(i) for i in range(1, self.types.count())]
        if have == modalities:
            return
        chosen = self.types.currentData()
        self.types.blockSignals(True)
        while self.types.count() > 1:
            self.types.removeItem(1)
        for modality in modalities:
            self.types.addItem(modality, modality)
        self.types.setCurrentIndex(max(0, self.types.findData(chosen)))
        self.types.blockSignals(False)

    @Slot(int)
    def _filter(self, _index: int) -> None:
        if self._shown is not None:
            self.refresh(*self._shown)

    @Slot(QModelIndex)
    def _clicked(self, index: QModelIndex) -> None:
        if index.isValid():
            self.display_wanted.emit(self.model.tiles[index.row()].display)
