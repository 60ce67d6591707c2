"""`skinlab compare RUN RUN...`: whether one experiment is better than another; on the terminal, as JSON, as a page."""

import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from skinlab.commands.arguments import Parser
from skinlab.errors import ConfigError, DataError

if TYPE_CHECKING:
    from skinlab.comparison.comparing import Comparison, Question
    from skinlab.comparison.gate import Mode

WIDTH = 160
"""Of a table that is not for a terminal."""
MOST_CAUSES = 10
"""Reasons that are printed; JSON and page have all."""
HELP = """usage: skinlab compare RUN RUN... [--metric NAME] [--top N] [--common | --force] [--json] [--out PAGE.html]

Say whether one experiment is better than another: the declared keys in which they differ beside their numbers, each
difference with its interval, and a verdict. Runs that differ in the seed alone are one experiment, and the verdict is
then about methods, not about single models; so are the folds of a cross-validation.

  RUN              a run directory, a sweep, a pattern of these, the name of an experiment (outputs/runs/NAME/*),
                   latest, or the beginning or the end of the id of a run or a sweep
  --metric NAME    what decides: auc (default), accuracy, balanced_accuracy, sensitivity, brier, ...
  --top N          compare only the N best by the metric on the validation subset
  --reference RUN  compare each with this one; else each two, of more than six each with the best on validation
  --each           every run by itself, also where runs differ in the seed alone
  --common         runs with other test subsets: compare on the images with the same name, content and label
  --force          compare on the images of the same name, whatever else differs; the output says so
  --json           print the numbers instead of the tables
  --out PAGE.html  also write a page, with ROC curves and the images on which the best disagree

Runs that are not finished are named and left out. Runs whose test images, labels, label revision, classes or decoding
differ are not ranked, and the difference is named.

Research software: nothing it prints is a diagnosis, and a difference on phantoms says nothing about medicine.
"""


def main(argv: list[str]) -> int:
    """Run `skinlab compare ARGV`.

    Returns:
        0.

    Raises:
        ConfigError: wrong arguments.
        DataError: nothing to compare, runs that cannot be read, or runs that are not comparable.
        OutputError: the page cannot be written.
    """
    options = _options(argv)
    if options.help:
        sys.stdout.write(HELP)
        return 0
    question = _question(options)
    from skinlab.comparison.arms import open_runs
    from skinlab.comparison.comparing import compare
    from skinlab.comparison.finding import find_runs
    from skinlab.config.defaults import output_dir

    comparison = compare(*open_runs(find_runs(options.runs, output_dir())), question)
    _print(comparison, as_json=options.json)
    if options.out is not None:
        _write(comparison, options.out)
    if not comparison.ranked:
        raise DataError(_refusal(comparison))
    return 0


def _options(argv: list[str]) -> Namespace:
    parser = Parser("compare")
    parser.add_argument("runs", nargs="*", default=[])
    parser.add_argument("--metric", default="auc")
    parser.add_argument("--top", type=int)
    parser.add_argument("--reference")
    parser.add_argument("--each", action="store_true")
    parser.add_argument("--common", action="store_true")
    parser.add_argument("--force", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--out", type=Path)
    return parser.parse_intermixed_args(argv)


def _question(options: Namespace) -> "Question":
    """What is asked, checked.

    Raises:
        ConfigError: it makes no sense.
        DataError: the reference is no run.
    """
    from skinlab.comparison.comparing import Question
    from skinlab.comparison.finding import find_runs
    from skinlab.config.defaults import output_dir
    from skinlab.data.wording import nearest
    from skinlab.evaluation.summary import METRICS

    if not options.runs:
        raise ConfigError("name runs, a sweep or an experiment; see skinlab compare --help")
    if options.metric not in METRICS:
        hint = nearest(options.metric, METRICS)
        raise ConfigError(f"--metric {options.metric}: no such number{hint}; there are {', '.join(METRICS)}")
    if options.top is not None and options.top <= 1:
        raise ConfigError(f"--top {options.top}: a comparison needs at least 2")
    if options.common and options.force:
        raise ConfigError("--common and --force exclude each other: the first compares what is the same, the other all")
    mode: Mode = "common" if options.common else "forced" if options.force else "all"
    reference = None if options.reference is None else find_runs([options.reference], output_dir())[0]
    return Question(options.metric, mode, options.top, options.each, reference)


def _print(comparison: "Comparison", *, as_json: bool) -> None:
    """The comparison on stdout, what must be known of it on stderr."""
    from skinlab import files
    from skinlab.comparison import comparing, tables
    from skinlab.records import RESEARCH_NOTE

    said = [f"left out: {one.path}: {one.why}" for one in comparison.left_out]
    said += [RESEARCH_NOTE, comparison.note, *comparison.remarks, tables.looked(comparison) or ""]
    if comparison.ranked and comparison.causes:
        said += [f"not comparable, and compared all the same (--{_mode(comparison)}):", *_few(comparison.causes)]
    sys.stderr.write("".join(f"skinlab compare: {line}\n" for line in said if line))
    if as_json:
        sys.stdout.write(files.json_text(comparing.as_json(comparison)))
        return
    from rich.console import Console

    tables.show(comparison, Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False))


def _mode(comparison: "Comparison") -> str:
    return "common" if comparison.question.mode == "common" else "force"


def _few(causes: list[str]) -> list[str]:
    more = len(causes) - MOST_CAUSES
    return [*causes[:MOST_CAUSES], *([f"and {more} more reasons"] if more > 0 else [])]


def _refusal(comparison: "Comparison") -> str:
    lines = ["not ranked, because the runs are not comparable:", *_few(comparison.causes)]
    runs = [run for one in comparison.standings for run in one.arm.runs]
    if len({frozenset(run.record["classes"]) for run in runs}) > 1:
        return "\n".join([*lines, "no option compares runs with different classes"])
    return "\n".join([*lines, "--common compares on the test images that are the same, --force on those of one name"])


def _write(comparison: "Comparison", path: Path) -> None:
    from skinlab import files
    from skinlab.comparison.page import comparison_page

    files.write_text(path, comparison_page(comparison))
    sys.stderr.write(f"skinlab compare: written: {path}\n")
