"""A tree model over plain nodes that makes its rows only where somebody looks."""

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, QPersistentModelIndex, Qt

Index = QModelIndex | QPersistentModelIndex
_NONE = QModelIndex()


class _Entry:
    """A row that was looked at."""

    __slots__ = ("children", "node", "parent", "row")

    def __init__(self, node: Any, parent: int, row: int) -> None:
        self.node = node
        self.parent = parent
        self.row = row
        self.children: list[int] | None = None


class LazyTreeModel(QAbstractItemModel):
    """Rows of nodes that have ``children``; subclasses say what the columns show."""

    titles: tuple[str, ...] = ("",)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._entries: list[_Entry] = []
        self._roots: list[int] = []
        self._nodes: Sequence[Any] = ()
        self._kept: set[int] | None = None

    def show_nodes(self, nodes: Sequence[Any], kept: set[int] | None = None) -> None:
        """Show other nodes; with ``kept`` only those whose `key` is in it."""
        self.beginResetModel()
        self._nodes, self._kept = nodes, kept
        self._entries = []
        self._roots = self._make(nodes, -1)
        self.endResetModel()

    def node(self, index: Index) -> Any:
        """The node of an index; None for the invisible root."""
        return self._entries[index.internalId()].node if index.isValid() else None

    def key(self, node: Any) -> int:
        """What ``kept`` names a node by."""
        return id(node)

    def has_children(self, node: Any) -> bool:
        """Whether a node has any; subclasses may know it without making them."""
        return bool(node.children)

    def index_of(self, path: Sequence[int]) -> QModelIndex:
        """Index by row numbers from the top."""
        index = QModelIndex()
        for row in path:
            index = self.index(row, 0, index)
        return index

    def _make(self, nodes: Sequence[Any], parent: int) -> list[int]:
        made: list[int] = []
        for node in nodes:
            if self._kept is not None and self.key(node) not in self._kept:
                continue
            self._entries.append(_Entry(node, parent, len(made)))
            made.append(len(self._entries) - 1)
        return made

    def _children(self, index: Index) -> list[int]:
        if not index.isValid():
            return self._roots
        number = index.internalId()
        entry = self._entries[number]
        if entry.children is None:
            entry.children = self._make(entry.node.children, number)
        return entry.children

    # QAbstractItemModel

    def rowCount(self, parent: Index = _NONE) -> int:
        return 0 if parent.column() > 0 else len(self._children(parent))

    def hasChildren(self, parent: Index = _NONE) -> bool:  # noqa: N802
        if not parent.isValid():
            return bool(self._roots)
        if parent.column() > 0 or not self.has_children(self.node(parent)):
            return False
        return self._kept is None or bool(self._children(parent))

    def columnCount(self, parent: Index = _NONE) -> int:
        return len(self.titles)

    def index(self, row: int, column: int, parent: Index = _NONE) -> QModelIndex:
        children = self._children(parent)
        if 0 <= row < len(children) and 0 <= column < len(self.titles):
            return self.createIndex(row, column, children[row])
        return QModelIndex()

    def parent(self, index: Any = None) -> Any:
        if index is None:
            return super().parent()
        if not index.isValid():
            return QModelIndex()
        number = self._entries[index.internalId()].parent
        if number < 0:
            return QModelIndex()
        return self.createIndex(self._entries[number].row, 0, number)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return self.titles[section] if section < len(self.titles) else None
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Whatever `cell` says of the node."""
        node = self.node(index)
        return None if node is None else self.cell(node, index.column(), role)

    def cell(self, node: Any, column: int, role: int) -> Any:
        """Data of one cell; subclasses override it."""
        raise NotImplementedError
