"""Is one run better than another? What `skinlab compare` says, with frames."""

from collections.abc import Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING

from skinlab import files
from skinlab.api import display, frames
from skinlab.api.view import RunView, open_run
from skinlab.comparison.arms import open_runs
from skinlab.comparison.comparing import Comparison, Question
from skinlab.comparison.comparing import compare as compare_runs
from skinlab.comparison.finding import find_runs
from skinlab.comparison.gate import Mode
from skinlab.comparison.verdict import sentence
from skinlab.config.defaults import output_dir
from skinlab.data.wording import nearest
from skinlab.errors import ConfigError
from skinlab.evaluation.summary import METRICS

if TYPE_CHECKING:
    import pandas as pd


class ComparisonView:
    """What is said of several experiments.

    Attributes:
        found: all of it; see `skinlab.comparison.comparing.Comparison`.
    """

    def __init__(self, found: Comparison) -> None:
        self.found = found

    def __repr__(self) -> str:
        said = self.verdicts or ["not comparable: " + "; ".join(self.causes)]
        return f"<comparison: {'; '.join(said)}>"

    @property
    def verdicts(self) -> list[str]:
        """A sentence a pair; none where nothing is ranked."""
        return [sentence(pair) for pair in self.found.pairs]

    @property
    def causes(self) -> list[str]:
        """Why the runs are not comparable as they are; empty where they are."""
        return self.found.causes

    @property
    def experiments(self) -> "pd.DataFrame":
        """A row an experiment: the keys in which they differ, and the metric that decides with its interval."""
        metric = self.found.question.metric
        rows = [
            {"experiment": one.arm.name, **one.arm.differs, "validation": one.validation, **one.numbers[metric]}
            for one in self.found.standings
        ]
        return frames.frame(rows, "experiment")

    @property
    def pairs(self) -> "pd.DataFrame":
        """A row a pair: the difference, its interval, p, p by Holm's procedure, and which is better."""
        rows = [
            {
                "one": pair.one,
                "other": pair.other,
                **pair.difference._asdict(),
                "p_holm": pair.adjusted,
                "better": pair.better,
                "verdict": sentence(pair),
            }
            for pair in self.found.pairs
        ]
        return frames.frame(rows)

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the page of the comparison: one file with curves and the images on which the best disagree.

        Raises:
            OutputError: it cannot be written.
        """
        from skinlab.comparison.page import comparison_page

        file = Path(path)
        files.write_text(file, comparison_page(self.found))
        return file

    def _repr_html_(self) -> str:
        return display.comparison(self.found)


def compare(
    *runs: str | PathLike[str] | RunView,
    metric: str = "auc",
    images: Mode = "all",
    top: int | None = None,
    reference: str | PathLike[str] | RunView | None = None,
    each: bool = False,
) -> ComparisonView:
    """Say whether one experiment is better than another, and how sure that is.

    Args:
        runs: finished runs, directories, sweeps, patterns of these, or names of experiments.
        metric: what decides: a metric of summary.json.
        images: all: refuse to rank runs whose test images differ; common: compare on those that are the same;
            forced: on those of the same name, whatever else differs.
        top: compare only so many experiments, the best on the validation subset.
        reference: compare each with this one; None: each two, of many each with the best on validation.
        each: every run by itself, also where runs differ in the seed alone.

    Raises:
        ConfigError: a question that makes no sense.
        DataError: fewer than two experiments, or runs that cannot be read.
    """
    if metric not in METRICS:
        raise ConfigError(f"metric={metric}: no such number{nearest(metric, METRICS)}; there are {', '.join(METRICS)}")
    if top is not None and top <= 1:
        raise ConfigError(f"top={top}: a comparison needs at least 2")
    against = None if reference is None else _directory(reference)
    found = find_runs(_words(runs), output_dir())
    return ComparisonView(compare_runs(*open_runs(found), Question(metric, images, top, each, against)))


def _words(runs: Sequence[str | PathLike[str] | RunView]) -> list[str]:
    return [str(run.path) if isinstance(run, RunView) else fspath(run) for run in runs]


def _directory(run: str | PathLike[str] | RunView) -> Path:
    return run.path if isinstance(run, RunView) else open_run(run).path
