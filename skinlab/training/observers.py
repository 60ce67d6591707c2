"""Who is told about training: the terminal, and the sinks that tracking declares."""

import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from skinlab.logs import to_console
from skinlab.training.loop import Observer, Record

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

log = logging.getLogger(__name__)


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


@contextmanager
def terminal(epochs: int, images: int) -> Iterator[Observer]:
    """Lines, and a bar below them where they go to a terminal.

    Args:
        epochs: length of training.
        images: training images an epoch.
    """
    lines = Lines(epochs, images)
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
    with progress.Progress(*columns, transient=True) as shown:
        task = shown.add_task("training", total=epochs * images, epoch=1)
        yield Observers([lines, Bar(shown, task, images)])


def _rate_column() -> "progress.ProgressColumn":  # type: ignore[name-defined]  # noqa: F821 - imported where used
    from rich.progress import ProgressColumn, Task
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:.0f} images/s" if task.speed else "")

    return Rate()


class TensorBoard:
    """Event files for TensorBoard: every number of the record by epoch."""

    def __init__(self, folder: Path) -> None:
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        self._writer = EventFileWriter(str(folder))

    def advanced(self, epoch: int, images: int, of: int) -> None:
        """Nothing is written within an epoch."""

    def epoch_ended(self, records: list[Record], seconds: float) -> None:
        """Write the epoch's numbers."""
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        record = records[-1]
        values = [
            Summary.Value(tag=name.replace("_", "/", 1), simple_value=value)
            for name, value in record.items()
            if name != "epoch" and value is not None
        ]
        self._writer.add_event(Event(step=record["epoch"], wall_time=_now(), summary=Summary(value=values)))
        self._writer.flush()

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()


def _now() -> float:
    import time

    return time.time()


@contextmanager
def tracking(sinks: Sequence[str], folder: Path) -> Iterator[list[Observer]]:
    """The declared sinks, closed at the end.

    Args:
        sinks: names as in `tracking.sinks`.
        folder: the run directory.
    """
    with ExitStack() as stack:
        observers: list[Observer] = []
        if "tensorboard" in sinks:
            board = TensorBoard(folder / "tensorboard")
            stack.callback(board.close)
            observers.append(board)
        yield observers
