"""May these runs be ranked? Only on the same images with the same labels; what stands in the way is named.

Computes nothing but what the runs share.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, Literal

import numpy as np

from skinlab.comparison.arms import Arm, Finished
from skinlab.comparison.sampling import Images
from skinlab.data.wording import listed
from skinlab.errors import DataError
from skinlab.evaluation.metrics import positive_of
from skinlab.evaluation.scores import Levels
from skinlab.report.words import counted
from skinlab.serving.bundle import SIGNATURE
from skinlab.tested import Tested, read_tested

Mode = Literal["all", "common", "forced"]
"""Which images: all, which must be the same; those that are the same; those that are called the same."""
Reader = Callable[[Finished], Tested]
AT_LEVEL = {"sensitivity_at_specificity": "at_specificity", "specificity_at_sensitivity": "at_sensitivity"}
"""Metrics that mean something else where another level was declared."""


@dataclass(frozen=True)
class Fold:
    """The images that all runs of a fold have tested; runs that are no folds are all of one.

    Attributes:
        fold: which; None where the runs are no folds.
        runs: in the order of the models of `images`.
        image_ids: of the images, ascending.
        sha256: hashes of their files.
        images: with what each run says of them.
        trained: how many images were trained on, the fewest of any run.
    """

    fold: int | None
    runs: list[Finished]
    image_ids: list[str]
    sha256: list[str]
    images: Images
    trained: int

    def models(self, arm: Arm) -> list[int]:
        """Which models are those of an experiment."""
        paths = {run.path for run in arm.runs}
        return [place for place, run in enumerate(self.runs) if run.path in paths]


def reader(classes: Sequence[str]) -> Reader:
    """Reads the test subset of a run, each once, with the probabilities in one order of the classes."""
    known: dict[Path, Tested] = {}

    def read(run: Finished) -> Tested:
        if run.path not in known:
            own = run.record["classes"]
            known[run.path] = read_tested(run.path, list(classes if set(own) == set(classes) else own))
        return known[run.path]

    return read


# --- what stands in the way ----------------------------------------------------------------------------------------


def causes(found: Sequence[Arm], metric: str, read: Reader) -> list[str]:
    """Why these runs must not be ranked as they are, one line each; none where nothing stands in the way.

    Args:
        found: whose runs.
        metric: by which.
        read: gives the test subset of a run.

    Raises:
        DataError: a test subset cannot be read.
    """
    runs = [run for arm in found for run in arm.runs]
    said = list(_folds_differ(found))
    for run in runs[1:]:
        said += [f"{runs[0].path} and {run.path}: {cause}" for cause in _facts_differ(runs[0], run, metric)]
    for first, *others in _by_fold(runs).values():
        for run in others:
            if run.record["split_hash"] != first.record["split_hash"]:
                said += [f"{first.path} and {run.path}: {cause}" for cause in _images_differ(read(first), read(run))]
    return said


def _folds_differ(found: Sequence[Arm]) -> Iterator[str]:
    for arm in found[1:]:
        if arm.folds != found[0].folds:
            yield f"{found[0].name} is of {_folds(found[0])}, {arm.name} of {_folds(arm)}; skinlab folds joins folds"


def _folds(arm: Arm) -> str:
    numbers = [str(fold) for fold in arm.folds if fold is not None]
    return f"fold{'s' if len(numbers) > 1 else ''} {listed(numbers)}" if numbers else "no folds"


def _facts_differ(first: Finished, other: Finished, metric: str) -> Iterator[str]:
    """What differs before any image is looked at."""
    ours, theirs = first.record, other.record
    if set(ours["classes"]) != set(theirs["classes"]):
        yield f"the classes are {listed(ours['classes'])} and {listed(theirs['classes'])}"
    if (one := first.result["test"]["positive_class"]) != (two := other.result["test"]["positive_class"]):
        yield f"the positive class is {one or 'none'} and {two or 'none'}"
    if ours["label_revision"] != theirs["label_revision"]:
        yield f"the label revision is {_revision(ours)} and {_revision(theirs)}"
    if (level := AT_LEVEL.get(metric)) and first.result["test"][level] != other.result["test"][level]:
        yield f"evaluation.{level} is {first.result['test'][level]:g} and {other.result['test'][level]:g}"
    decode, otherwise = _decode(first.path), _decode(other.path)
    if decode and otherwise and decode != otherwise:
        keys = [key for key in decode | otherwise if decode.get(key) != otherwise.get(key)]
        told = "; ".join(f"{key} {decode.get(key)} and {otherwise.get(key)}" for key in keys)
        yield f"the images were decoded otherwise: {told}"


def _revision(record: dict[str, Any]) -> str:
    return str(record["label_revision"])[:12] if record["label_revision"] else "none (no corrections)"


def _decode(run: Path) -> dict[str, Any]:
    """How the images of a run became pixels, as its bundle says; nothing where it does not."""
    try:
        found = json.loads((run / "bundle" / SIGNATURE).read_text(encoding="utf-8"))["decode"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def _images_differ(one: Tested, other: Tested) -> Iterator[str]:
    """How two test subsets differ, image by image."""
    ours, theirs = _by_id(one), _by_id(other)
    both = sorted(ours.keys() & theirs.keys())
    groups = {
        "are in the first alone": sorted(ours.keys() - theirs.keys()),
        "are in the other alone": sorted(theirs.keys() - ours.keys()),
        "have another content": [name for name in both if ours[name][0] != theirs[name][0]],
        "have another label": [name for name in both if ours[name][1] != theirs[name][1]],
    }
    for said, names in groups.items():
        if names:
            verb = said if len(names) > 1 else said.replace("are", "is", 1).replace("have", "has", 1)
            yield f"{counted(len(names), 'test image')} {verb}: {listed(names)}"


def _by_id(tested: Tested) -> dict[str, tuple[str, str]]:
    """Content and label of each image."""
    contents = zip(tested.sha256, tested.labels, strict=True)
    return dict(zip(tested.image_ids, contents, strict=True))


# --- what is shared ------------------------------------------------------------------------------------------------


def shared(found: Sequence[Arm], mode: Mode, read: Reader) -> list[Fold]:
    """The images on which runs are compared, by fold.

    Args:
        found: whose runs.
        mode: which images; with `all` there must be no `causes`. Where labels differ, the first run's are taken.
        read: gives the test subset of a run.

    Raises:
        DataError: the runs share no image or fold, or what they say of them cannot be scored.
    """
    runs = [run for arm in found for run in arm.runs]
    for run in runs[1:]:
        if set(run.record["classes"]) != set(runs[0].record["classes"]):
            raise DataError(f"{runs[0].path} and {run.path} have other classes: no option makes them comparable")
    common = set.intersection(*(set(arm.folds) for arm in found))
    folds = [_fold(fold, of_fold, mode, read) for fold, of_fold in _by_fold(runs).items() if fold in common]
    if not folds:
        raise DataError("the experiments share no fold: run those that are missing, or name runs of the same fold")
    return folds


def _by_fold(runs: Sequence[Finished]) -> dict[int | None, list[Finished]]:
    grouped: dict[int | None, list[Finished]] = {}
    for run in runs:
        grouped.setdefault(run.fold, []).append(run)
    return grouped


def _fold(fold: int | None, runs: list[Finished], mode: Mode, read: Reader) -> Fold:
    tested = [read(run) for run in runs]
    names = _shared_names(tested, mode)
    if not names:
        raise DataError(f"{runs[0].path} and the others share no test image: they cannot be compared")
    first, own = runs[0], {name: row for row, name in enumerate(tested[0].image_ids)}
    index = {name: code for code, name in enumerate(first.record["classes"])}
    rows = [own[name] for name in names]
    test = first.result["test"]
    images = Images(
        targets=np.array([index[tested[0].labels[row]] for row in rows], dtype=np.int64),
        groups=[tested[0].groups[row] for row in rows],
        probabilities=[_probabilities(run, of_run, names) for run, of_run in zip(runs, tested, strict=True)],
        thresholds=[run.threshold for run in runs],
        positive=positive_of({"classes": index, "positive_class": test["positive_class"]}),
        levels=Levels(specificity=test["at_specificity"], sensitivity=test["at_sensitivity"]),
    )
    trained = min(of_run.trained for of_run in tested)
    return Fold(fold, runs, names, [tested[0].sha256[row] for row in rows], images, trained)


def _shared_names(tested: Sequence[Tested], mode: Mode) -> list[str]:
    """Ids of the images that count, ascending."""
    if mode == "forced":
        return sorted(set.intersection(*(set(of_run.image_ids) for of_run in tested)))
    contents = [set(_by_id(of_run).items()) for of_run in tested]
    return sorted(name for name, _ in set.intersection(*contents))


def _probabilities(run: Finished, tested: Tested, names: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """What a run says of these images: float64 [N, C]."""
    place = {name: row for row, name in enumerate(tested.image_ids)}
    found = np.array([tested.probabilities[place[name]] for name in names], dtype=np.float64)
    finite = np.isfinite(found).all(axis=1)
    if bad := [names[row] for row in np.flatnonzero(~finite).tolist()]:
        raise DataError(f"{run.path}: predictions of {len(bad)} test images are not finite numbers: {listed(bad)}")
    return found


def pairs_of(found: Sequence[Arm], reference: Arm | None) -> list[tuple[Arm, Arm]]:
    """Which experiments are compared: each two, or each with the reference."""
    if reference is None:
        return list(combinations(found, 2))
    return [(reference, arm) for arm in found if arm is not reference]
