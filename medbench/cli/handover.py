"""The way to the window: command line and app are neighbours that do not know each other.

The app is found by name when it is asked for, so that no verb pays for Qt.
"""

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def open_window(paths: Sequence[Path], workspace: Path | None) -> int:
    """Open the window; returns its exit code."""
    return int(importlib.import_module("medbench.app.main").open_window(paths, workspace))


def run_tour(out: Path, study: Path | None, images: Path | None) -> dict[str, Any]:
    """Run the guided tour; returns its summary."""
    return dict(importlib.import_module("medbench.app.tour").run_tour(out, study, images))
