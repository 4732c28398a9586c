import json
import sqlite3
import subprocess
import sys

import pytest

from medbench.base.atomic import atomic_write_json
from medbench.base.errors import BadInputError, IntegrityError
from medbench.base.hashing import sha256_file
from medbench.domain.model import RestsOn, Stage
from medbench.registry.audit import AuditLog
from medbench.registry.workspace import EvaluationRecord, RunRecord, Workspace


@pytest.fixture
def model_folder(tmp_path):
    folder = tmp_path / "made" / "model"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(bytes(range(256)) * 20)
    (folder / "card.md").write_text("# card\n")
    files = {name: sha256_file(folder / name) for name in ("model.safetensors", "card.md")}
    atomic_write_json(
        folder / "model.json",
        {
            "schema": 1, "name": "m", "learner": "cnn", "task": "image", "classes": ["n", "y"],
            "positive": 1, "threshold": 0.4, "calibrated": True, "files": files,
            "weights_sha256": files["model.safetensors"], "validation": {},
            "provenance": {"run_id": "run-1", "cohort_name": "c", "created": "2026"},
        },
    )  # fmt: skip
    return folder


@pytest.fixture
def workspace(tmp_path):
    with Workspace(tmp_path / "w") as opened:
        yield opened


def test_versions_count_up_and_are_copies(workspace, model_folder):
    first = workspace.register_model(model_folder, "chest")
    second = workspace.register_model(model_folder, "chest")
    assert (first.label, second.label) == ("chest/1", "chest/2")
    assert workspace.model("chest").label == "chest/2"
    (model_folder / "model.safetensors").write_bytes(b"other")
    assert workspace.verify("chest/1").label == "chest/1"
    with pytest.raises(IntegrityError):
        workspace.register_model(model_folder, "chest")
    assert [v.label for v in workspace.models()] == ["chest/2", "chest/1"]


@pytest.mark.parametrize("name", ["model.safetensors", "card.md", "model.json"])
def test_a_changed_byte_is_found(workspace, model_folder, name):
    version = workspace.register_model(model_folder, "chest")
    file = workspace.model_folder(version.label) / name
    data = bytearray(file.read_bytes())
    at = data.index(b"0.4") if name == "model.json" else len(data) // 2
    data[at] ^= 1
    file.write_bytes(bytes(data))
    with pytest.raises((IntegrityError, BadInputError)):
        workspace.verify(version.label)
    with pytest.raises((IntegrityError, BadInputError)):
        workspace.transition(version.label, Stage.APPROVED, "AF", "good")
    assert workspace.model(version.label).stage is Stage.CANDIDATE


def test_stages_with_who_when_why(workspace, model_folder):
    label = workspace.register_model(model_folder, "chest").label
    with pytest.raises(BadInputError, match="name and a reason"):
        workspace.transition(label, Stage.APPROVED, "AF", " ")
    workspace.transition(label, Stage.APPROVED, "AF", "tested")
    with pytest.raises(BadInputError, match="cannot become"):
        workspace.transition(label, Stage.APPROVED, "AF", "again")
    workspace.transition(label, Stage.RETIRED, "JS", "replaced")
    history = workspace.history(label)
    assert [(t.who, t.to_stage, t.reason) for t in history] == [
        ("AF", "approved", "tested"),
        ("JS", "retired", "replaced"),
    ]
    assert workspace.audit.verify() == 3


@pytest.mark.parametrize("name", ["../x", "A", "", "con", "a b", "x" * 64])
def test_names_are_slugs(workspace, model_folder, name):
    with pytest.raises(BadInputError):
        workspace.register_model(model_folder, name)


def test_unknown_model_names_what_there_is(workspace, model_folder):
    workspace.register_model(model_folder, "chest")
    with pytest.raises(BadInputError, match="chest/1"):
        workspace.model("heart")


def test_audit_chain_finds_every_kind_of_change(tmp_path):
    log = AuditLog(tmp_path / "audit.jsonl")
    for i in range(5):
        log.append("event", number=i)
    lines = log.path.read_text().splitlines()
    for damage in (
        lines[:2] + lines[3:],
        [*lines[:2], lines[2].replace('"number": 2', '"number": 9'), *lines[3:]],
        [lines[0], lines[2], lines[1], *lines[3:]],
        [*lines[:3], "{", *lines[3:]],
    ):
        log.path.write_text("\n".join(damage) + "\n")
        with pytest.raises(IntegrityError):
            log.verify()
    log.path.write_text("\n".join(lines) + "\n")
    assert log.verify() == 5


def test_a_cut_last_line_is_dropped_and_the_chain_goes_on(tmp_path):
    log = AuditLog(tmp_path / "audit.jsonl")
    log.append("first")
    with log.path.open("ab") as handle:
        handle.write(b'{"seq": 2, "when"')
    log.append("second")
    assert log.verify() == 2


def test_a_model_folder_without_row_is_found_again(workspace, model_folder):
    version = workspace.register_model(model_folder, "chest")
    database = sqlite3.connect(workspace.path / "workspace.db")
    with database:
        database.execute("DELETE FROM model_version")
    database.close()
    assert workspace.models() == ()
    assert len(workspace.recover()) == 1
    assert workspace.model("chest/1").weights_sha256 == version.weights_sha256
    assert workspace.recover() == []


def test_a_kill_in_the_middle_loses_nothing(tmp_path, model_folder):
    script = f"""
import os, sys
from pathlib import Path
from medbench.registry.workspace import Workspace
w = Workspace(Path({str(tmp_path / "w")!r}))
for i in range(50):
    w.register_model(Path({str(model_folder)!r}), "chest")
    print(i, flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        done = int(line)
        if done >= 6:
            process.kill()
            break
    process.stdout.close()
    process.wait()
    with Workspace(tmp_path / "w") as workspace:
        workspace.recover()
        versions = workspace.models()
        assert len(versions) >= done + 1
        for version in versions:
            workspace.verify(version.label)
        workspace.audit.verify()


def test_newer_and_damaged_databases_are_refused(tmp_path):
    with Workspace(tmp_path / "w"):
        pass
    database = sqlite3.connect(tmp_path / "w" / "workspace.db")
    database.execute("PRAGMA user_version=99")
    database.close()
    with pytest.raises(BadInputError, match="newer medbench"):
        Workspace(tmp_path / "w")
    for extra in ("-wal", "-shm"):
        (tmp_path / "w" / f"workspace.db{extra}").unlink(missing_ok=True)
    (tmp_path / "w" / "workspace.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(IntegrityError, match="damaged"):
        Workspace(tmp_path / "w")


def test_runs_and_evaluations_are_kept(workspace, model_folder):
    workspace.record_run(RunRecord("run-1", "pending", "cnn", "c", "d", "s", 0, "2026"))
    workspace.set_run_state("run-1", "finished", model="chest/1")
    assert workspace.run("run-1").model == "chest/1"
    workspace.register_model(model_folder, "chest")
    workspace.add_evaluation(
        EvaluationRecord(
            "eval-1", "chest/1", "c", "d", "s", "test", RestsOn.INTERNAL_TEST, "2026", "p.npz",
            {"metrics": {}},
        )
    )  # fmt: skip
    assert workspace.evaluations("chest/1")[0].rests_on is RestsOn.INTERNAL_TEST
    entries = [json.loads(line) for line in workspace.audit.path.read_text().splitlines()]
    assert [e["event"] for e in entries] == ["run-started", "model-registered", "model-evaluated"]
