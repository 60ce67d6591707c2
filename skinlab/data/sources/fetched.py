"""A local copy that `skinlab data fetch` made: whether it is what was declared, and its table. Fetches nothing."""

import csv
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from skinlab.data.archive.declaration import Declared, gist
from skinlab.data.archive.folder import FAILURES, METADATA, LocalCopy
from skinlab.data.sources.files import absolute
from skinlab.data.wording import listed
from skinlab.errors import DataError

_log = logging.getLogger(__name__)
Row = dict[str, str]
_COLUMNS = frozenset({"file", "fetch"})


def fetched_rows(root: Path, matches: Callable[[Declared], bool], command: str) -> list[Row]:
    """The rows of metadata.csv that belong to a declaration, in the order of the table.

    Args:
        root: the local copy.
        matches: whether a declaration of fetch.json is the one that is asked for.
        command: what fetches it, for messages.

    Raises:
        DataError: the copy is not there, not finished, holds another fetch, or misses files.
    """
    record = LocalCopy(root).record()
    if record is None:
        raise DataError(f"nothing was fetched into {root} yet: run `{command}`")
    numbers = {str(number) for number, declared in enumerate(record["fetches"], 1) if matches(declared)}
    if not numbers:
        held = "; ".join(gist(declared) or "everything" for declared in record["fetches"])
        raise DataError(f"{root} holds another fetch ({held}): declare that one, or run `{command}` for another path")
    if record["status"] != "finished":
        raise DataError(f"the fetch into {root} is not finished: run `{command}` again, it goes on where it was")
    _warn(root, record)
    rows = [row for row in _table(root / METADATA) if numbers & set(row["fetch"].split())]
    _check_files(root, rows, command)
    return rows


def _warn(root: Path, record: dict[str, Any]) -> None:
    if failed := record["counts"]["failed"]:
        _log.warning("%d images could not be fetched and are missing, see %s", failed, root / FAILURES)


def _table(path: Path) -> list[Row]:
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read ({error}): run the fetch again, it writes it anew") from error
    if any(None in row or None in row.values() or not row.keys() >= _COLUMNS for row in rows):
        raise DataError(f"{path} is not as the fetch wrote it: run the fetch again, it writes it anew")
    return rows


def _check_files(root: Path, rows: list[Row], command: str) -> None:
    """A table from somebody else may not lead out of the folder either."""
    if bad := [row["file"] for row in rows if not _is_inside(row["file"])]:
        raise DataError(f"{root / METADATA}: {len(bad)} files lie outside images/: {listed(bad)}")
    if missing := [row["file"] for row in rows if not Path(absolute(root, row["file"])).is_file()]:
        raise DataError(f"{len(missing)} files are missing in {root}: {listed(missing)}; run `{command}` again")


def _is_inside(file: str) -> bool:
    folder, slash, name = file.partition("/")
    return folder == "images" and bool(slash) and "/" not in name and name not in ("", ".", "..")
