"""Dialog: make a cohort from a folder, a CSV or an .npz."""

from pathlib import Path

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QComboBox, QDialog, QFileDialog, QFormLayout, QLineEdit, QWidget

from medbench.domain.cohort import Task
from medbench.session.cohort_shelf import BuildRequest
from medbench.ui.widgets import Button, hbox, label, vbox


class NewCohortDialog(QDialog):
    """Asks where the cases are and what their label is."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("New cohort"))
        self.setMinimumWidth(560)
        column = vbox(margins=(20, 16, 20, 16), spacing=12)
        self.setLayout(column)
        column.addWidget(label(self.tr("New cohort"), "page"))
        column.addWidget(
            label(
                self.tr("A folder with one folder per label, a CSV of rows or of files, or an .npz "
                        "of arrays. Patients are kept apart in the split."),
                "secondary", wrap=True,
            )
        )  # fmt: skip
        form = QFormLayout()
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        self.source = _field(self.tr("Source"), "")
        row = hbox()
        row.addWidget(self.source, 1)
        for words, slot in (
            (self.tr("File ..."), self._file),
            (self.tr("Folder ..."), self._folder),
        ):
            button = Button(words)
            button.clicked.connect(slot)
            row.addWidget(button)
        form.addRow(self.tr("Source"), row)
        self.task = QComboBox()
        self.task.setAccessibleName(self.tr("Kind of data"))
        for task, words in (
            (Task.IMAGE, self.tr("Images")), (Task.TABLE, self.tr("Table rows")),
            (Task.SIGNAL, self.tr("Signals")),
        ):  # fmt: skip
            self.task.addItem(words, task.value)
        form.addRow(self.tr("Kind of data"), self.task)
        self.label_column = _field(self.tr("Label column"), self.tr("found by itself if empty"))
        form.addRow(self.tr("Label column"), self.label_column)
        self.positive = _field(self.tr("Positive values"), self.tr("e.g. pneumonia, or 1,2,3,4"))
        form.addRow(self.tr("Positive values"), self.positive)
        self.patient = _field(self.tr("Patient column"), self.tr("found by itself if empty"))
        form.addRow(self.tr("Patient column"), self.patient)
        self.name = _field(self.tr("Name"), self.tr("the source's name if empty"))
        form.addRow(self.tr("Name"), self.name)
        column.addLayout(form)
        row = hbox()
        row.addStretch(1)
        cancel, build = Button(self.tr("Cancel")), Button(self.tr("Build cohort"), "primary")
        cancel.clicked.connect(self.reject)
        build.clicked.connect(self._accept)
        build.setDefault(True)
        row.addWidget(cancel)
        row.addWidget(build)
        column.addLayout(row)

    @Slot()
    def _file(self) -> None:
        name, _ = QFileDialog.getOpenFileName(
            self, self.tr("Source"), "", self.tr("Tables and arrays (*.csv *.tsv *.txt *.npz)")
        )
        if name:
            self._take(Path(name))

    @Slot()
    def _folder(self) -> None:
        if name := QFileDialog.getExistingDirectory(self, self.tr("Source")):
            self._take(Path(name))

    def _take(self, path: Path) -> None:
        self.source.setText(str(path))
        if not self.name.text():
            self.name.setText(path.stem)

    @Slot()
    def _accept(self) -> None:
        if self.source.text().strip():
            self.accept()
        else:
            self.source.setFocus()

    def request(self) -> BuildRequest:
        """What was asked for."""
        positive = tuple(v.strip() for v in self.positive.text().split(",") if v.strip())
        return BuildRequest(
            Path(self.source.text().strip()).expanduser(), Task(self.task.currentData()),
            self.label_column.text().strip() or None, positive,
            self.patient.text().strip() or None, self.name.text().strip(),
        )  # fmt: skip


def _field(name: str, hint: str) -> QLineEdit:
    field = QLineEdit()
    field.setAccessibleName(name)
    field.setPlaceholderText(hint)
    return field
