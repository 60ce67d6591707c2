"""The index of an output folder: facts of runs, kept so that listing them does not read every file again.

One SQLite file in the output folder. It is never the truth: whether a row still holds is told by the state of the run's
files; a run that is gone is gone from the list; an index that is missing, damaged or of another version is made anew.
"""

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from skinlab.run import RUN_FILE
from skinlab.runs import facts, notes, places
from skinlab.runs.facts import Facts

NAME = ".index.sqlite"
VERSION = 1
_PATIENCE_S = 5.0
_FILES = (RUN_FILE, "summary.json", notes.FILE)
_CREATE = "CREATE TABLE IF NOT EXISTS runs (path TEXT PRIMARY KEY, state TEXT NOT NULL, facts TEXT NOT NULL)"
Row = tuple[str, str]
"""State of the files, and the facts as JSON."""


def all_runs(output: Path) -> dict[Path, Facts]:
    """The runs below an output folder with their facts, in order of their paths.

    Safe beside other processes that list, run or delete runs. Where the index cannot be read or written the files are
    read.
    """
    with _opened(output / NAME) as (index, known):
        found: dict[Path, Facts] = {}
        fresh: list[tuple[str, str, str]] = []
        for path in places.runs_below(output):
            key, state = str(path.relative_to(output)), _state(path)
            kept = _kept(known.pop(key, None), state)
            found[path] = kept or _read(path, output)
            if kept is None and found[path].status != facts.DAMAGED:
                fresh.append((key, state, json.dumps(asdict(found[path]))))
        _update(index, fresh, list(known))
    return found


def _kept(row: Row | None, state: str) -> Facts | None:
    """What the index knows of a run, if its files are still as they were."""
    if row is None or row[0] != state:
        return None
    try:
        return Facts(**json.loads(row[1]))
    except (ValueError, TypeError):
        return None


def _read(path: Path, output: Path) -> Facts:
    sweep = path.parent.name if places.is_of_sweep(path, output) else None
    return facts.read(path, places.id_of(path, output), sweep)


def _state(path: Path) -> str:
    """Changes whenever one of the files is written, since each is renamed into its place."""
    return json.dumps([_stat(f"{path}/{name}") for name in _FILES])


def _stat(path: str) -> list[int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - thousands of times
    except OSError:
        return None
    return [found.st_mtime_ns, found.st_size, found.st_ino]


# --- the file ------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tuple[sqlite3.Connection | None, dict[str, Row]]]:
    """The index and its rows; None and none where there can be none: no permission, or locked for too long."""
    index, rows = _loaded(path)
    try:
        yield index, rows
    finally:
        if index is not None:
            index.close()


def _loaded(path: Path) -> tuple[sqlite3.Connection | None, dict[str, Row]]:
    if not path.parent.is_dir():
        return None, {}
    for _attempt in range(2):
        try:
            return _load(path)
        except sqlite3.OperationalError:
            break
        except sqlite3.DatabaseError:  # damaged: it only saves time, so it begins anew
            path.unlink(missing_ok=True)
    return None, {}


def _load(path: Path) -> tuple[sqlite3.Connection, dict[str, Row]]:
    index = sqlite3.connect(path, timeout=_PATIENCE_S, isolation_level=None)
    try:
        if index.execute("PRAGMA user_version").fetchone()[0] != VERSION:
            index.execute("BEGIN IMMEDIATE")
            index.execute("DROP TABLE IF EXISTS runs")
            index.execute(_CREATE)
            index.execute(f"PRAGMA user_version = {VERSION}")
            index.execute("COMMIT")
        rows = index.execute("SELECT path, state, facts FROM runs").fetchall()
    except sqlite3.Error:
        index.close()
        raise
    return index, {path: (state, known) for path, state, known in rows}


def _update(index: sqlite3.Connection | None, fresh: Sequence[tuple[str, str, str]], gone: Sequence[str]) -> None:
    """Keep what was read and drop what is gone; where that cannot be done now, the next process does it."""
    if index is None or not (fresh or gone):
        return
    with contextlib.suppress(sqlite3.DatabaseError):
        index.execute("BEGIN IMMEDIATE")
        index.executemany("INSERT OR REPLACE INTO runs VALUES (?, ?, ?)", fresh)
        index.executemany("DELETE FROM runs WHERE path = ?", [(key,) for key in gone])
        index.execute("COMMIT")
