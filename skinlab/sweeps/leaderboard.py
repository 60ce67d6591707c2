"""What came of a sweep: runs that differ in seeds or folds as one, ranked by the validation subset alone."""

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any

import numpy as np

from skinlab import files
from skinlab.evaluation.objectives import Direction, better
from skinlab.sweeps.space import REPLICATES
from skinlab.sweeps.state import Sweep, Trial

CONFIDENCE = 0.95
LEADERBOARD = "leaderboard.csv"


@dataclass(frozen=True)
class Group:
    """The runs of one point of the search.

    Attributes:
        number: of the group.
        trials: its runs.
    """

    number: int
    trials: list[Trial]

    @property
    def parameters(self) -> dict[str, Any]:
        """What makes it differ from the others: without seeds and folds."""
        return {key: value for key, value in self.trials[0].parameters.items() if key not in REPLICATES}

    @property
    def values(self) -> list[list[float]]:
        """The objectives of each of its finished runs."""
        return [trial.values for trial in self.trials if trial.values is not None]

    @property
    def is_complete(self) -> bool:
        """Whether each of its runs has values: only then it is ranked."""
        return len(self.values) == len(self.trials)

    @cached_property
    def means(self) -> list[float]:
        """Of the objectives over its runs."""
        if len(self.values) == 1:
            return self.values[0]
        return [float(mean) for mean in np.mean(self.values, axis=0)]

    def spread(self, objective: int) -> tuple[float, float, float] | None:
        """Standard deviation over the runs and Student's interval of the mean; None of fewer than two runs."""
        values = [each[objective] for each in self.values]
        if len(values) < 2:  # noqa: PLR2004 - a spread needs two
            return None
        from scipy.special import stdtrit

        sd, mean = float(np.std(values, ddof=1)), float(np.mean(values))
        half = float(stdtrit(len(values) - 1, (1 + CONFIDENCE) / 2)) * sd / math.sqrt(len(values))
        return sd, mean - half, mean + half


def grouped(trials: Sequence[Trial]) -> list[Group]:
    """The trials by point of the search, in order."""
    ordered = sorted(trials, key=lambda trial: (trial.group, trial.number))
    return [Group(number, list(members)) for number, members in groupby(ordered, key=lambda trial: trial.group)]


def ranked(groups: Sequence[Group], directions: Sequence[Direction]) -> list[Group]:
    """The complete groups, the best by the first objective first; the earlier one where two are equal."""
    sign = -1 if directions[0] == "maximize" else 1
    return sorted(
        (group for group in groups if group.is_complete), key=lambda group: (sign * group.means[0], group.number)
    )


def front(groups: Sequence[Group], directions: Sequence[Direction]) -> list[Group]:
    """The complete groups that no other one is better than in everything: Pareto's front, in order of the search."""
    complete = [group for group in groups if group.is_complete]
    signs = np.array([1 if direction == "maximize" else -1 for direction in directions])
    values = np.array([group.means for group in complete], dtype=np.float64).reshape(-1, len(signs)) * signs
    beaten = [((values >= own).all(axis=1) & (values > own).any(axis=1)).any() for own in values]
    return [group for group, is_beaten in zip(complete, beaten, strict=True) if not is_beaten]


def best_run(group: Group, direction: Direction) -> Trial:
    """The run of a group with the best validation value; the earlier one where two are equal."""
    best = group.trials[0]
    for trial in group.trials[1:]:
        if better(direction, _first(trial), _first(best)):
            best = trial
    return best


def _first(trial: Trial) -> float:
    assert trial.values is not None  # noqa: S101 - of a complete group
    return trial.values[0]


def result(trials: Sequence[Trial], directions: Sequence[Direction]) -> dict[str, Any]:
    """What sweep.json says of the outcome: `best` and, of several objectives, the Pareto front."""
    groups = grouped(trials)
    order = ranked(groups, directions)
    pareto = front(groups, directions) if len(directions) > 1 else []
    return {
        "best": _named(order[0], directions[0]) if order else None,
        "pareto": [_named(group, directions[0]) for group in pareto],
    }


def judge(sweep: Sweep) -> dict[str, Any]:
    """Write leaderboard.csv and give what `result` gives, for sweep.json.

    Raises:
        OutputError: it cannot be written.
    """
    names, directions = zip(*((one["metric"], one["direction"]) for one in sweep.record["objectives"]), strict=True)
    files.write_text(sweep.path / LEADERBOARD, table(sweep.trials, names, directions))
    return result(sweep.trials, directions)


def _named(group: Group, direction: Direction) -> dict[str, Any]:
    trial = best_run(group, direction)
    return {"trial": trial.number, "run": trial.run, "group": group.number, "values": group.means}


def table(trials: Sequence[Trial], objectives: Sequence[str], directions: Sequence[Direction]) -> str:
    """Text of leaderboard.csv: the ranked groups, then the others with what became of them."""
    groups = grouped(trials)
    order = ranked(groups, directions)
    rest = [group for group in groups if not group.is_complete]
    keys = list(dict.fromkeys(key for group in groups for key in group.parameters))
    numbers = [f"{name}_{what}" for name in objectives for what in ("mean", "sd", "low", "high")]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["rank", "group", *keys, *numbers, "n", "runs", "status"])
    for rank, group in enumerate(order + rest, start=1):
        place = rank if group.is_complete else ""
        cells = _cells(group, len(objectives))
        swept = [group.parameters.get(key) for key in keys]
        runs = " ".join(trial.run for trial in group.trials)
        status = "finished" if group.is_complete else " ".join(dict.fromkeys(trial.status for trial in group.trials))
        writer.writerow([place, group.number, *swept, *cells, len(group.values), runs, status])
    return text.getvalue()


def _cells(group: Group, objectives: int) -> list[Any]:
    """Mean, sd and interval of each objective; empty where there is none."""
    cells: list[Any] = []
    for number in range(objectives):
        mean = repr(group.means[number]) if group.values else ""
        spread = group.spread(number)
        cells += [mean, *(map(repr, spread) if spread else ("", "", ""))]
    return cells
