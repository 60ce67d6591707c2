"""What is swept, in Hydra's own syntax: values, ranges and intervals by key. Chooses nothing."""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

from skinlab.config.overrides import parse_one
from skinlab.config.sweep import expand
from skinlab.errors import ConfigError

REPLICATES = ("seed", "split.seed", "split.fold")
"""Keys whose values are repetitions of one point of the search, never points of their own."""


@dataclass(frozen=True)
class Choices:
    """Some values.

    Attributes:
        values: as a run has them.
        texts: as they are typed after `key=`.
        step: of numbers at equal distances, as `range` gives them; None: the values have no order.
    """

    values: tuple[Any, ...]
    texts: tuple[str, ...]
    step: float | None = None

    def text(self, value: Any) -> str:
        """What is typed for a value."""
        return self.texts[self.values.index(value)]


@dataclass(frozen=True)
class Interval:
    """All numbers from `low` to `high`; whole ones only where `whole`; `log`: by their magnitude."""

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def text(self, value: float) -> str:
        """What is typed for a value."""
        return repr(value)


Dimension = Choices | Interval


@dataclass(frozen=True)
class Space:
    """What is swept.

    Attributes:
        words: the declaration in the order typed: `(key, text)` of what is the same in all trials, `(key, None)` of
            what is swept.
        dimensions: of the search, by key.
        replicates: keys that repeat each point, with their values.
    """

    words: tuple[tuple[str, str | None], ...]
    dimensions: dict[str, Dimension]
    replicates: dict[str, Choices]

    @property
    def repetitions(self) -> list[dict[str, Any]]:
        """Each combination of the seeds and folds; one empty one where none is swept."""
        values = [choices.values for choices in self.replicates.values()]
        return [dict(zip(self.replicates, one, strict=True)) for one in product(*values)]

    @property
    def points(self) -> int:
        """How many combinations a grid has, without seeds and folds."""
        return prod(len(choices.values) for choices in self.dimensions.values() if isinstance(choices, Choices))

    def overrides(self, values: Mapping[str, Any]) -> list[str]:
        """What declares a trial with these values of the swept keys."""
        swept: dict[str, Dimension] = {**self.dimensions, **self.replicates}
        return [text if text is not None else f"{key}={_text(swept[key], values[key])}" for key, text in self.words]


def _text(dimension: Dimension, value: Any) -> str:
    """A value that `sweep.scaled` changed is none of the choices: a number then."""
    if isinstance(dimension, Choices) and value not in dimension.values:
        return repr(value)
    return dimension.text(value)


def read_space(overrides: Sequence[str], config_dirs: Sequence[Path], seed: int) -> Space:
    """Read what is swept.

    Args:
        overrides: as typed, each of which can be composed.
        config_dirs: where `glob` looks for choices.
        seed: of `shuffle`.

    Raises:
        ConfigError: a key that cannot be swept, or a seed or fold without values.
    """
    words: dict[str, str | None] = {}
    dimensions: dict[str, Dimension] = {}
    for text in overrides:
        override = parse_one(text)
        if isinstance(override, str):
            raise ConfigError(override)
        key = override.get_key_element().lstrip("+")  # all keys are there: + means nothing
        words[key] = text
        if override.is_sweep_override():
            _check_key(key, text)
            words[key], dimensions[key] = None, _dimension(text, config_dirs, seed)
        else:
            dimensions.pop(key, None)
    replicates = {key: _replicate(key, dimensions.pop(key)) for key in REPLICATES if key in dimensions}
    return Space(tuple(words.items()), dimensions, {key: replicates[key] for key in words if key in replicates})


def _check_key(key: str, text: str) -> None:
    if re.split("[./]", key)[0] in ("hydra", "sweep", "output_dir"):
        raise ConfigError(f"{text}: {key} is the same for the whole sweep: give it one value")


def _dimension(text: str, config_dirs: Sequence[Path], seed: int) -> Dimension:
    from hydra.core.override_parser.types import ChoiceSweep, IntervalSweep, RangeSweep

    override = parse_one(text)
    assert not isinstance(override, str)  # noqa: S101 - the caller has read it
    value = override.value()
    if isinstance(value, IntervalSweep):
        return _interval(value.start, value.end, value.tags, text)
    shuffled = isinstance(value, ChoiceSweep | RangeSweep) and value.shuffle
    values = [each.partition("=")[2] for each in expand([text], config_dirs)[0]]
    if shuffled:
        values.sort()  # as Hydra gives them is another order each time
        random.Random(seed).shuffle(values)  # noqa: S311 - an order, not a secret
    step = float(value.step) if isinstance(value, RangeSweep) and not shuffled else None
    return Choices(tuple(_value(each) for each in values), tuple(values), step)


def _value(text: str) -> Any:
    """The value of one that is typed, quotes removed."""
    parsed = parse_one(f"key={text}")
    if isinstance(parsed, str):
        raise ConfigError(parsed)
    return parsed.value()


def _interval(start: Any, end: Any, tags: set[str], text: str) -> Interval:
    log, whole = "log" in tags, isinstance(start, int) and isinstance(end, int)
    if unknown := sorted(tags - {"log"}):
        raise ConfigError(f"{text}: no tag '{unknown[0]}'; there is log")
    if not start < end or (log and start <= 0):
        raise ConfigError(f"{text}: an interval goes from a smaller to a larger number{', above 0' if log else ''}")
    return Interval(start, end, log, whole)


def _replicate(key: str, dimension: Dimension) -> Choices:
    if isinstance(dimension, Interval):
        raise ConfigError(f"{key}: seeds and folds repeat each point: name them, e.g. {key}=range(5)")
    return dimension
