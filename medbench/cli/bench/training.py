"""Training throughput beside a plain loop."""

import statistics
from typing import Any

from medbench.cli.bench.measure import Benchmark, run_script


def _training() -> dict[str, Any]:
    pairs = [
        (run_script("ours_training.py")["rate"], run_script("peer_training.py")["rate"])
        for _ in range(3)
    ]
    return {
        "ours_per_s": statistics.median(a for a, _ in pairs),
        "peer_per_s": statistics.median(b for _, b in pairs),
        "ratio": statistics.median(a / b for a, b in pairs),
        "rounds": len(pairs),
    }


TRAINING_BENCHMARKS = (
    Benchmark(
        "training",
        "Pictures per second in training, same network, data and batch size",
        "plain PyTorch loop (float32)",
        ">= 1.0",
        _training,
    ),
)
