"""Things of which a machine has a few, leased to one process at a time: processors, GPUs.

A slot is a file in skinlab's home; who holds its lock (flock) has it. The kernel lets go of a lock when the process
ends, however it ends, so there is nothing stale to clean up. Knows nothing of what a slot stands for.
"""

import contextlib
import fcntl
import logging
import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from skinlab import paths
from skinlab.errors import OutputError

POLL_SECONDS = 0.1
_log = logging.getLogger(__name__)


class GivenUpError(Exception):
    """Who waited for a slot does not want it any more."""


def folder() -> Path:
    """Where the slots of this machine are; the home may be shared by several."""
    return paths.home() / "leases" / platform.node()


@contextlib.contextmanager
def leased(
    kind: str,
    choices: Sequence[str],
    count: int,
    *,
    adjacent: bool = False,
    given_up: Callable[[], object] = lambda: False,
) -> Iterator[tuple[str, ...]]:
    """Lease some of these slots until the block ends; waits until so many are free.

    All at once or none, and whose turn it is gets its slots before anybody else of the kind: two who want several do
    not block each other, nor do they starve behind many who want one.

    Args:
        kind: of the slots, e.g. `gpu`; who wants one kind does not wait for those who want another.
        choices: which slots will do, in order of preference.
        count: how many are wanted, at most as many as there are choices; 0 leases none.
        adjacent: only slots that follow each other in `choices`.
        given_up: asked while waiting; true where there is no need to wait any more.

    Raises:
        GivenUpError: `given_up` was true.
        OutputError: the folder of the slots cannot be written.
    """
    starts = range(len(choices) - count + 1) if adjacent else range(1)
    groups = [choices[start : start + count] if adjacent else choices for start in starts]
    patience = _Patience(f"{count} {kind}{'s' if count > 1 else ''}", given_up)
    with contextlib.ExitStack() as held:
        yield _take(kind, groups, count, patience, held) if count else ()


class _Patience:
    """Waits a little at a time."""

    def __init__(self, what: str, given_up: Callable[[], object]) -> None:
        self._what, self._given_up, self._told = what, given_up, False

    def wait(self) -> None:
        """Say what is waited for, the first time.

        Raises:
            GivenUpError: there is no need any more.
        """
        if self._given_up():
            raise GivenUpError
        if not self._told:
            _log.info("waiting for %s: others on this machine have them", self._what)
            self._told = True
        time.sleep(POLL_SECONDS)


def _take(
    kind: str, groups: Sequence[Sequence[str]], count: int, patience: _Patience, held: contextlib.ExitStack
) -> tuple[str, ...]:
    """Wait until one group has `count` free slots; their locks are `held`."""
    try:
        folder().mkdir(parents=True, exist_ok=True)
        with _turn(kind, patience):
            while True:
                for group in groups:
                    if taken := _free(kind, group, count, held):
                        return taken
                patience.wait()
    except OSError as error:
        raise OutputError(
            f"cannot use {folder()}, where processors and GPUs are leased: {error.strerror or error}; set "
            f"{paths.HOME_VARIABLE} to a folder that can be written"
        ) from error


def _free(kind: str, names: Sequence[str], count: int, held: contextlib.ExitStack) -> tuple[str, ...]:
    """The first `count` free slots, whose locks are `held` from now on; none where fewer are free."""
    taken: list[str] = []
    with contextlib.ExitStack() as attempt:
        for name in names:
            file = _open(f"{kind}-{name}")
            attempt.callback(os.close, file)
            if _lock(file):
                taken.append(name)
            if len(taken) == count:
                held.push(attempt.pop_all())
                return tuple(taken)
    return ()


@contextlib.contextmanager
def _turn(kind: str, patience: _Patience) -> Iterator[None]:
    """Be the only one who takes slots of this kind; giving back needs no turn."""
    file = _open(f"{kind}.turn")
    try:
        while not _lock(file):
            patience.wait()
        yield
    finally:
        os.close(file)


def _open(name: str) -> int:
    return os.open(folder() / name, os.O_RDWR | os.O_CREAT, 0o666)


def _lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
