"""A process that prepares minibatches: started by `skinlab.data.prefetch`, never by hand.

Arguments: process id of the parent, then the descriptors of the pipe, the slots, the images and the order.
"""

import mmap
import os
import pickle
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection

import numpy as np

from skinlab.data.prefetch import Order, Task
from skinlab.errors import DataError
from skinlab.processes import die_with_parent


def main() -> None:
    """Answer (slot, arguments of `Loader.batch`) with the number of images, or an error, until the pipe closes."""
    parent, pipe, slots, images, order = (int(word) for word in sys.argv[1:])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent(parent)
    warnings.simplefilter("ignore")  # the parent has made the same loader, and has said what there is to say
    with Connection(pipe) as connection:
        try:
            prepare = _preparer(slots, images, order)
            while True:
                slot, task = connection.recv()
                connection.send(prepare(slot, task))
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return  # the parent is done
        except Exception as error:  # noqa: BLE001 - the parent raises whatever it is
            connection.send(_portable(error))


def _preparer(slots: int, images: int, order: int) -> Callable[[int, Task], int]:
    """A function that writes a minibatch into a slot and tells how many images it has."""
    with mmap.mmap(order, 0, access=mmap.ACCESS_READ) as content:
        given: Order = pickle.loads(content)  # noqa: S301 - written by our parent, into memory that has no name
    mapped = np.memmap(f"/proc/self/fd/{images}", np.uint8, "r", given.offset, given.images)
    loader = replace(given.loader, images=mapped)
    memory = mmap.mmap(slots, 0)

    def prepare(slot: int, task: Task) -> int:
        batch = loader.batch(*task)
        views = given.slot.views(memory, slot * given.slot.size)
        for name, view in views.items():
            view[: len(batch)] = getattr(batch, name)
        return len(batch)

    return prepare


def _portable(error: Exception) -> Exception:
    """The error with its traceback as a note; one that cannot be sent as a `DataError` that says the same."""
    note = "".join(traceback.format_exception(error)).rstrip()
    try:
        sent: Exception = pickle.loads(pickle.dumps(error))  # noqa: S301 - made a line above
    except (pickle.PicklingError, TypeError, AttributeError):
        sent = DataError(f"{type(error).__name__}: {error}")
    sent.add_note(f"in process {os.getpid()}, which prepares minibatches:\n{note}")
    return sent


if __name__ == "__main__":
    main()
