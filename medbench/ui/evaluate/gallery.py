"""Cases of one confusion cell, most confident first."""

from typing import Any

import numpy as np
from PySide6.QtCore import QModelIndex, QSize, Qt, Signal, Slot
from PySide6.QtGui import QPixmap, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QListView, QWidget

from medbench.domain.cohort import Case, Task
from medbench.session.cohort_shelf import CohortRecord, CohortShelf
from medbench.session.evaluation_desk import Dashboard
from medbench.ui.review.painting import grey_image
from medbench.ui.widgets import Card, label

_SHOWN = 60
_TILE_PX = 104


class CaseGallery(Card):
    """Thumbnails with score and id; a double click opens the case.

    Signals
    -------
    case_opened : Case
        The user wants to see it.
    """

    case_opened = Signal(object)

    def __init__(self, shelf: CohortShelf, parent: QWidget | None = None) -> None:
        super().__init__("Cases", parent)
        self.title.setText(self.tr("Cases"))
        self._shelf = shelf
        self._words = label("", "secondary")
        self.head.insertWidget(1, self._words)
        self._model = QStandardItemModel(self)
        self._items: dict[str, QStandardItem] = {}
        self.view = QListView()
        self.view.setAccessibleName(self.tr("Cases of the chosen cell"))
        self.view.setModel(self._model)
        self.view.setViewMode(QListView.ViewMode.IconMode)
        self.view.setResizeMode(QListView.ResizeMode.Adjust)
        self.view.setMovement(QListView.Movement.Static)
        self.view.setIconSize(QSize(_TILE_PX, _TILE_PX))
        self.view.setGridSize(QSize(_TILE_PX + 22, _TILE_PX + 44))
        self.view.setWordWrap(True)
        self.view.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self.view.doubleClicked.connect(self._opened)
        self.view.setMinimumHeight(_TILE_PX + 56)
        self.body.addWidget(self.view)
        shelf.thumbnail_ready.connect(self._thumbnail)

    def show_cell(
        self, dashboard: Dashboard, record: CohortRecord | None, decided: np.ndarray[Any, Any],
        true: int, called: int,
    ) -> None:  # fmt: skip
        """Show the cases of a cell."""
        known = dashboard.evaluation.predictions.labelled
        classes = known.meta["classes"]
        positive = int(known.meta["positive"])
        chosen = np.flatnonzero((known.labels == true) & (decided == called))
        order = chosen[np.argsort(-known.scores[chosen, called])]
        self._words.setText(
            self.tr("{0} {1}, called {2}; most confident first").format(
                len(order), classes[true].replace("_", " "), classes[called].replace("_", " ")
            )
        )
        cases = {} if record is None else {c.case_id: c for c in record.cohort.cases}
        self._model.clear()
        self._items.clear()
        for i in order[:_SHOWN]:
            case_id = str(known.case_ids[i])
            item = QStandardItem(f"{known.scores[i, positive]:.2f}  {case_id}")
            item.setToolTip(case_id)
            blank = QPixmap(_TILE_PX, _TILE_PX)
            blank.fill(Qt.GlobalColor.black)
            item.setIcon(blank)
            self._model.appendRow(item)
            self._items[case_id] = item
            case = cases.get(case_id)
            if case is not None and record is not None:
                item.setData(case, Qt.ItemDataRole.UserRole)
                if record.cohort.task is Task.IMAGE:
                    self._shelf.request_thumbnail(record, case, _TILE_PX)

    @Slot(str, object)
    def _thumbnail(self, case_id: str, picture: Any) -> None:
        item = self._items.get(case_id)
        if item is not None and picture is not None and picture.shape[0] == _TILE_PX:
            item.setIcon(QPixmap.fromImage(grey_image(picture)))

    @Slot(QModelIndex)
    def _opened(self, index: QModelIndex) -> None:
        case = index.data(Qt.ItemDataRole.UserRole)
        if isinstance(case, Case):
            self.case_opened.emit(case)
