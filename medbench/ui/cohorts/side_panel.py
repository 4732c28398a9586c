"""Right panel of Cohorts: balance, split, leakage report, fingerprint."""

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from medbench.cohorts.overview import class_counts
from medbench.domain.cohort import Case, CheckResult, Role
from medbench.session.cohort_shelf import CohortRecord
from medbench.ui.actions.registry import ActionRegistry
from medbench.ui.theme.tokens import class_colour
from medbench.ui.widgets import (
    BalanceBar,
    Button,
    Chip,
    HLine,
    LabelledRow,
    SectionTitle,
    clear_layout,
    hbox,
    icon_label,
    label,
    vbox,
)


class CohortSidePanel(QWidget):
    """What the numbers of a cohort rest on.

    Signals
    -------
    override_requested : str
        The user wants to accept a failed check.
    resolve_requested : str
        The user wants a failed check repaired.
    """

    override_requested = Signal(str)
    resolve_requested = Signal(str)

    def __init__(self, actions: ActionRegistry, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._actions = actions
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(12, 12, 12, 12)
        self._column.setSpacing(10)

    @Slot(object)
    def show_record(self, record: CohortRecord | None) -> None:
        """Show a cohort."""
        clear_layout(self._column)
        if record is None:
            self._column.addStretch(1)
            return
        self._balance(record)
        self._column.addWidget(HLine())
        self._split(record)
        self._column.addWidget(HLine())
        self._checks(record)
        self._column.addWidget(HLine())
        self._fingerprint(record)
        self._column.addStretch(1)

    def _balance(self, record: CohortRecord) -> None:
        cohort, split = record.cohort, record.split
        self._column.addWidget(SectionTitle(self.tr("Class balance")))
        legend = hbox(spacing=10)
        for i, name in enumerate(cohort.classes[:5]):
            words = label(f"■ {name}", "secondary")
            words.setStyleSheet(f"color: {class_colour(i, cohort.positive)};")
            legend.addWidget(words)
        legend.addStretch(1)
        self._column.addLayout(legend)
        parts: list[tuple[Role | None, tuple[Case, ...]]] = [(None, cohort.cases)]
        if split is not None:
            parts = [
                (role, tuple(c for c in cohort.cases if split.roles.get(c.case_id) is role))
                for role in Role
            ]
        most = max((len(cases) for _, cases in parts), default=1)
        names = {
            None: self.tr("All"), Role.TRAIN: self.tr("Train"), Role.VAL: self.tr("Validation"),
            Role.TEST: self.tr("Test"),
        }  # fmt: skip
        for role, cases in parts:
            counts = list(class_counts(cohort, cases).values())
            row = hbox()
            title = label(names[role])
            title.setFixedWidth(72)
            row.addWidget(title)
            bar = BalanceBar(names[role])
            bar.show_parts(
                [(n, class_colour(i, cohort.positive)) for i, n in enumerate(counts)], most
            )
            row.addWidget(bar, 1)
            row.addWidget(label(" / ".join(str(n) for n in counts)))
            self._column.addLayout(row)

    def _split(self, record: CohortRecord) -> None:
        split = record.split
        seed = "" if split is None or split.seed is None else self.tr("seed {0}").format(split.seed)
        self._column.addWidget(SectionTitle(self.tr("Split by patient"), seed))
        if split is None:
            words = label(self.tr("No split yet: training needs one."), "warning", wrap=True)
            self._column.addWidget(words)
        else:
            row = hbox(spacing=4)
            for role, name in ((Role.TRAIN, self.tr("train")), (Role.VAL, self.tr("val")),
                               (Role.TEST, self.tr("test"))):  # fmt: skip
                patients = {
                    c.patient_id for c in record.cohort.cases if split.roles.get(c.case_id) is role
                }
                row.addWidget(Chip(self.tr("{0} {1}").format(len(patients), name)))
            row.addStretch(1)
            self._column.addLayout(row)
            self._column.addWidget(label(split.method, "secondary"))
        row = hbox()
        row.addWidget(
            Button.of(self._actions.action("medbench.cohorts.split"), "normal", "rotate-ccw")
        )
        row.addWidget(label(self.tr("One patient, one part"), "secondary"))
        row.addStretch(1)
        self._column.addLayout(row)

    def _checks(self, record: CohortRecord) -> None:
        failed = [c for c in record.checks if not c.passed]
        right = self.tr("{0} to review").format(len(failed)) if failed else self.tr("all passed")
        self._column.addWidget(SectionTitle(self.tr("Leakage and quality"), right))
        for check in sorted(record.checks, key=lambda c: (c.passed, not c.blocking)):
            self._column.addWidget(self._check(check))

    def _check(self, check: CheckResult) -> QWidget:
        row = QWidget()
        line = hbox()
        row.setLayout(line)
        icon, role = ("circle-check", "success") if check.passed else (
            ("circle-x", "error") if check.blocking and not check.overridden
            else ("triangle-alert", "warning")
        )  # fmt: skip
        line.addWidget(icon_label(icon, role), 0, Qt.AlignmentFlag.AlignTop)
        words = vbox(spacing=0)
        words.addWidget(label(check.title))
        if not check.passed:
            detail = check.detail
            if check.overridden:
                detail = self.tr("Overridden. {0}").format(detail)
            words.addWidget(label(detail, "secondary", wrap=True))
        line.addLayout(words, 1)
        if not check.passed and check.blocking and not check.overridden:
            if check.check == "exact-duplicate":
                fix = Button(self.tr("Resolve"))
                fix.setProperty("check", check.check)
                fix.clicked.connect(self._resolve)
                line.addWidget(fix)
            explain = Button(self.tr("Override ..."))
            explain.setProperty("check", check.check)
            explain.clicked.connect(self._override)
            line.addWidget(explain)
        else:
            line.addWidget(label(str(check.count), "strong"))
        return row

    @Slot()
    def _override(self) -> None:
        self.override_requested.emit(str(self.sender().property("check")))

    @Slot()
    def _resolve(self) -> None:
        self.resolve_requested.emit(str(self.sender().property("check")))

    def _fingerprint(self, record: CohortRecord) -> None:
        cohort = record.cohort
        self._column.addWidget(SectionTitle(self.tr("Data fingerprint")))
        shown = f"{cohort.digest[:8]} … {cohort.digest[-8:]}"
        row = LabelledRow("SHA-256", shown, mono=True)
        row.value.setToolTip(cohort.digest)
        self._column.addWidget(row)
        self._column.addWidget(LabelledRow(self.tr("Source"), cohort.source))
        self._column.addWidget(LabelledRow(self.tr("Target"), cohort.target))
        if cohort.features:
            self._column.addWidget(LabelledRow(self.tr("Columns"), str(len(cohort.features))))
        self._column.addWidget(LabelledRow(self.tr("Made"), cohort.created[:16].replace("T", " ")))
        for note in cohort.notes:
            self._column.addWidget(label(note, "secondary", wrap=True))
