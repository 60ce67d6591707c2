"""Ctrl-C in a sweep: once, the running trials are finished and no more are begun; twice, all stop now.

The sweeper hears it and leaves a mark in the sweep's directory, which the trials read wherever they run.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal, NoReturn

from skinlab import machine
from skinlab.errors import OutputError
from skinlab.run import Run

STOP_FILE = ".stop"
LOOK_EVERY = 1.0
"""Seconds between two looks for the mark inside an epoch."""
GRACE = 5.0
"""Seconds that trials in other processes have for marking themselves interrupted."""

Urgency = Literal["after", "now"]


def request(sweep: Path, urgency: Urgency) -> None:
    """Leave the mark: no more trials, or none at all."""
    (sweep / STOP_FILE).write_text(urgency)


def requested(sweep: Path) -> Urgency | None:
    """The mark that is there; None where the sweep goes on."""
    try:
        return "now" if (sweep / STOP_FILE).read_text() == "now" else "after"
    except OSError:
        return None


def clear(sweep: Path) -> None:
    """Take the mark away."""
    (sweep / STOP_FILE).unlink(missing_ok=True)


class StopWatch:
    """An observer of training that ends a trial where its sweep stops now, also on another machine."""

    def __init__(self, sweep: Path) -> None:
        self._sweep = sweep
        self._looked = 0.0

    def advanced(self, epoch: int, images: int, of: int) -> None:
        """Look from time to time."""
        if time.monotonic() - self._looked > LOOK_EVERY:
            self._looked = time.monotonic()
            self._obey()

    def epoch_ended(self, records: list[dict[str, Any]], seconds: float) -> None:
        """Look."""
        self._obey()

    def _obey(self) -> None:
        if requested(self._sweep) == "now":
            raise KeyboardInterrupt


@contextmanager
def deaf_to_ctrl_c() -> Iterator[None]:
    """In the process of a trial: Ctrl-C is the sweeper's business, and a polite kill ends the trial as interrupted."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's
        return
    before = {name: signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


@contextmanager
def polite(sweep: Path, running: "RunsOf") -> Iterator[None]:
    """In the sweeper: the first Ctrl-C leaves the mark, the second interrupts.

    Args:
        sweep: its directory.
        running: gives the directories of the trials that may be running.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def hear(_signal: int, _frame: object) -> None:
        if requested(sweep) is None:
            request(sweep, "after")
            sys.stderr.write("\nno more trials are begun; the running ones go on. Ctrl-C again stops them now\n")
            return
        stop_now(sweep, running())
        raise KeyboardInterrupt

    def end(_signal: int, _frame: object) -> NoReturn:
        stop_now(sweep, running())
        raise KeyboardInterrupt

    before = {name: signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM)}
    if before[signal.SIGINT] is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, hear)
    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


class RunsOf:
    """Gives run directories when they are needed; a handler of signals must not compute more."""

    def __init__(self, paths: Sequence[Path] = ()) -> None:
        self.paths = list(paths)

    def __call__(self) -> list[Path]:
        """The directories."""
        return self.paths


def stop_now(sweep: Path, runs: Sequence[Path]) -> None:
    """Leave the mark, and tell trials in other processes of this machine; wait until they have marked themselves."""
    request(sweep, "now")
    deadline = time.monotonic() + GRACE
    told = [process for run in runs if (process := _process(run))]
    for process in told:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(process["pid"], signal.SIGTERM)
    while time.monotonic() < deadline and any(_process(run) for run in runs):
        time.sleep(0.05)


def _process(run: Path) -> dict[str, Any] | None:
    """The living process of a run on this machine, but not this one."""
    try:
        opened = Run.open(run)
    except OutputError:
        return None
    process: dict[str, Any] = opened.record["process"]
    alive = opened.record["status"] == "running" and machine.is_alive(process)
    return process if alive and process["pid"] != os.getpid() else None


def _interrupt(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt
