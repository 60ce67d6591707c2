"""How types, bounds and values are put in words, the same in errors and in help."""

import types
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from skinlab.config import tree

LONGEST = 60  # characters of a value that a message repeats


def value_text(value: Any) -> str:
    """A value as a user would type it on the command line, shortened where it is long.

    >>> value_text({"p": 0.5, "keep": True, "size": None})
    '{p: 0.5, keep: true, size: null}'
    """
    text = _plain(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def _plain(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(_plain(item) for item in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name}: {_plain(item)}' for name, item in value.items())}}}"
    return str(value)


def bounds_text(bounds: Mapping[str, float]) -> str:
    """The range of a number; empty where there is none.

    >>> bounds_text({"ge": 0, "lt": 1})
    'at least 0 and below 1'
    >>> bounds_text({"ge": 3, "le": 3})
    'exactly 3'
    """
    if "ge" in bounds and bounds.get("ge") == bounds.get("le"):
        return f"exactly {number_text(bounds['ge'])}"
    words = {"ge": "at least", "gt": "greater than", "le": "at most", "lt": "below"}
    return " and ".join(f"{word} {number_text(bounds[name])}" for name, word in words.items() if name in bounds)


def number_text(number: float) -> str:
    """A bound without a needless `.0` and without rounding.

    >>> number_text(1.0), number_text(0.5), number_text(2147483647)
    ('1', '0.5', '2147483647')
    """
    return str(int(number)) if number == int(number) else str(number)


_NAMES = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}


def kind_text(kind: tree.Kind) -> str:
    """What a value of this type is called.

    >>> kind_text(list[float] | None)
    'a list of numbers or null'
    >>> kind_text(list[str] | dict[str, list[str]] | None)
    'a list of texts, {name: a list of texts} or null'
    """
    texts = list(dict.fromkeys(_member_text(member) for member in tree.members(kind)))
    return alternatives_text([*texts, "null"] if tree.is_optional(kind) else texts)


def alternatives_text(texts: Sequence[str], last: str = "or") -> str:
    """Several things in words.

    >>> alternatives_text(["a", "b", "c"]), alternatives_text(["a", "b"], "and"), alternatives_text(["a"])
    ('a, b or c', 'a and b', 'a')
    """
    return f" {last} ".join(filter(None, [", ".join(texts[:-1]), texts[-1]]))


def _member_text(member: tree.Kind) -> str:
    if allowed := tree.literals(member):
        return f"one of {', '.join(allowed)}" if len(allowed) > 1 else allowed[0]
    if (element := tree.element(member)) is not None:
        return f"a list of {_plural(element)}"
    if (named := tree.named_values(member)) is not None:
        return f"{{name: {kind_text(named)}}}"
    if tree.sections(member) or tree.is_mapping(member):
        return "keys and values"
    return _NAMES[member]


def _plural(element: tree.Kind) -> str:
    if sections := tree.sections(element):
        return f"{{{', '.join(tree.key_types(sections[0]))}}}"
    if allowed := tree.literals(element):
        return " / ".join(allowed)
    names = {int: "whole numbers", float: "numbers", str: "texts", bool: "true or false"}
    return names.get(element, "{keys and values}")


def found_text(value: Any) -> str:
    """What a value of the wrong type is.

    >>> found_text("abc"), found_text(3), found_text([])
    ('text', 'a whole number', 'a list')
    """
    if value is None:
        return "null"
    names = {
        **_NAMES,
        float: "a decimal number",
        bool: "true or false",
        list: "a list",
        dict: "keys and values",
        types.NoneType: "null",
    }
    return names.get(type(value), type(value).__name__)


def example_value(kind: tree.Kind, name: str) -> str:
    """A placeholder for a required key, e.g. `PATH`.

    >>> example_value(str, "path"), example_value(float, "momentum")
    ('PATH', 'NUMBER')
    """
    first = tree.members(kind)[0]
    if allowed := tree.literals(first):
        return str(allowed[0])
    if first is str:
        return "PATH" if tree.is_path(name) else "TEXT"
    if first is bool:
        return "true"
    if get_args(first):
        return "[...]"
    return "NUMBER" if first in (int, float) else "NAME"
