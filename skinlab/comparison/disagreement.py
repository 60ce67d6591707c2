"""The images that decide: those that one experiment calls rightly and another wrongly, with what each looked at.

Pictures come from the data set that was declared, if it is still there; heat maps come from the bundles. The number of
both is bounded.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from skinlab.comparison.arms import Arm, Finished, best_first
from skinlab.comparison.comparing import Comparison
from skinlab.comparison.gate import Fold
from skinlab.comparison.verdict import Pair
from skinlab.config.redeclare import redeclare
from skinlab.data.images import decode, read_bytes
from skinlab.data.parallel import usable_cpus
from skinlab.data.sources import load
from skinlab.errors import DataError, SkinlabError
from skinlab.evaluation.explain import overlay
from skinlab.report.galleries import SIDE, jpeg
from skinlab.serving import loading
from skinlab.serving.explaining import Explainer

MOST_PAIRS = 3
SHOWN = 6
"""Images of each kind."""


@dataclass(frozen=True)
class Answer:
    """What one run says of an image: the class, its probability, and a JPEG with what it looked at."""

    decision: str
    probability: float
    heat: bytes | None


@dataclass(frozen=True)
class Disputed:
    """An image on which two runs disagree; `image` is a JPEG, None where it cannot be had."""

    image_id: str
    truth: str
    image: bytes | None
    one: Answer
    other: Answer


@dataclass(frozen=True)
class Disagreement:
    """The images of a pair.

    Attributes:
        one: name of the first experiment.
        other: name of the second.
        seeds: of the two runs that stand for them.
        one_right: images that the first alone calls rightly, in all.
        other_right: those of the second.
        shown: some of them, those first on which the runs are farthest apart; half of each kind.
        missing: why there are no pictures or heat maps; None where nothing is missing.
    """

    one: str
    other: str
    seeds: tuple[int, int]
    one_right: int
    other_right: int
    shown: list[Disputed]
    missing: str | None


def disagreements(comparison: Comparison) -> list[Disagreement]:
    """The disputed images of the pairs that rank highest on validation, at most three."""
    ranked = best_first([one.arm for one in comparison.standings], comparison.question.metric)
    rank = {arm.name: place for place, arm in enumerate(ranked)}
    by_name = {arm.name: arm for arm in ranked}
    pairs = sorted(comparison.pairs, key=lambda pair: rank[pair.one] + rank[pair.other])[:MOST_PAIRS]
    return [_of_pair(comparison.folds[0], pair, by_name) for pair in pairs]


def _of_pair(fold: Fold, pair: Pair, by_name: dict[str, Arm]) -> Disagreement:
    one, other = (fold.models(by_name[name])[0] for name in (pair.one, pair.other))
    right = [fold.images.decisions(model) == fold.images.targets for model in (one, other)]
    first, second = _farthest(fold, one, other, right[0] & ~right[1]), _farthest(fold, one, other, right[1] & ~right[0])
    rows, missing = [*first, *second], None
    try:
        contents = _contents(fold, fold.runs[one], rows)
    except SkinlabError as error:
        contents, missing = {}, f"the images cannot be shown: {error}"
    looks = [_Look(fold.runs[model]) for model in (one, other)]
    missing = missing or next(filter(None, (look.why for look in looks)), None)
    with ThreadPoolExecutor(usable_cpus()) as pool:
        shown = list(pool.map(lambda row: _disputed(fold, (one, other), looks, row, contents.get(row)), rows))
    return Disagreement(
        one=pair.one,
        other=pair.other,
        seeds=(fold.runs[one].seed, fold.runs[other].seed),
        one_right=int((right[0] & ~right[1]).sum()),
        other_right=int((right[1] & ~right[0]).sum()),
        shown=shown,
        missing=missing,
    )


def _farthest(fold: Fold, one: int, other: int, of: NDArray[np.bool_]) -> list[int]:
    """Rows of the images whose truth the two runs hold for most differently probable."""
    rows, targets = np.flatnonzero(of), fold.images.targets
    truths = [fold.images.probabilities[model][rows, targets[rows]] for model in (one, other)]
    apart = np.abs(truths[0] - truths[1])
    order = sorted(range(len(rows)), key=lambda place: (-apart[place], fold.image_ids[rows[place]]))
    return [int(rows[place]) for place in order[:SHOWN]]


# --- pictures ------------------------------------------------------------------------------------------------------


def _contents(fold: Fold, run: Finished, rows: Sequence[int]) -> dict[int, bytes]:
    """The files of these images, each with the content that was scored.

    Raises:
        SkinlabError: the data set is not there any more, or is another one.
    """
    manifest = load(redeclare(run.record["config"], [], ()).dataset)
    paths = dict(zip(manifest.image_ids, manifest.paths, strict=True))
    found = {}
    for row in rows:
        name = fold.image_ids[row]
        if name not in paths:
            raise DataError(f"{name} is not in the data set any more")
        content = read_bytes(paths[name])
        if sha256(content).hexdigest() != fold.sha256[row]:
            raise DataError(f"{name} is another file than the one that was scored")
        found[row] = content
    return found


class _Look:
    """Where a run looks; `why` says why that is not known, None where it is."""

    def __init__(self, run: Finished) -> None:
        self.why: str | None = None
        try:
            bundle = loading.load(run.path)
            self._explainer = Explainer(bundle)
            self.size, self._bundle = bundle.image_size, bundle
        except SkinlabError as error:
            self.why = f"no heat maps: {error}"
            self.size = SIDE

    def heat(self, content: bytes, class_index: int) -> bytes | None:
        """A JPEG of the image with the heat map of a class."""
        if self.why:
            return None
        image = self._bundle.decode(content)
        return jpeg(overlay(image, self._explainer.heat_map(image, class_index)))


def _disputed(fold: Fold, models: tuple[int, int], looks: Sequence[_Look], row: int, content: bytes | None) -> Disputed:
    truth = fold.runs[0].record["classes"][int(fold.images.targets[row])]
    one, other = (_answer(fold, model, look, row, content) for model, look in zip(models, looks, strict=True))
    image = None if content is None else jpeg(decode(content, max(look.size for look in looks)))
    return Disputed(fold.image_ids[row], truth, image, one, other)


def _answer(fold: Fold, model: int, look: _Look, row: int, content: bytes | None) -> Answer:
    """What a run says; the classes of its bundle may stand in another order than those of the probabilities here."""
    decision = int(fold.images.decisions(model)[row])
    name = fold.runs[0].record["classes"][decision]
    own = fold.runs[model].record["classes"].index(name)
    heat = None if content is None else look.heat(content, own)
    return Answer(name, float(fold.images.probabilities[model][row, decision]), heat)
