"""Which processors a process may run on: asked, and confined to some of them."""

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path


def usable() -> frozenset[int]:
    """Numbers of the processors that this thread may run on, which in a container or a batch job are not all.

    Where the system does not tell (macOS), those that there are.
    """
    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(os.cpu_count() or 1))


def confine(processors: Iterable[int], process: int | None = None) -> None:
    """Let all present threads of a process, and what they start from now on, run on these processors alone.

    Args:
        processors: numbers, as `usable` gives them.
        process: its id; None: this process.
    """
    if not hasattr(os, "sched_setaffinity"):
        return
    chosen = set(processors)
    with contextlib.suppress(FileNotFoundError):  # it ended
        for thread in Path(f"/proc/{process or os.getpid()}/task").iterdir():
            with contextlib.suppress(ProcessLookupError):  # a thread ended meanwhile
                os.sched_setaffinity(int(thread.name), chosen)
