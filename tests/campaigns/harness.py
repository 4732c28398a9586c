"""What all campaigns share: results, the command line, and a child that is watched."""

import argparse
import contextlib
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from tests.campaigns.opener import peak_mib

ROOT = Path(__file__).resolve().parents[2]
START_S = 60.0
CHILD_ADDRESS_BYTES = 8 << 30


@dataclass
class Result:
    """Figures of one run; ``failures`` are what must never happen."""

    campaign: str
    seed: int
    control: bool
    figures: dict[str, Any] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Nothing happened that must not."""
        return not self.failures


Run = Callable[[float, int, bool], Result]
"""(seconds, seed, control) -> result."""


def command_line(run: Run, description: str) -> None:
    """``--minutes``, ``--seed``, ``--control``; figures as JSON; exit 0 when the run is as due."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=int(time.time()) & 0xFFFF)
    parser.add_argument("--control", action="store_true", help="the broken variant: it must fail")
    args = parser.parse_args()
    sys.stderr.write(f"seed {args.seed}\n")
    result = run(args.minutes * 60, args.seed, args.control)
    words = {"passed": result.passed, **vars(result)}
    words["failures"] = result.failures[:40]
    sys.stdout.write(json.dumps(words, indent=1, default=str) + "\n")
    sys.exit(int(result.passed == args.control))


@dataclass(frozen=True)
class Answer:
    """What became of one file."""

    outcome: str
    """shown, reason, untyped, death, hang"""
    detail: str = ""
    seconds: float = 0.0
    cpu_s: float = 0.0
    app_mib: float = 0.0
    decoder_mib: float = 0.0
    decoder_deaths: int = 0


class Child:
    """One opener process, restarted when it dies; the parent is its watchdog."""

    def __init__(self, mode: str = "app", *, limit_s: float = 30.0,
                 module: str = "tests.campaigns.opener") -> None:  # fmt: skip
        self.mode, self.limit_s, self.module = mode, limit_s, module
        self._folder = tempfile.TemporaryDirectory(prefix="campaign-")
        self.folder = Path(self._folder.name)
        self._process: subprocess.Popen[bytes] | None = None
        self._buffer = b""
        self.restarts = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.stop()
        self._folder.cleanup()

    def file(self, name: str, data: bytes) -> Path:
        """Write one file to open."""
        path = self.folder / name
        path.write_bytes(data)
        return path

    def open(self, path: Path) -> Answer:
        """Announce, open, watch."""
        process = self._process or self._start()
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(str(path)).encode() + b"\n")
            process.stdin.flush()
            line = self._line(self.limit_s)
        except BrokenPipeError:
            line = b""
        if line is None:
            peak, waited = peak_mib(process.pid), f"no answer within {self.limit_s:g} s"
            self.stop()
            return Answer("hang", waited, self.limit_s, self.limit_s, peak)
        if not line:
            code = process.wait()
            tail = (self.folder.with_suffix(".log")).read_text(errors="replace")[-400:]
            self.stop()
            return Answer("death", f"exit {code}: {tail}")
        return Answer(**json.loads(line))

    def _start(self) -> subprocess.Popen[bytes]:
        self.restarts += 1
        log = self.folder.with_suffix(".log")
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-X", "faulthandler", "-m", self.module, self.mode],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT), "QT_QPA_PLATFORM": "offscreen"},
                preexec_fn=_limit,
            )
        if not self._line(START_S):
            raise RuntimeError(f"the child did not start: {log.read_text(errors='replace')}")
        return self._process

    def _line(self, limit_s: float) -> bytes | None:
        """One line; None when time is up, b'' when the process ended."""
        process, deadline = self._process, time.monotonic() + limit_s
        assert process is not None
        assert process.stdout is not None
        fd = process.stdout.fileno()
        while b"\n" not in self._buffer:
            rest = deadline - time.monotonic()
            if rest <= 0 or not select.select([fd], [], [], rest)[0]:
                return None
            part = os.read(fd, 65536)
            if not part:
                return b""
            self._buffer += part
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def stop(self) -> None:
        """Kill it and its decoders."""
        process, self._process, self._buffer = self._process, None, b""
        if process is None:
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            family = psutil.Process(process.pid).children(recursive=True)
            process.kill()
            for child in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.kill()
            psutil.wait_procs(family, timeout=5)
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()
        self.folder.with_suffix(".log").unlink(missing_ok=True)


def _limit() -> None:
    """The machine survives whatever the child is made to do."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (CHILD_ADDRESS_BYTES, CHILD_ADDRESS_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
