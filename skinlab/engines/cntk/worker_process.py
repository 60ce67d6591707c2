"""The worker as a process: started, asked, stopped, and its death told in one line."""

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from skinlab.engines.cntk.runtime import Runtime
from skinlab.errors import EngineError
from skinlab.processes import cause_of_death

WORKER = Path(__file__).parent / "worker" / "worker.py"
STOP_SECONDS = 5.0
LAST_WORDS = 3


class WorkerProcess:
    """A running worker that answers one command at a time."""

    is_idle = True
    """Whether every question was answered."""

    def __init__(self, runtime: Runtime, environment: dict[str, str]) -> None:
        self._words = LastWords()
        # -s and -E keep the user's own packages and PYTHON* settings out of the private interpreter, -B its byte code
        # out of this package.
        self._process = subprocess.Popen(
            [str(runtime.python), "-s", "-E", "-B", "-u", str(WORKER), str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._words.file,
            env=environment,
            text=True,
            encoding="utf-8",
        )

    @property
    def pids(self) -> list[int]:
        """Process id of the worker."""
        return [self._process.pid]

    def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Send a command and wait for its answer.

        Raises:
            EngineError: the command failed, or the worker died; the message quotes its last words.
        """
        assert self._process.stdin is not None  # noqa: S101 - it was started with a pipe
        assert self._process.stdout is not None  # noqa: S101
        self.is_idle = False
        try:
            self._process.stdin.write(json.dumps({"command": command, "arguments": arguments}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise EngineError(self._obituary(command))
        answer = json.loads(line)
        self.is_idle = True
        if "error" in answer:
            raise EngineError(f"CNTK failed in {command}: {answer['error']}")
        result: dict[str, Any] = answer["ok"]
        return result

    def forget_words(self) -> None:
        """Drop what it has written to standard error: a later error quotes later words."""
        self._words.clear()

    def stop(self) -> None:
        """End the worker: by closing its input, then by force. Safe to call twice."""
        if self._process.poll() is None:
            self._close_pipes()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._close_pipes()
        self._words.close()

    def kill(self) -> None:
        """End the worker at once, in the middle of whatever it does."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self.stop()

    def _close_pipes(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None and not pipe.closed:
                try:
                    pipe.close()
                except BrokenPipeError:  # it died with our last words in the pipe
                    continue

    def _obituary(self, command: str) -> str:
        try:
            code = self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        return f"the CNTK worker died in {command} ({cause_of_death(code)}); its last words: {self._words.text()}"


class LastWords:
    """What a process wrote to standard error.

    Args:
        noise: how lines begin that say nothing.
    """

    def __init__(self, noise: tuple[str, ...] = ()) -> None:
        self.file = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - closed by close
        self._noise = noise

    def text(self) -> str:
        """Its last lines as one."""
        self.file.seek(0)
        lines = [line.strip() for line in self.file if line.strip() and not line.startswith(self._noise)]
        return " | ".join(lines[-LAST_WORDS:]) or "none"

    def clear(self) -> None:
        """Forget what was written; the writer, which shares our place in the file, goes on at its start."""
        self.file.seek(0)
        self.file.truncate()

    def close(self) -> None:
        """Forget it; safe to call twice."""
        self.file.close()
