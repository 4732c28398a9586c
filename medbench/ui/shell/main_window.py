"""The frame: rail, top bar, status bar, and the page between."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QResizeEvent
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QMainWindow,
    QMenu,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from medbench.domain.image import Study
from medbench.session.session import Session
from medbench.ui.actions.keymap import KeyMap
from medbench.ui.actions.registry import ActionRegistry
from medbench.ui.actions.spec import ActionSpec
from medbench.ui.shell.edit_commands import EditCommands
from medbench.ui.shell.key_sheet import KeySheet
from medbench.ui.shell.pages import HelpPage, JobsPage, SettingsPage
from medbench.ui.shell.palette import CommandPalette
from medbench.ui.shell.rail import ActivityRail
from medbench.ui.shell.start_page import StartPage, StartSide
from medbench.ui.shell.status_bar import StatusBar
from medbench.ui.shell.toast import Toast
from medbench.ui.shell.top_bar import TopBar
from medbench.ui.theme.apply import apply_theme
from medbench.ui.widgets.ask import PasswordDialog
from medbench.ui.workspace import Workspace

_RECENT = 8
_NARROW_PX, _NARROWER_PX = 1180, 960


class _Page(QSplitter):
    """Left panel, centre, right panel."""

    def __init__(
        self, centre: QWidget, left: QWidget | None, right: QWidget | None, widths: tuple[int, int]
    ) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setChildrenCollapsible(False)
        self.setHandleWidth(1)
        self.left = _panel(left, "leftpanel", widths[0]) if left is not None else None
        self.right = _panel(right, "rightpanel", widths[1]) if right is not None else None
        for part in (self.left, centre, self.right):
            if part is not None:
                self.addWidget(part)
        self.setStretchFactor(self.indexOf(centre), 1)


def _panel(inner: QWidget, name: str, width: int) -> QFrame:
    frame = QFrame()
    frame.setObjectName(name)
    column = QVBoxLayout(frame)
    column.setContentsMargins(0, 0, 0, 0)
    column.addWidget(inner)
    frame.setMinimumWidth(min(200, width))
    frame.resize(width, 600)
    inner.setMinimumWidth(0)
    frame.setMaximumWidth(width * 2)
    frame.setProperty("wanted", width)
    return frame


class MainWindow(QMainWindow):
    """Frame around the workspaces it is given."""

    def __init__(
        self, session: Session, actions: ActionRegistry, make: Callable[..., list[Workspace]],
        open_sample: Callable[[], None],
    ) -> None:  # fmt: skip
        super().__init__()
        self._session = session
        self.actions_registry = actions
        self._open_sample = open_sample
        self.setWindowTitle(self.tr("medbench – research use, not for diagnosis"))
        self.setObjectName("app")
        self.setMinimumSize(1024, 640)
        self.setAcceptDrops(True)
        self._pages: dict[str, _Page] = {}
        self._contexts: dict[str, tuple[str, str]] = {}
        self._folded = {"left": False, "right": False}
        self._sheet: KeySheet | None = None
        self._register()
        self.keymap = KeyMap(session.settings, actions, self)
        self._edit = EditCommands(session.history, actions, self)
        self.workspaces = {w.workspace_id: w for w in make(session, actions)}
        self._build()
        actions.attach(self)
        self._build_menu()
        session.show_requested.connect(self._show_requested)
        session.settings.changed.connect(self._settings_changed)
        session.jobs.job_changed.connect(self._count_jobs)
        session.library.password_requested.connect(self._ask_password)
        self.top_bar.show_reader(session.settings.value.reader)
        self.show_page("start")

    # construction

    def _register(self) -> None:
        file, view, go = self.tr("File"), self.tr("View"), self.tr("Go")
        specs = [
            ActionSpec("medbench.file.open_folder", self.tr("Open study"), self.choose_folder,
                       file, "Ctrl+O", "folder-open"),
            ActionSpec("medbench.file.open_files", self.tr("Choose files"), self.choose_files,
                       file, "Ctrl+Shift+O", "file"),
            ActionSpec("medbench.file.open_sample", self.tr("Try sample data"), self._open_sample,
                       file, "", "images"),
            ActionSpec("medbench.file.close_studies", self.tr("Close all studies"),
                       self._session.library.close_all, file, "Ctrl+W", "x"),
            ActionSpec("medbench.file.clear_recent", self.tr("Clear"), self.clear_recent, file,
                       "", "x", self.tr("Forget recent folders")),
            ActionSpec("medbench.file.quit", self.tr("Quit"), self.quit, file, "Ctrl+Q",
                       "log-out"),
            ActionSpec("medbench.view.palette", self.tr("Search or run a command"),
                       self.open_palette, view, "Ctrl+K", "search"),
            ActionSpec("medbench.view.toggle_left", self.tr("Left panel"), self.toggle_left, view,
                       "Ctrl+B", "panel-left", checkable=True),
            ActionSpec("medbench.view.toggle_right", self.tr("Right panel"), self.toggle_right,
                       view, "Ctrl+Alt+B", "panel-right", checkable=True),
            ActionSpec("medbench.view.key_sheet", self.tr("Key sheet"), self.open_key_sheet, view,
                       "?", "keyboard", self.tr("Every key as it is now")),
            ActionSpec("medbench.view.toggle_theme", self.tr("Light or dark theme"),
                       self.toggle_theme, view, "Ctrl+Shift+T", "sun"),
            ActionSpec("medbench.go.start", self.tr("Start"), self.go_start, go, "Ctrl+0",
                       "house"),
            ActionSpec("medbench.go.review", self.tr("Review"), self.go_review, go, "Ctrl+1",
                       "scan-eye"),
            ActionSpec("medbench.go.cohorts", self.tr("Cohorts"), self.go_cohorts, go, "Ctrl+2",
                       "table-2"),
            ActionSpec("medbench.go.train", self.tr("Train"), self.go_train, go, "Ctrl+3",
                       "graduation-cap"),
            ActionSpec("medbench.go.evaluate", self.tr("Evaluate"), self.go_evaluate, go,
                       "Ctrl+4", "chart-line"),
            ActionSpec("medbench.go.models", self.tr("Models"), self.go_models, go, "Ctrl+5",
                       "boxes"),
            ActionSpec("medbench.go.jobs", self.tr("Jobs"), self.go_jobs, go, "Ctrl+J",
                       "list-checks"),
            ActionSpec("medbench.go.settings", self.tr("Settings"), self.go_settings, go,
                       "Ctrl+,", "settings"),
            ActionSpec("medbench.go.help", self.tr("Help"), self.go_help, go, "F1",
                       "circle-help"),
        ]  # fmt: skip
        for spec in specs:
            self.actions_registry.register(spec)
        for side in ("left", "right"):
            self.actions_registry.action(f"medbench.view.toggle_{side}").setChecked(True)

    def _build(self) -> None:
        act = self.actions_registry.action
        centre = QWidget()
        centre.setObjectName("app")
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.top_bar = TopBar(
            act("medbench.view.palette"), act("medbench.view.toggle_left"),
            act("medbench.view.toggle_right"),
        )  # fmt: skip
        column.addWidget(self.top_bar)
        middle = QHBoxLayout()
        middle.setContentsMargins(0, 0, 0, 0)
        middle.setSpacing(0)
        self.rail = ActivityRail()
        middle.addWidget(self.rail)
        self._stack = QStackedWidget()
        middle.addWidget(self._stack, 1)
        column.addLayout(middle, 1)
        self.status_bar = StatusBar(self._session)
        column.addWidget(self.status_bar)
        centre.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self._centre = centre
        self.setCentralWidget(centre)
        self.palette_dialog = CommandPalette(self._session, self.actions_registry, self)
        self.toast = Toast(self._session.messages, centre)
        start = StartPage(self._session, self.actions_registry, self.open_paths)
        side = StartSide(self._session, self.actions_registry, self.open_paths)
        self._add_page("start", start, None, side, (0, 340))
        for workspace in self.workspaces.values():
            self._add_page(
                workspace.workspace_id, workspace, workspace.left_panel(),
                workspace.right_panel(), (workspace.left_width, workspace.right_width),
            )  # fmt: skip
            self.rail.add(
                workspace.workspace_id, act(f"medbench.go.{workspace.workspace_id}"),
                workspace.icon,
            )  # fmt: skip
            workspace.context_changed.connect(self._context_changed)
        self._help = HelpPage(self.actions_registry)
        for page_id, page, icon_name in (
            ("jobs", JobsPage(self._session), "list-checks"),
            ("settings", SettingsPage(self._session, self.keymap), "settings"),
            ("help", self._help, "circle-help"),
        ):
            self._add_page(page_id, page, None, None, (0, 0))
            self.rail.add(page_id, act(f"medbench.go.{page_id}"), icon_name, lower=True)

    def _add_page(
        self, page_id: str, centre: QWidget, left: QWidget | None, right: QWidget | None,
        widths: tuple[int, int],
    ) -> None:  # fmt: skip
        page = _Page(centre, left, right, widths)
        self._pages[page_id] = page
        self._stack.addWidget(page)

    def _build_menu(self) -> None:
        menus: dict[str, QMenu] = {}
        for spec in self.actions_registry.specs():
            if not spec.in_menu or not spec.area:
                continue
            if spec.area not in menus:
                menus[spec.area] = self.menuBar().addMenu(spec.area)
            menus[spec.area].addAction(self.actions_registry.action(spec.action_id))
        # the design has no menu bar; Alt shows it, and macOS puts it on top of the screen anyway
        self.menuBar().setVisible(False)

    # pages

    @property
    def page_id(self) -> str:
        """What is shown."""
        shown = self._stack.currentWidget()
        return next(key for key, page in self._pages.items() if page is shown)

    def show_page(self, page_id: str) -> None:
        """Show a workspace, the start, jobs, settings or help."""
        self._stack.setCurrentWidget(self._pages[page_id])
        self._centre.setFocus()
        self.rail.choose(page_id)
        self.actions_registry.enable_for(page_id)
        if page_id == "help":
            self._help.refresh()
        self._fold()
        self._show_context(page_id)
        if workspace := self.workspaces.get(page_id):
            workspace.activated()

    def _show_context(self, page_id: str) -> None:
        title, subtitle = self._contexts.get(page_id, ("", ""))
        if page_id == "start":
            subtitle = self.tr("No study open") if not self._session.library.studies else ""
        name = self.actions_registry.spec(f"medbench.go.{page_id}").title
        self.top_bar.show_context(name, title, subtitle)

    @Slot(str, str)
    def _context_changed(self, title: str, subtitle: str) -> None:
        workspace = self.sender()
        if isinstance(workspace, Workspace):
            self._contexts[workspace.workspace_id] = (title, subtitle)
            if self.page_id == workspace.workspace_id:
                self._show_context(workspace.workspace_id)

    @Slot(str, object)
    def _show_requested(self, workspace_id: str, payload: object) -> None:
        self.show_page(workspace_id)
        if payload is not None and workspace_id in self.workspaces:
            self.workspaces[workspace_id].show_object(payload)

    def go_start(self) -> None:
        self.show_page("start")

    def go_review(self) -> None:
        self.show_page("review")

    def go_cohorts(self) -> None:
        self.show_page("cohorts")

    def go_train(self) -> None:
        self.show_page("train")

    def go_evaluate(self) -> None:
        self.show_page("evaluate")

    def go_models(self) -> None:
        self.show_page("models")

    def go_jobs(self) -> None:
        self.show_page("jobs")

    def go_settings(self) -> None:
        self.show_page("settings")

    def go_help(self) -> None:
        self.show_page("help")

    # panels

    def toggle_left(self) -> None:
        """Fold or show the left panel of every page."""
        self._folded["left"] = not self._folded["left"]
        self._fold()

    def toggle_right(self) -> None:
        """Fold or show the right panel of every page."""
        self._folded["right"] = not self._folded["right"]
        self._fold()

    def _fold(self) -> None:
        page = self._stack.currentWidget()
        if not isinstance(page, _Page):
            return
        width = self.width()
        for side, panel, limit in (
            ("right", page.right, _NARROW_PX), ("left", page.left, _NARROWER_PX),
        ):  # fmt: skip
            action = self.actions_registry.action(f"medbench.view.toggle_{side}")
            action.setChecked(not self._folded[side])
            action.setEnabled(panel is not None)
            if panel is not None:
                panel.setVisible(not self._folded[side] and width >= limit)
        sizes = [
            int(part.property("wanted") or 0) if part.objectName().endswith("panel") else 0
            for part in (page.widget(i) for i in range(page.count()))
            if part is not None
        ]
        if not page.property("sized") and width > 0:
            rest = width - 57 - sum(sizes)
            page.setSizes([size or max(200, rest) for size in sizes])
            page.setProperty("sized", self.isVisible())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fold()
        self.toast.place()

    # commands

    def open_paths(self, paths: list[Path]) -> None:
        """Open files or folders and go to Review."""
        recent = [str(path) for path in paths[:1]]
        recent += [p for p in self._session.settings.value.recent_paths if p not in recent]
        self._session.settings.change(recent_paths=tuple(recent[:_RECENT]))
        self._session.library.open_paths(paths)
        self.show_page("review")

    @Slot(object, bool)
    def _ask_password(self, archive: Path, wrong: bool) -> None:
        dialog = PasswordDialog(archive, wrong=wrong, parent=self)
        dialog.finished.connect(self._password_given)
        dialog.open()

    @Slot(int)
    def _password_given(self, result: int) -> None:
        dialog = self.sender()
        if isinstance(dialog, PasswordDialog):
            accepted = result == PasswordDialog.DialogCode.Accepted
            self._session.library.give_password(
                dialog.archive, dialog.password.text() if accepted else None
            )
            dialog.deleteLater()

    def choose_folder(self) -> None:
        """Ask for a folder and open it."""
        folder = QFileDialog.getExistingDirectory(self, self.tr("Open a folder"))
        if folder:
            self.open_paths([Path(folder)])

    def choose_files(self) -> None:
        """Ask for files and open them."""
        files, _ = QFileDialog.getOpenFileNames(self, self.tr("Open files"))
        if files:
            self.open_paths([Path(file) for file in files])

    def clear_recent(self) -> None:
        """Forget recent folders."""
        self._session.settings.change(recent_paths=())

    def open_palette(self) -> None:
        """Show the command palette."""
        self.palette_dialog.open_at(self.top_bar.search)

    @property
    def key_sheet(self) -> KeySheet:
        """The sheet of all keys; built when it is first asked for."""
        if self._sheet is None:
            self._sheet = KeySheet(self.keymap, self)
        return self._sheet

    def open_key_sheet(self) -> None:
        """Show every key."""
        self.key_sheet.open_sheet()

    def toggle_theme(self) -> None:
        """Switch between dark and light."""
        theme = "light" if self._session.settings.value.theme == "dark" else "dark"
        self._session.settings.change(theme=theme)

    def quit(self) -> None:
        """Close the window."""
        self.close()

    @Slot(object)
    def _settings_changed(self, settings: object) -> None:
        value = self._session.settings.value
        self.top_bar.show_reader(value.reader)
        app = QApplication.instance()
        wanted = (value.theme, value.text_scale)
        if isinstance(app, QApplication) and self.property("themed") != list(wanted):
            self.setProperty("themed", list(wanted))
            apply_theme(app, value.theme, scale=value.text_scale)
            self.actions_registry.refresh_icons()
            for workspace in self.workspaces.values():
                workspace.restyle()

    @Slot(object)
    def _count_jobs(self, _job: object) -> None:
        self.rail.show_count("jobs", len(self._session.jobs.running))

    # drops and the end

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = [Path(u.toLocalFile()) for u in event.mimeData().urls() if u.isLocalFile()]
        if paths:
            self.open_paths(paths)
        else:
            self._session.messages.warning(self.tr("Only files of this computer can be dropped"))

    def closeEvent(self, event: QCloseEvent) -> None:
        self.status_bar.stop()
        self.toast.stop()
        super().closeEvent(event)

    def show_study(self, study: Study) -> None:
        """Jump to a study in Review."""
        self._session.show_requested.emit("review", study)
