"""Starts the programs that a set-up needs and waits for them; does not judge what they say."""

import ctypes
import errno
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def clean_environment() -> dict[str, str]:
    """This process's environment without the PYTHON* variables, which would steer another interpreter wrongly."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def death_with_parent() -> Callable[[], None]:
    """A function for the child that asks Linux to kill it when its parent dies; looked up before the fork."""
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def run(
    command: Sequence[str | Path], *, environment: Mapping[str, str] | None = None, timeout: float | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs a program to its end, with its output kept.

    The child dies with this process, and inherits the lock of the set-up (the only inheritable descriptor), so a
    killed set-up never leaves a child behind that writes into what the next one builds.

    Args:
        command: program and arguments; no shell.
        environment: of the child; None: this process's.
        timeout: seconds until the child is killed; None: no limit.

    Returns:
        Exit status, standard output and standard error; undecodable bytes are replaced.

    Raises:
        OSError: the program cannot be started, or it failed for want of disk space (ENOSPC).
        subprocess.TimeoutExpired: it took too long.
    """
    done = subprocess.run(
        [str(part) for part in command],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=timeout,
        close_fds=False,
        preexec_fn=death_with_parent(),  # one system call, looked up before the fork
        check=False,
    )
    if done.returncode != 0 and os.strerror(errno.ENOSPC) in done.stderr:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return done


def last_words(done: subprocess.CompletedProcess[str]) -> str:
    r"""The line of a failed program's output that says most: the last error, else the last line, else its status.

    >>> last_words(subprocess.CompletedProcess([], 1, stdout="", stderr="ERROR: no such file\nWARNING: old pip\n"))
    'ERROR: no such file'
    """
    lines = [line.strip() for line in (done.stdout + "\n" + done.stderr).splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return (errors or lines or [f"exit status {done.returncode}, no output"])[-1]
