"""What the user typed after the verb: each `key=value` read, and its own mistakes put in one line.

Mistakes that need the composed declaration (unknown keys, wrong values) are found later, by validate.py.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from skinlab.config import suggest, tree
from skinlab.config.places import Place, choices, groups
from skinlab.config.tree import KeyPath

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override


@dataclass(frozen=True)
class Typed:
    """One override that can be composed.

    Attributes:
        text: as typed.
        path: the key that it sets; empty where it chooses from a group or is Hydra's own.
        value: what it sets.
        deletes: `~key`.
    """

    text: str
    path: KeyPath = ()
    value: Any = None
    deletes: bool = False

    @property
    def forced(self) -> str:
        """The same, but also where the key does not exist: lets a declaration with misspelt keys be composed."""
        plain = self.path and not self.deletes and not self.text.startswith("+")
        return f"++{self.text}" if plain else self.text


@dataclass
class Reading:
    """All overrides: those that can be composed, one line for each that cannot, and what these leave open.

    Attributes:
        typed: what can be composed.
        lines: what is wrong with the others.
        open_groups: groups whose choice is not known.
        open_keys: keys whose value is not known.
    """

    typed: list[Typed] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    open_groups: set[str] = field(default_factory=set)
    open_keys: set[KeyPath] = field(default_factory=set)


def read(overrides: Sequence[str], searched: Sequence[Place]) -> Reading:
    """Read overrides in order."""
    reading = Reading()
    known = groups(searched)
    for text in overrides:
        parsed = parse_one(text)
        if isinstance(parsed, str):
            reading.lines.append(parsed)
            reading.open_keys.add(tuple(text.partition("=")[0].lstrip("+").split(".")))
        elif is_choice(parsed, known):
            _read_choice(parsed, text, searched, reading)
        else:
            _read_setting(parsed, text, reading)
    return reading


def parse_one(text: str) -> "Override | str":
    """The override in Hydra's grammar, or the line that says why it is none."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    if text.strip().startswith("=") or ("=" not in text and not text.startswith("~")):
        return f"{text.strip() or repr(text)}: must be KEY=VALUE"
    try:
        return OverridesParser.create().parse_override(text)
    except HydraException as error:
        reason = next((line for line in str(error).splitlines() if not line.startswith(("See ", "Error "))), "")
        reason = re.sub(r"^\w+ while evaluating '.*': ", "", reason)
        return f"{text}: cannot be read: {reason}; quote a value with special characters: {_quoted(text)}"


def _quoted(text: str) -> str:
    """An override as it may have been meant, quoted for Hydra and the shell."""
    key, _, value = text.partition("=")
    if re.fullmatch(r"\[[^][(){}'\":]*\]", value):  # a list: its texts are quoted, not the whole
        texts = ",".join(f'"{item.strip()}"' for item in value[1:-1].split(","))
        return f"{key}='[{texts}]'"
    return "KEY='\"VALUE\"'" if {"'", '"'} & set(text) else f"{key}='\"{value}\"'"


def is_choice(override: "Override", known_groups: Sequence[str]) -> bool:
    """Whether it chooses from a config group; `optimizer={...}` sets keys instead."""
    return override.key_or_group in known_groups and not isinstance(_value(override), dict)


def _value(override: "Override") -> Any:
    return None if override.is_sweep_override() else override.value()


def _read_choice(override: "Override", text: str, searched: Sequence[Place], reading: Reading) -> None:
    group = override.key_or_group
    if (
        line := _sweep_line(override, text)
        or _added_line(override, text)
        or _choice_line(override, text, choices(group, searched))
    ):
        reading.lines.append(line)
        reading.open_groups.add(group)
    else:
        reading.typed.append(Typed(text))


def _choice_line(override: "Override", text: str, valid: Sequence[str]) -> str | None:
    """What is wrong with a choice from a group."""
    if override.is_delete():
        return None
    value = override.value()
    for name in value if isinstance(value, list) else [value]:
        if name not in valid:
            hint = suggest.then_list(suggest.did_you_mean(str(name), valid), "There are", valid)
            return f"{text}: no such choice in group '{override.key_or_group}'{hint}"
    return None


def _read_setting(override: "Override", text: str, reading: Reading) -> None:
    key = override.key_or_group
    if line := _sweep_line(override, text) or _setting_line(override, text):
        reading.lines.append(line)
    elif key.partition(".")[0] == "hydra" or "/" in key or override.package is not None:
        reading.typed.append(Typed(text))
    else:
        value = None if override.is_delete() else override.value()
        reading.typed.append(Typed(text, tuple(key.split(".")), value, override.is_delete()))


def _sweep_line(override: "Override", text: str) -> str | None:
    if not override.is_sweep_override():
        return None
    key = override.key_or_group
    return f"{text}: several values make a sweep: add -m; one list is {key}=[...], one text with commas {key}='\"...\"'"


def _added_line(override: "Override", text: str) -> str | None:
    """`+` adds a key that is not there; all keys of the schema are."""
    return f"{text}: is there already; write {text[1:]}" if override.is_add() else None


def _setting_line(override: "Override", text: str) -> str | None:
    """What is wrong with a key that never can be set."""
    key = override.key_or_group
    if key in tree.dotted_names():
        return _named_line(key, text) or _added_line(override, text)
    if key == "hydra.searchpath":
        return f"{text}: name further config folders with --config-dir DIR"
    return None


def _named_line(key: str, text: str) -> str | None:
    """A group's `name` tells which choice it is; setting it would not load the choice."""
    path = tuple(key.split("."))
    if not tree.follows_choice(path):
        return None
    return f"{text}: follows the choice from the group; write {path[0]}={text.partition('=')[2]}"
