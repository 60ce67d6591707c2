"""In what two runs, or a run and this machine, differ: packages, images, declarations, numbers. Judges nothing."""

import csv
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skinlab.config.differences import differing, flattened
from skinlab.data.split import COLUMNS
from skinlab.errors import DataError, OutputError
from skinlab.run import Run
from skinlab.runs import facts

ABSENT = "absent"
LOCK_FILE = "environment.lock"
OURS, RUNTIME = "environment", "engine runtime"
"""The sections of environment.lock."""
MACHINE = ("system", "python", "cpu", "cores")
"""Facts of a machine that may change bits."""
_CONTENT, _SUBSET = "sha256", "subset"


@dataclass(frozen=True)
class Difference:
    """One thing that is not the same; a side that lacks it says so.

    >>> str(Difference("numpy", "2.1.0", "2.2.0"))
    'numpy: 2.1.0 -> 2.2.0'
    """

    what: str
    before: Any
    after: Any

    def __str__(self) -> str:
        """One line."""
        return f"{self.what}: {_text(self.before)} -> {_text(self.after)}"


def between(one: Run, other: Run) -> dict[str, list[Difference]]:
    """All in which two runs differ, by subject; subjects without a difference are left out.

    Raises:
        OutputError: a file of a run cannot be read.
    """
    records = (one.record, other.record)
    found = {
        "declaration": of_mappings(*(flattened(record.get("config", {})) for record in records)),
        "data": _of_data(one, other),
        "code": of_mappings(*(record.get("code", {}) for record in records)),
        "environment": of_packages(*(packages(run.path)[OURS] for run in (one, other))),
        "engine runtime": of_packages(*(packages(run.path)[RUNTIME] for run in (one, other))),
        "engine": of_mappings(*(flattened(record.get("engine", {})) for record in records)),
        "machine": of_mappings(*(record.get("machine", {}) for record in records)),
        "numbers": of_mappings(*(_numbers(run.path) for run in (one, other))),
    }
    return {subject: differences for subject, differences in found.items() if differences}


def of_mappings(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """The keys whose values are not the same."""
    keys = differing([dict(before), dict(after)])
    return [Difference(key, before.get(key, ABSENT), after.get(key, ABSENT)) for key in keys]


def _numbers(path: Path) -> dict[str, Any]:
    values = facts.read(path, path.name, None).values
    return {key: value for key, value in values.items() if key.partition(".")[0] in facts.SUBSETS}


# --- packages ------------------------------------------------------------------------------------------------------


def packages(run: Path) -> dict[str, dict[str, str]]:
    """Version of each package by its normalised name, for both sections of environment.lock; empty where there is none.

    Raises:
        OutputError: the file cannot be read.
    """
    found: dict[str, dict[str, str]] = {OURS: {}, RUNTIME: {}}
    section = found[OURS]
    for line in _lines(run / LOCK_FILE):
        if line.startswith("# "):
            section = found.setdefault(line[2:], {})
        elif "==" in line:
            name, _, version = line.partition("==")
            section[normalised(name)] = version
    return found


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise OutputError(f"{path} cannot be read: {error}") from error


def normalised(name: str) -> str:
    """A package's name as the index compares it.

    >>> normalised("Ast_Serialize")
    'ast-serialize'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def of_packages(before: Mapping[str, str], after: Mapping[str, str]) -> list[Difference]:
    """Packages of another version, or on one side alone, by name. skinlab itself is told by its code."""
    named = [{normalised(name): version for name, version in side.items()} for side in (before, after)]
    names = sorted((named[0].keys() | named[1].keys()) - {"skinlab"})
    return [
        Difference(name, named[0].get(name, ABSENT), named[1].get(name, ABSENT))
        for name in names
        if named[0].get(name) != named[1].get(name)
    ]


# --- images --------------------------------------------------------------------------------------------------------

Image = dict[str, str]
"""A row of split.csv: sha256, label, group, subset."""


def images(split_csv: Path) -> dict[str, Image]:
    """The rows of a split.csv by image id.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        return rows_of(split_csv.read_text(encoding="utf-8"))
    except (OSError, KeyError, ValueError, csv.Error) as error:
        raise DataError(f"{split_csv} cannot be read: {error!r}") from error


def rows_of(text: str) -> dict[str, Image]:
    """The rows of the text of a split.csv by image id."""
    rows = csv.DictReader(text.splitlines())
    return {row["image_id"]: {name: row[name] for name in COLUMNS[1:]} for row in rows}


def of_images(before: Mapping[str, Image], after: Mapping[str, Image]) -> list[Difference]:
    """What became of each image: another label, content, group or subset; or it is on one side alone.

    A file of the same content under another id, as when it was moved to the folder of another class, is one difference.
    Changes of the subset alone come last: where a split is drawn, one label may move many images.

    >>> row = {"sha256": "ab", "label": "nevus", "group": "", "subset": "test"}
    >>> [str(found) for found in of_images({"a": row}, {"a": row | {"label": "melanoma"}, "b": row | {"sha256": "cd"}})]
    ['a label: nevus -> melanoma', 'b: absent -> nevus, test']
    """
    gone = {before[name]["sha256"]: name for name in before if name not in after}
    came = {after[name]["sha256"]: name for name in after if name not in before}
    renamed = {name: came[content] for content, name in gone.items() if content in came}
    first: list[Difference] = []
    moved: list[Difference] = []
    for name in sorted((before.keys() | after.keys()) - set(renamed.values())):
        old, new = before.get(name), after.get(name)
        if old is None or new is None:
            now = f"{renamed[name]}: {_image(after[renamed[name]])}" if name in renamed else _image(new)
            first.append(Difference(name, _image(old), now))
            continue
        for column in (column for column in old if old[column] != new[column]):
            what = f"{name} {'content (sha256)' if column == _CONTENT else column}"
            said = Difference(what, old[column], new[column])
            (moved if column == _SUBSET else first).append(said)
    return first + moved


def _image(row: Image | None) -> str:
    return f"{row['label']}, {row['subset']}" if row else ABSENT


def _of_data(one: Run, other: Run) -> list[Difference]:
    keys = ("dataset_fingerprint", "split_hash", "label_revision", "classes")
    hashes = of_mappings(*({key: run.record.get(key) for key in keys} for run in (one, other)))
    splits = [run.path / "split.csv" for run in (one, other)]
    if all(split.is_file() for split in splits) and any(found.what == "split_hash" for found in hashes):
        return hashes + of_images(*map(images, splits))
    return hashes


def _text(value: Any) -> str:
    """A value in a line; a hash by its beginning, a fraction by six digits."""
    if isinstance(value, float):
        return f"{value:.6g}"
    text = value if isinstance(value, str) else json.dumps(value)
    return text[:12] if re.fullmatch("[0-9a-f]{40}|[0-9a-f]{64}", text) else text
