"""Where the directories of runs and sweeps lie below an output folder. Lists folders; opens no file."""

import os
from collections.abc import Iterator
from pathlib import Path

from skinlab.run import RUN_FILE
from skinlab.sweeps.state import SWEEP_FILE

RUNS, SWEEPS, REPRODUCTIONS = "runs", "sweeps", "reproductions"
_DEPTH = 5
"""outputs/sweeps/NAME/ID/0, and one more for a name with a slash."""


def runs_below(output: Path) -> Iterator[Path]:
    """All run directories below a folder, in order of their paths; hidden folders and links are not entered."""
    yield from _walk(output, _DEPTH, RUN_FILE)


def sweeps_below(output: Path) -> Iterator[Path]:
    """The directories of all sweeps below a folder, in order of their paths."""
    yield from _walk(output / SWEEPS, _DEPTH - 2, SWEEP_FILE)


def _walk(folder: Path, depth: int, file: str) -> Iterator[Path]:
    """Directories that hold a file of this name; what is in them is not looked at."""
    try:
        with os.scandir(folder) as entries:
            inside = sorted(
                entry.path
                for entry in entries
                if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)
            )
    except OSError:  # deleted a moment ago, or not ours to read
        return
    for path in inside:
        if os.path.lexists(f"{path}/{file}"):
            yield Path(path)
        elif depth > 1:
            yield from _walk(Path(path), depth - 1, file)


def id_of(path: Path, output: Path) -> str:
    """What tells a run from the others: its folder's name; with that of its sweep, the number alone being none.

    >>> id_of(Path("outputs/runs/debug/20261123-002523-f1deba"), Path("outputs"))
    '20261123-002523-f1deba'
    >>> id_of(Path("outputs/sweeps/debug/20261123-002523-f1deba/3"), Path("outputs"))
    '20261123-002523-f1deba/3'
    """
    return f"{path.parent.name}/{path.name}" if is_of_sweep(path, output) else path.name


def is_of_sweep(path: Path, output: Path) -> bool:
    """Whether a run was made by a sweep."""
    return path.relative_to(output).parts[0] == SWEEPS


def output_of(path: Path) -> Path | None:
    """The output folder that a run directory lies in, told by its folders; None where it lies elsewhere."""
    places = path.absolute().parents
    return next((place.parent for place in places if place.name in (RUNS, SWEEPS, REPRODUCTIONS)), None)
