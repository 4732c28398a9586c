"""The engine's serve loop: one job at a time, a reader thread for wishes, exit with the app."""

import logging
import os
import queue
import sys
import threading
import traceback
from multiprocessing.connection import Client, Connection
from typing import Any

from medbench.base.errors import CancelledError, MedbenchError
from medbench.domain.records import to_json
from medbench.engine.control import JobControl
from medbench.jobs.client import ADDRESS_VARIABLE, KEY_VARIABLE
from medbench.jobs.protocol import MAX_MESSAGE_BYTES, PROTOCOL, Outcome, decode, encode

_log = logging.getLogger(__name__)


class Engine:
    """Serves one app over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sending = threading.Lock()
        self._jobs: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._controls: dict[str, JobControl] = {}

    def send(self, message: dict[str, Any]) -> None:
        """Send an event; when the app is gone the engine ends at once."""
        try:
            with self._sending:
                self._connection.send_bytes(encode(to_json(message)))
        except (OSError, ValueError) as error:
            if isinstance(error, ValueError):
                raise  # not JSON: our own mistake, must be seen
            os._exit(3)

    def serve(self, kind: str) -> None:
        """Say hello, then run jobs until told to stop."""
        from medbench.engine.device import describe_devices

        threading.Thread(target=self._read, name="reader", daemon=True).start()
        self.send({"type": "hello", "protocol": PROTOCOL, "pid": os.getpid(), "kind": kind,
                   **describe_devices()})  # fmt: skip
        while (job := self._jobs.get()) is not None:
            self._run(job)

    def _read(self) -> None:
        while True:
            try:
                message = decode(self._connection.recv_bytes(MAX_MESSAGE_BYTES))
            except (EOFError, OSError):
                os._exit(0)  # the app is gone
            kind = message["type"]
            if kind == "submit":
                job = message["job"]
                self._controls[job["job_id"]] = JobControl(job["job_id"], self.send)
                self._jobs.put(job)
            elif kind == "shutdown":
                for control in list(self._controls.values()):
                    control.cancel()
                self._jobs.put(None)
            elif kind == "ping":
                self.send({"type": "pong"})
            elif (wished := self._controls.get(str(message.get("job_id")))) is not None:
                control = wished
                {"cancel": control.cancel, "pause": control.pause, "resume": control.resume}[kind]()

    def _run(self, job: dict[str, Any]) -> None:
        control = self._controls[job["job_id"]]
        control.say("accepted")
        outcome, reason, result = Outcome.FINISHED, "", {}
        try:
            control.checkpoint()
            result = _job_runner(job["kind"])(job, control)
        except CancelledError:
            outcome = Outcome.CANCELLED
        except MedbenchError as error:
            outcome, reason = Outcome.FAILED, str(error)
        except MemoryError:
            outcome, reason = Outcome.FAILED, "The memory is full. Choose a smaller input or batch."
        except Exception as error:  # noqa: BLE001 - a job must end with a reason, whatever it was
            traceback.print_exc()
            outcome, reason = Outcome.FAILED, _sentence(error)
        self._controls.pop(job["job_id"], None)
        _free_memory()
        control.say("ended", outcome=outcome.value, reason=reason, result=result)


def _job_runner(kind: str) -> Any:
    if kind in ("train", "plan"):
        from medbench.engine.runs import train

        return {"train": train.train, "plan": train.plan}[kind]
    from medbench.engine.runs import predict

    return {"predict": predict.predict, "evaluate": predict.evaluate}[kind]


def _sentence(error: Exception) -> str:
    words = str(error).strip().splitlines()[0] if str(error).strip() else ""
    if "out of memory" in words.lower():
        return "The device's memory is full. Choose a smaller input or batch, or the CPU."
    return f"The job failed inside medbench ({type(error).__name__}: {words[:200]})."


def _free_memory() -> None:
    """Give device memory back; outside the handler, where no traceback keeps tensors."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()


def _watch_app() -> None:
    """End when stdin ends: it does even when the app is killed."""
    while os.read(0, 4096):
        pass
    os._exit(0)


def main(argv: list[str]) -> int:
    """Connect back to the app and serve."""
    kind = argv[0] if argv else "infer"
    family, _, address = os.environ.pop(ADDRESS_VARIABLE, "").partition(":")
    key = os.environ.pop(KEY_VARIABLE, "")
    if not address or not key:
        sys.stderr.write("The engine is started by medbench itself.\n")
        return 2
    logging.basicConfig(stream=sys.stderr, level=logging.INFO)
    if hasattr(os, "nice"):
        os.nice(10 if kind == "train" else 2)
    threading.Thread(target=_watch_app, name="app-watch", daemon=True).start()
    with Client(address, family, authkey=key.encode()) as connection:
        Engine(connection).serve(kind)
    return 0
