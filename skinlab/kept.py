"""What the trials of a process need again: kept by what it was made of, within a limit, only where `keep` was called.

A key must name everything that the value depends on: content, not names of files. Then whether a value was kept changes
the time and nothing else. Processes that run a single experiment keep nothing.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class _Wish:
    """Whether this process is to keep anything."""

    keeps = False


_wish = _Wish()


def keep() -> None:
    """From now on, keep what later trials of this process may need again."""
    _wish.keeps = True


class Kept(Generic[Value]):
    """Values by key, of which those asked for last stay. May be asked from several threads.

    Args:
        limit: bytes that the values may have together.
        size: bytes of a value.
    """

    def __init__(self, limit: int, size: Callable[[Value], int]) -> None:
        self._limit, self._size = limit, size
        self._values: OrderedDict[Hashable, Value] = OrderedDict()
        self._lock = threading.Lock()
        self._bytes = 0

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """The value of a key; made where it is not there. Nobody may change it."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
        made = make()
        if _wish.keeps and self._size(made) <= self._limit:
            self._add(key, made)
        return made

    def _add(self, key: Hashable, made: Value) -> None:
        with self._lock:
            if key in self._values:  # another thread was faster
                return
            self._values[key] = made
            self._bytes += self._size(made)
            while self._bytes > self._limit:
                _, oldest = self._values.popitem(last=False)
                self._bytes -= self._size(oldest)
