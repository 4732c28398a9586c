"""A structured report or key object selection: head, search, tree, links to its images."""

from typing import Any

from PySide6.QtCore import QModelIndex, Qt, Slot
from PySide6.QtGui import QGuiApplication, QKeyEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QTreeView, QWidget

from medbench.domain.image import DisplaySet
from medbench.domain.objects import ImageLink, Report, ReportNode
from medbench.domain.report_text import node_value, nodes_of, report_lines
from medbench.session.session import Session
from medbench.ui.review.content import ObjectView
from medbench.ui.review.documents.fonts import missing_scripts, script_name
from medbench.ui.review.documents.report_row import KIND_ROLE, NAME_ROLE, VALUE_ROLE, ReportRow
from medbench.ui.review.documents.tree_model import LazyTreeModel
from medbench.ui.widgets import Button, Chip, IconButton, SearchField, hbox, label, vbox

_OPEN_AT_FIRST = 400
_OPEN_AT_MOST = 3000
_SHOWN_CHARACTERS = 6000


class ReportModel(LazyTreeModel):
    """One column; a row is a content item."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.titles = (self.tr("Content"),)
        self.places: dict[str, str] = {}
        """SOP Instance UID -> where the open image is, in words."""
        self.by_position: dict[str, ReportNode] = {}

    def links(self, node: ReportNode) -> tuple[ImageLink, ...]:
        """Images a row leads to: its own, or those its coordinates were selected from."""
        if node.target:
            target = self.by_position.get(node.target)
            return target.links if target is not None else ()
        if node.links or node.value_type != "SCOORD":
            return node.links
        return tuple(link for child in node.children for link in self.links(child))

    def cell(self, node: Any, column: int, role: int) -> Any:
        links = self.links(node)
        known = [
            self.places[k.sop_instance_uid] for k in links if k.sop_instance_uid in self.places
        ]
        if role == KIND_ROLE:
            if known:
                return "link"
            if links:
                return "missing"
            return "heading" if node.value_type == "CONTAINER" and node.children else ""
        name, value = node.name, node_value(node)
        if node.target:
            name = self.tr("See {0}").format(node.target)
            target = self.by_position.get(node.target)
            value = "" if target is None else f"{target.name} {target.value}".strip()
        elif links and node.links:
            value = " · ".join((value, known[0] if known else self.tr("not open")))
        if len(value) > _SHOWN_CHARACTERS:
            value = value[:_SHOWN_CHARACTERS] + " " + self.tr("... (the rest by Copy as text)")
        if not name and not value:
            name = node.value_type.title()
        if role == NAME_ROLE:
            return name
        if role == VALUE_ROLE:
            return value
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return f"{name}: {value}" if name and value else name or value
        if role == Qt.ItemDataRole.ToolTipRole:
            facts = [node.relationship.capitalize(), node.value_type, node.code, node.note]
            facts += [link.sop_instance_uid for link in node.links]
            return "\n".join(part for part in facts if part)
        return None


class ReportTree(QTreeView):
    """Opens links by click and Enter; rows follow the width."""

    def __init__(self, owner: "ReportView") -> None:
        super().__init__()
        self._owner = owner
        self.setHeaderHidden(True)
        self.setIndentation(18)
        self.setUniformRowHeights(False)
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QTreeView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setExpandsOnDoubleClick(False)
        self.setItemDelegate(ReportRow(self))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.scheduleDelayedItemsLayout()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        index = self.indexAt(event.position().toPoint())
        inside = index.isValid() and self.visualRect(index).contains(event.position().toPoint())
        if inside and event.button() == Qt.MouseButton.LeftButton:
            self._owner.follow(index)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        linked = self.indexAt(event.position().toPoint()).data(KIND_ROLE) == "link"
        shape = Qt.CursorShape.PointingHandCursor if linked else Qt.CursorShape.ArrowCursor
        self.viewport().setCursor(shape)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._owner.follow(self.currentIndex())
            return
        super().keyPressEvent(event)


class ReportView(ObjectView):
    """Report on the stage."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self.report: Report | None = None
        self._hits: list[str] = []
        self._hit = -1
        column = vbox(spacing=0)
        self.setLayout(column)
        column.addWidget(self._head())
        column.addWidget(self._bar())
        self.model = ReportModel(self)
        self.tree = ReportTree(self)
        self.tree.setModel(self.model)
        self.tree.setAccessibleName(self.tr("Content of the report"))
        sheet = QFrame()
        sheet.setObjectName("panel")
        box = vbox(margins=(16, 8, 8, 8))
        sheet.setLayout(box)
        box.addWidget(self.tree)
        column.addWidget(sheet, 1)
        session.library.changed.connect(self._find_places)
        session.settings.changed.connect(self._show_facts)

    def _head(self) -> QWidget:
        head = QFrame()
        head.setObjectName("panel")
        column = vbox(margins=(20, 14, 16, 12), spacing=6)
        head.setLayout(column)
        row = hbox()
        self.title = label("", "page", wrap=True)
        self.title.setAccessibleName(self.tr("Title"))
        row.addWidget(self.title, 1)
        self.complete, self.verified = Chip(""), Chip("")
        self.date = label("", "secondary")
        for part in (self.complete, self.verified, self.date):
            row.addWidget(part)
        column.addLayout(row)
        self.facts = label("", "secondary", wrap=True)
        column.addWidget(self.facts)
        return head

    def _bar(self) -> QWidget:
        bar = QFrame()
        bar.setObjectName("toolbar")
        row = hbox(margins=(16, 6, 16, 6), spacing=4)
        bar.setLayout(row)
        self.search = SearchField(self.tr("Search the report"))
        self.search.setFixedWidth(260)
        self.search.textChanged.connect(self._searched)
        self.search.returnPressed.connect(self.next_hit)
        row.addWidget(self.search)
        previous = IconButton("chevron-up", self.tr("Previous hit"))
        following = IconButton("chevron-down", self.tr("Next hit"))
        previous.clicked.connect(self.previous_hit)
        following.clicked.connect(self.next_hit)
        row.addWidget(previous)
        row.addWidget(following)
        self.hits = label("", "secondary")
        row.addWidget(self.hits)
        row.addStretch(1)
        for text, slot, icon in (
            (self.tr("Expand all"), self.expand_all, ""),
            (self.tr("Collapse"), self.collapse, ""),
            (self.tr("Copy as text"), self.copy_text, "copy"),
        ):
            button = Button(text, "ghost", icon)
            button.clicked.connect(slot)
            row.addWidget(button)
        return bar

    @classmethod
    def accepts(cls, payload: Any) -> bool:
        return isinstance(payload, Report)

    def show_object(self, display: DisplaySet, payload: Any) -> None:
        report: Report = payload
        self.report = report
        self.title.setText(report.title or display.description)
        self.date.setText(report.date)
        self._show_state(report)
        self._show_facts()
        self.search.clear()
        self.model.by_position = {node.position: node for node in nodes_of(report.root)}
        self._find_places()
        self.model.show_nodes(self._top(report))
        if report.count <= _OPEN_AT_FIRST:
            self.tree.expandAll()
        else:
            self.tree.expandToDepth(0)

    def _top(self, report: Report) -> tuple[ReportNode, ...]:
        """The title is in the head: the tree begins below the root."""
        root = report.root
        return root.children if root.children and not root.continuous else (root,)

    def _show_state(self, report: Report) -> None:
        self.complete.setVisible(not report.key_objects)
        self.verified.setVisible(not report.key_objects)
        self.complete.set_state(
            *((self.tr("Complete"), "success") if report.complete
              else (self.tr("Partial"), "warning"))
        )  # fmt: skip
        self.verified.set_state(
            *((self.tr("Verified"), "success") if report.verified
              else (self.tr("Unverified"), "warning"))
        )  # fmt: skip

    @Slot()
    def _show_facts(self, *_: object) -> None:
        keys = {
            "patient": self.tr("Patient"), "accession": self.tr("Accession"),
            "author": self.tr("Author"), "verifier": self.tr("Verified by"),
            "template": self.tr("Template"), "predecessor": self.tr("Replaces"),
            "duplicate": self.tr("Identical to"), "completion": self.tr("Completion"),
        }  # fmt: skip
        if self.report is None:
            return
        shown = self.session.settings.value.show_patient
        parts = [
            f"{keys.get(key, key)}: {value if shown or key != 'patient' else self.tr('hidden')}"
            for key, value in self.report.facts
        ]
        if self.report.key_objects:
            parts.append(self.tr("Images: {0}").format(len(self.report.links)))
        words = "".join(f"{node.name}{node.value}" for node in nodes_of(self.report.root))
        if missing := missing_scripts(words):
            names = ", ".join(script_name(script) for script in missing)
            parts.append(self.tr("No font for {0} letters is installed").format(names))
        self.facts.setText("    ".join(parts))
        self.facts.setVisible(bool(parts))

    @Slot()
    def _find_places(self) -> None:
        """Where the images are that the report points at."""
        if self.report is None:
            return
        wanted = {link.sop_instance_uid for link in self.report.links}
        places: dict[str, str] = {}
        for study in self.session.library.studies:
            for display in (d for series in study.series for d in series.displays):
                name = display.description or display.modality
                for number, frame in enumerate(display.frames, 1):
                    if frame.sop_instance_uid in wanted:
                        words = self.tr("{0}, image {1}").format(name, number)
                        places.setdefault(frame.sop_instance_uid, words)
        self.model.places = places
        self.tree.viewport().update()

    # links

    def follow(self, index: QModelIndex) -> None:
        """Show the image a row leads to."""
        node = self.model.node(index)
        if node is None:
            return
        if node.target:
            self._go_to(node.target)
            return
        links = self.model.links(node)
        if links:
            link = next((k for k in links if k.sop_instance_uid in self.model.places), links[0])
            self.link_requested.emit(link.sop_instance_uid, (link.frames or (1,))[0] - 1)

    def _go_to(self, position: str) -> None:
        """Select a content item, opening what is above it."""
        if self.report is None:
            return
        numbers = [int(part) - 1 for part in position.split(".")]
        path = numbers[1:] if self._top(self.report) is self.report.root.children else numbers
        index = self.model.index_of(path)
        if not index.isValid():
            return
        above = index.parent()
        while above.isValid():
            self.tree.expand(above)
            above = above.parent()
        self.tree.setCurrentIndex(index)
        self.tree.scrollTo(index)

    # search and text

    @Slot(str)
    def _searched(self, text: str) -> None:
        needle = text.strip().lower()
        self._hits, self._hit = [], -1
        if needle and self.report is not None:
            self._hits = [
                node.position for node in nodes_of(self.report.root)
                if node.position != "1" and needle in f"{node.name}: {node.value}".lower()
            ]  # fmt: skip
            self.next_hit()
        self._say_hits()

    def _say_hits(self) -> None:
        if not self.search.text().strip():
            self.hits.setText("")
        else:
            words = self.tr("{0} of {1}").format(self._hit + 1, len(self._hits))
            self.hits.setText(words if self._hits else self.tr("Nothing found"))

    def _step(self, by: int) -> None:
        if self._hits:
            self._hit = (self._hit + by) % len(self._hits) if self._hit >= 0 else 0
            self._go_to(self._hits[self._hit])
        self._say_hits()

    @Slot()
    def next_hit(self) -> None:
        """Select the next item that holds the text."""
        self._step(1)

    @Slot()
    def previous_hit(self) -> None:
        """Select the one before."""
        self._step(-1)

    @Slot()
    def expand_all(self) -> None:
        """Open every item, in very long reports the upper levels."""
        if self.report is not None and self.report.count > _OPEN_AT_MOST:
            self.tree.expandToDepth(1)
        else:
            self.tree.expandAll()

    @Slot()
    def collapse(self) -> None:
        """Close every item."""
        self.tree.collapseAll()

    @Slot()
    def copy_text(self) -> None:
        """The whole report to the clipboard."""
        if self.report is None:
            return
        head = [part for part in (self.report.status, self.report.date) if part]
        lines = report_lines(self.report.root)
        QGuiApplication.clipboard().setText("\n".join([lines[0], *head, "", *lines[1:]]))
        self.session.messages.success(self.tr("The report is in the clipboard"))
