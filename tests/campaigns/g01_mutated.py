"""G1: mutated DICOM files are shown or refused with a reason; nothing dies, nothing hangs.

Control: without guard and decoder processes, a 512-byte JPEG 2000 file never comes back.
"""

import random
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from tests.campaigns import crafting as c
from tests.campaigns.harness import Answer, Child, Result, command_line
from tests.campaigns.mutator import mutate, mutate_pixels
from tests.campaigns.seeds import whole_files

MAX_SECONDS = 10.0
MAX_DECODER_MIB = 2048.0
PIXELS_ONLY = 0.25
"""Share of mutants whose header stays whole, so that their codestreams are decoded."""


def zero_length_box() -> bytes:
    """A JP2 file whose second box has length 0 inside a longer file (F20)."""
    frame = b"\0\0\0\x0cjP  \r\n\x87\n" + b"\0\0\0\0ftyp" + b"\0" * 20
    return c.image(16, 16, c.fragments(frame), syntax="1.2.840.10008.1.2.4.90")


def run(seconds: float, seed: int, control: bool = False, *, count: int | None = None) -> Result:
    """Open mutants until the time is up, or ``count`` of them."""
    result = Result("G1 mutated DICOM", seed, control)
    if control:
        with Child("plain", limit_s=min(seconds, 2.0)) as child:
            path = child.file("box.dcm", zero_length_box())
            _judge(result, "zero-length box", child.open(path))
        return result
    return open_mutants(result, whole_files(), seconds, count)


def open_mutants(
    result: Result, files: Mapping[str, bytes], seconds: float, count: int | None,
    beside: Mapping[str, bytes] | None = None,
) -> Result:  # fmt: skip
    """Mutate, open, judge; a seed keeps its suffix, ``beside`` lies in the same folder."""
    seed, rng = result.seed, random.Random(result.seed)
    names, pool = list(files), list(files.values())
    beside = beside or {}
    tally: Counter[str] = Counter()
    slowest = app = decoder = 0.0
    begin, deaths = time.monotonic(), 0
    with Child(limit_s=60) as child:
        child.open(child.file("warm.dcm", whole_files()["made_j2k"]))
        for name, data in beside.items():
            child.file(name, data)
        begin = time.monotonic()
        while time.monotonic() - begin < seconds and (count is None or tally.total() < count):
            name = rng.choice(names)
            if rng.random() < PIXELS_ONLY and not beside:
                data = mutate_pixels(files[name], rng)
            else:
                data = mutate(files[name], rng, pool)
            suffix = "".join(Path(name).suffixes[-2:]) if name in files and beside else ".dcm"
            path = child.file(f"mutant{suffix}", data)
            answer = child.open(path)
            tally[answer.outcome] += 1
            label = f"{seed}/{tally.total()} of {name}"
            if not _judge(result, label, answer):
                keep = child.folder.parent / f"find-{seed}-{tally.total()}{suffix}"
                keep.write_bytes(data)
            if path.read_bytes() != data:
                result.failures.append(f"{label}: the source was changed")
            path.unlink()
            slowest, deaths = max(slowest, answer.seconds), max(deaths, answer.decoder_deaths)
            app, decoder = max(app, answer.app_mib), max(decoder, answer.decoder_mib)
        spent = time.monotonic() - begin
        left = [p.name for p in child.folder.iterdir() if not p.name.startswith("mutant.")]
        if set(left) != {"warm.dcm", *beside}:
            result.failures.append(f"something was written beside the source: {left}")
    result.figures = {
        "files": tally.total(), "outcomes": dict(tally),
        "files_per_s": round(tally.total() / spent, 1),
        "slowest_s": slowest, "app_peak_mib": app, "decoder_peak_mib": decoder,
        "decoder_deaths": deaths,
    }  # fmt: skip
    return result


def _judge(result: Result, label: str, answer: Answer) -> bool:
    before = len(result.failures)
    if answer.outcome in ("death", "hang", "untyped"):
        result.failures.append(f"{label}: {answer.outcome}: {answer.detail}")
    elif answer.seconds > MAX_SECONDS:
        result.failures.append(f"{label}: took {answer.seconds} s: {answer.detail}")
    if answer.decoder_mib > MAX_DECODER_MIB:
        result.failures.append(f"{label}: a decoder used {answer.decoder_mib} MiB")
    return len(result.failures) == before


if __name__ == "__main__":
    command_line(run, __doc__ or "")
