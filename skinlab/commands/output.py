"""Where the rows of a command go: standard output as they are ready, or a file that appears when it is whole."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from skinlab import files
from skinlab.errors import ConfigError


@contextmanager
def rows_to(path: Path | None) -> Iterator[Callable[[bytes], None]]:
    """What to call with each row.

    Args:
        path: a file that is renamed when all is there; None: standard output, each row at once.

    Raises:
        ConfigError: there is no such folder.
        OutputError: it cannot be written.
    """
    with ExitStack() as stack:
        stream: BinaryIO = sys.stdout.buffer
        if path is not None:
            if not path.parent.is_dir():
                raise ConfigError(f"--out {path}: there is no folder {path.parent}")
            stream = stack.enter_context(stack.enter_context(files.replacing(path)).open("wb"))

        def write(row: bytes) -> None:
            try:
                stream.write(row)
                if path is None:
                    stream.flush()
            except BrokenPipeError:
                raise
            except OSError as error:
                raise files.output_error(path or Path("standard output"), error) from error

        yield write
