"""How much one file may unpack to: what says that it holds more is taken for a trap."""

import errno
from pathlib import Path

from skinlab.data.cache_room import gigabytes
from skinlab.errors import DataError

MOST_FILES = 5_000_000
MOST_RATIO = 1000
"""Bytes that a packed byte may become, beyond the first 256 MB."""
_UNSUSPICIOUS = 256 << 20


def is_of_disk(error: Exception) -> bool:
    """Whether an error is one of the disk, not of the content of a file; a damaged one may lead to places before it.

    Example:
        >>> is_of_disk(OSError(errno.ENOSPC, "")), is_of_disk(OSError(errno.EINVAL, "")), is_of_disk(OSError("damaged"))
        (True, False, False)
    """
    return isinstance(error, OSError) and error.errno not in (None, errno.EINVAL)


def check_size(path: Path, files: int, total: int, packed: int) -> None:
    """Refuses what would unpack to too much.

    Args:
        path: for messages.
        files: how many there would be.
        total: bytes that they would have together.
        packed: bytes of the file itself.

    Raises:
        DataError: it would be too many or too much.
    """
    if files > MOST_FILES:
        raise DataError(f"{path} holds more than {MOST_FILES:,} files")
    if total > max(_UNSUSPICIOUS, MOST_RATIO * packed):
        raise DataError(f"{path} would unpack to {gigabytes(total)}, {total // max(packed, 1)} times its size: refused")
