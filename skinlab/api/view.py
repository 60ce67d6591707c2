"""A run directory as an object for a notebook; it may be running, failed or finished, and somebody else's."""

import json
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from skinlab import schema
from skinlab.api import display, frames, scoring
from skinlab.attempt import short
from skinlab.config import recorded
from skinlab.errors import DataError, OutputError
from skinlab.evaluation.ranking import roc_curve
from skinlab.run import Run, Status
from skinlab.runs.naming import resolve
from skinlab.serving import loading

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

Subset = Literal["validation", "test"]


class Scored:
    """A directory with numbers and predictions: of a run, or of a run scored on another data set.

    Attributes:
        path: the directory.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def summary(self) -> dict[str, Any]:
        """The content of summary.json: final numbers with intervals.

        Raises:
            OutputError: there are none, or not yet.
        """
        content: dict[str, Any] = json.loads(self._file("summary.json").read_text(encoding="utf-8"))
        return content

    @property
    def predictions(self) -> "pd.DataFrame":
        """A row an image: image_id, subset, label, and the probability of each class.

        Raises:
            OutputError: there are none, or not yet.
        """
        return frames.table(self._file("predictions.csv"))

    @property
    def report(self) -> Path:
        """The page with all of it.

        Raises:
            OutputError: there is none, or not yet.
        """
        return self._file("report.html")

    @property
    def plots(self) -> dict[str, Path]:
        """Its plots as PNG, by name; empty where there are none yet."""
        return {file.stem: file for file in sorted((self.path / "plots").glob("*.png"))}

    def results(self, subset: Subset = "test") -> "pd.DataFrame":
        """The final numbers of a subset: value, low, high, interval and why, by metric.

        Raises:
            OutputError: there are none, or not yet.
            DataError: of this subset there are none.
        """
        return frames.metrics(self._of(subset))

    def roc(self, subset: Subset = "test", positive: str | None = None) -> "pd.DataFrame":
        """The ROC curve: false_positive_rate, true_positive_rate and threshold, at falling thresholds.

        Args:
            subset: whose images.
            positive: the class that is found, of several; None: the positive class of the run, where it has one.

        Raises:
            OutputError: there are no predictions, or not yet.
            DataError: there is no such class or subset.
        """
        summary, predictions = self._of(subset), self.predictions
        name = positive or summary["positive_class"]
        if f"probability_{name}" not in predictions:
            wrong = f"there is no class {name}" if name else "no class is the positive one: name it, positive=..."
            raise DataError(f"{wrong}; there are: {', '.join(summary['classes'])}")
        rows = predictions[predictions["subset"] == subset]
        scores: np.ndarray[Any, Any] = rows[f"probability_{name}"].to_numpy()
        curve = roc_curve((rows["label"] == name).to_numpy(), scores)
        return frames.pandas().DataFrame(
            {
                "false_positive_rate": curve.false_positive_rate,
                "true_positive_rate": curve.true_positive_rate,
                "threshold": curve.thresholds,
            }
        )

    def _of(self, subset: str) -> dict[str, Any]:
        summary = self.summary
        if subset not in summary:
            known = [name for name in ("validation", "test") if name in summary]
            raise DataError(f"{self.path} has no numbers of the subset {subset}; it has those of {' and '.join(known)}")
        found: dict[str, Any] = summary[subset]
        return found

    def _file(self, name: str) -> Path:
        file = self.path / name
        if not file.is_file():
            raise OutputError(f"{short(self.path)} has no {name}")
        return file


class RunView(Scored):
    """A run. Everything is read when it is asked for, so that a run that goes on is seen to."""

    def __repr__(self) -> str:
        return f"<run {short(self.path)}: {self.status}>"

    @property
    def record(self) -> dict[str, Any]:
        """The content of run.json."""
        return Run.open(self.path).record

    @property
    def status(self) -> Status:
        """The truth: a run that says it is running while its process is gone was interrupted."""
        return Run.open(self.path).status

    @property
    def config(self) -> schema.Config:
        """The declaration that it was started with.

        Raises:
            ConfigError: this version does not understand it; `record["config"]` has it as it is.
        """
        return recorded(self.record.get("config", {}))

    @property
    def metrics(self) -> "pd.DataFrame":
        """A row an epoch, also while it is running.

        Raises:
            OutputError: there are none, or not yet.
        """
        return frames.lines(self._file("metrics.jsonl"))

    @property
    def split(self) -> "pd.DataFrame":
        """A row an image of the data set: image_id, sha256, label, group, subset.

        Raises:
            OutputError: the data is not read yet.
        """
        return frames.table(self._file("split.csv"), numbers="\0")

    @cached_property
    def bundle(self) -> loading.Bundle:
        """What is deployed, verified.

        Raises:
            BundleError: there is none, or it was changed.
        """
        return loading.load(self.path)

    def predict(self, images: scoring.Images, *, threads: int | None = None, tta: str | None = None) -> "pd.DataFrame":
        """Score new images with the bundle, as `skinlab predict` does.

        Args:
            images: paths of images or folders, or arrays uint8 [H, W, 3] or [N, H, W, 3] in RGB of any size.
            threads: images computed beside each other; never changes a result.
            tta: views to average over, as `skinlab predict --tta`.

        Returns:
            A row an image: path (of an array its number), the probability of each class, label, decision, and the
            error of an image that cannot be read.

        Raises:
            BundleError: the run has no bundle that can be used.
            DataError: an array is of another shape or type.
        """
        return scoring.predict(self.bundle, images, threads, tta)

    def explain(self, images: scoring.Images, class_name: str | None = None) -> list[scoring.Explanation]:
        """Where the network sees a class (Grad-CAM); see docs/explain.md for how to read it.

        Args:
            images: as for `predict`.
            class_name: the class that is explained; None: of each image the one that is decided for.

        Raises:
            BundleError: the run has no bundle that can be used, or one that cannot explain.
            DataError: an image cannot be read, or there is no such class.
        """
        return scoring.explain(self.bundle, images, class_name)

    def _file(self, name: str) -> Path:
        """A file of the run.

        Raises:
            OutputError: it is not there; one line that says why.
        """
        file = self.path / name
        if file.is_file():
            return file
        record, status, where = self.record, self.status, short(self.path)
        if name == "metrics.jsonl" and record.get("config", {}).get("method", {}).get("name") == "featurize":
            raise OutputError(f"{where} has no epochs: method=featurize fits a classifier at once")
        reason = f" ({record['error']})" if record.get("error") else ""
        hint = f"; go on with skinlab.resume({str(where)!r})" if status in ("failed", "interrupted", "pruned") else ""
        raise OutputError(f"{where} is {status}{reason}: it has no {name}{' yet' * (status == 'running')}{hint}")

    def _repr_html_(self) -> str:
        run = Run.open(self.path)
        lines = self.path / "metrics.jsonl"
        epochs = [json.loads(line) for line in lines.read_text().splitlines()] if lines.is_file() else []
        summary = self.summary if (self.path / "summary.json").is_file() else None
        facts = {
            "title": f"run {short(self.path)}",
            "status": run.status,
            "error": run.record.get("error"),
            "config": run.record.get("config", {}),
            "summary": summary,
        }
        return display.run(facts, epochs, self.path)


def open_run(run: str | PathLike[str]) -> RunView:
    """Look into a run, whatever has come of it.

    Args:
        run: its directory, or its short name: the beginning or the end of its id, or `latest`.

    Raises:
        OutputError: there is no such run, or several.
    """
    path = resolve(run if isinstance(run, str) else Path(run))
    return RunView(Run.open(path).path)
