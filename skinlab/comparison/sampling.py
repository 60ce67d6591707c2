"""How much a number of several models, and their differences, would vary with other test images drawn like these.

The models are scored on the same images, so they vary together: what counts is a covariance for each two of them. It
has a closed form for the AUC and for proportions; for anything else the same resamples are scored by all models.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np

from skinlab.evaluation import intervals, metrics
from skinlab.evaluation.metrics import Booleans, Floats, Integers
from skinlab.evaluation.ranking import roc_auc
from skinlab.evaluation.scores import Levels, Predictions, column, scorer
from skinlab.evaluation.summary import BINARY

if TYPE_CHECKING:
    from skinlab.evaluation.intervals import Contributions

PROPORTIONS = ("accuracy", "sensitivity", "specificity")
"""Metrics that are a fraction of images which are the same for every model."""
LOWER_IS_BETTER = ("brier", "log_loss", "ece")
SEED = 0
"""Of the bootstrap: one for all, so that the order in which runs are named plays no part."""


class Sampled(Protocol):
    """A metric of K models on the same images."""

    values: list[float]
    freedom: float
    """Degrees of freedom behind the covariances; inf where they are taken as known."""
    method: str

    def covariance(self, one: int, other: int) -> float:
        """Of two models over the choice of images; of one with itself, its variance. nan where it is not defined."""
        ...


@dataclass(frozen=True)
class Images:
    """Test images and what K models say of them, in one order.

    Attributes:
        targets: true classes, int64 [N].
        groups: lesion or patient of each, None where not known.
        probabilities: of each model, K arrays float64 [N, C].
        thresholds: of each model; for more than two classes not used.
        positive: index of the positive class; None: of more than two classes none is.
        levels: at which specificity sensitivity is given, and the reverse.
    """

    targets: Integers
    groups: Sequence[str | None]
    probabilities: Sequence[Floats]
    thresholds: Sequence[float]
    positive: int | None
    levels: Levels

    @property
    def classes(self) -> int:
        """How many there are."""
        return int(self.probabilities[0].shape[1])

    @cached_property
    def units(self) -> Integers:
        """The independent unit of each image: its group, or itself."""
        return intervals.unit_codes(self.groups, len(self.targets))

    @property
    def clustered(self) -> bool:
        """Whether any unit has several images."""
        return len(np.unique(self.units)) < len(self.targets)

    def decisions(self, model: int) -> Integers:
        """What a model calls each image."""
        return metrics.decide(self.probabilities[model], self.positive, self.thresholds[model])

    def scorers(self) -> list[Predictions]:
        """What each model says, ready for `scorer`."""
        return [
            Predictions(self.targets, self.decisions(model), found, self.positive)
            for model, found in enumerate(self.probabilities)
        ]


def all_values(images: Images) -> Floats:
    """Every number of `scores.columns` of each model: float64 [K, columns]."""
    once = np.ones((1, len(images.targets)))
    return np.concatenate([scorer(found, images.levels)(once) for found in images.scorers()])


def sampled(metric: str, images: Images, resamples: int) -> Sampled:
    """A metric with what is known of its sampling.

    Args:
        metric: a key of the metrics of a summary.
        images: with the models.
        resamples: of the bootstrap, where one is needed.
    """
    if metric == "auc" and images.classes == BINARY and images.positive is not None:
        return Areas(images, images.positive)
    if metric in PROPORTIONS:
        return Shares(metric, images)
    return Resamples(metric, images, resamples)


class Areas:
    """The AUC of each model, with DeLong's covariances."""

    def __init__(self, images: Images, positive: int) -> None:
        positives = images.targets == positive
        scores = [found[:, positive] for found in images.probabilities]
        units = images.units if images.clustered else None
        self._parts: list[Contributions | None] = [intervals.contributions(positives, of, units) for of in scores]
        self.values = [roc_auc(positives, of) for of in scores]
        self.freedom = float("inf")
        self.method = "DeLong, paired" + (", clustered" if images.clustered else "")

    def covariance(self, one: int, other: int) -> float:
        """By the structural components."""
        first, second = self._parts[one], self._parts[other]
        return float("nan") if first is None or second is None else intervals.delong_covariance(first, second)


class Shares:
    """A proportion of each model: the covariances of means of units (Obuchowski, Statistics in Medicine 17:1495, 1998).

    Attributes:
        hits: which images count, bool [K, n], of the n images that the proportion is of.
    """

    def __init__(self, metric: str, images: Images) -> None:
        of = _whose(metric, images)
        self.hits = np.stack([_hits(metric, images, model)[of] for model in range(len(images.probabilities))])
        _, codes = np.unique(images.units[of], return_inverse=True)
        count, size = int(codes.max(initial=-1)) + 1, self.hits.shape[1]
        self.values = [float(hits.mean()) if size else float("nan") for hits in self.hits]
        self._units = [
            np.bincount(codes, weights=hits - value, minlength=count) / size
            for hits, value in zip(self.hits, self.values, strict=True)
            if size
        ]
        self._factor = count / (count - 1) if count > 1 else float("nan")
        self.freedom = float(count - 1)
        self.method = "proportions, paired" + (", clustered" if images.clustered else "")

    def covariance(self, one: int, other: int) -> float:
        """Of the means of the units."""
        if not self._units:
            return float("nan")
        return float(np.sum(self._units[one] * self._units[other])) * self._factor

    def discordant(self, one: int, other: int) -> tuple[int, int]:
        """Images that count for the first model alone, and for the other alone."""
        first, second = self.hits[one], self.hits[other]
        return int((first & ~second).sum()), int((second & ~first).sum())


def _whose(metric: str, images: Images) -> Booleans:
    """The images that a proportion is of."""
    if metric == "accuracy":
        return np.ones(len(images.targets), dtype=bool)
    positive: Booleans = images.targets == images.positive
    return positive if metric == "sensitivity" else ~positive


def _hits(metric: str, images: Images, model: int) -> Booleans:
    decisions = images.decisions(model)
    right: Booleans = decisions == images.targets
    called: Booleans = decisions == images.positive
    return {"accuracy": right, "sensitivity": called, "specificity": ~called}[metric]


class Resamples:
    """Any metric of each model, with the covariances over resamples that all models share."""

    def __init__(self, metric: str, images: Images, resamples: int) -> None:
        place = column(metric, images.classes, images.positive)
        scores = [scorer(found, images.levels, only=[place]) for found in images.scorers()]

        def values(weights: Floats) -> Floats:
            return np.concatenate([score(weights) for score in scores], axis=1)

        self.values = values(np.ones((1, len(images.targets))))[0].tolist()
        self._drawn = intervals.resampled(
            values, len(images.targets), images.groups, resamples=resamples, seed=SEED, strata=images.targets
        )
        in_class = [len(np.unique(images.units[images.targets == code])) for code in np.unique(images.targets)]
        self.freedom = float(min(in_class, default=0) - 1)
        self.method = "bootstrap, paired" + (", clustered" if images.clustered else "")

    def covariance(self, one: int, other: int) -> float:
        """Over the resamples in which both are defined; nan where these are fewer than half."""
        pair = self._drawn[:, [one, other]]
        defined = pair[np.isfinite(pair).all(axis=1)]
        if 2 * len(defined) < len(pair) or len(defined) <= 1:
            return float("nan")
        residuals = defined - defined.mean(axis=0)
        return float(np.sum(residuals[:, 0] * residuals[:, 1]) / (len(defined) - 1))
