"""Model versions, their stages, and predictions on what is open."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal

from medbench.base.errors import BadInputError
from medbench.base.ids import new_id
from medbench.domain.model import ModelVersion, Prediction, Stage
from medbench.jobs.states import JobState
from medbench.registry.workspace import Workspace
from medbench.session.job_list import JobList
from medbench.session.messages import Messages
from medbench.session.operations.models import model_json
from medbench.session.operations.prediction import predict
from medbench.session.ports import Handle, Runner


@dataclass(frozen=True)
class ModelDetail:
    """A version with everything the Models page shows."""

    version: ModelVersion
    values: dict[str, Any]
    """See `medbench.session.operations.models.model_json`."""
    card: str
    audit: tuple[dict[str, Any], ...]
    chain_intact: bool
    size_bytes: int


@dataclass(frozen=True, eq=False)
class PredictionView:
    """A prediction with its attribution map."""

    key: str
    """Of the image it was made on; an answer for another image is not shown."""
    prediction: Prediction
    overlay: np.ndarray[Any, Any] | None


class ModelShelf(QObject):
    """Versions of the workspace.

    Signals
    -------
    changed
        Versions or stages are others.
    detail_ready : ModelDetail
        What was asked with `request_detail`.
    predicted : PredictionView
        A prediction is there.
    prediction_failed : str, str
        Key, sentence.
    """

    changed = Signal()
    detail_ready = Signal(object)
    predicted = Signal(object)
    prediction_failed = Signal(str, str)

    def __init__(
        self, workspace_path: Path, runner: Runner, inference: Runner, messages: Messages,
        jobs: JobList, parent: QObject | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._workspace_path = workspace_path
        self._runner = runner
        self._inference = inference
        self._messages = messages
        self._jobs = jobs
        self._versions: tuple[ModelVersion, ...] = ()

    @property
    def versions(self) -> tuple[ModelVersion, ...]:
        """All, by name, newest first."""
        return self._versions

    def approved(self, task: str = "image") -> tuple[ModelVersion, ...]:
        """Versions that may run in Review."""
        return tuple(v for v in self._versions if v.stage is Stage.APPROVED and v.task == task)

    def refresh(self) -> None:
        """Read the registry; a crash's leftovers are put right."""

        def work(handle: Handle) -> tuple[tuple[ModelVersion, ...], list[str]]:
            with Workspace(self._workspace_path) as workspace:
                repaired = workspace.recover()
                return workspace.models(), repaired

        self._runner.run("models", work, self._listed, self._messages.error, newest=True)

    def _listed(self, answer: tuple[tuple[ModelVersion, ...], list[str]]) -> None:
        self._versions, repaired = answer
        for sentence in repaired:
            self._messages.warning(sentence)
        self.changed.emit()

    def request_detail(self, label: str) -> None:
        """Read everything about a version."""

        def work(handle: Handle) -> ModelDetail:
            with Workspace(self._workspace_path) as workspace:
                version = workspace.model(label)
                folder = workspace.model_folder(label)
                card = folder / "card.md"
                entries = tuple(
                    e for e in workspace.audit.entries() if e.get("model") == version.label
                )
                try:
                    workspace.audit.verify()
                    intact = True
                except Exception:  # noqa: BLE001 - whatever breaks it, the chain is not intact
                    intact = False
                return ModelDetail(
                    version, model_json(workspace, label),
                    card.read_text(encoding="utf-8") if card.exists() else "",
                    entries, intact,
                    sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()),
                )  # fmt: skip

        self._runner.run("detail", work, self.detail_ready.emit, self._messages.error, newest=True)

    def move(
        self, label: str, stage: Stage, who: str, why: str,
        then: Callable[[], None] | None = None,
    ) -> None:  # fmt: skip
        """Approve, retire or take back; recorded with who, when, why."""

        def work(handle: Handle) -> tuple[ModelVersion, ...]:
            with Workspace(self._workspace_path) as workspace:
                workspace.transition(label, stage, who, why)
                return workspace.models()

        def done(versions: tuple[ModelVersion, ...]) -> None:
            self._versions = versions
            self._messages.success(self.tr("{0} is now {1}").format(label, stage.value))
            self.changed.emit()
            if then is not None:
                then()

        self._runner.run("move", work, done, self._messages.error)

    def predict(
        self, label: str, key: str, values: np.ndarray[Any, Any], *, inverted: bool,
        device: str = "auto",
    ) -> None:  # fmt: skip
        """Run an approved version on modality values (rows, columns[, 3]) of the open image."""
        job_id = new_id("predict")

        def work(handle: Handle) -> PredictionView:
            with Workspace(self._workspace_path) as workspace:
                version = workspace.verify(label)
                folder = workspace.model_folder(label)
            if version.stage is not Stage.APPROVED:
                raise BadInputError(f"{version.label} is not approved: approve it in Models first.")
            with tempfile.TemporaryDirectory(prefix="mb-") as scratch:
                picture = Path(scratch) / "input.npy"
                np.save(picture, np.ascontiguousarray(values), allow_pickle=False)
                entry = {"id": key, "npy": str(picture), "inverted": inverted}
                found = predict(
                    handle.engine(),
                    version,
                    folder,
                    [entry],
                    Path(scratch),
                    device=device,
                    cancelled=handle.cancelled,
                )[0]
                overlay = None
                if found.overlay_path:
                    overlay = np.load(found.overlay_path, allow_pickle=False)
            return PredictionView(key, found, overlay)

        def done(view: PredictionView) -> None:
            self._jobs.update(job_id, state=JobState.FINISHED, fraction=1.0)
            if view.prediction.reason:
                self.prediction_failed.emit(key, view.prediction.reason)
                return
            self._messages.success(
                self.tr("{0} finished in {1:.1f} s").format(label, view.prediction.seconds)
            )
            self.predicted.emit(view)

        def failed(sentence: str) -> None:
            state = JobState.FAILED if sentence else JobState.CANCELLED
            self._jobs.update(job_id, state=state, reason=sentence)
            self.prediction_failed.emit(key, sentence)

        ticket: list[int] = []

        def cancel() -> None:
            self._inference.cancel(ticket[0])

        self._jobs.add(job_id, self.tr("Run {0}").format(label), cancel)
        self._jobs.update(job_id, state=JobState.RUNNING)
        ticket.append(self._inference.run("predict", work, done, failed, newest=True))
