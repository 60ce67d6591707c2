"""How the engine reaches its replicas: in this process, in processes that it starts, or in those of torchrun."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from skinlab.engines.torch.replica import Replica
from skinlab.errors import EngineError

FAILURES = (RuntimeError, ValueError)
"""What PyTorch raises where memory, a shape or a device is not as it must be."""


class Crew(Protocol):
    """The replicas of an engine."""

    @property
    def size(self) -> int:
        """How many there are."""

    def ask(self, command: str, arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Let the first replicas, one for each tuple, carry out a command with these arguments; give the answers.

        Raises:
            EngineError: one failed or died; the crew is of no more use.
        """

    def close(self, *, at_once: bool = False) -> None:
        """Send them away; safe to call twice.

        Args:
            at_once: in the middle of whatever they do.
        """


@dataclass(frozen=True)
class Answer:
    """What a replica in another process sends back.

    Attributes:
        value: what the command returned.
        error: the one line for its failure; empty where it succeeded.
    """

    value: Any = None
    error: str = ""


def carry_out(replica: Replica, command: str, arguments: tuple[Any, ...]) -> Answer:
    """Carry out a command for another process, which is told of every failure."""
    try:
        return Answer(getattr(replica, command)(*arguments))
    except Exception as error:  # noqa: BLE001 - the other process knows what to do with it
        return Answer(error=failure(command, error))


class Alone:
    """One replica, in this process."""

    size = 1

    def __init__(self, replica: Replica) -> None:
        self._replica: Replica | None = replica

    def ask(self, command: str, arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
        """See `Crew.ask`."""
        try:
            return [getattr(self._replica, command)(*arguments[0])]
        except FAILURES as error:
            raise EngineError(failure(command, error)) from error

    def close(self, *, at_once: bool = False) -> None:
        """See `Crew.close`."""
        self._replica = None


def failure(command: str, error: Exception) -> str:
    r"""The one line for what PyTorch raised.

    >>> failure("load", RuntimeError("size mismatch\nfor fc.weight"))
    'PyTorch failed in load: RuntimeError: size mismatch'
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or ["no message"]
    hint = ""
    if "out of memory" in lines[0].lower() or "can't allocate memory" in lines[0].lower():
        hint = ": lower optimizer.minibatch_size or network.image_size"
    return f"PyTorch failed in {command}: {type(error).__name__}: {lines[0]}{hint}"
