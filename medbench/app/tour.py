"""The guided tour: drives the real window with the real workers and photographs it.

Every step does what a user would do (clicks, wheel, keys, or the command behind a button), waits
for the workers' answer with a limit, and fails loudly: the summary is ``ok`` only if all happened.
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from medbench.app.screen import has_display
from medbench.app.tour_guide import SIZE, Tour
from medbench.base.atomic import atomic_write_json
from medbench.base.errors import JobFailedError


def run_tour(out: Path, study: Path | None = None, images: Path | None = None) -> dict[str, Any]:
    """Do the whole tour in a fresh workspace; returns (and writes) the summary."""
    if not has_display():
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("[0-9][0-9]-*.png"):
        old.unlink()
    tour = Tour(out, study, images)
    error = ""
    with tempfile.TemporaryDirectory(prefix="mb-tour-") as scratch:
        # the tour must not touch the user's settings
        os.environ["MEDBENCH_CONFIG"] = str(Path(scratch) / "config")
        try:
            _walk(tour, Path(scratch))
        except JobFailedError as problem:
            error = str(problem)
            sys.stderr.write(f"tour stopped: {error}\n")
        finally:
            if tour.app is not None:
                tour.app.close()
                tour.app.qt.processEvents()
    summary = {
        "ok": not error,
        "error": error,
        "simulated_images": images is None,
        "simulated_study": study is None,
        "seconds": round(time.monotonic() - tour.began, 1),
        "steps": tour.steps,
        "metrics": tour.metrics,
        "timings": tour.timings,
        "pictures": sorted(f.name for f in out.glob("[0-9][0-9]-*.png")),
        "notice": "Research use - not for diagnosis",
    }
    atomic_write_json(out / "summary.json", json.loads(json.dumps(summary)))
    return summary


def _walk(tour: Tour, scratch: Path) -> None:
    from medbench.app.bootstrap import build_app
    from medbench.app.tour_steps import STEPS

    begin = time.monotonic()
    tour.app = build_app(scratch / "workspace")
    tour.app.show([])
    tour.app.window.resize(*SIZE)
    tour.rest(0.2)
    tour.timings["window_s"] = round(time.monotonic() - begin, 3)
    for step in STEPS:
        step(tour, scratch)
