"""G22: decoders killed and frozen under a load: each frame is right or marked, none is half.

Control: a viewer that draws slices without asking whether they are ready.
"""

import os
import random
import signal
import threading
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import psutil

from medbench.dicom.decoding.pool import DecoderPool
from medbench.dicom.reader import open_display
from medbench.dicom.scan import scan
from medbench.domain.image import DisplaySet, Volume
from tests.campaigns import crafting as c
from tests.campaigns.harness import Result, command_line
from tests.campaigns.seeds import rle_frame

DEADLINE_S = 0.5
START_DEADLINE_S = 5.0
MAX_RESTART_S = 2.0
LOAD_LIMIT_S = 90.0
DEATHS_OF_A_STOP = 5


def make_series(folder: Path, frames: int, size: int, seed: int) -> tuple[DisplaySet, np.ndarray]:
    """One RLE file of many frames, no two alike and none with a zero; and its voxels."""
    rng = np.random.default_rng(seed)
    base = rng.integers(1, 60_000, (size, size))
    voxels = np.stack([(base + 17 * i) % 65_535 + 1 for i in range(frames)]).astype(np.uint16)
    path = folder / "series.dcm"
    pixels = c.fragments(*[rle_frame(frame) for frame in voxels])
    path.write_bytes(c.image(size, size, pixels, syntax=c.RLE, bits=16, frames=str(frames)))
    (study,) = scan([folder]).studies
    return study.series[0].displays[0], voxels


def run(
    seconds: float, seed: int, control: bool = False, *, frames: int = 300, size: int = 256
) -> Result:
    """Load again and again while decoders are killed (SIGKILL) and frozen (SIGSTOP)."""
    result = Result("G22 killed decoders", seed, control)
    rng, tally = random.Random(seed), Counter[str]()
    slowest_load = restart = 0.0
    with TemporaryDirectory(prefix="campaign-") as folder:
        display, truth = make_series(Path(folder), frames, size, seed)
        begin, number = time.monotonic(), 0
        while time.monotonic() - begin < seconds or not number:
            number += 1
            # the fifth death within a minute stops a series: most rounds stay below
            limit = 40 if number % 8 == 0 else DEATHS_OF_A_STOP - 1
            took, kills = _round(display, truth, rng, limit, tally, result)
            slowest_load = max(slowest_load, took)
            tally["kills"] += kills
            tally["rounds"] += 1
            if control and result.failures:
                break
            if number % 4 == 1:
                restart = max(restart, _restart(display))
            if result.failures:
                break
    if restart > MAX_RESTART_S:
        result.failures.append(f"a decoder took {restart:.1f} s to come back")
    result.figures = {
        **tally, "slowest_load_s": round(slowest_load, 2), "slowest_restart_s": round(restart, 2),
        "seconds": round(time.monotonic() - begin, 1),
    }  # fmt: skip
    return result


def _round(
    display: DisplaySet, truth: np.ndarray, rng: random.Random, limit: int, tally: Counter[str],
    result: Result,
) -> tuple[float, int]:  # fmt: skip
    """One load under fire."""
    over = threading.Event()
    begin = time.monotonic()
    with DecoderPool(2, deadline_s=DEADLINE_S, start_deadline_s=START_DEADLINE_S) as pool:
        reader = open_display(display, pool)
        volume = reader.volume
        wrong: list[int] = []
        watcher = threading.Thread(
            target=_watch, args=(volume, truth, over, wrong, result.control), name="watcher"
        )
        watcher.start()
        loader = threading.Thread(target=lambda: reader.load(threads=2), name="loader")
        loader.start()
        kills = 0
        while loader.is_alive() and time.monotonic() - begin < LOAD_LIMIT_S:
            loader.join(rng.uniform(0.002, 0.05))
            if kills < limit and loader.is_alive():
                kills += _harm(rng, tally)
        hung = loader.is_alive()
        over.set()
        watcher.join()
        if hung:
            result.failures.append(f"the load hung for {LOAD_LIMIT_S} s after {kills} kills")
            for process in _decoders():
                process.kill()
        loader.join()
        reader.close()
    if wrong:
        result.failures.append(f"slice {wrong[0]} was shown wrong while loading")
    _judge(reader.volume, truth, tally, result)
    return time.monotonic() - begin, kills


def _judge(volume: Volume, truth: np.ndarray, tally: Counter[str], result: Result) -> None:
    """At the end every slice is equal, or marked with a reason."""
    for i in range(len(truth)):
        if volume.ready[i]:
            tally["equal"] += 1
            if not np.array_equal(volume.voxels[i], truth[i]):
                result.failures.append(f"slice {i} is ready and wrong")
        elif volume.failed.get(i):
            tally["marked"] += 1
            tally[f"marked: {volume.failed[i][:60]}"] += 1
        else:
            result.failures.append(f"slice {i} is neither ready nor marked")


def _watch(
    volume: Volume, truth: np.ndarray, over: threading.Event, wrong: list[int], blind: bool
) -> None:
    """Look at what may be drawn, all the time; ``blind``: without asking for readiness."""
    while not over.wait(0.001):
        shown = range(len(truth)) if blind else np.flatnonzero(volume.ready)
        for i in shown:
            if not np.array_equal(volume.voxels[i], truth[i]):
                wrong.append(int(i))
                return


def _decoders() -> list[psutil.Process]:
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            if "medbench.dicom.decoding.worker" in process.cmdline():
                found.append(process)
        except psutil.Error:  # gone meanwhile
            continue
    return found


def _harm(rng: random.Random, tally: Counter[str]) -> int:
    """Kill or freeze one decoder; how many were hit."""
    found = _decoders()
    if not found:
        return 0
    what = rng.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGSTOP))
    try:
        os.kill(rng.choice(found).pid, what)
    except ProcessLookupError:
        return 0
    tally[what.name] += 1
    return 1


def _restart(display: DisplaySet) -> float:
    """Seconds from a decoder's death to the next decoded frame."""
    with DecoderPool(1) as pool, open_display(display, pool) as reader:
        reader.read(0)
        for process in _decoders():
            process.kill()
        begin = time.monotonic()
        reader.read(1)
        return time.monotonic() - begin


if __name__ == "__main__":
    command_line(run, __doc__ or "")
