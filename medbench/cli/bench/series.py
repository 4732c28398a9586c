"""Loading, first image and header scan, on 300 x 512 x 512 signed 16-bit written for it."""

import atexit
import functools
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any

from medbench.cli.bench.measure import Benchmark, alternate, run_script

SLICES, ROWS, COLUMNS = 300, 512, 512


@functools.cache
def series_folder() -> Path:
    """A folder with the uncompressed series; written once, removed at exit."""
    from medbench.samples.series import write_uniform_series

    folder = Path(tempfile.mkdtemp(prefix="medbench-bench-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    write_uniform_series(folder, (SLICES, ROWS, COLUMNS))
    return folder


def _series_load() -> dict[str, Any]:
    folder = series_folder()
    sums: set[int] = set()

    def timed(script: str) -> float:
        value = run_script(script, folder)
        sums.add(value["sum"])
        return float(value["seconds"])

    result = alternate(
        lambda: timed("ours_series_load.py"), lambda: timed("peer_series_load.py"), rounds=5
    )
    return {**result, "voxels_equal": len(sums) == 1}


def _first_image() -> dict[str, Any]:
    runs = [run_script("ours_series_load.py", series_folder()) for _ in range(6)][1:]
    return {
        "ours_s": statistics.median(run["first_s"] for run in runs),
        "peer_s": statistics.median(run["load_s"] for run in runs),
        "ratio": statistics.median(run["first_s"] / run["load_s"] for run in runs),
        "rounds": len(runs),
    }


def _scan_rate() -> dict[str, Any]:
    folder = series_folder()
    result = alternate(
        lambda: float(run_script("ours_scan.py", folder)["seconds"]),
        lambda: float(run_script("peer_scan.py", folder)["seconds"]),
    )
    return {**result, "files_per_s": SLICES / result["ours_s"]}


SERIES_BENCHMARKS = (
    Benchmark(
        "series_load",
        "Load 300 x 512 x 512 signed 16-bit, uncompressed, folder to voxels",
        "SimpleITK ImageSeriesReader",
        ">= 1.3",
        _series_load,
    ),
    Benchmark(
        "first_image",
        "First image of that series against the whole load",
        "whole load",
        "<= 0.1",
        _first_image,
    ),
    Benchmark(
        "scan_rate",
        "Header scan of 300 files",
        "pydicom.dcmread(stop_before_pixels=True) loop",
        ">= 1.0",
        _scan_rate,
    ),
)
