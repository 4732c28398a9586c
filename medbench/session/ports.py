"""What the stores need from workers; `medbench.workers` implements it, `medbench.app` wires it."""

from collections.abc import Callable
from typing import Any, Protocol

from medbench.jobs.client import EngineProcess


class Handle(Protocol):
    """Given to work that runs in a worker."""

    def cancelled(self) -> bool:
        """Whether the user said stop, or a newer request made this one useless."""
        ...

    def progress(self, fraction: float, text: str) -> None:
        """Report; may be dropped, the latest wins."""
        ...

    def engine(self) -> EngineProcess:
        """The worker's warm engine; only the inference worker has one."""
        ...


Work = Callable[[Handle], Any]
Done = Callable[[Any], None]
Failed = Callable[[str], None]
Progress = Callable[[float, str], None]


class Runner(Protocol):
    """A thread that does one thing after the other; answers arrive on the GUI thread."""

    def run(
        self, key: str, work: Work, done: Done, failed: Failed, *,
        progress: Progress | None = None, newest: bool = False,
    ) -> int:  # fmt: skip
        """Do ``work``; with ``newest``, waiting and running work of the same key is dropped.

        Exactly one of ``done`` and ``failed`` is called, unless the work was dropped.
        """
        ...

    def cancel(self, ticket: int) -> None:
        """Ask work to stop; it then fails with an empty sentence."""
        ...
