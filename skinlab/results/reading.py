"""What a finished run said of a subset, as arrays: from files that may be somebody else's, or damaged."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from skinlab import files
from skinlab.errors import DataError, OutputError
from skinlab.evaluation.metrics import Floats, Integers, log_losses, positive_of
from skinlab.evaluation.scores import Levels
from skinlab.evaluation.summary import BINARY, UNSEEN, Settings, summarise
from skinlab.report.facts import Scored
from skinlab.run import Run
from skinlab.tested import read_tested

SUBSETS = ("test", "validation")
"""Those that are scored."""
LARGEST_FILE = 500_000_000
"""Bytes of a table that is read: some millions of images."""


@dataclass(frozen=True)
class Results:
    """A scored subset; row i of everything is the same image.

    Attributes:
        path: of the run.
        record: the content of run.json.
        subset: which.
        summary: what summary.json has of the subset.
        result: the content of summary.json.
        scored: the images with truth and probabilities.
        sha256: hashes of their files.
        groups: their lesions or patients, None where not known.
    """

    path: Path
    record: dict[str, Any]
    subset: str
    summary: dict[str, Any]
    result: dict[str, Any]
    scored: Scored
    sha256: Sequence[str]
    groups: Sequence[str | None]

    @property
    def classes(self) -> list[str]:
        """Names in the order of the probabilities."""
        return list(self.summary["classes"])

    @property
    def positive(self) -> int | None:
        """Index of the positive class; None: of more than two classes none is."""
        return positive_of(self.summary)

    @property
    def threshold(self) -> float | None:
        """The run's operating point; None where the most probable class is taken."""
        value: float | None = self.summary["threshold"] if len(self.classes) == BINARY else None
        return value

    @cached_property
    def losses(self) -> Floats:
        """Negative log-likelihood of the truth in nats, float64 [N]; nan where the truth is no class of the run."""
        known = self.scored.targets != UNSEEN
        found = np.full(len(known), np.nan)
        found[known] = log_losses(self.scored.targets[known], self.scored.probabilities[known])
        return found


def read(path: Path, subset: str) -> Results:
    """The results of a finished run.

    Args:
        path: its directory.
        subset: one of `SUBSETS`.

    Raises:
        OutputError: there is no such run, it is not finished, or its files are not as skinlab writes them.
        DataError: its tables cannot be read, or there are no results of the subset.
    """
    run = Run.open(path)
    if run.status != "finished":
        raise OutputError(f"{path} is {run.status}: there are no results{' yet' * (run.status == 'running')}")
    for name in ("predictions.csv", "split.csv", "summary.json"):
        _check_size(path / name)
    try:
        result = files.json_object((path / "summary.json").read_bytes())
        if subset not in SUBSETS or subset not in result:
            raise DataError(f"{path} has no results of a subset {subset}")
        return _results(run, subset, result)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise OutputError(f"{path}: its results are not as skinlab writes them ({error!r})") from error


def _check_size(file: Path) -> None:
    """Refuse what is not there, or too large to be read for a page."""
    if not file.is_file():
        raise OutputError(f"{file.parent} has no {file.name}: the run directory is not whole")
    if (size := file.stat().st_size) > LARGEST_FILE:
        raise DataError(f"{file} has {size / 1e6:.0f} MB: too much for a page; `skinlab runs show` has its numbers")


def _results(run: Run, subset: str, result: dict[str, Any]) -> Results:
    summary = result[subset]
    classes = list(summary["classes"])
    tested = read_tested(run.path, classes, subset)
    codes = {name: code for code, name in enumerate(classes)}
    targets = np.array([codes.get(label, UNSEEN) for label in tested.labels], dtype=np.int64)
    probabilities = np.array(tested.probabilities, dtype=np.float64).reshape(len(targets), len(classes))
    scored = Scored(tested.image_ids, targets, probabilities)
    found = Results(run.path, run.record, subset, summary, result, scored, tested.sha256, tested.groups)
    _ = found.positive, summary["metrics"]["auc"], summary["confusion_matrix"], result["note"]
    if len(classes) < BINARY or not (found.threshold is None or 0 <= found.threshold <= 1):
        raise ValueError(f"{len(classes)} classes, threshold {found.threshold}")
    return found


def summary_of(results: Results, rows: Integers) -> dict[str, Any]:
    """What summary.json would have of some of the images, without the intervals that take a bootstrap."""
    whole, scored = results.summary, results.scored
    levels = Levels(specificity=whole["at_specificity"], sensitivity=whole["at_sensitivity"])
    threshold = 0.5 if results.threshold is None else results.threshold
    settings = Settings(whole["confidence"], 0, whole["seed"], levels, threshold)
    groups = [results.groups[row] for row in rows]
    return summarise(
        scored.targets[rows], scored.probabilities[rows], results.classes, results.positive, groups, settings
    )


def of_rows(scored: Scored, rows: Integers) -> Scored:
    """Some of the images."""
    return Scored([scored.image_ids[row] for row in rows], scored.targets[rows], scored.probabilities[rows])
