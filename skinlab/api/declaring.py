"""Experiments declared from Python: overrides in, a typed declaration out that remembers how it was declared."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from os import PathLike
from pathlib import Path
from typing import Any

from skinlab import schema
from skinlab.api import display
from skinlab.api.overrides import changed, override
from skinlab.config import compose as compose_overrides
from skinlab.config import to_dict


@dataclass(frozen=True, kw_only=True)
class Experiment(schema.Config):
    """A declared experiment: every key of `skinlab train --help` as an attribute, e.g. `optimizer.learning_rate`.

    Attributes:
        overrides: what was declared, as it is typed after `skinlab train`.
        config_dirs: folders with further choices of the config groups.
    """

    overrides: tuple[str, ...] = field(repr=False, compare=False)
    config_dirs: tuple[Path, ...] = field(repr=False, compare=False)

    @property
    def command(self) -> str:
        """The command that declares and trains the same."""
        return self.command_line("train")

    def command_line(self, verb: str, *options: str) -> str:
        """The command that does something with this declaration."""
        folders = [word for folder in self.config_dirs for word in ("--config-dir", str(folder))]
        return shlex.join(["skinlab", verb, *options, *folders, *self.overrides])

    def with_(self, *overrides: str, **keys: Any) -> "Experiment":
        """The same experiment with something declared differently; a group chosen anew starts from its file.

        Args:
            overrides: as typed on the command line.
            keys: as for `compose`.

        Raises:
            ConfigError: one line for each mistake.
        """
        more = [*overrides, *(override(name, value) for name, value in keys.items())]
        return _composed(changed(self.overrides, more), self.config_dirs)

    def to_dict(self) -> dict[str, Any]:
        """All values as nested dicts and lists, as run.json keeps them."""
        return to_dict(plain(self))

    def _repr_html_(self) -> str:
        return display.declaration(self.to_dict(), self.command)


def compose(*overrides: str, config_dirs: Sequence[str | PathLike[str]] = (), **keys: Any) -> Experiment:
    """Declare an experiment, checked as `skinlab check --declaration-only` does; nothing is read or started.

    Args:
        overrides: as typed on the command line, e.g. `"dataset=folder"`, `"optimizer.learning_rate=0.01"`.
        config_dirs: folders with further choices of the config groups; `./conf` is searched too.
        keys: the same by name, with values of Python: `seed=3`, `network="resnet34"`, `experiment="debug"`, and
            `**{"dataset.path": path}` for dotted ones.

    Raises:
        ConfigError: one line for each mistake.

    >>> compose("optimizer.learning_rate=0.01", experiment="debug", seed=3).optimizer.learning_rate
    0.01
    """
    words = [*overrides, *(override(name, value) for name, value in keys.items())]
    return _composed(words, [Path(folder) for folder in config_dirs])


def _composed(words: Sequence[str], config_dirs: Sequence[Path]) -> Experiment:
    config = compose_overrides(words, config_dirs).config
    values = {item.name: getattr(config, item.name) for item in fields(schema.Config)}
    return Experiment(**values, overrides=tuple(words), config_dirs=tuple(config_dirs))


def plain(experiment: Experiment) -> schema.Config:
    """What is declared, without how."""
    return schema.Config(**{item.name: getattr(experiment, item.name) for item in fields(schema.Config)})
