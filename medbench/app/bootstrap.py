"""The composition root: builds everything once, wires ports to workers, shuts down in order."""

import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Slot
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication

import medbench
from medbench.app.start_record import StartRecord
from medbench.base.paths import default_workspace
from medbench.base.settings import read_settings
from medbench.dicom.decoding.pool import DecoderPool
from medbench.dicom.header_bytes import FORMAT
from medbench.jobs.client import EngineProcess
from medbench.registry.header_index import HeaderIndex
from medbench.session.cohort_shelf import CohortShelf
from medbench.session.cut_shelf import CutShelf
from medbench.session.evaluation_desk import EvaluationDesk
from medbench.session.exporting import Exporter
from medbench.session.findings import FindingBook
from medbench.session.hanging import HangingBook
from medbench.session.history import History
from medbench.session.job_list import JobList
from medbench.session.layer_shelf import LayerShelf
from medbench.session.library import Library
from medbench.session.messages import Messages
from medbench.session.model_shelf import ModelShelf
from medbench.session.object_shelf import ObjectShelf
from medbench.session.ports import Handle
from medbench.session.priors import Priors
from medbench.session.reading_book import ReadingBook
from medbench.session.record_types import RECORD_TYPES
from medbench.session.run_book import RunBook
from medbench.session.scratch import Scratch
from medbench.session.segment_book import SegmentBook
from medbench.session.segment_jobs import SegmentJobs
from medbench.session.session import EngineInfo, Preferences, Session
from medbench.session.shaper import VolumeShaper
from medbench.session.volume_shelf import VolumeShelf
from medbench.ui.actions.registry import ActionRegistry
from medbench.ui.shell.main_window import MainWindow
from medbench.ui.shell.workspaces import build_workspaces
from medbench.ui.theme.apply import prepare_theme, style_widgets
from medbench.ui.theme.icons import icon_pixmap
from medbench.ui.theme.tokens import TOKENS
from medbench.workers.lane import Lane
from medbench.workers.training import TrainingDock
from medbench.workers.volume_loader import VolumeLoader

_log = logging.getLogger(__name__)
WARM_UP_MS = 1200


class App(QObject):
    """The running program."""

    def __init__(self, qt: QApplication, workspace: Path) -> None:
        super().__init__()
        self.qt = qt
        workspace.mkdir(parents=True, exist_ok=True)
        self.start_record = StartRecord(workspace)
        logs = workspace / "logs"
        logs.mkdir(exist_ok=True)
        self.pool = DecoderPool()
        self.scratch = Scratch(workspace / "unpacked")
        self.header_index = HeaderIndex(workspace, f"{medbench.__version__}-{FORMAT}")
        self.lane = Lane("work", parent=self)
        self.thumbnails = Lane("thumbnails", parent=self)
        self.reading = Lane("reading", parent=self)
        self.saving = Lane("saving", parent=self)
        self.cutting = Lane("cutting", parent=self)
        self.volume_pictures = Lane("volume pictures", parent=self)
        self.segmenting = Lane("segmenting", parent=self)
        self.comparing = Lane("comparing", parent=self)
        self.exporting = Lane("exporting", parent=self)
        self.aligning = Lane("aligning", parent=self)
        self.inference = Lane(
            "inference", with_engine=True, log_path=logs / "engine.log", parent=self
        )
        self.loader = VolumeLoader(self.pool, self)
        self.training = TrainingDock(workspace, self)
        self.session = self._session(workspace)
        self.actions_registry = ActionRegistry(self)
        settings = self.session.settings.value
        tokens = prepare_theme(qt, settings.theme)
        self.window = MainWindow(
            self.session, self.actions_registry, build_workspaces, self.open_sample
        )
        style_widgets(qt, tokens, settings.text_scale)
        self._warm = QTimer(self)
        self._warm.setSingleShot(True)
        self._warm.timeout.connect(self._warm_up)
        self.inference.engine_started.connect(self._engine_started)
        self._closed = False
        library = self.session.library
        library.scan_started.connect(self._scan_started)
        library.volume_loaded.connect(self._opened)
        library.volume_failed.connect(self._refused)

    def _session(self, workspace: Path) -> Session:
        messages, jobs = Messages(self), JobList(self)
        settings = Preferences(read_settings(), self)
        library = Library(
            self.thumbnails,
            self.loader,
            self.pool,
            messages,
            jobs,
            self,
            pictures=workspace / "pictures",
            scratch=self.scratch,
            cache=self.header_index,
        )
        objects = ObjectShelf(self.reading, self.pool, self)
        layers = LayerShelf(self.reading, self.pool, self)
        readings = ReadingBook(workspace, self.saving, History(self), messages, RECORD_TYPES, self)
        findings = FindingBook(
            workspace, readings, library, self.saving, self.reading, messages, self
        )
        segments = SegmentBook(
            workspace, readings, self.segmenting, self.saving, self.comparing, messages, self
        )
        priors = Priors(self.aligning, library, readings, self.pool, jobs, self)
        hanging = HangingBook(workspace, self.saving, readings.history, messages, self)
        shaper = VolumeShaper(self.reading, self)
        cuts = CutShelf(self.cutting, self.reading, self.pool, jobs, self)
        cohorts = CohortShelf(
            workspace / "cohorts", self.lane, self.thumbnails, messages, jobs, self
        )
        runs = RunBook(workspace, self.training, self.lane, self.inference, messages, jobs, self)
        models = ModelShelf(workspace, self.lane, self.inference, messages, jobs, self)
        desk = EvaluationDesk(workspace, self.lane, self.inference, messages, jobs, self)
        return Session(
            workspace_path=workspace, settings=settings, messages=messages, jobs=jobs,
            library=library, objects=objects, layers=layers, readings=readings,
            findings=findings, segments=segments, priors=priors, hanging=hanging,
            segment_jobs=SegmentJobs(segments, jobs, messages, self), shaper=shaper, cuts=cuts,
            volumes=VolumeShelf(self.volume_pictures, self),
            cohorts=cohorts, runs=runs, models=models, evaluations=desk,
            exports=Exporter(self.exporting, jobs, messages, self), parent=self,
        )  # fmt: skip

    def show(self, paths: Sequence[Path]) -> None:
        """Show the window; what was named on the command line opens at once."""
        self.window.resize(1600, 1000)
        self.window.show()
        self.refresh()
        messages = self.session.messages
        if self.start_record.safe_mode:
            messages.warning(
                self.tr("Safe mode: the last starts did not reach the window"),
                self.tr("Nothing was opened by itself. Open one thing at a time."),
            )
            self.start_record.started()
            return
        wanted = [Path(path) for path in paths]
        if trusted := [path for path in wanted if not self.start_record.suspect(path)]:
            self.window.open_paths(trusted)
        if len(trusted) < len(wanted):
            messages.warning(
                self.tr("medbench ended while it was opening this the last time"),
                self.tr("It was not opened by itself; use Open study if you want to try again."),
            )
        self._warm.start(WARM_UP_MS)

    def refresh(self) -> None:
        """Read what the workspace holds."""
        self.session.models.refresh()
        self.session.runs.refresh()
        self.session.cohorts.refresh()
        self.session.evaluations.refresh()

    @Slot(object)
    def _scan_started(self, paths: list[Path]) -> None:
        self.start_record.opening(paths)

    @Slot(object, object)
    def _opened(self, _display: object, _volume: object) -> None:
        self.start_record.opened()

    @Slot(object, str)
    def _refused(self, _display: object, _reason: str) -> None:
        self.start_record.opened()

    @Slot()
    def _warm_up(self) -> None:
        self.start_record.started()

        def work(handle: Handle) -> EngineProcess:
            return handle.engine()

        self.inference.run("warm", work, self._warmed, self.session.messages.error)

    def _warmed(self, engine: EngineProcess) -> None:
        _log.info("engine ready")

    @Slot(object)
    def _engine_started(self, hello: dict[str, object]) -> None:
        devices = hello["devices"]
        assert isinstance(devices, list)
        chosen = next(d for d in devices if d["id"] == hello["device"])
        versions = hello["versions"]
        assert isinstance(versions, dict)
        self.session.set_engine_info(
            EngineInfo(chosen["id"], chosen["name"], chosen["memory_bytes"], versions)
        )

    def open_sample(self) -> None:
        """Write a simulated patient into the workspace, once, and open it."""
        folder = self.session.workspace_path / "samples" / "thorax-ct"

        def work(handle: Handle) -> Path:
            from medbench.samples.thorax import write_thorax_ct  # brings pydicom; not for the start

            if not folder.exists():
                write_thorax_ct(folder)
            return folder

        self.lane.run("sample", work, self._sample_written, self.session.messages.error)

    def _sample_written(self, folder: Path) -> None:
        self.window.open_paths([folder])

    def run(self) -> int:
        """Until the window closes."""
        return self.qt.exec()

    def close(self) -> None:
        """Stop everything, in the order in which it depends on each other; safe to call twice."""
        if self._closed:
            return
        self._closed = True
        self._warm.stop()
        self.window.close()
        self.training.close()
        self.loader.close()
        for lane in (
            self.thumbnails, self.reading, self.saving, self.cutting, self.lane, self.inference,
            self.segmenting, self.comparing, self.volume_pictures, self.aligning,
            self.exporting,
        ):  # fmt: skip
            lane.close()
        self.session.segment_jobs.close()
        self.session.segments.close()
        self.session.readings.close()
        self.session.findings.close()
        self.pool.close()
        self.header_index.close()
        self.scratch.close()
        self.start_record.closed()


def build_app(workspace: Path | None = None) -> App:
    """Build the program; one QApplication a process."""
    qt = QApplication.instance()
    if not isinstance(qt, QApplication):
        QApplication.setApplicationName("medbench")
        QApplication.setOrganizationName("medbench")
        qt = QApplication(sys.argv[:1])
    qt.setWindowIcon(QIcon(icon_pixmap("activity", TOKENS["dark"].accent, 64)))
    return App(qt, Path(workspace or default_workspace()))
