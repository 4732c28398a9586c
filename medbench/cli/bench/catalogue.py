"""All benchmarks, in the order they run; a new one is one line here."""

from medbench.cli.bench.measure import Benchmark
from medbench.cli.bench.planes import PLANE_BENCHMARKS
from medbench.cli.bench.segments import SEGMENT_BENCHMARKS
from medbench.cli.bench.series import SERIES_BENCHMARKS
from medbench.cli.bench.training import TRAINING_BENCHMARKS
from medbench.cli.bench.volume import VOLUME_BENCHMARKS
from medbench.cli.bench.window import WINDOW_BENCHMARKS

BENCHMARKS: tuple[Benchmark, ...] = (
    *SERIES_BENCHMARKS,
    *PLANE_BENCHMARKS,
    *SEGMENT_BENCHMARKS,
    *WINDOW_BENCHMARKS,
    *VOLUME_BENCHMARKS,
    *TRAINING_BENCHMARKS,
)
