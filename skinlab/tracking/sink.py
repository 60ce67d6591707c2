"""What every sink is told, and what it must be able to do. Knows no sink."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from skinlab.run import Status

Record = dict[str, Any]
"""One line of metrics.jsonl."""


@dataclass(frozen=True)
class Sweep:
    """The sweep that a run is a trial of.

    Attributes:
        id: the same for all its trials, whichever process runs them.
        path: its directory.
    """

    id: str
    path: Path


@dataclass(frozen=True)
class Subject:
    """The run that is told about.

    Attributes:
        id: stays the same when the run is resumed or moved.
        path: its directory.
        declaration: each declared value by its dotted key.
        tags: further facts, as text.
        sweep: of a trial, its sweep.
    """

    id: str
    path: Path
    declaration: Mapping[str, Any]
    tags: Mapping[str, str]
    sweep: Sweep | None = None


@dataclass(frozen=True)
class Ending:
    """How a run ended.

    Attributes:
        status: finished, pruned, failed or interrupted.
        error: why, in one line; None of a finished run.
        epochs: done.
        metrics: final numbers by name; empty unless it finished.
        tags: facts that were not known at the start.
        artifacts: files to keep, by their folder in the sink; the run's own folder is "".
    """

    status: Status
    error: str | None
    epochs: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    artifacts: Sequence[tuple[Path, str]] = ()


class Sink(Protocol):
    """Takes a run's record to somewhere else.

    Each call may raise anything and is then made again, after another `begin`; so each may find that a part of what
    it was asked to do is done.
    """

    def begin(self) -> None:
        """Connect, and find out what is there of this run."""

    def epochs(self, records: Sequence[Record]) -> None:
        """Send what is not there yet; `records` are those of all epochs so far."""

    def end(self, ending: Ending) -> None:
        """Send the final numbers, the artifacts and the status."""

    def facts(self) -> dict[str, Any]:
        """Where the record is, for run.json; from any thread."""


def epoch_metrics(record: Record) -> dict[str, float]:
    """The numbers of an epoch under the names that sinks show: those that begin alike are of one group.

    >>> epoch_metrics({"epoch": 3, "learning_rate": 0.1, "train_loss": 0.5, "validation_auc": None})
    {'learning/rate': 0.1, 'train/loss': 0.5}
    """
    return {
        name.replace("_", "/", 1): float(value)
        for name, value in record.items()
        if name != "epoch" and value is not None
    }


def final_metrics(summary: Mapping[str, Any]) -> dict[str, float]:
    """The final numbers of summary.json with the bounds of their intervals; what is not defined is left out.

    >>> final_metrics({"test": {"metrics": {"auc": {"value": 0.9, "low": 0.8, "high": 0.95}, "f1": {"value": None}}}})
    {'final/test/auc': 0.9, 'final/test/auc_low': 0.8, 'final/test/auc_high': 0.95}
    """
    found: dict[str, float] = {}
    for subset in ("validation", "test"):
        for name, entry in summary.get(subset, {}).get("metrics", {}).items():
            parts = {"": entry["value"], "_low": entry.get("low"), "_high": entry.get("high")}
            found |= {
                f"final/{subset}/{name}{part}": float(value) for part, value in parts.items() if value is not None
            }
    return found
