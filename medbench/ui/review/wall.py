"""The grid of viewports: who stands where, which one is active, which one fills it all."""

from collections.abc import Sequence

from PySide6.QtCore import QMimeData, QPoint, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent, QResizeEvent
from PySide6.QtWidgets import QGridLayout, QToolButton, QWidget

from medbench.ui.widgets.controls import set_icon

DISPLAY_MIME = "application/x-medbench-display"
"""Key of a display that is dragged from the browser or the timeline."""
MOST = 4


def display_mime(key: str) -> QMimeData:
    """What a dragged series tile carries."""
    data = QMimeData()
    data.setData(DISPLAY_MIME, key.encode())
    return data


class Wall(QWidget):
    """Rows x columns of widgets, 1 x 1 to 4 x 4.

    Signals
    -------
    dropped : int, str
        A series tile was let go over this cell: cell, key of the display.
    badge_clicked
        The chain between the views.
    """

    dropped = Signal(int, str)
    badge_clicked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("viewports")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAcceptDrops(True)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(2)
        self._shown: list[QWidget] = []
        self._badge: QToolButton | None = None
        self.rows, self.columns = 1, 1

    @property
    def shown(self) -> tuple[QWidget, ...]:
        """Widgets on the wall, row by row."""
        return tuple(self._shown)

    def arrange(self, widgets: Sequence[QWidget], rows: int, columns: int) -> None:
        """Put widgets on the wall, row by row; others are taken off."""
        for widget in self._shown:
            self._grid.removeWidget(widget)
            if widget not in widgets:
                widget.hide()
        for line in range(MOST):
            self._grid.setRowStretch(line, 1 if line < rows else 0)
            self._grid.setColumnStretch(line, 1 if line < columns else 0)
        self._shown = list(widgets)
        self.rows, self.columns = rows, columns
        for at, widget in enumerate(widgets):
            self._grid.addWidget(widget, at // columns, at % columns)
            widget.show()

    def show_badge(self, *, on: bool, wanted: bool) -> None:
        """The chain between the first two columns: whether the views are linked."""
        if self._badge is None:
            if not wanted:
                return
            self._badge = QToolButton(self)
            self._badge.setObjectName("chain")
            self._badge.setFixedSize(28, 28)
            self._badge.setCheckable(True)
            self._badge.setAccessibleName(self.tr("Views are linked"))
            self._badge.setToolTip(self.tr("Link or unlink the views (J)"))
            self._badge.clicked.connect(self.badge_clicked)
        set_icon(self._badge, "link" if on else "unlink", "text", 16, "on_accent")
        self._badge.setChecked(on)
        self._badge.setVisible(wanted and self.columns > 1)
        self._place_badge()

    def _place_badge(self) -> None:
        if self._badge is not None and self.columns > 1 and len(self._shown) > 1:
            edge = self._shown[0].geometry().right() + 1
            self._badge.move(edge - 13, 64)
            self._badge.raise_()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._grid.activate()
        self._place_badge()

    def cell_at(self, place: QPoint) -> int:
        """Cell below a place on the wall; -1 between cells."""
        return next((i for i, w in enumerate(self._shown) if w.geometry().contains(place)), -1)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasFormat(DISPLAY_MIME):
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        if self.cell_at(event.position().toPoint()) >= 0:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        cell = self.cell_at(event.position().toPoint())
        if cell >= 0 and event.mimeData().hasFormat(DISPLAY_MIME):
            event.acceptProposedAction()
            key = bytes(event.mimeData().data(DISPLAY_MIME).data()).decode()
            self.dropped.emit(cell, key)
