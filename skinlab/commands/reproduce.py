"""`skinlab reproduce RUN`: made again, is a run the same?"""

import logging
import shlex
import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skinlab import files, trust
from skinlab.attempt import carry_out
from skinlab.commands.arguments import Parser
from skinlab.commands.train import stop_on_sigterm
from skinlab.config import parse
from skinlab.config.redeclare import completed, untracked
from skinlab.config.resolvers import run_id
from skinlab.config.rules import folder_name
from skinlab.errors import ConfigError, OutputError, of_exit_code
from skinlab.logs import log_to
from skinlab.run import Run

if TYPE_CHECKING:
    from skinlab import schema
    from skinlab.reproduction.environment import Environment
    from skinlab.reproduction.outcome import Outcome
    from skinlab.reproduction.prerequisites import Prerequisites

log = logging.getLogger(__name__)

DIFFERENT = 10
"""The exit status where something differs."""
FILE, VERSION = "reproduction.json", 1
TOLERANCE = 1e-4
"""As the bundle repeats the engine's answers."""
SHOWN = 20
NEEDED = {"config": dict, "code": dict, "machine": dict, "dataset_fingerprint": str, "split_hash": str}
"""What run.json must say of a run that is to be made again, and in which form."""
HELP = """usage: skinlab reproduce RUN [--environment [--trust]] [--check-only] [--with RUN] [--json]

Say what differs from when a run was made (code, packages, machine, data), make it again in a new directory, and compare
bit by bit. The answer is one line: identical, equal within the tolerance, or different, and where they part first.

  RUN              a finished run: its directory, the beginning or the end of its id, or latest
  --check-only     only say what differs now; nothing is run
  --environment    build the run's own environment first, and run there: its packages as environment.lock pins them, its
                   commit of skinlab; it is removed afterwards
  --trust          with --environment: run the packages and code that a run names which was not made here by you
  --python PATH    with --environment: an interpreter of the run's Python version
  --with RUN       compare with a run that is there, e.g. a reproduction that was interrupted and resumed
  --tolerance X    largest absolute difference of fractions that counts as equal (default: 0.0001)
  --output DIR     the output folder, for DIR/reproductions/NAME/ID (default: the one that the run lies in)
  --json           print what reproduction.json holds

Exit status: 0 identical or equal within the tolerance (--check-only: nothing differs), 10 different.
"""


def main(argv: list[str]) -> int:
    """Run `skinlab reproduce ARGV`.

    Returns:
        0 or `DIFFERENT`.

    Raises:
        SkinlabError: wrong arguments, no such run or one that is not finished, or it cannot be run again.
    """
    options = _options(argv)
    if options.help:
        sys.stdout.write(HELP)
        return 0
    from skinlab.engines.torch import launch

    if launch.is_helper():
        return launch.help_rank_zero()
    stop_on_sigterm()
    from skinlab.runs.naming import resolve

    run = Run.open(resolve(options.run, options.output))
    _check_finished(run)
    with _only_json(options):
        if options.against is not None:
            other = Run.open(resolve(options.against, options.output))
            _check_finished(other)
            content = _compared(run, other, options, _no_prerequisites())
        else:
            _check_whole(run)
            content = (_in_its_environment if options.environment else _here)(run, options, argv)
    if options.json:
        sys.stdout.write(files.json_text(content))
    good = not content["differences"] if options.check_only else content["verdict"] != "different"
    return 0 if good else DIFFERENT


def _options(argv: list[str]) -> Namespace:
    parser = Parser("reproduce")
    parser.add_argument("run", nargs="?")
    for flag in ("--environment", "--trust", "--check-only", "--json"):
        parser.add_argument(flag, action="store_true")
    parser.add_argument("--python", type=Path)
    parser.add_argument("--with", dest="against")
    parser.add_argument("--tolerance", type=float, default=TOLERANCE)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args(argv)
    if options.help:
        return options
    if options.run is None:
        raise ConfigError("name a run: skinlab reproduce RUN; see skinlab reproduce --help")
    if sum([options.environment, options.check_only, options.against is not None]) > 1:
        raise ConfigError("--environment, --check-only or --with: one of them")
    for option, given in (("--python", options.python is not None), ("--trust", options.trust)):
        if given and not options.environment:
            raise ConfigError(f"{option} goes with --environment")
    if not 0 <= options.tolerance < float("inf"):
        raise ConfigError(f"--tolerance {options.tolerance}: must be a number from 0")
    return options


@contextmanager
def _only_json(options: Namespace) -> Iterator[None]:
    """With --json, what is said on the way goes to standard error."""
    if not options.json:
        yield
        return
    with redirect_stdout(sys.stderr):
        yield


def _check_finished(run: Run) -> None:
    if kind := run.record.get("kind"):
        raise OutputError(f"{run.path} is no training: run `skinlab {kind}` again")
    if run.status != "finished":
        raise OutputError(f"{run.path} is {run.status}: only a finished run can be reproduced")


def _check_whole(run: Run) -> None:
    if missing := [key for key in NEEDED if not isinstance(run.record.get(key), NEEDED[key])]:
        raise OutputError(f"{run.path}: run.json does not say {', '.join(missing)}: what it was made with is not known")


# --- run again -----------------------------------------------------------------------------------------------------


def _here(run: Run, options: Namespace, argv: list[str]) -> dict[str, Any]:
    """With this skinlab and these packages."""
    from skinlab.engines.torch import launch
    from skinlab.reproduction import prerequisites

    with files.as_written(run.path):
        config = _declaration(run)
        launch.check(config.engine)
        found = prerequisites.check(run, config)
    _tell(found)
    if options.check_only:
        return {"schema_version": VERSION, "reproduces": str(run.path), **found.as_json()}
    _check_weights(found)
    again = _created(run, options, argv)
    log_to(again.path / "train.log")
    if (outcome := carry_out(config, again)).error is not None:
        raise of_exit_code(outcome.exit_code, outcome.error)
    return _compared(run, again, options, found)


def _declaration(run: Run) -> "schema.Config":
    """The recorded declaration, if this skinlab still understands it.

    Raises:
        ConfigError: it does not; one line.
    """
    try:
        return parse(untracked(completed(run.record.get("config", {}))))
    except ConfigError as error:
        first, *more = str(error).splitlines()
        code = run.record.get("code", {})
        version = " ".join(filter(None, [code.get("version"), (code.get("commit") or "")[:12]]))
        others = f" and {len(more)} more" if more else ""
        raise ConfigError(
            f"{run.path} was declared for another skinlab ({version}): {first}{others}; "
            f"`skinlab reproduce --environment {run.path}` runs it with its own"
        ) from error


def _in_its_environment(run: Run, options: Namespace, argv: list[str]) -> dict[str, Any]:
    """With the skinlab and the packages that it was made with, in a process of their own."""
    from skinlab.reproduction import environment

    trust.require(environment.is_own(run), options.trust, run.path, environment.consequence(run))
    _log_to_terminal()
    with environment.recorded(run, options.python) as built:
        found = _left_over(run, built)
        _tell(found)
        again = _created(run, options, argv, built.facts)
        again.hand_over("waits for its own environment")
        _resume(built, again.path, options)
    again = Run.open(again.path)
    if again.status != "finished":
        raise OutputError(f"{again.path} is {again.status}: {again.record['error']}")
    return _compared(run, again, options, found)


def _log_to_terminal() -> None:
    """Plain lines, before there is a run to log to."""
    from skinlab.logs import ConsoleHandler, Formatter

    console = ConsoleHandler()
    console.setFormatter(Formatter("%(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[console], force=True)


def _left_over(run: Run, built: "Environment") -> "Prerequisites":
    """What differs in spite of the environment."""
    from skinlab.reproduction import prerequisites
    from skinlab.runs.differences import of_mappings

    code = of_mappings(run.record["code"], built.facts["code"])
    machine = prerequisites.of_machine(run, built.facts["machine"])
    try:
        inputs = prerequisites.check_inputs(run, parse(untracked(completed(run.record.get("config", {})))))
    except ConfigError:  # of another skinlab: its own reads the data
        inputs = _no_prerequisites()
    found = {"code": code, "machine": machine, **inputs.differences}
    return prerequisites.Prerequisites({name: each for name, each in found.items() if each}, inputs.remarks)


def _resume(built: "Environment", path: Path, options: Namespace) -> None:
    """A run without a checkpoint that is resumed starts from the beginning: every skinlab can do that."""
    process = subprocess.Popen(
        [built.python, "-m", "skinlab", "resume", path],
        env=built.variables,
        stdout=sys.stderr if options.json else None,
    )
    try:
        process.wait()
    except BaseException:
        process.terminate()
        process.wait()
        raise


def _created(run: Run, options: Namespace, argv: list[str], facts: dict[str, Any] | None = None) -> Run:
    """The directory of the reproduction, at the label revision and with the weights of the run."""
    from skinlab import paths, records
    from skinlab.runs import places

    record = run.record
    output = options.output or places.output_of(run.path) or paths.default_output()
    kept = ("experiment", "seed", "config", "label_revision", "weights")
    again = Run.create(
        output / places.REPRODUCTIONS / folder_name(str(record.get("experiment", "run"))) / run_id(),
        {
            "command": shlex.join(["skinlab", "reproduce", *argv]),
            "reproduces": str(run.path.resolve()),
            **{str(key): record[key] for key in kept if key in record},
            **(facts or records.environment()),
        },
    )
    for file in sorted((run.path / ".hydra").glob("*.yaml")):
        again.write_bytes(f".hydra/{file.name}", file.read_bytes())
    return again


def _check_weights(found: "Prerequisites") -> None:
    """Other weights make another experiment, which is not worth a training."""
    if changed := found.differences.get("weights"):
        raise ConfigError(f"training began with other weights: {changed[0]}; put the file back")


# --- what is said --------------------------------------------------------------------------------------------------


def _no_prerequisites() -> "Prerequisites":
    from skinlab.reproduction.prerequisites import Prerequisites

    return Prerequisites({}, [])


def _tell(found: "Prerequisites") -> None:
    lines = []
    for subject, differences in found.differences.items():
        lines += [f"differs: {subject}: {each}" for each in differences[:SHOWN]]
        if len(differences) > SHOWN:
            lines.append(f"differs: {subject}: and {len(differences) - SHOWN} more; --json has all")
    lines += [f"note: {remark}" for remark in found.remarks]
    sys.stdout.write("\n".join(lines or ["nothing differs: code, packages, machine and data are as they were"]) + "\n")


def _compared(run: Run, again: Run, options: Namespace, found: "Prerequisites") -> dict[str, Any]:
    """The verdict, printed and written beside the reproduction."""
    from skinlab.config.differences import flattened
    from skinlab.reproduction.outcome import compare
    from skinlab.reproduction.prerequisites import Prerequisites
    from skinlab.runs.differences import of_mappings

    engine = of_mappings(*(flattened(each.record.get("engine", {})) for each in (run, again)))
    found = Prerequisites(found.differences | ({"engine": engine} if engine else {}), found.remarks)
    outcome = compare(run.path, again.path, options.tolerance)
    content = {
        "schema_version": VERSION,
        "reproduces": str(run.path.resolve()),
        "run": str(again.path.resolve()),
        "environment": "recorded" if options.environment else "present",
        **outcome.as_json(),
        **found.as_json(),
    }
    if again.record.get("reproduces"):
        again.write_json(FILE, content)
    _conclude(run, again, outcome, found)
    return content


def _conclude(run: Run, again: Run, outcome: "Outcome", found: "Prerequisites") -> None:
    width = max(len(file.name) for file in outcome.files)
    lines = ["", f"{run.path} and {again.path}:", *(f"  {file.name:<{width}}  {file}" for file in outcome.files), ""]
    if outcome.first is not None and found.differences:
        causes = [f"{name}: {each[0]}{' ...' if len(each) > 1 else ''}" for name, each in found.differences.items()]
        lines.append(f"not the same as when the run was made: {'; '.join(causes)}")
    lines.append(outcome.line())
    sys.stdout.write("\n".join(lines) + "\n")
