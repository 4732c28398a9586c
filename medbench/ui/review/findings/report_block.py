"""Report text that composes itself, and that the reader may change; for any panel."""

from pathlib import Path

from PySide6.QtCore import QTimer, Slot
from PySide6.QtGui import (
    QColor,
    QGuiApplication,
    QHideEvent,
    QPainter,
    QPaintEvent,
    QTextCursor,
)
from PySide6.QtWidgets import QFileDialog, QPlainTextEdit, QWidget

from medbench.base.atomic import atomic_write
from medbench.base.errors import BadInputError
from medbench.domain.finding import Finding, ReportDraft, ReportPart
from medbench.domain.image import Study
from medbench.session.session import Session
from medbench.ui.theme.current import current
from medbench.ui.widgets import Button, hbox, label, vbox

KEEP_MS = 400
_NOT_A_PART = -1


class ReportEdit(QPlainTextEdit):
    """Paragraphs that know what they were composed from (the block's user state)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.parts: list[ReportPart] = []

    def show_parts(self, parts: tuple[ReportPart, ...]) -> None:
        """Fill the text; the cursor stays where it was."""
        place = self.textCursor().position()
        self.parts = list(parts)
        shown = [i for i, part in enumerate(self.parts) if part.text]
        self.setPlainText("\n".join(self.parts[i].text for i in shown))
        block = self.document().firstBlock()
        for i in shown:
            for _ in self.parts[i].text.split("\n"):
                block.setUserState(i)
                block = block.next()
        cursor = self.textCursor()
        cursor.setPosition(min(place, self.document().characterCount() - 1))
        self.setTextCursor(cursor)
        self.viewport().update()

    def read_parts(self) -> tuple[ReportPart, ...]:
        """What the text says now, paragraph by paragraph."""
        texts: list[tuple[int, list[str]]] = []
        block = self.document().firstBlock()
        while block.isValid():
            state = block.userState()
            if texts and state == texts[-1][0] != _NOT_A_PART:
                texts[-1][1].append(block.text())
            else:
                texts.append((state, [block.text()]))
            block = block.next()
        used: set[int] = set()
        out: list[ReportPart] = []
        for state, lines in texts:
            text = "\n".join(lines)
            at = state if 0 <= state < len(self.parts) and state not in used else _NOT_A_PART
            if at == _NOT_A_PART and text:
                at = next((i for i, p in enumerate(self.parts)
                           if i not in used and p.text == text), _NOT_A_PART)  # fmt: skip
            if at != _NOT_A_PART and text:
                used.add(at)
                part = self.parts[at]
                out.append(
                    ReportPart(part.key, part.composed, text, part.newer if part.key else "")
                )
            elif text:
                out.append(ReportPart("", "", text))
        for i, part in enumerate(self.parts):
            if i not in used and part.key:  # taken out: it stays out, at its place
                out.insert(min(i, len(out)), ReportPart(part.key, part.composed, "", ""))
        return tuple(out)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self.viewport())
        tokens = current()
        block = self.firstVisibleBlock()
        while block.isValid():
            box = self.blockBoundingGeometry(block).translated(self.contentOffset())
            if box.top() > self.viewport().height():
                break
            state = block.userState()
            part = self.parts[state] if 0 <= state < len(self.parts) else None
            own = part is None or not part.key or part.text != part.composed
            if own and block.text():
                newer = part is not None and part.newer
                painter.fillRect(
                    0, int(box.top()) + 2, 2, int(box.height()) - 4,
                    QColor(tokens.warning if newer else tokens.accent),
                )  # fmt: skip
            block = block.next()


class ReportBlock(QWidget):
    """Report text of a study: composed from findings and measurements, edited freely.

    Paragraphs that the reader changed carry a bar at the left and are never overwritten; a
    yellow bar says that what they were composed from has changed since.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._book = session.findings
        self._study: Study | None = None
        self._filling = False
        column = vbox(margins=(12, 8, 12, 12), spacing=6)
        self.setLayout(column)
        line = hbox(spacing=6)
        line.addWidget(label(self.tr("Report text"), "section"))
        line.addStretch(1)
        self.again = Button(self.tr("Compose again"), "ghost", "rotate-ccw")
        self.again.setToolTip(self.tr("Drop my changes and compose the whole text again"))
        self.again.clicked.connect(self.compose_again)
        line.addWidget(self.again)
        self.copy_button = Button(self.tr("Copy"), "normal", "copy")
        self.copy_button.clicked.connect(self.copy)
        line.addWidget(self.copy_button)
        self.export_button = Button(self.tr("Export"), "normal", "download")
        self.export_button.clicked.connect(self.export)
        line.addWidget(self.export_button)
        column.addLayout(line)
        self.edit = ReportEdit()
        self.edit.setAccessibleName(self.tr("Report text"))
        self.edit.setPlaceholderText(
            self.tr("Written by itself from findings and measurements; type to change it.")
        )
        self.edit.setTabChangesFocus(True)
        self.edit.setMinimumHeight(130)
        self.edit.textChanged.connect(self._typed)
        column.addWidget(self.edit)
        self.note = label("", "caption", wrap=True)
        column.addWidget(self.note)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(KEEP_MS)
        self._soon.timeout.connect(self.keep)
        session.readings.changed.connect(self._changed)
        session.findings.changed.connect(self.refresh)
        self.show_study(None)

    def show_study(self, study: Study | None) -> None:
        """Show the report of a study; None empties the block."""
        before = self._study.study_instance_uid if self._study is not None else ""
        now = study.study_instance_uid if study is not None else ""
        if before != now:
            self.keep()
        self._study = study
        for widget in (self.edit, self.again, self.copy_button, self.export_button):
            widget.setEnabled(study is not None)
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Compose what is not the reader's own."""
        study = self._study
        if study is None:
            self._fill(())
            return
        if self._soon.isActive():
            return  # the reader is typing: what they change is kept first
        try:
            draft = self._book.draft(study)
        except BadInputError as error:
            self.note.setText(str(error))
            return
        self._fill(draft.parts)
        if draft.parts and self._first_of_its_kind(draft):
            self._book.write(draft, self._session.settings.value.reader)

    def _first_of_its_kind(self, draft: ReportDraft) -> bool:
        """Composed text is kept too once a finding exists: the command line prints the same."""
        return bool(self._session.readings.of(Finding, draft.study_instance_uid))

    def _fill(self, parts: tuple[ReportPart, ...]) -> None:
        if tuple(self.edit.parts) != parts:
            self._filling = True
            self.edit.show_parts(parts)
            self._filling = False
        own = sum(part.edited and bool(part.text) for part in parts)
        newer = sum(bool(part.newer) for part in parts)
        out = sum(bool(part.key) and not part.text for part in parts)
        words = []
        if own:
            words.append(self.tr("Paragraphs of your own: {0}").format(own))
        if out:
            words.append(self.tr("taken out: {0}").format(out))
        if newer:
            words.append(self.tr("changed below since: {0}").format(newer))
        self.note.setText(" · ".join(words))
        self.note.setVisible(bool(words))
        self.again.setVisible(bool(words))

    @Slot(str)
    def _changed(self, kind: str) -> None:
        if kind == ReportDraft.stored_as and not self._soon.isActive():
            study = self._study
            stored = None
            if study is not None:
                stored = self._session.readings.get(ReportDraft, study.study_instance_uid)
            if stored is not None and stored.parts != tuple(self.edit.parts):
                self._fill(stored.parts)

    @Slot()
    def _typed(self) -> None:
        if not self._filling:
            self._soon.start()

    @Slot()
    def keep(self) -> None:
        """Keep what was typed."""
        pending = self._soon.isActive() or self.sender() is self._soon
        self._soon.stop()
        study = self._study
        if study is None or not pending:
            return
        parts = self.edit.read_parts()
        self.edit.parts = list(parts)
        self._restate(parts)
        self._book.write(
            ReportDraft(study.study_instance_uid, parts), self._session.settings.value.reader
        )
        self._fill(parts)

    def _restate(self, parts: tuple[ReportPart, ...]) -> None:
        """Give the paragraphs on the screen their new numbers, without touching the text."""
        numbers = [i for i, p in enumerate(parts) if p.text for _ in p.text.split("\n")]
        block = self.edit.document().firstBlock()
        for number in numbers:
            while block.isValid() and not block.text():
                block.setUserState(_NOT_A_PART)
                block = block.next()
            if not block.isValid():
                return
            block.setUserState(number)
            block = block.next()

    @Slot()
    def compose_again(self) -> None:
        """Drop the reader's changes."""
        self._soon.stop()
        study = self._study
        if study is not None:
            self._book.write(
                ReportDraft(study.study_instance_uid, ()), self._session.settings.value.reader
            )
            self.refresh()

    @property
    def text(self) -> str:
        """Plain text as it stands on the screen."""
        return self.edit.toPlainText().strip()

    @Slot()
    def copy(self) -> None:
        """Plain text to the clipboard."""
        QGuiApplication.clipboard().setText(self.text)
        self._session.messages.success(self.tr("Report text copied"))

    @Slot()
    def export(self) -> None:
        """Ask where to, and write the text."""
        name, _ = QFileDialog.getSaveFileName(
            self, self.tr("Export report text"), self.tr("report.txt"),
            self.tr("Text (*.txt);;Markdown (*.md)"),
        )  # fmt: skip
        if name:
            self.write_to(Path(name))

    def write_to(self, path: Path) -> None:
        """Write .txt, or .md with a title and the research notice."""
        if path.suffix.lower() not in (".txt", ".md"):
            path = path.with_suffix(".txt")
        body = self.text
        if path.suffix.lower() == ".md":
            head = self.tr("# Report text")
            stamp = self.tr("> Research use, not for diagnosis.")
            body = f"{head}\n\n{stamp}\n\n" + body.replace("\n", "\n\n")
        try:
            atomic_write(path, (body + "\n").encode("utf-8"))
        except OSError as error:
            self._session.messages.error(
                self.tr("The report could not be written to {0}").format(path.name),
                error.strerror or str(error),
            )
            return
        self._session.messages.success(self.tr("Report text written to {0}").format(path.name))

    def hideEvent(self, event: QHideEvent) -> None:
        self.keep()
        super().hideEvent(event)

    def move_to_end(self) -> None:
        """Put the cursor behind the text."""
        self.edit.moveCursor(QTextCursor.MoveOperation.End)
        self.edit.setFocus()
