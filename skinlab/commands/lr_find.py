"""`skinlab lr-find`: which learning rate suits the declared experiment? Trains at a rising one and tells."""

import logging
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from skinlab.commands.arguments import declaring_parser
from skinlab.commands.train import stop_on_sigterm
from skinlab.config import compose
from skinlab.config.resolvers import run_id
from skinlab.errors import ConfigError
from skinlab.help import command_help
from skinlab.logs import log_to
from skinlab.run import Run

KIND = "lr-find"
log = logging.getLogger(__name__)


def main(argv: Sequence[str]) -> int:
    """Run `skinlab lr-find ARGV`.

    Returns:
        the exit status.

    Raises:
        SkinlabError: the declaration is wrong, or the test failed.
    """
    options = declaring_parser("lr-find").parse_intermixed_args(argv)
    if options.help:
        sys.stdout.write(command_help("lr-find"))
        return 0
    if options.multirun:
        raise ConfigError("one declaration at a time: leave out -m")
    config = compose(options.overrides, options.config_dirs).config
    from skinlab.experiment import start_record, survey_each
    from skinlab.rate_finding import find_rate

    stop_on_sigterm()
    survey_each([config])
    path = Path(config.output_dir) / KIND / config.name / run_id()
    command = shlex.join(["skinlab", "lr-find", *argv])
    run = Run.create(path, {"kind": KIND, "command": command, **start_record(config)})
    log_to(run.path / "lr_find.log")
    with run.recorded():
        tested = find_rate(config, run)
    log.info("\n%s", verdict(tested.suggestion(), len(tested.rates), diverged=tested.diverged))
    print(f"\ndirectory: {run.path}")  # noqa: T201
    return 0


def verdict(suggestion: float | None, steps: int, *, diverged: bool) -> str:
    """The answer in one line.

    >>> verdict(0.0123, 80, diverged=True)
    'the loss falls fastest at 0.012: try optimizer.learning_rate=0.012; it ran away after 80 steps'
    """
    end = f"it ran away after {steps} steps" if diverged else "it did not run away: lr_find.highest may be raised"
    if suggestion is None:
        return f"the loss never falls, so there is no suggestion; {end}"
    return f"the loss falls fastest at {suggestion:.2g}: try optimizer.learning_rate={suggestion:.2g}; {end}"
