"""The idle worker that waits for the next trial of this process, so that a sweep starts CNTK once and not per trial.

A worker is kept where `keep` was called, which the trials of a sweep do; it forgets everything of a training before it
is given to the next one, and dies with this process. Several workers that share minibatches are not kept.
"""

import atexit
import os
from dataclasses import dataclass

from skinlab import paths, processors, schema
from skinlab.children import clean_environment
from skinlab.engines.cntk.runtime import Runtime
from skinlab.engines.cntk.worker_process import WorkerProcess
from skinlab.errors import EngineError

LARGEST = 2**30
"""Bytes of memory from which an idle worker is ended instead of kept; a fresh one has 0.1 GiB."""

Key = tuple[object, ...]


@dataclass(frozen=True)
class Idle:
    """A worker that nobody uses, and the runtime that it is of."""

    key: Key
    runtime: Runtime
    worker: WorkerProcess


class _Keeper:
    """At most one idle worker."""

    def __init__(self) -> None:
        self.keeps = False
        self.idle: Idle | None = None

    def end(self) -> None:
        """End the idle worker, if it is this process's own: a fork has its parent's."""
        idle, self.idle = self.idle, None
        if idle is not None and idle.key[0] == os.getpid():
            idle.worker.stop()


_keeper = _Keeper()


def keep() -> None:
    """From now on, keep the worker of a training that ended well for the next one of this process."""
    if not _keeper.keeps:
        _keeper.keeps = True
        atexit.register(_keeper.end)


def key(engine: schema.CntkEngine) -> Key:
    """What must be equal for a worker to serve again: this process, its environment, and all that a start settles."""
    threads = engine.threads or len(processors.usable())
    return (os.getpid(), paths.runtimes(), threads, engine.mkl_cpu_type, tuple(sorted(clean_environment().items())))


def take(engine: schema.CntkEngine) -> Idle | None:
    """The idle worker, if it fits the declaration and still lives; it computes where this process may, from now on."""
    idle = _keeper.idle
    if idle is None or idle.key != key(engine) or engine.workers > 1 or _memory(idle) is None:
        _keeper.end()
        return None
    _keeper.idle = None
    processors.confine(processors.usable(), idle.worker.pids[0])
    return idle


def give(idle: Idle) -> bool:
    """Keep a worker for the next training; False where it is not wanted, and the giver has to end it."""
    memory = _memory(idle) if _keeper.keeps else None
    if memory is None or memory > LARGEST:
        return False
    idle.worker.forget_words()
    _keeper.end()
    _keeper.idle = idle
    return True


def _memory(idle: Idle) -> int | None:
    """Bytes that a worker uses when it has forgotten all; None where it does not answer any more."""
    try:
        used: int = idle.worker.ask("reset")["memory"]
    except EngineError:
        return None
    return used
