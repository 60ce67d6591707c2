"""Processes that tests start and stop."""

import os
import signal
from pathlib import Path


def hear_ctrl_c() -> None:
    """For `preexec_fn`: a child hears Ctrl-C even where the tests themselves were started to ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def is_running(pid: int) -> bool:
    """Whether there is such a process, and it has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def read_terminal(ours: int) -> str:
    """All that is written to a terminal until every writer has closed it; a terminal holds a few lines, so read on."""
    written = b""
    try:
        while part := os.read(ours, 1 << 16):
            written += part
    except OSError:  # how Linux says that the other side has closed a terminal
        pass
    finally:
        os.close(ours)
    return written.decode()
