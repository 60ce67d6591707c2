"""Console lines that live beside a progress bar."""

import contextlib
import logging
import sys
from collections.abc import Iterator
from pathlib import Path


class ConsoleHandler(logging.Handler):
    """Writes warnings and errors to standard error, all else to standard output.

    To whatever these are at that moment, so that a progress bar can print lines above itself. A reader that went away
    (`skinlab train | head`) does not end a run: its lines are in train.log as well.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        stream = sys.stderr if record.levelno >= logging.WARNING else sys.stdout
        with contextlib.suppress(BrokenPipeError):
            stream.write(self.format(record) + "\n")
            stream.flush()


def to_console() -> bool:
    """Whether lines go to the terminal at all; those of a sweep's trials go to their files alone."""
    return any(isinstance(handler, ConsoleHandler) for handler in logging.getLogger().handlers)


@contextlib.contextmanager
def restored() -> Iterator[None]:
    """Whatever the block does to the root logger ends with it: the lines of a run go to that run's file alone."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        yield
    finally:
        for handler in set(root.handlers) - set(handlers):
            handler.close()
        root.handlers[:] = handlers
        root.setLevel(level)


@contextlib.contextmanager
def only(*modules: str) -> Iterator[None]:
    """Of what the block logs, only the lines of these modules are shown, on the terminal."""
    root, console = logging.getLogger(), ConsoleHandler()
    console.addFilter(lambda record: record.name in modules)
    with restored():
        root.handlers[:] = [console]
        root.setLevel(logging.INFO)
        yield


@contextlib.contextmanager
def to_stderr() -> Iterator[None]:
    """What the block logs goes to standard error, each line once; standard output is for what a command answers."""
    root, console = logging.getLogger(), logging.StreamHandler()
    seen: set[str] = set()

    def is_new(record: logging.LogRecord) -> bool:
        line = record.getMessage()
        new = line not in seen
        seen.add(line)
        return new

    console.addFilter(is_new)
    with restored():
        root.handlers[:] = [console]
        root.setLevel(logging.INFO)
        yield


def log_to(path: Path) -> None:
    """As conf/hydra/job_logging does: plain lines to the terminal, timed ones to the end of a file."""
    console, file = ConsoleHandler(), logging.FileHandler(path)
    console.setFormatter(logging.Formatter("%(message)s"))
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[console, file], force=True)
