"""Replicas in processes that this one starts, one for each device of `engine.devices`, all on this machine."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Pipe, wait
from pathlib import Path
from typing import IO, Any

from skinlab import schema
from skinlab.engines.torch.crew import Answer
from skinlab.engines.torch.hardware import Hardware
from skinlab.errors import EngineError
from skinlab.processes import cause_of_death

STOP_SECONDS = 5.0
BLAME_SECONDS = 1.0
"""How long the death of one process is waited for after another has failed, perhaps for want of it."""
LAST_WORDS = 3


class Child:
    """One started process, and the pipe to it."""

    def __init__(self, rank: int, world: int, meeting: Path) -> None:
        self.connection, theirs = Pipe()
        self._stderr: IO[str] = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - in end
        self._process = subprocess.Popen(
            [sys.executable, "-m", "skinlab.engines.torch.child", str(theirs.fileno()), str(os.getpid()), str(meeting)],
            stdin=subprocess.DEVNULL,
            stdout=self._stderr,
            stderr=self._stderr,
            pass_fds=[theirs.fileno()],
            env=_environment(rank, world),
        )
        theirs.close()

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def obituary(self, command: str) -> str:
        """The one line for its death."""
        try:
            code = self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self._stderr.seek(0)
        lines = [line.strip() for line in self._stderr if line.strip()]
        words = " | ".join(lines[-LAST_WORDS:]) or "none"
        return f"a process of the torch engine died in {command} ({cause_of_death(code)}); its last words: {words}"

    def end(self, *, at_once: bool) -> None:
        """End it: by closing its pipe, then by force. Safe to call twice."""
        self.connection.close()
        if self._process.poll() is None:
            if at_once:
                self._process.kill()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._stderr.close()


def _environment(rank: int, world: int) -> dict[str, str]:
    """The variables that torchrun would set, so that lightning-fabric finds its place in the same way.

    The processes are on one machine: they listen to nobody outside of it.
    """
    places = {"RANK": rank, "LOCAL_RANK": rank, "GROUP_RANK": 0, "WORLD_SIZE": world, "LOCAL_WORLD_SIZE": world}
    variables = os.environ | {name: str(value) for name, value in places.items()}
    if sys.platform == "linux":
        variables |= {"GLOO_SOCKET_IFNAME": "lo", "NCCL_SOCKET_IFNAME": "lo"}
    return variables


class Children:
    """See `skinlab.engines.torch.crew.Crew`.

    Raises:
        EngineError: a process does not start.
    """

    def __init__(self, engine: schema.TorchEngine, chosen: Hardware) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="skinlab-")  # of this user alone: they meet by a file in it
        self._children: list[Child] = []
        try:
            for rank in range(engine.devices):
                self._children.append(Child(rank, engine.devices, Path(self._folder.name) / "meeting"))
            self.ask("start", [(engine, chosen)] * engine.devices)
        except BaseException:  # Ctrl-C too, which may come while they start
            self.close(at_once=True)
            raise

    @property
    def size(self) -> int:
        """See `Crew.size`."""
        return len(self._children)

    @property
    def pids(self) -> list[int]:
        """Process ids, by rank."""
        return [child.pid for child in self._children]

    def ask(self, command: str, arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
        """See `Crew.ask`."""
        asked = dict(zip(self._children, arguments, strict=False))
        for child, given in asked.items():
            try:
                child.connection.send((command, given))
            except (BrokenPipeError, ConnectionResetError) as error:
                raise EngineError(child.obituary(command)) from error
        answers = {child: answer.value for child, answer in self._answers(command, list(asked))}
        return [answers[child] for child in asked]

    def _answers(self, command: str, asked: list[Child]) -> Iterator[tuple[Child, Answer]]:
        """The answers as they come; a death is seen at once, whoever it is that dies."""
        waiting = list(asked)
        while waiting:
            for child in _heard(waiting):
                waiting.remove(child)
                answer = _receive(child, command)
                if answer.error:
                    for other in _heard(waiting, BLAME_SECONDS):
                        _receive(other, command)
                    raise EngineError(answer.error)
                yield child, answer

    def close(self, *, at_once: bool = False) -> None:
        """See `Crew.close`."""
        for child in self._children:
            child.end(at_once=at_once)
        self._children = []
        self._folder.cleanup()


def _heard(children: list[Child], seconds: float | None = None) -> list[Child]:
    """Those that have answered or died."""
    ready = wait([child.connection for child in children], seconds)
    return [child for child in children if child.connection in ready]


def _receive(child: Child, command: str) -> Answer:
    """What a process has sent.

    Raises:
        EngineError: nothing; it has died.
    """
    try:
        answer: Answer = child.connection.recv()
    except (EOFError, ConnectionResetError) as error:
        raise EngineError(child.obituary(command)) from error
    return answer
