"""The directory of one fold's run: its declaration, and the test predictions of a finished one. Writes nothing."""

from functools import cached_property
from pathlib import Path
from typing import Any

from skinlab import files
from skinlab.errors import DataError
from skinlab.run import RUN_FILE, Run
from skinlab.tested import Tested, read_tested


class FoldRun:
    """The run of one fold, finished or not.

    Attributes:
        run: its directory.
        declaration: its config without the fold.
        fold: which part is its test subset.
        folds: how many parts there are.
    """

    def __init__(self, path: Path) -> None:
        """Open the directory of a run.

        Raises:
            OutputError: it is none.
            DataError: it is no fold of a cross-validation.
        """
        self.run = Run.open(path)
        config = self.run.record.get("config", {})
        split = config.get("split", {})
        if split.get("name") != "kfold":
            raise DataError(f"{path} is no fold: it was run with split={split.get('name')}, not split=kfold")
        self.fold: int = split["fold"]
        self.folds: int = split["folds"]
        self.declaration = {**config, "split": {key: value for key, value in split.items() if key != "fold"}}

    @property
    def path(self) -> Path:
        """The directory."""
        return self.run.path

    @property
    def is_finished(self) -> bool:
        """Whether it has final numbers."""
        return self.run.status == "finished"

    @cached_property
    def result(self) -> dict[str, Any]:
        """The content of summary.json.

        Raises:
            DataError: it cannot be read.
        """
        path = self.path / "summary.json"
        try:
            result = files.json_object(path.read_bytes())
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise DataError(
                f"{path} cannot be read ({reason}): the run directory is not whole, run it again"
            ) from error
        return result

    @property
    def summary(self) -> dict[str, Any]:
        """The numbers of the test subset."""
        test: dict[str, Any] = self.result["test"]
        return test

    @cached_property
    def tested(self) -> Tested:
        """The test subset, from split.csv and predictions.csv.

        Raises:
            DataError: they cannot be read, or are not of the same images.
        """
        return read_tested(self.path, list(self.summary["classes"]))

    def overrides(self) -> list[str] | None:
        """What was typed to declare it, without the fold; None where it is not recorded."""
        import yaml

        try:
            words = yaml.safe_load((self.path / ".hydra" / "overrides.yaml").read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError):
            return None
        return [word for word in words or [] if word.partition("=")[0] != "split.fold"]


def runs_below(path: Path) -> list[FoldRun]:
    """The run of this directory, or those of the directories in it, as a sweep makes them.

    Raises:
        OutputError: a run cannot be opened.
        DataError: there is none, or one is no fold.
    """
    if (path / RUN_FILE).exists():
        return [FoldRun(path)]
    found = sorted((file.parent for file in path.glob(f"*/{RUN_FILE}")), key=lambda run: (len(run.name), run.name))
    if not found:
        raise DataError(f"{path} is neither a run nor a sweep: it has no {RUN_FILE}, nor has any directory in it")
    return [FoldRun(run) for run in found]
