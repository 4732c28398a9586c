"""A QThread that does one thing after the other and answers on the GUI thread."""

import itertools
import logging
import queue
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QThread, Signal, Slot

from medbench.base.errors import CancelledError, EngineError, MedbenchError
from medbench.jobs.client import EngineProcess
from medbench.session.ports import Done, Failed, Progress, Work

_log = logging.getLogger(__name__)
_PROGRESS_PERIOD_S = 0.1


@dataclass
class _Ticket:
    number: int
    key: str
    work: Work
    done: Done
    failed: Failed
    progress_to: Progress | None
    lane: "Lane"
    flag: threading.Event = field(default_factory=threading.Event)
    last_progress: float = 0.0

    def cancelled(self) -> bool:
        return self.flag.is_set()

    def progress(self, fraction: float, text: str) -> None:
        now = time.monotonic()
        if self.progress_to is not None and now - self.last_progress > _PROGRESS_PERIOD_S:
            self.last_progress = now
            self.lane.progressed.emit(self, fraction, text)

    def engine(self) -> EngineProcess:
        return self.lane.engine()


class _Thread(QThread):
    def __init__(self, lane: "Lane", parent: QObject) -> None:
        super().__init__(parent)
        self._lane = lane

    def run(self) -> None:
        self._lane.serve()


class Lane(QObject):
    """One worker thread with a queue.

    Signals
    -------
    answered : _Ticket, object, str
        Work is done (result) or failed (sentence, empty when it was stopped).
    progressed : _Ticket, float, str
        Work reports.
    engine_started : dict
        The lane's engine said hello (inference lane only).
    """

    answered = Signal(object, object, str, bool)
    progressed = Signal(object, float, str)
    engine_started = Signal(object)

    def __init__(
        self, name: str, *, with_engine: bool = False, log_path: Path | None = None,
        parent: QObject | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._name = name
        self._with_engine = with_engine
        self._log_path = log_path
        self._engine: EngineProcess | None = None
        self._queue: queue.SimpleQueue[_Ticket | None] = queue.SimpleQueue()
        self._numbers = itertools.count(1)
        self._pending: dict[int, _Ticket] = {}
        self._stopped: set[int] = set()
        self._thread: _Thread | None = None
        self._closed = False
        self.answered.connect(self._answer)
        self.progressed.connect(self._report)

    def run(
        self, key: str, work: Work, done: Done, failed: Failed, *,
        progress: Progress | None = None, newest: bool = False,
    ) -> int:  # fmt: skip
        """Queue work; see `medbench.session.ports.Runner`."""
        if self._closed:
            return 0
        if newest:
            for old in self._pending.values():
                if old.key == key:
                    old.flag.set()
        ticket = _Ticket(next(self._numbers), key, work, done, failed, progress, self)
        self._pending[ticket.number] = ticket
        if self._thread is None:
            self._thread = _Thread(self, self)
            self._thread.setObjectName(self._name)
            self._thread.start()
        self._queue.put(ticket)
        return ticket.number

    def cancel(self, ticket: int) -> None:
        """Ask work to stop."""
        if found := self._pending.get(ticket):
            self._stopped.add(ticket)
            found.flag.set()

    @property
    def busy(self) -> bool:
        """Whether anything is queued or running."""
        return bool(self._pending)

    def engine(self) -> EngineProcess:
        """The warm engine, started at first use and again after a death. Worker thread only."""
        if not self._with_engine:
            raise EngineError("This worker has no engine.")
        if self._engine is None or not self._engine.alive:
            if self._engine is not None:
                self._engine.close()
            self._engine = EngineProcess("infer", log_path=self._log_path)
            self._engine.start()
            self.engine_started.emit(self._engine.hello)
        return self._engine

    def serve(self) -> None:
        """The thread's loop."""
        while (ticket := self._queue.get()) is not None:
            if ticket.cancelled():
                self.answered.emit(ticket, None, "", False)
                continue
            try:
                value = ticket.work(ticket)
            except CancelledError:
                self.answered.emit(ticket, None, "", False)
            except MedbenchError as error:
                self.answered.emit(ticket, None, str(error), False)
            except OSError as error:
                words = error.strerror or str(error)
                self.answered.emit(ticket, None, f"The file system says: {words}.", False)
            except Exception as error:  # noqa: BLE001 - the thread must live on, and the user must hear of it
                _log.exception("work %s failed", ticket.key)
                self.answered.emit(ticket, None, f"{type(error).__name__} inside medbench.", False)
            else:
                self.answered.emit(ticket, value, "", True)
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    @Slot(object, object, str, bool)
    def _answer(self, ticket: _Ticket, value: Any, sentence: str, ok: bool) -> None:
        self._pending.pop(ticket.number, None)
        if self._closed:
            return
        if ok and not ticket.cancelled():
            ticket.done(value)
        elif not ok or ticket.number in self._stopped:
            ticket.failed(sentence)  # also when it had ended already: who stopped it waits for it
        self._stopped.discard(ticket.number)

    @Slot(object, float, str)
    def _report(self, ticket: _Ticket, fraction: float, text: str) -> None:
        if not self._closed and ticket.progress_to is not None and not ticket.cancelled():
            ticket.progress_to(fraction, text)

    def close(self) -> None:
        """Stop what runs, drop what waits, end the thread (and the engine)."""
        self._closed = True
        for ticket in self._pending.values():
            ticket.flag.set()
        if self._thread is not None:
            self._queue.put(None)
            if not self._thread.wait(15_000):
                _log.error("the worker %s does not end", self._name)
            self._thread = None
