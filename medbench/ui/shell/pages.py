"""Jobs, settings and help."""

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QGridLayout,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

import medbench
from medbench.jobs.states import JobState
from medbench.session.job_list import JobInfo
from medbench.session.session import Session
from medbench.ui.actions.keymap import KeyMap
from medbench.ui.actions.registry import ActionRegistry, native
from medbench.ui.shell.keys_page import KeysCard
from medbench.ui.widgets import (
    Button,
    Card,
    Chip,
    EmptyState,
    ProgressLine,
    Scroll,
    clear_layout,
    hbox,
    label,
)

_ROLES = {
    JobState.FINISHED: "success",
    JobState.FAILED: "error",
    JobState.LOST: "error",
    JobState.CANCELLED: "plain",
}


class JobsPage(QWidget):
    """Everything long that runs or ran, newest first."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.addWidget(label(self.tr("Jobs"), "page"))
        inner = QWidget()
        self._rows = QVBoxLayout(inner)
        self._rows.setContentsMargins(0, 8, 8, 8)
        self._rows.setSpacing(8)
        self._rows.addStretch(1)
        column.addWidget(Scroll(inner), 1)
        self._cards: dict[str, _JobCard] = {}
        self._empty = EmptyState(
            "list-checks", self.tr("Nothing has run yet"),
            self.tr("Scans, trainings and evaluations appear here with progress and reasons."),
        )  # fmt: skip
        self._rows.insertWidget(0, self._empty)
        session.jobs.job_changed.connect(self._show)

    @Slot(object)
    def _show(self, job: JobInfo) -> None:
        self._empty.hide()
        if job.job_id not in self._cards:
            self._cards[job.job_id] = _JobCard(self._session, job.job_id)
            self._rows.insertWidget(0, self._cards[job.job_id])
        self._cards[job.job_id].show_job(job)


class _JobCard(Card):
    def __init__(self, session: Session, job_id: str) -> None:
        super().__init__()
        self._session = session
        self._job_id = job_id
        row = hbox()
        self._title = label("", "strong")
        self._state = Chip("")
        self._place = label("", "secondary")
        self._stop = Button(self.tr("Stop"), "danger", "square")
        self._stop.clicked.connect(self._cancel)
        for part in (self._title, self._state, self._place):
            row.addWidget(part)
        row.addStretch(1)
        row.addWidget(self._stop)
        self.body.addLayout(row)
        self._bar = ProgressLine(self.tr("Progress"))
        self.body.addWidget(self._bar)

    def show_job(self, job: JobInfo) -> None:
        self._title.setText(job.title)
        self._state.set_state(job.state.value, _ROLES.get(job.state, "accent"))
        self._place.setText(job.reason or job.place)
        self._bar.show_fraction(job.fraction, "success" if not job.live else "accent")
        self._stop.setVisible(job.live and job.cancellable)

    def _cancel(self) -> None:
        self._session.jobs.cancel(self._job_id)


_KEY_ROWS = 10


class SettingsPage(QWidget):
    """What the user may choose; each change holds at once."""

    def __init__(self, session: Session, keymap: KeyMap, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        inner = QWidget()
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(Scroll(inner))
        column = QVBoxLayout(inner)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        column.addWidget(label(self.tr("Settings"), "page"))
        card = Card(self.tr("Reading and display"))
        form = QFormLayout()
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        form.setHorizontalSpacing(24)
        value = session.settings.value
        self.reader = QLineEdit(value.reader)
        self.reader.setAccessibleName(self.tr("Reader"))
        self.reader.setPlaceholderText(self.tr("Name kept with labels and approvals"))
        self.reader.editingFinished.connect(self._store)
        form.addRow(self.tr("Reader"), self.reader)
        themes = [("dark", self.tr("Dark")), ("light", self.tr("Light"))]
        self.theme = _combo(self.tr("Theme"), themes, value.theme)
        form.addRow(self.tr("Theme"), self.theme)
        self.scale = _combo(
            self.tr("Text size"),
            [("1.0", "100 %"), ("1.15", "115 %"), ("1.3", "130 %"), ("1.5", "150 %")],
            str(value.text_scale),
        )
        form.addRow(self.tr("Text size"), self.scale)
        self.device = _combo(
            self.tr("Device"),
            [("auto", self.tr("Automatic")), ("cpu", "CPU"), ("cuda", "CUDA"), ("mps", "MPS")],
            value.device,
        )
        form.addRow(self.tr("Device for training and inference"), self.device)
        self.patient = QCheckBox(self.tr("Show patient names on images"))
        self.patient.setAccessibleName(self.tr("Show patient names on images"))
        self.patient.setChecked(value.show_patient)
        form.addRow("", self.patient)
        card.body.addLayout(form)
        column.addWidget(card)
        self.keys = KeysCard(keymap)
        column.addWidget(self.keys)
        place = Card(self.tr("Workspace"))
        place.body.addWidget(label(str(session.workspace_path), "mono"))
        place.body.addWidget(
            label(self.tr("Cohorts, runs, models and the audit file live here."), "secondary")
        )
        column.addWidget(place)
        later = Card(self.tr("Not yet"))
        later.body.addWidget(
            label(self.tr("Chinese, PACS connections and de-identified export come later."),
                  "secondary")
        )  # fmt: skip
        column.addWidget(later)
        column.addStretch(1)
        for combo in (self.theme, self.scale, self.device):
            combo.currentIndexChanged.connect(self._store)
        self.patient.toggled.connect(self._store)

    @Slot()
    def _store(self, *_: object) -> None:
        self._session.settings.change(
            reader=self.reader.text().strip(),
            theme=self.theme.currentData(),
            text_scale=float(self.scale.currentData()),
            device=self.device.currentData(),
            show_patient=self.patient.isChecked(),
        )


def _combo(name: str, options: list[tuple[str, str]], chosen: str) -> QComboBox:
    combo = QComboBox()
    combo.setAccessibleName(name)
    for key, text in options:
        combo.addItem(text, key)
    combo.setCurrentIndex(max(0, combo.findData(chosen)))
    return combo


class HelpPage(QWidget):
    """Keys, and what the program is."""

    def __init__(self, actions: ActionRegistry, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._actions = actions
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        column.addWidget(label(self.tr("Help"), "page"))
        about = Card(f"medbench {medbench.__version__}")
        for line in (
            self.tr("Research use – not for diagnosis. medbench is not a medical device."),
            self.tr("Precision = TP / (TP + FP): of those called positive, how many are."),
            self.tr("Recall = TP / (TP + FN): of those who are positive, how many are called so."),
            self.tr("A number is called a probability only if it was calibrated; else a score."),
            self.tr("Licences: medbench Apache-2.0; Inter and JetBrains Mono OFL-1.1; Lucide ISC."),
        ):
            about.body.addWidget(label(line, "secondary", wrap=True))
        column.addWidget(about)
        keys = Card(self.tr("Keys"))
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(24)
        keys.body.addLayout(self._grid)
        row = hbox()
        row.addWidget(Button.of(actions.action("medbench.view.key_sheet"), "normal", "keyboard"))
        row.addWidget(
            label(self.tr("Keys and mouse buttons are chosen in Settings."), "secondary"), 1
        )
        keys.body.addLayout(row)
        column.addWidget(keys)
        column.addStretch(1)

    def refresh(self) -> None:
        """List the keys of all commands."""
        clear_layout(self._grid)
        keyed = [(s, k) for s in self._actions.specs() if (k := self._actions.key_of(s.action_id))]
        often = [(s, k) for s, k in keyed if not s.workspace][: _KEY_ROWS * 3]
        for i, (spec, key) in enumerate(often):
            row, column = i % _KEY_ROWS, i // _KEY_ROWS * 2
            self._grid.addWidget(Chip(native(key)), row, column)
            self._grid.addWidget(label(spec.title, "secondary"), row, column + 1)
