"""Overrides with several values (`-m`): every value is checked before the first run starts."""

import re
from collections.abc import Sequence
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from skinlab.config import tree
from skinlab.config.composition import Composed, compose
from skinlab.config.overrides import parse_one
from skinlab.config.places import choices, places
from skinlab.config.plain import to_plain
from skinlab.config.validate import check
from skinlab.errors import ConfigError

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override


def check_sweep(overrides: Sequence[str], config_dirs: Sequence[Path] = ()) -> list[Composed]:
    """Check every value of every override, with the other overrides at their first value.

    Args:
        overrides: as typed; `a=1,2`, `range(1,4)`, `choice(x,y)`, `glob(*)` and `interval(0,1)` are sweeps, and what
            `sweep.space` declares is one too. Of an interval its ends are checked.
        config_dirs: as for `compose`.

    Returns:
        The checked declarations: all first values, then one per further value.

    Raises:
        ConfigError: one line for each mistake, with the value.
    """
    values = expand(with_space(overrides, config_dirs), config_dirs)
    first = [each[0] for each in values]
    variations = [first, *([*first[:i], value, *first[i + 1 :]] for i, each in enumerate(values) for value in each[1:])]
    composed: list[Composed] = []
    lines: list[str] = []
    for variation in variations:
        try:
            quick = _varied(composed[0], first, variation) if composed else None
            composed.append(quick or compose(variation, config_dirs))
        except ConfigError as error:
            lines += str(error).splitlines()
    if lines:
        raise ConfigError("\n".join(dict.fromkeys(lines)))
    return composed


def _varied(base: Composed, first: Sequence[str], variation: Sequence[str]) -> Composed | None:
    """The base with the one plain key that differs, a hundred times as fast as composing.

    None where that is not certain to be the same: a choice from a group, a key that several overrides touch, or a
    value that is wrong, which `compose` finds words for.
    """
    from omegaconf import OmegaConf

    changes = plain_changes(first, variation)
    if not changes:
        return None
    (override,) = changes
    raw = deepcopy(base.raw)
    OmegaConf.update(raw, override.key_or_group, override.value(), merge=False)
    config, problems = check(to_plain(raw))
    return None if problems or config is None else Composed(config, raw)


def plain_changes(
    before: Sequence[str], after: Sequence[str], also: frozenset[str] = frozenset()
) -> "list[Override] | None":
    """The overrides that differ, where all of them give another value to a plain key that no other override touches.

    Then what they come to is what the others come to, with these values in it.

    Args:
        before: overrides, one value each.
        after: as many, key by key.
        also: keys to be taken as plain.

    Returns:
        the new ones; None where that is not certain, e.g. where a choice from a group differs.

    >>> [change.value() for change in plain_changes(["network=resnet18", "seed=1"], ["network=resnet18", "seed=2"])]
    [2]
    >>> plain_changes(["network=resnet18", "seed=1"], ["network=alexnet", "seed=1"]) is None
    True
    """
    if len(before) != len(after):
        return None
    changes = []
    for old, new in zip(before, after, strict=True):
        if old == new:
            continue
        override, key = parse_one(new), new.partition("=")[0]
        if key not in _plain_keys() | also or old.partition("=")[0] != key or _touched(key, after) > 1:
            return None
        if isinstance(override, str) or not all(_is_plain(one) for one in (override, parse_one(old))):
            return None
        changes.append(override)
    return changes


def _is_plain(override: "Override | str") -> bool:
    """Whether it sets one value; a mapping is not set but merged with what is there."""
    return not (isinstance(override, str) or override.is_sweep_override() or isinstance(override.value(), dict))


def _touched(key: str, overrides: Sequence[str]) -> int:
    """How many overrides set a key, something in it, or all of a section that holds it."""
    names = [(text.lstrip("+~").partition("=")[0], "={" in text) for text in overrides]
    return sum(f"{name}.".startswith(f"{key}.") or (whole and key.startswith(f"{name}.")) for name, whole in names)


@cache
def _plain_keys() -> frozenset[str]:
    """Keys that hold a value, no section."""
    return frozenset(key.dotted for key in tree.all_keys() if not tree.sections(key.kind) and "[]" not in key.path)


def with_space(overrides: Sequence[str], config_dirs: Sequence[Path] = ()) -> list[str]:
    """The overrides, and one for each key of `sweep.space` that they do not set themselves.

    >>> with_space(["sweep=reference", "network.dropout=0.5"])[2:]
    ['optimizer.learning_rate=0.003,0.01,0.03', 'optimizer.minibatch_size=16,32,64']

    Raises:
        ConfigError: one line for each mistake.
    """
    first = [each[0] for each in expand(overrides, config_dirs)]
    if not any(re.match(r"\+*(sweep|experiment)\b", text) for text in overrides):
        return list(overrides)  # there is no space by default
    space = compose(first, config_dirs).config.sweep.space or {}
    typed = {text.lstrip("+~").partition("=")[0] for text in overrides}
    return [*overrides, *(f"{key}={values}" for key, values in space.items() if key not in typed)]


def expand(overrides: Sequence[str], config_dirs: Sequence[Path] = ()) -> list[list[str]]:
    """Each override as the list of single-valued overrides that it stands for.

    >>> expand(["seed=range(1,4)", "name=a"])
    [['seed=1', 'seed=2', 'seed=3'], ['name=a']]

    Raises:
        ConfigError: a sweep over nothing.
    """
    return [_expand_one(text, config_dirs) for text in overrides]


def _expand_one(text: str, config_dirs: Sequence[Path]) -> list[str]:
    override = parse_one(text)
    if isinstance(override, str) or not override.is_sweep_override():
        return [text]  # what is wrong with it, `compose` says
    values = [f"{override.get_key_element()}={value}" for value in _values(override, config_dirs)]
    if not values:
        raise ConfigError(f"{text}: a sweep over no value at all")
    return values


def _values(override: "Override", config_dirs: Sequence[Path]) -> list[str]:
    from hydra.core.override_parser.types import Glob, IntervalSweep

    value = override.value()
    if isinstance(value, Glob):
        return value.filter(choices(override.key_or_group, places(config_dirs)))
    if isinstance(value, IntervalSweep):
        return [str(value.start), str(value.end)]
    return list(override.sweep_string_iterator())
