"""Processes that tests start and stop."""

import signal


def hear_ctrl_c() -> None:
    """For `preexec_fn`: a child hears Ctrl-C even where the tests themselves were started to ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
