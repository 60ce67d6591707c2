"""docs/reference.md: every key of a declaration, from the schema and conf/. `make reference` writes it.

The same facts as in `skinlab train --help`, with what a page has room for: the file that each value comes from, and
what each choice is. Only skinlab's own choices are listed, whatever lies in `./conf`.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from skinlab import schema
from skinlab.config import tree
from skinlab.config.places import choices, groups, places
from skinlab.help import default_text, facts_text, shown_key
from skinlab.paths import conf_dir

if TYPE_CHECKING:
    from skinlab.config.defaults import Defaults

OPENING = """\
# Reference: every key

Made by `make reference` from `skinlab/schema.py` and `conf/`; a test keeps it true. `skinlab train --help` has the
same for a terminal, and the choices of your own `./conf` too. How keys, choices and presets go together: [Declaring an
experiment](configuration.md).

A key is typed as it stands here, after `skinlab train`: `optimizer.learning_rate=0.003`. In place of `[]` goes the
number of a list's element, from 0.
The last column names the file that holds the default; where a group has several choices, `*` stands for each of them.
"""
_HEAD = ("Key", "Meaning", "Value", "Default", "In")


def page() -> str:
    """The whole page, in Markdown."""
    from skinlab.config.defaults import read_defaults

    defaults = read_defaults()
    top = list(tree.own_keys(schema.Config))
    parts = [
        OPENING,
        *_groups(defaults),
        *_presets(),
        "## The whole experiment\n",
        _keys([key for key in top if not tree.sections(key.kind)], defaults),
    ]
    for key in top:
        if tree.sections(key.kind):
            parts += _section(key, defaults)
    return "\n".join(parts)


def _groups(defaults: "Defaults") -> Iterator[str]:
    yield "## Groups\n"
    rows = []
    for group in [name for name in _ours() if name != tree.PRESETS]:
        names = [f"**`{name}`**" if name == defaults.chosen[group] else f"`{name}`" for name in _choices(group)]
        link = f"[`{group}`](#{group.replace('_', '-')})" if group in tree.key_types(schema.Config) else f"`{group}`"
        rows.append((link, f"`conf/{group}/`", ", ".join(names)))
    yield _table(("Group", "Files", "Choices (the default is bold)"), rows)


def _presets() -> Iterator[str]:
    yield "## Presets\n"
    yield f"`{tree.PRESETS}=NAME` sets several of the keys below; [what they reach](../experiments/README.md).\n"
    rows = [(f"`{tree.PRESETS}={name}`", _comment(f"{tree.PRESETS}/{name}")) for name in _choices(tree.PRESETS)]
    yield _table(("Preset", "What it is"), rows)


def _section(key: tree.Key, defaults: "Defaults") -> Iterator[str]:
    """A section of the declaration: what all its choices have, then what one alone has."""
    yield f"## {key.dotted}\n"
    yield f"{key.doc[:1].upper()}{_sentence(key.doc[1:])}.\n"
    below = [one for one in tree.all_keys() if one.path[0] == key.dotted and len(one.path) > 1]
    plain = [one for one in below if not (tree.sections(one.kind) or tree.follows_choice(one.path))]
    if key.dotted in defaults.chosen:
        yield _choices_table(key)
    if shared := [one for one in plain if one.variant is None]:
        yield _keys(shared, defaults)
    for name in dict.fromkeys(one.variant for one in plain if one.variant):
        yield f"### {key.dotted}={name}\n"
        yield _keys([one for one in plain if one.variant == name], defaults)


def _choices_table(key: tree.Key) -> str:
    """What each choice of a group is: what its dataclass says, or else its file."""
    said = {tree.variant_name(one): (one.__doc__ or "").split("\n\n")[0] for one in tree.sections(key.kind)}
    rows = [
        (f"`{key.dotted}={name}`", _sentence(said.get(name) or _comment(f"{key.dotted}/{name}")))
        for name in _choices(key.dotted)
    ]
    return _table(("Choice", "What it is"), rows)


def _comment(name: str) -> str:
    """The comment that a file of conf/ opens with."""
    lines = (conf_dir() / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
    said: list[str] = []
    for line in lines:
        if not line.startswith("#"):
            break
        if not line.startswith("# @package"):
            said.append(line.removeprefix("#").strip())
    return " ".join(said)


def _keys(keys: Sequence[tree.Key], defaults: "Defaults") -> str:
    return _table(
        _HEAD,
        [
            (
                f"`{shown_key(key)}`",
                _sentence(key.doc),
                facts_text(key),
                _default(key, defaults),
                _files(key, defaults),
            )
            for key in keys
        ],
    )


def _default(key: tree.Key, defaults: "Defaults") -> str:
    text, held = default_text(key, defaults), defaults.values(key.path)
    if not text:
        return "empty" if held else "-"  # an element of a list has none of its own
    return text if " with " in text or text.startswith(("none, ", "in conf/")) else f"`{text}`"


def _files(key: tree.Key, defaults: "Defaults") -> str:
    """Where the value is said."""
    group = key.path[0]
    held = [
        name for name in defaults.values(key.path) if not key.variant or name in ("config", f"{group}/{key.variant}")
    ]
    if not held:
        return "-"
    if len(held) == 1:
        return f"`conf/{held[0]}.yaml`"
    return f"`conf/{group}/*.yaml`"


def _ours() -> list[str]:
    return groups(places()[:1])


def _choices(group: str) -> list[str]:
    return choices(group, places()[:1])


def _sentence(text: str) -> str:
    """On one line, as a cell of a table takes it."""
    return " ".join(text.split())


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(_cell(cell) for cell in line)} |\n" for line in lines)


def _cell(text: str) -> str:
    r"""Text that Markdown shows as it is.

    >>> _cell("a|b, v* = <y>"), _cell("`a*b`")
    ('a\\|b, v\\* = \\<y>', '`a*b`')
    """
    parts = re.split(r"(\*\*`[^`]*`\*\*|`[^`]*`)", text.replace("|", r"\|"))
    return "".join(part if "`" in part else re.sub(r"([*<])", r"\\\1", part) for part in parts)


if __name__ == "__main__":
    sys.stdout.write(page())
