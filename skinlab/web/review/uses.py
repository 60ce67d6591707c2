"""Which runs used an image, and with which label: what a corrected label makes outdated. Writes nothing."""

import csv
import io
import mmap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from skinlab.data.label_log.entries import Entry, last_by_image
from skinlab.data.split import COLUMNS, LEFT_OUT
from skinlab.runs.facts import DAMAGED, Facts
from skinlab.runs.index import all_runs

MOST = 200
"""So many of the newest runs are looked at."""


@dataclass(frozen=True)
class Use:
    """An image in a run.

    Attributes:
        run: the run's id.
        experiment: its name.
        status: of the run.
        subset: where the image was.
        label: what it was called in that run; None: the log does not know the run's revision any more.
        outdated: whether it is called otherwise now.
    """

    run: str
    experiment: str
    status: str
    subset: str
    label: str | None
    outdated: bool


@dataclass(frozen=True)
class Outdated:
    """A run that used labels which were changed since.

    Attributes:
        run: its id.
        experiment: its name.
        status: of the run.
        images: how many such images it has in each subset.
    """

    run: str
    experiment: str
    status: str
    images: dict[str, int]


def of_image(output: Path, entries: Sequence[Entry], image_id: str, sha256: str | None, source: str) -> list[Use]:
    """The runs that used this very file under this id, the newest first.

    Args:
        output: the folder of runs.
        entries: of the label log.
        image_id: the image.
        sha256: of its file; None: it cannot be read, and the id alone counts.
        source: the label of the source.
    """
    now = _label(entries, image_id, source)
    found = []
    for path, facts in _newest(output):
        place = _place_in(path / "split.csv", image_id)
        if place is None or place[1] == LEFT_OUT or (sha256 is not None and place[0] != sha256):
            continue
        until = _until(entries, facts)
        then = None if until is None else _label(until, image_id, source)
        found.append(Use(*_told(facts), subset=place[1], label=then, outdated=then != now))
    return found


def outdated(output: Path, entries: Sequence[Entry]) -> list[Outdated]:
    """The runs whose labels were changed since, the newest first, but for those whose revision is not in the log."""
    found = []
    for path, facts in _newest(output):
        until = _until(entries, facts)
        changed = {} if until is None else _changed(until, entries)
        images = _counted(path / "split.csv", changed) if changed else {}
        if images:
            found.append(Outdated(*_told(facts), images=images))
    return found


def _newest(output: Path) -> list[tuple[Path, Facts]]:
    known = [(path, facts) for path, facts in all_runs(output).items() if facts.values["status"] != DAMAGED]
    return sorted(known, key=lambda one: str(one[1].values["started"]), reverse=True)[:MOST]


def _told(facts: Facts) -> tuple[str, str, str]:
    return str(facts.values["id"]), str(facts.values["experiment"]), facts.status


def _until(entries: Sequence[Entry], facts: Facts) -> Sequence[Entry] | None:
    """The entries that a run took into account; None where they are not those of this log."""
    revision = facts.values.get("label_revision")
    if revision is None:
        return []
    return next((entries[: entry.number] for entry in entries if entry.hash == revision), None)


def _label(entries: Sequence[Entry], image_id: str, source: str) -> str:
    last = last_by_image(entries).get(image_id)
    return last.new_label if last is not None and last.corrects else source


def _changed(then: Sequence[Entry], now: Sequence[Entry]) -> dict[str, str]:
    """The images, with their files' hashes, that are called otherwise by now."""
    before = last_by_image(then)
    return {
        image_id: entry.sha256
        for image_id, entry in last_by_image(now[len(then) :]).items()
        if _label([before[image_id]] if image_id in before else [], image_id, entry.source_label) != entry.new_label
    }


def _place_in(split: Path, image_id: str) -> tuple[str, str] | None:
    """SHA-256 and subset of an image in a split.csv, found without reading all of it as a table."""
    cell = io.StringIO()
    csv.writer(cell, lineterminator="").writerow([image_id])
    begins = b"\n" + cell.getvalue().encode() + b","
    try:
        with split.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            start = content.find(begins)
            if start < 0:
                return None
            content.seek(start + 1)
            line = content.readline().decode()
    except (OSError, ValueError):  # no split yet, or an empty one
        return None
    cells = dict(zip(COLUMNS, next(csv.reader([line])), strict=False))
    return (cells["sha256"], cells["subset"]) if len(cells) == len(COLUMNS) else None


def _counted(split: Path, changed: Mapping[str, str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    try:
        with split.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                if changed.get(row["image_id"]) == row["sha256"] and row["subset"] != LEFT_OUT:
                    counts[row["subset"]] = counts.get(row["subset"], 0) + 1
    except (OSError, UnicodeDecodeError, csv.Error, KeyError):  # no split yet, or a damaged run
        return {}
    return counts
