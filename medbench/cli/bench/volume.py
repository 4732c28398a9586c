"""The 3-D view: frames while the hand turns a volume."""

from medbench.cli.bench.measure import Benchmark, run_script

VOLUME_BENCHMARKS = (
    Benchmark(
        "volume_projection",
        "A maximum projection of a turned 512 x 512 x 300 volume, as shown while the hand moves",
        "SimpleITK ResampleImageFilter and MaximumProjectionImageFilter on the same reduced copy",
        ">= 5.0",
        lambda: run_script("volume3d.py"),
    ),
    Benchmark(
        "volume_frames",
        "Frames a second of the same volume in 3-D while the hand moves, slowest preset",
        "15 frames a second",
        ">= 1.0",
        lambda: run_script("volume3d.py", "frames"),
    ),
)
