"""The process that looks after a service: `python -m skinlab.serving.http.supervisor FOLDER PUBLIC PRIVATE`.

Starts the workers, starts them again when they die, writes their log, and does what it is asked through the control
socket: `status`, `open`, `socket`, `stop`. Imports next to nothing, since it lives as long as the service does.
"""

import contextlib
import logging
import logging.handlers
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skinlab.processes import cause_of_death
from skinlab.serving.http import control
from skinlab.serving.http.monitoring import SHARED_VARIABLE
from skinlab.serving.http.settings import LOG, METRICS, SETTINGS, Settings

log = logging.getLogger("skinlab.serving.http")

TICK = 0.2
SETTLED = 60.0
"""A worker that lived so many seconds is started again at once when it dies."""
LONGEST_PAUSE = 10.0
LONGEST_LINE = 8192
MARGIN = 3.0
"""Seconds beyond those for draining, after which a worker is killed."""
NICE_WORDS = {b"ready", b"opened"}


@dataclass
class _Worker:
    """A worker process, and what is known of it."""

    process: "subprocess.Popen[bytes]"
    channel: socket.socket
    started: float
    words: set[bytes]
    line: bytes = b""


class Supervisor:
    """Looks after the workers of a service.

    Args:
        folder: the service's own, with its settings.
        public: what the world connects to; listened to when `open` is asked.
        private: where the service is tried before.
    """

    def __init__(self, folder: Path, public: socket.socket, private: socket.socket) -> None:
        self._folder, self._public, self._private = folder, public, private
        self._settings = Settings.read(folder / SETTINGS)
        self._selector = selectors.DefaultSelector()
        self._workers: list[_Worker] = []
        self._due: list[float] = []
        self._failures = 0
        self._was_ready = self._open = False
        self._end: float | None = None
        self._failed = False

    def run(self) -> int:
        """Look after them until asked to stop; the exit status."""
        self._prepare()
        with control.listen(self._folder) as listening:
            self._selector.register(listening, selectors.EVENT_READ, lambda: self._answer(listening))
            for _ in range(self._settings.workers):
                self._start()
            while self._workers or (self._due and self._end is None):
                self._turn()
        log.info("stopped")
        return 1 if self._failed else 0

    def _prepare(self) -> None:
        handler = logging.handlers.RotatingFileHandler(
            self._folder / LOG, maxBytes=self._settings.log_bytes, backupCount=1
        )
        handler.setFormatter(logging.Formatter("%(message)s"))
        logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
        shutil.rmtree(self._folder / METRICS, ignore_errors=True)
        (self._folder / METRICS).mkdir()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop())

    def _turn(self) -> None:
        for key, _ in self._selector.select(TICK):
            key.data()
        for worker in [worker for worker in self._workers if worker.process.poll() is not None]:
            self._buried(worker)
        now = time.monotonic()
        if self._end is None and self._due and self._due[0] <= now:
            self._due.pop(0)
            self._start()
        if self._end is not None and now > self._end:
            for worker in self._workers:
                worker.process.kill()

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        descriptors = [item.fileno() for item in (self._public, self._private, theirs)]
        process = subprocess.Popen(
            [sys.executable, "-m", "skinlab.serving.http.worker", SETTINGS, *map(str, descriptors)],
            cwd=self._folder,
            env=os.environ | {SHARED_VARIABLE: METRICS, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=descriptors,
        )
        theirs.close()
        worker = _Worker(process, ours, time.monotonic(), set())
        self._workers.append(worker)
        self._selector.register(ours, selectors.EVENT_READ, lambda: self._heard(worker))
        self._selector.register(_output(worker), selectors.EVENT_READ, lambda: self._logged(worker))

    def _heard(self, worker: _Worker) -> None:
        """A word of a worker; nothing when it is gone, which is seen elsewhere."""
        words = _received(worker.channel)
        if not words:
            self._selector.unregister(worker.channel)
        worker.words |= NICE_WORDS & set(words.split())
        if b"ready" in words.split():
            log.info("worker %d is ready after %.2f s", worker.process.pid, time.monotonic() - worker.started)
            if self._open:
                _tell(worker, b"open\n")
        self._was_ready = self._was_ready or self._ready()

    def _logged(self, worker: _Worker) -> None:
        """Lines of a worker into the log."""
        read = os.read(_output(worker).fileno(), 1 << 16)
        if not read:
            self._selector.unregister(_output(worker))
        *lines, rest = (worker.line + read).split(b"\n")
        if lines:  # one write, however many requests were answered since the last
            log.info("%s", b"\n".join(line[:LONGEST_LINE] for line in lines).decode(errors="replace"))
        worker.line = rest[:LONGEST_LINE]

    def _buried(self, worker: _Worker) -> None:
        """A worker is gone: start another, or give up where none was ever ready."""
        for source in (worker.channel, _output(worker)):
            with contextlib.suppress(KeyError, ValueError):
                if source is not worker.channel:
                    self._logged(worker)
                self._selector.unregister(source)
            source.close()
        self._workers.remove(worker)
        code = worker.process.returncode
        _forget_metrics(self._folder, worker.process.pid)
        if self._end is not None:
            return
        log.error("worker %d ended: %s", worker.process.pid, cause_of_death(code))
        if not self._was_ready:
            self._failed = True
            self._stop()
            return
        lived = time.monotonic() - worker.started
        self._failures = 0 if lived > SETTLED else self._failures + 1
        pause = 0.0 if self._failures <= 1 else min(LONGEST_PAUSE, 0.25 * 2**self._failures)
        self._due.append(time.monotonic() + pause)

    def _stop(self) -> None:
        """Let the workers finish what they are at, and end."""
        if self._end is None:
            self._end = time.monotonic() + self._settings.drain_s + MARGIN
            for worker in self._workers:
                _tell(worker, b"drain\n")

    def _answer(self, listening: socket.socket) -> None:
        """Do what is asked through the control socket."""
        connection, _ = listening.accept()
        with connection, contextlib.suppress(OSError):
            connection.settimeout(1)
            word = connection.recv(64).strip().decode(errors="replace")
            if word == "open":
                self._open = True
                for worker in self._workers:
                    _tell(worker, b"open\n")
            elif word == "stop":
                self._stop()
            control.reply(connection, self._state(), [self._public] if word == "socket" else [])

    def _state(self) -> dict[str, Any]:
        """What is told to whoever asks."""
        return {
            "pid": os.getpid(),
            "workers": self._settings.workers,
            "ready": self._count(b"ready"),
            "opened": self._count(b"opened"),
            "stopping": self._end is not None,
        }

    def _ready(self) -> bool:
        return self._count(b"ready") == self._settings.workers

    def _count(self, word: bytes) -> int:
        return sum(word in worker.words for worker in self._workers)


def _output(worker: _Worker) -> Any:
    return worker.process.stdout


def _received(channel: socket.socket) -> bytes:
    try:
        return channel.recv(64)
    except OSError:
        return b""


def _tell(worker: _Worker, word: bytes) -> None:
    with contextlib.suppress(OSError):  # it is gone, which is seen elsewhere
        worker.channel.sendall(word)


def _forget_metrics(folder: Path, pid: int) -> None:
    """What a dead worker was in the middle of is not in work any more; what it has done counts on."""
    for file in (folder / METRICS).glob(f"gauge_live*_{pid}.db"):
        file.unlink(missing_ok=True)


def main(argv: list[str]) -> int:
    """Look after the service in a folder."""
    public, private = (socket.socket(fileno=int(number)) for number in argv[1:3])
    return Supervisor(Path(argv[0]), public, private).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
