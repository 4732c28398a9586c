"""What the program was about to do, written before it does it: no file can crash it twice.

A start that never became a window counts as failed; after two of them in a row the program starts
in safe mode (nothing is opened by itself, no engine is warmed). What was being opened when it
ended is not opened again by itself.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from medbench.base.atomic import atomic_write_json, read_json
from medbench.base.errors import BadInputError
from medbench.base.hashing import sha256_bytes

SAFE_AFTER = 2


@dataclass(frozen=True)
class _State:
    failed_starts: int = 0
    opening: tuple[str, ...] = ()


def _name(path: Path) -> str:
    """Paths may name patients: only their hash is kept."""
    return sha256_bytes(str(Path(path).resolve()).encode())


class StartRecord:
    """The file ``start.json`` of a workspace."""

    def __init__(self, workspace: Path) -> None:
        self._file = workspace / "start.json"
        before = self._read()
        self.safe_mode = before.failed_starts >= SAFE_AFTER
        self._suspects = frozenset(before.opening)
        self._state = _State(before.failed_starts + 1)
        self._write()

    def _read(self) -> _State:
        if not self._file.exists():
            return _State()
        try:
            stored = read_json(self._file)
            return _State(int(stored["failed_starts"]), tuple(map(str, stored["opening"])))
        except (BadInputError, KeyError, TypeError, ValueError):
            return _State()

    def _write(self) -> None:
        atomic_write_json(self._file, asdict(self._state))

    def suspect(self, path: Path) -> bool:
        """Whether the program ended while this was being opened."""
        return _name(path) in self._suspects

    def started(self) -> None:
        """The window is up."""
        self._state = _State(0, self._state.opening)
        self._write()

    def opening(self, paths: Sequence[Path]) -> None:
        """Called before anything of the paths is read."""
        self._state = _State(self._state.failed_starts, tuple(_name(p) for p in paths))
        self._write()

    def opened(self) -> None:
        """What was being opened is open, or was refused."""
        if self._state.opening:
            self._state = _State(self._state.failed_starts)
            self._write()

    def closed(self) -> None:
        """An orderly end."""
        self._state = _State()
        self._write()
