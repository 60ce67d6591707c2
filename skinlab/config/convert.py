"""A typed declaration as JSON-able values, for run.json and for hashing."""

from dataclasses import asdict
from typing import Any

from skinlab import schema


def to_dict(config: schema.Config) -> dict[str, Any]:
    """Nested dicts and lists of text, numbers, booleans and None, keys in schema order.

    Two declarations that mean the same are equal here: a whole number where a number is meant is already a float.
    """
    return asdict(config)
