"""Every number of one set of predictions at once, for any number of resamples of its images.

The value that is reported and the resamples behind its interval come from the same lines here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from skinlab.evaluation import calibration, isic, metrics, ranking
from skinlab.evaluation.metrics import Floats, Integers
from skinlab.evaluation.ranking import Counts

CLASS_LABELS = {
    "auc": "AUC",
    "average_precision": "Average precision",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "precision": "Precision",
    "npv": "Negative predictive value",
    "f1": "F1",
}
"""Numbers of one class against the rest."""
WHOLE_LABELS = {
    "macro_auc": "AUC, macro",
    "macro_average_precision": "Average precision, macro",
    "partial_auc": "Partial AUC",
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "isic_balanced_accuracy": "Balanced accuracy of the most probable class",
    "sensitivity_at_specificity": "Sensitivity at specificity",
    "specificity_at_sensitivity": "Specificity at sensitivity",
    "brier": "Brier score",
    "log_loss": "Log loss",
    "ece": "Expected calibration error",
}
"""Numbers of all classes together, or of the positive one alone."""
OF_POSITIVE = ("partial_auc", "sensitivity_at_specificity", "specificity_at_sensitivity")
"""Of `WHOLE_LABELS` those of the positive class: without one there are none."""


@dataclass(frozen=True)
class Levels:
    """At which specificity sensitivity is given, and the reverse."""

    specificity: float
    sensitivity: float


@dataclass(frozen=True)
class Predictions:
    """What was predicted of N images of C classes.

    Attributes:
        targets: true classes, int64 [N].
        decisions: what each image is called, int64 [N].
        probabilities: float64 [N, C], finite.
        positive: index of the positive class; None: of more than two classes none is.
    """

    targets: Integers
    decisions: Integers
    probabilities: Floats
    positive: int | None

    @property
    def classes(self) -> int:
        """How many there are, C."""
        return int(self.probabilities.shape[1])


def columns(classes: int, positive: int | None) -> list[tuple[str, int | None]]:
    """Names of the columns of `scorer`, with the class of those that are of one."""
    known = [name for name in WHOLE_LABELS if positive is not None or name not in OF_POSITIVE]
    whole: list[tuple[str, int | None]] = [(name, None) for name in known]
    return whole + [(name, code) for code in range(classes) for name in CLASS_LABELS]


def column(metric: str, classes: int, positive: int | None) -> int:
    """Where a metric of a summary stands among `columns`."""
    names = columns(classes, positive)
    if metric == "auc" and classes > calibration.BINARY:
        return names.index(("macro_auc", None))
    return names.index((metric, None)) if (metric, None) in names else names.index((metric, positive))


def scorer(predictions: Predictions, levels: Levels, only: Sequence[int] | None = None) -> Callable[[Floats], Floats]:
    """A function from how often each image counts, float64 [R, N], to numbers, float64 [R, columns].

    Args:
        predictions: of the images.
        levels: of the two numbers at a level.
        only: which of `columns`, where not all are wanted.
    """
    names = columns(predictions.classes, predictions.positive)
    scored = _Scored(predictions, levels)
    wanted = names if only is None else [names[place] for place in only]

    def score(weights: Floats) -> Floats:
        drawn = _Drawn(scored, weights)
        return np.stack([drawn.value(name, code) for name, code in wanted], axis=1)

    return score


class _Scored:
    """What numbers need of the predictions, whatever the resample."""

    def __init__(self, predictions: Predictions, levels: Levels) -> None:
        ones, targets = np.arange(len(predictions.targets)), predictions.targets
        self.predictions, self.levels = predictions, levels
        self.cells = np.zeros((len(ones), predictions.classes**2))
        self.cells[ones, targets * predictions.classes + predictions.decisions] = 1
        self.losses = metrics.log_losses(targets, predictions.probabilities)
        self.errors = metrics.squared_errors(targets, predictions.probabilities)
        self.stated = calibration.confidence(targets, predictions.probabilities, predictions.positive)
        self.called = isic.most_probable(predictions.probabilities)


class _Drawn:
    """The numbers of resamples; what several of them need is computed once, what none needs is not."""

    def __init__(self, scored: _Scored, weights: Floats) -> None:
        self._scored, self._weights = scored, weights
        self._counts: dict[int, Counts] = {}

    def value(self, name: str, code: int | None) -> Floats:
        """One column, float64 [R]."""
        return self._of_class(name, code) if code is not None else self._whole(name)

    def _of_class(self, name: str, code: int) -> Floats:
        """A number of a class against the rest."""
        ranked = {"auc": ranking.auc_of, "average_precision": ranking.average_precision_of}
        if name in ranked:
            return ranked[name](self._count(code))
        decided: Floats = self._decided[name][:, code]
        return decided

    def _whole(self, name: str) -> Floats:
        """A number of all classes together, or of the positive one alone."""
        scored = self._scored
        ways: dict[str, Callable[[], Floats]] = {
            "macro_auc": lambda: self._mean_over_classes("auc"),
            "macro_average_precision": lambda: self._mean_over_classes("average_precision"),
            "accuracy": lambda: metrics.accuracy(self._matrices),
            "balanced_accuracy": lambda: metrics.balanced_accuracy(self._matrices),
            "isic_balanced_accuracy": self._isic_balanced_accuracy,
            "brier": lambda: self._mean(scored.errors),
            "log_loss": lambda: self._mean(scored.losses),
            "ece": lambda: calibration.ece_of(calibration.binned(scored.stated, self._weights)),
        }
        if (positive := scored.predictions.positive) is not None:
            levels, counts = scored.levels, partial(self._count, positive)
            ways |= {
                "partial_auc": lambda: ranking.partial_auc_of(counts()),
                "sensitivity_at_specificity": lambda: ranking.sensitivity_at_of(counts(), levels.specificity),
                "specificity_at_sensitivity": lambda: ranking.specificity_at_of(counts(), levels.sensitivity),
            }
        return ways[name]()

    @cached_property
    def _matrices(self) -> Floats:
        """Confusion matrices [R, C, C]; whole numbers, so a matrix product is exact however it is summed."""
        classes = self._scored.predictions.classes
        return (self._weights @ self._scored.cells).reshape(len(self._weights), classes, classes)

    @cached_property
    def _decided(self) -> dict[str, Floats]:
        """Numbers of decisions, of each class against the rest: float64 [R, C] by name."""
        return {
            "sensitivity": metrics.sensitivity(self._matrices),
            "specificity": metrics.specificity(self._matrices),
            "precision": metrics.precision(self._matrices),
            "npv": metrics.npv(self._matrices),
            "f1": metrics.f1(self._matrices),
        }

    def _count(self, code: int) -> Counts:
        predictions = self._scored.predictions
        if code not in self._counts:
            of_class = predictions.probabilities[:, code]
            self._counts[code] = ranking.counts_by_threshold(predictions.targets == code, of_class, self._weights)
        return self._counts[code]

    def _mean_over_classes(self, name: str) -> Floats:
        """The mean over the classes; of two, the positive one's."""
        classes, positive = self._scored.predictions.classes, self._scored.predictions.positive
        own = range(classes) if positive is None or classes > calibration.BINARY else [positive]
        mean: Floats = np.stack([self._of_class(name, code) for code in own], axis=1).mean(axis=1)
        return mean

    def _isic_balanced_accuracy(self) -> Floats:
        predictions = self._scored.predictions
        return isic.balanced_accuracy(predictions.targets, self._scored.called, predictions.classes, self._weights)

    def _mean(self, values: Floats) -> Floats:
        """Of a number of each image."""
        return metrics.ratio(np.einsum("rn,n->r", self._weights, values), self._weights.sum(axis=1))
