"""The texts of `--help`. `main_help` needs the standard library only; `keys_help` also reads conf/.

Keys, types, ranges and meanings come from the schema, choices from the folders, defaults from conf/: nothing is
said twice.
"""

import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from skinlab import schema
from skinlab.commands.table import VERBS, find
from skinlab.config import tree, wording
from skinlab.config.places import choices, groups, places

if TYPE_CHECKING:
    from skinlab.config.defaults import Defaults

WIDTH = 100
KEY_COLUMN = 36
MANY = 6
"""Choices with one default that are named, in place of `else`."""
NOTE = "Research software: nothing it prints is a diagnosis, and it must not be used for one."
EXAMPLES = (
    "skinlab train                                        the default experiment, on drawn phantoms",
    "skinlab train dataset=folder dataset.path=PATH       your images, one sub-folder per class",
    "skinlab train experiment=debug                       a named experiment, here a short one",
    "skinlab train -m optimizer.learning_rate=0.05,0.005 network.dropout=0.2,0.5     a sweep of 4 runs",
    "skinlab check dataset=folder dataset.path=PATH       check declaration and images, time an epoch",
)

_OVERRIDES = (
    ("key=value", "set a key; quote text with special characters: key='\"a, b\"'"),
    ("group=choice", "take another file of a config group"),
    ("-m, --multirun", "sweep: a key may have several values, key=1,2 or key='range(1,4)'"),
    ("--config-dir DIR", "a folder with more choices, e.g. DIR/experiment/mine.yaml; ./conf is searched too"),
)
_DECLARING: dict[str, tuple[str, tuple[tuple[str, str], ...], tuple[str, ...]]] = {
    "train": (
        "Train a declared experiment. Everything about it ends up in one directory under output_dir.",
        (),
        EXAMPLES[:4],
    ),
    "check": (
        (
            "Check a declaration and its images: counts, whatever would stop a run, seconds an epoch.\n"
            "Of a sweep (-m): every value, the images of the first trial, the source of other data sets."
        ),
        (
            ("--declaration-only", "look at no images and start nothing"),
            ("--no-timing", "start no engine"),
            ("--show", "print the composed declaration as YAML, look at nothing else"),
            ("--json", "print everything as JSON; with --declaration-only the declaration"),
        ),
        (EXAMPLES[4], "skinlab check -m network.dropout=0.2,0.5             every value of a sweep"),
    ),
    "lr-find": (
        "Train at a learning rate that rises with every step, and tell at which one the loss falls fastest.",
        (),
        ("skinlab lr-find dataset=folder dataset.path=PATH lr_find.highest=0.1",),
    ),
}


def main_help() -> str:
    """The text of `skinlab --help`."""
    searched = places()
    known = groups(searched)
    top = list(tree.own_keys(schema.Config))
    plain = [_row(f"{key.dotted}=", key.doc, 18) for key in top if not tree.sections(key.kind)]
    sections = [key for key in top if tree.sections(key.kind) and key.dotted not in known]
    return _page(
        ["usage: skinlab VERB [overrides] [options]", "", "Declared experiments for skin-lesion image classification."],
        ["verbs:", *(_row(verb.name, verb.summary, 18) for verb in VERBS)],
        ["config groups and their choices:"]
        + [_row(f"{group}=", " | ".join(choices(group, searched)), 18) for group in known],
        ["top-level keys (all keys: skinlab train --help):", *plain]
        + [_row(f"{key.dotted}.*", key.doc, 18) for key in sections],
        ["examples:", *(f"  {example}" for example in EXAMPLES)],
        [NOTE],
    )


def command_help(verb: str) -> str:
    """The text of `skinlab VERB --help` for a verb that takes a declaration: train, check or lr-find."""
    purpose, extra, examples = _DECLARING[verb]
    known = find(verb)
    sweeps = known is not None and "-m" in known.options
    rows = [row for row in _OVERRIDES if sweeps or not row[0].startswith("-m")]
    return _page(
        [f"usage: skinlab {verb} [overrides] {'[-m] ' if sweeps else ''}[options]", "", purpose],
        ["overrides and options:", *(_row(*row, 24) for row in (*rows, *extra, ("-h, --help", "this text")))],
        ["examples:", *(f"  {example}" for example in examples)],
        keys_help().splitlines(),
        [NOTE],
    )


def keys_help() -> str:
    """Every group with its choices and every key with meaning, type, range, unit and default, for 100 columns."""
    from skinlab.config.defaults import read_defaults

    defaults = read_defaults()
    searched = places()
    known = groups(searched)
    lines = ["keys, with their meaning [type, range, unit; default]:"]
    for key in tree.all_keys():
        if len(key.path) == 1 and tree.sections(key.kind):
            lines += ["", f"{key.dotted}: {key.doc}"]
            if key.dotted in known:
                lines += _wrapped(
                    f"  {key.dotted}=", _choices_text(choices(key.dotted, searched), defaults.chosen[key.dotted])
                )
        elif not (tree.sections(key.kind) or tree.follows_choice(key.path)):
            lines += _wrapped(f"  {shown_key(key)}", _key_text(key, defaults))
    presets = " | ".join(choices(tree.PRESETS, searched)) or "none yet"
    lines += ["", f"{tree.PRESETS}: a named set of the above", *_wrapped(f"  {tree.PRESETS}=", presets)]
    return "\n".join(lines) + "\n"


def _choices_text(names: Iterable[str], default: str) -> str:
    return " | ".join(f"{name} (default)" if name == default else name for name in names)


def shown_key(key: tree.Key) -> str:
    """A key as a user types it; `[]` stands for the number of an element."""
    return key.dotted.replace(".[]", "[]")


def _key_text(key: tree.Key, defaults: "Defaults") -> str:
    default = default_text(key, defaults)
    only = f" (only {key.path[0]}={key.variant})" if key.variant else ""
    return f"{key.doc}{only} [{facts_text(key)}{f'; default {default}' if default else ''}]"


def facts_text(key: tree.Key) -> str:
    """Type, range and unit of a key."""
    return ", ".join(filter(None, [wording.kind_text(key.kind).removeprefix("a "), _range_text(key), key.unit]))


def _range_text(key: tree.Key) -> str:
    text = wording.bounds_text(key.bounds)
    return f"{text} elements" if text and tree.element(key.kind) is not None else text


def default_text(key: tree.Key, defaults: "Defaults") -> str:
    """One value where all choices agree, else each with its choices; that of many comes last, without them."""
    by_text: dict[str, list[str]] = {}
    for file, value in defaults.values(key.path).items():
        if not key.variant or file == f"{key.path[0]}/{key.variant}":
            by_text.setdefault(_value_text(value, file), []).append(file.rpartition("/")[2])
    if len(by_text) == 1:
        return next(iter(by_text))
    commonest = max(by_text, key=lambda text: len(by_text[text]), default="")
    crowded = len(by_text.get(commonest, ())) > MANY
    texts = [
        f"{text} with {wording.alternatives_text(files, 'and')}"
        for text, files in by_text.items()
        if not (crowded and text == commonest)
    ]
    return ", ".join([*texts, f"else {commonest}"] if crowded else texts)


def _value_text(value: Any, file: str) -> str:
    if value == "???":
        return "none, required"
    text = wording.value_text(value)
    return f"in conf/{file}.yaml" if text.endswith("...") else text


def _row(left: str, right: str, column: int) -> str:
    """Two columns; the right one wraps."""
    return "\n".join(_wrapped(f"  {left}", right, column))


def _wrapped(left: str, right: str, column: int = KEY_COLUMN) -> list[str]:
    lines = textwrap.wrap(right, WIDTH - column, break_long_words=False, break_on_hyphens=False) or [""]
    return [f"{left:<{column - 1}} {lines[0]}", *(f"{'':<{column}}{line}" for line in lines[1:])]


def _page(*blocks: list[str]) -> str:
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"
