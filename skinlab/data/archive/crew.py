"""Threads that work through entries a few at a time, in no order; what is under way ends with the process.

The threads are daemons on purpose: a Ctrl-C need not wait for a server that stalls, since a file that was not renamed
was not fetched.
"""

import queue
import threading
import time
from collections.abc import Callable, Generator, Iterable
from typing import Generic, TypeVar

from skinlab.transfer.pace import StoppedError

Task = TypeVar("Task")
Done = TypeVar("Done")
_PATIENCE = 1.0  # seconds that a stopped crew is waited for


class Crew(Generic[Task, Done]):
    """A few threads that do the same work."""

    def __init__(self, jobs: int, work: Callable[[Task], Done], stop: Callable[[], None]) -> None:
        self._work = work
        self._stop = stop
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[Done | BaseException] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._labour, daemon=True) for _ in range(jobs)]

    def run(self, tasks: Iterable[Task]) -> Generator[Done]:
        """The result of each task as it comes; tasks are taken from `tasks` only as fast as they are done.

        Raises:
            Whatever the work raised; the others are stopped.
        """
        for thread in self._threads:
            thread.start()
        under_way = 0
        try:
            for task in tasks:
                self._tasks.put(task)
                under_way += 1
                while under_way >= 2 * len(self._threads):
                    yield self._next()
                    under_way -= 1
            for _ in range(under_way):
                yield self._next()
        finally:
            self._dismiss()

    def _next(self) -> Done:
        result = self._results.get()
        if isinstance(result, BaseException):
            raise result
        return result

    def _labour(self) -> None:
        while (task := self._tasks.get()) is not None:
            try:
                self._results.put(self._work(task))
            except StoppedError:
                return
            except BaseException as error:  # noqa: BLE001 - raised again in the thread that asked
                self._results.put(error)

    def _dismiss(self) -> None:
        self._stop()
        for _ in self._threads:
            self._tasks.put(None)
        end = time.monotonic() + _PATIENCE
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
