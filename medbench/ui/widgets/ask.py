"""Small dialogs that ask for one sentence or a few numbers."""

from pathlib import Path

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import (
    QDialog,
    QDoubleSpinBox,
    QFormLayout,
    QLineEdit,
    QPlainTextEdit,
    QWidget,
)

from medbench.ui.widgets.controls import Button
from medbench.ui.widgets.layout import hbox, label, vbox


class ReasonDialog(QDialog):
    """Asks who takes a step and why; both are needed."""

    def __init__(
        self, title: str, text: str, who: str, button: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setMinimumWidth(460)
        column = vbox(margins=(20, 16, 20, 16), spacing=10)
        self.setLayout(column)
        column.addWidget(label(title, "page"))
        column.addWidget(label(text, "secondary", wrap=True))
        self.who = QLineEdit(who)
        self.who.setAccessibleName(self.tr("Your name"))
        self.who.setPlaceholderText(self.tr("Your name"))
        column.addWidget(self.who)
        self.reason = QPlainTextEdit()
        self.reason.setAccessibleName(self.tr("Reason"))
        self.reason.setPlaceholderText(self.tr("Reason, kept in the audit file"))
        self.reason.setTabChangesFocus(True)
        self.reason.setFixedHeight(90)
        column.addWidget(self.reason)
        row = hbox()
        row.addStretch(1)
        cancel = Button(self.tr("Cancel"))
        cancel.clicked.connect(self.reject)
        self.ok = Button(button, "primary")
        self.ok.clicked.connect(self.accept)
        row.addWidget(cancel)
        row.addWidget(self.ok)
        column.addLayout(row)
        self.who.textChanged.connect(self._check)
        self.reason.textChanged.connect(self._check)
        self._check()

    @Slot()
    def _check(self, *_: object) -> None:
        self.ok.setEnabled(
            bool(self.who.text().strip()) and bool(self.reason.toPlainText().strip())
        )

    @property
    def answer(self) -> tuple[str, str]:
        """(who, why)."""
        return self.who.text().strip(), self.reason.toPlainText().strip()


class PasswordDialog(QDialog):
    """Asks for the password of an archive."""

    def __init__(self, archive: Path, *, wrong: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.archive = archive
        title = self.tr("Password needed")
        self.setWindowTitle(title)
        self.setMinimumWidth(420)
        column = vbox(margins=(20, 16, 20, 16), spacing=10)
        self.setLayout(column)
        column.addWidget(label(title, "page"))
        words = (
            self.tr("That password does not open {0}.") if wrong
            else self.tr("{0} is protected by a password.")
        )  # fmt: skip
        text = label(words.format(archive.name), "secondary", wrap=True)
        text.setTextFormat(Qt.TextFormat.PlainText)
        column.addWidget(text)
        self.password = QLineEdit()
        self.password.setEchoMode(QLineEdit.EchoMode.Password)
        self.password.setAccessibleName(self.tr("Password"))
        self.password.setPlaceholderText(self.tr("Password"))
        column.addWidget(self.password)
        row = hbox()
        row.addStretch(1)
        cancel, self.ok = Button(self.tr("Skip this archive")), Button(self.tr("Open"), "primary")
        cancel.setAutoDefault(False)
        self.ok.setDefault(True)
        cancel.clicked.connect(self.reject)
        self.ok.clicked.connect(self.accept)
        row.addWidget(cancel)
        row.addWidget(self.ok)
        column.addLayout(row)
        self.password.setFocus()


class SplitDialog(QDialog):
    """Asks for the parts and the seed of a split."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Split again"))
        column = vbox(margins=(20, 16, 20, 16), spacing=10)
        self.setLayout(column)
        column.addWidget(label(self.tr("Split by patient"), "page"))
        column.addWidget(
            label(self.tr("Models trained on the old split keep it; their test part is no longer "
                          "this one."), "secondary", wrap=True)
        )  # fmt: skip
        form = QFormLayout()
        self.val = _part(self.tr("Validation part"), 0.15, 0.5)
        self.test = _part(self.tr("Test part"), 0.15, 0.5)
        self.seed = _part(self.tr("Seed"), 1, 1e6, decimals=0)
        for name, field in ((self.tr("Validation"), self.val), (self.tr("Test"), self.test),
                            (self.tr("Seed"), self.seed)):  # fmt: skip
            form.addRow(name, field)
        column.addLayout(form)
        row = hbox()
        row.addStretch(1)
        cancel, ok = Button(self.tr("Cancel")), Button(self.tr("Split"), "primary")
        cancel.clicked.connect(self.reject)
        ok.clicked.connect(self.accept)
        row.addWidget(cancel)
        row.addWidget(ok)
        column.addLayout(row)

    @property
    def answer(self) -> tuple[float, float, int]:
        """(val, test, seed)."""
        return self.val.value(), self.test.value(), int(self.seed.value())


def _part(name: str, value: float, high: float, *, decimals: int = 2) -> QDoubleSpinBox:
    field = QDoubleSpinBox()
    field.setAccessibleName(name)
    field.setRange(0, high)
    field.setDecimals(decimals)
    field.setSingleStep(0.05 if decimals else 1)
    field.setValue(value)
    return field
