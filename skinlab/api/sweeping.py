"""Sweeps from Python: what `skinlab train -m` and `skinlab sweep` do."""

import shlex
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skinlab.api import display, frames
from skinlab.api.overrides import override
from skinlab.api.running import guarded
from skinlab.api.view import RunView
from skinlab.attempt import short
from skinlab.commands.train import through_hydra
from skinlab.config import search_path_overrides
from skinlab.errors import DataError
from skinlab.runs.naming import resolve_sweep
from skinlab.sweeps.declaration import declare, survey_sweep
from skinlab.sweeps.state import Sweep

if TYPE_CHECKING:
    import pandas as pd


class SweepView:
    """A sweep directory: its trials, whatever has come of them so far.

    Attributes:
        path: the directory.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __repr__(self) -> str:
        return f"<sweep {short(self.path)}: {self.status}, {len(self._sweep().trials)} trials>"

    @property
    def status(self) -> str:
        """Running, finished, failed or interrupted."""
        return self._sweep().status

    @property
    def trials(self) -> "pd.DataFrame":
        """A row a trial: its number, status, swept values, objectives on validation, epochs, seconds, error."""
        return frames.frame(self._rows(), "number")

    @property
    def runs(self) -> list[RunView]:
        """The runs of its trials that have begun, in the order of the trials."""
        sweep = self._sweep()
        paths = [sweep.run_path(trial) for trial in sweep.trials]
        return [RunView(path) for path in paths if (path / "run.json").exists()]

    @property
    def best(self) -> RunView:
        """The best run by the first objective on the validation subset.

        Raises:
            DataError: no trial is finished yet.
        """
        found = self._sweep().record["best"]
        if not found:
            raise DataError(f"{short(self.path)} has no best run yet: no trial is finished")
        return RunView(self.path / found["run"])

    def _sweep(self) -> Sweep:
        sweep = Sweep.open(self.path)
        sweep.refresh()
        return sweep

    def _rows(self) -> list[dict[str, Any]]:
        sweep = self._sweep()
        names = [objective["metric"] for objective in sweep.record["objectives"]]
        return [
            {
                "number": trial.number,
                "status": trial.status,
                **trial.parameters,
                **{f"validation_{name}": value for name, value in zip(names, trial.values or [], strict=False)},
                "epochs": trial.epochs,
                "seconds": trial.seconds,
                "error": trial.error,
            }
            for trial in sweep.trials
        ]

    def _repr_html_(self) -> str:
        rows = self._rows()
        head = list(dict.fromkeys(name for row in rows for name in row))
        body = [["" if row.get(name) is None else str(row[name]) for name in head] for row in rows]
        return display.rows(f"sweep {short(self.path)}: {self.status}", head, body)


def sweep(*overrides: str, config_dirs: Sequence[str | PathLike[str]] = (), **keys: Any) -> SweepView:
    """Run a declared experiment for several values, as `skinlab train -m` does.

    Args:
        overrides: as typed on the command line; those with several values are swept, e.g. `"seed=1,2,3"`.
        config_dirs: folders with further choices of the config groups.
        keys: single values by name, as for `compose`.

    Returns:
        The sweep, with its failed trials: they do not stop the others.

    Raises:
        ConfigError: one line for each mistake.
        DataError: a data set cannot be used as declared; there is no sweep then.
        KeyboardInterrupt: it was interrupted; `skinlab sweep resume` goes on.
    """
    from skinlab.engines.torch import launch
    from skinlab.sweeps.sweeper import Start

    words = [*overrides, *(override(name, value) for name, value in keys.items())]
    folders = [Path(folder) for folder in config_dirs]
    options = [word for folder in folders for word in ("--config-dir", str(folder))]
    declaration = declare(words, folders, shlex.join(["skinlab", "train", "-m", *options, *words]))
    launch.check(declaration.config.engine, sweep=True)
    survey_sweep(declaration.checked, declaration.overrides)
    searched = [*search_path_overrides(folders), *words]
    done = guarded(declaration.config.output_dir, lambda: through_hydra(Start(declaration), searched, sweep=True))
    return SweepView(done.sweep.path)


def open_sweep(path: str | PathLike[str]) -> SweepView:
    """Look into a sweep.

    Args:
        path: its directory, the beginning or the end of its name, or `latest`.

    Raises:
        OutputError: there is no sweep.
    """
    return SweepView(Sweep.open(resolve_sweep(Path(path))).path)
