"""Which trials are ended early: rules over validation curves, and the observer that applies one to a trial.

A trial is compared only with trials of earlier batches, all of which have ended, and of the same seed or fold. So a
decision never depends on which of several processes is faster, and a trial that is killed and goes on comes to the same
end. Optuna's pruners look at whatever other processes have reported at that moment; these are therefore our own.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from skinlab import schema
from skinlab.evaluation.objectives import DIRECTIONS, MONITORS
from skinlab.run import Pruned, Run
from skinlab.sweeps.state import Sweep, Trial
from skinlab.training.checkpoint import Checkpoints

Curve = Sequence[float | None]
"""The monitored metric after each epoch, signed so that larger is better; None where it was not defined."""


@dataclass(frozen=True)
class Other:
    """A trial that ended before: its group and its curve."""

    group: int
    curve: Curve


def best(curve: Curve, epoch: int) -> float:
    """The best value of the first `epoch` epochs; minus infinity where none is defined.

    >>> best([0.5, 0.7, 0.6], 2)
    0.7
    """
    return max((value for value in curve[:epoch] if value is not None), default=-math.inf)


def verdict(
    pruner: str, settings: schema.Pruning, epochs: int, group: int, curve: Curve, others: Sequence[Other]
) -> str | None:
    """Why a trial ends after the last epoch of its curve; None where it goes on.

    Args:
        pruner: as in `sweep.pruner`.
        settings: as in `sweep.pruning`.
        epochs: of a whole trial.
        group: of the trial.
        curve: of the trial so far.
        others: the trials that it is compared with.
    """
    epoch = len(curve)
    if epoch < settings.warmup_epochs or epoch >= epochs:
        return None
    if pruner == "median":
        return _by_median(settings.startup_trials, curve, others)
    if pruner == "patience":
        return _by_patience(settings, curve)
    if pruner == "hyperband":
        return _by_hyperband(settings, epochs, group, curve, others)
    return None


def _by_median(startup: int, curve: Curve, others: Sequence[Other]) -> str | None:
    """The median stopping rule (Golovin et al., KDD 2017), on the best values so far."""
    epoch = len(curve)
    reached = [best(other.curve, epoch) for other in others if len(other.curve) >= epoch]
    if len(reached) < startup or best(curve, epoch) >= (middle := median(reached)):
        return None
    own = _said(best(curve, epoch))
    return f"epoch {epoch}: {own}, worse than the median {_said(middle)} of {len(reached)} earlier trials"


def _by_patience(settings: schema.Pruning, curve: Curve) -> str | None:
    """No improvement for some epochs."""
    before = len(curve) - settings.patience
    if before < settings.warmup_epochs or best(curve, len(curve)) > best(curve, before):
        return None
    return f"epoch {len(curve)}: no improvement on {_said(best(curve, before))} for {settings.patience} epochs"


def _by_hyperband(
    settings: schema.Pruning, epochs: int, group: int, curve: Curve, others: Sequence[Other]
) -> str | None:
    """Successive halving (Jamieson and Talwalkar, 2016) in the brackets of Hyperband (Li et al., JMLR 18:185, 2018).

    As in its asynchronous form (Li et al., MLSys 2020) a rung is judged by who has reached it, not by who will.
    """
    epoch, factor = len(curve), settings.reduction
    if epoch not in rungs(settings, epochs, bracket(settings, epochs, group)):
        return None
    peers = [other for other in others if bracket(settings, epochs, other.group) == bracket(settings, epochs, group)]
    reached = sorted((best(other.curve, epoch) for other in peers if len(other.curve) >= epoch), reverse=True)
    own = best(curve, epoch)
    place = 1 + sum(value > own for value in reached)
    kept = max(1, (len(reached) + 1) // factor)
    if place <= kept:
        return None
    return f"epoch {epoch}: {_said(own)}, place {place} of {len(reached) + 1} at this rung, of which {kept} go on"


def rungs(settings: schema.Pruning, epochs: int, number: int) -> list[int]:
    """The epochs after which a bracket is thinned out.

    >>> rungs(schema.Pruning(warmup_epochs=1, startup_trials=1, patience=1, reduction=3), 27, 1)
    [3, 9]
    """
    first = settings.warmup_epochs * settings.reduction**number
    found = []
    while first < epochs:
        found.append(first)
        first *= settings.reduction
    return found


def bracket(settings: schema.Pruning, epochs: int, group: int) -> int:
    """Which bracket a point is in: the hardest, 0, has the most points, each bracket about the same epochs in all.

    >>> settings = schema.Pruning(warmup_epochs=1, startup_trials=1, patience=1, reduction=3)
    >>> [bracket(settings, 9, group) for group in range(8)]
    [0, 1, 0, 2, 0, 1, 0, 0]
    """
    last = len(rungs(settings, epochs, 0))
    shares = [-(-(last + 1) * settings.reduction ** (last - s) // (last - s + 1)) for s in range(last + 1)]
    order = sorted(((index + 0.5) / share, number) for number, share in enumerate(shares) for index in range(share))
    return order[group % len(order)][1]


def _said(value: float) -> str:
    return f"{abs(value):.4f}"


class PruningWatch:
    """An observer of training that ends a trial by raising `Pruned`."""

    def __init__(self, settings: schema.Sweep, config: schema.Config, sweep: Sweep, run: Run) -> None:
        trial = next(trial for trial in sweep.trials if trial.run == run.path.name)
        self._run = run
        self._settings = settings
        self._monitor = config.training.monitor
        self._epochs = config.training.epochs
        self._group = trial.group
        self._others = [
            Other(other.group, curve_of(sweep, other, self._monitor))
            for other in sweep.trials
            if other.batch < trial.batch and other.replicate == trial.replicate
        ]

    def go_on(self) -> None:
        """Decide what was not decided any more when the process of this trial was killed.

        Raises:
            Pruned: the trial ends.
        """
        position = Checkpoints(self._run.folder("checkpoints")).position()
        if position is not None and position.records:
            self._run.write_metrics(position.records)
            self.epoch_ended(position.records, 0.0)

    def advanced(self, epoch: int, images: int, of: int) -> None:
        """Nothing is decided within an epoch."""

    def epoch_ended(self, records: list[dict[str, Any]], seconds: float) -> None:
        """Decide.

        Raises:
            Pruned: the trial ends.
        """
        curve = signed(records, self._monitor)
        settings = self._settings
        why = verdict(settings.pruner, settings.pruning, self._epochs, self._group, curve, self._others)
        if why:
            raise Pruned(f"{self._monitor} in {why}")


def signed(records: Sequence[dict[str, Any]], monitor: str) -> list[float | None]:
    """The curve of a run's epochs."""
    values = [record[MONITORS[monitor]] for record in records]
    sign = 1 if DIRECTIONS[monitor] == "maximize" else -1
    return [None if value is None else sign * value for value in values]


def curve_of(sweep: Sweep, trial: Trial, monitor: str) -> list[float | None]:
    """The curve of a trial that ended, from its metrics.jsonl; empty where there is none."""
    try:
        lines = (sweep.run_path(trial) / "metrics.jsonl").read_text().splitlines()
    except OSError:
        return []
    return signed([json.loads(line) for line in lines], monitor)
