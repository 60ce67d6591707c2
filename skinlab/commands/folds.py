"""`skinlab folds`: the runs of a cross-validation summarised as one experiment; a sweep of folds ends with it."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skinlab.commands.arguments import Parser
from skinlab.errors import ConfigError, DataError

if TYPE_CHECKING:
    from skinlab.folds.experiment import Experiment
    from skinlab.folds.reading import FoldRun

FILE, PAGE = "folds.json", "folds.html"
VERSION = 1
HELP = """usage: skinlab folds SWEEP_DIR|RUN... [--json] [--out FILE]

Summarise the runs of a cross-validation as one experiment: each metric by fold, mean and standard deviation, and the
result on all test predictions together, with intervals.

  SWEEP_DIR   the directory of a sweep: skinlab train -m split=kfold 'split.fold=range(5)'; folds.json and the page
              folds.html are written there
  RUN...      run directories that differ in split.fold alone; a sweep and the run that replaces a failed fold, too
  --json      print what folds.json holds instead of the table
  --out FILE  write the page to this file, of run directories too

A sweep that also varies other keys gets one summary for each combination of them.
"""


def main(argv: list[str]) -> int:
    """Run the command.

    Args:
        argv: what follows the verb.

    Returns:
        0.

    Raises:
        SkinlabError: no such directory, runs that are not the folds of one experiment, or a fold without result.
    """
    parser = Parser("folds")
    parser.add_argument("paths", nargs="*", type=Path, default=[])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--out", type=Path)
    options = parser.parse_intermixed_args(argv)
    if options.help:
        sys.stdout.write(HELP)
        return 0
    if not options.paths:
        raise ConfigError("name the directory of a sweep, or of the runs; see skinlab folds --help")
    from skinlab import files
    from skinlab.folds.experiment import experiments, the_only
    from skinlab.folds.reading import runs_below
    from skinlab.run import RUN_FILE

    runs = _distinct([run for path in options.paths for run in runs_below(path)])
    sweep = options.paths[0] if len(options.paths) == 1 and not (options.paths[0] / RUN_FILE).exists() else None
    found = experiments(runs)
    whole, faults = _results(found if sweep else [the_only(found)])
    results = [result for _, result in whole]
    if sweep and whole:
        files.write_json(sweep / FILE, _content(results))
    page = options.out or (sweep / PAGE if sweep else None)
    if page and whole:
        _write_page(page, whole, faults)
    sys.stdout.write(files.json_text(_content(results)) if options.json else "".join(map(_table, results)))
    if page and whole and not options.json:
        sys.stdout.write(f"page: {page}\n")
    if faults:
        raise DataError("\n".join(faults))
    return 0


def after_sweep(paths: Sequence[Path]) -> None:
    """Say how a sweep over folds came out, and write folds.json and a page beside its runs; nothing for other sweeps.

    What stands in the way is said and is no error: the sweep itself is done.

    Args:
        paths: the run directories.
    """
    from skinlab import files
    from skinlab.errors import SkinlabError
    from skinlab.folds.experiment import experiments
    from skinlab.folds.reading import FoldRun
    from skinlab.run import RUN_FILE, Run

    try:
        kfold = [path for path in paths if (path / RUN_FILE).exists() and _is_fold(Run.open(path).record)]
        found = [one for one in experiments([FoldRun(path) for path in kfold]) if one.sweeps_folds]
        whole, faults = _results(found)
        if whole:
            sweep, results = paths[0].parent, [result for _, result in whole]
            files.write_json(sweep / FILE, _content(results))
            _write_page(sweep / PAGE, whole, faults)
            tables = "".join(f"\n{_table(result)}" for result in results)
            sys.stdout.write(f"{tables}\nwritten: {sweep / FILE} and {PAGE}\n")
    except SkinlabError as error:
        faults = [str(error)]
    sys.stdout.write("".join(f"folds: {fault}\n" for fault in faults))


def _is_fold(record: dict[str, Any]) -> bool:
    return bool(record.get("config", {}).get("split", {}).get("name") == "kfold")


def _results(found: Sequence["Experiment"]) -> tuple[list[tuple["Experiment", dict[str, Any]]], list[str]]:
    """The experiments that are whole with their summaries, and why the others are not."""
    from skinlab.folds.experiment import summarised

    results, faults = [], []
    for experiment in found:
        try:
            results.append((experiment, summarised(experiment)))
        except DataError as error:
            faults.append(str(error))
    return results, faults


def _write_page(path: Path, whole: Sequence[tuple["Experiment", dict[str, Any]]], faults: Sequence[str]) -> None:
    from skinlab import files
    from skinlab.report.folds_page import folds_page

    files.write_text(path, folds_page(whole, path.parent, faults))


def _content(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"schema_version": VERSION, "experiments": list(results)}


def _distinct(runs: Sequence["FoldRun"]) -> list["FoldRun"]:
    """Each run once: a run may be named together with its sweep."""
    return list({run.path.resolve(): run for run in runs}.values())


def _table(result: dict[str, Any]) -> str:
    from skinlab.evaluation.folds import format_folds
    from skinlab.folds.experiment import remarks

    differs = "".join(f" {key}={value}" for key, value in result["differs"].items())
    title = f"{result['experiment']}{differs}: {result['folds']} folds"
    return "\n".join([title, format_folds(result["metrics"], result["pooled"]), *remarks(result)]) + "\n"
