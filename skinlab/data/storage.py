"""How files come into the cache folder: whole or not at all, with one clear line where the disk refuses.

Knows nothing of what is stored. Everything in the cache may be deleted at any time.
"""

import contextlib
import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from skinlab.errors import OutputError
from skinlab.paths import HOME_VARIABLE

TEMPORARY = ".tmp-"
_STALE_SECONDS = 24 * 3600


@contextlib.contextmanager
def cache_access(folder: Path) -> Iterator[None]:
    """Turns what the operating system says while the cache is used into `OutputError`."""
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"cannot use the cache folder {folder}: {error.strerror or error}; "
            f"free space there, or set {HOME_VARIABLE} to a folder that can be written"
        ) from error


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """A temporary name beside `path`, which becomes `path` when the block ends well and is removed when not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_stale(path.parent)
    temporary = _temporary(path.parent, path.suffix)
    try:
        yield temporary
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A temporary folder beside `path`, which becomes `path` when the block ends well and is removed when not.

    Where another process was faster, its folder stays and this one is dropped.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_stale(path.parent)
    temporary = _temporary(path.parent)
    temporary.mkdir()
    try:
        yield temporary
        try:
            temporary.rename(path)
        except OSError:
            if not path.is_dir():
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def remove_folder(path: Path) -> None:
    """Deletes a folder so that at no moment half of it is found under its name."""
    aside = _temporary(path.parent)
    path.rename(aside)
    shutil.rmtree(aside, ignore_errors=True)


def _temporary(folder: Path, kind: str = "") -> Path:
    """A name that no other process uses; made by hand because `tempfile` would hide the file from other users."""
    return folder / f"{TEMPORARY}{kind.removeprefix('.')}-{uuid.uuid4().hex}"


def remove_stale(folder: Path) -> None:
    """Deletes what processes that were killed more than a day ago left behind; what cannot be deleted stays."""
    oldest = time.time() - _STALE_SECONDS
    for entry in folder.glob(f"{TEMPORARY}*"):
        with contextlib.suppress(OSError):
            if entry.stat().st_mtime > oldest:
                continue
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink()
