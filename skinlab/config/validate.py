"""Plain values in, frozen dataclasses of the schema out; every mistake on the way is collected.

Strict: the only conversion is int to float. Knows nothing of files and overrides (see origin.py) and of rules that
join several keys (see rules.py).
"""

import math
import operator
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from skinlab import schema
from skinlab.config import rules, suggest, tree, wording
from skinlab.config.plain import MISSING, Unresolved, to_plain
from skinlab.config.problems import ABSENT, Problem
from skinlab.config.report import raise_problems
from skinlab.spelling import closest

LONGEST = 1000
"""Bits of a whole number; a float64 reaches to 1023."""

if TYPE_CHECKING:
    from collections.abc import Iterable

    from omegaconf import DictConfig

    from skinlab.config.tree import Key, KeyPath, Kind


def parse(raw: "DictConfig | Mapping[str, Any]") -> schema.Config:
    """A composed declaration as a typed object.

    Args:
        raw: all keys of `schema.Config`, as Hydra hands them to a job (without its own `hydra` node).

    Returns:
        The frozen declaration.

    Raises:
        ConfigError: one line per unknown, missing or bad key. `compose` names the override or the file as well.
    """
    config, problems = check(to_plain(raw))
    if config is None:
        raise_problems(problems)
    return config


def recorded(values: Mapping[str, Any]) -> schema.Config:
    """The declaration of a run that was made, maybe elsewhere: typed, but not judged by rules, e.g. what is installed.

    Raises:
        ConfigError: it is not one of this version; one line for each key.
    """
    reader = _Reader()
    config: schema.Config = reader.section(schema.Config, dict(values), ())
    if reader.problems:
        raise_problems(reader.problems)
    return config


def check(values: Mapping[str, Any]) -> tuple[schema.Config | None, list[Problem]]:
    """The typed declaration, or None and everything that is wrong with it, in schema order."""
    reader = _Reader()
    config: schema.Config = reader.section(schema.Config, dict(values), ())
    problems = reader.problems or rules.check(config)
    return (None if problems else config), problems


class _Reader:
    """Walks values along their types. A bad value becomes a problem and the result is not used."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def bad(self, path: "KeyPath", value: Any, what: str, hint: str = "") -> None:
        self.problems.append(Problem(path, value, what, hint=hint))

    def value(self, kind: "Kind", value: Any, path: "KeyPath", bounds: Mapping[str, float]) -> Any:
        """A value of any type of the schema."""
        if isinstance(value, Unresolved):
            return self.bad(path, value.text, value.reason)
        if isinstance(value, str) and "${" in value:
            return self.bad(path, value, "has ${ in it, which must be plain text: nothing resolves it again")
        if value is None and tree.is_optional(kind):
            return None
        return self.present(kind, value, path, bounds)

    def present(self, kind: "Kind", value: Any, path: "KeyPath", bounds: Mapping[str, float]) -> Any:
        """A value that is not null, by the shape of its type."""
        if alternatives := tree.sections(kind):
            return self.alternative(alternatives, value, path)
        named = tree.named_values(kind)
        if named is not None and isinstance(value, dict):
            return self.named(named, value, path)
        first = tree.members(kind)[0]
        if tree.literals(first):
            return self.literal(first, value, path)
        if isinstance(value, list) and tree.element(kind) is not None:
            return self.elements(kind, value, path, bounds)
        if first is Any or isinstance(value, dict):
            return self.free(kind, value, path)
        return self.scalar(kind, value, path, bounds)

    def alternative(self, kinds: tuple[type, ...], value: Any, path: "KeyPath") -> Any:
        """A section; of several, the one that its `name` tells."""
        if not isinstance(value, dict):
            return self.bad(path, value, f"must be keys and values, not {wording.found_text(value)}")
        if len(kinds) == 1:
            return self.section(kinds[0], value, path)
        by_name = {name: kind for kind in kinds for name in tree.variant_names(kind)}
        key = tree.tag(kinds[0]) or tree.TAGS[-1]
        name = value.get(key, MISSING)
        if isinstance(name, str) and name in by_name:
            return self.section(by_name[name], value, path)
        what = f"must be one of {', '.join(by_name)}"
        return self.bad((*path, key), name, what, suggest.did_you_mean(str(name), by_name))

    def section(self, kind: type, values: dict[str, Any], path: "KeyPath") -> Any:
        """A dataclass; every key of it must be there and no other."""
        kinds = {key.path[-1]: key for key in tree.own_keys(kind, path)}
        for name, value in values.items():
            if name not in kinds:
                self.unknown(kind, str(name), value, path)
        arguments = {name: self.key(key, values.get(name, ABSENT)) for name, key in kinds.items()}
        return None if self.problems else kind(**arguments)

    def key(self, key: "Key", value: Any) -> Any:
        """One key of a section; `???` and absence are the same mistake."""
        if value is ABSENT or value == MISSING:
            example = f"{key.dotted}={wording.example_value(key.kind, key.path[-1])}"
            above = key.path[:-1]
            section = above if value is ABSENT else None
            hint = f": {key.doc}; e.g. {example}"
            listed = (above,) if tree.in_list(above) else ()
            self.problems.append(Problem(key.path, ABSENT, "is required", section, hint, others=listed))
            return None
        return self.value(key.kind, value, key.path, key.bounds)

    def unknown(self, kind: type, name: str, value: Any, path: "KeyPath") -> None:
        """A key that the section does not have."""
        here = ".".join(path)
        if owners := _owners(kind, name, path):
            what = f"no key '{name}' in {here}={tree.variant_name(kind)}"
            hint = f"; it belongs to {wording.alternatives_text([f'{here}={owner}' for owner in owners], 'and')}"
            self.problems.append(Problem((*path, name), value, what, path, hint))
            return
        if not path and name == tree.PRESETS:
            self.bad((name,), value, "sets no key", "; a preset begins with the line `# @package _global_`")
            return
        what = f"no key '{name}'" + (f" in {here}" if path else "")
        hint = _known(kind, name, _below(name, value), path)
        self.problems.append(Problem((*path, name), value, what, path or None, hint))

    def literal(self, kind: "Kind", value: Any, path: "KeyPath") -> Any:
        """One of a few texts."""
        allowed = tree.literals(kind)
        if value in allowed and isinstance(value, str):
            return value
        what = f"must be {'one of ' if len(allowed) > 1 else ''}{', '.join(allowed)}"
        return self.bad(path, value, what, suggest.did_you_mean(str(value), allowed))

    def elements(self, kind: "Kind", value: Any, path: "KeyPath", bounds: Mapping[str, float]) -> Any:
        """A list; `bounds` are of its length."""
        if not isinstance(value, list):
            return self.wrong_type(kind, value, path)
        if not _within(len(value), bounds):
            return self.bad(path, value, f"must have {wording.bounds_text(bounds)} elements, not {len(value)}")
        return [self.value(tree.element(kind), item, (*path, str(i)), {}) for i, item in enumerate(value)]

    def named(self, kind: "Kind", value: dict[Any, Any], path: "KeyPath") -> Any:
        """Values of one type under the user's own names."""
        for name in (name for name in value if not isinstance(name, str)):
            self.bad(path, value, f"name {wording.value_text(name)} must be text; quote it")
        return {name: self.value(kind, item, (*path, str(name)), {}) for name, item in value.items()}

    def free(self, kind: "Kind", value: Any, path: "KeyPath") -> Any:
        """A value whose keys are somebody else's, e.g. the arguments of a transform: JSON's types only."""
        if tree.members(kind)[0] is not Any and not tree.is_mapping(kind):
            return self.wrong_type(kind, value, path)
        if isinstance(value, dict):
            for name in (name for name in value if not isinstance(name, str)):
                self.bad(path, value, f"key {name} must be text; quote it")
            return {name: self.value(Any, item, (*path, str(name)), {}) for name, item in value.items()}
        if isinstance(value, list):
            return [self.value(Any, item, (*path, str(i)), {}) for i, item in enumerate(value)]
        if value is None or isinstance(value, str | bool | int):
            return value
        return self.scalar(float, value, path, {})

    def scalar(self, kind: "Kind", value: Any, path: "KeyPath", bounds: Mapping[str, float]) -> Any:
        """Text, truth or a number; a whole number is also a number, nothing else is converted."""
        found = type(value)
        wanted = next((one for one in tree.members(kind) if found is one or (one is float and found is int)), None)
        if wanted is None:
            return self.wrong_type(kind, value, path)
        if wanted in (int, float):
            return self.number(wanted, value, path, bounds)
        return value

    def number(self, wanted: type, value: float, path: "KeyPath", bounds: Mapping[str, float]) -> Any:
        """A finite number within its bounds."""
        if (isinstance(value, int) and value.bit_length() > LONGEST) or not math.isfinite(value):
            return self.bad(path, value, "must be a finite number")
        if not _within(value, bounds):
            return self.bad(path, value, f"must be {wording.bounds_text(bounds)}")
        return wanted(value)

    def wrong_type(self, kind: "Kind", value: Any, path: "KeyPath") -> None:
        """The value is of another type."""
        hint = ""
        if tree.members(kind)[0] is str and isinstance(value, bool | int | float):
            hint = f"; quote it: '\"{wording.value_text(value)}\"'"
        self.bad(path, value, f"must be {wording.kind_text(kind)}, not {wording.found_text(value)}", hint)


def _within(number: float, bounds: Mapping[str, float]) -> bool:
    """Whether a number keeps its bounds."""
    tests = {"ge": operator.ge, "gt": operator.gt, "le": operator.le, "lt": operator.lt}
    return all(tests[name](number, bound) for name, bound in bounds.items())


def _owners(kind: type, name: str, path: "KeyPath") -> list[str]:
    """The group's other choices that have the key."""
    siblings = tree.siblings(path)
    return [str(tree.variant_name(other)) for other in siblings if other is not kind and name in tree.key_types(other)]


def _below(name: str, value: Any) -> "Iterable[str]":
    """The dotted names that an unknown key stands for: its own and those of what it holds."""
    return [f"{name}.{inner}" for inner in value] if isinstance(value, dict) else [name]


def _known(kind: type, name: str, written: "Iterable[str]", path: "KeyPath") -> str:
    """What the user may have meant, and what there is."""
    names = list(tree.key_types(kind))
    if path:
        return suggest.then_list(suggest.did_you_mean(name, names), "Keys", names)
    dotted = {full: full for full in [*tree.dotted_names(), tree.PRESETS]}
    by_last = {full.rpartition(".")[2]: full for full in reversed(dotted)}
    matches = (known[match] for word in written for known in (dotted, by_last) if (match := closest(word, known)))
    meant = next(matches, None)
    return suggest.then_list(f"; did you mean '{meant}'?" if meant else "", "Keys", [*names, tree.PRESETS])
