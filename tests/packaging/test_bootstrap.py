"""The launcher: what it says and does on machines that lack something."""

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def bootstrap(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("bootstrap", ROOT / "packaging/bootstrap.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "VENV", tmp_path / "env")
    return module


def test_launcher_uses_the_standard_library_only():
    allowed = set(sys.stdlib_module_names) | {"bootstrap"}
    for name in ("main.py", "packaging/bootstrap.py"):
        for node in ast.walk(ast.parse((ROOT / name).read_text())):
            if isinstance(node, ast.Import):
                assert {a.name.split(".")[0] for a in node.names} <= allowed
            elif isinstance(node, ast.ImportFrom):
                assert node.module.split(".")[0] in allowed


def test_main_parses_under_old_pythons():
    ast.parse((ROOT / "main.py").read_text(), feature_version=(3, 6))


def test_venv_is_made_where_ensurepip_is_missing(bootstrap, monkeypatch):
    """Debian without python3-venv: ``-m venv`` fails, ``--without-pip`` and the outer pip serve."""
    real, calls = bootstrap._works, []

    def works(*command):
        calls.append(command)
        if command[1:3] == ("-m", "venv") and "--without-pip" not in command:
            return False  # what a Python without ensurepip does
        return real(*command)

    monkeypatch.setattr(bootstrap, "_works", works)
    pip = bootstrap.make_venv()
    assert bootstrap.venv_python().exists()
    assert pip[:4] == [sys.executable, "-m", "pip", "--python"]
    run = subprocess.run([*pip, "list"], capture_output=True, text=True)
    assert run.returncode == 0
    assert "torch" not in run.stdout


def test_installs_once_per_lock_and_stamps_last(bootstrap, tmp_path, monkeypatch):
    lock = tmp_path / "requirements-x.txt"
    lock.write_text("a==1\n")
    ran = []
    monkeypatch.setattr(bootstrap, "make_venv", lambda: ["pip"])
    monkeypatch.setattr(bootstrap, "_run", lambda command: ran.append(command) or len(ran) > 1)
    bootstrap.VENV.mkdir()
    python = bootstrap.venv_python()
    python.parent.mkdir(parents=True)
    python.touch()
    with pytest.raises(bootstrap.SetupError, match=r"requirements-x\.txt failed"):
        bootstrap.install([lock])
    bootstrap.install([lock])  # the failed one left no stamp
    bootstrap.install([lock])  # the good one did
    assert len(ran) == 2
    lock.write_text("a==2\n")
    bootstrap.install([lock])
    assert len(ran) == 3


def test_missing_library_prints_the_one_line_to_run(bootstrap, monkeypatch):
    monkeypatch.setattr(bootstrap, "missing_libraries", lambda wanted: ["libegl1", "libgl1"])
    monkeypatch.setattr(bootstrap.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(bootstrap.sys, "platform", "linux")
    with pytest.raises(bootstrap.SetupError, match=r"sudo apt-get install .* libegl1 libgl1"):
        bootstrap.check_libraries(screen=False)


def test_missing_libraries_are_found_by_loading(bootstrap):
    assert bootstrap.missing_libraries({"libnothing-of-the-kind.so.9": "nothing"}) == ["nothing"]


def test_torch_has_its_own_line_and_no_torchvision():
    locks = [p.read_text() for p in (ROOT / "packaging").glob("requirements*.txt")]
    lines = [line for text in locks for line in text.splitlines() if line[:1].isalpha()]
    assert all("==" in line for line in lines)
    assert not any(line.startswith("torchvision") for line in lines)
    torch = (ROOT / "packaging/requirements-torch.txt").read_text()
    assert [line for line in torch.splitlines() if line[:1].isalpha()] == ["torch==2.13.0"]
