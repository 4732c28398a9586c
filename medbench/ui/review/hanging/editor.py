"""The list of hanging protocols: switch, order, name, match, stages, import and export."""

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from medbench.domain.hanging import HangingRule, HangingStage
from medbench.session.hanging import HangingBook
from medbench.ui.review.hanging.match_form import MatchForm
from medbench.ui.widgets import Button, Chip, IconButton, hbox, label, vbox

_ID = Qt.ItemDataRole.UserRole


class HangingDialog(QDialog):
    """Every change is kept at once and can be undone."""

    def __init__(self, book: HangingBook, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._book = book
        self._filling = False
        self.setWindowTitle(self.tr("Hanging protocols"))
        self.resize(860, 560)
        outer = vbox(margins=(20, 16, 20, 16), spacing=10)
        self.setLayout(outer)
        outer.addWidget(label(self.tr("Hanging protocols"), "page"))
        words = self.tr(
            "The most specific rule that fits a study is applied when it is opened; of equal ones "
            "the upper one. The examples are off until you tick them."
        )
        outer.addWidget(label(words, "secondary", wrap=True))
        middle = hbox(spacing=16)
        middle.addLayout(self._left(), 1)
        self.details = QWidget()
        self.details.setLayout(self._right())
        middle.addWidget(self.details, 1)
        outer.addLayout(middle, 1)
        outer.addLayout(self._foot())
        book.changed.connect(self.refresh)
        self.refresh()
        if self.rules.count():
            self.rules.setCurrentRow(0)
        self._show_rule()

    def _left(self) -> QVBoxLayout:
        column = vbox(spacing=6)
        self.rules = QListWidget()
        self.rules.setAccessibleName(self.tr("Rules"))
        self.rules.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.rules.currentRowChanged.connect(self._show_rule)
        self.rules.itemChanged.connect(self._switched)
        column.addWidget(self.rules, 1)
        row = hbox(spacing=4)
        self.up = IconButton("chevron-up", self.tr("Move up"))
        self.down = IconButton("chevron-down", self.tr("Move down"))
        self.copy = IconButton("copy", self.tr("Copy the rule"))
        self.delete = IconButton("trash-2", self.tr("Delete the rule"))
        for button, slot in ((self.up, self._move_up), (self.down, self._move_down),
                             (self.copy, self._copy), (self.delete, self._delete)):  # fmt: skip
            button.clicked.connect(slot)
            row.addWidget(button)
        row.addStretch(1)
        column.addLayout(row)
        return column

    def _right(self) -> QVBoxLayout:
        column = vbox(spacing=8)
        self.name = QLineEdit()
        self.name.setAccessibleName(self.tr("Name"))
        self.name.editingFinished.connect(self._renamed)
        column.addWidget(self.name)
        self.form = MatchForm()
        self.form.changed.connect(self._matched)
        column.addWidget(self.form)
        column.addWidget(label(self.tr("Stages"), "section"))
        self.stages = QListWidget()
        self.stages.setAccessibleName(self.tr("Stages"))
        column.addWidget(self.stages, 1)
        row = hbox(spacing=4)
        self.stage_up = IconButton("chevron-up", self.tr("Stage earlier"))
        self.stage_delete = IconButton("trash-2", self.tr("Delete the stage"))
        self.stage_up.clicked.connect(self._stage_earlier)
        self.stage_delete.clicked.connect(self._stage_deleted)
        row.addWidget(self.stage_up)
        row.addWidget(self.stage_delete)
        row.addStretch(1)
        self.origin = Chip("")
        row.addWidget(self.origin)
        column.addLayout(row)
        return column

    def _foot(self) -> QHBoxLayout:
        row = hbox()
        self.import_button = Button(self.tr("Import…"), icon_name="import")
        self.export_button = Button(self.tr("Export…"), icon_name="upload")
        self.shipped_button = Button(self.tr("Restore examples"))
        close = Button(self.tr("Close"), "primary")
        self.import_button.clicked.connect(self._import)
        self.export_button.clicked.connect(self._export)
        self.shipped_button.clicked.connect(self._restore)
        close.clicked.connect(self.accept)
        for button in (self.import_button, self.export_button, self.shipped_button):
            button.setAutoDefault(False)
            row.addWidget(button)
        row.addStretch(1)
        row.addWidget(close)
        return row

    # what is shown

    @Slot()
    def refresh(self) -> None:
        """Show the rules as they are now; the chosen one stays chosen."""
        chosen = self._chosen()
        self._filling = True
        self.rules.clear()
        for rule in self._book.rules:
            item = QListWidgetItem(rule.name)
            item.setData(_ID, rule.rule_id)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            on = Qt.CheckState.Checked if rule.enabled else Qt.CheckState.Unchecked
            item.setCheckState(on)
            item.setToolTip(self.match_words(rule))
            self.rules.addItem(item)
            if chosen is not None and rule.rule_id == chosen.rule_id:
                self.rules.setCurrentItem(item)
        self._filling = False
        if self.rules.currentRow() < 0 and self.rules.count():
            self.rules.setCurrentRow(0)
        self._show_rule()

    def match_words(self, rule: HangingRule) -> str:
        """What the rule is for, in one line."""
        match = rule.match
        parts = [match.modality, match.body_part, " + ".join(match.words)]
        if match.without:
            parts.append(self.tr("without {0}").format(", ".join(match.without)))
        if match.least_series:
            parts.append(self.tr("series ≥ {0}").format(match.least_series))
        if match.most_series:
            parts.append(self.tr("series ≤ {0}").format(match.most_series))
        if match.prior is not None:
            parts.append(self.tr("with prior") if match.prior else self.tr("no prior"))
        parts.append(match.laterality)
        return " · ".join(part for part in parts if part) or self.tr("every study")

    def _chosen(self) -> HangingRule | None:
        item = self.rules.currentItem()
        return None if item is None else self._book.get(item.data(_ID))

    @Slot()
    @Slot(int)
    def _show_rule(self, *_: object) -> None:
        if self._filling:
            return
        rule, row = self._chosen(), self.rules.currentRow()
        self.details.setEnabled(rule is not None)
        for button in (self.copy, self.delete):
            button.setEnabled(rule is not None)
        self.up.setEnabled(row > 0)
        self.down.setEnabled(0 <= row < self.rules.count() - 1)
        self.export_button.setEnabled(bool(self._book.rules))
        if rule is None:
            return
        self.name.setText(rule.name)
        self.form.fill(rule.match)
        at = max(0, self.stages.currentRow())
        self.stages.clear()
        for number, stage in enumerate(rule.stages, 1):
            self.stages.addItem(self.stage_words(number, stage))
        self.stages.setCurrentRow(min(at, self.stages.count() - 1))
        self.stage_delete.setEnabled(len(rule.stages) > 1)
        self.stage_up.setEnabled(len(rule.stages) > 1)
        self.origin.set_state(self.tr("Example"), "plain")
        self.origin.setVisible(rule.shipped)

    def stage_words(self, number: int, stage: HangingStage) -> str:
        """'1. Lung (1 × 3): CT axial, CT axial, CT axial'."""
        cells = []
        for cell in stage.cells:
            asked = cell.selector
            words = [asked.modality, *asked.words, asked.plane, asked.laterality, asked.view,
                     "" if cell.kind == "acquired" else cell.kind, cell.preset]  # fmt: skip
            text = " ".join(word for word in words if word) or "–"
            cells.append(self.tr("prior {0}").format(text) if asked.prior else text)
        head = f"{number}. {stage.name} ".rstrip() + f" ({stage.rows} × {stage.columns})"
        return f"{head}: {', '.join(cells)}"

    # changes

    def _put(self, **values: object) -> None:
        rule = self._chosen()
        if rule is not None:
            changed = replace(rule, **values)  # type: ignore[arg-type]
            if changed != rule:
                self._book.put(replace(changed, shipped=False), self.tr("Change hanging protocol"))

    @Slot(QListWidgetItem)
    def _switched(self, item: QListWidgetItem) -> None:
        rule = self._book.get(item.data(_ID))
        if self._filling or rule is None:
            return
        on = item.checkState() is Qt.CheckState.Checked
        if on != rule.enabled:
            self._book.put(replace(rule, enabled=on), self.tr("Switch hanging protocol"))

    @Slot()
    def _renamed(self) -> None:
        name = self.name.text().strip()[:200]
        if name:
            self._put(name=name)
        else:
            self._show_rule()

    @Slot()
    def _matched(self) -> None:
        self._put(match=self.form.match)

    @Slot()
    def _move_up(self) -> None:
        self._move(-1)

    @Slot()
    def _move_down(self) -> None:
        self._move(1)

    def _move(self, by: int) -> None:
        if (rule := self._chosen()) is not None:
            self._book.move(rule.rule_id, by, self.tr("Order of hanging protocols"))

    @Slot()
    def _copy(self) -> None:
        if (rule := self._chosen()) is not None:
            self._book.duplicate(rule, self.tr("Copy of {0}").format(rule.name))

    @Slot()
    def _delete(self) -> None:
        if (rule := self._chosen()) is not None:
            self._book.remove(rule.rule_id, self.tr("Delete hanging protocol"))

    @Slot()
    def _stage_earlier(self) -> None:
        rule, at = self._chosen(), self.stages.currentRow()
        if rule is not None and at > 0:
            stages = list(rule.stages)
            stages.insert(at - 1, stages.pop(at))
            self.stages.setCurrentRow(at - 1)
            self._put(stages=tuple(stages))

    @Slot()
    def _stage_deleted(self) -> None:
        rule, at = self._chosen(), self.stages.currentRow()
        if rule is not None and at >= 0 and len(rule.stages) > 1:
            self._put(stages=rule.stages[:at] + rule.stages[at + 1 :])

    @Slot()
    def _restore(self) -> None:
        self._book.restore_shipped(self.tr("Restore examples"))

    # files

    @Slot()
    def _import(self) -> None:
        name, _ = QFileDialog.getOpenFileName(
            self, self.tr("Import hanging protocols"), "", self.tr("JSON files (*.json)")
        )
        if name:
            self._book.import_file(Path(name))

    @Slot()
    def _export(self) -> None:
        name, _ = QFileDialog.getSaveFileName(
            self, self.tr("Export hanging protocols"), "hanging-protocols.json",
            self.tr("JSON files (*.json)"),
        )  # fmt: skip
        if name:
            self._book.export_file(Path(name), self._book.rules)
