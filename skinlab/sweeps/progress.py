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
from skinlab.logs import live_console, visible
from skinlab.report.words import counted
from skinlab.sweeps import leaderboard
from skinlab.sweeps.declaration import Declaration
from skinlab.sweeps.state import Sweep, Trial

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

LOOK_EVERY = 0.5
"""Seconds between two looks at the run directories."""
ENDED_SHOWN = 5
"""In the live table, which must not be higher than the terminal; what ended is not news there for long."""
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

            self._live = self._stack.enter_context(Live(console=live_console(), refresh_per_second=2, transient=True))
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
            self._live.update(shown(self._sweep, self._epochs))


def line(trial: Trial, objectives: list[str]) -> str:
    """A trial that ended, in one line."""
    took = f" after {duration(trial.seconds)}" if trial.seconds is not None else ""
    told = f"{assignment(trial.parameters)}{_said(trial, objectives)}".lstrip(":; ")  # nothing may be swept
    return f"trial {trial.number} {trial.status}{took}" + (f": {told}" if told else "")


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


def exact(value: Any) -> str:
    """A value in as many digits as tell it from others.

    >>> exact(0.012345678), exact(None)
    ('0.0123457', 'None')
    """
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def assigned(parameters: Mapping[str, Any]) -> str:
    """Swept keys and values to be read, in fewer digits than can be typed."""
    return assignment({key: exact(value) for key, value in parameters.items()})


def shown(sweep: Sweep, epochs: int) -> "Group":
    """How it stands in one line, which may be wider than the table, and the table."""
    from rich.console import Group
    from rich.text import Text

    return Group(Text(visible(heading(sweep))), table(sweep, epochs))


def table(sweep: Sweep, epochs: int, most_ended: int = ENDED_SHOWN) -> "Table":
    """What ended last, what was interrupted, and what runs now.

    Args:
        sweep: refreshed.
        epochs: of a trial that does not sweep training.epochs.
        most_ended: rows for trials that ended.
    """
    from rich.table import Table
    from rich.text import Text

    names = [objective["metric"] for objective in sweep.record["objectives"]]
    rows = Table(box=None, pad_edge=False)
    for column in ("trial", "status", "parameters", "epoch", *names, "time", "left"):
        rows.add_column(column)
    interrupted, running = ([t for t in sweep.trials if t.status == status] for status in ("interrupted", "running"))
    for trial in [*_ended(sweep)[-most_ended:], *interrupted[:RUNNING_SHOWN], *running[:RUNNING_SHOWN]]:
        values = [f"{value:.4f}" for value in trial.values] if trial.values else [""] * len(names)
        total = trial.parameters.get("training.epochs", epochs)
        epoch = f"{trial.epochs}/{total}" if trial.epochs else ""  # a method may have none
        cells = (str(trial.number), trial.status, assigned(trial.parameters), epoch)
        spent = seconds_spent(trial)
        rows.add_row(*(Text(visible(cell)) for cell in (*cells, *values, duration(spent), _left(trial, total, spent))))
    return rows


def _ended(sweep: Sweep) -> list[Trial]:
    """The last one last."""
    return sorted((t for t in sweep.trials if t.has_ended), key=lambda trial: (trial.finished or "", trial.number))


def not_in_table(sweep: Sweep, most_ended: int) -> list[str]:
    """What the table has no room for, in lines below it: why trials failed, and how many others there are."""
    lines = [line(trial, []) for trial in sweep.trials if trial.status == "failed"]
    missing = max(0, len(_ended(sweep)) - most_ended)
    missing += sum(max(0, sweep.counts().get(status, 0) - RUNNING_SHOWN) for status in ("interrupted", "running"))
    return lines + ([f"and {counted(missing, 'more trial')}: {leaderboard.LEADERBOARD}, --json"] if missing else [])


def heading(sweep: Sweep) -> str:
    """Counts, the best so far and the time left, in one line."""
    counts = ", ".join(f"{count} {status}" for status, count in sweep.counts().items())
    parts = [f"{counted(len(sweep.trials), 'trial')}: {counts}" if counts else "no trials yet"]
    directions = [objective["direction"] for objective in sweep.record["objectives"]]
    if order := leaderboard.ranked(leaderboard.grouped(sweep.trials), directions):
        best, name = order[0], sweep.record["objectives"][0]["metric"]
        mean = f" (mean of {len(best.trials)} runs)" if len(best.trials) > 1 else ""
        run = leaderboard.best_run(best, directions[0])
        parts.append(f"best {name} {best.means[0]:.4f}{mean} by trial {run.number}")
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
