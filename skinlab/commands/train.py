"""`skinlab train`: compose, run one experiment or a sweep, tell how it ended."""

import signal
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from skinlab import files, schema
from skinlab.attempt import Outcome, short
from skinlab.commands.arguments import command_line, declaring_parser, hydra_overrides
from skinlab.commands.folds import after_sweep
from skinlab.config import check_sweep, compose, conf_dir, register_resolvers
from skinlab.config.places import search_path_overrides
from skinlab.help import command_help

if TYPE_CHECKING:
    from skinlab.sweeps.declaration import Declaration


def main(argv: Sequence[str]) -> int:
    """Run `skinlab train ARGV`.

    Returns:
        the exit status: 0, or that of the first run that failed.

    Raises:
        SkinlabError: the declaration is wrong, or the sweep as a whole cannot go on.
    """
    options = declaring_parser("train").parse_intermixed_args(argv)
    if options.help:
        sys.stdout.write(command_help("train"))
        return 0
    from skinlab.engines.torch import launch

    if launch.is_helper():
        return launch.help_rank_zero()
    if options.multirun:
        return _sweep(options)
    config = compose(options.overrides, options.config_dirs).config
    launch.check(config.engine)
    from skinlab.experiment import survey_each
    from skinlab.sweeps.trial import RunTask

    with _guarded(config):
        survey_each([config])
        done = through_hydra(RunTask(command_line("train", options)), hydra_overrides(options))
    return conclude([done.return_value], sweep=False)


def _sweep(options: Namespace) -> int:
    """`-m`: by our sweeper, or by the one that `hydra/sweeper=NAME` chooses."""
    from skinlab.engines.torch import launch
    from skinlab.sweeps.declaration import survey_sweep
    from skinlab.sweeps.trial import RunTask

    if any(text.startswith("hydra/sweeper=") for text in options.overrides):
        checked, command = check_sweep(options.overrides, options.config_dirs), command_line("train", options)
        config = checked[0].config
        launch.check(config.engine, sweep=True)
        with _guarded(config):
            survey_sweep(checked, options.overrides)
            batches = through_hydra(RunTask(command), hydra_overrides(options), sweep=True)
        outcomes = [job.return_value for batch in batches for job in batch]
        code = conclude(outcomes, sweep=True)
        after_sweep([Path(short(outcome.path)) for outcome in outcomes])
        return code
    from skinlab.sweeps.declaration import declare

    return run_sweep(declare(options.overrides, options.config_dirs, command_line("train", options)))


def run_sweep(declaration: "Declaration", resume: Path | None = None) -> int:
    """Run or go on with a sweep, and tell how it ended.

    Args:
        declaration: of the sweep, checked.
        resume: its directory, to go on; None: a new one.

    Returns:
        the exit status: 0, or that of the first trial that failed.
    """
    from skinlab.engines.torch import launch
    from skinlab.sweeps.declaration import survey_sweep
    from skinlab.sweeps.report import summary
    from skinlab.sweeps.sweeper import Start

    launch.check(declaration.config.engine, sweep=True)
    words = [*search_path_overrides(declaration.config_dirs), *declaration.overrides]
    with _guarded(declaration.config):
        if resume is None:
            survey_sweep(declaration.checked, declaration.overrides)
        done = through_hydra(Start(declaration, resume), words, sweep=True)
    sys.stdout.write(summary(done.sweep))
    after_sweep([Path(short(done.sweep.run_path(trial))) for trial in done.sweep.trials])
    code: int = done.exit_code
    return code


@contextmanager
def _guarded(config: schema.Config) -> Iterator[None]:
    """A polite kill interrupts the block, and what it cannot write is one line."""
    stop_on_sigterm()
    try:
        yield
    except OSError as error:
        raise files.output_error(Path(error.filename or config.output_dir), error) from error


def through_hydra(task: Callable[[Any], Any], arguments: Sequence[str], *, sweep: bool = False) -> Any:
    """Let Hydra compose, make the directory of each run and call the task in it; launchers and sweepers are Hydra's.

    Args:
        task: for a run, or for each run of a sweep; our sweeper gets a `Start` in its place.
        arguments: overrides, as Hydra reads them.
        sweep: whether keys may have several values.

    Returns:
        Hydra's return of a run, or what the sweeper returns.
    """
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra

    register_resolvers()
    mode = "MULTIRUN" if sweep else "RUN"
    with initialize_config_dir(str(conf_dir()), job_name="train", version_base="1.3"):
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None  # noqa: S101 - it was initialised by the line before
        do = hydra.multirun if sweep else hydra.run
        return do("config", task, [*arguments, f"hydra.mode={mode}"])


def conclude(outcomes: Sequence[Outcome], *, sweep: bool) -> int:
    """Tell how the runs ended, and give the exit status."""
    failed = [outcome for outcome in outcomes if outcome.error is not None]
    if sweep:
        print(f"\n{len(outcomes)} runs: {len(outcomes) - len(failed)} finished, {len(failed)} failed")  # noqa: T201
        for outcome in failed:
            print(f"  {short(outcome.path)}: {outcome.error}")  # noqa: T201
    for outcome in outcomes if not sweep else []:
        print(f"\nrun directory: {short(outcome.path)}")  # noqa: T201
    return failed[0].exit_code if failed else 0


def stop_on_sigterm() -> None:
    """A polite kill ends a run as Ctrl-C does: marked interrupted, worker gone."""

    def stop(_signal: int, _frame: object) -> NoReturn:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
