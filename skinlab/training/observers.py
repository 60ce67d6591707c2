"""How training shows on the terminal; the sinks that tracking declares are a room of their own."""

import logging
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from skinlab.logs import live_console, to_console
from skinlab.training.loop import Observer, Record

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

log = logging.getLogger(__name__)

SECONDS_BETWEEN = 0.25
"""Two moves of a notebook's bar: each is a message to a browser."""


class Observers:
    """Several observers as one."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = observers

    def advanced(self, epoch: int, images: int, of: int) -> None:
        """Tell all of them."""
        for observer in self._observers:
            observer.advanced(epoch, images, of)

    def epoch_ended(self, records: list[Record], seconds: float) -> None:
        """Tell all of them."""
        for observer in self._observers:
            observer.epoch_ended(records, seconds)


class Lines:
    """One plain line an epoch."""

    def __init__(self, epochs: int, images: int) -> None:
        self._epochs = epochs
        self._images = images

    def advanced(self, epoch: int, images: int, of: int) -> None:
        """Nothing to say within an epoch."""

    def epoch_ended(self, records: list[Record], seconds: float) -> None:
        """Print the epoch's numbers."""
        record = records[-1]
        auc = record["validation_auc"]
        log.info(
            "epoch %*d/%d  rate %.2g  loss %.4f  validation loss %.4f, accuracy %.3f, AUC %s  %.0f images/s",
            len(str(self._epochs)),
            record["epoch"],
            self._epochs,
            record["learning_rate"],
            record["train_loss"],
            record["validation_loss"],
            record["validation_accuracy"],
            "not defined" if auc is None else f"{auc:.3f}",
            self._images / seconds,
        )


class Bar:
    """A progress bar with images/s and the time left, for terminals."""

    def __init__(self, progress: "Progress", task: "TaskID", images: int) -> None:
        self._progress = progress
        self._task = task
        self._images = images

    def advanced(self, epoch: int, images: int, of: int) -> None:
        """Move the bar."""
        self._progress.update(self._task, completed=epoch * of + images, epoch=epoch + 1)

    def epoch_ended(self, records: list[Record], seconds: float) -> None:
        """Nothing: the line of the epoch is printed above the bar."""


class NotebookBar:
    """A progress bar in the output of a notebook's cell; plain HTML, so it needs no widgets."""

    def __init__(self, epochs: int, images: int) -> None:
        from IPython.display import HTML, display

        self._html = HTML
        self._epochs = epochs
        self._total = epochs * images
        self._started = self._shown = time.monotonic()
        self._first: int | None = None
        self._handle = display(HTML("<progress></progress>"), display_id=True)

    def advanced(self, epoch: int, images: int, of: int) -> None:
        """Move the bar, a few times a second."""
        now, done = time.monotonic(), epoch * of + images
        self._first = done if self._first is None else self._first  # of a resumed run, not the beginning
        if now - self._shown < SECONDS_BETWEEN:
            return
        self._shown = now
        rate = (done - self._first) / (now - self._started)
        said = f"epoch {epoch + 1}/{self._epochs}, {done}/{self._total} images, {rate:.0f} images/s"
        self._handle.update(self._html(f'<progress value="{done}" max="{self._total}"></progress> {said}'))

    def epoch_ended(self, records: list[Record], seconds: float) -> None:
        """Nothing: the line of the epoch is printed below the bar."""

    def close(self) -> None:
        """Take the bar away: the lines stay."""
        self._handle.update(self._html(""))


def in_notebook() -> bool:
    """Whether output goes to a cell of a notebook, not to a terminal."""
    ipython = sys.modules.get("IPython")
    return hasattr(ipython.get_ipython(), "kernel") if ipython else False


@contextmanager
def terminal(epochs: int, images: int) -> Iterator[Observer]:
    """Lines, and a bar where they go to a terminal or a notebook.

    Args:
        epochs: length of training.
        images: training images an epoch.
    """
    lines = Lines(epochs, images)
    if in_notebook() and to_console():
        with closing(NotebookBar(epochs, images)) as shown_in_cell:
            yield Observers([lines, shown_in_cell])
        return
    if not (sys.stdout.isatty() and to_console()):
        yield lines
        return
    from rich import progress

    columns = (
        progress.TextColumn("epoch {task.fields[epoch]}/" + str(epochs)),
        progress.BarColumn(),
        progress.TextColumn("{task.completed}/{task.total} images"),
        _rate_column(),
        progress.TimeRemainingColumn(compact=True, elapsed_when_finished=True),
    )
    with progress.Progress(*columns, console=live_console(), transient=True) as shown:
        task = shown.add_task("training", total=epochs * images, epoch=1)
        yield Observers([lines, Bar(shown, task, images)])


def _rate_column() -> "progress.ProgressColumn":  # type: ignore[name-defined]  # noqa: F821 - imported where used
    from rich.progress import ProgressColumn, Task
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:.0f} images/s" if task.speed else "")

    return Rate()
