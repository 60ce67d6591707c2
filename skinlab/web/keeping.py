"""What was computed for a page and may be asked for again: a bounded number of things, each made once."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Made = TypeVar("Made")


class Kept(Generic[Made]):
    """The things that were asked for last.

    Args:
        most: how many are kept.
        at_once: how many are made beside each other; further ones wait.

    >>> squares = Kept(2)
    >>> [squares.get(number, lambda number=number: number**2) for number in (1, 2, 3)]
    [1, 4, 9]
    >>> len(squares)
    2
    """

    def __init__(self, most: int, at_once: int = 1) -> None:
        self._most = most
        self._made: OrderedDict[Hashable, Made] = OrderedDict()
        self._guard = threading.Lock()
        self._turns = threading.BoundedSemaphore(at_once)

    def __len__(self) -> int:
        return len(self._made)

    def get(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """The thing of a key, made where it is not there. What `make` raises is raised, and nothing is kept."""
        known, made = self._find(key)
        if known:
            return made  # type: ignore[return-value]
        with self._turns:
            known, made = self._find(key)  # made by another thread meanwhile
            return made if known else self._keep(key, make())  # type: ignore[return-value]

    def _find(self, key: Hashable) -> tuple[bool, Made | None]:
        with self._guard:
            if key not in self._made:
                return False, None
            self._made.move_to_end(key)
            return True, self._made[key]

    def _keep(self, key: Hashable, made: Made) -> Made:
        with self._guard:
            self._made[key] = made
            while len(self._made) > self._most:
                self._made.popitem(last=False)
        return made
