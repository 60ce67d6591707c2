"""What code leaves to the process that it runs in: found as it was by the test that comes next."""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from skinlab import processors

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def restored() -> Iterator[None]:
    """Environment, working directory, signal handlers, processors and PyTorch's settings end as they began."""
    environment, folder, usable = dict(os.environ), Path.cwd(), processors.usable()
    handlers, torch_settings = {number: signal.getsignal(number) for number in SIGNALS}, _torch_settings()
    yield
    for name in os.environ.keys() - environment.keys():
        del os.environ[name]
    os.environ.update(environment)
    os.chdir(folder)
    for number, handler in handlers.items():
        signal.signal(number, handler)
    if processors.usable() != usable:
        processors.confine(usable)
    if torch_settings is not None and torch_settings != _torch_settings():
        torch = sys.modules["torch"]
        torch.use_deterministic_algorithms(torch_settings[0])
        torch.set_num_threads(torch_settings[1])


def _torch_settings() -> tuple[bool, int] | None:
    """Whether it refuses operations that do not repeat, and its threads; None where nothing has imported it."""
    if (torch := sys.modules.get("torch")) is None:
        return None
    return torch.are_deterministic_algorithms_enabled(), torch.get_num_threads()
