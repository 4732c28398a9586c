"""The reader's findings as a list; the selected one opens its fields."""

from datetime import datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QFrame, QLineEdit, QVBoxLayout, QWidget

from medbench.domain.finding import Certainty, Finding, Origin
from medbench.domain.image import Study
from medbench.domain.measurement import Measurement
from medbench.domain.reading_report import ReportSource, size_words
from medbench.ui.review.findings.gauges import CertaintyBars
from medbench.ui.widgets import (
    Chip,
    HLine,
    IconButton,
    PanelHeader,
    SegmentedControl,
    hbox,
    icon_label,
    label,
    vbox,
)

if TYPE_CHECKING:
    from medbench.ui.review.findings.desk import FindingDesk


def initials(name: str) -> str:
    """First letters of the first two words."""
    return "".join(part[0] for part in name.split()[:2]).upper() or "–"


def clock(when: str) -> str:
    """Local date and time of an ISO stamp, without the date where it is today."""
    try:
        at = datetime.fromisoformat(when).astimezone()
    except ValueError:
        return ""
    today = datetime.now().astimezone().date()
    return f"{at:%H:%M}" if at.date() == today else f"{at:%Y-%m-%d %H:%M}"


class FindingRow(QFrame):
    """One finding: tag, text, origin, certainty; fields below while it is selected.

    Signals
    -------
    chosen : str
        Its id: the reader clicked it.
    """

    chosen = Signal(str)

    def __init__(
        self, desk: "FindingDesk", finding: Finding, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("row")
        self._desk = desk
        self.finding = finding
        self._fields: QWidget | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        column = vbox(margins=(12, 7, 12, 7), spacing=3)
        self.setLayout(column)
        line = hbox()
        self.tag = Chip(finding.tag)
        line.addWidget(self.tag)
        self.title = label("", "")
        self.title.setWordWrap(True)
        line.addWidget(self.title, 1)
        ai = finding.origin is not Origin.READER
        line.addWidget(icon_label("brain" if ai else "user", "text2", 15))
        column.addLayout(line)
        line = hbox()
        self.words = label("", "secondary")
        line.addWidget(self.words, 1)
        self.bars = CertaintyBars(self.tr("Certainty"))
        self.bars.changed.connect(self._certainty_changed)
        line.addWidget(self.bars)
        self.certainty = label("")
        line.addWidget(self.certainty)
        column.addLayout(line)
        self._column = column
        self.show_finding(finding)

    def show_finding(self, finding: Finding) -> None:
        """Show what the record says now."""
        self.finding = finding
        title = finding.title or self.tr("No text yet")
        if finding.absent:
            title = self.tr("Not present: {0}").format(title)
        self.title.setText(title)
        origin = {
            Origin.READER: self.tr("drawn by reader") if finding.outline else self.tr("by reader"),
            Origin.AI_ACCEPTED: self.tr("from AI"),
            Origin.AI_EDITED: self.tr("from AI, outline edited"),
        }[finding.origin]
        self.words.setText(f"{initials(finding.reader)} {clock(finding.created)} · {origin}")
        seen = self.tr("AI was seen first") if finding.ai_seen_first else self.tr("before AI")
        self.words.setToolTip(f"{finding.reader}, {finding.created}\n{seen}")
        self.bars.show_certainty(finding.certainty)
        self.certainty.setText(certainty_words(self, finding.certainty))
        self.setAccessibleName(f"{finding.tag} {title}")
        if self._fields is not None:
            self._fill()

    def set_selected(self, *, selected: bool) -> None:
        """Open or close the fields."""
        if selected and self._fields is None:
            self._fields = self._make_fields()
            self._column.addWidget(self._fields)
            self._fill()
        elif not selected and self._fields is not None:
            self._fields.setParent(None)
            self._fields.deleteLater()
            self._fields = None

    def _make_fields(self) -> QWidget:
        box = QWidget()
        column = vbox(margins=(0, 4, 0, 2), spacing=6)
        box.setLayout(column)
        self.text_field = self._field(self.tr("Text of the finding"))
        self.place_field = self._field(self.tr("Side and zone"))
        column.addWidget(self.text_field)
        self.steps = SegmentedControl(
            [(c.value, certainty_words(self, c)) for c in Certainty], self.tr("Certainty")
        )
        self.steps.changed.connect(self._step_chosen)
        self.absent = QCheckBox(self.tr("Not present"))
        self.absent.setAccessibleName(self.tr("The finding is not present"))
        self.absent.clicked.connect(self._absent_changed)
        line = hbox(spacing=6)
        line.addWidget(self.place_field, 1)
        line.addWidget(self.absent)
        column.addLayout(line)
        column.addWidget(self.steps)
        self.link = QComboBox()
        self.link.setAccessibleName(self.tr("Linked measurement"))
        self.link.setMinimumWidth(60)
        self.link.activated.connect(self._linked)
        line = hbox(spacing=4)
        line.addWidget(self.link, 1)
        self.go = IconButton("crosshair", self.tr("Go to the picture"))
        self.go.clicked.connect(self._jump)
        self.outline = IconButton("spline", self.tr("Edit the outline"))
        self.outline.clicked.connect(self._edit_outline)
        self.delete = IconButton("trash-2", self.tr("Delete the finding"))
        self.delete.clicked.connect(self._delete)
        for button in (self.go, self.outline, self.delete):
            line.addWidget(button)
        column.addLayout(line)
        return box

    def _field(self, name: str) -> QLineEdit:
        field = QLineEdit()
        field.setAccessibleName(name)
        field.setPlaceholderText(name)
        field.setMaxLength(400)
        field.editingFinished.connect(self._typed)
        return field

    def _fill(self) -> None:
        finding = self.finding
        for field, words in ((self.text_field, finding.text), (self.place_field, finding.place)):
            if not field.isModified() or not field.hasFocus():
                field.setText(words)
        self.steps.choose(finding.certainty.value)
        self.absent.setChecked(finding.absent)
        self.link.clear()
        self.link.addItem(self.tr("No measurement linked"), "")
        measurements = self._desk.session.readings.of(Measurement, finding.study_instance_uid)
        templates = self._desk.book.templates()
        for measurement in measurements:
            words = size_words(measurement, ReportSource(), templates)
            if words:
                name = measurement.label or templates["names"].get(measurement.kind.value, "")
                self.link.addItem(f"{name} {words}".strip(), measurement.measurement_id)
        linked = finding.measurement_ids[0] if finding.measurement_ids else ""
        self.link.setCurrentIndex(max(0, self.link.findData(linked)))
        self.link.setEnabled(self.link.count() > 1)

    def start_typing(self) -> None:
        """Put the cursor into the text."""
        if self._fields is not None:
            self.text_field.setFocus()
            self.text_field.selectAll()

    # what the reader does

    def _change(self, **values: object) -> None:
        self._desk.book.change(self.finding, **values)

    @Slot()
    def _typed(self) -> None:
        text, place = self.text_field.text().strip(), self.place_field.text().strip()
        for field in (self.text_field, self.place_field):
            field.setModified(False)
        if (text, place) != (self.finding.text, self.finding.place):
            self._change(text=text, place=place)

    @Slot(object)
    def _certainty_changed(self, certainty: Certainty) -> None:
        self._change(certainty=certainty)

    @Slot(str)
    def _step_chosen(self, key: str) -> None:
        self._change(certainty=Certainty(key))

    @Slot()
    def _absent_changed(self, *_: object) -> None:
        self._change(absent=self.absent.isChecked())

    @Slot(int)
    def _linked(self, _index: int) -> None:
        chosen = str(self.link.currentData() or "")
        self._change(measurement_ids=(chosen,) if chosen else ())

    @Slot()
    def _jump(self) -> None:
        self._desk.jump_to(self.finding.site, self.finding.outline)

    @Slot()
    def _edit_outline(self) -> None:
        self._desk.edit_outline(self.finding)

    @Slot()
    def _delete(self) -> None:
        self._desk.book.delete(self.finding)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton:
            self.chosen.emit(self.finding.finding_id)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._jump()

    def event(self, event: QEvent) -> bool:
        own = (Qt.Key.Key_Delete, Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space)
        if (
            isinstance(event, QKeyEvent)
            and event.type() is QEvent.Type.ShortcutOverride
            and event.modifiers() == Qt.KeyboardModifier.NoModifier
            and event.key() in own
        ):
            event.accept()  # here these keys are about the row, not about measurements
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.chosen.emit(self.finding.finding_id)
        elif event.key() == Qt.Key.Key_Delete:
            self._delete()
        else:
            super().keyPressEvent(event)


def certainty_words(widget: QWidget, certainty: Certainty) -> str:
    """Possible, probable, definite."""
    return {
        Certainty.POSSIBLE: widget.tr("Possible"),
        Certainty.PROBABLE: widget.tr("Probable"),
        Certainty.DEFINITE: widget.tr("Definite"),
    }[certainty]


class FindingList(QWidget):
    """Header with Add, one row a finding."""

    def __init__(self, desk: "FindingDesk", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        add = IconButton.of(
            desk.page.actions_registry.action("medbench.review.add_finding"), "plus"
        )
        self.header = PanelHeader(self.tr("Reader findings"), [add])
        column.addWidget(self.header)
        self._empty = label(
            self.tr("No finding yet. Add one, draw it (Y), or accept a suggestion."), "secondary",
            wrap=True,
        )  # fmt: skip
        self._empty.setContentsMargins(12, 8, 12, 8)
        column.addWidget(self._empty)
        self._column = vbox(spacing=0)
        column.addLayout(self._column)
        self.rows: dict[str, FindingRow] = {}
        self._lines: list[QWidget] = []

    def show_study(self, study: Study | None) -> None:
        """Findings of a study; rows that stay keep the reader's cursor."""
        found = () if study is None else self._desk.book.findings(study.study_instance_uid)
        ids = [f.finding_id for f in found]
        if list(self.rows) != ids:
            self._rebuild(found)
        for finding in found:
            row = self.rows[finding.finding_id]
            if row.finding != finding:
                row.show_finding(finding)
        self._empty.setVisible(not found)
        self.mark()

    def _rebuild(self, found: tuple[Finding, ...]) -> None:
        kept = {f.finding_id for f in found}
        for finding_id in [i for i in self.rows if i not in kept]:
            row = self.rows.pop(finding_id)
            row.setParent(None)
            row.deleteLater()
        for line in self._lines:
            line.setParent(None)
            line.deleteLater()
        self._lines.clear()
        rows: dict[str, FindingRow] = {}
        for finding in found:
            known = self.rows.get(finding.finding_id)
            row = FindingRow(self._desk, finding) if known is None else known
            if known is None:
                row.chosen.connect(self._desk.choose)
            rows[finding.finding_id] = row
            self._column.removeWidget(row)
            self._column.addWidget(row)
            line = HLine()
            self._lines.append(line)
            self._column.addWidget(line)
        self.rows = rows

    def mark(self) -> None:
        """Open the selected row."""
        for finding_id, row in self.rows.items():
            row.set_selected(selected=finding_id == self._desk.chosen)

    def type_text(self, finding_id: str) -> None:
        """Let the reader type the text of a finding."""
        if finding_id in self.rows:
            self.rows[finding_id].start_typing()
