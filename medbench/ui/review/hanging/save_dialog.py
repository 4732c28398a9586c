"""Saves the wall as a rule, or as another stage of the one that is applied."""

from dataclasses import replace

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QCheckBox, QComboBox, QDialog, QLineEdit, QWidget

from medbench.base.ids import new_id
from medbench.domain.hanging import HangingMatch, HangingRule, HangingStage
from medbench.ui.review.hanging.match_form import MatchForm
from medbench.ui.widgets import Button, hbox, label, vbox


class SaveLayoutDialog(QDialog):
    """Asks for the name and what the rule is for."""

    def __init__(
        self, stage: HangingStage, match: HangingMatch, name: str, applied: HangingRule | None,
        parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._stage = stage
        self._applied = applied
        title = self.tr("Save layout as rule")
        self.setWindowTitle(title)
        self.setMinimumWidth(480)
        column = vbox(margins=(20, 16, 20, 16), spacing=10)
        self.setLayout(column)
        column.addWidget(label(title, "page"))
        words = self.tr("{0} × {1} views. Studies that fit get this layout when they are opened.")
        column.addWidget(label(words.format(stage.rows, stage.columns), "secondary", wrap=True))
        self.target = QComboBox()
        self.target.setAccessibleName(self.tr("Save as"))
        self.target.addItem(self.tr("A new rule"), "new")
        if applied is not None:
            more = self.tr("Another stage of {0}").format(applied.name)
            self.target.addItem(more, "stage")
            self.target.addItem(self.tr("Instead of {0}").format(applied.name), "replace")
        self.target.setVisible(applied is not None)
        self.target.currentIndexChanged.connect(self._check)
        column.addWidget(self.target)
        self.name = QLineEdit(name)
        self.name.setAccessibleName(self.tr("Name"))
        self.name.setPlaceholderText(self.tr("Name"))
        self.name.textChanged.connect(self._check)
        column.addWidget(self.name)
        self.form = MatchForm()
        self.form.fill(match)
        column.addWidget(self.form)
        self.sync = QCheckBox(self.tr("Views linked"))
        self.sync.setChecked(stage.synchronised)
        column.addWidget(self.sync)
        row = hbox()
        row.addStretch(1)
        cancel, self.ok = Button(self.tr("Cancel")), Button(self.tr("Save"), "primary")
        cancel.clicked.connect(self.reject)
        cancel.setAutoDefault(False)
        self.ok.setDefault(True)
        self.ok.clicked.connect(self.accept)
        row.addWidget(cancel)
        row.addWidget(self.ok)
        column.addLayout(row)
        self._check()

    @Slot()
    @Slot(int)
    @Slot(str)
    def _check(self, *_: object) -> None:
        as_stage = self.target.currentData() == "stage"
        self.form.setEnabled(not as_stage)
        self.ok.setEnabled(bool(self.name.text().strip()))

    @property
    def rule(self) -> HangingRule:
        """What is to be saved."""
        name, target = self.name.text().strip()[:200], self.target.currentData()
        stage = replace(self._stage, synchronised=self.sync.isChecked())
        if self._applied is not None and target == "stage":
            named = replace(stage, name=name)
            return replace(self._applied, stages=(*self._applied.stages, named), shipped=False)
        if self._applied is not None and target == "replace":
            rule = replace(self._applied, shipped=False)
            return replace(rule, name=name, match=self.form.match, stages=(stage,))
        return HangingRule(new_id("rule"), name, self.form.match, (stage,))
