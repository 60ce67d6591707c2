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
        lock = (self.path / self.LOCK).open("a")
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return lock

    def own_again(self) -> None:
        """Own what another process has left.

        Raises:
            OutputError: it has not left it, here or on another host; or the directory cannot be written.
        """
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
    def _check_version(cls, path: Path, record: dict[str, Any]) -> None:
        if record["schema_version"] > SCHEMA_VERSION:
            raise OutputError(f"{path} was written by a newer skinlab ({cls.FILE} version {record['schema_version']})")


def _running() -> dict[str, Any]:
    return {"status": "running", "error": None, "finished": None, "process": machine.process_identity()}


def now() -> str:
    """UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
