"""In which order slices are read: nearest to the reader's eye first."""

import threading
from collections.abc import Callable, Iterable


class PendingSlices:
    """Which slice next: nearest to the first, unless somebody says otherwise."""

    def __init__(self, slices: int, first: int, order: Callable[[], Iterable[int]] | None) -> None:
        self._left = set(range(slices))
        self._queue: list[int] = nearest_first(slices, first)[::-1]
        self._order = order
        self._lock = threading.Lock()

    def take(self) -> int | None:
        """Next slice, or None when all are taken."""
        with self._lock:
            if self._order is not None:
                for index in self._order():
                    if index in self._left:
                        self._left.discard(index)
                        return index
            while self._queue:
                index = self._queue.pop()
                if index in self._left:
                    self._left.discard(index)
                    return index
            return None


def nearest_first(slices: int, first: int) -> list[int]:
    """All indices, by distance from ``first``."""
    return sorted(range(slices), key=lambda i: (abs(i - first), i))
