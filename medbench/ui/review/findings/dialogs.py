"""Who reads, and why a suggestion is rejected."""

from PySide6.QtCore import QCoreApplication, Slot
from PySide6.QtWidgets import QButtonGroup, QDialog, QLineEdit, QRadioButton, QWidget

from medbench.domain.finding import REJECTION_REASONS
from medbench.ui.widgets import Button, hbox, label, vbox

translate = QCoreApplication.translate


class ReaderDialog(QDialog):
    """Asks once for the reader's name; it stands beside every finding from then on."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Who is reading?"))
        self.setMinimumWidth(420)
        column = vbox(margins=(20, 16, 20, 16), spacing=10)
        self.setLayout(column)
        column.addWidget(label(self.tr("Who is reading?"), "page"))
        column.addWidget(
            label(self.tr("Your name is kept with findings, decisions and reading status. Settings "
                          "change it."), "secondary", wrap=True)
        )  # fmt: skip
        self.field = QLineEdit()
        self.field.setAccessibleName(self.tr("Your name"))
        self.field.setPlaceholderText(self.tr("First and last name"))
        self.field.setMaxLength(80)
        column.addWidget(self.field)
        row = hbox()
        row.addStretch(1)
        cancel, self.ok = Button(self.tr("Cancel")), Button(self.tr("Continue"), "primary")
        cancel.setAutoDefault(False)
        cancel.clicked.connect(self.reject)
        self.ok.setDefault(True)
        self.ok.setEnabled(False)
        self.ok.clicked.connect(self.accept)
        self.field.textChanged.connect(self._check)
        row.addWidget(cancel)
        row.addWidget(self.ok)
        column.addLayout(row)
        self.field.setFocus()

    @Slot()
    def _check(self, *_: object) -> None:
        self.ok.setEnabled(bool(self.name))

    @property
    def name(self) -> str:
        """What was typed."""
        return self.field.text().strip()


def reason_words(reason: str) -> str:
    """A reason of a rejection in words."""
    return {
        "artefact": translate("RejectDialog", "Artefact"),
        "normal-anatomy": translate("RejectDialog", "Normal anatomy"),
        "device": translate("RejectDialog", "Device, dressing or clothing"),
        "known": translate("RejectDialog", "Known and unchanged"),
        "wrong-place": translate("RejectDialog", "Right finding, wrong place"),
        "missed": translate("RejectDialog", "The model missed it"),
        "poor-picture": translate("RejectDialog", "Picture not good enough"),
        "other": translate("RejectDialog", "Another reason"),
    }.get(reason, reason)


class RejectDialog(QDialog):
    """A reason from a list, and words of the reader's own; a reason is needed."""

    def __init__(self, *, above: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        title = self.tr("Why is the suggestion rejected?")
        self.setWindowTitle(title)
        self.setMinimumWidth(440)
        column = vbox(margins=(20, 16, 20, 16), spacing=6)
        self.setLayout(column)
        column.addWidget(label(title, "page"))
        column.addWidget(
            label(self.tr("Reason and words are kept in the audit file with the model's version."),
                  "secondary", wrap=True)
        )  # fmt: skip
        self._group = QButtonGroup(self)
        for number, key in enumerate(REJECTION_REASONS):
            if above and key == "missed":
                continue  # nothing was missed where the model called it
            if not above and key in ("artefact", "normal-anatomy", "device", "wrong-place"):
                continue  # there is no mark to be wrong about
            button = QRadioButton(reason_words(key))
            button.setAccessibleName(reason_words(key))
            self._group.addButton(button, number)
            column.addWidget(button)
        self.note = QLineEdit()
        self.note.setAccessibleName(self.tr("In your words"))
        self.note.setPlaceholderText(self.tr("In your words"))
        column.addWidget(self.note)
        row = hbox()
        row.addStretch(1)
        cancel, self.ok = Button(self.tr("Cancel")), Button(self.tr("Reject"), "primary")
        cancel.setAutoDefault(False)
        cancel.clicked.connect(self.reject)
        self.ok.setDefault(True)
        self.ok.clicked.connect(self.accept)
        self._group.idClicked.connect(self._check)
        self.note.textChanged.connect(self._check)
        row.addWidget(cancel)
        row.addWidget(self.ok)
        column.addLayout(row)
        self._check()
        first = self._group.buttons()[0]
        first.setFocus()

    @Slot()
    def _check(self, *_: object) -> None:
        reason, note = self.answer
        self.ok.setEnabled(bool(reason) and (reason != "other" or bool(note)))

    @property
    def answer(self) -> tuple[str, str]:
        """(key of the reason or '', the reader's words)."""
        chosen = self._group.checkedId()
        return (REJECTION_REASONS[chosen] if chosen >= 0 else ""), self.note.text().strip()

    def choose(self, reason: str) -> None:
        """Choose a reason by its key."""
        self._group.button(REJECTION_REASONS.index(reason)).click()
