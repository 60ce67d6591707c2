"""`skinlab runs`: the list of runs; its verbs look at one run, compare two, annotate, pack and delete."""

import csv
import importlib
import json
import sys
from argparse import Namespace
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skinlab.commands.arguments import Parser, seconds
from skinlab.commands.table import RUNS_VERBS
from skinlab.config.suggest import did_you_mean, then_list
from skinlab.errors import ConfigError

if TYPE_CHECKING:
    from skinlab.runs.listing import Listed

HELP = """usage: skinlab runs [FILTER...] [--since AGE|DATE] [--sort KEY] [--limit N] [--json | --csv]
       skinlab runs VERB ...

List runs, the newest first. A FILTER is a key, one of = != < <= > >= and a value; all of them must hold:

  skinlab runs status=failed --since 7d
  skinlab runs dataset=isic2017 network=resnet18,resnet34 'auc>0.8' --sort auc --limit 20
  skinlab runs 'optimizer.learning_rate<=0.01' tag=paper

  key          status, experiment, tag, sweep, started, commit, ...; a config group (network); a key of the
               declaration, dotted or its last part (optimizer.learning_rate, learning_rate); a metric of validation
               (auc), or of test (test.auc)
  value        = and != take several with commas between, and * and ?
  --since AGE  started not longer ago: 12h, 7d, 2w; or since a date, 2026-11-01 (UTC)
  --sort KEY   metrics: the best first; anything else: the smallest first; --reverse turns it around
  --limit N    only the first N
  --columns K  further columns, with commas between
  --json       all that is known of each; --csv: the columns
  --output DIR the output folder (default: outputs)

verbs (RUN is a path, the beginning or the end of an id, or latest):
  show RUN                    what a run is and what came of it
  diff RUN RUN                only what differs: declaration, data, code, environment, machine, numbers
  tag RUN NAME...             give tags; untag RUN NAME... takes them away
  note RUN TEXT               add a note
  archive RUN --out FILE.zip  one file with all of a run but the state to resume from
  import FILE.zip             unpack one here; nothing in it is executed or overwritten
  delete RUN...               move to the trash; trash lists it, restore RUN brings back
  trash empty --older-than 30d | --all

Metrics are of validation unless test is named: choosing a run by its test score makes the score too good.
"""


def main(argv: list[str]) -> int:
    """Run `skinlab runs ARGV`.

    Returns:
        the exit status of the verb; of a list 0.

    Raises:
        SkinlabError: wrong arguments, no such run, or what the verb raises.
    """
    verbs = [verb.name for verb in RUNS_VERBS]
    if argv and argv[0] in verbs:
        module = importlib.import_module(f"skinlab.commands.runs_{MODULES[argv[0]]}")
        code: int = module.main(argv[0], argv[1:])
        return code
    if argv and argv[0].isidentifier():
        raise ConfigError(f"no command 'runs {argv[0]}'{then_list(did_you_mean(argv[0], verbs), 'Commands', verbs)}")
    options = _options(argv)
    if options.help:
        sys.stdout.write(HELP)
        return 0
    return _list(options)


MODULES = {
    "show": "show",
    "diff": "diff",
    **dict.fromkeys(("tag", "untag", "note"), "notes"),
    **dict.fromkeys(("archive", "import"), "archive"),
    **dict.fromkeys(("delete", "restore", "trash"), "trash"),
}
"""The module skinlab/commands/runs_NAME.py of each verb."""


def _options(argv: Sequence[str]) -> Namespace:
    parser = Parser("runs")
    parser.add_argument("filters", nargs="*", default=[])
    for option in ("--since", "--sort", "--columns"):
        parser.add_argument(option)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--output", type=Path)
    for flag in ("--reverse", "--json", "--csv"):
        parser.add_argument(flag, action="store_true")
    options = parser.parse_intermixed_args(argv)
    if options.json and options.csv:
        raise ConfigError("--json or --csv, not both")
    if options.limit is not None and options.limit < 1:
        raise ConfigError(f"--limit {options.limit}: must be at least 1")
    return options


def _list(options: Namespace) -> int:
    from skinlab import paths
    from skinlab.runs.listing import CHOSEN_BY_TEST, listing

    output = options.output or paths.default_output()
    found = listing(
        output,
        options.filters,
        since=None if options.since is None else _since(options.since),
        sort=options.sort,
        reverse=options.reverse,
        columns=[name for name in (options.columns or "").split(",") if name],
    )
    kept = found.runs[: options.limit]
    if found.by_test:
        sys.stderr.write(f"skinlab runs: {CHOSEN_BY_TEST}\n")
    if options.json:
        sys.stdout.write(json.dumps([_as_json(listed) for listed in kept], indent=2) + "\n")
    elif options.csv:
        _write_csv(kept, found.columns)
    else:
        _print(kept, found.columns, found.total, output)
    return 0


def _since(text: str) -> str:
    """The moment, as run.json writes it."""
    from skinlab.runs.listing import moment

    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        return moment(timedelta(seconds=seconds(text, "--since")))
    return given.replace(tzinfo=given.tzinfo or UTC).astimezone(UTC).isoformat()


# --- what is printed -----------------------------------------------------------------------------------------------


def _as_json(listed: "Listed") -> dict[str, Any]:
    facts = listed.facts
    return {
        "path": str(listed.path),
        **facts.values,
        "status": facts.status,
        "error": facts.error,
        "choices": facts.choices,
        "intervals": facts.intervals,
        "tags": facts.tags,
        "notes": facts.notes,
    }


def _write_csv(runs: Sequence["Listed"], columns: Sequence[str]) -> None:
    from skinlab.runs.filters import value_of

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["path", *columns])
    for listed in runs:
        values = [listed.path, *(value_of(listed.facts, key) for key in columns)]
        writer.writerow([_cell(" ".join(value) if isinstance(value, list) else value) for value in values])


def _cell(value: Any) -> Any:
    """A value for a spreadsheet, which would take a text that begins so for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@")) else value


def _print(runs: Sequence["Listed"], columns: Sequence[str], total: int, output: Path) -> None:
    from skinlab.runs.listing import PHANTOMS, cell, heading

    rows = [[heading(key) for key in columns], *([cell(one.facts, key) for key in columns] for one in runs)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(columns))]
    for row in rows if runs else []:
        line = "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        sys.stdout.write(line.rstrip() + "\n")
    for listed in runs:
        if listed.facts.error and listed.facts.status in ("failed", "damaged"):
            sys.stdout.write(f"{listed.facts.values['id']}: {listed.facts.error}\n")
    if any(listed.facts.values.get("dataset.name") == "synthetic" for listed in runs):
        sys.stdout.write(f"{PHANTOMS}\n")
    sys.stdout.write(f"{len(runs)} of {total} runs in {output}\n")
