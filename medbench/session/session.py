"""What the app knows right now: one object that holds the stores, injected everywhere."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from medbench.base.settings import Settings, write_settings
from medbench.session.cohort_shelf import CohortShelf
from medbench.session.cut_shelf import CutShelf
from medbench.session.evaluation_desk import EvaluationDesk
from medbench.session.exporting import Exporter
from medbench.session.findings import FindingBook
from medbench.session.hanging import HangingBook
from medbench.session.job_list import JobList
from medbench.session.layer_shelf import LayerShelf
from medbench.session.library import Library
from medbench.session.messages import Messages
from medbench.session.model_shelf import ModelShelf
from medbench.session.object_shelf import ObjectShelf
from medbench.session.priors import Priors
from medbench.session.reading_book import ReadingBook
from medbench.session.run_book import RunBook
from medbench.session.segment_book import SegmentBook
from medbench.session.segment_jobs import SegmentJobs
from medbench.session.shaper import VolumeShaper
from medbench.session.volume_shelf import VolumeShelf


class Preferences(QObject):
    """The settings, observable and stored at each change.

    Signals
    -------
    changed : Settings
        Some setting has a new value.
    """

    changed = Signal(object)

    def __init__(self, value: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._value = value

    @property
    def value(self) -> Settings:
        """Current settings."""
        return self._value

    def change(self, **values: Any) -> None:
        """Replace fields, store, tell everybody."""
        changed = self._value.changed(**values)
        if changed != self._value:
            self._value = changed
            write_settings(changed)
            self.changed.emit(changed)


@dataclass(frozen=True)
class EngineInfo:
    """What the engine said of itself."""

    device: str
    """Id, e.g. 'cuda:0' or 'cpu'."""
    device_name: str
    memory_bytes: int
    versions: dict[str, str]


class Session(QObject):
    """Everything a workspace may see; built by `medbench.app.bootstrap`, never looked up.

    Signals
    -------
    show_requested : str, object
        Somebody asks for a workspace (id) with something to show there.
    engine_changed : EngineInfo or None
        The engine is known, or gone.
    """

    show_requested = Signal(str, object)
    engine_changed = Signal(object)

    def __init__(
        self,
        *,
        workspace_path: Path,
        settings: Preferences,
        messages: Messages,
        jobs: JobList,
        library: Library,
        objects: ObjectShelf,
        layers: LayerShelf,
        readings: ReadingBook,
        findings: FindingBook,
        priors: Priors,
        hanging: HangingBook,
        segments: SegmentBook,
        segment_jobs: SegmentJobs,
        shaper: VolumeShaper,
        cuts: CutShelf,
        volumes: VolumeShelf,
        cohorts: CohortShelf,
        runs: RunBook,
        models: ModelShelf,
        evaluations: EvaluationDesk,
        exports: Exporter,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.workspace_path = workspace_path
        self.settings = settings
        self.messages = messages
        self.jobs = jobs
        self.library = library
        self.objects = objects
        self.layers = layers
        self.readings = readings
        self.findings = findings
        self.priors = priors
        self.hanging = hanging
        self.segments = segments
        self.segment_jobs = segment_jobs
        self.history = readings.history
        self.shaper = shaper
        self.cuts = cuts
        self.volumes = volumes
        self.cohorts = cohorts
        self.runs = runs
        self.models = models
        self.evaluations = evaluations
        self.exports = exports
        self._engine_info: EngineInfo | None = None

    @property
    def engine_info(self) -> EngineInfo | None:
        """The engine, once it has said hello."""
        return self._engine_info

    def set_engine_info(self, info: EngineInfo | None) -> None:
        """Remember what the engine said."""
        self._engine_info = info
        self.engine_changed.emit(info)
