"""Console lines that live beside a progress bar."""

import logging
import sys


class ConsoleHandler(logging.Handler):
    """Information to standard output, warnings and errors to standard error.

    The streams are those of the moment, so that a progress bar can print lines above itself.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Print a line."""
        stream = sys.stderr if record.levelno >= logging.WARNING else sys.stdout
        try:
            stream.write(self.format(record) + "\n")
            stream.flush()
        except (OSError, ValueError):  # the reader went away; train.log has the line
            self.handleError(record)
