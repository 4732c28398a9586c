"""A training run: a QThread that only blocks on the engine's pipe."""

import threading
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QThread, Signal

from medbench.base.errors import EngineError, MedbenchError
from medbench.jobs.client import EngineProcess
from medbench.jobs.protocol import TrainSpec
from medbench.registry.workspace import Workspace
from medbench.session.operations.training import conclude_run, follow


class TrainingWorker(QThread):
    """One run in an engine of its own.

    Signals
    -------
    started_engine : str, dict
        The engine said hello.
    told : str, dict
        An event of the run, see `medbench.jobs.protocol`.
    concluded : str, dict, object
        The run has ended: run id, last event, the new ModelVersion or None.
    """

    started_engine = Signal(str, object)
    told = Signal(str, object)
    concluded = Signal(str, object, object)

    def __init__(
        self, workspace_path: Path, spec: TrainSpec, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._workspace_path = workspace_path
        self.spec = spec
        self._engine: EngineProcess | None = None
        self._lock = threading.Lock()
        self._stop = threading.Event()

    def run(self) -> None:
        ended: dict[str, Any] = {
            "type": "ended", "job_id": self.spec.job_id, "outcome": "cancelled", "reason": "",
            "result": {},
        }  # fmt: skip
        version = None
        try:
            with Workspace(self._workspace_path) as workspace:
                try:
                    ended = self._train(workspace) if not self._stop.is_set() else ended
                except EngineError as error:
                    ended = {**ended, "outcome": "failed", "reason": str(error)}
                version = conclude_run(workspace, self.spec, ended)
        except (MedbenchError, OSError) as error:
            ended = {**ended, "outcome": "failed", "reason": str(error)}
        self.concluded.emit(self.spec.job_id, ended, version)

    def _train(self, workspace: Workspace) -> dict[str, Any]:
        log = Path(self.spec.run_folder) / "engine.log"
        engine = EngineProcess("train", threads=self.spec.threads, log_path=log)
        try:
            engine.start()
            self.started_engine.emit(self.spec.job_id, engine.hello)
            workspace.set_run_state(self.spec.job_id, "running", ended=False)
            with self._lock:
                engine.submit(self.spec)
                self._engine = engine
                if self._stop.is_set():
                    engine.cancel(self.spec.job_id)
            return follow(engine, self.spec, self._emit)
        finally:
            with self._lock:
                self._engine = None
            engine.close()

    def _emit(self, event: dict[str, Any]) -> None:
        self.told.emit(self.spec.job_id, event)

    def cancel(self) -> None:
        """Stop the run; its last checkpoint stays."""
        with self._lock:
            self._stop.set()
            if self._engine is not None:
                self._engine.cancel(self.spec.job_id)

    def pause(self) -> None:
        """Wait after the current batch."""
        with self._lock:
            if self._engine is not None:
                self._engine.pause(self.spec.job_id)

    def resume(self) -> None:
        """Go on."""
        with self._lock:
            if self._engine is not None:
                self._engine.resume(self.spec.job_id)


class TrainingDock(QObject):
    """Starts runs; implements the training port of `medbench.session.run_book`.

    Signals
    -------
    started_engine, told, concluded
        As of `TrainingWorker`, for every run.
    """

    started_engine = Signal(str, object)
    told = Signal(str, object)
    concluded = Signal(str, object, object)

    def __init__(self, workspace_path: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._workspace_path = workspace_path
        self._workers: dict[str, TrainingWorker] = {}

    def start(self, spec: TrainSpec) -> None:
        """Start a run in a thread and an engine of its own."""
        worker = TrainingWorker(self._workspace_path, spec, self)
        worker.started_engine.connect(self.started_engine)
        worker.told.connect(self.told)
        worker.concluded.connect(self.concluded)
        worker.finished.connect(worker.deleteLater)
        self._workers[spec.job_id] = worker
        self.concluded.connect(self._forget)
        worker.start()

    def _forget(self, run_id: str, _ended: object, _version: object) -> None:
        worker = self._workers.pop(run_id, None)
        if worker is not None:
            worker.wait(15_000)

    def cancel(self, run_id: str) -> None:
        """Stop a run."""
        if worker := self._workers.get(run_id):
            worker.cancel()

    def pause(self, run_id: str) -> None:
        """Pause a run."""
        if worker := self._workers.get(run_id):
            worker.pause()

    def resume(self, run_id: str) -> None:
        """Let a paused run go on."""
        if worker := self._workers.get(run_id):
            worker.resume()

    @property
    def running(self) -> bool:
        """Whether any run is going on."""
        return bool(self._workers)

    def close(self) -> None:
        """Stop every run and wait."""
        for worker in list(self._workers.values()):
            worker.cancel()
        for worker in list(self._workers.values()):
            worker.wait(20_000)
        self._workers.clear()
