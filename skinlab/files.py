"""Writing so that nothing is ever half-written: to a temporary name in the same folder, then renamed."""

import errno
import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from skinlab.errors import OutputError

DEEPEST = 64
"""Levels of objects and lists in a record; a declaration with nested transforms has 10."""
LONGEST_NUMBER = 40
"""Digits of a whole number; a 128-bit one has 39."""
OTHER_PLACE = "another place (of runs: output_dir=)"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path to write; on success it becomes `path`, on failure it is removed.

    The file is there already, empty, under a name that nobody can guess: no link laid there before is followed.

    Raises:
        OutputError: the disk is full or the folder cannot be written; what stood at `path` is unchanged.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        os.close(open_new(temporary))
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise output_error(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def open_new(path: Path) -> int:
    """A descriptor for writing of a file that was not there, not even as a link.

    Raises:
        FileExistsError: it is there.
    """
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666)


def require_room(folder: Path, size: int) -> None:
    """Refuse where `size` bytes more do not fit, before a program writes there that does not survive a full disk.

    Raises:
        OutputError: the disk is full or the folder cannot be written.
    """
    probe = folder / f".room.{secrets.token_hex(8)}.tmp"
    try:
        with os.fdopen(open_new(probe), "wb") as file:
            os.posix_fallocate(file.fileno(), 0, size)
    except OSError as error:
        raise output_error(folder, error) from error
    finally:
        probe.unlink(missing_ok=True)


def output_error(path: Path, error: OSError) -> OutputError:
    """The one line for a file that cannot be written."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return OutputError(f"the disk is full: {path} could not be written; free space there, or choose {OTHER_PLACE}")
    reason = error.strerror or type(error).__name__
    mend = f"choose {OTHER_PLACE} or mend its permissions"
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


@contextmanager
def as_written(path: Path) -> Iterator[None]:
    """Read what is in a directory of others: values that are not as skinlab writes them end in one line.

    Raises:
        OutputError: something inside the block met a value that is missing, or of another type or size.
    """
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise OutputError(f"{path} is not as skinlab writes it ({error!r})") from error


def json_value(data: str | bytes) -> Any:
    """What JSON says, for files that anybody may have written.

    Raises:
        ValueError: it is none, it is nested deeper than any record, or a number in it is longer than any.

    >>> json_value('{"a": [1, 2]}')
    {'a': [1, 2]}
    """
    try:
        found = json.loads(data, parse_int=_whole)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    level: list[Any] = [found]
    for _ in range(DEEPEST):
        inner = [value for each in level if isinstance(each, dict) for value in each.values()]
        inner += [value for each in level if isinstance(each, list) for value in each]
        level = [value for value in inner if isinstance(value, dict | list)]
        if not level:
            return found
    raise ValueError("it is nested too deeply")


def json_object(data: str | bytes) -> dict[str, Any]:
    """As `json_value`, of a file that holds an object.

    Raises:
        ValueError: it is none.
    """
    found = json_value(data)
    if not isinstance(found, dict):
        raise ValueError("it is no JSON object")  # noqa: TRY004 - as the other mistakes of such a file
    return found


def _whole(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER:
        raise ValueError("a number in it is too long")
    return int(digits)


def write_json(path: Path, value: Any) -> None:
    """Write the JSON text of a value."""
    write_text(path, json_text(value))
