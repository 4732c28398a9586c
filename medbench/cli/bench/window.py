"""The window: drag, start, and its pulse beside a training run."""

import tempfile
import time
from typing import Any

from medbench.cli.bench.measure import Benchmark, alternate, run_script


def _window_drag() -> dict[str, Any]:
    return alternate(
        lambda: float(run_script("ours_window_drag.py")["seconds"]),
        lambda: float(run_script("peer_window_drag.py")["seconds"]),
        rounds=3,
    )


def _timed(script: str, *arguments: object) -> float:
    begin = time.perf_counter()
    run_script(script, *arguments)
    return time.perf_counter() - begin


def _cold_start() -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="mb-") as workspace:
        values = alternate(
            lambda: _timed("ours_cold_start.py", workspace),
            lambda: _timed("peer_cold_start.py"),
            rounds=7,
            warm_up=2,
        )
    return {**values, "ratio": values["ours_s"] / values["peer_s"]}


def _sync_scroll() -> dict[str, Any]:
    return run_script("sync_scroll.py")


def _gui_latency() -> dict[str, Any]:
    return run_script("gui_latency.py")


WINDOW_BENCHMARKS = (
    Benchmark(
        "window_drag",
        "One frame of a window drag on 4000 x 3000 16-bit",
        "plain pyqtgraph ImageItem",
        ">= 4.0",
        _window_drag,
    ),
    Benchmark(
        "gui_latency",
        "p99 of a 16 ms GUI timer while scrolling, beside a training run on all cores",
        "the same, idle",
        "<= 1.5",
        _gui_latency,
    ),
    Benchmark(
        "sync_scroll",
        "16 synchronised viewports, the wheel turned 60 times a second: p95 from turn to picture",
        "0.1 s: six turns",
        "<= 1.0",
        _sync_scroll,
    ),
    Benchmark(
        "cold_start",
        "Start of the process to the visible window",
        "python -c 'import PySide6.QtWidgets, pyqtgraph'",
        "<= 2.0",
        _cold_start,
    ),
)
