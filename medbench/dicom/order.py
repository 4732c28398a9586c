"""In which order slices are read: nearest to the reader's eye first."""

import threading
from collections.abc import Callable, Iterable


class PendingSlices:
    """Which slices next: nearest to the one that is looked at.

    ``order`` is asked at each `take`: the first index it names is the new centre, so that a jump
    is served next, then its neighbours. Nothing is queued: a wish that was overtaken by a newer
    one is forgotten. Safe to use from several threads.
    """

    def __init__(self, slices: int, first: int, order: Callable[[], Iterable[int]] | None) -> None:
        self._left = set(range(slices))
        self._centre = first
        self._queue: list[int] = nearest_first(range(slices), first)[::-1]
        self._order = order
        self._lock = threading.Lock()

    def take(self) -> int | None:
        """Next slice, or None when all are taken."""
        found = self.take_some(1)
        return found[0] if found else None

    def take_some(self, count: int) -> list[int]:
        """Up to ``count`` next slices; [] when all are taken."""
        with self._lock:
            found: list[int] = []
            if self._order is not None:
                wishes = list(self._order())
                if wishes and wishes[0] != self._centre:
                    self._centre = wishes[0]
                    self._queue = nearest_first(self._left, self._centre)[::-1]
                found = [index for index in dict.fromkeys(wishes) if index in self._left][:count]
                self._left.difference_update(found)
            while self._queue and len(found) < count:
                index = self._queue.pop()
                if index in self._left:
                    self._left.discard(index)
                    found.append(index)
            return found


def nearest_first(slices: Iterable[int], first: int) -> list[int]:
    """The indices, by distance from ``first``."""
    return sorted(slices, key=lambda i: (abs(i - first), i))
