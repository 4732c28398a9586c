"""The child of a campaign: opens the files it is told about, exactly as the program does.

Each line on stdin is a path; each line on stdout says what became of it. The parent announces a
file before it is opened, so it knows what the child died on.
"""

import contextlib
import json
import os
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

_FRAMES_TRIED = 3


def peak_mib(pid: int) -> float:
    """Largest resident memory since the last `reset_peak`, in MiB; 0 when it is gone."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


def cpu_seconds(pids: list[int]) -> float:
    """Processor time of processes: what a busy machine does not change."""
    import psutil

    total = 0.0
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            used = psutil.Process(pid).cpu_times()
            total += used.user + used.system
    return total


def reset_peak(pid: int) -> None:
    """Start measuring anew (Linux)."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/clear_refs").write_text("5")


class Opener:
    """Opens files through scan, display, frame, presentation and object readers."""

    def __init__(self) -> None:
        from medbench.dicom.decoding.pool import DecoderPool

        self.pool = DecoderPool(1)
        self.counts: Counter[str] = Counter()

    def decoders(self) -> list[int]:
        """Process ids of the decoders."""
        import psutil

        return [p.pid for p in psutil.Process().children(recursive=True)]

    def open(self, path: Path) -> list[str]:
        """What could not be shown and why; raises whatever is not a typed error."""
        from medbench.base.errors import MedbenchError
        from medbench.formats.finding import Context, find

        self.counts.clear()
        with tempfile.TemporaryDirectory(prefix="campaign-scratch-") as scratch:
            try:
                result = find([path], Context(Path(scratch), pool=self.pool))
            except MedbenchError as error:
                return [str(error)]
            reasons = [s.reason for s in result.skipped]
            for study in result.studies:
                for series in study.series:
                    for display in series.displays:
                        reasons.extend(self._display(display))
        if not reasons and not self.counts:
            raise AssertionError("the file vanished: neither shown nor refused")
        return reasons

    def list_tags(self, path: Path) -> list[str]:
        """The tag browser opens what can be read even of refused files."""
        from medbench.base.errors import MedbenchError
        from medbench.dicom.tag_tree import read_tags

        with contextlib.suppress(MedbenchError, OSError):
            read_tags(path)
        return []

    def _display(self, display: Any) -> list[str]:
        from medbench.base.errors import MedbenchError

        try:
            if display.kind.value not in ("volume", "stack", "multiframe"):
                self._object(display)
                return []
            return self._frames(display)
        except (MedbenchError, OSError) as error:
            return [str(error)]

    def _frames(self, display: Any) -> list[str]:
        from medbench.base.errors import MedbenchError
        from medbench.formats.opening import open_display
        from medbench.imaging.presentation import compose
        from medbench.imaging.window import default_voi

        reasons = []
        slices = display.slices
        with open_display(display, self.pool) as reader:
            for index in sorted({0, slices // 2, slices - 1})[:_FRAMES_TRIED]:
                try:
                    values = reader.read(index)
                    info = reader.info(index)
                except (MedbenchError, OSError) as error:
                    reasons.append(str(error))
                    continue
                voi = None if display.colour else default_voi(values, info)
                picture = compose(values, info, voi)
                assert picture.shape[:2] == values.shape[:2]
                self.counts["shown"] += 1
            if slices * display.rows * display.columns <= 16 << 20:
                volume = reader.load()
                untyped = [t for t in volume.failed.values() if _names_exception(t)]
                if untyped:
                    raise AssertionError(f"load failed with {untyped[0]}")
        if display.modality == "SEG":
            self._object(display)
        return reasons

    def _object(self, display: Any) -> None:
        from medbench.base.errors import BadInputError
        from medbench.formats.layers import is_layer, read_layer
        from medbench.formats.objects import has_view, read_object

        if is_layer(display):
            read_layer(display, self.pool)
        elif has_view(display):
            read_object(display, self.pool)
        else:
            raise BadInputError(display.reason)
        self.counts["read"] += 1


def _names_exception(text: str) -> bool:
    return text.startswith(("ValueError:", "MemoryError:", "IndexError:", "TypeError:"))


def _plain_pixels(path: Path) -> list[str]:
    """What a program without guard and decoder processes does."""
    import pydicom

    _ = pydicom.dcmread(path).pixel_array
    return []


def _serve_one(opener: Opener | None, path: Path) -> dict[str, Any]:
    """Open one file; the slower of opening and listing its elements counts."""
    me = os.getpid()
    for pid in (me, *(opener.decoders() if opener else ())):
        reset_peak(pid)
    answer = _timed(opener, partial(_plain_pixels, path) if opener is None else
                    partial(opener.open, path))  # fmt: skip
    if opener is not None and answer["outcome"] != "untyped":
        listed = _timed(opener, partial(opener.list_tags, path))
        if listed["outcome"] == "untyped":
            answer |= {"outcome": "untyped", "detail": f"listing elements: {listed['detail']}"}
        for key in ("seconds", "cpu_s"):
            answer[key] = max(answer[key], listed[key])
    children = opener.decoders() if opener else []
    return answer | {
        "app_mib": round(peak_mib(me), 1),
        "decoder_mib": round(max(map(peak_mib, children), default=0.0), 1),
        "decoder_deaths": opener.pool.deaths if opener else 0,
    }


def _timed(opener: Opener | None, work: Callable[[], list[str]]) -> dict[str, Any]:
    watched = [os.getpid(), *(opener.decoders() if opener else ())]
    before, begin = cpu_seconds(watched), time.monotonic()
    outcome, detail = "shown", ""
    try:
        if reasons := work():
            outcome, detail = "reason", "; ".join(reasons)[:400]
    except Exception as error:  # noqa: BLE001  (the campaign counts exactly these)
        frame = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(frame.filename).name}:{frame.lineno}"
        outcome, detail = "untyped", f"{type(error).__name__}: {error} ({where})"
    seconds = time.monotonic() - begin
    return {
        "outcome": outcome, "detail": detail, "seconds": round(seconds, 4),
        "cpu_s": round(cpu_seconds(watched) - before, 4),
    }  # fmt: skip


def main() -> None:
    """Serve until stdin ends."""
    warnings.simplefilter("ignore")
    reply = os.dup(1)
    os.dup2(2, 1)
    opener = None if sys.argv[1:2] == ["plain"] else Opener()
    os.write(reply, b'{"ready": true}\n')
    for line in sys.stdin:
        answer = _serve_one(opener, Path(json.loads(line)))
        os.write(reply, json.dumps(answer).encode() + b"\n")
    if opener is not None:
        opener.pool.close()


if __name__ == "__main__":
    main()
