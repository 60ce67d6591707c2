"""Sweep: a sweep directory as an object. The only writer of sweep.json, and the only judge of its status."""

import json
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from threading import RLock
from typing import Any, Literal, Self, get_args

from skinlab import files, trust
from skinlab.errors import OutputError
from skinlab.evaluation.objectives import DIRECTIONS, Direction, validation_values
from skinlab.ownership import OwnedDirectory
from skinlab.run import RUN_FILE, Run

SWEEP_FILE = "sweep.json"
WRITE_EVERY = 1.0
"""Seconds between two writes of sweep.json while trials run; what must not be lost is in the runs' own files."""

SweepStatus = Literal["running", "finished", "failed", "interrupted"]
TrialStatus = Literal["waiting", "running", "finished", "failed", "pruned", "interrupted"]
TRIAL_STATUSES: tuple[TrialStatus, ...] = get_args(TrialStatus)
ENDED: frozenset[TrialStatus] = frozenset({"finished", "failed", "pruned"})
"""A trial of this status is not run again, unless a failed one is to be tried once more."""


@dataclass
class Trial:
    """One run of a sweep.

    Attributes:
        number: from 0, also the name of its directory.
        parameters: the swept keys with the values that it is run with.
        drawn: the values that were chosen, before `sweep.scaled`.
        overrides: what declares the run.
        run: its directory, relative to the sweep's.
        group: which point of the search it belongs to; runs of a group differ in seeds or folds alone.
        batch: the first group that was handed to the launcher with it; results of this one and later ones are unknown
            to whoever chose it or prunes it.
        replicate: which of the group's seeds or folds it is.
        status: see `TrialStatus`.
        attempts: how often it came to an end of its own, good or bad.
        error: why it failed, one line.
        values: of the objectives on the validation subset, None where it has none.
        epochs: epochs done.
        started: UTC.
        finished: UTC.
        seconds: spent in it, over all attempts.
    """

    number: int
    parameters: dict[str, Any]
    drawn: dict[str, Any]
    overrides: list[str]
    run: str
    group: int
    batch: int = 0
    replicate: int = 0
    status: TrialStatus = "waiting"
    attempts: int = 0
    error: str | None = None
    values: list[float] | None = None
    epochs: int = 0
    started: str | None = None
    finished: str | None = None
    seconds: float | None = None

    @property
    def has_ended(self) -> bool:
        """Whether there is nothing left to do."""
        return self.status in ENDED


_INSIDE = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)*")
"""The directory of a run below its sweep's, which also becomes an address in pages."""
_TRIAL_KEYS = tuple(item.name for item in fields(Trial))
_TRIAL_TYPES: dict[str, Any] = {
    **dict.fromkeys(("number", "group", "batch", "replicate", "attempts", "epochs"), int),
    **dict.fromkeys(("parameters", "drawn"), dict),
    "overrides": list,
    **dict.fromkeys(("run", "status"), str),
    **dict.fromkeys(("error", "started", "finished"), str | None),
    "values": list | None,
    "seconds": int | float | None,
}


class Sweep(OwnedDirectory):
    """A sweep directory.

    Attributes:
        path: the directory.
        record: the content of sweep.json but its trials; changed by `update` alone.
        trials: by number; changed by `add`, `refresh` and the sweeper, told to the disk by `flush`.
    """

    FILE = SWEEP_FILE
    LOCK = ".sweep.lock"
    TAKEN = (
        "{path} holds a sweep already: go on with it by `skinlab sweep resume {path}`, or choose another "
        "hydra.sweep.dir"
    )

    def __init__(self, path: Path, record: dict[str, Any], trials: Sequence[Trial] = ()) -> None:
        super().__init__(path, record)
        self.trials = list(trials)
        self._guard = RLock()
        self._written = 0.0
        self._dirty = False
        self._seen: dict[tuple[int, str], int] = {}

    # --- opening ---------------------------------------------------------------------------------------------------

    @classmethod
    def open(cls, path: Path) -> Self:
        """Read an existing sweep.

        Raises:
            OutputError: there is no sweep in this directory, or its sweep.json is damaged or of a newer skinlab.
        """
        try:
            record = files.json_object((path / SWEEP_FILE).read_bytes())
            trials = [_trial(trial) for trial in record.pop("trials")]
            _check_objectives(record.get("objectives", []))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise OutputError(f"{path} is not the directory of a sweep: it has no {SWEEP_FILE}") from error
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise OutputError(f"{path / SWEEP_FILE} cannot be read: {error}") from error
        cls._check(path, record)
        return cls(path, record, trials)

    @classmethod
    def reopen(cls, path: Path) -> Self:
        """Own a sweep again, to go on with it.

        Raises:
            OutputError: it is still running, or it cannot be written.
        """
        sweep = cls.open(path)
        sweep.own_again()
        sweep.refresh()
        sweep.run_again()
        return sweep

    # --- what is true ----------------------------------------------------------------------------------------------

    @property
    def status(self) -> SweepStatus:
        """The truth: a sweep that says it is running while its process is gone was interrupted."""
        recorded: SweepStatus = self.record["status"]
        return "interrupted" if self._is_orphaned() else recorded

    def run_path(self, trial: Trial) -> Path:
        """The run directory of a trial, which may not exist yet."""
        return self.path / trial.run

    def refresh(self, trials: Iterable[Trial] | None = None) -> None:
        """Bring trials that have not ended up to what their run directories say; a dead process is found out.

        Args:
            trials: which; None: all.
        """
        for trial in self.trials if trials is None else trials:
            with self._guard:
                if not trial.has_ended:
                    self._refresh(trial, self.run_path(trial))

    def _refresh(self, trial: Trial, path: Path) -> None:
        if self._changed(trial, path / RUN_FILE) or trial.status == "running":
            self._take_over(trial, path)
        if self._changed(trial, path / "metrics.jsonl"):
            self.set(trial, epochs=_lines(path / "metrics.jsonl"))

    def _changed(self, trial: Trial, file: Path) -> bool:
        """Whether a file of a run is another one than when this was last asked."""
        try:
            found = file.stat().st_mtime_ns
        except OSError:
            return False
        key = (trial.number, file.name)
        before, self._seen[key] = self._seen.get(key), found
        return before != found

    def _take_over(self, trial: Trial, path: Path) -> None:
        try:
            run = Run.open(path)
        except OutputError:  # just being created, or killed while it was: not begun
            self.set(trial, status="waiting")
            return
        record = run.record
        self.set(
            trial,
            status=run.status,
            error=one_line(record["error"]) if run.status == "failed" else None,
            started=record["started"],
            finished=record["finished"],
            seconds=record.get("timings", {}).get("total_s"),
            epochs=record.get("epochs", trial.epochs),
            attempts=max(trial.attempts, 1) if run.status in ENDED else trial.attempts,
            values=self._values(path) if run.status == "finished" else None,
        )

    def _values(self, run: Path) -> list[float] | None:
        """The objectives of a finished run, on the validation subset."""
        try:
            summary = files.json_object((run / "summary.json").read_bytes())
        except (OSError, ValueError):
            return None
        return validation_values(summary, [objective["metric"] for objective in self.record["objectives"]])

    def counts(self) -> dict[TrialStatus, int]:
        """How many trials there are of each status that there is."""
        found = [trial.status for trial in self.trials]
        return {status: found.count(status) for status in TRIAL_STATUSES if status in found}

    def content(self) -> dict[str, Any]:
        """sweep.json, trials and all."""
        return self.record | {"trials": [vars(trial) for trial in self.trials]}

    # --- changing --------------------------------------------------------------------------------------------------

    def update(self, **facts: Any) -> None:
        """Add facts to sweep.json, at once."""
        with self._guard:
            self.record |= facts
            self.flush()

    def add(self, trials: Sequence[Trial]) -> None:
        """Add trials, at once: what is begun must be known."""
        with self._guard:
            self.trials += trials
            self.flush()

    def set(self, trial: Trial, **facts: Any) -> None:
        """Change facts of a trial; `flush` or `flush_if_due` tells the disk."""
        with self._guard:
            for name, value in facts.items():
                if getattr(trial, name) != value:
                    setattr(trial, name, value)
                    self._dirty = True

    def flush_if_due(self) -> None:
        """Write sweep.json where something changed and the last write is some time ago."""
        if self._dirty and time.monotonic() - self._written > WRITE_EVERY:
            self.flush()

    def flush(self) -> None:
        """Write sweep.json, each trial on a line of its own."""
        with self._guard:
            self.record[trust.MARK] = trust.marked(self.path, self.content())[trust.MARK]
            lines = ",\n    ".join(json.dumps(vars(trial), allow_nan=False) for trial in self.trials)
            head = files.json_text(self.record | {"trials": []}).removesuffix("]\n}\n")
            files.write_text(self.path / SWEEP_FILE, head + (lines and "\n    " + lines + "\n  ") + "]\n}\n")
            self._written, self._dirty = time.monotonic(), False

    def end(self, status: SweepStatus, error: str | None = None) -> None:
        """Write how it ended, and let go of the directory."""
        self._let_go(status, error)


def _check_objectives(objectives: Any) -> None:
    for objective in objectives:
        if objective["metric"] not in DIRECTIONS or objective["direction"] not in get_args(Direction):
            raise ValueError(f"there is no objective {objective!r}")


def _trial(recorded: Any) -> Trial:
    """A trial as sweep.json has it.

    Raises:
        TypeError: a value is of another type than skinlab writes.
        ValueError: it has no status, or its run lies outside of the sweep.
    """
    trial = Trial(**{key: recorded[key] for key in _TRIAL_KEYS})
    for name, kind in _TRIAL_TYPES.items():
        if not isinstance(getattr(trial, name), kind) or isinstance(getattr(trial, name), bool):
            raise TypeError(f"{name} of a trial is {getattr(trial, name)!r}")
    if trial.status not in TRIAL_STATUSES or not all(isinstance(text, str) for text in trial.overrides):
        raise ValueError(f"trial {trial.number} has no status or overrides of a trial")
    if not _INSIDE.fullmatch(trial.run):
        raise ValueError(f"trial {trial.number} lies in {trial.run}")
    return trial


def _lines(file: Path) -> int:
    try:
        return file.read_bytes().count(b"\n")
    except OSError:
        return 0


def one_line(text: str | None) -> str | None:
    """The first line of a reason."""
    return text.splitlines()[0] if text else text
