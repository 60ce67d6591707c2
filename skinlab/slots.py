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
from collections.abc import Iterator, Sequence
from pathlib import Path

from skinlab import paths
from skinlab.errors import OutputError

POLL_SECONDS = 0.1
_log = logging.getLogger(__name__)


def folder() -> Path:
    """Where the slots of this machine are; the home may be shared by several."""
    return paths.home() / "leases" / platform.node()


@contextlib.contextmanager
def leased(kind: str, choices: Sequence[str], count: int, *, adjacent: bool = False) -> Iterator[tuple[str, ...]]:
    """Lease some of these slots until the block ends; waits until so many are free.

    All at once or none, and in the order of asking: two who want several do not block each other, nor do they starve
    behind many who want one.

    Args:
        kind: of the slots, e.g. `gpu`; who wants one kind does not wait for those who want another.
        choices: which slots will do, in order of preference.
        count: how many are wanted, at most as many as there are choices; 0 leases none.
        adjacent: only slots that follow each other in `choices`.

    Raises:
        OutputError: the folder of the slots cannot be written.
    """
    with contextlib.ExitStack() as held:
        yield _take(kind, choices, count, adjacent, held) if count else ()


def _take(kind: str, choices: Sequence[str], count: int, adjacent: bool, held: contextlib.ExitStack) -> tuple[str, ...]:
    starts = range(len(choices) - count + 1) if adjacent else range(1)
    width = count if adjacent else len(choices)
    groups = [choices[start : start + width] for start in starts]
    try:
        folder().mkdir(parents=True, exist_ok=True)
        with _turn(kind):
            return _wait(kind, groups, count, held)
    except OSError as error:
        raise OutputError(
            f"cannot use {folder()}, where processors and GPUs are leased: {error.strerror or error}; set "
            f"{paths.HOME_VARIABLE} to a folder that can be written"
        ) from error


def _wait(kind: str, groups: Sequence[Sequence[str]], count: int, held: contextlib.ExitStack) -> tuple[str, ...]:
    """Try until `count` slots of one group are free; their locks are `held`."""
    told = False
    while True:
        for group in groups:
            with contextlib.ExitStack() as attempt:
                taken = _free(kind, group, count, attempt)
                if len(taken) == count:
                    held.push(attempt.pop_all())
                    return tuple(taken)
        if not told:
            _log.info("waiting for %d %s%s: others on this machine have them", count, kind, "s" if count > 1 else "")
            told = True
        time.sleep(POLL_SECONDS)


def _free(kind: str, names: Sequence[str], count: int, locks: contextlib.ExitStack) -> list[str]:
    """Take the first free slots, `count` at most."""
    taken: list[str] = []
    for name in names:
        if len(taken) == count:
            break
        file = _open(f"{kind}-{name}")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
        else:
            locks.callback(os.close, file)
            taken.append(name)
    return taken


@contextlib.contextmanager
def _turn(kind: str) -> Iterator[None]:
    """Be the only one who takes slots of this kind; giving back needs no turn."""
    file = _open(f"{kind}.turn")
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


def _open(name: str) -> int:
    return os.open(folder() / name, os.O_RDWR | os.O_CREAT, 0o666)
