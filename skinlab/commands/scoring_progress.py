"""How scoring is shown while it goes on: a bar on standard error where that is a terminal, nothing elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from skinlab.logs import live_console

Advance = Callable[[], object]


@contextmanager
def scoring_bar(total: int | None, *, hidden: bool = False) -> Iterator[Advance]:
    """What to call after each image.

    Args:
        total: how many images there are; None: that is not known.
        hidden: show nothing, because the rows go to the same terminal.
    """
    if hidden or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich import progress

    columns = (
        progress.TextColumn("scoring"),
        progress.BarColumn(),
        progress.TextColumn("{task.completed} images" if total is None else "{task.completed} of {task.total} images"),
        progress.TimeRemainingColumn(compact=True, elapsed_when_finished=True),
    )
    with progress.Progress(*columns, console=live_console(error=True), transient=True, redirect_stdout=False) as bar:
        task = bar.add_task("scoring", total=total)
        yield lambda: bar.advance(task)
