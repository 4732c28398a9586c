"""Entry point: exit codes and one clear sentence."""

import subprocess
import sys

import pytest

from medbench.cli.main import VERBS, build_parser, main


def test_version(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out.startswith("medbench ")


@pytest.mark.parametrize(
    "arguments",
    [["scan"], ["nonsense"], ["/no/such/path"], ["array", "/no/such/file", "--out", "x.npy"]],
)
def test_bad_input_is_one_sentence_and_exit_2(arguments, capsys):
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("medbench: ")
    assert captured.err.count("\n") == 1
    assert "Traceback" not in captured.err


def test_every_verb_explains_itself():
    parser = build_parser()
    text = parser.format_help()
    assert all(verb in text for verb in VERBS)


def test_module_runs():
    run = subprocess.run(
        [sys.executable, "-m", "medbench", "--version"], capture_output=True, text=True
    )
    assert run.returncode == 0
    assert run.stdout.startswith("medbench ")
