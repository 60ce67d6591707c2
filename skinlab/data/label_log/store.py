"""The label log as a file: many processes may append, any of them may be killed, nothing is lost.

Knows lines, locks and the disk; what the entries mean is said elsewhere.
"""

import errno
import fcntl
import hashlib
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from skinlab.data.label_log.entries import Change, Entry, follow, parse
from skinlab.errors import DataError, OutputError

_log = logging.getLogger(__name__)
Decide = Callable[[Sequence[Entry]], Sequence[Change]]
"""From the entries that are there, under the lock, to the changes to enter."""


@dataclass(frozen=True)
class _Known:
    """The beginning of the file as it was checked before: so many bytes of this SHA-256, whole lines."""

    entries: Sequence[Entry] = ()
    size: int = 0
    digest: bytes = hashlib.sha256().digest()


class LabelLog:
    """A label log.

    Attributes:
        path: the file; it is made by the first entry.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known = _Known()

    @property
    def aside(self) -> Path:
        """Where lines go that were never finished."""
        return self.path.with_name(f"{self.path.name}.torn")

    def read(self) -> list[Entry]:
        """All entries; none where there is no log. A last line that was never finished is not one, and is said.

        Raises:
            DataError: the log is damaged, or cannot be read.
        """
        try:
            with self.path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH)  # what is half-written then is from a process that was killed
                content = file.read()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise DataError(f"cannot read the label log {self.path}: {error.strerror}") from error
        entries, size = self._parsed(content)
        if size < len(content):
            _log.warning(
                "%s: its last line was never finished and is not counted; %s", self.path, _begins(content, size)
            )
        return entries

    def append(self, decide: Decide) -> list[Entry]:
        """Enter changes; no other process reads or writes in between.

        Each entry is whole on the disk when this returns. Of several, a kill leaves the first ones.

        Args:
            decide: what is entered, given what is there; it may be asked twice.

        Returns:
            The new entries.

        Raises:
            DataError: the log is damaged.
            OutputError: it cannot be written; it is left as it was.
        """
        with self._guarded():
            is_new = not self.path.exists()
        if is_new and not decide([]):  # neither a refusal now nor no change leaves an empty file behind
            return []
        with self._guarded(), self._taken() as file:
            entries = self._mended(file)
            added: list[Entry] = []
            last = entries[-1] if entries else None
            when = datetime.now(UTC).isoformat(timespec="seconds")
            for change in decide(entries):
                last = follow(last, change, when)
                added.append(last)
            self._write(file, b"".join(entry.line() for entry in added))
        return added

    @contextmanager
    def _taken(self) -> Iterator[BinaryIO]:
        """The file, made where it is not there, for this process alone; a kill frees it.

        Once made it is never removed: another process may already wait for it.
        """
        is_new = not self.path.exists()
        with self.path.open("a+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if is_new:
                _flush_folder(self.path.parent)
            yield file

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Turns what the operating system says into `OutputError`."""
        try:
            yield
        except OSError as error:
            raise self._refusal(error) from error

    def _refusal(self, error: OSError) -> OutputError:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            return OutputError(f"the disk is full: the label log {self.path} is as it was; free space there")
        reason = error.strerror or type(error).__name__
        return OutputError(
            f"the label log {self.path} cannot be written ({reason}): mend its permissions, or keep the log elsewhere "
            "with dataset.label_log=PATH"
        )

    def _mended(self, file: BinaryIO) -> list[Entry]:
        """The entries, after a line that was never finished has been put aside and a missing line break added."""
        file.seek(0)
        content = file.read()
        entries, size = self._parsed(content)
        if size < len(content):
            with self.aside.open("ab") as torn:
                torn.write(content[size:] + b"\n")
                torn.flush()
                os.fsync(torn.fileno())
            os.ftruncate(file.fileno(), size)
            _log.warning(
                "%s: its last line was never finished and is now in %s; %s",
                *(self.path, self.aside.name, _begins(content, size)),
            )
        elif content and not content.endswith(b"\n"):
            self._write(file, b"\n")
        return entries

    def _parsed(self, content: bytes) -> tuple[list[Entry], int]:
        """`parse`, without checking again what this object has checked before and what is still the same bytes."""
        known = self._known
        if hashlib.sha256(content[: known.size]).digest() != known.digest:
            known = _Known()
        entries, more = parse(content[known.size :], self.path, known.entries)
        size = known.size + more
        if content[:size].endswith(b"\n"):
            self._known = _Known(entries, size, hashlib.sha256(content[:size]).digest())
        return entries, size

    def _write(self, file: BinaryIO, data: bytes) -> None:
        """All of it and flushed to the disk, or nothing."""
        before = os.fstat(file.fileno()).st_size
        try:
            while data:
                data = data[file.write(data) :]
            os.fsync(file.fileno())
        except BaseException:
            os.ftruncate(file.fileno(), before)
            raise


def _begins(content: bytes, size: int) -> str:
    return f"it begins {content[size : size + 60].decode(errors='replace')!r}"


def _flush_folder(folder: Path) -> None:
    """The name of a new file on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
