"""Brings one sink up to date on a thread of its own, so that a slow or dead one never holds up training.

What waits is never a queue but the newest state: the records of all epochs so far, and the ending. A sink that was
away for hours gets all of it at its next success, and memory does not grow meanwhile.
"""

import threading
from collections.abc import Sequence
from typing import Any

from skinlab.tracking.sink import Ending, Record, Sink

PAUSES = (0.5, 1.0, 2.0, 4.0)
"""Seconds between the tries of one round; the next epoch starts another."""
LONGEST_REASON = 500


class Delivery:
    """A sink and the thread that serves it.

    Args:
        name: of the sink, for messages.
        sink: not begun.
        pauses: seconds between tries.
    """

    def __init__(self, name: str, sink: Sink, pauses: Sequence[float] = PAUSES) -> None:
        self.name = name
        self._sink = sink
        self._pauses = pauses
        self._records: Sequence[Record] = ()
        self._ending: Ending | None = None
        self._begun = False
        self._error: str | None = None
        self._given_up: str | None = None
        self._failed_tries = 0
        self._told = False
        self._wanted, self._ended, self._abandoned = threading.Event(), threading.Event(), threading.Event()
        self._wanted.set()  # at once: a run shows up in a sink before its first epoch is over
        self._thread = threading.Thread(target=self._serve, name=f"skinlab-tracking-{name}", daemon=True)
        self._thread.start()

    def epochs(self, records: Sequence[Record]) -> None:
        """The records of all epochs so far; returns at once."""
        self._records = tuple(records)
        self._wanted.set()

    def end(self, ending: Ending, wait: float) -> None:
        """Tell the ending, and wait until the sink has it, has failed a round of tries, or the time is over.

        Args:
            ending: of the run.
            wait: seconds.
        """
        self._ending = ending
        self._ended.set()
        self._wanted.set()
        try:
            self._thread.join(wait)
        finally:
            if self._thread.is_alive():
                self._given_up = f"{self._error or 'not everything was taken'}; given up after {wait:g} s"
            self._abandoned.set()

    @property
    def error(self) -> str | None:
        """What is wrong with the sink now."""
        return self._given_up or self._error

    def news(self) -> str | None:
        """What is wrong with the sink, the first time that this is asked since something is."""
        if self.error is None or self._told:
            return None
        self._told = True
        return self.error

    def report(self) -> dict[str, Any]:
        """For run.json: `open` while the run goes on, at its end `delivered` or `failed` with the reason."""
        ended = "failed" if self.error else "delivered"
        status = ended if self._ended.is_set() else "open"
        return {"status": status, "error": self.error, "failed_tries": self._failed_tries, **self._sink.facts()}

    def _serve(self) -> None:
        while not self._abandoned.is_set():
            self._wanted.wait()
            self._wanted.clear()
            ending = self._ending
            self._round(ending)
            if ending is not None:
                return

    def _round(self, ending: Ending | None) -> None:
        """Try until it succeeds, a few times; that the run ends interrupts a round of before."""
        interrupting = self._ended if ending is None else self._abandoned
        for pause in (*self._pauses, 0.0):
            if self._try(ending) or interrupting.wait(pause):
                return

    def _try(self, ending: Ending | None) -> bool:
        """Whether the sink is up to date, or nobody waits for it any more."""
        try:
            self._bring_up_to_date(ending)
        except Exception as error:  # noqa: BLE001 - whatever a sink's library raises, the run goes on
            self._begun = False
            self._failed_tries += 1
            self._error = one_line(error)
            return self._abandoned.is_set()
        self._error = None
        return True

    def _bring_up_to_date(self, ending: Ending | None) -> None:
        if not self._begun:
            self._sink.begin()
            self._begun = True
        if not self._abandoned.is_set():
            self._sink.epochs(self._records)
        if ending is not None and not self._abandoned.is_set():
            self._sink.end(ending)


def one_line(error: BaseException) -> str:
    r"""An error of a library in one line of bounded length.

    >>> one_line(ValueError("first\n  second"))
    'ValueError: first second'
    """
    text = f"{type(error).__name__}: {' '.join(str(error).split())}"
    return text if len(text) <= LONGEST_REASON else text[: LONGEST_REASON - 3] + "..."
