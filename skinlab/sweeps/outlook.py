"""What sweep.html shows, as plain numbers: the points of the search on their axes, how good each was, its curves."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from skinlab.evaluation.objectives import MONITORS, Direction
from skinlab.run import Run
from skinlab.sweeps import leaderboard
from skinlab.sweeps.axes import Axis, axes
from skinlab.sweeps.importance import Importance, importance
from skinlab.sweeps.leaderboard import Group
from skinlab.sweeps.pruning import curve_of
from skinlab.sweeps.state import Sweep, Trial

LEVELS = 6
"""Classes from the worst to the best, each of as many points; `q0` ... of page.css."""
MOST = 600
"""Points that are drawn in a chart, the best ones; all of them are in leaderboard.csv."""
FENCE = 3.0
"""A value is drawn as far from the median as this times the best one is from it, and no further: those of a rate that
is too high would hide what is between the good ones."""


@dataclass(frozen=True)
class Point:
    """A point of the search.

    Attributes:
        group: its runs.
        places: where it lies on each axis, 0 to 1.
        value: mean of the first objective, None where it has none.
        drawn: the same, or the limit of what is drawn.
        level: from 0, the worst sixth, to 5, the best; None where it has no value.
    """

    group: Group
    places: tuple[float, ...]
    value: float | None = None
    drawn: float | None = None
    level: int | None = None

    @property
    def trial(self) -> Trial:
        """Its first run."""
        return self.group.trials[0]

    @property
    def is_pruned(self) -> bool:
        """Whether one of its runs was ended early."""
        return any(trial.status == "pruned" for trial in self.group.trials)


class Outlook:
    """A sweep as its page sees it.

    Args:
        sweep: its directory, refreshed.
    """

    def __init__(self, sweep: Sweep) -> None:
        self.sweep = sweep
        self.config: dict[str, Any] = sweep.record["declaration"]["config"]
        self.objectives: list[str] = [objective["metric"] for objective in sweep.record["objectives"]]
        self.directions: list[Direction] = [objective["direction"] for objective in sweep.record["objectives"]]
        self.axes: list[Axis] = axes(sweep.record["declaration"]["space"])
        self.groups = leaderboard.grouped(sweep.trials)
        self.ranked = leaderboard.ranked(self.groups, self.directions)
        self.front = leaderboard.front(self.groups, self.directions)

    @cached_property
    def points(self) -> list[Point]:
        """All that can be drawn: the ranked ones, the best first, then the others."""
        limit = self.limit
        found = []
        for rank, group in enumerate(self.ranked):
            value = group.means[0]
            if math.isfinite(value):
                level = LEVELS - 1 - rank * LEVELS // len(self.ranked)
                found.append(Point(group, self._places(group), value, self._clipped(value, limit), level))
        others = [Point(group, self._places(group)) for group in self.groups if not group.is_complete]
        return found + [point for point in others if point.is_pruned]

    @property
    def valued(self) -> list[Point]:
        """Those with a value, the best first; as many as are drawn."""
        return [point for point in self.points if point.value is not None][:MOST]

    @property
    def pruned(self) -> list[Point]:
        """Those that were ended early; as many as are drawn."""
        return [point for point in self.points if point.is_pruned][:MOST]

    @property
    def beyond(self) -> int:
        """How many are drawn nearer than they are."""
        return sum(point.value != point.drawn for point in self.valued)

    @cached_property
    def limit(self) -> float | None:
        """The worst value that is drawn where it is; None where there is none."""
        values = [group.means[0] for group in self.ranked if math.isfinite(group.means[0])]
        if not values:
            return None
        return fence(values, self.directions[0])

    @cached_property
    def importance(self) -> Importance:
        """Of each key."""
        shown = [point for point in self.points if point.drawn is not None]
        if not self.axes:
            return Importance([], "only seeds or folds were swept")
        places = np.array([point.places for point in shown]).reshape(len(shown), len(self.axes))
        return importance(places, np.array([point.drawn for point in shown], dtype=np.float64))

    @cached_property
    def curves(self) -> list[tuple[Trial, int | None, list[tuple[int, float]]]]:
        """Of each run that reported epochs: its trial, the level of its point, epochs with the monitored metric."""
        levels = {point.group.number: point.level for point in self.points}
        monitor = self.monitor
        sign = -1 if monitor == "loss" else 1
        found = []
        for trial in self.sweep.trials:
            curve = curve_of(self.sweep, trial, monitor)
            known = [(epoch, sign * value) for epoch, value in enumerate(curve, start=1) if value is not None]
            if known:
                found.append((trial, levels.get(trial.group), known))
        return found

    @property
    def monitor(self) -> str:
        """The metric after each epoch, a key of `MONITORS`."""
        name = str(self.config["training.monitor"])
        assert name in MONITORS  # noqa: S101 - the declaration was checked
        return name

    def pruning_reason(self, trial: Trial) -> str:
        """Why a trial was ended early."""
        return str(Run.open(self.sweep.run_path(trial)).record.get("pruned", ""))

    def epochs_of(self, trial: Trial) -> int:
        """How many it would have."""
        return int(trial.parameters.get("training.epochs", self.config["training.epochs"]))

    def _places(self, group: Group) -> tuple[float, ...]:
        drawn = group.trials[0].drawn
        return tuple(axis.at(drawn[axis.key]) for axis in self.axes)

    def _clipped(self, value: float, limit: float | None) -> float:
        if limit is None:
            return value
        return max(value, limit) if self.directions[0] == "maximize" else min(value, limit)


def fence(values: Sequence[float], direction: Direction) -> float:
    """The worst value that is drawn where it is.

    >>> fence([0.1, 0.2, 0.3, 900.0, 901.0], "minimize"), fence([0.1, 0.2, 0.3], "minimize")
    (0.9, 0.3)
    """
    if direction == "maximize":
        return -fence([-value for value in values], "minimize")
    best, middle, worst = min(values), float(np.median(values)), max(values)
    return min(worst, round(middle + FENCE * (middle - best), 12)) if middle > best else worst


def spread(values: Sequence[float]) -> tuple[float, float]:
    """A range with a little room around the values."""
    low, high = min(values), max(values)
    room = 0.06 * (high - low) or 0.05 * abs(high) or 0.05
    return low - room, high + room
