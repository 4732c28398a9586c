"""DCMTK as a judge of what is written; tests skip where it is not installed."""

import shutil
import subprocess
from pathlib import Path

import pytest

_OWN_LIMITS = (
    "The VR checker does not support this Specific Character Set",
    "Check for template constraints not yet supported",
)


def clean_html(file: Path) -> str:
    """The document as dsr2html shows it; it must find nothing to complain about."""
    if shutil.which("dsr2html") is None:
        pytest.skip("DCMTK is not installed")
    run = subprocess.run(
        ["dsr2html", "+U8", str(file)], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    words = [
        line for line in run.stderr.splitlines() if not any(limit in line for limit in _OWN_LIMITS)
    ]
    assert not words, words
    return run.stdout
