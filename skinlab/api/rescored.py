"""A finished run on another data set: what `skinlab evaluate` does."""

import shlex
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Literal

from skinlab.api import display
from skinlab.api.overrides import override
from skinlab.api.view import RunView, Scored, open_run
from skinlab.attempt import short
from skinlab.commands import evaluate as command
from skinlab.rescoring import OnOverlap


class EvaluationView(Scored):
    """A run scored once more.

    Attributes:
        path: the directory.
        remarks: what must be known before the numbers are trusted.
    """

    def __init__(self, path: Path, remarks: Sequence[str]) -> None:
        super().__init__(path)
        self.remarks = list(remarks)

    def __repr__(self) -> str:
        return f"<evaluation {short(self.path)}>"

    def _repr_html_(self) -> str:
        summary = self.summary
        return display.evaluation(f"{summary['experiment']} on {summary['dataset']}", summary, self.path)


def evaluate(
    run: str | PathLike[str] | RunView,
    *overrides: str,
    subset: Literal["test", "all"] | None = None,
    on_overlap: OnOverlap = "fail",
    threads: int | None = None,
    config_dirs: Sequence[str | PathLike[str]] = (),
    **keys: Any,
) -> EvaluationView:
    """Score a finished run on another data set, or again on its own.

    Args:
        run: its directory, its short name, or itself.
        overrides: of the data set, the split or the subgroups, e.g. `"dataset=folder"`.
        subset: the images that are scored; None: all of another data set, the test subset of the run's own.
        on_overlap: images that the run has trained on or selected with: fail, drop them, or warn.
        threads: images computed beside each other.
        config_dirs: folders with further choices.
        keys: overrides by name, as for `compose`.

    Raises:
        BundleError: the run is not finished, or has no bundle that can be used.
        DataError: the data cannot be used, has other classes, or overlaps with what the run has seen.
        ConfigError: wrong overrides.
    """
    path = run.path if isinstance(run, RunView) else open_run(run).path
    words = [*overrides, *(override(name, value) for name, value in keys.items())]
    options = [*(["--subset", subset] if subset else []), "--on-overlap", on_overlap]
    done = command.evaluate(
        path,
        words,
        [Path(folder) for folder in config_dirs],
        subset=subset,
        on_overlap=on_overlap,
        threads=threads,
        command=shlex.join(["skinlab", "evaluate", str(short(path)), *words, *options]),
    )
    return EvaluationView(done.path, done.remarks)
