"""What helper processes have in common: they end with their parent, and their death is told in words.

Starts nothing itself. The CNTK worker, which runs under another Python, has its own copy of the first.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """Ask Linux to kill this process when its parent goes; leave at once if that has happened already.

    Args:
        parent: process id of the parent.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(0)


def cause_of_death(code: int) -> str:
    """What an exit status means.

    >>> cause_of_death(3), cause_of_death(-15)
    ('exit status 3', 'killed by SIGTERM')
    """
    if code >= 0:
        return f"exit status {code}"
    name = signal.Signals(-code).name
    hint = ", perhaps by the system for lack of memory" if name == "SIGKILL" else ""
    return f"killed by {name}{hint}"
