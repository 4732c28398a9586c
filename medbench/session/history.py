"""Undo and redo over everything a reader changes: one line of steps for the whole program."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

KEPT_STEPS = 500
KEPT_BYTES = 1 << 30


@dataclass(frozen=True)
class Step:
    """Something that was done; ``undo`` and ``redo`` run on the GUI thread within 100 ms."""

    words: str
    """Translated, for the menu: 'Length', 'Brush stroke'."""
    undo: Callable[[], None]
    redo: Callable[[], None]
    bytes_held: int = 0


class History(QObject):
    """Steps back and forth.

    Signals
    -------
    changed
        There is another step to undo or redo.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._done: list[Step] = []
        self._undone: list[Step] = []
        self._group: list[Step] | None = None
        self._busy = False

    def push(self, step: Step) -> None:
        """Remember what was just done; what had been undone is gone."""
        if self._busy:
            return
        if self._group is not None:
            self._group.append(step)
            return
        self._undone.clear()
        self._done.append(step)
        held = sum(s.bytes_held for s in self._done)
        while len(self._done) > 1 and (len(self._done) > KEPT_STEPS or held > KEPT_BYTES):
            held -= self._done.pop(0).bytes_held
        self.changed.emit()

    @contextmanager
    def together(self, words: str) -> Iterator[None]:
        """What is pushed inside is one step."""
        if self._group is not None:
            yield
            return
        self._group = []
        try:
            yield
        finally:
            steps, self._group = tuple(self._group), None
            if steps:
                self.push(_joined(words, steps))

    @property
    def undo_words(self) -> str:
        """What `undo` would take back; '' = nothing."""
        return self._done[-1].words if self._done else ""

    @property
    def redo_words(self) -> str:
        """What `redo` would do again; '' = nothing."""
        return self._undone[-1].words if self._undone else ""

    def undo(self) -> None:
        """Take the last step back."""
        self._run(self._done, self._undone, back=True)

    def redo(self) -> None:
        """Do the last undone step again."""
        self._run(self._undone, self._done, back=False)

    def _run(self, source: list[Step], target: list[Step], *, back: bool) -> None:
        if not source or self._busy:
            return
        step = source.pop()
        self._busy = True
        try:
            (step.undo if back else step.redo)()
        finally:
            self._busy = False
            target.append(step)
        self.changed.emit()

    def clear(self) -> None:
        """Forget every step: what they speak of is closed."""
        self._done.clear()
        self._undone.clear()
        self.changed.emit()


def _joined(words: str, steps: tuple[Step, ...]) -> Step:
    def undo() -> None:
        for step in reversed(steps):
            step.undo()

    def redo() -> None:
        for step in steps:
            step.redo()

    return Step(words, undo, redo, sum(step.bytes_held for step in steps))
