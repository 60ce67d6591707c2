"""Ownership: a directory with a record of what is done in it, and the one process at a time that may go on with it."""

import fcntl
import os
from abc import ABC, abstractmethod
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Self, TextIO

from skinlab import files, machine, trust
from skinlab.errors import OutputError

SCHEMA_VERSION = 1


NEEDED = ("schema_version", "status")
SHAPE: dict[str, Any] = {
    **dict.fromkeys(("schema_version", "seed", "epochs"), int),
    **dict.fromkeys(("status", "started", "command", "experiment", "kind", "reproduces"), str),
    **dict.fromkeys(("dataset_fingerprint", "split_hash", "pruned"), str),
    **dict.fromkeys(("error", "finished", "label_revision"), str | None),
    **dict.fromkeys(("process", "config", "code", "machine", "engine", "timings", "weights", "declaration"), dict),
    **dict.fromkeys(("test_looks", "tracking", "lease", "bundle_check"), dict),
    **dict.fromkeys(("classes", "resumed", "objectives"), list),
}
"""Type of each value of a record that is read; others may be there."""
FLAT: dict[str, Any] = {
    "code": str | bool | None,
    "timings": int | float,
    **dict.fromkeys(("process", "machine", "test_looks"), str | int | float | None),
}
"""Of values that are objects of plain values, the types of these."""
_PROCESS = {"host", "boot", "pid", "started"}


class OwnedDirectory(ABC):
    """The directory of a run or of a sweep.

    Attributes:
        path: the directory.
        record: the content of its record; changed by `update` alone.
    """

    FILE: ClassVar[str]
    """Name of the record. A directory that has it is such a directory."""
    LOCK: ClassVar[str]
    """Name of the file whose lock the owner holds; gone when it has ended."""
    TAKEN: ClassVar[str]
    """What is said where a new one is wanted and `{path}` holds one."""

    def __init__(self, path: Path, record: dict[str, Any]) -> None:
        self.path = path
        self.record = record
        self._lock: TextIO | None = None

    @classmethod
    def create(cls, path: Path, record: dict[str, Any]) -> Self:
        """Claim a directory for a new one; of several processes, one gets it.

        Args:
            path: made where it does not exist yet.
            record: what is known at the start, added to the record.

        Raises:
            OutputError: the directory is taken, or cannot be written.
        """
        started = {"schema_version": SCHEMA_VERSION, "status": "running", "error": None, "started": now()} | _running()
        owned = cls(path, started | record)
        try:
            path.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path / cls.FILE, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            owned.own()
        except FileExistsError as error:
            raise OutputError(cls.TAKEN.format(path=path)) from error
        except OSError as error:
            raise files.output_error(path, error) from error
        owned.update()
        return owned

    def content(self) -> dict[str, Any]:
        """All that the record's file holds."""
        return self.record

    def is_own(self) -> bool:
        """Whether this user made it here, and nobody changed its record since it was written; see `skinlab.trust`."""
        return trust.is_own(self.path, self.content())

    @abstractmethod
    def update(self, **facts: Any) -> None:
        """Add facts to the record, on the disk too."""

    def own(self) -> None:
        """Hold the directory's lock until this process ends.

        Raises:
            BlockingIOError: another process holds it.
        """
        self._lock = self._locked()

    def _locked(self) -> TextIO:
        """The lock's file, locked: the very file that is there, not one that its last owner has removed meanwhile."""
        path = self.path / self.LOCK
        while True:
            opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
            try:
                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
                is_there = path.exists() and os.path.samestat(os.fstat(opened), path.stat())
            except BaseException:
                os.close(opened)
                raise
            if is_there:
                return os.fdopen(opened, "a")
            os.close(opened)

    def own_again(self) -> None:
        """Own what another process has left.

        Raises:
            OutputError: it has not left it, here or on another host; the directory cannot be written; or it is foreign
                and has links in it, through which others' files would be written.
        """
        if not self.is_own():
            _refuse_links(self.path)
        try:
            self.own()
        except BlockingIOError as error:
            raise OutputError(f"{self.path} is being run by another process") from error
        except OSError as error:
            raise files.output_error(self.path, error) from error
        if self.record["status"] == "running" and not self._is_orphaned():
            raise OutputError(f"{self.path} is running on {self.record['process']['host']}")

    def run_again(self) -> None:
        """Record that this process goes on."""
        self.update(**_running(), resumed=[*self.record.get("resumed", []), now()])

    def _is_orphaned(self) -> bool:
        """Whether the record says that it is running while its process is gone."""
        return self.record["status"] == "running" and machine.is_alive(self.record["process"]) is False

    def _let_go(self, status: str, error: str | None) -> None:
        """Record how it ended, for another process to go on with it or none."""
        self.update(status=status, error=error, finished=now())
        (self.path / self.LOCK).unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.close()

    @classmethod
    def _check(cls, path: Path, record: dict[str, Any]) -> None:
        """Refuse a record of a newer skinlab, or one whose values are not of the types that skinlab writes."""
        version = record.get("schema_version")
        if type(version) is int and version > SCHEMA_VERSION:
            raise OutputError(f"{path} was written by a newer skinlab ({cls.FILE} version {version})")
        wrong = [name for name in NEEDED if name not in record]
        wrong += [name for name, value in record.items() if not isinstance(value, SHAPE.get(name, object))]
        flat = [(name, record[name]) for name in FLAT if isinstance(record.get(name), dict)]
        wrong += [f"{name}.{key}" for name, held in flat for key in held if not isinstance(held[key], FLAT[name])]
        if record.get("status") == "running" and not set(record.get("process", ())) >= _PROCESS:
            wrong.append("process")
        if wrong:
            raise OutputError(f"{path / cls.FILE} is not as skinlab writes it: {', '.join(wrong[:3])}")


def _refuse_links(folder: Path) -> None:
    for place, folders, names in os.walk(folder):
        for path in (Path(place) / name for name in (*folders, *names)):
            if path.is_symlink() and not _is_last_checkpoint(path):
                raise OutputError(f"{path} is a link, through which another file would be written: put a file there")


def _is_last_checkpoint(path: Path) -> bool:
    return path.parent.name == "checkpoints" and path.name == "last" and len(path.readlink().parts) == 1


def _running() -> dict[str, Any]:
    return {"status": "running", "error": None, "finished": None, "process": machine.process_identity()}


def now() -> str:
    """UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
