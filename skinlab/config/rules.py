"""Rules that join several keys, or that a type cannot say. The only place for them."""

import importlib.util
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from skinlab import paths, schema
from skinlab.config.problems import Problem
from skinlab.config.tree import KeyPath
from skinlab.errors import ConfigError
from skinlab.evaluation import operating_rule

LONGEST_NAME = 200  # bytes; file systems take 255, temporary files add a suffix
LIBRARY = "albumentations."
REFUSAL = "is not allowed: only transforms of albumentations by their own name, e.g. albumentations.HorizontalFlip"
PACKAGES = {"tensorboard": "tensorboard"}  # tracking sink -> the module that it needs


def check(config: schema.Config) -> list[Problem]:
    """Everything that is wrong with a declaration whose keys are each right."""
    rules = (_name, _classes, _split, _std, _operating_point, _subgroups, _targets, _sinks)
    return [problem for rule in rules for problem in rule(config)]


def _name(config: schema.Config) -> Iterator[Problem]:
    """The name becomes a folder."""
    name = config.name
    unsafe = any(character in "/\\" or not character.isprintable() for character in name)
    if unsafe or name != name.strip() or name in ("", ".", "..") or len(name.encode()) > LONGEST_NAME:
        what = f"must be usable as a folder name: 1 to {LONGEST_NAME} bytes, no slash, no space at either end"
        yield Problem(("name",), name, what)


def _classes(config: schema.Config) -> Iterator[Problem]:
    classes, positive = config.dataset.classes, config.dataset.positive_class
    if classes is None:
        return
    path = ("dataset", "classes")
    names = list(classes)
    if len(set(names)) < max(2, len(names)):
        yield Problem(path, classes, "must be at least two different class names")
    elif positive is not None and positive not in names:
        what = f"must be one of dataset.classes: {', '.join(names)}"
        yield Problem(("dataset", "positive_class"), positive, what, others=(path,))
    if isinstance(classes, dict):
        yield from _distinct(classes, path, "class")


def _distinct(listed: Mapping[str, Sequence[str]], path: KeyPath, what: str) -> Iterator[Problem]:
    """Each name has values of its own."""
    for name in (name for name, values in listed.items() if not values):
        yield Problem((*path, name), [], f"is empty: name what belongs to this {what}")
    for value, count in Counter(value for values in listed.values() for value in values).items():
        if count > 1:
            where = ", ".join(name for name, values in listed.items() for other in values if other == value)
            yield Problem(path, dict(listed), f"{value} is named {count} times ({where}): it can be of one {what} only")


def _split(config: schema.Config) -> Iterator[Problem]:
    match config.split:
        case schema.HoldoutSplit():
            yield from _fractions(config.split)
        case schema.KFoldSplit() if config.split.fold >= config.split.folds:
            last = config.split.folds - 1
            what = f"must be at most {last}: folds are counted from 0, and split.folds={config.split.folds}"
            yield Problem(("split", "fold"), config.split.fold, what, others=(("split", "folds"),))
        case schema.ColumnSplit():
            yield from _subset_values(config.split)


def _fractions(split: schema.HoldoutSplit) -> Iterator[Problem]:
    taken = split.validation + split.test
    if taken >= 1:
        what = f"split.validation + split.test must be below 1 to leave images for training, not {taken:g}"
        yield Problem(("split", "validation"), split.validation, what, others=(("split", "test"),))


def _subset_values(split: schema.ColumnSplit) -> Iterator[Problem]:
    values = {"train": split.values.train, "validation": split.values.validation, "test": split.values.test}
    needed = {name: found for name, found in values.items() if found or name != "validation"}
    yield from _distinct(needed, ("split", "values"), "subset")
    if not values["validation"] and split.validation is None:
        what = "is empty: name the values for validation, or set split.validation=0.15 to take it from training"
        yield Problem(("split", "values", "validation"), [], what)


def _std(config: schema.Config) -> Iterator[Problem]:
    if min(config.network.std) <= 0:
        yield Problem(("network", "std"), config.network.std, "each must be greater than 0")


def _operating_point(config: schema.Config) -> Iterator[Problem]:
    path, value = ("evaluation", "operating_point"), config.evaluation.operating_point
    try:
        operating_rule.parse(value)
    except ValueError as error:
        yield Problem(path, value, str(error))
        return
    classes = config.dataset.classes
    if classes is not None and (why := operating_rule.refusal(value, len(classes))):
        yield Problem(path, value, why, others=(("dataset", "classes"),))


def _subgroups(config: schema.Config) -> Iterator[Problem]:
    path = ("evaluation", "subgroups")
    declared = config.evaluation.subgroups or {}
    if twice := sorted(name for name, count in Counter(list(declared)).items() if count > 1):
        yield Problem(path, declared, f"names {', '.join(twice)} more than once")
    for column, edges in declared.items() if isinstance(declared, dict) else ():
        if edges is not None and (not edges or any(low >= high for low, high in pairwise(edges))):
            yield Problem((*path, column), edges, "must be the rising edges of bands, e.g. [30, 45, 60], or null")


def _sinks(config: schema.Config) -> Iterator[Problem]:
    for sink in config.tracking.sinks:
        if importlib.util.find_spec(PACKAGES[sink]) is None:
            what = f"{PACKAGES[sink]} is not installed; pip install skinlab[tracking]"
            yield Problem(("tracking", "sinks"), config.tracking.sinks, what)


# --- what a `_target_` may name ------------------------------------------------------------------------------------


def _targets(config: schema.Config) -> Iterator[Problem]:
    """Opening somebody else's run must not run their code: only known libraries are reached by `_target_`."""
    path = ("augmentation", "transforms")
    transforms = config.augmentation.transforms
    extra = _user_prefixes() if transforms else []
    for i, transform in enumerate(transforms):
        here = (*path, str(i))
        if "_target_" not in transform:
            what = "needs a `_target_`, e.g. _target_: albumentations.HorizontalFlip"
            yield Problem(here, transform, what)
        for key, target in _find_targets(transform, here):
            if not (isinstance(target, str) and is_allowed(target, extra)):
                yield Problem(key, target, REFUSAL, hint=f"; your own packages: allowed_targets in {settings_file()}")


def _find_targets(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    """Every `_target_` in nested keys and lists, with its place."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "_target_":
                yield (*path, name), inner
            else:
                yield from _find_targets(inner, (*path, name))
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from _find_targets(inner, (*path, str(i)))


def is_allowed(target: str, prefixes: Sequence[str] = ()) -> bool:
    """Whether a `_target_` may be instantiated.

    Of albumentations only what the package itself exports as a class, `albumentations.Name`: its modules import
    `os`, so that a dotted path through them reaches any function of Python.

    Args:
        target: a dotted name.
        prefixes: further packages or names, from the user's own settings.

    >>> is_allowed("albumentations.HorizontalFlip"), is_allowed("albumentations.os.system")
    (True, False)
    >>> is_allowed("mylab.Spots", ["mylab"]), is_allowed("mylabs.Spots", ["mylab"])
    (True, False)
    """
    if any(target == prefix or target.startswith(prefix.rstrip(".") + ".") for prefix in prefixes):
        return True
    name = target.removeprefix(LIBRARY)
    return target.startswith(LIBRARY) and name.isidentifier() and name[0].isupper()


def settings_file() -> Path:
    """The user's own settings. Never read from a declaration or a run directory."""
    return paths.home() / "settings.toml"


def _user_prefixes() -> list[str]:
    file = settings_file()
    if not file.is_file():
        return []
    try:
        allowed = tomllib.loads(file.read_text(encoding="utf-8")).get("allowed_targets", [])
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read as TOML: {error}") from error
    if not isinstance(allowed, list) or not all(isinstance(prefix, str) and prefix.strip(". ") for prefix in allowed):
        raise ConfigError(f'{file}: allowed_targets must be a list of package names, e.g. ["mylab.transforms"]')
    return allowed
