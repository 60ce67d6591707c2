"""`skinlab resume RUN`: go on with an interrupted or failed run from its last checkpoint."""

import sys

from skinlab import files, trust
from skinlab.attempt import carry_out
from skinlab.commands.arguments import Parser
from skinlab.commands.train import conclude, stop_on_sigterm
from skinlab.config import parse
from skinlab.config.redeclare import completed
from skinlab.errors import OutputError
from skinlab.logs import log_to
from skinlab.run import Run
from skinlab.runs.naming import resolve

USAGE = """usage: skinlab resume RUN [--trust]

Go on with an interrupted or failed run from its last checkpoint. The declaration is the one that the run was started
with, and so are its final numbers. A run that has no checkpoint yet starts from the beginning.

  RUN   a run directory, e.g. outputs/runs/default/20260101-120000-abcdef; or its short name: abcdef, or latest
  --trust  go on with a run that was not made here by you, or that was copied, moved or changed since; once is enough
"""


def main(argv: list[str]) -> int:
    """Run the command.

    Args:
        argv: what follows the verb.

    Returns:
        0 when the run is finished, else the exit code of what it failed with.

    Raises:
        OutputError: there is no such run, it is finished or running, or it is no training.
        ConfigError: the recorded declaration is not one that this version understands.
    """
    parser = Parser("resume")
    parser.add_argument("run", nargs="?")
    parser.add_argument("--trust", action="store_true")
    options = parser.parse_args(argv)
    if options.help or options.run is None:
        (sys.stdout if options.help else sys.stderr).write(USAGE)
        return 0 if options.help else 2
    from skinlab.engines.torch import launch

    if launch.is_helper():
        return launch.help_rank_zero()
    path = resolve(options.run)
    found = Run.open(path)
    record = found.record
    if kind := record.get("kind"):
        raise OutputError(f"{path} is no training: run `skinlab {kind}` again")
    with files.as_written(path):
        config = parse(completed(record.get("config", {})))
    trust.require(found.is_own(), options.trust, path, trust.resuming(config))
    launch.check(config.engine)
    stop_on_sigterm()
    run = Run.reopen(path)
    log_to(run.path / "train.log")
    return conclude([carry_out(config, run)], sweep=False)
