"""Runs that are the folds of one experiment: joined where they are, refused where they are not. Writes nothing."""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from skinlab.config.differences import differing, flattened
from skinlab.data.wording import listed
from skinlab.errors import DataError
from skinlab.evaluation.folds import across
from skinlab.evaluation.metrics import positive_of
from skinlab.evaluation.operating_rule import DEFAULT
from skinlab.evaluation.scores import Levels
from skinlab.evaluation.summary import Settings, summarise
from skinlab.folds.reading import FoldRun

NOTE = (
    "sd is the spread between folds (divisor n - 1), not a standard error: training subsets overlap "
    "(Bengio and Grandvalet, JMLR 5:1089, 2004)"
)


@dataclass(frozen=True)
class Experiment:
    """Runs that differ in nothing but the fold.

    Attributes:
        runs: finished or not, in the order given.
        differs: the keys in which it differs from the other experiments of its sweep, with its values.
    """

    runs: list[FoldRun]
    differs: dict[str, Any]

    @property
    def folds(self) -> int:
        """How many there should be."""
        return self.runs[0].folds

    @property
    def sweeps_folds(self) -> bool:
        """Whether more than one fold was run at all."""
        return len({run.fold for run in self.runs}) > 1

    def by_fold(self) -> list[FoldRun]:
        """One finished run of each fold, in their order.

        Raises:
            DataError: a fold is missing or there twice; says how it gets a result.
        """
        found: dict[int, FoldRun] = {}
        for run in self.runs:
            if not run.is_finished:
                continue
            if run.fold in found:
                raise DataError(
                    f"fold {run.fold} is there twice: {found[run.fold].path} and {run.path}; name one of them"
                )
            found[run.fold] = run
        if missing := [fold for fold in range(self.folds) if fold not in found]:
            raise DataError(_missing(self, missing))
        return [found[fold] for fold in sorted(found)]


def experiments(runs: Sequence[FoldRun]) -> list[Experiment]:
    """The runs by their declaration, in the order given."""
    grouped: dict[str, list[FoldRun]] = {}
    for run in runs:
        grouped.setdefault(json.dumps(run.declaration, sort_keys=True), []).append(run)
    flat = [flattened(group[0].declaration) for group in grouped.values()]
    keys = differing(flat)
    return [
        Experiment(group, {key: values.get(key) for key in keys})
        for group, values in zip(grouped.values(), flat, strict=True)
    ]


def the_only(found: Sequence[Experiment]) -> Experiment:
    """The experiment that all runs are of.

    Raises:
        DataError: they are of several; names the keys and the values of two.
    """
    if len(found) > 1:
        one, other = found[0], found[1]
        keys = [key for key in one.differs if one.differs[key] != other.differs[key]]
        said = "; ".join(f"{key}: {_text(one.differs[key])} and {_text(other.differs[key])}" for key in keys[:3])
        more = f" and {len(keys) - 3} more keys" if len(keys) > 3 else ""  # noqa: PLR2004 - as many as are shown
        raise DataError(
            f"{one.runs[0].path} and {other.runs[0].path} are not folds of one experiment: "
            f"they differ in {said}{more}; name runs that differ in split.fold alone"
        )
    return found[0]


def summarised(experiment: Experiment) -> dict[str, Any]:
    """The numbers of a complete cross-validation, ready for JSON.

    Returns:
        The metrics as `evaluation.folds.across` gives them and the summary of the pooled test predictions, with what
        identifies the experiment.

    Raises:
        DataError: a fold is missing or there twice, the folds are not of the same data, or an image is not tested
            exactly once.
    """
    runs = experiment.by_fold()
    _check_same_data(runs)
    _check_tested_once(runs)
    pooled = _pooled(runs)
    first = runs[0]
    return {
        "experiment": first.declaration["name"],
        "differs": experiment.differs,
        "note": first.result["note"],
        "folds": experiment.folds,
        "dataset_fingerprint": first.run.record["dataset_fingerprint"],
        "label_revision": first.run.record["label_revision"],
        "code": _codes(runs),
        "sd_note": NOTE,
        "metrics": across([run.summary for run in runs], pooled),
        "pooled": pooled,
    }


def remarks(result: Mapping[str, Any]) -> list[str]:
    """What a reader must know of the numbers besides how they are made: one line each."""
    return [f"Note: {said}." for said in filter(None, [result["note"], *mixed_code(result)])]


def mixed_code(result: Mapping[str, Any]) -> list[str]:
    """That the folds were run with different code, if they were."""
    codes = result["code"]
    return [f"the folds were run with different code: {', '.join(codes)}"] if len(codes) > 1 else []


def _pooled(runs: Sequence[FoldRun]) -> dict[str, Any]:
    """All test predictions together, evaluated as those of one run; each is called by the threshold of its fold."""
    first, config = runs[0].summary, runs[0].declaration["evaluation"]
    classes = list(first["classes"])
    index = {name: code for code, name in enumerate(classes)}
    thresholds = [DEFAULT if run.summary["threshold"] is None else run.summary["threshold"] for run in runs]
    return summarise(
        np.array([index[label] for run in runs for label in run.tested.labels], dtype=np.int64),
        np.array([row for run in runs for row in run.tested.probabilities], dtype=np.float64),
        classes,
        positive_of(first),
        [group for run in runs for group in run.tested.groups],
        Settings(
            confidence=config["confidence"],
            resamples=config["bootstrap"],
            seed=runs[0].declaration["seed"],
            levels=Levels(specificity=config["at_specificity"], sensitivity=config["at_sensitivity"]),
            threshold=thresholds[0],
        ),
        thresholds=np.repeat(thresholds, [len(run.tested.labels) for run in runs]),
    )


# --- is it one, and whole ------------------------------------------------------------------------------------------


def _missing(experiment: Experiment, folds: Sequence[int]) -> str:
    """Which folds have no result, and how each gets one."""
    unfinished = {run.fold: run for run in experiment.runs if not run.is_finished}
    said = "; ".join(_remedy(fold, unfinished.get(fold), experiment.runs[0]) for fold in folds)
    differs = "".join(f" {key}={_text(value)}" for key, value in experiment.differs.items())
    number = f"{len(folds)} of {experiment.folds} folds{f' of{differs}' if differs else ''}"
    return (
        f"{number} {'have' if len(folds) > 1 else 'has'} no result: {said}; then run `skinlab folds` with all of them"
    )


def _remedy(fold: int, run: FoldRun | None, other: FoldRun) -> str:
    if run is not None and run.run.status == "running":
        return f"fold {fold} is running in {run.path}"
    if run is not None:
        reason = run.run.record["error"]
        why = f"{run.run.status}{f' ({reason})' if reason else ''}"
        return f"fold {fold} {why}: `{shlex.join(['skinlab', 'resume', str(run.path)])}`"
    typed = other.overrides()
    words = ["skinlab", "train", *(typed or ["..."]), f"split.fold={fold}"]
    return f"fold {fold} was not run: `{shlex.join(words) if typed is not None else ' '.join(words)}`"


def _check_same_data(runs: Sequence[FoldRun]) -> None:
    for key in ("label_revision", "dataset_fingerprint", "classes"):
        for run in runs[1:]:
            one, other = runs[0].run.record[key], run.run.record[key]
            if one != other:
                raise DataError(
                    f"{runs[0].path} and {run.path} were not run on the same data: {key} is {_text(one)} and "
                    f"{_text(other)}; run one of them again on the data of the other"
                )


def _check_tested_once(runs: Sequence[FoldRun]) -> None:
    seen: dict[str, int] = {}
    twice = []
    for run in runs:
        twice += [image_id for image_id in run.tested.image_ids if image_id in seen]
        seen.update(dict.fromkeys(run.tested.image_ids, run.fold))
    never = sorted(set().union(*(run.tested.others for run in runs)) - set(seen))
    for what, names in (("in two folds", sorted(twice)), ("in no fold", never)):
        if names:
            raise DataError(f"{len(names)} images are tested {what}: {listed(names)}; the folds are not of one split")


def _codes(runs: Sequence[FoldRun]) -> list[str]:
    """The versions of the code that the folds were run with; one is as it should be."""
    codes = [run.run.record["code"] for run in runs]
    return list(dict.fromkeys(" ".join([code["version"], (code["commit"] or "")[:12]]).strip() for code in codes))


def _text(value: Any) -> str:
    """A value in a message; a hash by its beginning."""
    text = value if isinstance(value, str) else json.dumps(value)
    return text[:12] if len(text) == 64 else text  # noqa: PLR2004 - of a SHA-256
