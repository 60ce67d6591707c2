"""The scores of the ISIC challenges by their official definitions.

As in the published package `isic-challenge-scoring` 5.6, to which these are compared in the tests: images may be
weighted, a category is called where its probability is above 0.5, and what no image defines counts as 1 ("a freebie").
These conventions are the challenges' own; the numbers of a run (metrics.py) leave such values undefined instead.
"""

from typing import Any

import numpy as np

from skinlab.evaluation import ranking
from skinlab.evaluation.metrics import Booleans, Floats, Integers, ratio
from skinlab.evaluation.ranking import Counts

CALLED_ABOVE = 0.5
MIN_SENSITIVITY = 0.8
UNDECIDED = -1
CHALLENGES = {
    "2016": "macro_average_precision",
    "2017": "macro_auc",
    "2018": "isic_balanced_accuracy",
    "2019": "isic_balanced_accuracy",
    "2020": "macro_auc",
    "2024": "partial_auc",
}
"""The number of `scores.WHOLE_LABELS` that each challenge's classification task was ranked by."""


def classification_scores(truth: Booleans, probabilities: Floats, weights: Floats | None = None) -> dict[str, Any]:
    """What `isic-challenge-scoring classification` computes.

    Args:
        truth: whether each image is of each category, bool [N, K]; one column for a binary task.
        probabilities: in 0..1, float64 [N, K].
        weights: weight of each image, float64 [N]; None: 1. An image of weight 0 does not count.

    Returns:
        `per_category`: a list of dicts with accuracy, sensitivity, specificity, dice, ppv, npv, auc, auc_sens_80 and
        ap; `macro_average`: their means; `balanced_accuracy`. An AUC without both classes is nan.

    >>> truth = np.array([[True], [False], [True]])
    >>> scores = classification_scores(truth, np.array([[0.9], [0.2], [0.4]]))
    >>> scores["macro_average"]["sensitivity"], scores["macro_average"]["ap"]
    (0.5, 1.0)
    """
    weights = np.ones(len(truth)) if weights is None else weights
    per_category = [
        category_scores(truth[:, column], probabilities[:, column], weights) for column in range(truth.shape[1])
    ]
    macro = {name: float(np.mean([scores[name] for scores in per_category])) for name in per_category[0]}
    targets, called = most_probable(truth.astype(np.float64)), most_probable(probabilities)
    balanced = balanced_accuracy(targets, called, truth.shape[1], weights)
    return {"per_category": per_category, "macro_average": macro, "balanced_accuracy": float(balanced)}


def category_scores(positives: Booleans, probabilities: Floats, weights: Floats) -> dict[str, float]:
    """The numbers of one category.

    Args:
        positives: bool [N].
        probabilities: float64 [N].
        weights: float64 [N].
    """
    called = probabilities > CALLED_ABOVE
    hit, missed = weights[positives & called].sum(), weights[positives & ~called].sum()
    alarm, kept = weights[~positives & called].sum(), weights[~positives & ~called].sum()
    counts = ranking.counts_by_threshold(positives, probabilities, weights)
    return {
        "accuracy": float(ratio(hit + kept, hit + kept + alarm + missed)),
        "sensitivity": _or_one(hit, hit + missed),
        "specificity": _or_one(kept, kept + alarm),
        "dice": _or_one(2 * hit, 2 * hit + alarm + missed),
        "ppv": _or_one(hit, hit + alarm),
        "npv": _or_one(kept, kept + missed),
        "auc": float(ranking.auc_of(counts)),
        "auc_sens_80": auc_above_sensitivity(counts),
        "ap": float(ranking.average_precision_of(counts)),
    }


def auc_above_sensitivity(counts: Counts, min_sensitivity: float = MIN_SENSITIVITY) -> float:
    """Area under the ROC curve, down to 0, right of where it reaches a sensitivity; not the area of ISIC 2024.

    Args:
        counts: by threshold, of one set of images.
        min_sensitivity: in 0..1.

    Returns:
        The area, 0..1; nan where one of the two classes has no image.
    """
    above = float(ranking.partial_auc_of(counts, min_sensitivity))
    if np.isnan(above):
        return above
    sensitivity = counts.true_positives / counts.true_positives[-1]
    fall_out = counts.false_positives / counts.false_positives[-1]
    after = int(np.searchsorted(sensitivity, min_sensitivity))
    pair = slice(after - 1, after + 1)
    return above + min_sensitivity * (1 - float(np.interp(min_sensitivity, sensitivity[pair], fall_out[pair])))


def most_probable(probabilities: Floats) -> Integers:
    """The category of the largest probability, `UNDECIDED` where several share it: int64 [N].

    >>> most_probable(np.array([[0.5, 0.5], [0.3, 0.7]])).tolist()
    [-1, 1]
    """
    largest = probabilities == probabilities.max(axis=1, keepdims=True)
    return np.where(largest.sum(axis=1) == 1, largest.argmax(axis=1), UNDECIDED).astype(np.int64)


def balanced_accuracy(targets: Integers, called: Integers, categories: int, weights: Floats) -> Floats:
    """Mean over the categories that occur of the fraction called so: float64 [...].

    Args:
        targets: int64 [N], an image that is `UNDECIDED` does not count.
        called: int64 [N], `UNDECIDED` is wrong.
        categories: how many there are.
        weights: float64 [..., N].
    """
    of_category = np.eye(categories)[targets] * (targets != UNDECIDED)[:, None]
    images = np.einsum("...n,nk->...k", weights, of_category)
    right = np.einsum("...n,nk->...k", weights, of_category * (called == targets)[:, None])
    fractions = ratio(right, images)
    occurring = (images > 0).sum(axis=-1)
    return ratio(np.nansum(fractions, axis=-1), occurring)


def _or_one(numerator: float, denominator: float) -> float:
    return float(numerator / denominator) if denominator else 1.0
