"""`skinlab train`: compose, run one experiment or a sweep, tell how it ended."""

import logging
import os
import shlex
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from skinlab import files, schema
from skinlab.commands.arguments import declaring_parser, hydra_arguments
from skinlab.commands.folds import after_sweep
from skinlab.config import check_sweep, compose, conf_dir, parse, register_resolvers
from skinlab.errors import SkinlabError
from skinlab.help import command_help
from skinlab.run import Run

if TYPE_CHECKING:
    from omegaconf import DictConfig

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """How a run ended; `error` is what it failed with."""

    path: Path
    error: Exception | None = None


def main(argv: Sequence[str]) -> int:
    """Run `skinlab train ARGV`.

    Returns:
        the exit status: 0, or that of the first run that failed.

    Raises:
        SkinlabError: the declaration is wrong, or the only run failed.
    """
    options = declaring_parser("train").parse_intermixed_args(argv)
    if options.help:
        sys.stdout.write(command_help("train"))
        return 0
    from skinlab.engines.torch import launch

    if launch.is_helper():
        return launch.help_rank_zero()
    if options.multirun:
        checked = check_sweep(options.overrides, options.config_dirs)[0]
    else:
        checked = compose(options.overrides, options.config_dirs)
    launch.check(checked.config.engine, sweep=options.multirun)
    stop_on_sigterm()
    try:
        outcomes = _through_hydra(hydra_arguments(options))
    except OSError as error:
        raise files.output_error(Path(error.filename or checked.config.output_dir), error) from error
    code = conclude(outcomes, sweep=options.multirun)
    if options.multirun:
        after_sweep([Path(_short(outcome.path)) for outcome in outcomes])
    return code


def _through_hydra(argv: Sequence[str]) -> list[Outcome]:
    """Let Hydra compose, make the directory of each run and call us in it; launchers and sweepers are Hydra's."""
    import hydra

    register_resolvers()
    outcomes: list[Outcome] = []

    command = shlex.join(["skinlab", "train", *argv])

    def task(composed: "DictConfig") -> None:
        outcomes.append(_run(composed, command))

    os.environ["HYDRA_FULL_ERROR"] = "1"  # errors come to us instead of being printed with their stack
    typed, sys.argv = sys.argv, ["skinlab", *argv]
    entry: Callable[[], None] = hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="config")(task)
    try:
        entry()
    finally:
        sys.argv = typed
    return outcomes


def _run(composed: "DictConfig", command: str) -> Outcome:
    """One run in the directory that Hydra made for it. A failure is recorded and does not stop a sweep."""
    from hydra.core.hydra_config import HydraConfig

    from skinlab.experiment import start_record

    config = parse(composed)
    path = Path(HydraConfig.get().runtime.output_dir)
    try:
        run = Run.create(path, {"command": command, **start_record(config)})
    except SkinlabError as error:
        log.error("failed: %s", error)  # noqa: TRY400 - the message is meant for a user, its stack is not
        return Outcome(path, error)
    return carry_out(config, run)


def carry_out(config: schema.Config, run: Run) -> Outcome:
    """Run an experiment in its directory; what it fails with is logged, recorded and returned.

    Raises:
        KeyboardInterrupt: it was stopped from outside.
    """
    from skinlab.experiment import run_experiment

    log.info("run: %s", _short(run.path))
    try:
        with run.recorded():
            run_experiment(config, run)
    except SkinlabError as error:
        log.error("failed: %s", error)  # noqa: TRY400 - the message is meant for a user, its stack is not
        return Outcome(run.path, error)
    except Exception as error:
        log.exception("failed by a mistake in skinlab; please report the lines below")
        return Outcome(run.path, error)
    except KeyboardInterrupt:
        log.warning("interrupted: go on with `skinlab resume %s`", _short(run.path))
        raise
    return Outcome(run.path)


def conclude(outcomes: list[Outcome], *, sweep: bool) -> int:
    """Tell how the runs ended, and give the exit status."""
    failed = [outcome for outcome in outcomes if outcome.error is not None]
    if sweep:
        print(f"\n{len(outcomes)} runs: {len(outcomes) - len(failed)} finished, {len(failed)} failed")  # noqa: T201
        for outcome in failed:
            print(f"  {_short(outcome.path)}: {outcome.error}")  # noqa: T201
    for outcome in outcomes if not sweep else []:
        print(f"\nrun directory: {_short(outcome.path)}")  # noqa: T201
    if not failed:
        return 0
    return failed[0].error.exit_code if isinstance(failed[0].error, SkinlabError) else 1


def _short(path: Path) -> str:
    """Relative to the current directory where it lies below it."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def stop_on_sigterm() -> None:
    """A polite kill ends a run as Ctrl-C does: marked interrupted, worker gone."""

    def stop(_signal: int, _frame: object) -> NoReturn:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
