"""What a sweep was told to do: checked when it starts, compared when it goes on."""

import json
import os
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from skinlab import schema
from skinlab.config import Composed, check_sweep, compose, to_dict
from skinlab.config.differences import differing, flattened
from skinlab.config.outside import has_resolver, taken_up
from skinlab.config.sweep import expand, with_space
from skinlab.errors import ConfigError
from skinlab.sweeps.space import Choices, Dimension, Space, read_space

MANNERS = ("sweep.trials", "sweep.parallel", "sweep.on_failure", "hydra/launcher", "hydra.launcher")
"""What may be declared anew when a sweep goes on: how it is run, and how long; never what a trial is. Whatever
is Hydra's may be typed again: of the record only launchers and their sizes are taken up."""
HERE = ("basic", "joblib")
"""Launchers whose trials run on this machine."""


@dataclass(frozen=True)
class Declaration:
    """A checked sweep.

    Attributes:
        overrides: as typed.
        config_dirs: further folders with choices.
        command: what was typed, for run.json.
        space: what is swept.
        checked: the declaration with all first values, then with each further value.
    """

    overrides: tuple[str, ...]
    config_dirs: tuple[Path, ...]
    command: str
    space: Space
    checked: tuple[Composed, ...]

    @property
    def config(self) -> schema.Config:
        """With the first value of each key."""
        return self.checked[0].config

    @property
    def settings(self) -> schema.Sweep:
        """How the trials are chosen."""
        return self.config.sweep

    @property
    def objectives(self) -> list[str]:
        """The metrics that are made better."""
        return self.settings.objectives or [self.config.training.monitor]

    @property
    def trials(self) -> int:
        """How many runs it makes."""
        return (self.settings.trials or self.space.points) * len(self.space.repetitions)

    def record(self) -> dict[str, Any]:
        """For sweep.json: all that another process needs to go on."""
        base = flattened(_experiment(self.config))
        others = [flattened(_experiment(composed.config)) for composed in self.checked[1:]]
        dimensions = {**self.space.dimensions, **self.space.replicates}
        return {
            "overrides": list(self.overrides),
            "config_dirs": [str(folder.absolute()) for folder in self.config_dirs],
            "working_directory": str(Path.cwd()),
            "space": {key: _described(dimension) for key, dimension in dimensions.items()},
            "sweep": asdict(self.settings),
            "config": base,
            "variations": [{key: other.get(key) for key in differing([base, other])} for other in others],
        }


def declare(overrides: Sequence[str], config_dirs: Sequence[Path], command: str = "") -> Declaration:
    """Check a sweep.

    Args:
        overrides: as typed.
        config_dirs: further folders with choices.
        command: what was typed; empty: made from the overrides.

    Raises:
        ConfigError: one line for each mistake.
    """
    settings = compose([each[0] for each in expand(overrides, config_dirs)], config_dirs).config.sweep
    space = read_space(with_space(overrides, config_dirs), config_dirs, settings.seed)
    checked = check_sweep(overrides, config_dirs)
    _check_scaled(space, settings, checked[0].config)
    _check_grid(space, settings)
    typed = command or shlex.join(["skinlab", "train", "-m", *overrides])
    return Declaration(tuple(overrides), tuple(config_dirs), typed, space, tuple(checked))


def survey_sweep(checked: Iterable[Composed], overrides: Sequence[str]) -> None:
    """Read the source of each data set of a sweep, before there is a directory for it.

    A launcher that takes trials to other machines may find the images there alone: they are not looked for here.

    Args:
        checked: the declarations.
        overrides: as typed.

    Raises:
        SkinlabError: a data set cannot be used as declared.
    """
    launchers = [text.partition("=")[2] for text in overrides if text.startswith("hydra/launcher=")]
    if set(launchers) <= set(HERE):
        from skinlab.experiment import survey_each

        survey_each(composed.config for composed in checked)


def again(recorded: Mapping[str, Any], changes: Sequence[str]) -> Declaration:
    """The recorded declaration, composed anew: what `skinlab sweep resume` goes on with.

    Args:
        recorded: from sweep.json.
        changes: overrides of how it is run; see `MANNERS`.

    Raises:
        ConfigError: it is not what it was, key by key; or a change is of another kind.
    """
    overrides, folders = _texts(recorded, "overrides"), _texts(recorded, "config_dirs")
    if other := [text for text in changes if not (_is_manner(text) or text in overrides)]:
        allowed = ", ".join(MANNERS)
        raise ConfigError(
            "\n".join(f"{text}: the trials of a sweep stay what they are; only {allowed} can change" for text in other)
        )
    if Path(str(recorded["working_directory"])).is_dir():
        os.chdir(recorded["working_directory"])  # paths were typed there, and ./conf is there
    replaced = {text.partition("=")[0] for text in changes}
    kept, left_out = taken_up([text for text in overrides if text.partition("=")[0] not in replaced])
    if looked_up := [text for text in kept if has_resolver(text)]:
        raise ConfigError("\n".join(f"{text}: looks something up; type it again to go on" for text in looked_up))
    for text in left_out:
        sys.stderr.write(f"left out, since only you can say it to Hydra: {text}; type it again where it is needed\n")
    found = declare([*kept, *changes], [Path(folder) for folder in folders])
    _check_same(recorded, found.record())
    return found


def consequence(recorded: Mapping[str, Any]) -> str:
    """What going on with a recorded sweep does besides computing."""
    storage = recorded.get("sweep", {}).get("storage")
    launcher = recorded.get("launcher")
    parts = [
        f"reads presets of {', '.join([str(recorded.get('working_directory')), *_texts(recorded, 'config_dirs')])}",
        *([f"runs its trials by hydra/launcher={launcher}"] if launcher not in (None, "None", "basic") else []),
        *([f"replaces a study in {storage}"] if storage else []),
    ]
    return f"resuming it {', '.join(parts)}"


def _texts(recorded: Mapping[str, Any], name: str) -> list[str]:
    values = recorded.get(name)
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ConfigError(f"{name} of the recorded sweep is no list of texts: sweep.json was not written by skinlab")
    return values


def _is_manner(text: str) -> bool:
    key = text.lstrip("+").partition("=")[0]
    return key in MANNERS or key.startswith(("hydra.", "hydra/"))


def _check_same(before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse a sweep whose later trials would not be of the same experiment as its earlier ones."""
    lines = _differences("", before["config"], now["config"])
    lines += _differences("the space of ", before["space"], now["space"])
    steady = [key for key in before["sweep"] if f"sweep.{key}" not in MANNERS]
    lines += _differences("sweep.", *({key: one["sweep"].get(key) for key in steady} for one in (before, now)))
    for old, new in zip(before["variations"], now["variations"], strict=not lines):
        lines += _differences("", old, new)
    if lines:
        unique = "; ".join(dict.fromkeys(lines))
        raise ConfigError(
            f"the declaration is not what the sweep was started with: {unique}; put it back, or start a new sweep"
        )


def _differences(where: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    old, new = dict(before), json.loads(json.dumps(now))
    return [f"{where}{key} was {_said(old.get(key))} and is {_said(new.get(key))}" for key in differing([old, new])]


def _said(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _experiment(config: schema.Config) -> dict[str, Any]:
    """What a trial is: the declaration without how trials are chosen and where they go."""
    return {key: value for key, value in to_dict(config).items() if key not in ("sweep", "output_dir")}


def _described(dimension: Dimension) -> Any:
    if isinstance(dimension, Choices):
        return list(dimension.values)
    kind = "int" if dimension.whole else "float"
    return {"interval": [dimension.low, dimension.high], "log": dimension.log, "type": kind}


def _check_grid(space: Space, settings: schema.Sweep) -> None:
    if settings.sampler != "grid":
        if not space.dimensions:
            raise ConfigError(
                f"sweep.sampler={settings.sampler} has nothing to choose: sweep a key besides seeds and folds"
            )
        return
    for key, dimension in space.dimensions.items():
        if not isinstance(dimension, Choices):
            raise ConfigError(
                f"{key}: an interval is no list of values for a grid: name some, or let a sampler choose: sweep=tpe"
            )


def _check_scaled(space: Space, settings: schema.Sweep, config: schema.Config) -> None:
    flat = flattened(to_dict(config))
    for key, scaled in (settings.scaled or {}).items():
        for name in (key, scaled.by):
            if isinstance(flat.get(name), bool) or not isinstance(flat.get(name), int | float):
                raise ConfigError(f"sweep.scaled: {name} is no number")
        dimension = space.dimensions.get(key)
        if isinstance(dimension, Choices) and not all(isinstance(value, int | float) for value in dimension.values):
            raise ConfigError(f"sweep.scaled: {key} is swept over what is no number")
