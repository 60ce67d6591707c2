"""The process of a local service from outside: started in the background, waited for, asked, ended."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from skinlab.errors import DeploymentError
from skinlab.processes import cause_of_death
from skinlab.serving.http import control
from skinlab.serving.http.settings import LOG

Process = subprocess.Popen[bytes]
TICK = 0.02
READY_SECONDS = 120.0
OPEN_SECONDS = 10.0
STOP_MARGIN = 10.0
LAST_LINES = 5
TAIL_BYTES = 1 << 20
SECRETS = ("SKINLAB_DEPLOYMENT_KEYS", "SKINLAB_KEY")
"""Variables that the service does not inherit: it has its keys from a file."""


def start(folder: Path, public: socket.socket, private: socket.socket) -> Process:
    """Start the supervisor of the service in a folder, in a session of its own: it outlives this process."""
    descriptors = [public.fileno(), private.fileno()]
    environment = {name: value for name, value in os.environ.items() if name not in SECRETS}
    with (folder / LOG).open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "skinlab.serving.http.supervisor", ".", *map(str, descriptors)],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=descriptors,
            start_new_session=True,
        )


def wait_until_ready(folder: Path, process: Process) -> float:
    """Wait until all workers are ready; the seconds that it took.

    Raises:
        DeploymentError: it ended, or takes too long.
    """
    return _wait(folder, process, "ready", READY_SECONDS)


def open_to_all(folder: Path, process: Process) -> None:
    """Let the service listen to the world, and wait until it does.

    Raises:
        DeploymentError: as for `wait_until_ready`.
    """
    with contextlib.suppress(control.ControlError):  # seen below
        control.ask(folder, "open")
    _wait(folder, process, "opened", OPEN_SECONDS)


def _wait(folder: Path, process: Process, word: str, seconds: float) -> float:
    began = time.monotonic()
    while time.monotonic() < began + seconds:
        if (code := process.poll()) is not None:
            raise DeploymentError(f"the service does not come up ({cause_of_death(code)})")
        with contextlib.suppress(control.ControlError):  # it may not listen yet
            state = control.ask(folder, "status")
            if state[word] == state["workers"]:
                return time.monotonic() - began
        time.sleep(TICK)
    raise DeploymentError(f"the service is not {word} within {seconds:g} s")


def kill(process: Process) -> None:
    """End a service that nobody uses yet; its workers end with it."""
    process.kill()
    process.wait()


def tail(paths: Sequence[Path], lines: int) -> str:
    """The last lines of files that follow one another."""
    text = b""
    for path in paths:
        with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL_BYTES))
            text += file.read()
    return "".join(f"{line}\n" for line in text.decode(errors="replace").splitlines()[-lines:])


def last_words(folder: Path) -> str:
    """The end of the log of a service that failed, to follow a message."""
    said = tail([folder / LOG], LAST_LINES)
    return f"; its log ends with\n{said}" if said else "; its log is empty"
