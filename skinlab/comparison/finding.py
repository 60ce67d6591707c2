"""Which run directories a user means: a run, a sweep, a pattern, the name of an experiment, an id. Reads no results."""

import glob
from collections.abc import Iterable, Sequence
from pathlib import Path

from skinlab.data.wording import listed, nearest
from skinlab.errors import DataError
from skinlab.run import RUN_FILE
from skinlab.runs import naming, places
from skinlab.sweeps.state import SWEEP_FILE

PATTERN = frozenset("*?[")


def find_runs(words: Sequence[str], output_dir: Path) -> list[Path]:
    """The directories of all runs that are meant, each once, in the order given; those of a sweep by their number.

    Args:
        words: each a run directory, a folder of them (as a sweep is), a pattern of either, an experiment's name (its
            sweeps are part of it), or a short name: `latest`, or the beginning or the end of the id of a run or a
            sweep.
        output_dir: where `runs/NAME` and `sweeps/NAME` of an experiment are.

    Raises:
        DataError: a word means nothing that is there.
    """
    found = [run for word in words for run in _meant(word, output_dir)]
    known: dict[Path, Path] = {}
    for run in found:
        known.setdefault(run.resolve(), run)
    return list(known.values())


def _meant(word: str, output_dir: Path) -> list[Path]:
    path = Path(word)
    if path.is_dir():
        if runs := _below(path):
            return runs
        raise DataError(f"{path} is neither a run nor a sweep: it has no {RUN_FILE}, nor has any directory in it")
    if PATTERN & set(word):
        matches = _ordered(map(Path, glob.glob(word)))  # noqa: PTH207 - Path.glob takes no absolute pattern
        if runs := [run for match in matches if match.is_dir() for run in _below(match)]:
            return runs
        raise DataError(f"no run matches {word}")
    if runs := _of_experiment(word, output_dir) if path.name == word else []:
        return runs
    if runs := _by_id(word, output_dir):
        return runs
    folders = [output_dir / kind for kind in (places.RUNS, places.SWEEPS)]
    known = {experiment.name for folder in folders if folder.is_dir() for experiment in folder.iterdir()}
    raise DataError(
        f"{word} is neither a directory nor an experiment with runs in {output_dir}{nearest(word, sorted(known))}, "
        "nor does the id of a run or a sweep begin or end so; `skinlab runs` lists them"
    )


def _of_experiment(name: str, output_dir: Path) -> list[Path]:
    """Its single runs, then those of its sweeps."""
    sweeps = (output_dir / places.SWEEPS / name).glob(f"*/{SWEEP_FILE}")
    return [
        *_below(output_dir / places.RUNS / name),
        *(run for file in sorted(sweeps) for run in _below(file.parent)),
    ]


def _by_id(word: str, output_dir: Path) -> list[Path]:
    """The run that a short name means, or the runs of the sweep; none where nothing is called so."""
    if word == naming.LATEST:
        return [naming.resolve(word, output_dir)]
    runs = list(places.runs_below(output_dir))
    if "/" in word:  # one run of a sweep
        called = {run: [run] for run in naming.matching(word, runs, output_dir)}
    else:
        called = {}
        for run in runs:
            whole = run.parent if places.is_of_sweep(run, output_dir) else run
            if naming.matches(word, whole.name):
                called.setdefault(whole, []).append(run)
    if len(called) > 1:
        raise DataError(f"{word}: {len(called)} runs or sweeps are called so: {listed(sorted(map(str, called)))}")
    return _ordered(run for found in called.values() for run in found)


def _below(path: Path) -> list[Path]:
    """The run of this directory, or those of the directories in it."""
    if (path / RUN_FILE).exists():
        return [path]
    return _ordered(file.parent for file in path.glob(f"*/{RUN_FILE}"))


def _ordered(paths: Iterable[Path]) -> list[Path]:
    """Numbers by their size: 9 before 10."""
    return sorted(paths, key=lambda path: (len(path.name), path.name))
