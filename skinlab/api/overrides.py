"""Overrides made from Python values. Knows Hydra's grammar, no declaration."""

import re
from collections.abc import Sequence
from os import PathLike
from typing import Any

from skinlab.config.overrides import is_choice, parse_one
from skinlab.config.places import groups, places
from skinlab.errors import ConfigError


def override(name: str, value: Any) -> str:
    """A key and its value as they are typed.

    >>> override("seed", 3), override("engine.threads", None), override("network", "resnet34")
    ('seed=3', 'engine.threads=null', 'network=resnet34')
    >>> override("name", "2024"), override("dataset.classes", {"benign": ["nv", "b k"]})
    ("name='2024'", "dataset.classes={benign:[nv,'b k']}")

    Raises:
        ConfigError: a value of a type that no key has, or one that cannot be typed.
    """
    text = f"{name}={_text(value, name)}"
    read = parse_one(text)
    if isinstance(read, str):
        raise ConfigError(read)
    return text


def _text(value: Any, name: str) -> str:
    if isinstance(value, PathLike):
        value = str(value)
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case int() | float():
            return repr(value)
        case str():
            return value if _means_itself(value) else _quoted(value)
        case dict():
            return "{" + ",".join(f"{_key(str(key))}:{_text(item, name)}" for key, item in value.items()) + "}"
        case list() | tuple():
            return "[" + ",".join(_text(item, name) for item in value) + "]"
    raise ConfigError(f"{name}: {type(value).__name__} is no type that a key has; give text, numbers, lists or dicts")


def _key(name: str) -> str:
    r"""A name inside braces, where Hydra takes no quotes.

    >>> _key("a b")
    'a\\ b'
    """
    return re.sub(r"([\\()\[\]{}:=,\s])", r"\\\1", name)


def _means_itself(text: str) -> bool:
    """Whether text that is not quoted is read as that text, also inside a list or as a key."""
    if not text or any(character in "\\'\"$,:=[]{}()" or character.isspace() for character in text):
        return _is_interpolation(text)
    read = parse_one(f"x={text}")
    return not isinstance(read, str) and not read.is_sweep_override() and read.value() == text


def _is_interpolation(text: str) -> bool:
    return text.startswith("${") and text.endswith("}") and not any(mark in text for mark in "'\"\\ ")


def _quoted(text: str) -> str:
    r"""Text in quotes; Hydra takes backslashes for escapes before a quote only.

    >>> _quoted("it's")
    "'it\\'s'"
    """
    escaped = re.sub(r"(\\*)'", r"\1\1\\'", text)
    return "'" + re.sub(r"(\\+)$", r"\1\1", escaped) + "'"


def changed(before: Sequence[str], more: Sequence[str]) -> list[str]:
    """Overrides with others added: what these set anew is not said twice, and a group chosen anew forgets its keys.

    >>> changed(["seed=1", "dataset=folder", "dataset.path=x"], ["dataset=synthetic", "seed=2"])
    ['dataset=synthetic', 'seed=2']
    """
    known = groups(places())
    kept = list(before)
    for text in more:
        read = parse_one(text)
        if isinstance(read, str):
            continue  # what is wrong with it, composing says
        key, chosen = read.key_or_group, is_choice(read, known)
        kept = [old for old in kept if not _replaces(key, old, chosen=chosen)]
    return [*kept, *more]


def _replaces(key: str, old: str, *, chosen: bool) -> bool:
    name = old.lstrip("+~").partition("=")[0]
    return name == key or (chosen and name.startswith(f"{key}."))
