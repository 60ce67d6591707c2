"""A recorded declaration with some of its groups declared anew: what `skinlab evaluate RUN dataset=...` means."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict
from pathlib import Path
from typing import Any

from skinlab import schema
from skinlab.config import report, wording
from skinlab.config.composition import compose
from skinlab.config.defaults import read_defaults
from skinlab.config.origin import Origins
from skinlab.config.overrides import Typed, read
from skinlab.config.places import places
from skinlab.config.validate import check
from skinlab.errors import ConfigError


def root(override: str) -> str:
    """The top-level key or group of an override.

    >>> root("dataset.path=images"), root("dataset=folder")
    ('dataset', 'dataset')
    """
    return override.lstrip("+~").partition("=")[0].partition(".")[0]


ADDED = ("bundle", "deployment", "sweep")
"""Sections that declarations of earlier versions do not have."""
ADDED_KEYS = {"dataset": {"colour_profile": "ignore"}}
"""Keys that sections of earlier versions do not have, with what was done then."""
CHANGED = {"tracking": "sinks"}
"""Sections of which earlier versions had another form, with a key that tells it."""


def completed(recorded: Mapping[str, Any]) -> dict[str, Any]:
    """A recorded declaration with the sections that its version of skinlab did not know yet, as conf/ has them."""
    old = [name for name, sign in CHANGED.items() if sign in recorded.get(name, {})]
    values = {name: deepcopy(value) for name, value in recorded.items() if name not in old}
    for name, keys in ADDED_KEYS.items():
        if isinstance(values.get(name), dict):
            values[name] = keys | values[name]
    missing = [name for name in (*ADDED, *old) if name not in values]
    if not missing:
        return values
    defaults = read_defaults()
    known = defaults.files["config"] | {
        group: defaults.files[f"{group}/{choice}"] for group, choice in defaults.chosen.items()
    }
    return {name: known[name] for name in missing} | values


def untracked(recorded: Mapping[str, Any]) -> dict[str, Any]:
    """A recorded declaration without its tracking sinks.

    Whoever works with a run, maybe somebody else's, tells nobody of it and needs no package that would.

    >>> untracked({"seed": 1, "tracking": {"wait": 60, "tensorboard": True, "mlflow": {"uri": None}}})
    {'seed': 1, 'tracking': {'wait': 60, 'tensorboard': False, 'mlflow': None}}
    """
    kept = dict(recorded)
    if isinstance(kept.get("tracking"), dict):
        off = {"tensorboard": False, "mlflow": None, "azureml": None}
        kept["tracking"] = {name: off.get(name, value) for name, value in kept["tracking"].items()}
    return kept


def redeclare(
    recorded: Mapping[str, Any], overrides: Sequence[str], allowed: Sequence[str], config_dirs: Sequence[Path] = ()
) -> schema.Config:
    """A recorded declaration, changed.

    A group that an override chooses (`dataset=folder`) starts from its file; one of which only keys are set
    (`dataset.path=PATH`) starts from what was recorded.

    Args:
        recorded: as in run.json; not changed.
        overrides: as typed.
        allowed: the groups and single keys that may be declared anew.
        config_dirs: as for `compose`.

    Raises:
        ConfigError: one line for each mistake.
    """
    values = untracked(completed(recorded))
    if other := [text for text in overrides if not _is_among(text, allowed)]:
        known = wording.alternatives_text(allowed, "and")
        raise ConfigError("\n".join(f"{text}: only {known} can be declared anew here" for text in other))
    reading = read(overrides, places(config_dirs))
    if reading.lines:
        raise ConfigError("\n".join(reading.lines))
    for group in dict.fromkeys(root(name) for name in allowed):
        of_group = [typed for typed in reading.typed if root(typed.text) == group]
        if any(not typed.path for typed in of_group):
            chosen = compose([typed.text for typed in of_group], config_dirs).config
            values[group] = asdict(getattr(chosen, group))
        else:
            _set(values, of_group)
    config, problems = check(values)
    if config is None:
        raise ConfigError("\n".join(report.lines(problems, Origins(reading.typed))))
    return config


def _is_among(override: str, allowed: Sequence[str]) -> bool:
    key = override.lstrip("+~").partition("=")[0]
    return any(key == name or key.startswith(f"{name}.") for name in allowed)


def _set(values: dict[str, Any], settings: Sequence[Typed]) -> None:
    for setting in settings:
        if setting.deletes:
            raise ConfigError(f"{setting.text}: every key is needed; set another value in place of removing it")
        holder = values
        for name in setting.path[:-1]:
            if not isinstance(holder.get(name), dict):
                holder[name] = {}
            holder = holder[name]
        holder[setting.path[-1]] = setting.value
