"""What is compared: finished runs, and those that differ in seed or fold alone taken together as one experiment."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Any

from skinlab.comparison.sampling import LOWER_IS_BETTER
from skinlab.config.differences import differing, flattened
from skinlab.errors import OutputError
from skinlab.run import Run

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CODE = "code"
"""Beside the declared keys: in which the runs of one declaration may differ."""
NOT_COMPARED = ("output_dir", "tracking", "sweep")
"""Keys, and sections, that say where a run lies, who is told of it and how it was found, not what it is."""
REPEATED = ("seed", "split.fold")
"""Keys in which the runs of one experiment may differ; the code does not count unless nothing else differs."""


@dataclass(frozen=True)
class LeftOut:
    """A run that is not compared, and why."""

    path: Path
    why: str


@dataclass(frozen=True)
class Finished:
    """A finished run; predictions are not read here.

    Attributes:
        path: its directory.
        record: the content of run.json.
        result: the content of summary.json.
    """

    path: Path
    record: dict[str, Any]
    result: dict[str, Any]

    @cached_property
    def declared(self) -> dict[str, Any]:
        """What was declared and with which code, by dotted key."""
        flat = flattened(self.record["config"])
        return {key: value for key, value in flat.items() if key.partition(".")[0] not in NOT_COMPARED} | {
            CODE: self.code
        }

    def identity(self, *without: str) -> str:
        """What was declared, without some keys."""
        return json.dumps({key: value for key, value in self.declared.items() if key not in without}, sort_keys=True)

    @property
    def seed(self) -> int:
        """Of the training."""
        seed: int = self.record["config"]["seed"]
        return seed

    @property
    def fold(self) -> int | None:
        """Which part is the test subset; None where the run is no fold."""
        split = self.record["config"]["split"]
        return split["fold"] if split["name"] == "kfold" else None

    @property
    def code(self) -> str:
        """Version, commit, and whether files differed from it."""
        code = self.record["code"]
        commit = (code["commit"] or "")[:12]
        return " ".join(filter(None, [code["version"], commit, "with changed files" if code.get("dirty") else ""]))

    @property
    def threshold(self) -> float:
        """From which probability on an image is called positive."""
        threshold = self.result["test"]["threshold"]
        return 0.5 if threshold is None else float(threshold)

    def validation(self, metric: str) -> float | None:
        """The value of a metric on the validation subset."""
        entry = self.result.get("validation", {}).get("metrics", {}).get(metric, {})
        value: float | None = entry.get("value")
        return value


@dataclass(frozen=True)
class Arm:
    """An experiment: its runs differ in seed and fold alone.

    Attributes:
        name: a letter.
        runs: by fold, then by seed.
        differs: the keys in which it differs from the other experiments, with its values.
    """

    name: str
    runs: list[Finished]
    differs: dict[str, Any]

    @property
    def seeds(self) -> list[int]:
        """All of them, ascending."""
        return sorted({run.seed for run in self.runs})

    @property
    def folds(self) -> list[int | None]:
        """All of them, ascending; only None where the runs are no folds."""
        return sorted({run.fold for run in self.runs}, key=lambda fold: -1 if fold is None else fold)

    def validation(self, metric: str) -> float | None:
        """Mean of a metric on the validation subset; None where a run has none."""
        values = [run.validation(metric) for run in self.runs]
        known = [value for value in values if value is not None]
        return fmean(known) if len(known) == len(values) else None


def open_runs(paths: Iterable[Path]) -> tuple[list[Finished], list[LeftOut]]:
    """The finished runs among these, and why the others are left out."""
    finished, left_out = [], []
    for path in paths:
        try:
            opened = _open(path)
        except OutputError as error:
            opened = str(error)
        if isinstance(opened, Finished):
            finished.append(opened)
        else:
            left_out.append(LeftOut(path, opened))
    return finished, left_out


def _open(path: Path) -> Finished | str:
    """The run, or why it cannot be compared."""
    try:
        run = Run.open(path)
        if run.status != "finished":
            reason = run.record.get("error")
            return f"{run.status}{f' ({reason})' if reason else ''}"
        found = Finished(path, run.record, json.loads((path / "summary.json").read_text(encoding="utf-8")))
        _check(found)
    except OSError as error:
        return f"summary.json cannot be read ({error.strerror})"
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return f"it is not as skinlab writes it ({error!r})"
    return found


def _check(run: Finished) -> None:
    """Look at all that a comparison takes from both files, so that what is missing is said here."""
    _ = run.identity(), run.seed, run.fold, run.threshold, run.validation("auc"), run.result["note"]
    _ = [run.record[key] for key in ("classes", "label_revision", "split_hash")]
    _ = [run.record["config"]["evaluation"][key] for key in ("confidence", "bootstrap")]
    _ = [run.result["test"][key] for key in ("metrics", "positive_class", "at_specificity", "at_sensitivity")]


@dataclass(frozen=True)
class Best:
    """Only so many experiments, the best by a metric on the validation subset."""

    count: int
    metric: str


def arms(runs: Sequence[Finished], *, each: bool = False, best: Best | None = None) -> tuple[list[Arm], list[LeftOut]]:
    """The experiments that runs are of, named A, B, C, ... in the order given or, with `best`, by validation.

    Runs that differ in nothing but seed, fold and code are one experiment. Where all are, those of the same code are;
    where all are that too, or with `each`, every run is one by itself. Of two runs with the same seed and fold the one
    that finished later is taken: the other would count twice.

    Returns:
        The experiments, and the runs that were left out.
    """
    groups, without, left_out = _grouped(runs, each=each)
    if best is not None:
        groups = [arm.runs for arm in best_first([Arm("", group, {}) for group in groups], best.metric)[: best.count]]
    return _named(groups, without), left_out


def _grouped(runs: Sequence[Finished], *, each: bool) -> tuple[list[list[Finished]], Sequence[str], list[LeftOut]]:
    """The runs by experiment, the keys in which those of one may differ, and the runs that were left out."""
    for differing_in in () if each else ((*REPEATED, CODE), REPEATED):
        grouped: dict[str, list[Finished]] = {}
        for run in runs:
            grouped.setdefault(run.identity(*differing_in), []).append(run)
        if len(grouped) > 1:
            groups = [_distinct(group) for group in grouped.values()]
            return [newest for newest, _ in groups], differing_in, [one for _, gone in groups for one in gone]
    return [[run] for run in runs], (), []


def _distinct(group: Sequence[Finished]) -> tuple[list[Finished], list[LeftOut]]:
    """One run for each fold and seed."""
    newest: dict[tuple[int, int], Finished] = {}
    for run in sorted(group, key=lambda run: (run.record.get("finished") or "", str(run.path))):
        newest[-1 if run.fold is None else run.fold, run.seed] = run
    kept = [newest[key] for key in sorted(newest)]
    paths = {run.path for run in kept}
    said = "the same declaration and seed were run again later"
    return kept, [LeftOut(run.path, said) for run in group if run.path not in paths]


def _named(groups: Sequence[Sequence[Finished]], without: Sequence[str]) -> list[Arm]:
    """The groups with their names, and the keys in which they differ, `without` those that differ inside a group."""
    declared = [{key: value for key, value in group[0].declared.items() if key not in without} for group in groups]
    keys = differing(declared)
    return [
        Arm(letters(place), list(group), {key: values.get(key) for key in keys})
        for place, (group, values) in enumerate(zip(groups, declared, strict=True))
    ]


def letters(place: int) -> str:
    """The name of the n-th experiment.

    >>> letters(0), letters(25), letters(26), letters(27)
    ('A', 'Z', 'AA', 'AB')
    """
    first, last = divmod(place, len(LETTERS))
    return (letters(first - 1) if first else "") + LETTERS[last]


def best_first(found: Sequence[Arm], metric: str) -> list[Arm]:
    """By the validation subset alone; those without a number last, equals in the order given."""
    sign = 1 if metric in LOWER_IS_BETTER else -1

    def place(arm: Arm) -> tuple[bool, float]:
        value = arm.validation(metric)
        return value is None, 0.0 if value is None else sign * value

    return sorted(found, key=place)
