"""Event files for TensorBoard in the run directory."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from skinlab.tracking.sink import Ending, Record, epoch_metrics

FOLDER = "tensorboard"


class TensorBoard:
    """A sink: every number of the record by epoch, the final ones at the last.

    Args:
        run: the run directory.
    """

    def __init__(self, run: Path) -> None:
        import tensorboard.summary.writer.event_file_writer  # noqa: F401 - by the thread that says what is missing

        self._folder = run / FOLDER
        self._writer: Any = None
        self._known: set[tuple[str, int]] = set()

    def begin(self) -> None:
        """Read what earlier processes of this run have written, and open a file of this one."""
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        if self._writer is not None:
            self._writer.close()
        self._known = _written(self._folder)
        self._writer = EventFileWriter(str(self._folder))

    def epochs(self, records: Sequence[Record]) -> None:
        """Write the epochs that are in no file yet."""
        for record in records:
            self._add(record["epoch"], epoch_metrics(record))
        self._writer.flush()

    def end(self, ending: Ending) -> None:
        """Write the final numbers and finish the file."""
        self._add(ending.epochs, ending.metrics)
        self._writer.close()

    def facts(self) -> dict[str, Any]:
        """Where the files are."""
        return {"folder": FOLDER}

    def _add(self, step: int, metrics: Mapping[str, float]) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        new = {name: value for name, value in metrics.items() if (name, step) not in self._known}
        if not new:
            return
        values = [Summary.Value(tag=name, simple_value=value) for name, value in new.items()]
        self._writer.add_event(Event(step=step, wall_time=time.time(), summary=Summary(value=values)))
        self._known |= {(name, step) for name in new}


def _written(folder: Path) -> set[tuple[str, int]]:
    """Name and step of every number in the event files of a folder."""
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    files = sorted(folder.glob("events.out.tfevents.*"))
    return {
        (value.tag, event.step)
        for file in files
        for event in EventFileLoader(str(file)).Load()
        for value in event.summary.value
    }
