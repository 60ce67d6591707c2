"""Processes that tests start and stop."""

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
