"""What import-linter and ruff cannot see: submodules, and what each process loads."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
QTCORE, QT = "PySide6.QtCore", "PySide6"
ALLOWED = {  # import-linter sees library roots only; this table knows submodules
    "sklearn": {"engine": "sklearn", "metrics": "sklearn.metrics"},
    "PySide6": {"session": QTCORE, "workers": QTCORE, "ui": QT, "app": QT},
}
LEAN = [  # the entry module of each process -> what must stay unloaded
    ("medbench.app.bootstrap", {"torch", "monai", "sklearn", "scipy", "pydicom", "SimpleITK"}),
    ("medbench.cli.main", {"torch", "monai", "PySide6.QtWidgets"}),
    ("medbench.engine.main", {"PySide6"}),
]


def imported_names(path):
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", sorted((ROOT / "medbench").rglob("*.py")), ids=str)
def test_only_allowed_submodules(path):
    for name in imported_names(path):
        if places := ALLOWED.get(name.partition(".")[0]):
            assert f"{name}.".startswith(
                f"{places.get(path.relative_to(ROOT).parts[1], 'nothing')}."
            ), name


@pytest.mark.parametrize(("module", "absent"), LEAN)
def test_process_stays_lean(module, absent):
    code = f"import {module}, sys; print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert not absent & set(out.stdout.split())


def test_import_contracts_hold():
    run = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout[-2000:]


def test_files_stay_readable():
    """About 400 lines a file; 450 is the end."""
    long = {
        str(path.relative_to(ROOT)): n
        for path in (ROOT / "medbench").rglob("*.py")
        if (n := len(path.read_text(encoding="utf-8").splitlines())) > 450
    }
    assert not long


BANNED_CALLS = {
    ("torch", "load"), ("torch", "save"), ("pickle", "loads"), ("os", "system"), ("np", "memmap"),
}  # fmt: skip


@pytest.mark.parametrize("path", sorted((ROOT / "medbench").rglob("*.py")), ids=str)
def test_no_dangerous_call(path):
    """Nothing executable is read, no shell, no eval; worker signals take no lambdas."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name):
            assert node.func.id not in {"eval", "exec"}, f"line {node.lineno}"
        if isinstance(node.func, ast.Attribute):
            owner = node.func.value
            if isinstance(owner, ast.Name):
                assert (owner.id, node.func.attr) not in BANNED_CALLS, f"line {node.lineno}"
            if node.func.attr == "connect" and path.relative_to(ROOT).parts[1] in {
                "session",
                "workers",
            }:
                assert not any(isinstance(a, ast.Lambda) for a in node.args), f"line {node.lineno}"
        for keyword in node.keywords:
            value = keyword.value
            bad = keyword.arg in {"shell", "allow_pickle"}
            assert not (bad and isinstance(value, ast.Constant) and value.value is True)
