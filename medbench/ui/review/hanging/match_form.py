"""Fields of what a rule is for."""

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QComboBox, QFormLayout, QLineEdit, QSpinBox, QWidget

from medbench.domain.body_part import Region
from medbench.domain.hanging import HangingMatch


def words_in(text: str) -> tuple[str, ...]:
    """Words between commas."""
    return tuple(word for part in text.split(",") if (word := " ".join(part.split())))


class MatchForm(QWidget):
    """Edits a `HangingMatch`.

    Signals
    -------
    changed
        The reader changed a field.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setSpacing(8)
        self.modality = self._line(self.tr("Modality"), self.tr("CT, MR, CR ... or empty for any"))
        self.body_part = QComboBox()
        self.body_part.setEditable(True)
        self.body_part.setAccessibleName(self.tr("Body part"))
        self.body_part.addItems(["", *sorted(region.value for region in Region)])
        self.body_part.currentTextChanged.connect(self._edited)
        self.words = self._line(self.tr("Words"), self.tr("in the descriptions, between commas"))
        self.without = self._line(self.tr("Without"), self.tr("words that must not be there"))
        self.least = self._number(self.tr("At least so many series"))
        self.most = self._number(self.tr("At most so many series"))
        self.prior = self._choice(
            self.tr("Prior"), ((self.tr("With or without"), None), (self.tr("Needed"), True),
                               (self.tr("Must be none"), False)),
        )  # fmt: skip
        self.laterality = self._choice(
            self.tr("Side"),
            ((self.tr("Any"), ""), (self.tr("Right"), "R"), (self.tr("Left"), "L")),
        )
        for name, field in (
            (self.tr("Modality"), self.modality), (self.tr("Body part"), self.body_part),
            (self.tr("Words"), self.words), (self.tr("Without"), self.without),
            (self.tr("Series, at least"), self.least), (self.tr("Series, at most"), self.most),
            (self.tr("Prior"), self.prior), (self.tr("Side"), self.laterality),
        ):  # fmt: skip
            form.addRow(name, field)
        self._quiet = False

    def _line(self, name: str, hint: str) -> QLineEdit:
        field = QLineEdit()
        field.setAccessibleName(name)
        field.setPlaceholderText(hint)
        field.editingFinished.connect(self._edited)
        return field

    def _number(self, name: str) -> QSpinBox:
        field = QSpinBox()
        field.setAccessibleName(name)
        field.setRange(0, 999)
        field.lineEdit().setTextMargins(7, 0, 0, 0)
        field.setSpecialValueText(self.tr("no limit"))
        field.valueChanged.connect(self._edited)
        return field

    def _choice(self, name: str, options: tuple[tuple[str, object], ...]) -> QComboBox:
        field = QComboBox()
        field.setAccessibleName(name)
        for text, value in options:
            field.addItem(text, value)
        field.currentIndexChanged.connect(self._edited)
        return field

    def fill(self, match: HangingMatch) -> None:
        """Show a match, without a signal."""
        self._quiet = True
        self.modality.setText(match.modality)
        self.body_part.setCurrentText(match.body_part)
        self.words.setText(", ".join(match.words))
        self.without.setText(", ".join(match.without))
        self.least.setValue(match.least_series)
        self.most.setValue(match.most_series)
        self.prior.setCurrentIndex({None: 0, True: 1, False: 2}[match.prior])
        self.laterality.setCurrentIndex({"": 0, "R": 1, "L": 2}.get(match.laterality, 0))
        self._quiet = False

    @property
    def match(self) -> HangingMatch:
        """What the fields say."""
        most = self.most.value()
        return HangingMatch(
            self.modality.text().strip().upper(), self.body_part.currentText().strip(),
            words_in(self.words.text()), words_in(self.without.text()),
            min(self.least.value(), most) if most else self.least.value(), most,
            (None, True, False)[self.prior.currentIndex()],
            str(self.laterality.currentData()),
        )  # fmt: skip

    @Slot()
    @Slot(int)
    @Slot(str)
    def _edited(self, *_: object) -> None:
        if not self._quiet:
            self.changed.emit()
