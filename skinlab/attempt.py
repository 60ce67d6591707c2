"""One attempt at a run: whatever it ends with is logged, recorded in run.json and returned. Knows no command."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from skinlab import schema
from skinlab.errors import SkinlabError
from skinlab.run import Run, Status

if TYPE_CHECKING:
    from skinlab.training.loop import Observer

log = logging.getLogger(__name__)

MISTAKE = 1
"""The exit code of an error that no user caused."""


@dataclass(frozen=True)
class Outcome:
    """How a run ended; plain values, so that it travels between processes.

    Attributes:
        path: the run directory.
        status: as in run.json; "waiting" where it was never begun.
        error: what it failed with, in one line.
        exit_code: of the command, were this its only run.
    """

    path: Path
    status: Status | str = "finished"
    error: str | None = None
    exit_code: int = 0


def failed(path: Path, error: Exception) -> Outcome:
    """The outcome of a run that failed with this error."""
    code = error.exit_code if isinstance(error, SkinlabError) else MISTAKE
    return Outcome(path, "failed", str(error) or type(error).__name__, code)


def carry_out(
    config: schema.Config,
    run: Run,
    watchers: "Sequence[Observer]" = (),
    first: Callable[[], None] = lambda: None,
    *,
    plots: bool = True,
) -> Outcome:
    """Run an experiment in its directory; what it fails with is logged, recorded and returned.

    Args:
        config: the declaration, checked.
        run: its directory, claimed by this process.
        watchers: are told about training too, and may end it with `skinlab.run.Pruned`.
        first: is called before anything is done, and may end it as well.
        plots: whether the folder of plots is wanted beside report.html.

    Raises:
        KeyboardInterrupt: it was stopped from outside.
    """
    from skinlab.experiment import run_experiment

    log.info("run: %s", short(run.path))

    def work() -> None:
        first()
        run_experiment(config, run, watchers, plots=plots)

    return _recorded(run, work)


def _recorded(run: Run, work: Callable[[], object]) -> Outcome:
    from skinlab.run import Pruned

    try:
        with run.recorded():
            work()
    except Pruned as pruned:
        log.info("pruned: %s", pruned)
        return Outcome(run.path, "pruned")
    except SkinlabError as error:
        log.error("failed: %s", error)  # noqa: TRY400 - the message is meant for a user, its stack is not
        return failed(run.path, error)
    except Exception as error:
        log.exception("failed by a mistake in skinlab; please report the lines below")
        return failed(run.path, error)
    except KeyboardInterrupt:
        log.warning("interrupted: go on with `skinlab resume %s`", short(run.path))
        raise
    return Outcome(run.path)


def short(path: Path) -> str:
    """Relative to the current directory where it lies below it."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
