"""EngineProcess: starts an engine, talks to it, stops it for certain. Knows no Qt."""

import contextlib
import dataclasses
import logging
import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any, Self

import psutil

from medbench.base.errors import EngineError
from medbench.base.paths import runtime_folder
from medbench.jobs.protocol import MAX_MESSAGE_BYTES, PROTOCOL, JobSpec, decode, encode
from medbench.jobs.states import TERMINAL, JobEvent, JobState, next_state

ADDRESS_VARIABLE = "MEDBENCH_ENGINE_ADDRESS"
KEY_VARIABLE = "MEDBENCH_ENGINE_KEY"
START_TIMEOUT_S = 120.0
CANCEL_GRACE_S = 5.0
TERMINATE_GRACE_S = 2.0

_log = logging.getLogger(__name__)
_EVENTS = {
    "accepted": JobEvent.ACCEPTED,
    "paused": JobEvent.PAUSED,
    "resumed": JobEvent.RESUMED,
}
_ENDS = {
    "finished": JobEvent.FINISHED,
    "failed": JobEvent.FAILED,
    "cancelled": JobEvent.CANCELLED,
}


class EngineProcess:
    """One engine.

    `start`, then `submit` and `receive` until the job has ended, then `close`. `receive` may block
    in one thread while others submit, cancel, pause or close. Cancelling climbs a ladder: a flag
    that the job reads at each batch, after 5 s SIGTERM, 2 s later SIGKILL, both to the whole
    process group.
    """

    def __init__(self, kind: str, *, threads: int = 0, log_path: Path | None = None) -> None:
        self.kind = kind
        self.hello: dict[str, Any] = {}
        self._threads = threads or max(1, (os.cpu_count() or 2) - (kind == "train"))
        self._log_path = log_path
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self._sending = threading.Lock()
        self._states: dict[str, JobState] = {}
        self._deadlines: dict[str, float] = {}
        self._rung: dict[str, int] = {}
        self._folder: Path | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._process.pid if self._process is not None else None

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def state(self, job_id: str) -> JobState:
        """Where a job is."""
        return self._states.get(job_id, JobState.PENDING)

    def start(self, timeout_s: float = START_TIMEOUT_S) -> dict[str, Any]:
        """Start and shake hands; returns the engine's hello.

        Raises
        ------
        EngineError
            It did not start in time, died, or speaks another protocol.
        """
        self._folder = runtime_folder()
        family = "AF_PIPE" if sys.platform == "win32" else "AF_UNIX"
        address = None if family == "AF_PIPE" else str(self._folder / "e")
        key = secrets.token_hex(32)
        listener = Listener(address, family, authkey=key.encode())
        try:
            self._process = self._spawn(str(listener.address), family, key)
            self._connection = self._accept(listener, key, timeout_s)
        except BaseException:
            self._kill()
            self._remove_folder()
            raise
        finally:
            listener.close()
        event = self.receive(timeout_s)
        if event is None or event["type"] != "hello" or event.get("protocol") != PROTOCOL:
            self.close()
            raise EngineError(f"The engine did not start: {self._last_words()}")
        self.hello = event
        return event

    def _spawn(self, address: str, family: str, key: str) -> subprocess.Popen[bytes]:
        environment = dict(os.environ)
        environment.update(
            {
                ADDRESS_VARIABLE: f"{family}:{address}",
                KEY_VARIABLE: key,
                "OMP_NUM_THREADS": str(self._threads),
                "MKL_NUM_THREADS": str(self._threads),
                "OPENBLAS_NUM_THREADS": str(self._threads),
                "PYTHONUNBUFFERED": "1",
            }
        )
        log = subprocess.DEVNULL if self._log_path is None else self._log_path.open("ab")
        extra: dict[str, Any] = {"start_new_session": True}
        if sys.platform == "win32":
            extra = {
                "creationflags": subprocess.CREATE_NEW_PROCESS_GROUP
                | subprocess.BELOW_NORMAL_PRIORITY_CLASS
            }
        try:
            return subprocess.Popen(
                [sys.executable, "-m", "medbench.engine", self.kind],
                stdin=subprocess.PIPE,  # its end tells the engine that we are gone
                stdout=log,
                stderr=log,
                env=environment,
                **extra,
            )
        finally:
            if not isinstance(log, int):
                log.close()

    def _accept(self, listener: Listener, key: str, timeout_s: float) -> Connection:
        found: list[Connection] = []

        def accept() -> None:
            with contextlib.suppress(OSError, EOFError):
                found.append(listener.accept())

        thread = threading.Thread(target=accept, name="engine-accept", daemon=True)
        thread.start()
        deadline = time.monotonic() + timeout_s
        while thread.is_alive():
            thread.join(0.05)
            if not self.alive or time.monotonic() > deadline:
                break
        if found:
            return found[0]
        # let the waiting thread go by knocking ourselves
        with contextlib.suppress(OSError, EOFError):
            Client(listener.address, authkey=key.encode()).close()
        thread.join(2)
        for connection in found:
            connection.close()
        raise EngineError(f"The engine did not start: {self._last_words()}")

    def _last_words(self) -> str:
        if self._log_path is not None and self._log_path.exists():
            text = self._log_path.read_bytes()[-4000:].decode(errors="replace").strip()
            if text:
                return text.splitlines()[-1][:300]
        code = self._process.poll() if self._process is not None else None
        return f"it ended with code {code}." if code is not None else "it did not answer in time."

    # commands

    def submit(self, spec: JobSpec) -> None:
        """Hand a job over; raises `EngineError` when the engine is gone."""
        self._states[spec.job_id] = next_state(JobState.PENDING, JobEvent.START)
        self._send({"type": "submit", "job": dataclasses.asdict(spec)})

    def cancel(self, job_id: str) -> None:
        """Ask a job to stop; `receive` climbs the ladder when it does not."""
        if self.state(job_id) in TERMINAL:
            return
        self._states[job_id] = next_state(self.state(job_id), JobEvent.CANCEL)
        self._deadlines[job_id] = time.monotonic() + CANCEL_GRACE_S
        with contextlib.suppress(EngineError):
            self._send({"type": "cancel", "job_id": job_id})

    def pause(self, job_id: str) -> None:
        """Ask a job to wait after its current batch."""
        self._send({"type": "pause", "job_id": job_id})

    def resume(self, job_id: str) -> None:
        """Let a paused job go on."""
        self._send({"type": "resume", "job_id": job_id})

    def _send(self, message: dict[str, Any]) -> None:
        with self._sending:
            if self._connection is None:
                raise EngineError("The engine is not running.")
            try:
                self._connection.send_bytes(encode(message))
            except (OSError, ValueError) as error:
                raise EngineError("The engine is gone.") from error

    # events

    def receive(self, timeout_s: float) -> dict[str, Any] | None:
        """The next event, or None after ``timeout_s``.

        When the process is gone every live job gets one last event of type ``ended`` with outcome
        ``lost`` (or ``cancelled`` if that was asked); after that ``{"type": "exited"}``.
        """
        self._climb()
        connection = self._connection
        if connection is None:
            return self._exited()
        try:
            if not connection.poll(timeout_s):
                return None
            event = decode(connection.recv_bytes(MAX_MESSAGE_BYTES))
        except (EOFError, OSError, EngineError) as error:
            if isinstance(error, EngineError):
                _log.error("engine %s: %s", self.kind, error)
            self._kill()
            return self._exited()
        self._follow(event)
        return event

    def _follow(self, event: dict[str, Any]) -> None:
        job_id = event.get("job_id")
        if not isinstance(job_id, str) or self.state(job_id) in TERMINAL:
            return
        step = _EVENTS.get(event["type"])
        if event["type"] == "ended":
            step = _ENDS.get(str(event.get("outcome")), JobEvent.FAILED)
            self._deadlines.pop(job_id, None)
        if step is not None:
            cancelling = self.state(job_id) is JobState.CANCELLING
            if cancelling and step is JobEvent.RESUMED:
                return
            self._states[job_id] = next_state(self.state(job_id), step)

    def _exited(self) -> dict[str, Any]:
        for job_id, state in self._states.items():
            if state in TERMINAL or state is JobState.PENDING:
                continue
            self._states[job_id] = next_state(state, JobEvent.EXITED)
            self._deadlines.pop(job_id, None)
            outcome = self._states[job_id].value
            reason = "" if outcome == "cancelled" else f"The engine died: {self._last_words()}"
            return {
                "type": "ended", "job_id": job_id, "outcome": outcome, "reason": reason,
                "result": {},
            }  # fmt: skip
        return {"type": "exited"}

    def _climb(self) -> None:
        now = time.monotonic()
        for job_id, deadline in list(self._deadlines.items()):
            if now < deadline:
                continue
            rung = self._rung.get(job_id, 0)
            self._rung[job_id] = rung + 1
            self._deadlines[job_id] = now + TERMINATE_GRACE_S
            _log.warning("job %s does not stop: %s", job_id, "kill" if rung else "terminate")
            self._signal_group(kill=rung > 0)

    # the end

    def close(self, grace_s: float = 3.0) -> None:
        """Shut down, whatever it takes; safe to call twice."""
        if self.alive:
            with contextlib.suppress(EngineError):
                self._send({"type": "shutdown"})
            self._wait(grace_s)
        self._kill()
        self._remove_folder()

    def _kill(self) -> None:
        process = self._process
        if process is not None:
            if process.poll() is None:
                self._signal_group(kill=False)
                self._wait(TERMINATE_GRACE_S)
            self._signal_group(kill=True)  # also what the engine may have left behind
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
            if process.stdin is not None:
                with contextlib.suppress(OSError):
                    process.stdin.close()
        with self._sending:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _wait(self, seconds: float) -> None:
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)

    def _signal_group(self, *, kill: bool) -> None:
        process = self._process
        if process is None:
            return
        if sys.platform == "win32":
            with contextlib.suppress(psutil.NoSuchProcess):
                root = psutil.Process(process.pid)
                for child in [*root.children(recursive=True), root]:
                    child.kill() if kill else child.terminate()
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL if kill else signal.SIGTERM)

    def _remove_folder(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
