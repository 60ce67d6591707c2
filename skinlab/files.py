"""Writing so that nothing is ever half-written: to a temporary name in the same folder, then renamed."""

import errno
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from skinlab.errors import OutputError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path to write; on success it becomes `path`, on failure it is removed.

    Raises:
        OutputError: the disk is full or the folder cannot be written; what stood at `path` is unchanged.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise output_error(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def require_room(folder: Path, size: int) -> None:
    """Refuse where `size` bytes more do not fit, before a program writes there that does not survive a full disk.

    Raises:
        OutputError: the disk is full or the folder cannot be written.
    """
    probe = folder / f".room.{os.getpid()}.tmp"
    try:
        with probe.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, size)
    except OSError as error:
        raise output_error(folder, error) from error
    finally:
        probe.unlink(missing_ok=True)


def output_error(path: Path, error: OSError) -> OutputError:
    """The one line for a file that cannot be written."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return OutputError(
            f"the disk is full: {path} could not be written; free space there, or choose another output_dir="
        )
    reason = error.strerror or type(error).__name__
    mend = "choose another output_dir= or mend its permissions"
    if error.errno == errno.ENOENT and not path.parent.exists():
        mend = f"make the folder {path.parent}, or choose another"
    return OutputError(f"{path} cannot be written ({reason}); {mend}")


def flushed(path: Path) -> None:
    """The content of a file on the disk, so that its new name cannot outlive it in a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_text(path: Path, text: str) -> None:
    """Write a text file, UTF-8 with newlines as given."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, data: bytes) -> None:
    """Write a binary file."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def json_text(value: Any) -> str:
    """Indented JSON; keys keep their order, so that the same value gives the same bytes."""
    return json.dumps(value, indent=2, allow_nan=False) + "\n"


def write_json(path: Path, value: Any) -> None:
    """Write the JSON text of a value."""
    write_text(path, json_text(value))
