"""Whether torchrun started this process, as its variables say. Imports no torch: each command asks."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from skinlab import schema
from skinlab.errors import ConfigError


@dataclass(frozen=True)
class Launched:
    """What torchrun says of this process.

    Attributes:
        rank: its number among all.
        world: how many processes there are on all hosts.
        local_world: how many there are on this host.
    """

    rank: int
    world: int
    local_world: int


def launched(environment: Mapping[str, str] = os.environ) -> Launched | None:
    """This process's place where torchrun started several; None where it did not.

    >>> launched({"TORCHELASTIC_RUN_ID": "none", "RANK": "1", "WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "2"})
    Launched(rank=1, world=4, local_world=2)
    >>> launched({"RANK": "1", "WORLD_SIZE": "4"})
    """
    if "TORCHELASTIC_RUN_ID" not in environment or environment["WORLD_SIZE"] == "1":
        return None
    rank, world, local = (int(environment[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE"))
    return Launched(rank, world, local)


def is_helper() -> bool:
    """Whether this process only lends its device to rank 0."""
    place = launched()
    return place is not None and place.rank > 0


def help_rank_zero() -> int:
    """Lend this process's device to rank 0 until it is done; the exit status."""
    from skinlab.engines.torch import torchrun

    return torchrun.serve()


def check(engine: schema.Engine, *, sweep: bool = False) -> None:
    """Refuse what torchrun's processes cannot do together.

    Raises:
        ConfigError: another engine, processes within processes, or a sweep.
    """
    if launched() is None:
        return
    if not isinstance(engine, schema.TorchEngine):
        raise ConfigError(f"engine={engine.name}: torchrun starts processes of engine=torch only")
    if engine.devices > 1:
        raise ConfigError(
            f"engine.devices={engine.devices}: torchrun's --nproc-per-node says how many processes there are; "
            "leave engine.devices at 1"
        )
    if sweep:
        raise ConfigError("a sweep (-m) cannot run under torchrun: start each run by itself")
