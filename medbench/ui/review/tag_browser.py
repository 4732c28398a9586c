"""Right panel, tab Tags: every element of the shown file, with search."""

from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, QModelIndex, QPoint, Qt, QTimer, Slot
from PySide6.QtGui import QAction, QColor, QGuiApplication, QKeySequence, QShowEvent
from PySide6.QtWidgets import QCheckBox, QHeaderView, QMenu, QPlainTextEdit, QTreeView, QWidget
from shiboken6 import isValid

from medbench.domain.image import DisplaySet
from medbench.session.ports import Handle
from medbench.session.session import Session
from medbench.ui.review.documents.tree_model import LazyTreeModel
from medbench.ui.review.view_model import ViewModel
from medbench.ui.review.viewport import Viewport
from medbench.ui.theme.current import current
from medbench.ui.widgets import IconButton, SearchField, hbox, label, vbox

DEBOUNCE_MS = 150
_EXPAND_HITS = 300
_TAG, _NAME, _VR, _VALUE = range(4)


class TagModel(LazyTreeModel):
    """Tag, name, VR, value."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.hide_patient = False
        self.titles = (self.tr("Tag"), self.tr("Name"), self.tr("VR"), self.tr("Value"))

    def key(self, node: Any) -> int:
        return int(node.place)

    def has_children(self, node: Any) -> bool:
        return bool(node.packed)

    def shown_value(self, row: Any) -> str:
        """Value of a row, masked where it says who the patient is."""
        if self.hide_patient and row.patient and row.value and not row.packed:
            return self.tr("hidden")
        return str(row.value)

    def cell(self, node: Any, column: int, role: int) -> Any:
        if role == Qt.ItemDataRole.DisplayRole:
            if column == _TAG:
                return node.tag_text.strip("()") or node.name
            if column == _NAME:
                return node.name if node.tag >= 0 else ""
            return node.vr if column == _VR else self.shown_value(node)
        if role == Qt.ItemDataRole.ForegroundRole:
            if node.problem:
                return QColor(current().error)
            if column in (_TAG, _VR) or (self.hide_patient and node.patient):
                return QColor(current().text2)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(node)
        return None

    def about(self, row: Any) -> str:
        """What an element is, in one line."""
        if row.tag < 0:
            return str(row.problem)
        facts = [f"{row.tag_text} {row.name}", row.vr]
        if row.creator:
            facts.append(self.tr("Private, creator {0}").format(row.creator))
        facts.append(self.tr("VM {0}, {1} bytes").format(row.vm, row.length))
        return " · ".join(part for part in facts if part)

    def _tip(self, row: Any) -> str:
        parts = (self.about(row), row.keyword, self.shown_value(row))
        return "\n".join(part for part in parts if part)


class TagBrowser(QWidget):
    """Elements of the file of the shown slice; reads only while it is visible."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._path: Path | None = None
        self._tree: Any = None
        self._read_path: Path | None = None
        self._model: ViewModel | None = None
        self._stack: Viewport | None = None
        column = vbox(margins=(8, 12, 4, 12), spacing=8)
        self.setLayout(column)
        row = hbox(spacing=4)
        self.search = SearchField(self.tr("Tag, name or value"))
        self.search.textChanged.connect(self._search_later)
        self.search.returnPressed.connect(self.next_hit)
        row.addWidget(self.search, 1)
        self._previous = IconButton("chevron-up", self.tr("Previous hit"))
        self._next = IconButton("chevron-down", self.tr("Next hit"))
        self._previous.clicked.connect(self.previous_hit)
        self._next.clicked.connect(self.next_hit)
        row.addWidget(self._previous)
        row.addWidget(self._next)
        column.addLayout(row)
        row = hbox()
        self.hide_patient = QCheckBox(self.tr("Hide patient data"))
        self.hide_patient.setAccessibleName(self.tr("Hide patient data"))
        self.hide_patient.toggled.connect(self._masked)
        row.addWidget(self.hide_patient)
        row.addStretch(1)
        self.state = label("", "secondary")
        row.addWidget(self.state)
        column.addLayout(row)
        self.model = TagModel(self)
        self.view = _tag_view(self.model, self.tr("Elements of the file"))
        self.view.customContextMenuRequested.connect(self._menu)
        self.view.selectionModel().currentChanged.connect(self._selected)
        column.addWidget(self.view, 1)
        self.about = label("", "secondary", wrap=True)
        column.addWidget(self.about)
        self.value = QPlainTextEdit()
        self.value.setObjectName("mono")
        self.value.setReadOnly(True)
        self.value.setAccessibleName(self.tr("Whole value"))
        self.value.setFixedHeight(96)
        column.addWidget(self.value)
        self._copy_value = self._action(self.tr("Copy value"), QKeySequence.StandardKey.Copy)
        self._copy_value.triggered.connect(self.copy_value)
        self._copy_row = self._action(self.tr("Copy row"), QKeySequence("Ctrl+Shift+C"))
        self._copy_row.triggered.connect(self.copy_row)
        self._read_timer = self._timer(self._read)
        self._search_timer = self._timer(self._find)
        session.settings.changed.connect(self._settings_changed)
        self._settings_changed()

    def _action(self, text: str, keys: Any) -> QAction:
        made = QAction(text, self)
        made.setShortcut(QKeySequence(keys))
        made.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        self.view.addAction(made)
        return made

    def _timer(self, slot: Any) -> QTimer:
        made = QTimer(self)
        made.setSingleShot(True)
        made.setInterval(DEBOUNCE_MS)
        made.timeout.connect(slot)
        return made

    # what is shown

    def follow(self, model: ViewModel, stack: Viewport) -> None:
        """Show the file behind the slice of a viewport from now on."""
        if self._model is not None and self._stack is not None:
            self._model.display_changed.disconnect(self._moved)
            if isValid(self._stack):  # else it went with its screen, and its connections too
                self._stack.index_changed.disconnect(self._moved)
        self._model, self._stack = model, stack
        model.display_changed.connect(self._moved)
        stack.index_changed.connect(self._moved)
        self._moved()

    @Slot()
    def _moved(self, *_: object) -> None:
        if self._model is not None and self._stack is not None:
            self.show_display(self._model.display, self._stack.index)

    @Slot(object, int)
    def show_display(self, display: DisplaySet | None, index: int) -> None:
        """Show the file behind a slice; waits until the hand rests and the tab is visible."""
        frames = display.frames if display is not None else ()
        path = frames[min(max(index, 0), len(frames) - 1)].path if frames else None
        if path == self._path:
            return
        self._path = path
        if self.isVisible():
            self._read_timer.start()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._path != self._read_path:
            self._read()

    @Slot()
    def _read(self) -> None:
        path = self._path
        if not self.isVisible() or path == self._read_path:
            return
        self._read_path = path
        if path is None:
            self._show(None)
            return
        self.state.setText(self.tr("Reading ..."))

        def work(_handle: Handle) -> Any:
            from medbench.dicom.tag_tree import read_tags  # brings pydicom; not for the start

            return read_tags(path)

        self._session.objects.compute("tags", work, self._read_done, self._read_failed)

    def _read_done(self, tree: Any) -> None:
        if tree.path == self._path:
            self._show(tree)

    def _read_failed(self, sentence: str) -> None:
        if sentence:
            self._show(None)
            self.state.setText(sentence)

    def _show(self, tree: Any) -> None:
        wanted = self._selected_tags()
        self._tree = tree
        self.value.clear()
        if self.search.text().strip():
            self._find()
            return
        self.model.show_nodes(tree.rows if tree is not None else ())
        self._say_count()
        self._reselect(wanted)

    def _say_count(self) -> None:
        tree = self._tree
        self.state.setText("" if tree is None else self.tr("{0} elements").format(tree.count))

    def _selected_tags(self) -> int | None:
        row = self.current_row()
        return row.tag if row is not None and row.tag >= 0 else None

    def _reselect(self, tag: int | None) -> None:
        """Stay on the element while the slice changes."""
        if tag is None or self._tree is None:
            return
        for number, row in enumerate(self._tree.rows):
            if row.tag == tag:
                self.view.setCurrentIndex(self.model.index(number, 0))
                return

    # search

    @Slot(str)
    def _search_later(self, _text: str) -> None:
        self._search_timer.start()

    @Slot()
    def _find(self) -> None:
        tree, needle = self._tree, self.search.text().strip().lower()
        if tree is None:
            return
        if not needle:
            self.model.show_nodes(tree.rows)
            self._say_count()
            return
        hide = self.model.hide_patient

        def work(_handle: Handle) -> Any:
            from medbench.dicom.tag_tree import find_rows

            return (tree, *find_rows(tree.rows, needle, hide_patient=hide))

        self._session.objects.compute("tag search", work, self._found, self._search_failed)

    def _found(self, answer: tuple[Any, set[int], int]) -> None:
        tree, kept, hits = answer
        if tree is not self._tree or not self.search.text().strip():
            return
        self.model.show_nodes(tree.rows, kept)
        self.state.setText(self.tr("{0} hits").format(hits))
        if hits <= _EXPAND_HITS:
            self.view.expandAll()
        self._step(1, from_start=True)

    def _search_failed(self, sentence: str) -> None:
        if sentence:
            self.state.setText(sentence)

    def _is_hit(self, index: QModelIndex) -> bool:
        row = self.model.node(index)
        needle = self.search.text().strip().lower()
        if row is None or row.tag < 0 or not needle:
            return False
        words = f"{row.tag_text} {row.keyword} {row.name} {row.creator}\n"
        return needle in (words + self.model.shown_value(row)).lower() or needle in f"{row.tag:08x}"

    def _step(self, direction: int, *, from_start: bool = False) -> None:
        view = self.view
        index = self.model.index(0, 0) if from_start else view.currentIndex().siblingAtColumn(0)
        if from_start and self._is_hit(index):
            view.setCurrentIndex(index)
            return
        while index.isValid():
            index = view.indexBelow(index) if direction > 0 else view.indexAbove(index)
            index = index.siblingAtColumn(0)
            if self._is_hit(index):
                view.setCurrentIndex(index)
                view.scrollTo(index)
                return

    @Slot()
    def next_hit(self) -> None:
        """Go to the next element that holds the text."""
        self._step(1, from_start=not self.view.currentIndex().isValid())

    @Slot()
    def previous_hit(self) -> None:
        """Go to the one before."""
        self._step(-1)

    # values

    def current_row(self) -> Any:
        """The selected row, or None."""
        return self.model.node(self.view.currentIndex())

    @Slot(QModelIndex, QModelIndex)
    def _selected(self, index: QModelIndex, _before: QModelIndex) -> None:
        row, tree = self.model.node(index), self._tree
        self.about.setText("" if row is None else self.model.about(row))
        if row is None or tree is None:
            self.value.clear()
            return
        self.value.setPlainText(self.model.shown_value(row))
        hidden = self.model.hide_patient and row.patient
        if row.packed or hidden or not (row.cut or row.vr in ("LT", "ST", "UT")):
            return

        def work(_handle: Handle) -> Any:
            from medbench.dicom.tag_tree import full_text

            return row, full_text(tree, row)

        self._session.objects.compute("tag value", work, self._whole_value, self._search_failed)

    def _whole_value(self, answer: tuple[Any, str]) -> None:
        row, text = answer
        if row is self.current_row():
            self.value.setPlainText(text)

    @Slot()
    def copy_value(self) -> None:
        """The whole value of the selected row to the clipboard."""
        if self.current_row() is not None:
            QGuiApplication.clipboard().setText(self.value.toPlainText())

    @Slot()
    def copy_row(self) -> None:
        """Tag, name, VR and value, separated by tabulators."""
        row = self.current_row()
        if row is not None:
            parts = (row.tag_text, row.name, row.vr, self.model.shown_value(row))
            QGuiApplication.clipboard().setText("\t".join(parts))

    @Slot(QPoint)
    def _menu(self, place: QPoint) -> None:
        if self.current_row() is None:
            return
        menu = QMenu(self.view)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addActions([self._copy_value, self._copy_row])
        menu.popup(self.view.viewport().mapToGlobal(place))

    # who may see the patient

    @Slot(bool)
    def _masked(self, hidden: bool) -> None:
        self.model.hide_patient = hidden
        if self._tree is not None:
            self._show(self._tree)

    @Slot()
    def _settings_changed(self, *_: object) -> None:
        """With patients hidden everywhere they stay hidden here."""
        shown = self._session.settings.value.show_patient
        self.hide_patient.setEnabled(shown)
        if not shown:
            self.hide_patient.setChecked(True)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self.view.viewport().update()


def _tag_view(model: TagModel, name: str) -> QTreeView:
    view = QTreeView()
    view.setModel(model)
    view.setAccessibleName(name)
    view.setUniformRowHeights(True)
    view.setIndentation(10)
    view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
    header = view.header()
    header.setAccessibleName(name)
    header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
    header.setStretchLastSection(True)
    header.setMinimumSectionSize(24)
    for column, width in ((_TAG, 88), (_NAME, 98), (_VR, 30)):
        view.setColumnWidth(column, width)
    view.setTextElideMode(Qt.TextElideMode.ElideRight)
    return view
