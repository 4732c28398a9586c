"""A line above the viewports: how the series was split, which files are not shown, and why."""

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QFrame, QLabel, QTreeWidget, QTreeWidgetItem, QVBoxLayout, QWidget

from medbench.domain.image import DisplaySet
from medbench.session.library import Library
from medbench.ui.widgets import IconButton, hbox, icon_label, label

_MAX_ROWS = 5000


class NotesBar(QFrame):
    """Shown only where there is something to say; a click lists every split and every reject."""

    def __init__(self, library: Library, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("notice")
        self.setProperty("kind", "warning")
        self._library = library
        self._display: DisplaySet | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 4, 6, 4)
        column.setSpacing(4)
        head = hbox()
        head.addWidget(icon_label("triangle-alert", "warning", 14))
        self.words: QLabel = label("", "secondary")
        head.addWidget(self.words, 1)
        self._more = IconButton("chevron-down", self.tr("List every split and every reject"))
        self._more.setCheckable(True)
        self._more.toggled.connect(self._open)
        head.addWidget(self._more)
        column.addLayout(head)
        self.list = QTreeWidget()
        self.list.setAccessibleName(self.tr("Splits and rejects"))
        self.list.setHeaderLabels([self.tr("What"), self.tr("Why")])
        self.list.setRootIsDecorated(False)
        self.list.setMaximumHeight(180)
        self.list.setColumnWidth(0, 340)
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.list.hide()
        column.addWidget(self.list)
        library.changed.connect(self.refresh)
        self.refresh()

    def show_display(self, display: DisplaySet) -> None:
        """Speak of this display's series."""
        self._display = display
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """What the last scan and the shown series have to say."""
        shown, rejects = self._display, self._library.skipped
        parts = []
        if shown is not None and shown.reason and not shown.kind.without_pictures:
            parts.append(self.tr("This part: {0}").format(shown.reason))
        if rejects:
            parts.append(self.tr("Files not shown: {0}").format(len(rejects)))
        self.words.setText(" · ".join(parts))
        self.setVisible(bool(parts))
        if not self.list.isHidden():
            self._fill()

    @Slot(bool)
    def _open(self, opened: bool) -> None:
        self.list.setVisible(opened)
        if opened:
            self._fill()

    def _fill(self) -> None:
        self.list.clear()
        items = []
        for study in self._library.studies:
            for series in study.series:
                for display in series.displays:
                    if display.reason and len(series.displays) > 1:
                        name = f"{series.description or series.modality} · {display.slices}"
                        items.append(QTreeWidgetItem([name, display.reason]))
        for item in self._library.skipped[:_MAX_ROWS]:
            row = QTreeWidgetItem([item.path.name, item.reason])
            row.setToolTip(0, str(item.path))
            items.append(row)
        self.list.addTopLevelItems(items[:_MAX_ROWS])
