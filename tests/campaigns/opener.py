"""The child of a campaign: opens the files it is told about, exactly as the program does.

Each line on stdin is a path; each line on stdout says what became of it. The parent announces a
file before it is opened, so it knows what the child died on.
"""

import contextlib
import json
import os
import sys
import time
import warnings
from collections import Counter
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
        from medbench.dicom.scan import scan

        self.counts.clear()
        if path.suffix in (".png", ".bmp", ".tif", ".jpg"):
            return self._picture(path)
        result = scan([path])
        reasons = [s.reason for s in result.skipped]
        for study in result.studies:
            for series in study.series:
                for display in series.displays:
                    reasons.extend(self._display(display))
        if not reasons and not self.counts:
            raise AssertionError("the file vanished: neither shown nor refused")
        return reasons

    def _picture(self, path: Path) -> list[str]:
        from medbench.base.errors import MedbenchError

        try:
            self.pool.decode_picture(path)
        except (MedbenchError, OSError) as error:
            return [str(error)]
        self.counts["shown"] += 1
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
                volume = reader.load(threads=2)
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


def _plain_pixels(path: Path) -> None:
    """What a program without guard and decoder processes does."""
    import pydicom

    _ = pydicom.dcmread(path).pixel_array


def main() -> None:
    """Serve until stdin ends."""
    warnings.simplefilter("ignore")
    plain = sys.argv[1:2] == ["plain"]
    reply, me = os.dup(1), os.getpid()
    os.dup2(2, 1)
    opener = None if plain else Opener()
    os.write(reply, b'{"ready": true}\n')
    for line in sys.stdin:
        path = Path(json.loads(line))
        children = opener.decoders() if opener else []
        for pid in (me, *children):
            reset_peak(pid)
        before = cpu_seconds([me, *children])
        begin, answer = time.monotonic(), {"outcome": "shown", "detail": ""}
        try:
            if opener is None:
                _plain_pixels(path)
            elif reasons := opener.open(path):
                answer = {"outcome": "reason", "detail": "; ".join(reasons)[:400]}
        except Exception as error:  # noqa: BLE001  (the campaign counts exactly these)
            import traceback

            frame = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{Path(frame.filename).name}:{frame.lineno}"
            words = f"{type(error).__name__}: {error} ({where})"
            answer = {"outcome": "untyped", "detail": words}
        answer["seconds"] = round(time.monotonic() - begin, 4)
        children = opener.decoders() if opener else []
        answer["cpu_s"] = round(cpu_seconds([me, *children]) - before, 4)
        answer["app_mib"] = round(peak_mib(me), 1)
        answer["decoder_mib"] = round(max(map(peak_mib, children), default=0.0), 1)
        answer["decoder_deaths"] = opener.pool.deaths if opener else 0
        os.write(reply, json.dumps(answer).encode() + b"\n")
    if opener is not None:
        opener.pool.close()


if __name__ == "__main__":
    main()
