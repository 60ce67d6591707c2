"""`skinlab evaluate RUN [dataset=...]`: a finished run's bundle scored on another data set, or again on its own."""

import shlex
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from skinlab.commands.arguments import declaring_parser
from skinlab.commands.scoring_progress import scoring_bar
from skinlab.errors import BundleError, ConfigError

if TYPE_CHECKING:
    from skinlab import schema
    from skinlab.rescoring import OnOverlap, Rescored
    from skinlab.run import Run

ALLOWED = (
    "dataset",
    "split",
    "evaluation.subgroups",
    "evaluation.smallest_subgroup",
    "evaluation.confidence",
    "evaluation.bootstrap",
)
"""What may be declared anew; the rest of `evaluation` is part of the bundle."""
HELP = """usage: skinlab evaluate RUN [dataset=...] [split=...] [--subset test|all] [--on-overlap fail|drop|warn]

Score a finished run with its bundle, on another data set or again on its own test subset. Numbers, predictions, plots
and a record of the data go to a new directory, RUN/evaluations/<data set>-<time>-<id>/; the run is not changed.

  RUN                a run directory, or its short name (skinlab runs)
  dataset=...        the data set, declared as for skinlab train; dataset.KEY=VALUE alone changes that of the run
  split=...          with --subset test: which images are its test subset
  evaluation.KEY=... subgroups, smallest_subgroup, confidence or bootstrap, where the run's own do not fit
  --subset SUBSET    all images, or those of the test subset (default: all; test on the run's own data set)
  --on-overlap RULE  images that the run has trained on or selected with: fail (default), drop them, or warn
  --threads N        images computed beside each other (default: one a processor); never changes a result
  --config-dir DIR   a further folder of configuration

The classes must be those of the run; dataset.classes merges labels: 'dataset.classes={malignant: [mel], benign: [nv]}'

Research software: nothing it prints is a diagnosis, and it must not be used for one.
"""


def main(argv: list[str]) -> int:
    """Run `skinlab evaluate ARGV`.

    Returns:
        0.

    Raises:
        ConfigError: wrong arguments or overrides.
        BundleError: the run has no bundle that can be used.
        DataError: the data cannot be used, has other classes, or overlaps with what the run has seen.
        OutputError: there is no such run, or the result cannot be written.
    """
    options = _options(argv)
    if options.help:
        sys.stdout.write(HELP)
        return 0
    from skinlab.evaluation.tables import format_scored
    from skinlab.records import RESEARCH_NOTE
    from skinlab.runs.naming import resolve

    done = evaluate(
        resolve(options.overrides[0]),
        options.overrides[1:],
        options.config_dirs,
        subset=options.subset,
        on_overlap=options.on_overlap,
        threads=options.threads,
        command=shlex.join(["skinlab", "evaluate", *argv]),
    )
    for line in [RESEARCH_NOTE, *filter(None, [done.result["note"]]), *done.remarks]:
        sys.stderr.write(f"skinlab evaluate: {line}\n")
    sys.stdout.write(f"{format_scored(done.result, done.result['dataset'])}\n\nevaluation directory: {done.path}\n")
    return 0


def evaluate(
    path: Path,
    overrides: Sequence[str],
    config_dirs: Sequence[Path] = (),
    *,
    subset: str | None,
    on_overlap: "OnOverlap",
    threads: int | None,
    command: str,
) -> "Rescored":
    """Score a finished run on the data set that the overrides declare.

    Args:
        path: its directory.
        overrides: of `ALLOWED`.
        config_dirs: further folders of configuration.
        subset: test or all; None: all images of another data set, the test subset of the run's own.
        on_overlap: what is done about images that the run has seen.
        threads: images computed beside each other.
        command: for the record.

    Raises:
        SkinlabError: as `main`.
    """
    from skinlab.config.redeclare import redeclare
    from skinlab.rescoring import rescore
    from skinlab.run import Run
    from skinlab.serving import loading

    run = Run.open(path)
    if run.status != "finished":
        raise BundleError(f"{run.path} is {run.status}: only a finished run can be evaluated")
    bundle = loading.load(run.path)
    config = redeclare(run.record["config"], overrides, ALLOWED, config_dirs)
    split = _split(overrides, subset, config, run)
    return rescore(run, bundle, config, split, on_overlap, command, scoring_bar, threads)


def _options(argv: list[str]) -> Namespace:
    parser = declaring_parser("evaluate")
    parser.add_argument("--subset", choices=["test", "all"])
    parser.add_argument("--on-overlap", choices=["fail", "drop", "warn"], default="fail")
    parser.add_argument("--threads", type=int)
    options = parser.parse_intermixed_args(argv)
    if options.help:
        return options
    if options.multirun:
        raise ConfigError("skinlab evaluate scores one data set: leave out -m")
    if not options.overrides or "=" in options.overrides[0]:
        raise ConfigError("needs a run: skinlab evaluate RUN [dataset=...]; see skinlab evaluate --help")
    if options.threads is not None and options.threads < 1:
        raise ConfigError(f"--threads {options.threads}: must be at least 1")
    return options


def _split(overrides: Sequence[str], subset: str | None, config: "schema.Config", run: "Run") -> "schema.Split | None":
    """The split whose test subset is scored; None for all images."""
    from skinlab import schema
    from skinlab.config.redeclare import root

    declared = {root(text) for text in overrides} - {"evaluation"}
    subset = subset or ("all" if declared else "test")
    if subset == "test" and declared:
        return config.split
    if subset == "test":
        _refuse_shuffled(config.dataset)
        return schema.FileSplit(name="file", path=str(run.path / "split.csv"), on_mismatch="fail")
    if "split" in declared:
        raise ConfigError("split=... is for --subset test: without it all images are scored")
    return None


def _refuse_shuffled(dataset: "schema.Dataset") -> None:
    """Labels that were permuted by the seed of a drawn split are other ones where the split comes from a file."""
    if dataset.shuffle_labels:
        raise ConfigError(
            "the run is a negative control on shuffled labels, whose own test score is in its summary.json: name "
            "another data set to score, dataset=..."
        )
