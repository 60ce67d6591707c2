"""`skinlab sweep`: go on with a sweep, see how it stands, name its best run, draw its page."""

import json
import sys
from pathlib import Path

from skinlab import files
from skinlab.commands.arguments import Parser
from skinlab.commands.table import SWEEP_VERBS
from skinlab.config.suggest import did_you_mean, then_list
from skinlab.errors import ConfigError, DataError

ENDED_SHOWN = 20
"""Rows of `status` for trials that ended: what fits on a screen."""

HELP = """usage: skinlab sweep VERB DIR [options]

verbs:
  resume DIR [overrides] [--trust]
                          go on with a sweep: finished trials are kept, half-done ones go on from their checkpoint
  status DIR              how it stands: what runs, what ended, the best so far; --json prints sweep.json as it is true
  best DIR                the directory of the best run by validation; of several objectives, of each on the front
  report DIR              write sweep.html and leaderboard.csv of what is there now; a sweep that ends does it by itself

  DIR  the directory of a sweep, e.g. outputs/sweeps/default/20260101-120000-abcdef; the beginning or the end of its
       name, e.g. abcdef; or latest

What can change when a sweep goes on is how it is run and how long: sweep.trials=40, sweep.parallel,
'sweep.on_failure="retry(1)"', hydra/launcher=joblib and hydra.launcher.*; never what a trial is.
A sweep that was not made here by you, or that was copied, moved or changed since, asks for --trust, once.
"""


def main(argv: list[str]) -> int:
    """Run `skinlab sweep ARGV`.

    Returns:
        0; of `resume`, the exit code of the sweep.

    Raises:
        SkinlabError: no such verb or sweep, or a declaration that changed.
    """
    if not argv or argv[0] in ("-h", "--help", "help"):
        (sys.stdout if argv else sys.stderr).write(HELP)
        return 0 if argv else ConfigError.exit_code
    names = [verb.name for verb in SWEEP_VERBS]
    if argv[0] not in names:
        raise ConfigError(f"no command 'sweep {argv[0]}'{then_list(did_you_mean(argv[0], names), 'Commands', names)}")
    parser = Parser(f"sweep {argv[0]}")
    parser.add_argument("sweep", nargs="?")
    if argv[0] == "resume":
        parser.add_argument("overrides", nargs="*", default=[])
        parser.add_argument("--trust", action="store_true")
    elif argv[0] != "report":
        parser.add_argument("--json", action="store_true")
    options = parser.parse_intermixed_args(argv[1:])
    if options.help or options.sweep is None:
        (sys.stdout if options.help else sys.stderr).write(HELP)
        return 0 if options.help else ConfigError.exit_code
    from skinlab.runs.naming import resolve_sweep

    folder = resolve_sweep(options.sweep)
    if argv[0] == "resume":
        return _resume(folder, options.overrides, trusted=options.trust)
    with files.as_written(folder):
        if argv[0] == "report":
            return _report(folder)
        show = _status if argv[0] == "status" else _best
        return show(folder, as_json=options.json)


def _resume(folder: Path, changes: list[str], *, trusted: bool) -> int:
    from skinlab import trust
    from skinlab.commands.train import run_sweep
    from skinlab.sweeps.declaration import again, consequence
    from skinlab.sweeps.planning import Planner
    from skinlab.sweeps.state import Sweep

    path = folder.absolute()
    sweep = Sweep.open(path)
    recorded = sweep.record.get("declaration", {})
    with files.as_written(path):
        trust.require(sweep.is_own(), trusted, path, consequence(recorded))
        declaration = again(recorded, changes)
        Planner(declaration, sweep.trials).check(sweep.trials)
    return run_sweep(declaration, path)


def _status(folder: Path, *, as_json: bool) -> int:
    from skinlab.sweeps.progress import heading, not_in_table, table
    from skinlab.sweeps.state import Sweep

    sweep = Sweep.open(folder)
    sweep.refresh()
    if as_json:
        found = sweep.record | {"status": sweep.status, "trials": [vars(trial) for trial in sweep.trials]}
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
        return 0
    from rich.console import Console

    why = [sweep.record["error"]] if sweep.status == "failed" and sweep.record["error"] else []
    sys.stdout.write("\n".join([f"{sweep.status}: {heading(sweep)}", *why]) + "\n")
    if any(trial.status != "waiting" for trial in sweep.trials):
        Console().print(table(sweep, sweep.record["declaration"]["config"]["training.epochs"], ENDED_SHOWN))
    sys.stdout.write("".join(f"{line}\n" for line in not_in_table(sweep, ENDED_SHOWN)))
    return 0


def _report(folder: Path) -> int:
    from skinlab.sweeps import leaderboard, page
    from skinlab.sweeps.state import Sweep

    sweep = Sweep.open(folder)
    sweep.refresh()
    leaderboard.judge(sweep)
    page.write(sweep)
    sys.stdout.write(f"{folder / page.PAGE}\n")
    return 0


def _best(folder: Path, *, as_json: bool) -> int:
    from skinlab.sweeps import leaderboard
    from skinlab.sweeps.state import Sweep

    sweep = Sweep.open(folder)
    sweep.refresh()
    result = leaderboard.result(sweep.trials, [objective["direction"] for objective in sweep.record["objectives"]])
    found = result["pareto"] or ([result["best"]] if result["best"] else [])
    if not found:
        raise DataError(f"{folder} has no best run yet: no trial is finished")
    if as_json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
    else:
        sys.stdout.write("".join(f"{folder / one['run']}\n" for one in found))
    return 0
