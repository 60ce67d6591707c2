"""How a fetch is shown while it goes on: a bar on a terminal, a plain line now and then elsewhere."""

import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from skinlab.logs import live_console

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

_STEP = 10  # percent between plain lines
_MOST = 1000  # files between plain lines


class Progress(ABC):
    """Counts files; `shown` is called after each."""

    def __init__(self) -> None:
        self.total = 0
        self.complete = 0
        self.failed = 0
        self.size = 0

    def expect(self, files: int) -> None:
        """About so many files in all."""
        self.total = files
        self.shown()

    def advanced(self, *, fetched: int, failed: int, size: int) -> None:
        """One more file was fetched, was there already, or failed."""
        self.complete += 1 - failed
        self.failed += failed
        self.size += size * fetched
        self.shown()

    @abstractmethod
    def shown(self) -> None:
        """Show the counts."""

    @abstractmethod
    def say(self, line: str) -> None:
        """Print a line of its own."""


class Lines(Progress):
    """For logs and pipes."""

    def __init__(self) -> None:
        super().__init__()
        self._next = 0

    def shown(self) -> None:
        """A line for every tenth of the files, or every thousand."""
        done = self.complete + self.failed
        if done and done >= self._next:
            failed = f", {self.failed} failed" if self.failed else ""
            self.say(f"{done} of {self.total} images{failed}, {self.size / 1e6:.1f} MB fetched")
            step = min(_MOST, max(1, self.total * _STEP // 100))
            self._next = (done // step + 1) * step

    def say(self, line: str) -> None:
        """Print it at once: whoever follows a log wants to know now."""
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


class Bar(Progress):
    """For terminals."""

    def __init__(self, bar: "RichProgress") -> None:
        super().__init__()
        self._bar = bar
        self._task = bar.add_task("fetching", total=None, note="")

    def shown(self) -> None:
        """Move the bar."""
        note = f"{self.size / 1e6:.1f} MB" + (f", {self.failed} failed" if self.failed else "")
        self._bar.update(self._task, total=self.total or None, completed=self.complete + self.failed, note=note)

    def say(self, line: str) -> None:
        """Print it above the bar."""
        self._bar.console.print(line, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def progress() -> Iterator[Progress]:
    """The display that fits standard output."""
    if not sys.stdout.isatty():
        yield Lines()
        return
    from rich import progress as rich

    columns = (
        rich.TextColumn("{task.description}"),
        rich.BarColumn(),
        rich.MofNCompleteColumn(),
        rich.TextColumn("{task.fields[note]}"),
        rich.TimeRemainingColumn(),
    )
    with rich.Progress(*columns, console=live_console()) as bar:
        yield Bar(bar)
