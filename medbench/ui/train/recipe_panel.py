"""Left panel of Train: cohort, learner, plan with reasons."""

from typing import Any

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QGridLayout,
    QInputDialog,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from medbench.domain.model import PlanRow
from medbench.jobs.learners import LEARNERS
from medbench.session.session import Session
from medbench.ui.actions.registry import ActionRegistry
from medbench.ui.theme.icons import set_icon
from medbench.ui.widgets import (
    Button,
    EmptyState,
    HLine,
    IconButton,
    Notice,
    PanelHeader,
    Scroll,
    SectionTitle,
    clear_layout,
    hbox,
    label,
    vbox,
)

_ICONS = {
    "perceptron": "git-merge", "svm-linear": "slash", "svm-rbf": "circle-dot",
    "svm": "circle-dot", "mlp": "network", "cnn": "grid-3x3",
}  # fmt: skip
_ANY_ICON = "graduation-cap"
"""Of learners that were added without one of their own."""


def plan_value(row: PlanRow) -> str:
    """Value of a plan row as words."""
    value = row.value
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return f"{text} {row.unit}".strip()


class RecipePanel(QWidget):
    """What will be trained, and how.

    Signals
    -------
    recipe_changed
        Cohort, learner or a setting is another one.
    """

    recipe_changed = Signal()

    def __init__(
        self, session: Session, actions: ActionRegistry, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self.overrides: dict[str, Any] = {}
        self.learner = ""
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(PanelHeader(self.tr("Recipe")))
        inner = QWidget()
        self._body = QVBoxLayout(inner)
        self._body.setContentsMargins(12, 12, 12, 12)
        self._body.setSpacing(10)
        self.cohort = QComboBox()
        self.cohort.setAccessibleName(self.tr("Cohort"))
        self.cohort.activated.connect(self._cohort_chosen)
        row = hbox()
        row.addWidget(label(self.tr("Cohort"), "secondary"))
        row.addWidget(self.cohort, 1)
        self._body.addLayout(row)
        self._body.addWidget(SectionTitle(self.tr("Learner family")))
        grid = QGridLayout()
        grid.setSpacing(8)
        self._group = QButtonGroup(self)
        self.tiles: dict[str, QToolButton] = {}
        for i, info in enumerate(LEARNERS):
            tile = QToolButton()
            tile.setObjectName("learner")
            tile.setText({"mlp": "MLP", "cnn": "CNN"}.get(info.name, info.title))
            tile.setAccessibleName(info.title)
            tile.setToolTip(info.description)
            tile.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
            tile.setCheckable(True)
            tile.setMinimumSize(QSize(92, 56))
            tile.setProperty("learner", info.name)
            set_icon(tile, _ICONS.get(info.name, _ANY_ICON), "text", 20)
            tile.clicked.connect(self._tile_clicked)
            self._group.addButton(tile)
            self.tiles[info.name] = tile
            grid.addWidget(tile, i // 3, i % 3)
        later = QToolButton()
        later.setObjectName("learner")
        later.setText(self.tr("RNN, GAN"))
        later.setAccessibleName(later.text())
        later.setToolTip(self.tr("Not yet"))
        later.setEnabled(False)
        later.setMinimumSize(QSize(92, 56))
        grid.addWidget(later, 1, 2)
        self._body.addLayout(grid)
        self._why = label("", "secondary", wrap=True)
        self._body.addWidget(self._why)
        self._body.addWidget(HLine())
        self._plan_title = SectionTitle(self.tr("Plan"))
        self._body.addWidget(self._plan_title)
        self._plan = vbox(spacing=8)
        self._body.addLayout(self._plan)
        self._body.addStretch(1)
        column.addWidget(Scroll(inner), 1)
        column.addWidget(HLine())
        foot = hbox(margins=(12, 8, 12, 8))
        self._foot = label("", "secondary", wrap=True)
        foot.addWidget(self._foot, 1)
        foot.addWidget(Button.of(actions.action("medbench.train.start"), "primary", "play"))
        column.addLayout(foot)

    def refresh_cohorts(self) -> None:
        """List the cohorts."""
        chosen = self.cohort.currentData()
        self.cohort.clear()
        for record in self._session.cohorts.records:
            self.cohort.addItem(record.cohort.name, record.folder.name)
        selected = self._session.cohorts.selected
        wanted = chosen or (selected.folder.name if selected is not None else None)
        if wanted is not None:
            self.choose_cohort(str(wanted), tell=False)

    def choose_cohort(self, name: str, *, tell: bool = True) -> None:
        """Choose a cohort; the learner follows if it does not fit."""
        at = self.cohort.findData(name)
        if at < 0:
            return
        changed = self.cohort.currentIndex() != at
        self.cohort.setCurrentIndex(at)
        record = self.record()
        if record is None:
            return
        task = record.cohort.task.value
        fitting = [info.name for info in LEARNERS if task in info.tasks]
        for info in LEARNERS:
            self.tiles[info.name].setEnabled(info.name in fitting)
        if self.learner not in fitting:
            suggested = "cnn" if task == "image" else "svm-rbf"
            self.choose_learner(suggested if suggested in fitting else (fitting or [""])[0],
                                tell=False)  # fmt: skip
        unfit = [i.title for i in LEARNERS if i.name not in fitting]
        later = self.tr("Recurrent and adversarial networks: not yet.")
        why = self.tr("{0}: not for {1} cohorts.").format(", ".join(unfit), task)
        self._why.setText(f"{why} {later}" if unfit else later)
        if tell or changed:
            self.overrides = {}
            self.recipe_changed.emit()

    def choose_learner(self, name: str, *, tell: bool = True) -> None:
        """Choose a learner."""
        self.learner = name
        if name in self.tiles:
            self.tiles[name].setChecked(True)
        self.overrides = {}
        if tell:
            self.recipe_changed.emit()

    def record(self) -> Any:
        """The chosen cohort's record."""
        name = self.cohort.currentData()
        return next((r for r in self._session.cohorts.records if r.folder.name == name), None)

    def lock(self, locked: bool) -> None:
        """While a run goes on the recipe stands."""
        self.cohort.setEnabled(not locked)
        self._foot.setText(self.tr("Locked while a run goes on") if locked else "")
        for name, tile in self.tiles.items():
            record = self.record()
            fits = record is not None and any(
                i.name == name and record.cohort.task.value in i.tasks for i in LEARNERS
            )
            tile.setEnabled(fits and not locked)

    def show_plan(self, rows: tuple[PlanRow, ...], reason: str) -> None:
        """Show the plan, or why there is none."""
        clear_layout(self._plan)
        if not rows:
            if reason:
                self._plan.addWidget(Notice("warning", reason))
            else:
                self._plan.addWidget(
                    EmptyState("list-checks", self.tr("Planning ..."),
                               self.tr("The engine looks at the training part."))
                )  # fmt: skip
            self._plan_title.right.setText("")
            return
        own = sum(row.set_by_user for row in rows)
        self._plan_title.right.setText(
            self.tr("{0} choices, {1} set by you").format(len(rows), own)
        )
        for row in rows:
            self._plan.addWidget(self._plan_row(row))
            self._plan.addWidget(HLine())

    def _plan_row(self, row: PlanRow) -> QWidget:
        box = QWidget()
        line = hbox()
        box.setLayout(line)
        name = label(row.title, "secondary", wrap=True)
        name.setFixedWidth(86)
        line.addWidget(name, 0, Qt.AlignmentFlag.AlignTop)
        words = vbox(spacing=1)
        words.addWidget(label(plan_value(row), "strong", wrap=True))
        words.addWidget(label(row.reason, "secondary", wrap=True))
        line.addLayout(words, 1)
        edit = IconButton("pencil", self.tr("Change {0}").format(row.title), size=14)
        edit.setProperty("row", row)
        edit.clicked.connect(self._edit)
        line.addWidget(edit, 0, Qt.AlignmentFlag.AlignTop)
        return box

    @Slot()
    def _edit(self) -> None:
        row: PlanRow = self.sender().property("row")
        prompt = f"{row.key} ({row.unit})" if row.unit else row.key
        if row.choices:
            names = [str(c) for c in row.choices]
            at = names.index(str(row.value)) if str(row.value) in names else 0
            text, ok = QInputDialog.getItem(self, row.title, prompt, names, at, False)
        else:
            text, ok = QInputDialog.getText(self, row.title, prompt, text=str(row.value))
        if ok:
            self.set_override(row.key, text)

    def set_override(self, key: str, value: Any) -> None:
        """Set a choice; an empty text takes it back."""
        if str(value).strip():
            self.overrides = {**self.overrides, key: value}
        else:
            self.overrides = {k: v for k, v in self.overrides.items() if k != key}
        self.recipe_changed.emit()

    @Slot(int)
    def _cohort_chosen(self, _index: int) -> None:
        self.choose_cohort(str(self.cohort.currentData()))

    @Slot()
    def _tile_clicked(self) -> None:
        self.choose_learner(str(self.sender().property("learner")))
