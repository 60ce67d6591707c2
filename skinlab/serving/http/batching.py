"""Images of concurrent requests are computed together, within a bound on how long one waits for another.

An answer does not depend on what it is computed with: ONNX Runtime was measured to give the same bits for an image
alone and among others, and tests hold it to 1e-5.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass
class _Waiting(Generic[Item, Result]):
    item: Item
    future: "Future[Result]"
    arrived: float = field(default_factory=time.monotonic)


class Batcher(Generic[Item, Result]):
    """Several threads that take what waits.

    What waits is shared among the threads that have nothing to do: eight images and two idle threads are two batches
    of four, not one of eight beside an idle thread.

    Args:
        compute: results of items, in order; called in several threads.
        threads: how many.
        most: items that are computed together.
        wait_s: how long the first of them may wait for the others; 0: only those that wait anyway are taken.
    """

    def __init__(
        self, compute: Callable[[Sequence[Item]], Sequence[Result]], threads: int, most: int, wait_s: float
    ) -> None:
        self._compute, self._most, self._wait = compute, most, wait_s
        self._queue: deque[_Waiting[Item, Result]] = deque()
        self._changed = threading.Condition()
        self._idle, self._closed = 0, False
        self._threads = [threading.Thread(target=self._work, name=f"skinlab-compute-{n}") for n in range(threads)]
        for thread in self._threads:
            thread.daemon = True
            thread.start()

    def submit(self, item: Item, future: "Future[Result] | None" = None) -> "Future[Result]":
        """The result to come of one item; may be cancelled while it waits.

        Args:
            item: what is computed.
            future: takes the result; None: a new one.
        """
        waiting: _Waiting[Item, Result] = _Waiting(item, future or Future())
        with self._changed:
            if self._closed:
                raise RuntimeError("the batcher is closed")
            self._queue.append(waiting)
            self._changed.notify()
        return waiting.future

    def close(self) -> None:
        """Compute what waits, then end the threads."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while batch := self._take():
            running = [waiting for waiting in batch if waiting.future.set_running_or_notify_cancel()]
            if not running:
                continue
            try:
                results = self._compute([waiting.item for waiting in running])
            except Exception as error:  # noqa: BLE001 - whoever waits for the result gets it
                for waiting in running:
                    waiting.future.set_exception(error)
                continue
            for waiting, result in zip(running, results, strict=True):
                waiting.future.set_result(result)

    def _take(self) -> list[_Waiting[Item, Result]]:
        """The next batch; empty when there is none to come."""
        with self._changed:
            self._idle += 1
            while not self._ready():
                if self._closed and not self._queue:
                    self._idle -= 1
                    return []
                self._changed.wait(self._left())
            share = -(-len(self._queue) // self._idle)
            self._idle -= 1
            batch = [self._queue.popleft() for _ in range(min(share, self._most))]
            if self._queue:
                self._changed.notify()
            return batch

    def _ready(self) -> bool:
        """Whether what waits is computed now."""
        if not self._queue:
            return False
        return self._closed or len(self._queue) >= self._most or (self._left() or 0) <= 0

    def _left(self) -> float | None:
        """Seconds that the first may still wait; None where there is none."""
        return self._queue[0].arrived + self._wait - time.monotonic() if self._queue else None
