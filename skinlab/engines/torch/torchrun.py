"""Replicas in the processes that torchrun starts, on one host or several.

The process of rank 0 runs the experiment: data, loop, files. The others only lend their device: they run `serve`, and
get their shards and commands from rank 0 through torch.distributed. Where one of them dies, torchrun ends them all.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, cast

from torch import distributed

from skinlab import schema
from skinlab.engines.torch import hardware
from skinlab.engines.torch.crew import FAILURES, failure
from skinlab.engines.torch.launch import Launched, launched
from skinlab.engines.torch.replica import Place, Replica
from skinlab.errors import EngineError

PATIENCE = timedelta(days=1)
"""Rank 0 may be busy with data or with validation for long; a death is noticed at once all the same."""
IDLE, CLOSE = ("", ()), ("close", ())


class Torchrun:
    """See `skinlab.engines.torch.crew.Crew`; used in rank 0."""

    def __init__(self, engine: schema.TorchEngine, place: Launched) -> None:
        self.size = place.world
        _join()
        _scatter([engine] * place.world)
        self._replica: Replica | None = _replica(engine, place)

    def ask(self, command: str, arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
        """See `Crew.ask`."""
        messages = [(command, given) for given in arguments]
        try:
            _scatter([*messages, *[IDLE] * (self.size - len(messages))])
            answer = getattr(self._replica, command)(*arguments[0])
            return cast("list[Any]", _gather(answer, self.size))[: len(messages)]
        except FAILURES as error:
            raise EngineError(failure(command, error)) from error

    def close(self, *, at_once: bool = False) -> None:
        """See `Crew.close`. At once: the others are left to torchrun, which ends them when this process fails."""
        if self._replica is None:
            return
        self._replica = None
        if not at_once:
            _scatter([CLOSE] * self.size)
            distributed.destroy_process_group()


def serve() -> int:
    """Lend this process's device to rank 0 until it is done.

    Returns:
        the exit status.
    """
    place = launched()
    assert place is not None  # noqa: S101 - is_helper was asked
    _join()
    replica = _replica(_scatter(), place)
    while (message := _scatter()) != CLOSE:
        command, given = message
        _gather(getattr(replica, command)(*given) if message != IDLE else None)
    distributed.destroy_process_group()
    return 0


def _join() -> None:
    """Meet the other processes, where torchrun's variables say; CPU tensors go by gloo, those on GPUs by NCCL."""
    distributed.init_process_group(timeout=PATIENCE)


def _replica(engine: schema.TorchEngine, place: Launched) -> Replica:
    return Replica(engine, hardware.choose(engine, place.local_world), Place(place.rank, place.world))


def _scatter(messages: Sequence[Any] | None = None) -> Any:
    """Give each process its message (in rank 0), or get one's own."""
    received: list[Any] = [None]
    distributed.scatter_object_list(received, None if messages is None else list(messages))
    return received[0]


def _gather(answer: Any, size: int | None = None) -> list[Any] | None:
    """Collect the answers of all processes (in rank 0), or give one's own."""
    answers = None if size is None else [None] * size
    distributed.gather_object(answer, answers)
    return answers
