"""In what recorded declarations differ, by dotted key."""

import json
from collections.abc import Mapping, Sequence
from typing import Any


def flattened(declaration: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """Each value by its dotted key.

    >>> flattened({"seed": 1, "split": {"name": "kfold", "folds": 5}})
    {'seed': 1, 'split.name': 'kfold', 'split.folds': 5}
    """
    flat: dict[str, Any] = {}
    for key, value in declaration.items():
        if isinstance(value, dict) and value:
            flat |= flattened(value, f"{path}{key}.")
        else:
            flat[f"{path}{key}"] = value
    return flat


def differing(declarations: Sequence[Mapping[str, Any]]) -> list[str]:
    """The keys in which flat declarations are not all the same, in their order; a key that one lacks is None there.

    >>> differing([{"seed": 1, "engine": "cntk"}, {"seed": 2, "engine": "cntk"}])
    ['seed']
    """
    keys = dict.fromkeys(key for declaration in declarations for key in declaration)
    return [
        key
        for key in keys
        if len({json.dumps(declaration.get(key), sort_keys=True) for declaration in declarations}) > 1
    ]
