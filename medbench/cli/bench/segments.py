"""Painting segments and taking edits back, in the window, against what a hand notices."""

from medbench.cli.bench.measure import Benchmark, run_script

SEGMENT_BENCHMARKS = (
    Benchmark(
        "brush_stroke",
        "Frames a second of a brush stroke on 300 x 512 x 512 in four viewports, flat and sphere",
        "30 frames a second",
        ">= 1.0",
        lambda: run_script("brush_stroke.py"),
    ),
    Benchmark(
        "segment_undo",
        "Undo of a 3-D edit of 300 x 512 x 512 labels with its repaint, the slowest of three kinds",
        "100 ms",
        "<= 1.0",
        lambda: run_script("segment_undo.py"),
    ),
)
