"""Says by which rule the wall was hung; stages, and the way back."""

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QWidget

from medbench.domain.hanging import HangingRule
from medbench.ui.widgets import Button, Chip, IconButton, hbox, label

translate = QCoreApplication.translate


class HangingBar(QFrame):
    """Hidden while no rule is applied."""

    def __init__(
        self, back: QAction, forth: QAction, undo: QAction, edit: QAction,
        parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self.setAccessibleName(self.tr("Hanging protocol"))
        row = hbox(spacing=6)
        self.setLayout(row)
        self.chip = Chip("", "accent")
        row.addWidget(self.chip)
        self.back = IconButton.of(back, "chevron-left")
        self.stage = label("", "secondary")
        self.forth = IconButton.of(forth, "chevron-right")
        for widget in (self.back, self.stage, self.forth):
            row.addWidget(widget)
        self.undo = Button.of(undo, "ghost")
        self.undo.setFixedHeight(26)
        row.addWidget(self.undo)
        row.addWidget(IconButton.of(edit, "settings"))
        self.setFixedHeight(30)
        self.hide()

    def show_rule(self, rule: HangingRule, stage: int) -> None:
        """A rule is applied, at this stage (from 0)."""
        self.chip.setText(translate("Hanging", "Layout: {0}").format(rule.name))
        name = rule.stages[stage].name
        self.chip.setToolTip(name)
        several = len(rule.stages) > 1
        self.stage.setText(translate("Hanging", "{0} / {1}").format(stage + 1, len(rule.stages)))
        self.stage.setToolTip(name)
        for widget in (self.back, self.stage, self.forth):
            widget.setVisible(several)
        self.show()
