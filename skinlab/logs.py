"""Console lines that live beside a progress bar."""

import contextlib
import logging
import sys


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
