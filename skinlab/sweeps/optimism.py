"""By how much the best of many is better on validation than it is: what choosing by a score does to that score.

The more trials are compared on the same images, the luckier the winner (Jensen and Cohen, Machine Learning 38:309,
2000; Cawley and Talbot, JMLR 11:2079, 2010). The trials' validation predictions tell by how much: images are drawn with
replacement, the best trial on those is chosen, and scored on the images that were not drawn. That is the bootstrap
bias-corrected estimate of Tsamardinos, Greasidou and Borboudakis (Machine Learning 107:1895, 2018). Nothing is trained
again, and the test subset is not looked at. Choosing the best epoch on the same images is not part of it.
"""

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from skinlab.errors import OutputError
from skinlab.evaluation import intervals, metrics, scores
from skinlab.evaluation.metrics import Floats, Integers
from skinlab.evaluation.objectives import Direction, metric
from skinlab.run import Run
from skinlab.sweeps.leaderboard import CONFIDENCE, Group
from skinlab.sweeps.state import Sweep

RESAMPLES = 200
MOST = 100
"""Points that are compared, the best ones: worse ones win no resample."""
METHOD = "bootstrap bias-corrected estimate (Tsamardinos et al., 2018)"


@dataclass(frozen=True)
class Validated:
    """A run's validation predictions.

    Attributes:
        image_ids: of its validation images.
        labels: their classes.
        groups: their lesions or patients, None where not known.
        score: from how often each image counts, float64 [R, N], to the objective, float64 [R].
        fingerprint: of the data set.
    """

    image_ids: list[str]
    labels: list[str]
    groups: list[str | None]
    score: Callable[[Floats], Floats]
    fingerprint: str


def estimate(sweep: Sweep, order: Sequence[Group], objective: str, direction: Direction, seed: int) -> dict[str, Any]:
    """What the best point is likely to reach on new images, for sweep.json.

    Args:
        sweep: its directory.
        order: the complete groups, the best first.
        objective: the metric that they are ranked by.
        direction: which way it is better.
        seed: of the bootstrap.

    Returns:
        `observed` (the best mean), `expected`, `low`, `high`, `optimism` (how much too good the observed one is, in the
        direction of the metric), `points`, `resamples`, `method`, and `why`: None, or why there is no estimate.
    """
    observed = order[0].means[0] if order else None
    empty = dict.fromkeys(("expected", "low", "high", "optimism"))
    head = {"metric": objective, "observed": observed, **empty, "points": len(order), "resamples": RESAMPLES}
    try:
        found = _bias_corrected([_runs(sweep, group, objective) for group in order[:MOST]], direction, seed)
    except (OSError, ValueError, KeyError, OutputError) as error:
        return head | {"method": METHOD, "why": str(error)}
    assert observed is not None  # noqa: S101 - there are at least two points
    excess = observed - found["expected"] if direction == "maximize" else found["expected"] - observed
    return head | found | {"optimism": excess, "method": METHOD, "why": None}


def _runs(sweep: Sweep, group: Group, objective: str) -> list[Validated]:
    return [read(sweep.run_path(trial), objective) for trial in group.trials]


def _bias_corrected(points: Sequence[Sequence[Validated]], direction: Direction, seed: int) -> dict[str, Any]:
    """The mean over resamples of the chosen point's score on what was not drawn, with its percentile interval.

    Where all resamples agree there is no interval.

    Raises:
        ValueError: it is not defined.
    """
    if len(points) < 2:  # noqa: PLR2004 - to choose takes two
        raise ValueError("there is nothing to choose between")
    if len({run.fingerprint for runs in points for run in runs}) > 1:
        raise ValueError("the trials are of different data")
    known = {
        name: (label, group)
        for runs in points
        for run in runs
        for name, label, group in zip(run.image_ids, run.labels, run.groups, strict=True)
    }
    names = sorted(known)
    place = {name: row for row, name in enumerate(names)}
    rows = [[np.array([place[name] for name in run.image_ids]) for run in runs] for runs in points]
    classes = sorted({label for label, _ in known.values()})
    strata = np.array([classes.index(known[name][0]) for name in names], dtype=np.int64)
    sign = 1 if direction == "maximize" else -1
    collected: list[Floats] = []

    def chosen_outside(drawn: Floats) -> Floats:
        inside, outside = (_scored(points, rows, weights) for weights in (drawn, (drawn == 0).astype(np.float64)))
        signed = np.where(np.isnan(inside), -np.inf, sign * inside)
        values: Floats = outside[np.arange(len(drawn)), signed.argmax(axis=1)]
        collected.append(values)
        return values[:, None]

    bounds = intervals.bootstrap(
        chosen_outside,
        len(names),
        [known[name][1] for name in names],
        resamples=RESAMPLES,
        confidence=CONFIDENCE,
        seed=seed,
        strata=strata,
    )
    values = np.concatenate(collected)
    if np.isnan(values).mean() > 0.5:  # noqa: PLR2004 - half of them
        raise ValueError("too few validation images of a class")
    low, high = (None if np.isnan(bound[0]) else float(bound[0]) for bound in bounds)
    return {"expected": float(np.nanmean(values)), "low": low, "high": high}


def _scored(points: Sequence[Sequence[Validated]], rows: Sequence[Sequence[Integers]], weights: Floats) -> Floats:
    """Of each point the mean over its runs, float64 [R, points]."""
    columns = [
        np.mean([run.score(weights[:, own]) for run, own in zip(runs, rows_of, strict=True)], axis=0)
        for runs, rows_of in zip(points, rows, strict=True)
    ]
    return np.stack(columns, axis=1)


def read(path: Path, objective: str) -> Validated:
    """The validation predictions of a finished run.

    Raises:
        OSError, ValueError, KeyError, OutputError: its files are not whole.
    """
    summary = json.loads((path / "summary.json").read_text())
    validation = summary["validation"]
    classes = list(validation["classes"])
    predicted = _rows(path / "predictions.csv")
    groups = {row["image_id"]: row["group"] or None for row in _rows(path / "split.csv")}
    probabilities = np.array([[float(row[f"probability_{name}"]) for name in classes] for row in predicted])
    labels = [row["label"] for row in predicted]
    return Validated(
        image_ids=[row["image_id"] for row in predicted],
        labels=labels,
        groups=[groups[row["image_id"]] for row in predicted],
        score=_scorer(validation, classes, labels, probabilities, objective),
        fingerprint=Run.open(path).record["dataset_fingerprint"],
    )


def _scorer(
    validation: dict[str, Any], classes: list[str], labels: Sequence[str], probabilities: Floats, objective: str
) -> Callable[[Floats], Floats]:
    positive = metrics.positive_of(validation)
    threshold = np.full(len(labels), validation["threshold"] or 0.5)  # of more than two classes it is not looked at
    predictions = scores.Predictions(
        targets=np.array([classes.index(label) for label in labels], dtype=np.int64),
        decisions=metrics.decide(probabilities, positive, threshold),
        probabilities=probabilities,
        positive=positive,
    )
    levels = scores.Levels(specificity=validation["at_specificity"], sensitivity=validation["at_sensitivity"])
    score, column = scores.scorer(predictions, levels), scores.column(metric(objective), len(classes), positive)
    return lambda weights: score(weights)[:, column]


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, strict=True))
    return [row for row in rows if row["subset"] == "validation"]
