"""`skinlab __complete WORDS...`: what may follow, one candidate a line. Asked by the shell on every TAB.

Reads the schema and folder listings only; imports no Hydra. A candidate that ends in `=`, `.` or `/` goes on, after
any other the shell adds a space.
"""

import os
import sys
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

from skinlab.commands.table import VERBS, Verb, find
from skinlab.config import tree
from skinlab.config.places import Place, choices, groups, places

FOLDER_OPTION = "--config-dir"
OUT_OPTION = "--out"
UNSAFE = frozenset(" \t\n\\'\"`$&|;<>()*?[]{}!,=:")  # of file names: a shell or Hydra would need them quoted


def main(argv: list[str]) -> int:
    """Print the candidates for the last of the words that follow `skinlab`."""
    sys.stdout.write("".join(f"{candidate}\n" for candidate in candidates(argv or [""])))
    return 0


def candidates(words: Sequence[str]) -> list[str]:
    """Candidates for the last word.

    Args:
        words: what follows `skinlab`; the last is what has been typed of the word to complete, maybe nothing.

    >>> candidates(["tra"])
    ['train']
    >>> candidates(["check", "engine.mkl"])
    ['engine.mkl_cpu_type=']
    """
    partial = words[-1]
    if len(words) == 1:
        return _starting(partial, [*(verb.name for verb in VERBS), "--help", "--version"])
    verb = find(words[0])
    if verb is None:
        return []
    return _of_dispatcher(verb, words[1:]) if verb.verbs else _of_verb(verb, words)


def _of_verb(verb: Verb, words: Sequence[str]) -> list[str]:
    """Candidates after a verb without verbs of its own: options, fixed words, and overrides where it takes them."""
    partial = words[-1]
    if words[-2] == FOLDER_OPTION:
        return [path for path in _paths(partial) if path.endswith("/")]
    if words[-2] == OUT_OPTION:
        return _paths(partial)
    if partial.startswith("-"):
        return _starting(partial, verb.options)
    before = words[1:-1]
    named = [] if verb.declares and before else _starting(partial, _unused(verb, words))
    files = _paths(partial) if verb.paths else []
    return [
        *named,
        *(_runs(partial) if verb.runs else []),
        *files,
        *(_overrides(before, partial) if verb.declares else []),
    ]


def _of_dispatcher(verb: Verb, words: Sequence[str]) -> list[str]:
    """Candidates after a verb that has verbs of its own: these, then the options of the one that was typed."""
    if len(words) == 1:
        return _starting(words[0], [*(inner.name for inner in verb.verbs), *verb.options])
    inner = find(words[0], verb.verbs)
    if inner is None:
        lists = verb.options != Verb("", "").options  # it is a command by itself, too: skinlab runs FILTER...
        return _starting(words[-1], verb.options) if lists and words[-1].startswith("-") else []
    if inner.declares:
        return _of_verb(inner, words)
    if words[-1].startswith("-") or not (inner.paths or inner.runs):
        return _starting(words[-1], [*_unused(inner, words), *inner.options])
    return [*(_runs(words[-1]) if inner.runs else []), *_paths(words[-1])]


def _runs(partial: str) -> list[str]:
    """Short names of runs; none while a path is typed."""
    from skinlab.runs.naming import candidates as names

    return [] if partial.startswith((".", "/", "~")) else names(partial)


def _unused(verb: Verb, words: Sequence[str]) -> list[str]:
    return [argument for argument in verb.arguments if argument not in words[1:-1]]


def _starting(partial: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith(partial)]


def _overrides(before: Sequence[str], partial: str) -> list[str]:
    searched = _searched(before)
    typed = partial.lstrip("+~")
    prefix = partial[: len(partial) - len(typed)]
    key, equals, value = typed.partition("=")
    if not equals:
        return [prefix + name for name in _keys(typed, groups(searched), _chosen(before))]
    head, comma, last = value.rpartition(",")  # of a sweep, the value after the last comma
    return [f"{prefix}{key}={head}{comma}{name}" for name in _values(key, last, searched)]


def _searched(before: Sequence[str]) -> tuple[Place, ...]:
    """The folders that are searched, without those of `--config-dir` that are not there (yet)."""
    named = [word for option, word in pairwise(before) if option == FOLDER_OPTION]
    named += [word.partition("=")[2] for word in before if word.startswith(f"{FOLDER_OPTION}=")]
    folders = [Path(word).expanduser() for word in named]
    return places([folder for folder in folders if folder.is_dir()])


def _chosen(before: Sequence[str]) -> dict[str, str]:
    return {key: value for key, equals, value in (word.partition("=") for word in before) if equals}


def _keys(typed: str, known_groups: Sequence[str], chosen: dict[str, str]) -> list[str]:
    """Keys one level further than what is typed: `optimizer.` before `optimizer.learning_rate=`."""
    names = [f"{group}=" for group in known_groups]
    for key in tree.all_keys():
        if "[]" in key.path or tree.follows_choice(key.path) or not _of_choice(key, chosen):
            continue
        names.append(f"{key.dotted}." if tree.sections(key.kind) else f"{key.dotted}=")
    level = typed.count(".")
    return list(dict.fromkeys(name for name in _starting(typed, names) if name.rstrip(".").count(".") == level))


def _of_choice(key: tree.Key, chosen: dict[str, str]) -> bool:
    """Whether a key belongs to the choice that was typed before; one of the user's own may have any."""
    named = chosen.get(key.path[0])
    variants = {
        name: tree.variant_name(kind) for kind in tree.siblings(key.path[:1]) for name in tree.variant_names(kind)
    }
    return key.variant is None or named not in variants or key.variant == variants[named]


def _values(key: str, typed: str, searched: Sequence[Place]) -> list[str]:
    if key in groups(searched):
        return _starting(typed, choices(key, searched))
    kinds = [known.kind for known in tree.all_keys() if known.dotted == key]
    if any(tree.members(kind)[0] is str for kind in kinds) and tree.is_path(key):
        return _paths(typed)
    return _starting(typed, dict.fromkeys(name for kind in kinds for name in _values_of(kind)))


def _values_of(kind: tree.Kind) -> list[str]:
    first = tree.members(kind)[0]
    names = list(tree.literals(first)) or (["true", "false"] if first is bool else [])
    names += [f"[{name}]" for name in tree.literals(tree.element(first))] if tree.element(first) is not None else []
    return [*names, "null"] if tree.is_optional(kind) else names


def _paths(typed: str) -> list[str]:
    """Files and folders that start as typed; folders end in a slash."""
    head, slash, start = typed.rpartition("/")
    folder = Path(head + slash or ".").expanduser()
    if not folder.is_dir() or not os.access(folder, os.R_OK | os.X_OK):
        return []
    entries = sorted(entry for entry in folder.iterdir() if entry.name.startswith(start))
    shown = [entry for entry in entries if start or not entry.name.startswith(".")]
    return [f"{head}{slash}{entry.name}{'/' * entry.is_dir()}" for entry in shown if not UNSAFE & set(entry.name)]
