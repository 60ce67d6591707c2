"""How a sweep stands, read from the directories of its runs: a live table on a terminal, else a line a trial.

Whatever runs the trials, and wherever: only their files are looked at.
"""

import sys
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

from skinlab.attempt import short
from skinlab.errors import OutputError
from skinlab.sweeps import leaderboard
from skinlab.sweeps.declaration import Declaration
from skinlab.sweeps.state import Sweep, Trial

if TYPE_CHECKING:
    from rich.table import Table

LOOK_EVERY = 0.5
"""Seconds between two looks at the run directories."""
ENDED_SHOWN = 5
RUNNING_SHOWN = 20


class Progress:
    """Keeps sweep.json and the terminal up to date while trials run."""

    def __init__(self, sweep: Sweep, declaration: Declaration) -> None:
        self._sweep = sweep
        self._epochs = declaration.config.training.epochs
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="sweep progress", daemon=True)
        self._stack = ExitStack()
        self._told = {trial.number for trial in sweep.trials if trial.has_ended}
        self._live: Any = None

    def __enter__(self) -> Self:
        """Begin to look."""
        sys.stdout.write(f"sweep: {short(self._sweep.path)}\n")
        if sys.stdout.isatty():
            from rich.live import Live

            self._live = self._stack.enter_context(Live(refresh_per_second=2, transient=True))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Tell the last, and stop."""
        self._stop.set()
        self._thread.join()
        self._stack.close()
        self._tell()
        self._sweep.flush()

    def _watch(self) -> None:
        while not self._stop.wait(LOOK_EVERY):
            self._sweep.refresh([trial for trial in list(self._sweep.trials) if not trial.has_ended])
            with suppress(OutputError):  # a full disk: the sweeper meets it too, and says so
                self._sweep.flush_if_due()
            self._tell()

    def _tell(self) -> None:
        names = [objective["metric"] for objective in self._sweep.record["objectives"]]
        for trial in list(self._sweep.trials):
            if trial.has_ended and trial.number not in self._told:
                self._told.add(trial.number)
                if self._live is None or trial.status == "failed":
                    sys.stdout.write(f"{line(trial, names)}\n")
        sys.stdout.flush()
        if self._live is not None:
            self._live.update(table(self._sweep, self._epochs))


def line(trial: Trial, objectives: list[str]) -> str:
    """A trial that ended, in one line."""
    took = f" after {duration(trial.seconds)}" if trial.seconds is not None else ""
    return f"trial {trial.number} {trial.status}{took}: {assignment(trial.parameters)}{_said(trial, objectives)}"


def _said(trial: Trial, objectives: list[str]) -> str:
    if trial.status == "failed":
        return f": {trial.error}"
    if trial.status == "pruned":
        return f": pruned in epoch {trial.epochs}"
    values = zip(objectives, trial.values or [], strict=False)
    return "".join(f"; {name} {value:.4f}" for name, value in values)


def assignment(parameters: Mapping[str, Any]) -> str:
    """Swept keys and values as they are typed, keys by their last part where that is enough.

    >>> assignment({"optimizer.learning_rate": 0.1, "seed": 3})
    'learning_rate=0.1 seed=3'
    """
    last = [key.rpartition(".")[2] for key in parameters]
    names = last if len(set(last)) == len(last) else list(parameters)
    return " ".join(f"{name}={value}" for name, value in zip(names, parameters.values(), strict=True))


def table(sweep: Sweep, epochs: int) -> "Table":
    """What runs now, what ended last, and the best so far.

    Args:
        sweep: refreshed.
        epochs: of a trial that does not sweep training.epochs.
    """
    from rich.table import Table
    from rich.text import Text

    names = [objective["metric"] for objective in sweep.record["objectives"]]
    shown = Table(title=Text(heading(sweep)), title_justify="left", box=None, pad_edge=False)
    for column in ("trial", "status", "parameters", "epoch", *names, "time", "left"):
        shown.add_column(column)
    running = [trial for trial in sweep.trials if trial.status == "running"]
    ended = sorted((t for t in sweep.trials if t.has_ended), key=lambda trial: (trial.finished or "", trial.number))
    for trial in [*ended[-ENDED_SHOWN:], *running[:RUNNING_SHOWN]]:
        values = [f"{value:.4f}" for value in trial.values] if trial.values else [""] * len(names)
        total = trial.parameters.get("training.epochs", epochs)
        epoch = f"{trial.epochs}/{total}" if trial.epochs else ""  # a method may have none
        cells = (str(trial.number), trial.status, assignment(trial.parameters), epoch)
        spent = seconds_spent(trial)
        shown.add_row(*map(Text, (*cells, *values, duration(spent), _left(trial, total, spent))))
    return shown


def heading(sweep: Sweep) -> str:
    """Counts, the best so far and the time left, in one line."""
    counts = ", ".join(f"{count} {status}" for status, count in sweep.counts().items())
    parts = [f"{len(sweep.trials)} trials: {counts}"]
    groups = leaderboard.grouped(sweep.trials)
    if order := leaderboard.ranked(groups, [objective["direction"] for objective in sweep.record["objectives"]]):
        best, name = order[0], sweep.record["objectives"][0]["metric"]
        parts.append(f"best {name} {best.means[0]:.4f} by trial {best.trials[0].number}")
    if (left := time_left(sweep)) is not None:
        parts.append(f"about {duration(left)} left")
    return "; ".join(parts)


def time_left(sweep: Sweep) -> float | None:
    """Seconds, by the mean of the trials that ended and how many run at once; None where nothing is known."""
    took = [trial.seconds for trial in sweep.trials if trial.has_ended and trial.seconds]
    running = sum(trial.status == "running" for trial in sweep.trials)
    left = sum(not trial.has_ended for trial in sweep.trials)
    return sum(took) / len(took) * left / running if took and running else None


def seconds_spent(trial: Trial) -> float | None:
    """Of one that runs, since it began."""
    if trial.status != "running" or trial.started is None:
        return trial.seconds
    from datetime import UTC, datetime

    return max(0.0, time.time() - datetime.fromisoformat(trial.started).astimezone(UTC).timestamp())


def _left(trial: Trial, epochs: Any, spent: float | None) -> str:
    if trial.status != "running" or not trial.epochs or spent is None or not isinstance(epochs, int):
        return ""
    return duration(spent / trial.epochs * (epochs - trial.epochs))


def duration(seconds: float | None) -> str:
    """Short: 0:01:05; with tenths below ten seconds."""
    if seconds is None:
        return ""
    return f"{seconds:.1f} s" if seconds < 10 else str(timedelta(seconds=round(seconds)))  # noqa: PLR2004 - as said
