"""Which run directories a user means: a run, a sweep, a pattern, the name of an experiment. Opens none of them."""

import glob
from collections.abc import Iterable, Sequence
from pathlib import Path

from skinlab.data.wording import nearest
from skinlab.errors import DataError
from skinlab.run import RUN_FILE

PATTERN = frozenset("*?[")


def find_runs(words: Sequence[str], output_dir: Path) -> list[Path]:
    """The directories of all runs that are meant, each once, in the order given; those of a sweep by their number.

    Args:
        words: each a run directory, a folder of them (as a sweep is), a pattern of either, or an experiment's name.
        output_dir: where `runs/NAME` of an experiment is.

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
    experiments = output_dir / "runs"
    if runs := _below(experiments / word) if path.name == word else []:
        return runs
    known = [folder.name for folder in experiments.iterdir()] if experiments.is_dir() else []
    raise DataError(
        f"{word} is neither a directory nor an experiment with runs in {experiments}{nearest(word, sorted(known))}"
    )


def _below(path: Path) -> list[Path]:
    """The run of this directory, or those of the directories in it."""
    if (path / RUN_FILE).exists():
        return [path]
    return _ordered(file.parent for file in path.glob(f"*/{RUN_FILE}"))


def _ordered(paths: Iterable[Path]) -> list[Path]:
    """Numbers by their size: 9 before 10."""
    return sorted(paths, key=lambda path: (len(path.name), path.name))
