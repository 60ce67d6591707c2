"""What a trial of a sweep gets of the machine: GPUs of its own, or its share of the processors.

Trials that run at the same time, in whichever processes and of whichever sweeps, never share a GPU, and together use
each processor once. How many threads a trial computes with is settled for the whole sweep before its first trial, since
another number may round differently: a lease decides where and when a trial computes, never what comes out.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, cast

from skinlab import engines, processors, schema, slots
from skinlab.errors import ConfigError


@dataclass(frozen=True)
class Lease:
    """What a trial has to itself.

    Attributes:
        engine: the declaration, with the device that was leased.
        processors: numbers of the processors that everything of the trial runs on.
        gpus: identities of the GPUs, as the driver tells them; none for a trial on the CPU.
        waited: seconds until they were free.
    """

    engine: schema.Engine
    processors: tuple[int, ...]
    gpus: tuple[str, ...]
    waited: float

    def as_json(self) -> dict[str, Any]:
        """For run.json."""
        return {"processors": list(self.processors), "gpus": list(self.gpus), "waited_s": round(self.waited, 3)}


@contextmanager
def leased(engine: schema.Engine, given_up: Callable[[], object] = lambda: False) -> Iterator[Lease]:
    """Wait for what the declared engine needs, and keep it until the block ends.

    Within it this process, its threads and what they start run on the leased processors only. Where `engine.threads` is
    more than this process may use, all of them are leased.

    Args:
        engine: the declaration.
        given_up: asked while waiting; true where there is no need to wait any more.

    Raises:
        slots.GivenUpError: `given_up` was true.
        OutputError: skinlab's home cannot be written.
    """
    clock, everywhere = time.monotonic(), processors.usable()
    numbers = [str(number) for number in sorted(everywhere)]
    share = min(engine.threads or len(numbers), len(numbers))
    wanted = engines.gpus(engine)
    together = engine.devices if isinstance(engine, schema.TorchEngine) else 1
    with (
        slots.leased("gpu", list(wanted), min(together, len(wanted)), adjacent=True, given_up=given_up) as gpus,
        slots.leased("processor", numbers, share, given_up=given_up) as chosen,
    ):
        own = tuple(int(number) for number in chosen)
        device = f"gpu:{wanted[gpus[0]]}" if gpus else engine.device
        processors.confine(own)
        try:
            placed = replace(engine, device=cast("Any", device))
            yield Lease(placed, own, gpus, time.monotonic() - clock)
        finally:
            processors.confine(everywhere)


def threads_of_each(launcher: Mapping[str, Any], cores: int) -> int:
    """How many threads each trial of a sweep computes with, where `engine.threads` does not say.

    The same for every trial, whether the others run beside it or not.

    Args:
        launcher: Hydra's `hydra.launcher`.
        cores: processors that this process may use; trials of a cluster's launcher run on others.

    Raises:
        ConfigError: the launcher is not known.

    >>> joblib = {"_target_": "hydra_plugins.hydra_joblib_launcher.joblib_launcher.JoblibLauncher", "n_jobs": 4}
    >>> threads_of_each(joblib, 16)
    4
    """
    name = str(launcher.get("_target_", "")).rpartition(".")[2]
    if name == "BasicLauncher":
        return cores
    if name == "JoblibLauncher":
        jobs = int(launcher["n_jobs"])
        return max(1, cores // (jobs if jobs > 0 else max(1, cores + 1 + jobs)))
    if name in ("SlurmLauncher", "LocalLauncher"):
        return int(launcher["cpus_per_task"] or 1)
    if name in ("RayLauncher", "RayAWSLauncher"):
        return max(1, int(launcher["ray"]["remote"].get("num_cpus") or 1))
    raise ConfigError(
        f"how many trials {name} runs at a time is not known: set engine.threads, the CPU threads of each"
    )
