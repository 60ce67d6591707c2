"""The trash of an output folder: deleted runs, whole, until it is emptied.

outputs/.trash/<time>-<random>/run is the directory as it was; trash.json beside it says where it lay.
"""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from skinlab import files
from skinlab.config.resolvers import run_id
from skinlab.data.wording import listed
from skinlab.errors import OutputError
from skinlab.run import Run
from skinlab.runs.naming import SHORTEST

FOLDER = ".trash"
_RUN, _RECORD = "run", "trash.json"


@dataclass(frozen=True)
class Deleted:
    """A run in the trash.

    Attributes:
        folder: its folder in the trash.
        path: where it lay, relative to the output folder.
        time: when it was deleted, UTC.
    """

    folder: Path
    path: str
    time: str


def delete(run: Run, output: Path) -> Deleted:
    """Move a run to the trash, in one step.

    Args:
        run: not running.
        output: the output folder that it lies in.

    Raises:
        OutputError: it is running, lies elsewhere, or cannot be moved.
    """
    if not run.path.resolve().is_relative_to(output.resolve()):
        raise OutputError(f"{run.path} does not lie in {output}: name its output folder with --output")
    place = str(run.path.resolve().relative_to(output.resolve()))
    folder = output / FOLDER / run_id()
    deleted = Deleted(folder, place, datetime.now(UTC).isoformat(timespec="seconds"))
    with run.at_rest():
        try:
            folder.mkdir(parents=True)
            files.write_json(folder / _RECORD, {"path": deleted.path, "time": deleted.time})
            run.path.rename(folder / _RUN)
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise files.output_error(run.path, error) from error
    return deleted


def content(output: Path) -> list[Deleted]:
    """What is in the trash, what was deleted first first."""
    found = []
    for record in sorted((output / FOLDER).glob(f"*/{_RECORD}")):
        try:
            known = files.json_object(record.read_bytes())
            deleted = Deleted(record.parent, str(known["path"]), str(known["time"]))
        except (OSError, ValueError, KeyError, TypeError):
            continue  # emptied at this moment
        if (record.parent / _RUN).is_dir():
            found.append(deleted)
    return sorted(found, key=lambda deleted: (deleted.time, deleted.path))


def find(name: str, output: Path) -> Deleted:
    """The deleted run whose path or id begins or ends with a name; of one path several times, the last.

    Raises:
        OutputError: none or several are meant.
    """
    inside = content(output)
    named = {
        deleted.path: deleted
        for deleted in inside
        if deleted.path == name
        or (len(name) >= SHORTEST and (deleted.path.endswith(name) or Path(deleted.path).name.startswith(name)))
    }
    if not inside:
        raise OutputError(f"{name}: the trash of {output} is empty")
    if len(named) != 1:
        paths = listed(list(named) or [deleted.path for deleted in inside])
        raise OutputError(f"{name}: {'several' if named else 'none'} in the trash of {output} called so: {paths}")
    return next(iter(named.values()))


def restore(deleted: Deleted, output: Path) -> Path:
    """Put a run back where it lay.

    Raises:
        OutputError: something is there, or it cannot be moved.
    """
    place = output / deleted.path
    if not place.resolve().is_relative_to(output.resolve()) or place.exists():
        raise OutputError(f"{place} is there already, or outside {output}: move it away first")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        (deleted.folder / _RUN).rename(place)
    except OSError as error:
        raise files.output_error(place, error) from error
    shutil.rmtree(deleted.folder, ignore_errors=True)
    return place


def empty(chosen: Iterable[Deleted]) -> int:
    """Delete for good; how many bytes came free.

    Raises:
        OutputError: a folder cannot be deleted.
    """
    freed = 0
    for deleted in chosen:
        freed += size(deleted)
        try:
            shutil.rmtree(deleted.folder)
        except FileNotFoundError:
            continue  # another process empties the trash, too
        except OSError as error:
            raise files.output_error(deleted.folder, error) from error
    return freed


def size(deleted: Deleted) -> int:
    """How many bytes the run takes."""
    return sum(path.lstat().st_size for path in deleted.folder.rglob("*") if not path.is_dir())
