"""What a person types to choose among runs, `auc>0.8`, and the keys that are named in it."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from operator import ge, gt, le, lt
from typing import Any, get_args

from skinlab.config import tree
from skinlab.config.suggest import did_you_mean, then_list
from skinlab.data.wording import listed
from skinlab.errors import ConfigError
from skinlab.run import Status
from skinlab.runs.facts import DAMAGED, RUN_KEYS, SUBSETS, Facts

TAG = "tag"
DEFAULT_SUBSET = "validation"
"""Of a metric that is named without a subset: choosing by the test subset spoils it."""
STATUSES = (*get_args(Status), DAMAGED)
LOWER_IS_BETTER = frozenset({"brier", "log_loss", "ece"})
_FILTER = re.compile(r"([\w.]+)(!=|<=|>=|=|<|>)(.*)", re.DOTALL)
_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge}


@dataclass(frozen=True)
class Filter:
    """One condition.

    Attributes:
        key: as `Keys.resolve` gives it.
        operator: = != < <= > >=.
        value: as typed; of = and != several with commas between, each may have * and ?.
    """

    key: str
    operator: str
    value: str

    def keeps(self, facts: Facts) -> bool:
        """Whether a run meets it. One that does not have the key meets `!=` alone."""
        if self.operator in _ORDER:
            return _compare(value_of(facts, self.key), self.operator, self.value, self.key)
        words = self.value.split(",")
        equal = any(_is(value, word) for value in _values(facts, self.key) for word in words)
        return equal == (self.operator == "=")


class Keys:
    """The keys that runs have, by all the names that a person may use for them."""

    def __init__(self, runs: Iterable[Facts]) -> None:
        """Gather the keys of these runs, and those of the schema for where there is no run."""
        runs = list(runs)
        declared = dict.fromkeys(tree.dotted_names())
        self._known = dict.fromkeys([TAG, *RUN_KEYS, *declared, *(key for facts in runs for key in facts.values)])
        self._groups = {group for facts in runs for group in facts.choices}
        self._sections = {above for key in self._known for above in _above(key)}

    def resolve(self, name: str) -> str:
        """The key that is meant.

        Args:
            name: a key; a group (`network`); a metric, by itself that of validation (`auc`, `test.auc`); or the last
                part of one dotted key (`learning_rate`).

        Raises:
            ConfigError: there is none, or it is not clear which.
        """
        for key in (name, f"{name}.name", f"{DEFAULT_SUBSET}.{name}"):
            if key in RUN_KEYS or (key in self._known and key not in self._sections):
                return key
        if name in self._groups:
            return f"{name}.name"
        ends = [key for key in self._known if key.rpartition(".")[2] == name and key not in self._sections]
        if len(ends) == 1:
            return ends[0]
        if ends:
            raise ConfigError(f"{name}: which of {listed(ends)}?")
        last = {key.rpartition(".")[2]: None for key in self._known}
        raise ConfigError(f"{name}: no run has this key{did_you_mean(name, [*self._known, *last])}")


def _above(key: str) -> list[str]:
    """The sections that a key is in: `training`, `training.schedule` of training.schedule.name."""
    parts = key.split(".")
    return [".".join(parts[:depth]) for depth in range(1, len(parts))]


def read(text: str, keys: Keys) -> Filter:
    """A condition as typed.

    >>> read("optimizer.learning_rate<=0.01", Keys([]))
    Filter(key='optimizer.learning_rate', operator='<=', value='0.01')

    Raises:
        ConfigError: it is none, or of a key that there is not.
    """
    parts = _FILTER.fullmatch(text)
    if parts is None:
        raise ConfigError(f"{text}: neither a command nor a filter; a filter is e.g. status=failed or 'auc>0.8'")
    condition = Filter(keys.resolve(parts[1]), parts[2], parts[3])
    _check_status(condition)
    return condition


def _check_status(condition: Filter) -> None:
    """Refuse a status that no run can have: it would seem that there is no such run."""
    if condition.key != "status" or condition.operator in _ORDER:
        return
    for word in condition.value.split(","):
        if not any(fnmatchcase(status, word) for status in STATUSES):
            suggestion = then_list(did_you_mean(word, STATUSES), "There are", STATUSES)
            raise ConfigError(f"status{condition.operator}{condition.value}: no status '{word}'{suggestion}")


def value_of(facts: Facts, key: str) -> Any:
    """What a run has for a key; of a group, the chosen file where it is known."""
    if key == TAG:
        return facts.tags
    if key == "status":
        return facts.status
    group, _, last = key.partition(".")
    return facts.choices.get(group, facts.values.get(key)) if last == "name" else facts.values.get(key)


def is_metric(key: str) -> bool:
    """Whether a key is a final number."""
    return key.partition(".")[0] in SUBSETS


def is_lower_better(key: str) -> bool:
    """Whether a smaller value of a metric is the better one."""
    return key.rpartition(".")[2] in LOWER_IS_BETTER


def _values(facts: Facts, key: str) -> list[Any]:
    """All that a run may be called by for a key: of a group the chosen file, and the kind that it declares."""
    value = value_of(facts, key)
    if isinstance(value, list):
        return value
    also = facts.choices.get("experiment") if key == "experiment" else facts.values.get(key)
    return [value] if also is None else [value, also]


def _is(value: Any, word: str) -> bool:
    if value is None:
        return word == "null"
    if isinstance(value, bool):
        return word.lower() == str(value).lower()
    if isinstance(value, int | float):
        return _number(word) == value
    return fnmatchcase(str(value), word)


def _compare(value: Any, operator: str, text: str, key: str) -> bool:
    if value is None or isinstance(value, bool | list | dict):
        return False
    if isinstance(value, str):
        return _ORDER[operator](value, text)
    if (number := _number(text)) is None:
        raise ConfigError(f"{key}{operator}{text}: {key} is a number")
    return _ORDER[operator](value, number)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
