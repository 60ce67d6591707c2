"""One memory-mapped file of named arrays, shared with the worker process."""

import mmap
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from skinlab.errors import EngineError
from skinlab.layout import Layout

PREFIX = "skinlab-"


class SharedArrays:
    """The file and the arrays on it."""

    def __init__(self, layout: Layout, folder: Path) -> None:
        self.layout = layout
        self.path = folder / "batch.bin"
        try:
            with self.path.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, layout.size)
        except OSError as error:
            raise no_room(layout.size, folder, error) from error
        with self.path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 0)
        self._arrays = layout.views(self._memory)

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._arrays[name]

    def describe(self) -> dict[str, Any]:
        """What the worker needs to map the same arrays."""
        return {"path": str(self.path), "arrays": self.layout.arrays}

    def unlink(self) -> None:
        """Remove the file's name once the worker has mapped it: the memory goes with the last of the two processes."""
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the memory."""
        self.unlink()
        self._arrays.clear()


def no_room(size: int, folder: Path, error: OSError) -> EngineError:
    """The one line for shared memory that is full."""
    return EngineError(
        f"no room for {size / 1e6:.0f} MB of shared memory in {folder} ({error.strerror}): "
        "lower optimizer.minibatch_size or network.image_size, or enlarge /dev/shm"
    )


def shared_folder() -> Path:
    """A new private folder in shared memory where there is any, else among temporary files.

    Folders that killed processes left behind are removed.
    """
    shared = Path("/dev/shm")  # noqa: S108 - a private folder is made in it
    base = shared if shared.is_dir() and os.access(shared, os.W_OK) else Path(tempfile.gettempdir())
    for left in base.glob(f"{PREFIX}*-*"):
        owner = left.name.removeprefix(PREFIX).split("-")[0]
        if owner.isdigit() and not _exists(int(owner)) and left.stat().st_uid == os.getuid():
            shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=base))


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
