"""How benchmarks run: ours and the peer alternate, the median of the ratios counts."""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medbench.base.errors import JobFailedError
from medbench.base.paths import resource

_TIMEOUT_S = 900


@dataclass(frozen=True)
class Benchmark:
    """One benchmark: ``run`` returns measured values with at least ``ratio``."""

    name: str
    title: str
    peer: str
    """What ours is compared with."""
    goal: str
    """The ratio to reach, as text, e.g. '>= 1.3' or '<= 0.1'."""
    run: Callable[[], dict[str, Any]]

    def reached(self, ratio: float) -> bool:
        """Whether ``ratio`` meets the goal."""
        sign, bound = self.goal.split()
        return ratio >= float(bound) if sign == ">=" else ratio <= float(bound)


def run_script(name: str, *arguments: object) -> dict[str, Any]:
    """Run ``resources/bench/<name>`` in a process of its own; its last line is JSON."""
    command = [sys.executable, str(resource("bench", name)), *map(str, arguments)]
    env = {**os.environ, "QT_QPA_PLATFORM": os.environ.get("QT_QPA_PLATFORM", "offscreen")}
    package_root = str(Path(__file__).resolve().parents[3])
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [package_root, env.get("PYTHONPATH")]))
    run = subprocess.run(
        command, capture_output=True, text=True, env=env, timeout=_TIMEOUT_S, check=False
    )
    if run.returncode:
        raise JobFailedError(f"The benchmark script {name} failed: {run.stderr.strip()[-400:]}")
    value: dict[str, Any] = json.loads(run.stdout.strip().splitlines()[-1])
    return value


def alternate(
    ours: Callable[[], float], peer: Callable[[], float], *, rounds: int = 5, warm_up: int = 1
) -> dict[str, Any]:
    """Time both in turn (seconds each); the first ``warm_up`` rounds are not counted."""
    pairs = [(ours(), peer()) for _ in range(rounds + warm_up)][warm_up:]
    return {
        "ours_s": statistics.median(a for a, _ in pairs),
        "peer_s": statistics.median(b for _, b in pairs),
        "ratio": statistics.median(b / a for a, b in pairs),
        "rounds": rounds,
    }
