"""Python's search for circular garbage, kept out of work on long tables."""

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def without_collection() -> Iterator[None]:
    """While the block runs, memory is freed by counting references alone.

    The search looks at every object each time their number has grown by a quarter: with a million rows it takes longer
    than the work. Tables hold no circles, so nothing waits for it.
    """
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()
