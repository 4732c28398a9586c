"""What the window shows first: open something, try the samples, how it fits together."""

import shutil
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtGui import QAction, QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

import medbench
from medbench.domain.model import Stage
from medbench.session.session import EngineInfo, Session
from medbench.ui.actions.registry import ActionRegistry
from medbench.ui.widgets import (
    Button,
    Card,
    Chip,
    HLine,
    PanelHeader,
    SectionTitle,
    clear_layout,
    hbox,
    icon_label,
    label,
    vbox,
)


class EntryCard(QPushButton):
    """Large button: icon, key, title, sentence."""

    def __init__(self, action: QAction, icon_name: str, text: str) -> None:
        super().__init__()
        self.setObjectName("entry")
        self.setAccessibleName(action.text())
        self.setAccessibleDescription(text)
        self.setMinimumHeight(128)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 12)
        top = hbox()
        top.addWidget(icon_label(icon_name, "accent", 24))
        top.addStretch(1)
        if key := action.shortcut().toString():
            top.addWidget(Chip(key))
        column.addLayout(top)
        column.addSpacing(8)
        column.addWidget(label(action.text(), "page"))
        column.addWidget(label(text, "secondary", wrap=True))
        column.addStretch(1)
        for child in self.findChildren(QWidget):
            child.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.clicked.connect(action.trigger)

    def sizeHint(self) -> QSize:
        return QSize(220, 136)


class DropZone(QFrame):
    """Takes folders and files dropped on it."""

    def __init__(self, opened: Callable[[list[Path]], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("dropzone")
        self.setAcceptDrops(True)
        self._opened = opened

    def _mark(self, active: bool) -> None:
        self.setProperty("active", "true" if active else "false")
        self.style().unpolish(self)
        self.style().polish(self)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls():
            event.acceptProposedAction()
            self._mark(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._mark(False)

    def dropEvent(self, event: QDropEvent) -> None:
        self._mark(False)
        paths = [Path(u.toLocalFile()) for u in event.mimeData().urls() if u.isLocalFile()]
        if paths:
            self._opened(paths)


class StartPage(QWidget):
    """Centre of the start screen."""

    def __init__(
        self, session: Session, actions: ActionRegistry, opened: Callable[[list[Path]], None],
        parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._session = session
        outer = QVBoxLayout(self)
        outer.setContentsMargins(40, 32, 40, 24)
        outer.setSpacing(12)
        outer.addWidget(label(self.tr("What would you like to open?"), "start"))
        outer.addWidget(
            label(
                self.tr(
                    "Everything stays on this computer. Ids are replaced when a study joins a "
                    "cohort."
                ),
                "secondary",
            )
        )
        outer.addSpacing(4)
        cards = QGridLayout()
        cards.setSpacing(12)
        self._entries: list[EntryCard] = []
        for i, (action_id, icon_name, text) in enumerate(
            (
                ("medbench.file.open_folder", "folder-open",
                 self.tr("DICOM folder: CT, MR, X-ray")),
                ("medbench.file.open_sample", "images",
                 self.tr("Simulated patients, ready to read and to train on")),
                ("medbench.go.train", "graduation-cap",
                 self.tr("From a labelled cohort, one step at a time")),
                ("medbench.go.models", "boxes",
                 self.tr("Compare, approve, retire; see where a model comes from")),
            )
        ):  # fmt: skip
            card = EntryCard(actions.action(action_id), icon_name, text)
            self._entries.append(card)
            cards.addWidget(card, 0, i)
        outer.addLayout(cards)
        zone = DropZone(opened)
        row = QHBoxLayout(zone)
        row.setContentsMargins(28, 24, 24, 24)
        row.addWidget(icon_label("download", "accent", 32))
        row.addSpacing(16)
        words = vbox(spacing=6)
        words.addWidget(label(self.tr("Drop a folder or files here"), "page"))
        kinds = hbox(spacing=6)
        for kind in ("DICOM", "ZIP, CD", "NIfTI, NRRD", "PNG, JPEG, TIFF", "WFDB"):
            kinds.addWidget(Chip(kind))
        kinds.addStretch(1)
        words.addLayout(kinds)
        row.addLayout(words, 1)
        row.addWidget(
            Button.of(actions.action("medbench.file.open_folder"), "primary", "folder-open")
        )
        row.addWidget(Button.of(actions.action("medbench.file.open_files")))
        outer.addWidget(zone)
        outer.addSpacing(8)
        outer.addWidget(
            SectionTitle(
                self.tr("How it fits together"),
                self.tr("Start anywhere; the steps remember each other"),
            )
        )
        outer.addWidget(self._steps())
        outer.addStretch(1)
        notice = Card()
        line = hbox()
        line.addWidget(icon_label("triangle-alert", "warning", 18))
        line.addWidget(label(self.tr("For research and teaching."), "strong"))
        line.addWidget(
            label(
                self.tr("medbench is not a medical device. Do not use it to diagnose or treat a "
                        "patient."), wrap=True,
            ), 1,
        )  # fmt: skip
        notice.body.addLayout(line)
        outer.addWidget(notice)

    def _steps(self) -> QWidget:
        card = Card()
        row = hbox(spacing=10)
        steps = (
            ("scan-eye", self.tr("Review"), self.tr("Read, window, compare planes")),
            ("table-2", self.tr("Cohorts"), self.tr("Label, split, check leaks")),
            ("graduation-cap", self.tr("Train"), self.tr("Plan with reasons")),
            ("chart-line", self.tr("Evaluate"), self.tr("Test with intervals")),
            ("boxes", self.tr("Models"), self.tr("Approve, then use in Review")),
        )
        for i, (icon_name, title, text) in enumerate(steps):
            if i:
                row.addWidget(icon_label("chevron-right", "text2", 16))
            row.addWidget(icon_label(icon_name, "text", 20))
            words = vbox(spacing=0)
            words.addWidget(label(title, "strong"))
            words.addWidget(label(text, "secondary"))
            row.addLayout(words)
            row.addStretch(1)
        card.body.addLayout(row)
        return card


class StartSide(QWidget):
    """Recent folders and the set-up check."""

    def __init__(
        self, session: Session, actions: ActionRegistry, opened: Callable[[list[Path]], None],
        parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._session = session
        self._opened = opened
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        clear = Button.of(actions.action("medbench.file.clear_recent"), "ghost")
        column.addWidget(PanelHeader(self.tr("Recent"), [clear]))
        self._recent = vbox(margins=(8, 4, 8, 12), spacing=2)
        column.addLayout(self._recent)
        column.addWidget(HLine())
        column.addWidget(PanelHeader(self.tr("Set-up check")))
        self._checks = vbox(margins=(12, 8, 12, 12), spacing=10)
        column.addLayout(self._checks)
        column.addStretch(1)
        column.addWidget(HLine())
        foot = hbox(margins=(12, 8, 12, 8))
        foot.addWidget(label(f"medbench {medbench.__version__}", "secondary"))
        foot.addStretch(1)
        foot.addWidget(Button.of(actions.action("medbench.view.toggle_theme"), "ghost", "sun"))
        column.addLayout(foot)
        session.engine_changed.connect(self._refresh)
        session.models.changed.connect(self._refresh)
        session.settings.changed.connect(self._refresh)
        self._refresh()

    @Slot()
    def _refresh(self, *_: object) -> None:
        clear_layout(self._recent)
        recent = [Path(p) for p in self._session.settings.value.recent_paths]
        for path in recent[:6]:
            button = Button(path.name or str(path), "ghost", "folder")
            button.setToolTip(str(path))
            button.setProperty("path", str(path))
            button.setStyleSheet("text-align: left;")
            button.clicked.connect(self._open_recent)
            self._recent.addWidget(button)
        if not recent:
            self._recent.addWidget(label(self.tr("Nothing opened yet"), "secondary"))
        clear_layout(self._checks)
        for icon_name, role, title, text in self._facts():
            row = hbox()
            row.addWidget(icon_label(icon_name, role, 16), 0, Qt.AlignmentFlag.AlignTop)
            words = vbox(spacing=0)
            words.addWidget(label(title))
            words.addWidget(label(text, "secondary", wrap=True))
            row.addLayout(words, 1)
            self._checks.addLayout(row)

    def _facts(self) -> list[tuple[str, str, str, str]]:
        good, wait = ("circle-check", "success"), ("circle", "text2")
        info: EngineInfo | None = self._session.engine_info
        free = shutil.disk_usage(self._session.workspace_path).free / 2**30
        versions = self._session.models.versions
        approved = sum(v.stage is Stage.APPROVED for v in versions)
        engine = (
            (*good, self.tr("Engine ready"), info.device_name)
            if info is not None
            else (*wait, self.tr("Engine"), self.tr("Starts in the background"))
        )
        space = good if free > 5 else ("triangle-alert", "warning")
        return [
            engine,
            (*space, self.tr("Space for data"), self.tr("{0:.0f} GB free").format(free)),
            (*(good if approved else wait), self.tr("Models"),
             self.tr("{0} versions, {1} approved").format(len(versions), approved)),
            (*good, self.tr("Works without network"), self.tr("No data leaves this computer")),
        ]  # fmt: skip

    def _open_recent(self) -> None:
        self._opened([Path(str(self.sender().property("path")))])
