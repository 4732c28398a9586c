"""An embedded document: PDF pages, text, or what it is and how to take it out."""

from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QIntValidator
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QLineEdit,
    QPlainTextEdit,
    QStackedWidget,
    QWidget,
)

from medbench.base.ids import slugify
from medbench.domain.image import DisplaySet
from medbench.domain.objects import Document, DocumentKind
from medbench.session.session import Session
from medbench.ui.review.content import ObjectView
from medbench.ui.review.documents.pages import PageArea
from medbench.ui.widgets import Button, EmptyState, IconButton, hbox, label, vbox


class DocumentView(ObjectView):
    """A document on the stage."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self.document: Document | None = None
        column = vbox(spacing=0)
        self.setLayout(column)
        column.addWidget(self._bar())
        self.pages = PageArea()
        self.pages.setAccessibleName(self.tr("Pages of the document"))
        self.pages.page_wanted.connect(self._page_wanted)
        self.pages.page_changed.connect(self._page_changed)
        self.pages.zoom_changed.connect(self._zoom_changed)
        self.text = QPlainTextEdit()
        self.text.setObjectName("mono")
        self.text.setReadOnly(True)
        self.text.setAccessibleName(self.tr("Text of the document"))
        self.other = EmptyState("file", "", "")
        self.stack = QStackedWidget()
        for page in (self.pages, self.text, self.other):
            self.stack.addWidget(page)
        column.addWidget(self.stack, 1)

    def _bar(self) -> QWidget:
        bar = QFrame()
        bar.setObjectName("toolbar")
        bar.setFixedHeight(49)
        row = hbox(margins=(16, 2, 12, 2), spacing=4)
        bar.setLayout(row)
        self.title = label("", "section")
        self.facts = label("", "secondary")
        row.addWidget(self.title)
        row.addSpacing(8)
        row.addWidget(self.facts)
        row.addStretch(1)
        self.paging = QWidget()
        tools = hbox(spacing=4)
        self.paging.setLayout(tools)
        self.before = IconButton("chevron-left", self.tr("Previous page"))
        self.before.clicked.connect(self.previous_page)
        self.number = QLineEdit()
        self.number.setAccessibleName(self.tr("Page"))
        self.number.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.number.setFixedWidth(52)
        self.number.editingFinished.connect(self._number_typed)
        self.total = label("", "secondary")
        self.after = IconButton("chevron-right", self.tr("Next page"))
        self.after.clicked.connect(self.next_page)
        farther = IconButton("zoom-out", self.tr("Zoom out"))
        farther.clicked.connect(self.zoom_out)
        self.zoom = label("", "secondary")
        self.zoom.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.zoom.setFixedWidth(48)
        nearer = IconButton("zoom-in", self.tr("Zoom in"))
        nearer.clicked.connect(self.zoom_in)
        fit = Button(self.tr("Fit width"), "ghost")
        fit.clicked.connect(self.fit_width)
        for part in (self.before, self.number, self.total, self.after, farther, self.zoom, nearer,
                     fit):  # fmt: skip
            tools.addWidget(part)
        row.addWidget(self.paging)
        save = Button(self.tr("Save a copy..."), "normal", "download")
        save.clicked.connect(self.ask_and_save)
        row.addWidget(save)
        return bar

    @classmethod
    def accepts(cls, payload: Any) -> bool:
        return isinstance(payload, Document)

    def show_object(self, display: DisplaySet, payload: Any) -> None:
        document: Document = payload
        self.document = document
        self.title.setText(document.title or display.description or self.tr("Document"))
        facts = [document.date, _size(document.length_bytes), *document.warnings]
        self.facts.setText(" · ".join(part for part in facts if part))
        is_pdf = document.kind is DocumentKind.PDF
        self.paging.setVisible(is_pdf)
        if is_pdf:
            self.stack.setCurrentWidget(self.pages)
            count = len(document.pages_pt)
            self.number.setValidator(QIntValidator(1, max(1, count), self.number))
            self.total.setText(self.tr("of {0}").format(count))
            self.pages.show_pages(document.pages_pt)
        elif document.kind is DocumentKind.TEXT:
            self.stack.setCurrentWidget(self.text)
            self.text.setPlainText(document.text)
            if document.length_bytes > len(document.text.encode()):
                self.facts.setText(self.facts.text() + " · " + self.tr("the beginning is shown"))
        else:
            self.stack.setCurrentWidget(self.other)
            self.other.title.setText(document.media_type)
            words = self.tr(
                "A model for printing or for other programs, {0}. Save a copy to use it."
            )
            if document.kind is not DocumentKind.MODEL:
                words = self.tr("A file of {0} that is not shown here. Save a copy to open it.")
            self.other.text.setText(words.format(_size(document.length_bytes)))

    # pages

    @Slot(int, float)
    def _page_wanted(self, page: int, scale: float) -> None:
        document = self.document
        if document is None:
            return

        def done(answer: tuple[int, float, np.ndarray]) -> None:
            if self.document is document:
                self.pages.show_picture(*answer)

        def failed(sentence: str) -> None:
            if sentence and self.document is document:
                words = self.tr("Page {0} cannot be drawn: {1}").format(page + 1, sentence)
                self.pages.show_failure(page, words)

        self.session.objects.page(document, page, scale, done, failed)

    @Slot(int)
    def _page_changed(self, page: int) -> None:
        self.number.setText(str(page + 1))
        self.before.setEnabled(page > 0)
        self.after.setEnabled(page + 1 < self.pages.count)

    @Slot(float)
    def _zoom_changed(self, zoom: float) -> None:
        self.zoom.setText(f"{zoom * 100:.0f} %")

    @Slot()
    def _number_typed(self) -> None:
        if self.number.text() != str(self.pages.page + 1):
            self.pages.go_to(int(self.number.text()) - 1)

    @Slot()
    def previous_page(self) -> None:
        """One page back."""
        self.pages.go_to(self.pages.page - 1)

    @Slot()
    def next_page(self) -> None:
        """One page on."""
        self.pages.go_to(self.pages.page + 1)

    @Slot()
    def zoom_in(self) -> None:
        """Nearer."""
        self.pages.zoom_by(1.25)

    @Slot()
    def zoom_out(self) -> None:
        """Farther."""
        self.pages.zoom_by(0.8)

    @Slot()
    def fit_width(self) -> None:
        """The widest page fills the width."""
        self.pages.fit_width()

    # taking it out

    @Slot()
    def ask_and_save(self) -> None:
        """Ask where to, then write the embedded file."""
        if self.document is None:
            return
        name = slugify(self.document.title, "document")
        chosen, _ = QFileDialog.getSaveFileName(
            self, self.tr("Save a copy"), str(Path.home() / (name + self.document.suffix))
        )
        if chosen:
            self.save_to(Path(chosen))

    def save_to(self, target: Path) -> None:
        """Write the embedded file, unchanged."""
        if self.document is None:
            return

        def done(path: Path) -> None:
            self.session.messages.success(self.tr("Saved {0}").format(path.name))

        def failed(sentence: str) -> None:
            if sentence:
                self.session.messages.error(self.tr("The copy was not saved"), sentence)

        self.session.objects.save_copy(self.document, target, done, failed)


def _size(count: int) -> str:
    """Bytes in words."""
    for unit, size in (("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} B"
