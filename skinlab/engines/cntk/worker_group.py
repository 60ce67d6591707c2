"""Several workers that train together: started by mpiexec as one job, asked at once, ended together."""

import json
import os
import selectors
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from skinlab import children
from skinlab.engines.cntk import mpi
from skinlab.engines.cntk.runtime import Runtime
from skinlab.engines.cntk.worker_process import STOP_SECONDS, WORKER, LastWords
from skinlab.errors import EngineError
from skinlab.processes import cause_of_death

START_SECONDS = 120.0
NOISE = ("ping [", "requestnodes [", "----")
"""How lines begin that CNTK and mpiexec write around what matters."""


class WorkerGroup:
    """Running workers that answer one command at a time, all of them the same one.

    They connect to a socket in `folder`, where MPI's files go too. Every worker dies with mpiexec and mpiexec with this
    process, and mpiexec ends all when one dies.
    """

    is_idle = False
    """Taken for busy: after an error they are ended at once."""

    def __init__(self, runtime: Runtime, environment: dict[str, str], workers: int, folder: Path) -> None:
        self._words = LastWords(NOISE)
        self._channels: dict[int, _Channel] = {}
        self._size = workers
        launcher = mpi.require_launcher(workers)
        address = folder / "workers.socket"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(address))
            listener.listen(workers)
            self._process = subprocess.Popen(
                [
                    *mpi.launch(launcher, workers, folder),
                    *(str(runtime.python), "-s", "-E", "-B", "-u", str(WORKER), str(os.getpid()), str(address)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=self._words.file,
                stderr=self._words.file,
                env=environment,
                start_new_session=True,  # Ctrl-C is this process's business
                preexec_fn=children.death_with_parent(),  # noqa: PLW1509 - one system call, looked up before the fork
            )
            try:
                self._accept(listener)
            except BaseException:  # Ctrl-C too
                self.kill()
                raise

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers, in order of rank."""
        return [self._channels[rank].pid for rank in sorted(self._channels)]

    def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Send a command to all workers and wait for their answers.

        Returns:
            the first worker's answer.

        Raises:
            EngineError: the command failed, or a worker died. Where some wait for one that failed, all are ended.
        """
        if self._process.poll() is not None:
            raise EngineError(self._obituary(command))
        line = json.dumps({"command": command, "arguments": arguments}) + "\n"
        for channel in self._channels.values():
            with suppress(BrokenPipeError, ConnectionResetError):  # its silence is noticed below
                channel.send(line)
        answers = self._answers(command)
        failed = [answer["error"] for _, answer in sorted(answers.items()) if "error" in answer]
        if failed and len(answers) < self._size:
            self.kill()
        if failed:
            raise EngineError(f"CNTK failed in {command}: {failed[0]}")
        result: dict[str, Any] = answers[0]["ok"]
        return result

    def stop(self) -> None:
        """End the workers: by closing their input, then by force. Safe to call twice."""
        self._close()
        if self._process.poll() is None:
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
        self._words.close()

    def kill(self) -> None:
        """End the workers at once, in the middle of whatever they do."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._close()

    def _accept(self, listener: socket.socket) -> None:
        """Wait until every worker has connected and told its rank."""
        deadline = time.monotonic() + START_SECONDS
        listener.settimeout(0.2)
        while len(self._channels) < self._size:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise EngineError(self._obituary("their start"))
            try:
                connection = listener.accept()[0]
            except TimeoutError:
                continue
            channel = _Channel(connection)
            self._channels[channel.rank] = channel

    def _answers(self, command: str) -> dict[int, dict[str, Any]]:
        """The answer of each worker by rank; of some only, where one failed and others do not come to an end."""
        answers: dict[int, dict[str, Any]] = {}
        failed = False
        with selectors.DefaultSelector() as selector:
            for channel in self._channels.values():
                selector.register(channel.connection, selectors.EVENT_READ, channel)
            while len(answers) < self._size:
                ready = selector.select(STOP_SECONDS if failed else None)
                if not ready:
                    return answers
                for key, _ in ready:
                    line = key.data.receive()
                    if not line:
                        raise EngineError(self._obituary(command))
                    answers[key.data.rank] = json.loads(line)
                    failed = failed or "error" in answers[key.data.rank]
                    selector.unregister(key.fileobj)
        return answers

    def _close(self) -> None:
        for channel in self._channels.values():
            channel.close()

    def _obituary(self, command: str) -> str:
        try:
            code = self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            code = -signal.SIGKILL
        self.kill()
        signalled = code - 128 if code > 128 else 0  # noqa: PLR2004 - as shells and mpiexec tell a signal
        reason = cause_of_death(-signalled if signalled else code)
        return f"one of {self._size} CNTK workers died in {command} ({reason}); the last words: {self._words.text()}"


class _Channel:
    """The connection of one worker: a line out, a line in. The worker's first line is its rank."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._lines: TextIO = connection.makefile("r", encoding="utf-8")
        introduction = json.loads(self._lines.readline())
        self.rank: int = introduction["rank"]
        self.pid: int = introduction["pid"]

    def send(self, line: str) -> None:
        """Send a line."""
        self.connection.sendall(line.encode())

    def receive(self) -> str:
        """The next line; empty where the worker is gone."""
        try:
            return self._lines.readline()
        except ConnectionResetError:
            return ""

    def close(self) -> None:
        """Close it; safe to call twice."""
        self._lines.close()
        self.connection.close()
