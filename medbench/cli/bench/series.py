"""Loading, first image, jumps, memory and header scan, on 300 x 512 x 512 signed 16-bit.

A simulated thorax CT, written for the run in each transfer syntax; decoders and libraries of both
sides are warm before the clock starts.
"""

import atexit
import functools
import os
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any

from medbench.base.errors import JobFailedError
from medbench.cli.bench.measure import Benchmark, alternate, run_script

SLICES, ROWS, COLUMNS = 300, 512, 512
SYNTAXES = ("uncompressed", "rle", "jpeg_ls", "jpeg_2000")


@functools.cache
def series_folders() -> Path:
    """A folder with one folder a transfer syntax; written once, removed at exit."""
    folder = Path(tempfile.mkdtemp(prefix="medbench-bench-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    run_script("write_series.py", folder, SLICES, *SYNTAXES)
    return folder


def _load(syntax: str, *arguments: object) -> dict[str, Any]:
    return run_script("ours_series_load.py", series_folders() / syntax, *arguments)


def _series_load(syntax: str, rounds: int, warm_up: int = 1) -> dict[str, Any]:
    """Ours and SimpleITK's in turn; the voxels must be the same."""
    sums: set[int] = set()

    def timed(value: dict[str, Any]) -> float:
        if value.get("failed"):
            raise JobFailedError(f"{value['failed']} slices of {syntax} could not be loaded.")
        sums.add(value["sum"])
        return float(value["seconds"])

    result = alternate(
        lambda: timed(_load(syntax)),
        lambda: timed(run_script("peer_series_load.py", series_folders() / syntax)),
        rounds=rounds,
        warm_up=warm_up,
    )
    if len(sums) > 1:
        raise JobFailedError(f"The voxels of {syntax} differ from SimpleITK's.")
    return {**result, "voxels_equal": True}


def _scaling() -> dict[str, Any]:
    """One decoder against all of them, by the number that helps: 1 is perfect."""
    pairs = [(_load("jpeg_ls", 1)["load_s"], _load("jpeg_ls")["load_s"]) for _ in range(5)]
    cores = min(os.cpu_count() or 1, _load("jpeg_ls")["processes"])
    speed_up = statistics.median(one / all_ for one, all_ in pairs)
    return {
        "one_process_s": statistics.median(one for one, _ in pairs),
        "all_processes_s": statistics.median(all_ for _, all_ in pairs),
        "speed_up": speed_up,
        "processes": cores,
        "ratio": speed_up / cores,
        "rounds": len(pairs),
    }


def _first_image() -> dict[str, Any]:
    runs = [_load("uncompressed") for _ in range(6)][1:]
    compressed = {name: _load(name) for name in ("rle", "jpeg_ls")}
    return {
        **{f"{name}_ratio": run["first_s"] / run["load_s"] for name, run in compressed.items()},
        "ours_s": statistics.median(run["first_s"] for run in runs),
        "peer_s": statistics.median(run["load_s"] for run in runs),
        "ratio": statistics.median(run["first_s"] / run["load_s"] for run in runs),
        "rounds": len(runs),
    }


def _jump() -> dict[str, Any]:
    found = run_script("ours_jump.py", series_folders() / "jpeg_2000")
    return {**found, "ratio": found["wait_s"] / found["frame_s"]}


def _memory() -> dict[str, Any]:
    found = {
        syntax: run_script("ours_memory.py", series_folders() / syntax)["factor"]
        for syntax in SYNTAXES
    }
    return {**found, "ratio": max(found.values())}


def _scan_rate() -> dict[str, Any]:
    folder = series_folders() / "uncompressed"
    result = alternate(
        lambda: float(run_script("ours_scan.py", folder)["seconds"]),
        lambda: float(run_script("peer_scan.py", folder)["seconds"]),
        rounds=7,
    )
    return {**result, "files_per_s": SLICES / result["ours_s"]}


SERIES_BENCHMARKS = (
    Benchmark(
        "series_load",
        "Load 300 x 512 x 512 signed 16-bit, uncompressed, folder to voxels",
        "SimpleITK ImageSeriesReader",
        ">= 2.0",
        lambda: _series_load("uncompressed", 5),
    ),
    Benchmark(
        "load_rle",
        "The same series, RLE lossless",
        "SimpleITK ImageSeriesReader",
        ">= 20",
        lambda: _series_load("rle", 3),
    ),
    Benchmark(
        "load_jpeg_ls",
        "The same series, JPEG-LS lossless",
        "SimpleITK ImageSeriesReader",
        ">= 2.0",
        lambda: _series_load("jpeg_ls", 5),
    ),
    Benchmark(
        "load_jpeg_2000",
        "The same series, JPEG 2000 lossless",
        "SimpleITK ImageSeriesReader",
        ">= 1.2",
        lambda: _series_load("jpeg_2000", 3, 0),
    ),
    Benchmark(
        "load_scaling",
        "Speed-up of the JPEG-LS load by all decoders, per decoder (at most one a core)",
        "one decoder",
        ">= 0.6",
        _scaling,
    ),
    Benchmark(
        "first_image",
        "First image of the uncompressed series against the whole load",
        "whole load",
        "<= 0.05",
        _first_image,
    ),
    Benchmark(
        "jump",
        "Wait for a slice that is not there, while the JPEG 2000 series loads",
        "time of a decoder for one frame",
        "<= 3.0",
        _jump,
    ),
    Benchmark(
        "memory",
        "Peak memory of an open series (app and decoders), any transfer syntax",
        "its voxels",
        "<= 1.3",
        _memory,
    ),
    Benchmark(
        "scan_rate",
        "Header scan of 300 files",
        "pydicom.dcmread(stop_before_pixels=True) loop",
        ">= 2.0",
        _scan_rate,
    ),
)
