"""Every number of one set of predictions at once, for any number of resamples of its images.

The value that is reported and the resamples behind its interval come from the same lines here.
"""

from collections.abc import Callable
from dataclasses import dataclass

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
        positive: index of the positive class.
    """

    targets: Integers
    decisions: Integers
    probabilities: Floats
    positive: int

    @property
    def classes(self) -> int:
        """How many there are, C."""
        return int(self.probabilities.shape[1])


def columns(classes: int) -> list[tuple[str, int | None]]:
    """Names of the columns of `scorer`, with the class of those that are of one."""
    whole: list[tuple[str, int | None]] = [(name, None) for name in WHOLE_LABELS]
    return whole + [(name, code) for code in range(classes) for name in CLASS_LABELS]


def scorer(predictions: Predictions, levels: Levels) -> Callable[[Floats], Floats]:
    """A function from how often each image counts, float64 [R, N], to all numbers, float64 [R, columns]."""
    ones, targets = np.arange(len(predictions.targets)), predictions.targets
    cells = np.zeros((len(ones), predictions.classes**2))
    cells[ones, targets * predictions.classes + predictions.decisions] = 1
    losses = metrics.log_losses(targets, predictions.probabilities)
    errors = metrics.squared_errors(targets, predictions.probabilities)
    stated = calibration.confidence(targets, predictions.probabilities, predictions.positive)
    called = isic.most_probable(predictions.probabilities)

    def score(weights: Floats) -> Floats:
        matrices = _counted(weights, cells).reshape(len(weights), predictions.classes, predictions.classes)
        counts = [
            ranking.counts_by_threshold(targets == code, predictions.probabilities[:, code], weights)
            for code in range(predictions.classes)
        ]
        by_class = _by_class(matrices, counts)
        images = weights.sum(axis=1)
        whole = {
            **_of_all_classes(by_class, predictions),
            "partial_auc": ranking.partial_auc_of(counts[predictions.positive]),
            "accuracy": metrics.accuracy(matrices),
            "balanced_accuracy": metrics.balanced_accuracy(matrices),
            "isic_balanced_accuracy": isic.balanced_accuracy(targets, called, predictions.classes, weights),
            "sensitivity_at_specificity": ranking.sensitivity_at_of(counts[predictions.positive], levels.specificity),
            "specificity_at_sensitivity": ranking.specificity_at_of(counts[predictions.positive], levels.sensitivity),
            "brier": metrics.ratio(np.einsum("rn,n->r", weights, errors), images),
            "log_loss": metrics.ratio(np.einsum("rn,n->r", weights, losses), images),
            "ece": calibration.ece_of(calibration.binned(stated, weights)),
        }
        own = [by_class[name][:, code] for code in range(predictions.classes) for name in CLASS_LABELS]
        return np.stack([*(whole[name] for name in WHOLE_LABELS), *own], axis=1)

    return score


def _counted(weights: Floats, cells: Floats) -> Floats:
    """Whole numbers, so a matrix product is exact however it is summed."""
    counted: Floats = weights @ cells
    return counted


def _by_class(matrices: Floats, counts: list[Counts]) -> dict[str, Floats]:
    """Numbers of each class against the rest: float64 [R, C] by name."""
    return {
        "auc": np.stack([ranking.auc_of(of_class) for of_class in counts], axis=1),
        "average_precision": np.stack([ranking.average_precision_of(of_class) for of_class in counts], axis=1),
        "sensitivity": metrics.sensitivity(matrices),
        "specificity": metrics.specificity(matrices),
        "precision": metrics.precision(matrices),
        "npv": metrics.npv(matrices),
        "f1": metrics.f1(matrices),
    }


def _of_all_classes(by_class: dict[str, Floats], predictions: Predictions) -> dict[str, Floats]:
    """Means over the classes; of two classes, the positive one's."""
    if predictions.classes == calibration.BINARY:
        own = slice(predictions.positive, predictions.positive + 1)
    else:
        own = slice(None)
    return {
        "macro_auc": by_class["auc"][:, own].mean(axis=1),
        "macro_average_precision": by_class["average_precision"][:, own].mean(axis=1),
    }
