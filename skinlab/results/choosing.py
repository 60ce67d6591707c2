"""Which images of a subset are shown, and in which order: what a person asks of the page of a run's results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from skinlab.errors import DataError
from skinlab.evaluation.metrics import Booleans, Floats, Integers, decide
from skinlab.evaluation.summary import BINARY
from skinlab.results.reading import Results

Answers = Literal["all", "right", "wrong"]
SORTS = {
    "loss": "highest loss first",
    "uncertainty": "nearest to another decision first",
    "sure": "surest first",
    "probability": "most probably positive first",
    "name": "by name",
}
"""The orders, and what they are called."""
OF_POSITIVE = "probability"
"""The order that needs a positive class."""


@dataclass(frozen=True)
class Choice:
    """What is asked.

    Attributes:
        truth: a class; None: any.
        called: a class; None: any.
        answers: right, wrong, or all.
        subgroup: a column and one of its subgroups; None: all images.
        text: what the name contains, whatever its case.
        sort: one of `SORTS`.
        threshold: of two classes, from which probability on an image is called positive; None: that of the run.
    """

    truth: str | None = None
    called: str | None = None
    answers: Answers = "all"
    subgroup: tuple[str, str] | None = None
    text: str = ""
    sort: str = "loss"
    threshold: float | None = None


def sorts(results: Results) -> dict[str, str]:
    """The orders that results can be shown in, and what they are called."""
    return {name: said for name, said in SORTS.items() if name != OF_POSITIVE or results.positive is not None}


def decisions(results: Results, threshold: float | None) -> Integers:
    """What each image is called at a threshold, int64 [N]; None: that of the run."""
    at = results.threshold if threshold is None else threshold
    return decide(results.scored.probabilities, results.positive, 0.5 if at is None else at)


def in_subgroup(results: Results, subgroup: tuple[str, str] | None, columns: Mapping[str, Sequence[str]]) -> Booleans:
    """Which images are of a subgroup, bool [N].

    Raises:
        DataError: there is no such subgroup.
    """
    if subgroup is None:
        return np.ones(len(results.scored.targets), dtype=np.bool_)
    column, name = subgroup
    if name not in columns.get(column, ()):
        raise DataError(f"no image is in a subgroup {column}: {name}")
    return np.array([value == name for value in columns[column]], dtype=np.bool_)


def chosen(results: Results, choice: Choice, columns: Mapping[str, Sequence[str]]) -> Integers:
    """The rows of the images that are shown, in order: int64 [n].

    Args:
        results: of the subset.
        choice: what is asked.
        columns: the subgroup of each image by column.

    Raises:
        DataError: there is no such class, subgroup or order.
    """
    called, targets = decisions(results, choice.threshold), results.scored.targets
    kept = in_subgroup(results, choice.subgroup, columns)
    if choice.truth is not None:
        kept &= targets == _code(results, choice.truth)
    if choice.called is not None:
        kept &= called == _code(results, choice.called)
    if choice.answers != "all":
        kept &= (called == targets) == (choice.answers == "right")
    if choice.text:
        wanted = choice.text.casefold()
        kept &= np.array([wanted in name.casefold() for name in results.scored.image_ids], dtype=np.bool_)
    rows = np.flatnonzero(kept).astype(np.int64)
    return rows[_order(results, choice, rows)]


def _code(results: Results, name: str) -> int:
    if name not in results.classes:
        raise DataError(f"there is no class {name}; there are: {', '.join(results.classes)}")
    return results.classes.index(name)


def _order(results: Results, choice: Choice, rows: Integers) -> Integers:
    """The order of the rows; of equal ones the first by name."""
    if choice.sort not in (known := sorts(results)):
        raise DataError(f"there is no order {choice.sort}; there are: {', '.join(known)}")
    names = np.array([results.scored.image_ids[row] for row in rows], dtype=np.str_)
    if choice.sort == "name":
        return np.argsort(names, kind="stable")
    falling = _measure(results, choice)[rows]
    return np.lexsort([names, -np.nan_to_num(falling, nan=-np.inf)])


def _measure(results: Results, choice: Choice) -> Floats:
    """By which images are ordered, the largest first, float64 [N]."""
    probabilities = results.scored.probabilities
    if choice.sort == "loss":
        return results.losses
    if choice.sort == OF_POSITIVE and results.positive is not None:
        return probabilities[:, results.positive]
    certain = _margin(results, choice.threshold)
    return certain if choice.sort == "sure" else -certain


def _margin(results: Results, threshold: float | None) -> Floats:
    """How far each image is from being called something else, float64 [N].

    Of two classes the distance from the threshold; of more, the probability of the first above that of the second.
    """
    probabilities = results.scored.probabilities
    if results.positive is not None and probabilities.shape[1] == BINARY:
        at = results.threshold if threshold is None else threshold
        distance: Floats = np.abs(probabilities[:, results.positive] - (0.5 if at is None else at))
        return distance
    ordered = np.sort(probabilities, axis=1)
    ahead: Floats = ordered[:, -1] - ordered[:, -2]
    return ahead
