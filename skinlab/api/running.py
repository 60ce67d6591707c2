"""Training from Python: the run directory that comes of it is the one that the command line makes."""

from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import TypeVar

from skinlab import files
from skinlab.api.declaring import Experiment
from skinlab.api.view import RunView, open_run
from skinlab.attempt import Outcome, carry_out
from skinlab.commands.train import through_hydra
from skinlab.config import compose, parse, search_path_overrides, to_dict
from skinlab.config.redeclare import completed
from skinlab.errors import ConfigError, OutputError, of_exit_code
from skinlab.logs import log_to, restored
from skinlab.run import Run
from skinlab.trust import require, resuming

Result = TypeVar("Result")


def train(experiment: Experiment) -> RunView:
    """Train a declared experiment, as `skinlab train` with the same overrides does, to the same bytes.

    Interrupting it leaves a run that `resume` goes on with.

    Args:
        experiment: as `compose` gives it.

    Returns:
        The finished run.

    Raises:
        SkinlabError: of the kind that says whose fault it was; the run directory tells it too, unless the source of the
            data cannot be used: then there is none.
        KeyboardInterrupt: it was interrupted.
    """
    from skinlab.engines.torch import launch
    from skinlab.experiment import survey_each
    from skinlab.sweeps.trial import RunTask

    check_unchanged(experiment)
    launch.check(experiment.engine)
    survey_each([experiment])
    words = [*search_path_overrides(experiment.config_dirs), *experiment.overrides]
    task = RunTask(experiment.command)
    return _finished(guarded(experiment.output_dir, lambda: through_hydra(task, words).return_value))


def resume(run: str | PathLike[str] | RunView, *, trust: bool = False) -> RunView:
    """Go on with an interrupted or failed run, to the same final numbers, as `skinlab resume` does.

    Args:
        run: its directory, its short name, or itself.
        trust: go on with it also where it was not made here by you; see `skinlab resume --help`.

    Raises:
        ConfigError: it was not made here by you.
        OutputError: it is finished or still running, or it is no training.
        SkinlabError: it failed again.
        KeyboardInterrupt: it was interrupted.
    """
    from skinlab.engines.torch import launch

    path = run.path if isinstance(run, RunView) else open_run(run).path
    found = Run.open(path)
    if kind := found.record.get("kind"):
        raise OutputError(f"{path} is no training: run `skinlab {kind}` again")
    with files.as_written(path):
        config = parse(completed(found.record.get("config", {})))
    require(found.is_own(), trust, path, resuming(config))
    launch.check(config.engine)

    def work() -> Outcome:
        owned = Run.reopen(path)
        log_to(path / "train.log")
        return carry_out(config, owned)

    return _finished(guarded(str(path), work))


def check_unchanged(experiment: Experiment) -> None:
    """Refuse where the files that declare an experiment are others by now.

    Raises:
        ConfigError: they are.
    """
    now = compose(experiment.overrides, experiment.config_dirs).config
    if to_dict(now) != experiment.to_dict():
        raise ConfigError("the files that declare the experiment have changed since: compose it again")


def guarded(output_dir: str, work: Callable[[], Result]) -> Result:
    """Work that logs to a file of its own, and that may not be able to write."""
    try:
        with restored():
            return work()
    except OSError as error:
        raise files.output_error(Path(error.filename or output_dir), error) from error


def _finished(outcome: Outcome) -> RunView:
    if outcome.error is not None:
        raise of_exit_code(outcome.exit_code, outcome.error)
    return RunView(outcome.path)
