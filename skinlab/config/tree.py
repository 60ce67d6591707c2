"""The schema as a tree of keys, for validation, help and completion. Reads types only: no YAML, no values."""

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Literal, Union, get_args, get_origin

from skinlab import schema

TAGS = ("target", "name")  # the key that tells the choices of a group apart is the first of these that is fixed
PRESETS = "experiment"  # the group whose choices may set any key; no key of its own
KeyPath = tuple[str, ...]
Kind = Any  # a type as written in the schema: int, list[float], str | None, Literal["a"], a dataclass, a union


@dataclass(frozen=True)
class Key:
    """One key of the schema.

    Attributes:
        path: from the root; an element of a list is `[]`.
        kind: its type.
        doc: its meaning.
        unit: of a number, or empty.
        bounds: of a number or of the length of a list: ge, gt, le, lt.
        variant: the group's choice that has this key, where choices differ; else None.
    """

    path: KeyPath
    kind: Kind
    doc: str
    unit: str
    bounds: Mapping[str, float]
    variant: str | None

    @property
    def dotted(self) -> str:
        """As a user types it."""
        return ".".join(self.path)


def origin(kind: object) -> object:
    """What a type is made from: `list` of `list[int]`, None of `int`."""
    return get_origin(kind)


def follows_choice(path: KeyPath) -> bool:
    """Whether this is the tag of a group's choice: told by the chosen file, never set by itself."""
    return any(path[1:] == (tag(kind),) for kind in siblings(path[:1]))


def members(kind: Kind) -> tuple[Kind, ...]:
    """The types of a union without None; a type that is no union is its own only member."""
    if origin(kind) in (types.UnionType, Union):
        return tuple(member for member in get_args(kind) if member is not types.NoneType)
    return (kind,)


def is_optional(kind: Kind) -> bool:
    """Whether null is a value of this type."""
    return types.NoneType in get_args(kind)


def sections(kind: Kind) -> tuple[type, ...]:
    """The dataclasses that a value of this type may be: several for a group with variants, none for a plain value."""
    return tuple(member for member in members(kind) if isinstance(member, type) and is_dataclass(member))


def literals(kind: Kind) -> tuple[str, ...]:
    """The texts that a Literal allows; empty for any other type.

    >>> literals(Literal["auto", "cpu"] | None)
    ('auto', 'cpu')
    """
    allowed = members(kind)[0]
    return get_args(allowed) if origin(allowed) is Literal else ()


def element(kind: Kind) -> Kind | None:
    """The type of a list's elements; None where no value is a list.

    >>> element(str | list[str] | None), element(str)
    (<class 'str'>, None)
    """
    return next((get_args(member)[0] for member in members(kind) if origin(member) is list), None)


def key_types(section: type) -> dict[str, Kind]:
    """Names and types of a dataclass's keys, in schema order."""
    return {item.name: item.type for item in fields(section)}


def variant_name(section: type) -> str | None:
    """What tells this dataclass from the others of its union: the first value of its `tag`."""
    return next(iter(variant_names(section)), None)


def variant_names(section: type) -> tuple[str, ...]:
    """All values of a dataclass's `tag`: choices that have the same keys."""
    key = tag(section)
    return () if key is None else literals(key_types(section)[key])


def tag(section: type) -> str | None:
    """The key that tells this dataclass from the others of its union, mostly `name`; None where nothing does."""
    kinds = key_types(section)
    return next((name for name in TAGS if literals(kinds.get(name, str))), None)


def is_mapping(kind: Kind) -> bool:
    """Whether values of this type have keys that the schema does not know."""
    return origin(members(kind)[0]) is dict


def named_values(kind: Kind) -> Kind | None:
    """The type of the values of a mapping whose keys are the user's own names; None for any other type.

    >>> named_values(list[str] | dict[str, list[str]] | None)
    list[str]
    """
    mappings = [member for member in members(kind) if origin(member) is dict]
    value: Kind = get_args(mappings[0])[1] if mappings else Any
    return None if value is Any else value


def is_path(key: str) -> bool:
    """Whether a key of type text names a file or folder.

    >>> is_path("dataset.path"), is_path("dataset.ground_truth"), is_path("name")
    (True, True, False)
    """
    name = key.rpartition(".")[2]
    return name in ("path", "ground_truth", "metadata", "label_log", "key_file") or name.endswith(("_root", "_dir"))


def in_list(path: KeyPath) -> bool:
    """Whether a path leads through an element of a list."""
    return any(name.isdigit() for name in path)


def own_keys(section: type, path: KeyPath = ()) -> Iterator[Key]:
    """The keys of a dataclass itself, in schema order, not those below them."""
    for item in fields(section):
        metadata = item.metadata
        yield Key((*path, item.name), item.type, metadata["doc"], metadata["unit"], metadata["bounds"], None)


def siblings(path: KeyPath) -> tuple[type, ...]:
    """All variants of the group at this path; empty where the path is no group of the schema."""
    return sections(key_types(schema.Config).get(path[0])) if len(path) == 1 else ()


def all_keys(section: type = schema.Config, path: KeyPath = (), variant: str | None = None) -> Iterator[Key]:
    """Every key below a dataclass, in schema order; keys that all variants of a group share come once, first."""
    for key in own_keys(section, path):
        below = sections(key.kind)
        yield replace(key, variant=variant)
        if len(below) > 1:
            yield from _variants(below, key.path)
        elif below:
            yield from all_keys(below[0], key.path, variant)
        for listed in sections(element(key.kind)):
            yield from all_keys(listed, (*key.path, "[]"), variant)


def dotted_names() -> list[str]:
    """Every key as a user types it, in schema order; not the keys of list elements."""
    return list(dict.fromkeys(key.dotted for key in all_keys() if "[]" not in key.path))


def _variants(alternatives: tuple[type, ...], path: KeyPath) -> Iterator[Key]:
    """Shared keys first (same name and type everywhere), then each variant's own."""
    tables = [key_types(alternative) for alternative in alternatives]
    shared = {name for name, kind in tables[0].items() if all(table.get(name) == kind for table in tables)}
    for key in all_keys(alternatives[0], path):
        if key.path[len(path)] in shared:
            yield key
    for alternative in alternatives:
        for key in all_keys(alternative, path, variant_name(alternative)):
            if key.path[len(path)] not in shared:
                yield key
