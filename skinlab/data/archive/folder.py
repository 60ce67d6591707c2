"""The local copy: which files it has, what fetch.json says, and that one fetch at a time works on it."""

import errno
import fcntl
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from skinlab.data.archive.declaration import Declared, gist, key
from skinlab.data.storage import new_file
from skinlab.errors import DataError, OutputError
from skinlab.files import flushed

RECORD = "fetch.json"
METADATA = "metadata.csv"
ATTRIBUTION = "ATTRIBUTION.md"
FAILURES = "failures.json"
VERSION = 1
_WORK = ".fetch"
_FORM = ("source", "size", "resize")


class LocalCopy:
    """A folder that images are fetched into.

    images/ holds complete files only: each was verified under another name, flushed to the disk and then renamed. What
    is under way lies in .fetch/: a journal of each listing and the beginnings of files.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._work = root / _WORK
        self._parts = self._work / "parts"

    def journal(self, declared: Declared) -> Path:
        """The journal of a declaration's listing."""
        return self._work / f"listing-{key(declared)}.jsonl"

    def part(self, name: str) -> Path:
        """Where a file begins; its validator lies beside it."""
        return self._parts / f"{name}.part"

    def is_complete(self, file: str, size: int | None) -> bool:
        """Whether a file is there; `size` is compared where it is known and the file is kept as it came."""
        try:
            found = (self.root / file).stat().st_size
        except FileNotFoundError:
            return False
        return found > 0 if size is None else found == size

    @contextmanager
    def taken(self) -> Iterator[None]:
        """The folder, made if it is not there, for this process alone; the operating system frees it after a kill.

        Raises:
            DataError: another fetch works on it.
            OutputError: it cannot be written, or the disk is full; also for what happens inside the block.
        """
        with self._writing():
            self._parts.mkdir(parents=True, exist_ok=True)
            (self.root / "images").mkdir(exist_ok=True)
            with (self._work / "lock").open("w") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError as error:
                    raise DataError(
                        f"another fetch works on {self.root}: wait for it, or choose another --out"
                    ) from error
                yield

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            where = error.filename or self.root
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise OutputError(
                    f"the disk is full: {where} could not be written; "
                    "free space there and run the same command again: complete files stay and are not fetched twice"
                ) from error
            raise OutputError(
                f"{where} cannot be written ({error.strerror or type(error).__name__}); "
                "mend its permissions, or choose another --out"
            ) from error

    def record(self) -> dict[str, Any] | None:
        """What fetch.json says, None where nothing was fetched yet.

        Raises:
            DataError: it is damaged, or of another version of skinlab.
        """
        path = self.root / RECORD
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            known = content["version"] == VERSION
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path} cannot be read ({error}): fetch into another folder") from error
        if not known:
            raise DataError(f"{path} is of another version of skinlab: fetch into another folder")
        record: dict[str, Any] = content
        return record

    def begin(self, declared: Declared, *, extend: bool) -> list[Declared]:
        """Notes that a fetch is under way and unfinished.

        Returns:
            All declarations of the folder, this one among them.

        Raises:
            DataError: the folder holds another fetch and is not to be extended, or cannot be.
        """
        known: list[Declared] = (self.record() or {"fetches": []})["fetches"]
        if declared not in known:
            if known:
                self._check_extension(known, declared, extend=extend)
            known.append(declared)
        self.write_record(known, "unfinished", {})
        return known

    def _check_extension(self, known: list[Declared], declared: Declared, *, extend: bool) -> None:
        others = "; ".join(gist(each) or "everything" for each in known)
        if any(each.get(name) != declared.get(name) for each in known for name in _FORM):
            raise DataError(
                f"{self.root} holds images of another source or size ({others}): choose another --out, they do not mix"
            )
        if not extend:
            raise DataError(
                f"{self.root} holds another fetch ({others}): choose another --out, or add to it with --extend"
            )

    def write_record(self, fetches: list[Declared], status: str, counts: dict[str, int]) -> None:
        """Write fetch.json."""
        content = {"version": VERSION, "status": status, "counts": counts, "fetches": fetches}
        write_text(self.root / RECORD, json.dumps(content, indent=2) + "\n")

    def remove_parts(self) -> None:
        """Nothing is under way any more."""
        shutil.rmtree(self._parts)


def write_text(path: Path, text: str) -> None:
    """Write a file of the local copy, whole or not at all; `taken` puts in words what the operating system says."""
    with new_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
        flushed(temporary)
