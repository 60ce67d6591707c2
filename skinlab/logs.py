"""Lines for the terminal and for log files, in which the words of others cannot command the terminal."""

import contextlib
import logging
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console

_COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Controls that move the cursor, hide or turn around text, or start a sequence that does; not line break and tab."""


def visible(text: str) -> str:
    r"""A text as a terminal may get it: what would command the terminal is written out, as JSON writes it.

    >>> print(visible(f"a{chr(27)}]0;title{chr(7)}b"))
    a\u001b]0;title\u0007b
    """
    return _COMMANDS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class VisibleStream:
    """Standard output or error, to which everything is written as `visible` gives it.

    What rich draws goes to the stream behind it: text in it must be made `visible` before.
    """

    def __init__(self, stream: TextIO) -> None:
        self.rich_proxied_file = stream  # rich looks for this name

    def write(self, text: str) -> int:
        """Write a text."""
        return self.rich_proxied_file.write(visible(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.rich_proxied_file, name)


def live_console(*, error: bool = False) -> "Console":
    """A console of rich for displays that move the cursor: on the stream behind standard output or error.

    rich looks through one stream around another, and while such a display is shown there are two: its own and ours.
    """
    from rich.console import Console

    stream = sys.stderr if error else sys.stdout
    return Console(file=stream.rich_proxied_file if isinstance(stream, VisibleStream) else stream)


@contextlib.contextmanager
def visible_streams() -> Iterator[None]:
    """Standard output and error are `VisibleStream`s inside the block."""
    streams = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (VisibleStream(stream) for stream in streams)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams


class Formatter(logging.Formatter):
    """Formats a record as logging does, and gives it `visible`."""

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter`."""
        return visible(super().format(record))


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
    console.setFormatter(Formatter("%(message)s"))
    file.setFormatter(Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[console, file], force=True)
