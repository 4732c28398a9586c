"""The command palette: every command by name, and what the workspace holds."""

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QModelIndex, QObject, Qt
from PySide6.QtGui import QKeyEvent, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QDialog, QListView, QVBoxLayout, QWidget

from medbench.session.session import Session
from medbench.ui.actions.registry import ActionRegistry, native
from medbench.ui.theme.icons import icon
from medbench.ui.widgets import SearchField

_SHOWN = 60


@dataclass(frozen=True)
class _Entry:
    title: str
    right: str
    icon: str
    action_id: str = ""
    workspace: str = ""
    payload: object = None


class CommandPalette(QDialog):
    """Opens below the command field; Enter runs, Escape leaves."""

    def __init__(
        self, session: Session, actions: ActionRegistry, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self._session = session
        self._actions = actions
        self.setAccessibleName(self.tr("Command palette"))
        self.setFixedSize(560, 420)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        self._field = SearchField(self.tr("Search or run a command"))
        self._field.textChanged.connect(self._filter)
        self._field.installEventFilter(self)
        column.addWidget(self._field)
        self._model = QStandardItemModel(self)
        self._list = QListView()
        self._list.setObjectName("palette")
        self._list.setAccessibleName(self.tr("Commands"))
        self._list.setModel(self._model)
        self._list.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self._list.activated.connect(self._run)
        self._list.clicked.connect(self._run)
        column.addWidget(self._list)
        self._entries: list[_Entry] = []
        self._shown: list[_Entry] = []

    def open_at(self, anchor: QWidget) -> None:
        """Show below a widget."""
        self._entries = self._collect()
        self._field.clear()
        self._filter("")
        place = anchor.mapToGlobal(anchor.rect().bottomLeft())
        self.move(place.x() - (self.width() - anchor.width()) // 2, place.y() + 4)
        self.show()
        self._field.setFocus()

    def _collect(self) -> list[_Entry]:
        found = [
            _Entry(
                spec.title,
                native(self._actions.key_of(spec.action_id)),
                spec.icon or "command",
                spec.action_id,
            )
            for spec in self._actions.specs()
        ]
        for study in self._session.library.studies:
            name = study.description or study.study_date
            found.append(
                _Entry(self.tr("Study: {0}").format(name), study.study_date, "scan-eye", "",
                       "review", study)
            )  # fmt: skip
        found += [
            _Entry(self.tr("Cohort: {0}").format(r.cohort.name), r.cohort.task.value, "table-2",
                   "", "cohorts", r.folder.name)
            for r in self._session.cohorts.records
        ]  # fmt: skip
        found += [
            _Entry(self.tr("Model: {0}").format(v.label), v.stage.value, "boxes", "", "models",
                   v.label)
            for v in self._session.models.versions
        ]  # fmt: skip
        return found

    def _filter(self, text: str) -> None:
        words = text.lower().split()
        self._shown = [e for e in self._entries if all(word in e.title.lower() for word in words)][
            :_SHOWN
        ]
        self._model.clear()
        for entry in self._shown:
            right = f"    {entry.right}" if entry.right else ""
            item = QStandardItem(icon(entry.icon, "text2", 16), entry.title + right)
            item.setEditable(False)
            self._model.appendRow(item)
        if self._shown:
            self._list.setCurrentIndex(self._model.index(0, 0))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            row = self._list.currentIndex().row()
            if event.key() == Qt.Key.Key_Down:
                self._list.setCurrentIndex(self._model.index(min(row + 1, len(self._shown) - 1), 0))
                return True
            if event.key() == Qt.Key.Key_Up:
                self._list.setCurrentIndex(self._model.index(max(row - 1, 0), 0))
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._run(self._list.currentIndex())
                return True
        return super().eventFilter(watched, event)

    def _run(self, index: QModelIndex) -> None:
        if not 0 <= index.row() < len(self._shown):
            return
        entry = self._shown[index.row()]
        self.hide()
        if entry.action_id:
            self._actions.action(entry.action_id).trigger()
        else:
            self._session.show_requested.emit(entry.workspace, entry.payload)
