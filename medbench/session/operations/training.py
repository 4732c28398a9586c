"""Start, follow and conclude a training run; shared by window and command line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from medbench.base.atomic import append_line, atomic_write_json, read_json
from medbench.base.errors import BadInputError, CancelledError, JobFailedError
from medbench.base.ids import new_id, now_iso, slugify
from medbench.cohorts.checks import require_clean, run_checks
from medbench.cohorts.store import read_cohort, read_split
from medbench.domain.model import ModelVersion
from medbench.domain.records import from_json, to_json
from medbench.jobs.client import EngineProcess
from medbench.jobs.learners import learner_info
from medbench.jobs.protocol import TrainSpec, encode
from medbench.registry.workspace import RunRecord, Workspace

OnEvent = Callable[[dict[str, Any]], None]


def prepare_run(
    workspace: Workspace, cohort_folder: Path, learner: str, *,
    overrides: dict[str, Any] | None = None, device: str = "auto", seed: int = 0,
    model_name: str = "", folds: int = 0, repeats: int = 1, trials: int = 0,
    embedder: str = "",
) -> TrainSpec:  # fmt: skip
    """Check the cohort, make the run's folder, remember the run.

    ``folds`` > 0: cross-validate by patient first, ``repeats`` times; ``trials`` > 0: search the
    plan's numbers by successive halving; ``embedder``: a registered network (``name/number``)
    whose features replace the measured ones.

    Raises
    ------
    BadInputError
        No cohort or split there, or the learner does not take this kind of data.
    LeakageError
        A check of the split fails and nobody overrode it.
    """
    cohort_folder = Path(cohort_folder).resolve()
    cohort = read_cohort(cohort_folder)
    info = learner_info(learner)
    if cohort.task.value not in info.tasks:
        raise BadInputError(
            f"{info.title} takes {' or '.join(info.tasks)} cohorts; {cohort.name} is made of "
            f"{cohort.task.value}s."
        )
    split = read_split(cohort_folder, cohort)
    if split is None:
        raise BadInputError(
            f"The cohort {cohort.name} has no split yet. Run: medbench cohort split {cohort_folder}"
        )
    require_clean(run_checks(cohort, split, cohort_folder))
    _check_counts(folds, repeats, trials)
    embedder_folder = ""
    if embedder:
        version = workspace.verify(embedder)
        embedder_folder = str(workspace.model_folder(version.label).resolve())
    run_id = new_id("run")
    folder = workspace.run_folder(run_id)
    folder.mkdir(parents=True)
    spec = TrainSpec(
        job_id=run_id,
        run_folder=str(folder.resolve()),
        cohort_folder=str(cohort_folder),
        learner=learner,
        overrides=dict(overrides or {}),
        device=device,
        seed=seed,
        model_name=model_name or slugify(f"{cohort.name}-{learner}"),
        folds=folds,
        repeats=repeats,
        trials=trials,
        embedder_folder=embedder_folder,
    )
    atomic_write_json(folder / "spec.json", to_json(spec))
    workspace.record_run(
        RunRecord(run_id, "pending", learner, cohort.name, cohort.digest, split.digest, seed,
                  now_iso())
    )  # fmt: skip
    return spec


def _check_counts(folds: int, repeats: int, trials: int) -> None:
    if folds and not 2 <= folds <= 50:
        raise BadInputError(f"{folds} folds are not possible: take 2 to 50.")
    if not 1 <= repeats <= 100 or (repeats > 1 and not folds):
        raise BadInputError("Repeats are 1 to 100, and belong to a cross-validation (--folds).")
    if trials and not 2 <= trials <= 1000:
        raise BadInputError(f"A search of {trials} settings is not possible: take 2 to 1000.")


def resume_spec(workspace: Workspace, run_id: str) -> TrainSpec:
    """Spec that continues an interrupted run from its last checkpoint."""
    run = workspace.run(run_id)
    if run.state == "finished":
        raise BadInputError(f"The run {run_id} is finished; start a new one.")
    stored = read_json(workspace.run_folder(run_id) / "spec.json")
    stored["resume"] = True
    return from_json(TrainSpec, stored)


def note_event(spec: TrainSpec, event: dict[str, Any]) -> None:
    """Append an event to the run's file; progress is not kept."""
    if event.get("type") in ("metric", "log", "paused", "resumed", "ended", "accepted"):
        append_line(
            Path(spec.run_folder) / "events.jsonl", encode({**event, "when": now_iso()}).decode()
        )


def read_events(folder: Path) -> list[dict[str, Any]]:
    """Events of a run, a cut last line left out."""
    import json

    file = folder / "events.jsonl"
    if not file.exists():
        return []
    found = []
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def conclude_run(
    workspace: Workspace, spec: TrainSpec, ended: dict[str, Any]
) -> ModelVersion | None:
    """Remember how the run ended; a finished one becomes the next version of its model."""
    outcome = str(ended["outcome"])
    if outcome != "finished":
        workspace.set_run_state(spec.job_id, outcome, reason=str(ended.get("reason", "")))
        return None
    version = workspace.register_model(Path(ended["result"]["model_folder"]), spec.model_name)
    workspace.set_run_state(spec.job_id, outcome, model=version.label)
    return version


def train_blocking(
    workspace: Workspace, spec: TrainSpec, on_event: OnEvent | None = None
) -> tuple[ModelVersion, dict[str, Any]]:
    """Train in an engine of its own and wait.

    Raises
    ------
    JobFailedError
        With the engine's reason.
    CancelledError
        Somebody stopped it.
    """
    log = Path(spec.run_folder) / "engine.log"
    with EngineProcess("train", threads=spec.threads, log_path=log) as engine:
        workspace.set_run_state(spec.job_id, "running", ended=False)
        engine.submit(spec)
        try:
            ended = follow(engine, spec, on_event)
        except KeyboardInterrupt:
            engine.cancel(spec.job_id)
            ended = follow(engine, spec, on_event)
    version = conclude_run(workspace, spec, ended)
    if version is None:
        reason = str(ended.get("reason", ""))
        if ended["outcome"] == "cancelled":
            raise CancelledError(f"The run {spec.job_id} was stopped.")
        raise JobFailedError(reason or f"The run {spec.job_id} {ended['outcome']}.")
    return version, dict(ended["result"])


def follow(
    engine: EngineProcess, spec: TrainSpec, on_event: OnEvent | None = None
) -> dict[str, Any]:
    """Receive until the run has ended; returns that last event."""
    while True:
        event = engine.receive(0.5)
        if event is None:
            continue
        note_event(spec, event)
        if on_event is not None:
            on_event(event)
        if event["type"] == "ended" and event["job_id"] == spec.job_id:
            return event
        if event["type"] == "exited":
            return {"type": "ended", "job_id": spec.job_id, "outcome": "lost",
                    "reason": "The engine is gone.", "result": {}}  # fmt: skip
