"""The workspace on disk; the app process (window or command line) is its only writer."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from medbench.base.errors import BadInputError, IntegrityError
from medbench.base.ids import check_slug, new_id, now_iso
from medbench.domain.model import ModelVersion, RestsOn, Stage, Transition
from medbench.domain.records import from_json, to_json
from medbench.registry.audit import AuditLog
from medbench.registry.model_folder import (
    copy_model,
    manifest_digest,
    verify_folder,
    version_of,
)
from medbench.registry.schema import open_database

_ALLOWED = {
    (Stage.CANDIDATE, Stage.APPROVED),
    (Stage.CANDIDATE, Stage.RETIRED),
    (Stage.APPROVED, Stage.RETIRED),
    (Stage.APPROVED, Stage.CANDIDATE),
    (Stage.RETIRED, Stage.CANDIDATE),
}


@dataclass(frozen=True)
class RunRecord:
    """One training run as the database knows it."""

    run_id: str
    state: str
    learner: str
    cohort_name: str
    cohort_digest: str
    split_digest: str
    seed: int
    created: str
    ended: str = ""
    reason: str = ""
    model: str = ""


@dataclass(frozen=True)
class EvaluationRecord:
    """One stored evaluation of a version."""

    evaluation_id: str
    model: str
    cohort_name: str
    cohort_digest: str
    split_digest: str
    role: str
    rests_on: RestsOn
    created: str
    predictions: str
    """Path of the predictions file, relative to the workspace."""
    report: Mapping[str, Any]


class Workspace:
    """Runs, model versions, evaluations and the audit file of one folder."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        if self.path.exists() and not self.path.is_dir():
            raise BadInputError(f"{self.path} is a file; a workspace is a folder.")
        for folder in ("runs", "models", "cohorts"):
            (self.path / folder).mkdir(parents=True, exist_ok=True)
        self._database = open_database(self.path / "workspace.db")
        self.audit = AuditLog(self.path / "audit.jsonl")

    def __enter__(self) -> "Workspace":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction; it also guards the audit file against a second writer."""
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield self._database
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    # runs

    def run_folder(self, run_id: str) -> Path:
        """Where a run keeps its files."""
        return self.path / "runs" / run_id

    def record_run(self, run: RunRecord) -> None:
        """Remember a run before it starts."""
        with self._writing() as database:
            database.execute(
                "INSERT INTO run VALUES (?,?,?,?,?,?,?,?,?,?,?)",
                (run.run_id, run.state, run.learner, run.cohort_name, run.cohort_digest,
                 run.split_digest, run.seed, run.created, run.ended, run.reason, run.model),
            )  # fmt: skip
            self.audit.append("run-started", run_id=run.run_id, learner=run.learner,
                              cohort=run.cohort_name, cohort_digest=run.cohort_digest)  # fmt: skip

    def set_run_state(
        self, run_id: str, state: str, *, reason: str = "", model: str = "", ended: bool = True
    ) -> None:
        """Remember how a run stands."""
        with self._writing() as database:
            database.execute(
                "UPDATE run SET state=?, reason=?, ended=?, model=CASE WHEN ?='' THEN model ELSE ? "
                "END WHERE run_id=?",
                (state, reason, now_iso() if ended else "", model, model, run_id),
            )

    def runs(self) -> tuple[RunRecord, ...]:
        """All runs, newest first."""
        rows = self._database.execute("SELECT * FROM run ORDER BY created DESC, run_id DESC")
        return tuple(RunRecord(**dict(row)) for row in rows)

    def run(self, run_id: str) -> RunRecord:
        """One run; raises `BadInputError` when there is none."""
        for run in self.runs():
            if run.run_id == run_id:
                return run
        raise BadInputError(f"The workspace holds no run {run_id!r}.")

    # model versions

    def register_model(self, model_folder: Path, name: str) -> ModelVersion:
        """Copy a finished model into the registry as the next version of ``name``."""
        check_slug(name, "model name")
        with self._writing() as database:
            row = database.execute(
                "SELECT COALESCE(MAX(number), 0) FROM model_version WHERE name=?", (name,)
            ).fetchone()
            number = int(row[0]) + 1
            while (self.path / "models" / name / str(number)).exists():
                number += 1
            manifest = copy_model(model_folder, self.path / "models" / name / str(number))
            version = version_of(manifest, name, number)
            self._insert(database, version, manifest)
            self.audit.append("model-registered", model=version.label, run_id=version.run_id,
                              weights_sha256=version.weights_sha256)  # fmt: skip
        return version

    def _insert(
        self, database: sqlite3.Connection, version: ModelVersion, manifest: dict[str, Any]
    ) -> None:
        record = {"manifest_sha256": manifest_digest(manifest), **to_json(version)}
        database.execute(
            "INSERT INTO model_version VALUES (?,?,?,?,?)",
            (version.name, version.number, version.stage.value, version.run_id, json.dumps(record)),
        )

    def models(self) -> tuple[ModelVersion, ...]:
        """All versions, by name, newest version first."""
        rows = self._database.execute("SELECT * FROM model_version ORDER BY name, number DESC")
        return tuple(_version(row) for row in rows)

    def model(self, label: str) -> ModelVersion:
        """``name/number``, or ``name`` for its newest version that is not retired."""
        name, _, number = label.partition("/")
        found = [v for v in self.models() if v.name == name]
        if number:
            found = [v for v in found if str(v.number) == number]
        else:
            found = [v for v in found if v.stage is not Stage.RETIRED] or found
        if not found:
            known = ", ".join(v.label for v in self.models()[:8]) or "none"
            raise BadInputError(f"There is no model {label!r} in this workspace; there is {known}.")
        return found[0]

    def model_folder(self, label: str) -> Path:
        """Folder of a version, without checking it."""
        version = self.model(label)
        return self.path / "models" / version.name / str(version.number)

    def verify(self, label: str) -> ModelVersion:
        """Compare every byte of a version with what was registered; raises `IntegrityError`."""
        version = self.model(label)
        row = self._database.execute(
            "SELECT record FROM model_version WHERE name=? AND number=?",
            (version.name, version.number),
        ).fetchone()
        folder = self.model_folder(version.label)
        if not folder.is_dir():
            raise IntegrityError(f"The folder of {version.label} is gone.")
        verify_folder(folder, json.loads(row["record"]).get("manifest_sha256", ""))
        return version

    def transition(self, label: str, stage: Stage, who: str, why: str) -> Transition:
        """Move a version to another stage; approving checks its bytes first.

        Raises
        ------
        BadInputError
            The move is not allowed, or nobody takes it.
        IntegrityError
            Approving a version whose bytes changed.
        """
        version = self.model(label)
        if not who.strip() or not why.strip():
            raise BadInputError("A change of stage needs a name and a reason.")
        if (version.stage, stage) not in _ALLOWED:
            raise BadInputError(f"{version.label} is {version.stage}: it cannot become {stage}.")
        if stage is Stage.APPROVED:
            self.verify(version.label)
        moved = Transition(now_iso(), who.strip(), version.stage.value, stage.value, why.strip())
        with self._writing() as database:
            database.execute(
                "UPDATE model_version SET stage=? WHERE name=? AND number=?",
                (stage.value, version.name, version.number),
            )
            database.execute(
                "INSERT INTO transition (name, number, at, who, from_stage, to_stage, reason) "
                "VALUES (?,?,?,?,?,?,?)",
                (version.name, version.number, moved.when, moved.who, moved.from_stage,
                 moved.to_stage, moved.reason),
            )  # fmt: skip
            self.audit.append(
                "stage-changed", model=version.label, who=moved.who, from_stage=moved.from_stage,
                to_stage=moved.to_stage, reason=moved.reason,
                weights_sha256=version.weights_sha256,
            )  # fmt: skip
        return moved

    def history(self, label: str) -> tuple[Transition, ...]:
        """Transitions of a version, oldest first."""
        version = self.model(label)
        rows = self._database.execute(
            "SELECT * FROM transition WHERE name=? AND number=? ORDER BY id",
            (version.name, version.number),
        )
        return tuple(
            Transition(r["at"], r["who"], r["from_stage"], r["to_stage"], r["reason"]) for r in rows
        )

    # evaluations

    def add_evaluation(self, record: EvaluationRecord) -> None:
        """Remember an evaluation; its predictions file is already written."""
        version = self.model(record.model)
        with self._writing() as database:
            database.execute(
                "INSERT INTO evaluation VALUES (?,?,?,?,?,?,?,?,?,?,?)",
                (record.evaluation_id, version.name, version.number, record.cohort_name,
                 record.cohort_digest, record.split_digest, record.role, record.rests_on.value,
                 record.created, record.predictions, json.dumps(to_json(record.report))),
            )  # fmt: skip
            self.audit.append("model-evaluated", model=version.label, cohort=record.cohort_name,
                              role=record.role, rests_on=record.rests_on.value)  # fmt: skip

    def evaluations(self, label: str = "") -> tuple[EvaluationRecord, ...]:
        """Stored evaluations, newest first; of one version or of all."""
        rows = self._database.execute("SELECT * FROM evaluation ORDER BY created DESC, rowid DESC")
        found = tuple(
            EvaluationRecord(
                r["evaluation_id"], f"{r['name']}/{r['number']}", r["cohort_name"],
                r["cohort_digest"], r["split_digest"], r["role"], RestsOn(r["rests_on"]),
                r["created"], r["predictions"], json.loads(r["record"]),
            )
            for r in rows
        )  # fmt: skip
        if not label:
            return found
        wanted = self.model(label).label
        return tuple(e for e in found if e.model == wanted)

    # what readers decide

    def note(self, event: str, **fields: Any) -> dict[str, Any]:
        """Append an event that concerns no table to the audit file; returns the entry."""
        with self._writing():
            return self.audit.append(event, **fields)

    # repair after a crash

    def recover(self) -> list[str]:
        """Put right what a crash left between two steps; returns what was done, in words."""
        done = []
        known = {(v.name, v.number) for v in self.models()}
        for folder in sorted((self.path / "models").glob("*/*")):
            if not folder.is_dir() or not folder.name.isdigit():
                continue
            name, number = folder.parent.name, int(folder.name)
            if (name, number) in known:
                continue
            try:
                manifest = verify_folder(folder)
            except (BadInputError, IntegrityError) as error:
                done.append(f"{name}/{number} is no whole model and was left alone: {error}")
                continue
            with self._writing() as database:
                self._insert(database, version_of(manifest, name, number), manifest)
                self.audit.append("model-recovered", model=f"{name}/{number}")
            done.append(f"{name}/{number} was found again and registered as a candidate")
        return done


def _version(row: sqlite3.Row) -> ModelVersion:
    version = from_json(ModelVersion, json.loads(row["record"]))
    return replace(version, stage=Stage(row["stage"]))


def new_evaluation_id() -> str:
    """Id of a new evaluation."""
    return new_id("eval")
