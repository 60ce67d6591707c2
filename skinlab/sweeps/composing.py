"""What a sweep changes in Hydra's own part of a trial: it is composed in little time, and leaves no memory behind.

Trials that differ in plain values alone are composed from one another: each process reads the files of conf/ for the
first of them, and not again while the sweep runs.
"""

import re
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from hydra.experimental.callback import Callback

from skinlab.config.overrides import parse_one
from skinlab.config.sweep import plain_changes

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override
    from hydra.core.utils import JobReturn
    from hydra.types import HydraContext
    from omegaconf import DictConfig

OWN = frozenset({"hydra.sweep.subdir"})
"""Keys of Hydra's that the sweeper itself sets for each trial."""


def context_of_trials(context: "HydraContext") -> "HydraContext":
    """What a launcher is to compose trials with, in place of what Hydra gave; it may be pickled."""
    from hydra.types import HydraContext

    context.callbacks.callbacks.insert(0, Forget())  # its end of a job comes last
    loader: Any = Composer(context.config_loader)
    return HydraContext(config_loader=loader, callbacks=context.callbacks)


class Forget(Callback):
    """Takes the declarations off what a job gives back: a launcher holds all of it until its last job has ended."""

    def on_job_end(self, config: "DictConfig", job_return: "JobReturn", **_: Any) -> None:
        """See `Callback`."""
        job_return.cfg = job_return.hydra_cfg = None


@dataclass(frozen=True)
class _Base:
    """A trial that Hydra composed.

    Attributes:
        sweeper: which process asked for it.
        overrides: of the trial.
        composed: what they came to; nobody else has this object.
    """

    sweeper: str
    overrides: list[str]
    composed: "DictConfig"


_bases: list[_Base] = []
"""Of this process; at most one."""


class Composer:
    """Hydra's loader of configurations for the trials of one sweeper.

    Args:
        loader: Hydra's own.
    """

    def __init__(self, loader: Any) -> None:
        self._loader = loader
        self._sweeper = uuid4().hex

    def load_sweep_config(self, master_config: "DictConfig", sweep_overrides: list[str]) -> "DictConfig":
        """As Hydra's: the declaration of a trial, with Hydra's node."""
        for base in _bases:
            changes = plain_changes(base.overrides, sweep_overrides, OWN) if base.sweeper == self._sweeper else None
            if changes is not None:
                return _changed(deepcopy(base.composed), changes, master_config, sweep_overrides)
        composed: DictConfig = self._loader.load_sweep_config(master_config, sweep_overrides)
        _bases[:] = [_Base(self._sweeper, list(sweep_overrides), deepcopy(composed))]
        return composed


def _changed(
    config: "DictConfig", changes: "Sequence[Override]", master: "DictConfig", overrides: Sequence[str]
) -> "DictConfig":
    """The declaration of another trial with these values in place of its own, and what Hydra tells of overrides."""
    from omegaconf import OmegaConf

    for change in changes:
        OmegaConf.update(config, change.key_or_group, change.value(), merge=True)
    parsed = [_parsed(text) for text in overrides]
    node = config.hydra
    of_task = [one for one in parsed if not one.is_hydra_override()]
    node.overrides.task = [one.input_line for one in of_task]
    of_hydra = [one for one in parsed if one.is_hydra_override()]
    node.overrides.hydra = [*master.hydra.overrides.hydra, *(one.input_line for one in of_hydra)]
    naming = node.job.config.override_dirname
    named = sorted(str(one.input_line) for one in of_task if one.key_or_group not in naming.exclude_keys)
    node.job.override_dirname = re.sub("=", naming.kv_sep, naming.item_sep.join(named))
    OmegaConf.copy_cache(from_config=master, to_config=config)
    return config


@lru_cache(maxsize=1024)
def _parsed(text: str) -> "Override":
    parsed = parse_one(text)
    assert not isinstance(parsed, str)  # noqa: S101 - Hydra has composed with it, or `plain_changes` has read it
    return parsed
