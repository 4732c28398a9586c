"""Reformatted and oblique slices."""

from medbench.cli.bench.measure import Benchmark, run_script

PLANE_BENCHMARKS = (
    Benchmark(
        "mpr_slice",
        "A coronal or sagittal slice of 300 x 512 x 512 (the slower), mean while scrolling through",
        "contiguous copy of an axial slice",
        "<= 3.0",
        lambda: run_script("mpr_slice.py"),
    ),
    Benchmark(
        "oblique_slice",
        "A double oblique 512 x 512 slice of 300 x 512 x 512, linear interpolation",
        "SimpleITK ResampleImageFilter",
        ">= 1.5",
        lambda: run_script("oblique.py"),
    ),
    Benchmark(
        "crosshair_drag",
        "Frames a second of a rotate handle, 2 x 2 views of 384 x 384 x 384, beside a training run",
        "20 frames a second (the ratio is frames a second)",
        ">= 20.0",
        lambda: run_script("crosshair_drag.py"),
    ),
)
