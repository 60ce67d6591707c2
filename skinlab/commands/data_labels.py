"""`skinlab data labels`: the history of corrected labels, and its new entries: set, undo, revert."""

import json
import sys
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from skinlab.commands.arguments import declaring_parser
from skinlab.config import tree
from skinlab.errors import ConfigError
from skinlab.logs import visible

if TYPE_CHECKING:
    from skinlab.data.label_log.entries import Entry
    from skinlab.data.label_log.store import LabelLog
    from skinlab.schema import Dataset

HELP = """usage: skinlab data labels [overrides] [--image ID] [--json]
       skinlab data labels set IMAGE_ID LABEL --why TEXT [--who NAME] [overrides]
       skinlab data labels undo ENTRY --why TEXT [--who NAME] [overrides]
       skinlab data labels revert REVISION [--why TEXT] [--who NAME] [overrides]

Show the log of corrected labels of the declared data set, or add to it. Nothing in it is ever changed or removed:
taking a correction back is a new entry. Overrides say which data set: dataset=folder dataset.path=PATH.

  set         give an image another label of the source
  undo        give an image the label back that it had before its last entry (a number or a hash of the list)
  revert      set all labels back to a revision (a hash or number of the list; none: the labels of the source)

  --image ID        only the entries of one image
  --json            print the entries as JSON, with full hashes
  --why TEXT        the reason, kept in the log
  --who NAME        by whom (default: your user name)
  --config-dir DIR  a further folder of configuration

A run uses the newest revision and records it; dataset.label_revision=REVISION takes another one, and none takes no
corrections at all.
"""
_WORDS = {"set": ("IMAGE_ID", "LABEL"), "undo": ("ENTRY",), "revert": ("REVISION",)}


def main(argv: list[str]) -> int:
    """Runs `skinlab data labels ARGV`.

    Returns:
        0.

    Raises:
        SkinlabError: the declaration or the words are wrong, there is nothing to change, or the log cannot be written.
    """
    parser = declaring_parser("data labels")
    for option in ("--image", "--why", "--who"):
        parser.add_argument(option)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_intermixed_args(argv)
    if options.help:
        sys.stdout.write(HELP)
        return 0
    if options.multirun:
        raise ConfigError("skinlab data labels is about one data set: leave out -m")
    verb, words, overrides = _divided(options.overrides)
    _check(verb, options)
    from skinlab.config import compose
    from skinlab.data.label_log.place import log_of

    dataset = compose(overrides, options.config_dirs).config.dataset
    log = log_of(dataset)
    if verb is None:
        _show(log, options)
    else:
        _tell(log, _added(verb, words, dataset, log, options))
    return 0


def _divided(words: Sequence[str]) -> tuple[str | None, list[str], list[str]]:
    """The verb, its words and the overrides, which are told by their keys: an image id may have a `=` too.

    Raises:
        ConfigError: a verb without its words, or with more.
    """
    if not words or words[0] not in _WORDS:
        return None, [], list(words)
    known = {*tree.dotted_names(), tree.PRESETS}
    verb = words[0]
    overrides: list[str] = []
    given: list[str] = []
    for word in words[1:]:
        key, equals, _ = word.lstrip("+~").partition("=")
        (overrides if equals and key in known else given).append(word)
    if len(given) != len(_WORDS[verb]):
        got = f", not: {' '.join(given)}" if given else ""
        raise ConfigError(f"{verb} takes {' '.join(_WORDS[verb])} and overrides{got}; see skinlab data labels --help")
    return verb, given, overrides


def _check(verb: str | None, options: Namespace) -> None:
    """Refuses options that do not go with the verb."""
    if verb in ("set", "undo") and not options.why:
        raise ConfigError(f"{verb} needs --why TEXT: the reason is kept in the log")
    if verb is None and (options.why or options.who):
        raise ConfigError("--why and --who go with set, undo and revert")
    if verb is not None and (options.image or options.json):
        raise ConfigError(f"--image and --json show the log: leave them out of {verb}")


# --- changing ------------------------------------------------------------------------------------------------------


def _added(verb: str, words: Sequence[str], dataset: "Dataset", log: "LabelLog", options: Namespace) -> list["Entry"]:
    """The new entries of one of the three verbs."""
    from skinlab.data.classes import labels_of
    from skinlab.data.label_log.edit import revert, set_label, undo
    from skinlab.data.sources import load

    why, who = options.why or "", options.who
    if verb == "undo":
        return [undo(log, words[0], why=why, who=who)]
    if verb == "revert":
        return revert(log, words[0], why=why, who=who)
    further = labels_of(dataset.classes)
    return [set_label(log, load(dataset), words[0], words[1], why=why, who=who, further=further)]


def _tell(log: "LabelLog", added: Sequence["Entry"]) -> None:
    for entry in added:
        sys.stdout.write(f"entry {entry.number}: {entry.image_id}: {_change(entry)}\n")
    sys.stdout.write(f"revision {added[-1].revision} of {log.path}\n")


def _change(entry: "Entry") -> str:
    old, new = (label or "(no label)" for label in (entry.old_label, entry.new_label))
    return f"{old} -> {new}"


# --- showing -------------------------------------------------------------------------------------------------------


def _show(log: "LabelLog", options: Namespace) -> None:
    entries = log.read()
    shown = [entry for entry in entries if options.image in (None, entry.image_id)]
    if options.json:
        sys.stdout.write(json.dumps([asdict(entry) for entry in shown], indent=2, ensure_ascii=False) + "\n")
        return
    if shown:
        _print(shown)
    if not entries:
        sys.stdout.write(f"no corrections: {log.path} has no entry\n")
        return
    of_image = "" if options.image is None else f" {len(shown)} of them of {options.image};"
    number = f"{len(entries)} entr{'ies' if len(entries) > 1 else 'y'}"
    sys.stdout.write(f"{number};{of_image} revision {entries[-1].revision} of {log.path}\n")


def _print(entries: Sequence["Entry"]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("entry", "revision", "when (UTC)", "image", "label", "who", "why", box=None, pad_edge=False)
    for entry in entries:
        when = entry.when.removesuffix("+00:00").replace("T", " ")
        cells = (str(entry.number), entry.revision, when, entry.image_id, _change(entry), entry.who, entry.why)
        table.add_row(*(Text(visible(cell), overflow="fold") for cell in cells))
    Console(soft_wrap=False).print(table)
