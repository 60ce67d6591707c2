"""Worker processes that prepare a loader's minibatches ahead, through shared memory.

A worker is told (slot, rows, epoch) and writes the minibatch into that slot; nothing of an image goes through a pipe.
The shared memory has no name in any file system, so that nothing is left behind however the processes end, and a
small /dev/shm does not limit it. What a minibatch is, the loader alone decides.
"""

import mmap
import os
import pickle
import subprocess
import sys
import weakref
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Pipe
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from skinlab.engines.base import Batch, Inputs
from skinlab.errors import DataError, EngineError
from skinlab.layout import Layout
from skinlab.processes import cause_of_death

if TYPE_CHECKING:
    from skinlab.data.loader import Loader

AHEAD = 2
"""Minibatches in the hands of each worker: one it works on, one that waits for it or for the training thread."""
WORKER = "skinlab.data.prefetch_worker"
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_LAST_SECONDS = 5.0

Task = tuple[Any, ...]
"""Arguments of `Loader.batch`."""


@dataclass(frozen=True)
class Order:
    """What every worker is given when it starts.

    Attributes:
        loader: the loader, without its images.
        images: shape of the images.
        offset: bytes before the first image in the images' file.
        slot: how the arrays of one minibatch lie in a slot.
    """

    loader: "Loader"
    images: tuple[int, ...]
    offset: int
    slot: Layout


class Prefetcher:
    """The worker processes of a loader; they are started by `start`, or when the first minibatch is asked for.

    Args:
        loader: whose minibatches are prepared; `loader.workers` processes do it.
        sample: a minibatch of one image, which tells what arrays there are.

    Raises:
        EngineError: there is no room for the shared memory.
    """

    def __init__(self, loader: "Loader", sample: Batch) -> None:
        arrays = {name: (array.dtype.str, (loader.minibatch_size, *array.shape[1:])) for name, array in _arrays(sample)}
        self._slot = Layout.of(arrays)
        self._count = loader.workers
        self._slots = loader.workers * AHEAD
        self._files: list[int] = []
        self._workers: list[_Worker] = []
        self._finalizer = weakref.finalize(self, _end, self._workers, self._files)
        memory = self._keep(_memory_file(self._slots * self._slot.size))
        images, offset = _images_file(loader.images)
        self._keep(images)
        order = Order(replace(loader, images=np.empty(0, np.uint8)), loader.images.shape, offset, self._slot)
        self._keep(_filled(pickle.dumps(order)))
        self._memory = mmap.mmap(memory, 0)

    def _keep(self, file: int) -> int:
        self._files.append(file)
        return file

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers that run."""
        return [worker.process.pid for worker in self._workers]

    def start(self) -> None:
        """Start the processes and return at once; they get ready meanwhile.

        Call it from the thread that trains: Linux ends them when the thread that started them ends.
        """
        while len(self._workers) < self._count:
            self._workers.append(_Worker(self._files))

    def batches(self, tasks: Sequence[Task]) -> Iterator[Batch]:
        """`Loader.batch(*task)` of each task, in order; the arrays are the caller's own.

        Raises:
            DataError: a worker died.
            Exception: what `Loader.batch` raised, as it raised it.
        """
        self.start()
        waiting: deque[int] = deque()
        try:
            for number, task in enumerate(tasks):
                ready = self._receive(waiting.popleft()) if len(waiting) == self._slots else None
                waiting.append(self._send(number % self._slots, task))
                if ready is not None:
                    yield ready
            while waiting:
                yield self._receive(waiting.popleft())
        except BaseException:  # an error, or the caller lost interest: what is under way belongs to nobody
            self.stop()
            raise

    def stop(self) -> None:
        """End the processes; they are started again when they are needed."""
        _stop(self._workers)

    def close(self) -> None:
        """End the processes and let go of the memory; safe to call twice."""
        self._finalizer()

    def _send(self, slot: int, task: Task) -> int:
        worker = self._workers[slot % self._count]
        try:
            worker.connection.send((slot, task))
        except (BrokenPipeError, ConnectionResetError):
            raise _obituary(worker) from None
        return slot

    def _receive(self, slot: int) -> Batch:
        worker = self._workers[slot % self._count]
        try:
            answer = worker.connection.recv()
        except (EOFError, ConnectionResetError):
            raise _obituary(worker) from None
        if isinstance(answer, Exception):
            raise answer
        views = self._slot.views(self._memory, slot * self._slot.size)
        return Batch(**{name: array[:answer].copy() for name, array in views.items()})


class _Worker:
    """One process and the pipe to it."""

    def __init__(self, files: Sequence[int]) -> None:
        self.connection, theirs = Pipe()
        with theirs:
            passed = [theirs.fileno(), *files]
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", WORKER, str(os.getpid()), *map(str, passed)],
                stdin=subprocess.DEVNULL,
                env=os.environ | {"PYTHONPATH": _import_path()} | dict.fromkeys(THREADS, "1"),
                pass_fds=passed,
                process_group=0,  # Ctrl-C is the parent's business
            )


def _import_path() -> str:
    """Where this process finds its modules, so that a worker finds the same."""
    return os.pathsep.join(os.path.abspath(path) for path in sys.path)  # noqa: PTH100 - an empty one is the working folder


def _arrays(batch: Batch) -> Iterator[tuple[str, NDArray[Any]]]:
    return iter(vars(batch).items())


def _memory_file(size: int) -> int:
    """A file in memory without a name."""
    available = _available_memory()
    if size > available:  # asked first: with none left, Linux kills some process instead of refusing
        raise EngineError(
            f"no room for {size / 1e6:,.0f} MB of shared memory ({available / 1e6:,.0f} MB are available): "
            "lower training.loader_workers, optimizer.minibatch_size or network.image_size"
        )
    file = os.memfd_create("skinlab-minibatches")
    os.ftruncate(file, size)
    return file


def _available_memory() -> int:
    """Bytes that new work can have without swapping, as the kernel estimates them."""
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    (available,) = (line.split()[1] for line in lines if line.startswith("MemAvailable:"))
    return int(available) * 1024


def _filled(data: bytes | memoryview) -> int:
    """A file in memory with this content."""
    file = _memory_file(len(data))
    with mmap.mmap(file, 0) as memory:
        memory[:] = data
    return file


def _images_file(images: Inputs) -> tuple[int, int]:
    """An open file with the images, and where in it they begin: the file that is mapped, or a copy in memory."""
    if isinstance(images, np.memmap) and isinstance(images.base, mmap.mmap) and images.filename is not None:
        try:
            return os.open(images.filename, os.O_RDONLY), images.offset
        except OSError as error:
            raise DataError(f"the decoded images {images.filename} are gone ({error.strerror}): run again") from error
    return _filled(np.ascontiguousarray(images).data.cast("B")), 0


def _obituary(worker: _Worker) -> DataError:
    try:
        code = worker.process.wait(_LAST_SECONDS)
    except subprocess.TimeoutExpired:
        worker.process.kill()
        code = worker.process.wait()
    return DataError(
        f"a process that prepares minibatches died ({cause_of_death(code)}): lower training.loader_workers, or free "
        "memory; `skinlab resume` goes on from the last checkpoint"
    )


def _stop(workers: list[_Worker]) -> None:
    for worker in workers:
        worker.process.kill()  # it holds nothing that could be lost
    for worker in workers:
        worker.process.wait()
        worker.connection.close()
    workers.clear()


def _end(workers: list[_Worker], files: list[int]) -> None:
    _stop(workers)
    for file in files:
        os.close(file)
    files.clear()
